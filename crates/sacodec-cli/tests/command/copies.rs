//! Takes, and those that `lose` and `repair` made of them.

use std::fs;
use std::path::Path;

use sacodec_testing::write_noise;

use super::takes::{lines, run};

/// Two takes in a folder and the folder below it, and a lossy one of each beside them.
fn takes(folder: &Path) {
    for (seed, name) in [(1, "takes/a.wav"), (2, "takes/b/c.wav")] {
        write_noise(&folder.join(name), 24_000, 1, 24_000, seed);
    }
    run(folder, &["encode", "takes"], 0);
    run(folder, &["lose", "takes", "--loss", "30%"], 0);
    assert!(folder.join("takes/b/c.lossy.sac").is_file());
}

#[test]
fn what_is_counted_is_counted_once_and_the_rest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    takes(folder.path());
    let output = run(folder.path(), &["stats", "takes", "--json"], 0);
    assert_eq!(lines(&output)[0]["takes"], 2, "{}", lines(&output)[0]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("skipped 2 takes that `lose` made of others beside them"), "{said}");
    let output = run(folder.path(), &["dataset", "takes", "--to", "jsonl", "--output", "rows"], 0);
    assert!(String::from_utf8_lossy(&output.stderr).contains("skipped 2 takes"), "{output:?}");
    let mut rows = fs::read_dir(folder.path().join("rows")).unwrap().map(|entry| entry.unwrap().path());
    let shard = rows.find(|path| path.extension().is_some_and(|e| e == "jsonl")).unwrap();
    assert_eq!(fs::read_to_string(shard).unwrap().lines().count(), 2);
    // By name, and where the other is not beside it, it is a take like all.
    fs::create_dir(folder.path().join("alone")).unwrap();
    fs::rename(folder.path().join("takes/a.lossy.sac"), folder.path().join("alone/a.lossy.sac")).unwrap();
    let alone = lines(&run(folder.path(), &["stats", "alone", "takes/b/c.lossy.sac", "--json"], 3));
    assert_eq!(alone.last().unwrap()["takes"], 2, "{alone:?}");
}

#[test]
fn a_folder_is_compared_with_that_of_its_lossy_takes_from_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    takes(folder.path());
    fs::create_dir_all(folder.path().join("lossy/b")).unwrap();
    for name in ["a", "b/c"] {
        let [from, to] = ["takes", "lossy"].map(|at| folder.path().join(format!("{at}/{name}.lossy.sac")));
        fs::rename(from, to).unwrap();
    }
    for folders in [["takes", "lossy"], ["lossy", "takes"]] {
        let reports = lines(&run(folder.path(), &[&["compare"], &folders[..], &["--json"]].concat(), 3));
        assert_eq!(reports.last().unwrap()["compared"], 2, "{reports:?}");
        assert!(reports[..2].iter().all(|report| report["semantic_percent"] == 100.0), "{reports:?}");
    }
    run(folder.path(), &["compare", "takes/a.sac", "lossy"], 3);
    // Beside its own, a lossy take is no partner of another's, whichever folder comes first.
    fs::create_dir(folder.path().join("whole")).unwrap();
    fs::copy(folder.path().join("takes/a.sac"), folder.path().join("whole/a.sac")).unwrap();
    fs::copy(folder.path().join("lossy/a.lossy.sac"), folder.path().join("takes/a.lossy.sac")).unwrap();
    fs::remove_dir_all(folder.path().join("takes/b")).unwrap();
    for folders in [["takes", "whole"], ["whole", "takes"]] {
        let output = run(folder.path(), &[&["compare"], &folders[..], &["--json"]].concat(), 1);
        let reports = lines(&output);
        assert_eq!(reports.last().unwrap()["compared"], 1, "{reports:?}");
        assert!(
            reports
                .iter()
                .any(|report| report["error"].as_str().is_some_and(|error| error.contains("a.lossy.sac"))),
            "{reports:?}"
        );
    }
    // Two that may be meant are none.
    fs::copy(folder.path().join("lossy/a.lossy.sac"), folder.path().join("lossy/a.repaired.sac")).unwrap();
    let said = run(folder.path(), &["compare", "takes/a.sac", "lossy"], 1).stderr;
    assert!(String::from_utf8_lossy(&said).contains("lossy/a.sac could not be opened"));
}

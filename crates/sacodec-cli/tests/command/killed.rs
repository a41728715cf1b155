//! Processes that are killed at any moment: what they did not finish is done by the next one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sacodec_testing::write_noise;

use super::takes::{command, run, tree};

/// Every result in a folder; what a killed process leaves is hidden.
fn results(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_shown = |path: &Path| !path.file_name().unwrap().to_string_lossy().starts_with('.');
    tree(folder).into_iter().filter(|(path, _)| is_shown(path)).collect()
}

/// How many results are there: files may come and go while they are counted.
fn count(folder: &Path) -> usize {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    entries.filter(|e| e.file_type().is_file() && !e.file_name().to_string_lossy().starts_with('.')).count()
}

#[test]
fn a_run_that_is_killed_at_random_moments_and_resumed_gives_what_an_undisturbed_one_gives() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..10 {
        write_noise(&folder.path().join(format!("in/{}/{seed}.wav", seed % 3)), 16_000, 1, 24_000, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    let mut random = fastrand::Rng::with_seed(19);
    let cases: [&[&str]; 3] = [
        &["encode", "in", "--jobs", "2"],
        &["decode", "takes", "--jobs", "2"],
        &["convert", "takes", "--to", "npy,wav", "--jobs", "2"],
    ];
    for arguments in cases {
        let _ = fs::remove_file(folder.path().join("run.jsonl"));
        run(folder.path(), &[arguments, &["--output", "alone"]].concat(), 0);
        let resumed = [arguments, &["--output", "out", "--skip-existing", "--report", "run.jsonl"]].concat();
        let (mut killed, out) = (0, folder.path().join("out"));
        loop {
            let mut child =
                command(folder.path(), &resumed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // After none to three further results, and then at any moment: while one is made, named or told.
            let wanted = count(&out) + random.usize(..4);
            while count(&out) < wanted && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random.u64(..60_000)));
            let _ = child.kill();
            let status = child.wait().unwrap();
            if status.success() {
                break;
            }
            assert_eq!(status.signal(), Some(9), "{arguments:?}: {status:?}");
            killed += 1;
        }
        assert!(killed > 0, "{arguments:?}: it was never killed");
        let (found, due) = (results(&out), results(&folder.path().join("alone")));
        assert_eq!(found.keys().collect::<Vec<_>>(), due.keys().collect::<Vec<_>>(), "{arguments:?}");
        assert!(found == due, "{arguments:?}: other results after {killed} kills");
        run(folder.path(), &["check", "run.jsonl", "--sources"], 0);
        for name in ["out", "alone"] {
            fs::remove_dir_all(folder.path().join(name)).unwrap();
        }
    }
}

//! `sacodec stats`: how takes use the codebooks.

use std::path::Path;

use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_take::{Anchor, GapReason, Header, TakeSerializer};
use sacodec_testing::write_noise;

use super::takes::{lines, run};

/// A take of these semantic tokens; the acoustic one is always 5. `None` is missing.
fn write_take(path: &Path, tokens: &[Option<u16>]) {
    let model = CodecModel::embedded().unwrap();
    let mut writer = TakeSerializer::new(Header::new(&model, 1, 24_000.0)).unwrap();
    writer.anchor(Anchor::default());
    for token in tokens {
        match token {
            Some(semantic) => writer.frame(&[TokenFrame { semantic: *semantic, acoustic: 5 }]).unwrap(),
            None => writer.gap(1, GapReason::Damage).unwrap(),
        }
    }
    writer.finish("test", None, Vec::new());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, writer.take_bytes()).unwrap();
}

#[test]
fn codes_pairs_hours_and_folders_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_take(&path("takes/anna/one/a.sac"), &[Some(1), Some(2), Some(1), Some(2)]);
    write_take(&path("takes/anna/two/b.sac"), &[Some(3); 71]);
    write_take(&path("takes/bert/c.sac"), &[Some(999), Some(999)]);
    let all = lines(&run(folder.path(), &["stats", "takes", "--json"], 0)).remove(0);
    assert_eq!((&all["takes"], &all["frames"], &all["missing_frames"]), (&3.into(), &77.into(), &0.into()));
    assert!((all["hours"].as_f64().unwrap() - 77.0 / 75.0 / 3600.0).abs() < 1e-9);
    let semantic = &all["semantic"];
    assert_eq!((&semantic["codes"], &semantic["used"]), (&1000.into(), &4.into()));
    assert_eq!(semantic["dead"].as_array().unwrap().len(), 996);
    assert_eq!(semantic["counts"][999], 2);
    // No pair reaches from one take into the next.
    assert_eq!(
        (&semantic["bigrams"], &semantic["top_bigrams"][0]),
        (&4.into(), &serde_json::json!([3, 3, 70]))
    );
    assert_eq!((&all["acoustic"]["used"], &all["acoustic"]["entropy_bits"]), (&1.into(), &0.0.into()));
    let of = |all: &serde_json::Value| -> Vec<(String, u64)> {
        let folders = all["folders"].as_array().unwrap().iter();
        folders.map(|f| (f["folder"].as_str().unwrap().into(), f["takes"].as_u64().unwrap())).collect()
    };
    assert_eq!(of(&all), [("anna".into(), 2), ("bert".into(), 1)]);
    assert_eq!(all["folders"][0]["semantic"]["used"], 3);
    let deep = lines(&run(folder.path(), &["stats", "takes", "--json", "--folders", "2"], 0)).remove(0);
    assert_eq!(of(&deep).len(), 3);
    let text = String::from_utf8(run(folder.path(), &["stats", "takes"], 0).stdout).unwrap();
    assert!(
        text.contains("4 of 1000 codes used")
            && text.contains("996 dead codes: 0, 4, 5")
            && text.contains("anna"),
        "{text}"
    );
}

#[test]
fn what_is_missing_is_told_and_parts_the_pairs() {
    let folder = tempfile::tempdir().unwrap();
    write_take(&folder.path().join("a.sac"), &[Some(1), None, Some(1)]);
    let output = run(folder.path(), &["stats", "a.sac", "--json"], 3);
    let [loss, all] = &lines(&output)[..] else { panic!("{output:?}") };
    assert!(loss["losses"].as_str().unwrap().contains("1 frames are missing"), "{loss}");
    assert_eq!(
        (&all["frames"], &all["missing_frames"], &all["semantic"]["bigrams"]),
        (&2.into(), &1.into(), &0.into())
    );
}

#[test]
fn figures_are_the_same_for_any_number_of_jobs_and_a_bad_take_stops_none() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..5 {
        write_noise(&folder.path().join(format!("in/{seed}.wav")), 16_000, 2, 9000, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    let one = run(folder.path(), &["stats", "takes", "--json", "--jobs", "1"], 0).stdout;
    let more = run(folder.path(), &["stats", "takes", "--json", "--jobs", "4"], 0).stdout;
    assert!(one == more && !one.is_empty());
    std::fs::write(folder.path().join("takes/bad.sac"), "no take").unwrap();
    let reports = lines(&run(folder.path(), &["stats", "takes", "--json"], 1));
    assert!(reports[0]["error"].as_str().unwrap().contains("bad.sac"));
    assert_eq!(reports[1]["takes"], 5);
}

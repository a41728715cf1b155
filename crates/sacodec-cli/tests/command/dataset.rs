//! `sacodec dataset`: which shards are in its folder in the end.

use std::fs;
use std::path::Path;

use sacodec_testing::write_noise;

use super::takes::{run, tree};

fn shards(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect()
}

#[test]
fn shards_of_an_earlier_run_do_not_stay_among_those_of_another_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (seed, name) in [(1, "in/a.wav"), (2, "in/b.wav"), (3, "in/c.wav")] {
        write_noise(&path(name), 16_000, 1, 4000, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    let make = |further: &[&str], code| {
        let line = [&["dataset", "takes", "--to", "jsonl", "--output", "data"], further].concat();
        String::from_utf8_lossy(&run(folder.path(), &line, code).stderr).into_owned()
    };
    let three = ["tokens-00000-of-00003.jsonl", "tokens-00001-of-00003.jsonl", "tokens-00002-of-00003.jsonl"];
    make(&["--takes-per-shard", "1"], 0);
    let others = ["notes.txt", "tokens-00000-of-00009.npz", "tokens-mine.jsonl"];
    others.iter().for_each(|name| fs::write(path("data").join(name), "mine").unwrap());
    let said = make(&[], 1);
    assert!(said.contains(three[0]) && said.contains("choose another folder"), "{said}");
    let with = |shards: &[&'static str]| {
        let mut names = [&others[..], shards].concat();
        names.sort_unstable();
        names
    };
    assert_eq!(shards(&path("data")), with(&three));
    // Where a new one cannot be made, the earlier ones are all there is.
    let sound = fs::read(path("takes/b.sac")).unwrap();
    fs::write(path("takes/b.sac"), "no take").unwrap();
    make(&["--overwrite"], 1);
    assert_eq!(shards(&path("data")), with(&three));
    fs::write(path("takes/b.sac"), &sound).unwrap();
    // One that cannot be read is an error of its own shard, also the first.
    let first = fs::read(path("takes/a.sac")).unwrap();
    fs::write(path("takes/a.sac"), "no take").unwrap();
    let apart = ["dataset", "takes", "--to", "npz", "--output", "apart", "--takes-per-shard", "1"];
    let said = String::from_utf8_lossy(&run(folder.path(), &apart, 1).stderr).into_owned();
    assert!(said.contains("takes/a.sac") && said.contains("1 of 3 files failed"), "{said}");
    assert_eq!(shards(&path("apart")), ["tokens-00001-of-00003.npz", "tokens-00002-of-00003.npz"]);
    fs::write(path("takes/a.sac"), first).unwrap();
    make(&["--overwrite"], 0);
    assert_eq!(shards(&path("data")), with(&["tokens-00000-of-00001.jsonl"]));
}

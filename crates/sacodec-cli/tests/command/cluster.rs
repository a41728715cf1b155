//! The recipe of the manual for many machines, run as it is written there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use sacodec_testing::flac::FlacFile;

use super::takes::{run, tree};

/// Stands for a cluster with eight machines.
const SBATCH: &str = r#"#!/bin/bash
set -euo pipefail
for argument; do
    case $argument in
        --wait|--wrap) ;;
        --array=*) array=${argument#--array=} ;;
        *) export WRAPPED=$argument ;;
    esac
done
seq "${array%-*}" "${array#*-}" | xargs -P 8 -I{} bash -c 'export SLURM_ARRAY_TASK_ID={}; eval "$WRAPPED"'
"#;

/// The block of the manual that has this word in it.
fn recipe(word: &str) -> String {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manual.md");
    let text = fs::read_to_string(manual).unwrap();
    let block = text.split("```").find(|block| block.contains(word) && block.contains("sacodec"));
    block.unwrap().trim().to_owned()
}

#[test]
fn the_recipe_for_a_cluster_codes_everything_and_proves_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut random = fastrand::Rng::with_seed(3);
    for index in 0..70 {
        let name = path(&format!("corpus/{}/a file {index}.flac", index % 5));
        fs::create_dir_all(name.parent().unwrap()).unwrap();
        let samples = (0..1000 + 10 * index).map(|_| random.i32(-9000..9000)).collect();
        fs::write(name, FlacFile::new(16_000, 16, vec![samples]).bytes()).unwrap();
    }
    run(folder.path(), &["encode", "corpus", "--output", "alone/corpus"], 0);
    fs::create_dir(path("bin")).unwrap();
    fs::write(path("bin/sbatch"), SBATCH).unwrap();
    fs::set_permissions(path("bin/sbatch"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sacodec"), path("bin/sacodec")).unwrap();
    let paths = format!("{}:{}", path("bin").display(), std::env::var("PATH").unwrap());
    let run_recipe = || {
        let mut shell = Command::new("bash");
        shell.current_dir(folder.path()).args(["-e", "-c", &recipe("sbatch")]).env("PATH", &paths);
        let output = shell.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said, errors) = run_recipe();
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(said.contains("70 of 70 results are there and whole"), "{said}{errors}");
    assert!(tree(&path("takes")) == tree(&path("alone")), "other takes than those of one process");
    // A result that is lost is found, and made by the same line.
    fs::remove_file(path("takes/corpus/3/a file 8.sac")).unwrap();
    run(folder.path(), &["check", "run.00.jsonl", "--list", "all.txt"], 3);
    let (code, said, errors) = run_recipe();
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(tree(&path("takes")) == tree(&path("alone")));
}

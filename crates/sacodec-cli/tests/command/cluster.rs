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

/// Stands for GNU parallel where that is not installed.
const PARALLEL: &str = r#"#!/bin/bash
command=$1
shift 2
printf '%s\n' "$@" | xargs -P 4 -I{} bash -c "$command"
"#;

fn manual() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manual.md")).unwrap()
}

/// The block of the manual that has this word in it.
fn recipe(word: &str) -> String {
    let text = manual();
    let block = text.split("```").find(|block| block.contains(word) && block.contains("sacodec"));
    block.unwrap().trim().to_owned()
}

/// The same for one machine: the manual gives another third line.
fn recipe_for_parallel() -> String {
    let text = manual();
    let line = text.split('`').find(|code| code.starts_with("parallel ")).unwrap();
    let recipe = recipe("sbatch");
    let mut lines: Vec<_> = recipe.lines().collect();
    lines[2] = line;
    lines.join("\n")
}

/// A program, and the folder that it is in.
fn write_program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_recipes_for_a_cluster_code_everything_and_prove_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut random = fastrand::Rng::with_seed(3);
    for index in 0..70 {
        let name = path(&format!("corpus/{}/a file {index}.flac", index % 5));
        fs::create_dir_all(name.parent().unwrap()).unwrap();
        let samples = (0..1000 + 10 * index).map(|_| random.i32(-9000..9000)).collect();
        fs::write(name, FlacFile::new(16_000, 16, vec![samples]).bytes()).unwrap();
    }
    run(folder.path(), &["encode", "corpus", "--output", "alone"], 0);
    write_program(&path("bin/sbatch"), SBATCH);
    write_program(&path("bin-last/parallel"), PARALLEL);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sacodec"), path("bin/sacodec")).unwrap();
    let system = std::env::var("PATH").unwrap();
    let paths = format!("{}:{system}:{}", path("bin").display(), path("bin-last").display());
    for recipe in [recipe("sbatch"), recipe_for_parallel()] {
        let run_recipe = || {
            let mut shell = Command::new("bash");
            let output =
                shell.current_dir(folder.path()).args(["-e", "-c", &recipe]).env("PATH", &paths).output();
            let output = output.unwrap();
            let [said, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
            assert_eq!(output.status.code(), Some(0), "{said}{errors}");
            assert!(said.contains("70 of 70 results are there and whole"), "{said}{errors}");
            assert!(tree(&path("takes")) == tree(&path("alone")), "other takes than those of one process");
        };
        run_recipe();
        // A result that is lost is found, and made by the same line.
        fs::remove_file(path("takes/3/a file 8.sac")).unwrap();
        run(folder.path(), &["check", "run.00.jsonl", "--list", "all.txt"], 3);
        run_recipe();
        fs::remove_dir_all(path("takes")).unwrap();
        for part in 0..64 {
            fs::remove_file(path(&format!("run.{part:02}.jsonl"))).unwrap();
        }
    }
}

//! `test-hosts`: the built plugin in Python's hosts, in a virtual environment of its own.

use std::process::Command;

use anyhow::Result;

use crate::bundle;
use crate::project::{self, Project};
use crate::python::{self, Requirements};

/// Builds, makes the environment where needed and runs pytest on `tests/hosts`.
pub fn run(project: &Project, pytest_args: &[String]) -> Result<()> {
    let requirements = Requirements {
        packages: vec![project.file("tests/hosts/requirements.txt")?],
        ..Requirements::default()
    };
    // First, so that what is missing is said before a long build.
    let python = python::environment(&project.target.join("hosts-venv"), &requirements)?;
    let oldest =
        Requirements { packages: vec![project.file("python/tests/oldest.txt")?], ..Requirements::default() };
    let oldest = python::environment(&project.target.join("oldest-numpy-venv"), &oldest)?;
    let built = bundle::release(project)?;
    let mut pytest = Command::new(&python);
    pytest.current_dir(&project.root).args(["-m", "pytest", "tests/hosts", "-q"]).args(pytest_args);
    pytest.env("SACODEC_VST3", built.bundles.vst3);
    pytest.env("SACODEC_CLAP", built.bundles.clap);
    pytest.env("SACODEC_BIN", built.program);
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    project::run(&mut pytest)?;
    // The reader of takes is a package of its own: its tests need none of the above, and NumPy 1 or 2.
    for python in [python, oldest] {
        let mut reader = Command::new(python);
        reader.current_dir(&project.root).env("PYTHONDONTWRITEBYTECODE", "1");
        project::run(reader.args(["-m", "pytest", "python", "-q", "-p", "no:cacheprovider"]))?;
    }
    Ok(())
}

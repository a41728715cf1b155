//! `test-training`: the pipeline that makes packs, from recordings to scores, on generated voices.

use std::process::Command;

use anyhow::Result;

use crate::bundle;
use crate::project::{self, Project};
use crate::python::{self, Requirements};

/// Whether every package of `evaluate --listen` is built for this kind of machine. Elsewhere pytest says that it
/// skips the tests of those models.
const LISTEN: bool = cfg!(all(target_arch = "x86_64", any(target_os = "linux", windows)));

/// Makes the environment where needed, builds the command that packs are compared in, and runs
/// pytest on `training/tests`.
pub fn run(project: &Project, pytest_args: &[String]) -> Result<()> {
    let mut requirements = Requirements {
        packages: vec![
            project.file("training/requirements.txt")?,
            project.file("training/requirements-train.txt")?,
        ],
        constraints: vec![project.file("training/constraints.txt")?],
        alone: Vec::new(),
    };
    if LISTEN {
        requirements.alone.push(project.file("training/requirements-listen.txt")?);
    }
    let python = python::environment(&project.target.join("training-venv"), &requirements)?;
    let built = bundle::release(project)?;
    let mut pytest = Command::new(python);
    pytest.current_dir(project.root.join("training"));
    pytest
        .args(["-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", "--durations", "3"])
        .args(pytest_args);
    pytest.env("PYTHONPATH", ".").env("PYTHONDONTWRITEBYTECODE", "1").env("OMP_NUM_THREADS", "1");
    if LISTEN {
        pytest.env("SACODEC_LISTEN", "1");
    }
    project::run(pytest.env("SACODEC_BIN", built.program))
}

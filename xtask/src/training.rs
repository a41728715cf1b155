//! `test-training`: the pipeline that makes packs, from recordings to scores, on generated voices.

use std::process::Command;

use anyhow::Result;

use crate::bundle;
use crate::project::{self, Project};
use crate::python;

/// Makes the environment where needed, builds the command that packs are compared in, and runs
/// pytest on `training/tests`.
pub fn run(project: &Project, pytest_args: &[String]) -> Result<()> {
    let requirements =
        [project.file("training/requirements.txt")?, project.file("training/requirements-train.txt")?];
    let constraints = [project.file("training/constraints.txt")?];
    let python = python::environment(&project.target.join("training-venv"), &requirements, &constraints)?;
    let built = bundle::release(project)?;
    let mut pytest = Command::new(python);
    pytest.current_dir(project.root.join("training"));
    pytest
        .args(["-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", "--durations", "3"])
        .args(pytest_args);
    pytest.env("PYTHONPATH", ".").env("PYTHONDONTWRITEBYTECODE", "1").env("OMP_NUM_THREADS", "1");
    project::run(pytest.env("SACODEC_BIN", built.program))
}

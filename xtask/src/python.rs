//! Python for the tests that are written in it: virtual environments with pinned packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::project;

/// Oldest Python that the pinned numpy runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 11);

/// Prints its version, and fails without venv and pip.
const PROBE: &str = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";

/// What goes into an environment, as files of pip's.
#[derive(Default)]
pub struct Requirements {
    /// Packages, installed with what they need.
    pub packages: Vec<PathBuf>,
    /// Versions that those files name.
    pub constraints: Vec<PathBuf>,
    /// Packages installed without what they say they need: a complete list.
    pub alone: Vec<PathBuf>,
}

/// The Python of an environment with exactly these requirements, made anew when one of their files changes.
pub fn environment(folder: &Path, requirements: &Requirements) -> Result<PathBuf> {
    let scripts = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let (python, stamp) = (folder.join(scripts), folder.join("installed-requirements.txt"));
    let mut wanted = String::new();
    let Requirements { packages, constraints, alone } = requirements;
    for file in packages.iter().chain(constraints).chain(alone) {
        wanted += &fs::read_to_string(file)
            .with_context(|| format!("could not read {}: check it out again", file.display()))?;
    }
    let installed = fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
    if installed && python_version(&python).is_some() {
        return Ok(python);
    }
    project::run(Command::new(system_python()?).args(["-m", "venv", "--clear"]).arg(folder))?;
    for (files, without) in [(packages, None), (alone, Some("--no-deps"))] {
        if files.is_empty() {
            continue;
        }
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(without);
        for file in files {
            pip.arg("--requirement").arg(file);
        }
        project::run(&mut pip)
            .context("these tests need packages from PyPI: connect, or set PIP_INDEX_URL")?;
    }
    // Written last: an installation that broke off is done again.
    fs::write(&stamp, wanted)
        .with_context(|| format!("could not write {}: check its permissions", stamp.display()))?;
    Ok(python)
}

/// A Python of the system that is new enough and has venv.
fn system_python() -> Result<&'static str> {
    let names = if cfg!(windows) { ["python", "python3"] } else { ["python3", "python"] };
    let usable =
        |name: &&str| python_version(Path::new(name)).is_some_and(|version| version >= OLDEST_PYTHON);
    match names.into_iter().find(usable) {
        Some(name) => Ok(name),
        None => bail!(
            "these tests need Python {}.{} or newer with venv and pip: install it (Debian and Ubuntu: apt install python3-venv; elsewhere: python.org)",
            OLDEST_PYTHON.0,
            OLDEST_PYTHON.1
        ),
    }
}

/// Version of this Python; `None` where it does not run or lacks venv.
fn python_version(python: &Path) -> Option<(u32, u32)> {
    let output = Command::new(python).args(["-c", PROBE]).stderr(Stdio::null()).output().ok()?;
    if output.status.success() { parse_version(&String::from_utf8_lossy(&output.stdout)) } else { None }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let table = [("3.11\n", true), ("3.14\r\n", true), ("4.0", true), ("3.9\n", false), ("2.7", false)];
        for (text, enough) in table {
            assert_eq!(parse_version(text).is_some_and(|v| v >= OLDEST_PYTHON), enough, "{text:?}");
        }
        for text in ["", "3", "three.eleven"] {
            assert_eq!(parse_version(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_no_python() {
        assert_eq!(python_version(Path::new("sacodec-no-such-python")), None);
    }
}

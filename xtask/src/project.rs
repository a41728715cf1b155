//! Where things are, and how cargo and other programs are run there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Root and target folder of the repository, both absolute.
#[derive(Debug, Clone)]
pub struct Project {
    /// Folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, `CARGO_TARGET_DIR` and configuration considered.
    pub target: PathBuf,
    /// Names of the workspace's packages.
    pub packages: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

impl Project {
    /// Asks cargo. Its environment and working directory are those that the bundler sees, so that
    /// both agree on the target folder.
    pub fn find() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(xtask) => PathBuf::from(xtask).parent().map_or_else(|| ".".into(), Path::to_path_buf),
            None => ".".into(),
        };
        let mut metadata = cargo(&start);
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata = output(&mut metadata).context("run `cargo xtask` inside the repository")?;
        let metadata: Metadata =
            serde_json::from_str(&metadata).context("`cargo metadata` is not understood: update cargo")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: metadata.packages.into_iter().map(|package| package.name).collect(),
        })
    }

    /// A cargo command at the root.
    pub fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// Path to a file of the repository; an error where it is missing.
    pub fn file(&self, path: &str) -> Result<PathBuf> {
        let full = self.root.join(path);
        if !full.exists() {
            bail!("{path} is missing from the repository: check it out again");
        }
        Ok(full)
    }
}

fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    command
}

/// Runs a command to its end, its output where ours is.
pub fn run(command: &mut Command) -> Result<()> {
    let line = words(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("could not start `{line}`: is it installed?"))?;
    if !status.success() {
        bail!("`{line}` failed ({status}): see its messages above");
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed; its errors go where ours go.
pub fn output(command: &mut Command) -> Result<String> {
    let line = words(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start `{line}`: is it installed?"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({}): see its messages above", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not print text"))
}

/// The command as one would type it.
fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_found_with_its_bundler_configuration() -> Result<()> {
        let project = Project::find()?;
        assert!(project.root.is_absolute() && project.target.is_absolute());
        project.file("bundler.toml")?;
        for package in ["sacodec", "sacodec-codec", "sacodec-cli", "xtask"] {
            assert!(project.packages.iter().any(|name| name == package), "{package} is not in the workspace");
        }
        Ok(())
    }

    #[test]
    fn a_missing_program_is_named() {
        let Err(error) = output(&mut Command::new("sacodec-no-such-program")) else {
            panic!("it should not start");
        };
        assert!(error.to_string().contains("sacodec-no-such-program"));
    }
}

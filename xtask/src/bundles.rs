//! Where the plugin bundles are.

use std::io;
use std::path::PathBuf;

use crate::project::Project;

/// The name that `bundler.toml` gives its bundles.
pub const BUNDLE: &str = "SACodec";

/// The two plugin bundles: files or folders, as the system has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundles {
    /// The `.clap`.
    pub clap: PathBuf,
    /// The `.vst3`.
    pub vst3: PathBuf,
    /// A program of the plugin's name, which the bundler takes for the plugin without a host.
    standalone: PathBuf,
}

impl Bundles {
    /// Where the bundler puts them: `bundled` in cargo's target folder.
    pub fn of(project: &Project) -> Self {
        let folder = project.target.join("bundled");
        let suffix = if cfg!(target_os = "macos") { ".app" } else { std::env::consts::EXE_SUFFIX };
        Self {
            clap: folder.join(format!("{BUNDLE}.clap")),
            vst3: folder.join(format!("{BUNDLE}.vst3")),
            standalone: folder.join(format!("{BUNDLE}{suffix}")),
        }
    }

    /// Removes what the bundler made of the command, whose program has the plugin's name. It cannot be told not to.
    pub fn remove_standalone(&self) -> io::Result<()> {
        let path = &self.standalone;
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }

    /// Whether both are there.
    pub fn exist(&self) -> bool {
        self.clap.exists() && self.vst3.exists()
    }

    /// The library to load of the `.clap`, which is a folder on macOS.
    pub fn clap_library(&self) -> PathBuf {
        if self.clap.is_dir() {
            self.clap.join("Contents").join("MacOS").join(BUNDLE)
        } else {
            self.clap.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    #[test]
    fn a_clap_that_is_a_folder_is_loaded_from_inside() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let project =
            Project { root: folder.path().into(), target: folder.path().into(), packages: Vec::new() };
        let bundles = Bundles::of(&project);
        assert!(!bundles.exist());
        std::fs::create_dir_all(&bundles.vst3)?;
        std::fs::write(&bundles.clap, "library")?;
        assert!(bundles.exist());
        assert_eq!(bundles.clap_library(), bundles.clap);
        std::fs::remove_file(&bundles.clap)?;
        std::fs::create_dir_all(&bundles.clap)?;
        assert_eq!(bundles.clap_library(), bundles.clap.join("Contents/MacOS/SACodec"));
        Ok(())
    }

    #[test]
    fn a_program_beside_the_bundles_is_removed_and_they_stay() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let project =
            Project { root: folder.path().into(), target: folder.path().into(), packages: Vec::new() };
        let bundles = Bundles::of(&project);
        std::fs::create_dir_all(&bundles.vst3)?;
        std::fs::write(&bundles.clap, "library")?;
        bundles.remove_standalone()?;
        std::fs::write(&bundles.standalone, "program")?;
        bundles.remove_standalone()?;
        std::fs::create_dir(&bundles.standalone)?;
        bundles.remove_standalone()?;
        assert!(bundles.exist() && !bundles.standalone.exists());
        Ok(())
    }
}

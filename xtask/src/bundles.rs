//! Where the plugin bundles are.

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
}

impl Bundles {
    /// Where the bundler puts them: `bundled` in cargo's target folder.
    pub fn of(project: &Project) -> Self {
        let folder = project.target.join("bundled");
        Self { clap: folder.join(format!("{BUNDLE}.clap")), vst3: folder.join(format!("{BUNDLE}.vst3")) }
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
}

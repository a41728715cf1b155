//! `bundle` and `bundle-universal`, which are nice-plug's, and where they put what they make.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bundles::Bundles;
use crate::notices;
use crate::project::Project;

/// The package that is bundled.
const PACKAGE: &str = "sacodec";
/// The package of the command, and its name.
const COMMAND: (&str, &str) = ("sacodec-cli", "sacodec");

/// What a release build leaves.
#[derive(Debug, Clone)]
pub struct Built {
    /// The plugin.
    pub bundles: Bundles,
    /// The `sacodec` command.
    pub program: PathBuf,
}

/// Hands a command line to nice-plug's bundler as it is, and completes our bundles.
pub fn delegate(command: &str, args: Vec<String>) -> Result<()> {
    nice_plug_xtask::main_with_args("cargo xtask", std::iter::once(command.to_owned()).chain(args))?;
    let project = Project::find()?;
    let bundles = Bundles::of(&project);
    // Another package may have been bundled, and ours never.
    if bundles.exist() { complete(&project, &bundles) } else { Ok(()) }
}

/// Builds plugin and `sacodec` command for release and bundles the plugin.
pub fn release(project: &Project) -> Result<Built> {
    // The bundler reads `bundler.toml` from, and builds in, the working directory.
    std::env::set_current_dir(&project.root)
        .with_context(|| format!("could not enter {}: check its permissions", project.root.display()))?;
    let (package, args) = (PACKAGE.to_owned(), ["--release".to_owned()]);
    nice_plug_xtask::build(&[package.clone(), COMMAND.0.to_owned()], &args)?;
    nice_plug_xtask::bundle(&project.target, &package, &args, false)?;

    let program =
        project.target.join("release").join(format!("{}{}", COMMAND.1, std::env::consts::EXE_SUFFIX));
    let built = Built { bundles: Bundles::of(project), program };
    for path in [&built.bundles.clap, &built.bundles.vst3, &built.program] {
        must_exist(path)?;
    }
    complete(project, &built.bundles)?;
    Ok(built)
}

/// Removes the bundler's copy of the command, and adds the notices of licences.
fn complete(project: &Project, bundles: &Bundles) -> Result<()> {
    bundles.remove_standalone().with_context(|| {
        format!("could not remove the program beside {}: check its permissions", bundles.clap.display())
    })?;
    notices::put(project, bundles)
}

fn must_exist(path: &Path) -> Result<()> {
    if !path.exists() {
        bail!(
            "the build did not leave {}: unset CARGO_BUILD_TARGET and build.target, and check the name in bundler.toml",
            path.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundles::BUNDLE;

    #[test]
    fn the_bundle_name_is_that_of_the_bundler_configuration() {
        let configuration = include_str!("../../bundler.toml");
        assert!(configuration.contains(&format!("[{PACKAGE}]")));
        assert!(configuration.contains(&format!("name = \"{BUNDLE}\"")));
    }
}

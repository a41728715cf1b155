//! `test`: everything, the Rust tests first.

use anyhow::Result;

use crate::hosts;
use crate::project::{self, Project};

/// Packages that are built apart: they are not part of plugin or command.
const APART: [&str; 2] = ["clap-host", "xtask"];

/// Runs the tests of every package and then the host tests. Plugin, command and libraries go together, as they are
/// built for the bundle: each for itself, their dependencies would be built with other features, and so again.
pub fn run(project: &Project) -> Result<()> {
    let (apart, together): (Vec<_>, Vec<_>) =
        project.packages.iter().partition(|name| APART.contains(&name.as_str()));
    test(project, &together)?;
    for package in apart {
        test(project, &[package])?;
    }
    hosts::run(project, &[])
}

fn test(project: &Project, packages: &[&String]) -> Result<()> {
    let names = packages.iter().flat_map(|name| ["--package", name.as_str()]);
    project::run(project.cargo().args(["test", "--release"]).args(names))
}

//! `test`: everything, the Rust tests first.

use anyhow::Result;

use crate::hosts;
use crate::project::{self, Project};

/// Runs the tests of every package and then the host tests. One package at a time: together their
/// dependencies would be built with other features, and so a second time, than for the bundle.
pub fn run(project: &Project) -> Result<()> {
    for package in &project.packages {
        project::run(project.cargo().args(["test", "--release", "--package", package]))?;
    }
    hosts::run(project, &[])
}

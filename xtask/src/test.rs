//! `test`: everything, the Rust tests first.

use anyhow::Result;

use crate::hosts;
use crate::project::{self, Project};

/// Runs the workspace's tests and then the host tests.
pub fn run(project: &Project) -> Result<()> {
    project::run(project.cargo().args(["test", "--workspace", "--release"]))?;
    hosts::run(project, &[])
}

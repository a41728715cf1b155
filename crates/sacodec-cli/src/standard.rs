//! `-`: standard input and standard output.

use std::path::{Path, PathBuf};

/// Stands for standard input and standard output. A file of this name is `./-`.
const STANDARD: &str = "-";

/// Whether a path stands for standard input or standard output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == STANDARD
}

/// What a message calls an input.
pub fn input_name(path: &Path) -> PathBuf {
    if is_standard(path) { "standard input".into() } else { path.into() }
}

//! What a command makes: a file that has its name when it is complete, and errors that name it.

use std::path::{Path, PathBuf};

use super::CliError;
use sacodec_take::atomic_file::{AtomicFile, AtomicFileError};

/// A result that is being written. Dropping it removes it.
pub struct ResultFile {
    /// What it will be called.
    pub path: PathBuf,
    /// What is written to.
    pub file: AtomicFile,
}

impl ResultFile {
    /// Begins `path`. Without `overwrite` what is there stays there.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, CliError> {
        let file = AtomicFile::create(path, overwrite).map_err(|e| CliError::file(path, e))?;
        Ok(Self { path: path.into(), file })
    }

    /// Gives it its name.
    pub fn finish(self) -> Result<(), CliError> {
        self.file.finish().map_err(|e| CliError::file(&self.path, e))
    }
}

/// Writes `output`, made of `input`, and makes the folder that it is to be in.
pub fn write_result<T>(
    input: &Path,
    output: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut AtomicFile) -> Result<T, CliError>,
) -> Result<T, CliError> {
    if is_same_file(input, output) {
        return Err(CliError::SameFile { path: output.into() });
    }
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| CliError::write(output, e))?;
    }
    let mut result = ResultFile::create(output, overwrite)?;
    let value = write(&mut result.file)?;
    result.finish()?;
    Ok(value)
}

/// Whether two paths lead to one file.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

impl CliError {
    /// `path` could not be written.
    pub(super) fn write(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::Write { path: path.into(), reason: error.to_string() }
    }

    /// `path` could not be made.
    pub(super) fn file(path: &Path, error: AtomicFileError) -> Self {
        match error {
            AtomicFileError::Exists => Self::Exists { path: path.into() },
            AtomicFileError::Io(error) => Self::write(path, error),
            error => Self::Name { path: path.into(), source: error },
        }
    }
}

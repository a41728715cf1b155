//! What a command is to do with one file.

use std::fs;
use std::path::PathBuf;

use crate::error::CliError;
use crate::standard::is_standard;

/// One file to be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is read.
    pub input: PathBuf,
    /// What is written, with the extension of the first format.
    pub output: PathBuf,
    /// Another input that has this output already: then nothing is done.
    pub rival: Option<PathBuf>,
    /// Whether to wait for another process that makes it. If not, it comes again after the others.
    pub waits: bool,
}

impl Task {
    /// # Errors
    /// [`CliError::Open`].
    pub fn has_an_input(&self) -> Result<(), CliError> {
        if is_standard(&self.input) {
            return Ok(());
        }
        let there = fs::metadata(&self.input).map(drop);
        there.map_err(|source| CliError::Open { path: self.input.clone(), source })
    }

    /// # Errors
    /// A folder stands for itself where nothing in it does: [`CliError::NothingInFolder`], or [`CliError::Open`] where it
    /// cannot be looked into.
    pub fn is_no_folder(&self) -> Result<(), CliError> {
        let path = self.input.clone();
        if is_standard(&path) || !path.is_dir() {
            return Ok(());
        }
        Err(match fs::read_dir(&path) {
            Ok(_) => CliError::NothingInFolder { path },
            Err(source) => CliError::Open { path, source },
        })
    }

    /// # Errors
    /// [`CliError::OneOutput`].
    pub fn has_no_rival(&self) -> Result<(), CliError> {
        match &self.rival {
            None => Ok(()),
            Some(rival) => Err(CliError::OneOutput {
                path: self.output.clone(),
                first: rival.clone(),
                second: self.input.clone(),
            }),
        }
    }
}

/// What the second path of tasks is: [`Task::output`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// A result.
    Result,
    /// What the input is compared with.
    Partner,
    /// Of no meaning: what the input is compared with is found later, or there is nothing.
    Nothing,
}

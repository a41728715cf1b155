//! What the last of several paths is where no --output is given: an input, the result as in `command IN OUT`, or a slip.

use std::path::{Path, PathBuf};

use super::inputs::Found;
use super::names::extension;
use crate::error::CliError;
use crate::standard::is_standard;

/// By what the last path is judged.
pub struct LastPath<'a> {
    /// Extensions of inputs.
    pub from: &'a [&'a str],
    /// The extension of results.
    pub kind: &'a str,
    /// Whether a list gives more inputs.
    pub has_list: bool,
}

impl LastPath<'_> {
    /// Takes the second of two paths away if it is named like a result.
    ///
    /// # Errors
    /// Where the last of several is not there and was meant for results.
    pub fn take_result(&self, inputs: &mut Vec<PathBuf>) -> Result<Option<PathBuf>, CliError> {
        match &inputs[..] {
            [_, second] if self.is_result(second) => Ok(inputs.pop()),
            [firsts @ .., last] if !firsts.is_empty() => self.slip(firsts, last).map_or(Ok(None), Err),
            _ => Ok(None),
        }
    }

    /// Where inputs have the extension of results too, the name does not tell which of them it is.
    fn is_result(&self, path: &Path) -> bool {
        is_standard(path) || !self.from.contains(&self.kind) && extension(path) == self.kind
    }

    /// What is not there was meant for results: nothing is written to another place first.
    fn slip(&self, firsts: &[PathBuf], last: &Path) -> Option<CliError> {
        if is_standard(last) || last.exists() {
            return None;
        }
        let path = last.to_owned();
        if last.extension().is_none() {
            return Some(CliError::FolderIsNoInput { folder: path });
        }
        let [first] = firsts else { return None };
        let kind = extension(last);
        if !self.from.contains(&kind.as_str()) {
            return Some(CliError::Extension { path, expected: self.kind.into() });
        }
        let is_one = !first.is_dir() && !self.has_list && !last.is_symlink();
        (is_one && kind == self.kind).then_some(CliError::ResultIsNoInput { path })
    }

    /// # Errors
    /// Where the last of several `inputs` is a folder in which none was `found`.
    pub fn must_hold_an_input(&self, inputs: &[PathBuf], found: &[Found]) -> Result<(), CliError> {
        let [firsts @ .., last] = inputs else { return Ok(()) };
        // Of many folders, as the shell names them, one may be empty.
        let may_be_empty = firsts.len() > 1 && inputs.iter().all(|input| input.is_dir());
        let is_empty = || last.is_dir() && found.iter().any(|found| found.path == *last);
        if firsts.is_empty() || may_be_empty || !is_empty() {
            return Ok(());
        }
        Err(CliError::EmptyFolderIsNoInput { folder: last.clone(), kinds: self.from.join(" or .") })
    }
}

//! What the command says. Nobody needs to listen: a pipe that was closed is no fault, a disk that is full is.

use std::io::{self, Write};

use crate::error::CliError;
use crate::standard::is_standard;

/// Prints a line of a report.
///
/// # Errors
/// [`CliError::Write`], but not where whoever read it has gone.
pub fn print(line: impl std::fmt::Display) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::write("standard output".as_ref(), error))
        }
        _ => Ok(()),
    }
}

/// Prints a line on standard error. Where that cannot be written nobody can be told.
pub fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A length of audio in the unit that tells it best.
pub fn duration(seconds: f64) -> String {
    match seconds {
        ..60.0 => format!("{seconds:.1} s"),
        ..3600.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.2} h", seconds / 3600.0),
    }
}

/// Where reports go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportsTo {
    /// To standard output.
    Output,
    /// To standard error, because standard output holds the result.
    Errors,
}

impl ReportsTo {
    /// Beside these results.
    pub fn beside<'a>(outputs: impl IntoIterator<Item = &'a std::path::Path>) -> Self {
        let is_taken = outputs.into_iter().any(is_standard);
        if is_taken { Self::Errors } else { Self::Output }
    }

    /// Prints a line of a report.
    ///
    /// # Errors
    /// As [`print`].
    pub fn print(self, line: impl std::fmt::Display) -> Result<(), CliError> {
        match self {
            Self::Output => print(line),
            Self::Errors => {
                complain(line);
                Ok(())
            }
        }
    }
}

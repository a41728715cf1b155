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
    // Up to what would be rounded to 60.
    match seconds {
        ..59.95 => format!("{seconds:.1} s"),
        ..3597.0 => format!("{:.1} min", seconds / 60.0),
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

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_length_is_told_in_the_unit_that_suits_it() {
        let cases = [
            (0.0, "0.0 s"),
            (59.94, "59.9 s"),
            (59.96, "1.0 min"),
            (90.0, "1.5 min"),
            (3596.0, "59.9 min"),
            (3599.0, "1.00 h"),
            (45_000.0, "12.50 h"),
        ];
        for (seconds, told) in cases {
            assert_eq!(duration(seconds), told, "{seconds} s");
        }
    }
}

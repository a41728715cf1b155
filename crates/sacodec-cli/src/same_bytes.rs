//! Whether a result that is there is what would be written now, to the last byte.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::CliError;
use crate::result_file::is_there;

/// Whether `output` is there, which is what `write` writes of `input`.
///
/// # Errors
/// [`CliError::OtherSource`] where something else is there, and those of `write`.
pub fn is_there_as_made(
    input: &Path,
    output: &Path,
    write: impl FnOnce(&mut BufWriter<SameBytes>) -> Result<(), CliError>,
) -> Result<bool, CliError> {
    if !is_there(output) {
        return Ok(false);
    }
    let unreadable = |source| CliError::Open { path: output.into(), source };
    let mut found = BufWriter::new(SameBytes::open(output).map_err(unreadable)?);
    write(&mut found)?;
    let found = found.into_inner().map_err(|error| unreadable(error.into_error()))?;
    let reason = "it was made of something else, or by other settings";
    match found.ends_here().map_err(unreadable)? {
        true => Ok(true),
        false => Err(CliError::other_source(input, output, reason)),
    }
}

/// Takes what is written, and writes nothing: it compares it with a file.
pub struct SameBytes {
    file: BufReader<File>,
    is_equal: bool,
    /// Why the file could not be read. Who writes would tell it as an error of writing.
    error: Option<io::Error>,
}

impl SameBytes {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufReader::new(File::open(path)?), is_equal: true, error: None })
    }

    /// Whether all of the file, and nothing else, was written again.
    fn ends_here(mut self) -> io::Result<bool> {
        self.error.map_or(Ok(()), Err)?;
        Ok(self.is_equal && self.file.read(&mut [0])? == 0)
    }
}

impl Write for SameBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_equal {
            let mut found = vec![0; bytes.len()];
            let read = self.file.read_exact(&mut found);
            self.is_equal = read.is_ok() && found == bytes;
            self.error = read.err().filter(|error| error.kind() != io::ErrorKind::UnexpectedEof);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SameBytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let is_made = |bytes: &[u8]| {
            is_there_as_made(Path::new("input"), &path, |out| {
                bytes
                    .chunks(3)
                    .try_for_each(|piece| out.write_all(piece))
                    .map_err(|e| CliError::write(&path, e))
            })
        };
        assert!(matches!(is_made(b"tokens"), Ok(false)), "nothing is there");
        std::fs::write(&path, "tokens").unwrap();
        assert!(matches!(is_made(b"tokens"), Ok(true)));
        for other in [&b"tokenz"[..], b"token", b"tokens.", b"", b"Tokens"] {
            assert!(matches!(is_made(other), Err(CliError::OtherSource { .. })), "{other:?}");
        }
    }
}

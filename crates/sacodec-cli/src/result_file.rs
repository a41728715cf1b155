//! What a command makes: a file that has its name when it is complete, or standard output when it is.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::CliError;
use crate::standard::is_standard;
use sacodec_take::atomic_file::AtomicFile;

/// A result that is being written. Dropping it removes it.
pub struct ResultFile {
    /// What it will be called.
    pub path: PathBuf,
    /// What is written to.
    pub out: ResultOut,
}

/// Where a result is written until it is complete.
pub enum ResultOut {
    /// Beside its name.
    File(AtomicFile),
    /// In a file without a name: a header tells the length of what follows, and standard output cannot go back.
    Spool(BufWriter<File>),
}

impl ResultFile {
    /// Begins `path`. Without `overwrite` what is there stays there.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, CliError> {
        let out = if is_standard(path) {
            let spool = tempfile::tempfile().map_err(|e| CliError::write(&std::env::temp_dir(), e))?;
            ResultOut::Spool(BufWriter::new(spool))
        } else {
            ResultOut::File(AtomicFile::create(path, overwrite).map_err(|e| CliError::file(path, e))?)
        };
        Ok(Self { path: path.into(), out })
    }

    /// Gives it its name.
    pub fn finish(self) -> Result<(), CliError> {
        match self.out {
            ResultOut::File(file) => file.finish().map_err(|e| CliError::file(&self.path, e)),
            ResultOut::Spool(spool) => {
                to_standard_output(spool).map_err(|e| CliError::write(Path::new("standard output"), e))
            }
        }
    }
}

fn to_standard_output(mut spool: BufWriter<File>) -> io::Result<()> {
    spool.rewind()?;
    let mut file = spool.into_inner().map_err(io::IntoInnerError::into_error)?;
    let mut out = io::stdout().lock();
    io::copy(&mut file, &mut out)?;
    out.flush()
}

impl Write for ResultOut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Spool(spool) => spool.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Spool(spool) => spool.flush(),
        }
    }
}

impl Seek for ResultOut {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(position),
            Self::Spool(spool) => spool.seek(position),
        }
    }
}

/// Begins `output`, which is to be made of `input`, and makes the folder that it is to be in.
pub fn begin_result(input: &Path, output: &Path, overwrite: bool) -> Result<ResultFile, CliError> {
    if is_same_file(input, output) {
        return Err(CliError::SameFile { path: output.into() });
    }
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| CliError::write(output, e))?;
    }
    ResultFile::create(output, overwrite)
}

/// Writes `output`, made of `input`, in the folder that it is to be in.
pub fn write_result<T>(
    input: &Path,
    output: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut ResultOut) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let mut result = begin_result(input, output, overwrite)?;
    let value = write(&mut result.out)?;
    result.finish()?;
    Ok(value)
}

/// Whether something has the name of a result.
pub fn is_there(output: &Path) -> bool {
    !is_standard(output) && output.exists()
}

/// Whether two paths lead to one file.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    if is_standard(a) || is_standard(b) {
        return false;
    }
    a == b || a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

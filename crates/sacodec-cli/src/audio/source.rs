//! The bytes of a file as they are read: counted, hashed, and with the first error remembered, because not
//! every reader passes it on.

use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::standard::is_standard;

/// As large as a disk likes it.
const BUFFER_BYTES: usize = 1 << 16;

/// What a file was, to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDigest {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// A file or standard input.
pub struct Source {
    inner: Box<dyn Read + Send + Sync>,
    tally: Tally,
    /// How long it is; `None` for what is no plain file.
    pub length_bytes: Option<u64>,
}

/// The bytes of a file, of which the first have been looked at.
pub type Bytes = Chain<Cursor<Vec<u8>>, Source>;

/// What has been read of a [`Source`].
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    bytes: u64,
    sha256: Sha256,
    error: Option<io::Error>,
}

impl Source {
    /// Opens `path`; `-` is standard input.
    pub fn open(path: &Path) -> io::Result<Self> {
        if is_standard(path) {
            return Ok(Self::new(io::stdin(), None));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self::new(file, metadata.is_file().then_some(metadata.len())))
    }

    /// Of any bytes.
    pub fn new(inner: impl Read + Send + Sync + 'static, length_bytes: Option<u64>) -> Self {
        let inner = Box::new(io::BufReader::with_capacity(BUFFER_BYTES, inner));
        Self { inner, tally: Tally::default(), length_bytes }
    }

    /// What has been read, also later.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(out) {
            Ok(count) => {
                let mut counts = self.tally.0.lock();
                counts.bytes += count as u64;
                counts.sha256.update(&out[..count]);
                Ok(count)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    let copy = io::Error::new(error.kind(), error.to_string());
                    self.tally.0.lock().error.get_or_insert(copy);
                }
                Err(error)
            }
        }
    }
}

impl Tally {
    /// Size and digest of what has been read.
    pub fn digest(&self) -> SourceDigest {
        let counts = self.0.lock();
        let digits = counts.sha256.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        SourceDigest { bytes: counts.bytes, sha256: digits }
    }

    /// Bytes that have been read.
    pub fn bytes(&self) -> u64 {
        self.0.lock().bytes
    }

    /// The first error of the system, once.
    pub fn take_error(&self) -> Option<io::Error> {
        self.0.lock().error.take()
    }
}

/// Size and digest of the file at `path`.
///
/// # Errors
/// As the system.
pub fn digest_of(path: &Path) -> io::Result<SourceDigest> {
    let mut source = Source::open(path)?;
    io::copy(&mut source, &mut io::sink())?;
    Ok(source.tally().digest())
}

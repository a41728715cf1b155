//! Why audio cannot be read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why an audio file cannot be opened or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AudioFileError {
    /// It could not be opened.
    #[error("{} could not be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its content cannot be read, or is not what it says.
    #[error("{} could not be read: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AudioError,
    },
}

/// Why audio cannot be read, or is not what its file says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An empty file.
    #[error("it has no bytes: get the file again")]
    NoBytes,
    /// Another format.
    #[error("it is {what}, and WAV or FLAC is expected: convert it")]
    Unknown {
        /// What it looks like.
        what: &'static str,
    },
    /// A header that no reader could follow.
    #[error("its header is wrong: {problem}: get or make the file again")]
    Header {
        /// What was found, and what was expected.
        problem: String,
    },
    /// Samples of a kind that is not read.
    #[error(
        "its samples are {found}, and PCM of 1 to 32 bits, 32- or 64-bit float, A-law or µ-law are expected: convert it"
    )]
    Encoding {
        /// What they are.
        found: String,
    },
    /// It ends before its header says.
    #[error(
        "it is cut: its header tells of {declared} {unit}, and {found} are there: get the whole file again"
    )]
    Cut {
        /// What the header tells.
        declared: u64,
        /// What is there.
        found: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// It goes on where its header says it has ended.
    #[error(
        "{found} bytes follow its {declared} bytes of audio and are no part of a WAV file: the sizes in its \
         header are wrong, or something was appended; write the file again"
    )]
    Longer {
        /// Bytes of audio that the header tells of.
        declared: u64,
        /// Bytes after them.
        found: u64,
    },
    /// More samples than its header says.
    #[error("its header tells of {declared} samples, and {found} are there: write the file again")]
    MoreSamples {
        /// What the header tells.
        declared: u64,
        /// What is there.
        found: u64,
    },
    /// Samples are missing in the middle.
    #[error("it is damaged at {seconds:.3} s: {problem}: get the file again")]
    Damaged {
        /// Where.
        seconds: f64,
        /// What was found.
        problem: String,
    },
    /// The digest of its samples is another one.
    #[error(
        "its samples are not those that it was made of: their MD5 is not the one in its header; get the file \
         again"
    )]
    Digest,
}

impl AudioError {
    /// A wrong header.
    pub(super) fn header(problem: impl Into<String>) -> Self {
        Self::Header { problem: problem.into() }
    }
}

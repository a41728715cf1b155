//! Why a file cannot be read, or a take not made.

use thiserror::Error;

/// Why a file cannot be read as a take.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TakeError {
    /// Not the first bytes of a take.
    #[error("it is not a .sac token take: it is empty, or begins with other bytes")]
    Magic,
    /// Written by a later SACodec.
    #[error("it is a .sac take of version {found}, this SACodec reads version 1: install a newer one")]
    Version {
        /// Major version found.
        found: u16,
    },
    /// Ends inside the header.
    #[error("it ends inside its header: nothing of it can be read")]
    HeaderCut,
    /// The header's length is out of bounds, or its CRC is wrong.
    #[error(
        "its header is damaged: run `sacodec repair --like OTHER.sac` with a sound take of the same session"
    )]
    HeaderDamaged,
    /// The header is not a JSON object with the required fields.
    #[error("its header cannot be understood: {0}")]
    HeaderSyntax(serde_json::Error),
    /// A field of the header is out of bounds.
    #[error("its header's {field} is out of bounds, expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Longer than any take.
    #[error("it has {bytes} bytes or more, and a take has 300 MiB at most: choose a .sac file")]
    TooLarge {
        /// Bytes that were found.
        bytes: u64,
    },
    /// More tokens, places or damage than any take has.
    #[error(
        "it would take up more than {mib} MiB of memory, more than a day of 16 channels: it is damaged, or not a take"
    )]
    TooMuch {
        /// How much is allowed, in MiB.
        mib: usize,
    },
    /// More frames than a take holds.
    #[error("a take holds at most 124 hours: start another one")]
    TooLong,
    /// Many more frames are said to be missing than there are.
    #[error("it says that {missing} frames are missing, and only {present} are present: it is damaged")]
    MostlyMissing {
        /// Frames that are missing.
        missing: u64,
        /// Frames that are there.
        present: u64,
    },
    /// So many frames were taken out that no reader would accept the take.
    #[error(
        "{missing} frames would be missing and {present} be left, and no reader accepts such a take: lose fewer, or take a shorter one"
    )]
    MostlyLost {
        /// Frames that are missing.
        missing: u64,
        /// Frames that are there.
        present: u64,
    },
    /// The disk.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

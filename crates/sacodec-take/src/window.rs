//! The bytes of a take as they are read: never more than some records are in memory.

use std::io::{self, Read};

use super::format::{MAX_HEADER_BYTES, PREAMBLE_BYTES};

/// No record is longer, nor preamble and header together.
pub const WINDOW_BYTES: usize = MAX_HEADER_BYTES + PREAMBLE_BYTES;
/// So much is read at once.
const READ_BYTES: usize = 1 << 16;

/// A place in a file, and what follows it.
pub struct Window<R> {
    source: R,
    held: Vec<u8>,
    /// Where the window begins in `held`.
    at: usize,
    /// Where it begins in the file.
    offset: u64,
    is_at_end: bool,
}

impl<R: Read> Window<R> {
    /// At the first byte.
    pub fn new(source: R) -> Self {
        Self { source, held: Vec::new(), at: 0, offset: 0, is_at_end: false }
    }

    /// The next [`WINDOW_BYTES`] at least, or all that are left.
    ///
    /// # Errors
    /// As the source.
    pub fn bytes(&mut self) -> io::Result<&[u8]> {
        if self.held.len() - self.at < WINDOW_BYTES && !self.is_at_end {
            self.held.drain(..self.at);
            self.at = 0;
            let wanted = (WINDOW_BYTES + READ_BYTES - self.held.len()) as u64;
            let found = self.source.by_ref().take(wanted).read_to_end(&mut self.held)?;
            self.is_at_end = (found as u64) < wanted;
        }
        Ok(&self.held[self.at..])
    }

    /// Moves on by so many of these bytes.
    pub fn advance(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held.len() - self.at);
        self.at += bytes;
        self.offset += bytes as u64;
    }

    /// Bytes before the window.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

//! Loss as it was measured: a file that tells for each packet whether it was lost.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Longest trace: 15 hours of packets of two frames.
pub const MAX_TRACE_PACKETS: usize = 1 << 21;
/// Longest file of one: a packet on each line, and comments.
const MAX_FILE_BYTES: u64 = 4 * MAX_TRACE_PACKETS as u64;

/// Why a trace could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceError {
    /// It holds something else.
    #[error(
        "line {line} of the trace has {found:?}: a packet is 0 where it arrives and 1 where it is lost, one after another or one on a line"
    )]
    Entry {
        /// The line, from 1 on.
        line: usize,
        /// What is there.
        found: char,
    },
    /// No packet in it.
    #[error("the trace has no packets: write 0 for each packet that arrives and 1 for each that is lost")]
    Empty,
    /// Too many packets.
    #[error("the trace has more than {MAX_TRACE_PACKETS} packets: cut it")]
    TooLong,
}

/// Why a file could not be read as a trace.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TraceFileError {
    /// The system does not give it.
    #[error("{} could not be read ({source}): choose another trace, or put it back", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// More than any trace needs.
    #[error("{} is longer than any trace, {} MB: cut it", path.display(), MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not a trace.
    #[error("{} is not a trace: {source}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TraceError,
    },
}

/// For each packet whether it was lost. Where it ends it begins again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossTrace {
    lost: Box<[bool]>,
}

impl LossTrace {
    /// Reads a trace: `0` for a packet that arrives, `1` for one that is lost, as in the files that `opus_demo
    /// -lossfile` and the tools around it read. White space and commas between packets mean nothing, and what follows
    /// `#` on a line is a comment.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut lost = Vec::new();
        // Editors on Windows begin a file with it.
        for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            for found in line.chars().filter(|c| !c.is_whitespace() && *c != ',') {
                lost.push(match found {
                    '0' => false,
                    '1' => true,
                    _ => return Err(TraceError::Entry { line: n + 1, found }),
                });
            }
            if lost.len() > MAX_TRACE_PACKETS {
                return Err(TraceError::TooLong);
            }
        }
        if lost.is_empty() {
            return Err(TraceError::Empty);
        }
        Ok(Self { lost: lost.into() })
    }

    /// Reads the trace in a file, see [`LossTrace::parse`]. Of a file that is too long, or has no end, no more is read
    /// than a trace may have.
    ///
    /// # Errors
    /// [`TraceFileError`].
    pub fn open(path: &Path) -> Result<Self, TraceFileError> {
        let read = |source| TraceFileError::Read { path: path.into(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(read)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(TraceFileError::TooLarge { path: path.into() });
        }
        // What is not text is not 0 or 1 either.
        let trace = Self::parse(&String::from_utf8_lossy(&bytes));
        trace.map_err(|source| TraceFileError::Trace { path: path.into(), source })
    }

    /// Packets until it begins again.
    pub fn packets(&self) -> usize {
        self.lost.len()
    }

    /// How many of them are lost.
    pub fn lost_packets(&self) -> usize {
        self.lost.iter().filter(|&&lost| lost).count()
    }

    /// Whether `packet` is lost.
    ///
    /// # Real-time
    /// A look into memory.
    pub fn is_lost(&self, packet: i64) -> bool {
        // It is never empty.
        self.lost[packet.rem_euclid(self.lost.len() as i64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<bool> {
        LossTrace::parse(text).unwrap().lost.into()
    }

    #[test]
    fn packets_are_read_by_the_character_and_by_the_line() {
        let expected = [false, true, true, false];
        for text in
            ["0110", "0\n1\n1\n0\n", "0 1\t1 0", "0,1,1,0", "\u{feff}01\r\n10\r\n", "# Wi-Fi\n01 # lost\n10"]
        {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_trace_begins_again_where_it_ends_on_both_sides_of_zero() {
        let trace = LossTrace::parse("011").unwrap();
        let found: Vec<bool> = (-4..5).map(|packet| trace.is_lost(packet)).collect();
        assert_eq!(found, [true, false, true, true, false, true, true, false, true]);
        assert_eq!((trace.packets(), trace.lost_packets()), (3, 2));
    }

    #[test]
    fn what_is_not_a_trace_is_refused_with_its_line() {
        assert_eq!(LossTrace::parse("0\n1\n2"), Err(TraceError::Entry { line: 3, found: '2' }));
        assert_eq!(LossTrace::parse(" \n# nothing"), Err(TraceError::Empty));
        assert_eq!(LossTrace::parse(&"0".repeat(MAX_TRACE_PACKETS + 1)), Err(TraceError::TooLong));
    }

    #[test]
    fn a_file_is_read_whole_or_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.txt");
        let refused = || LossTrace::open(&path).unwrap_err().to_string();
        assert!(refused().contains("trace.txt could not be read"), "{}", refused());
        // Comments fill it; the last packet counts.
        let text = format!("0\n#{}\n1", "x".repeat(MAX_FILE_BYTES as usize - 5));
        std::fs::write(&path, &text).unwrap();
        assert_eq!(LossTrace::open(&path).unwrap().lost_packets(), 1, "as long as it may be");
        std::fs::write(&path, text + "1").unwrap();
        assert!(refused().contains("trace.txt is longer than any trace, 8 MB"), "{}", refused());
        std::fs::write(&path, [0xff, b'0']).unwrap();
        assert!(refused().contains("trace.txt is not a trace: line 1"), "{}", refused());
        #[cfg(target_os = "linux")]
        assert!(LossTrace::open(Path::new("/dev/zero")).is_err(), "a file without an end");
    }
}

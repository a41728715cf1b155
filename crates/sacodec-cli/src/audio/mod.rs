//! Reads audio: WAV and FLAC, from a file or from standard input. What a file says of itself is checked:
//! audio that is damaged, cut or not what its header tells is an error, never a shorter result.

mod error;
mod flac;
mod level;
mod pcm;
mod salvage;
mod source;
mod wav;

use std::io::{Cursor, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::standard::input_name;
pub use error::{AudioError, AudioFileError};
use flac::FlacReader;
pub use level::Levels;
pub use salvage::Salvage;
use source::{Bytes, Tally};
pub use source::{Source, SourceDigest, digest_of};
use wav::WavReader;

/// What audio files are found by in folders.
pub const AUDIO_EXTENSIONS: [&str; 2] = ["wav", "flac"];
/// What a file is told by.
const MAGIC_BYTES: usize = 12;

/// An audio file, read piece by piece.
pub struct AudioReader {
    path: PathBuf,
    format: Format,
    tally: Tally,
    /// Host rate in Hz.
    pub rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Samples of each channel, where the file says it.
    pub length_samples: Option<u64>,
}

enum Format {
    Wav(Box<WavReader<Bytes>>),
    Flac(Box<FlacReader>),
}

impl AudioReader {
    /// Opens `path`; `-` is standard input. `salvage` says what becomes of damage.
    ///
    /// # Errors
    /// [`AudioFileError`].
    pub fn open(path: &Path, salvage: Salvage) -> Result<Self, AudioFileError> {
        let name = input_name(path);
        let source =
            Source::open(path).map_err(|source| AudioFileError::Open { path: name.clone(), source })?;
        Self::new(&name, source, salvage).map_err(|source| AudioFileError::Content { path: name, source })
    }

    /// Reads bytes, which errors call `path`. Where their number is not known they are read like a pipe.
    ///
    /// # Errors
    /// [`AudioFileError::Content`].
    pub fn of(
        path: &Path,
        bytes: impl Read + Send + Sync + 'static,
        length_bytes: Option<u64>,
        salvage: Salvage,
    ) -> Result<Self, AudioFileError> {
        let source = Source::new(bytes, length_bytes);
        Self::new(path, source, salvage)
            .map_err(|source| AudioFileError::Content { path: path.into(), source })
    }

    fn new(path: &Path, mut source: Source, salvage: Salvage) -> Result<Self, AudioError> {
        let (length_bytes, tally) = (source.length_bytes, source.tally());
        let mut magic = Vec::new();
        source.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
        let kind = kind(&magic)?;
        let bytes = Cursor::new(magic).chain(source);
        let (format, rate_hz, channels, length_samples) = match kind {
            Kind::Wav => {
                let wav = WavReader::new(bytes, length_bytes, salvage)?;
                let of = (wav.rate_hz, wav.channels, wav.length_samples);
                (Format::Wav(Box::new(wav)), of.0, of.1, of.2)
            }
            Kind::Flac => {
                let flac = FlacReader::new(bytes, &tally, salvage)?;
                let of = (flac.rate_hz, flac.channels, flac.length_samples);
                (Format::Flac(Box::new(flac)), of.0, of.1, of.2)
            }
        };
        Ok(Self { path: path.into(), format, tally, rate_hz, channels, length_samples })
    }

    /// The next samples of every channel, appended to `out`; `false` at the end. Only then all of the
    /// file has been checked.
    ///
    /// # Errors
    /// [`AudioFileError::Content`].
    pub fn read(&mut self, out: &mut [Vec<f32>]) -> Result<bool, AudioFileError> {
        self.format.read(out).map_err(|source| AudioFileError::Content { path: self.path.clone(), source })
    }

    /// Samples that are missing and were given as silence, so far and in order.
    pub fn missing(&self) -> &[Range<u64>] {
        match &self.format {
            Format::Wav(wav) => wav.salvage.missing(),
            Format::Flac(flac) => flac.salvage.missing(),
        }
    }

    /// Size and digest of all bytes of the file. Ask when [`AudioReader::read`] has come to the end.
    pub fn digest(&self) -> SourceDigest {
        self.tally.digest()
    }
}

impl Format {
    fn read(&mut self, out: &mut [Vec<f32>]) -> Result<bool, AudioError> {
        match self {
            Self::Wav(wav) => wav.read(out),
            Self::Flac(flac) => flac.read(out),
        }
    }
}

enum Kind {
    Wav,
    Flac,
}

fn kind(magic: &[u8]) -> Result<Kind, AudioError> {
    match magic {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E']
        | [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E']
        | [b'B', b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E'] => Ok(Kind::Wav),
        // ID3 tags before the stream are no part of FLAC, and are found there all the same.
        [b'f', b'L', b'a', b'C', ..] | [b'I', b'D', b'3', ..] => Ok(Kind::Flac),
        [] => Err(AudioError::NoBytes),
        _ => Err(AudioError::Unknown { what: other_format(magic) }),
    }
}

/// What is not told by its first bytes.
const UNKNOWN: &str = "of a kind that is not known";

/// What a file may be that is not read.
fn other_format(magic: &[u8]) -> &'static str {
    match magic {
        [b'R', b'I', b'F', b'X', ..] => "a big-endian WAV file (RIFX)",
        [b'R', b'I', b'F', b'F', ..] => "a RIFF file that is cut or is not WAV",
        [b'r', b'i', b'f', b'f', ..] => "a Wave64 file",
        [b'F', b'O', b'R', b'M', ..] => "an AIFF file",
        [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
        [b'c', b'a', b'f', b'f', ..] => "a CAF file",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an MP4 file",
        [0xFF, 0xE0..=0xFF, ..] => "an MP3 or AAC file",
        [0x89, b'S', b'A', b'C', ..] => "a take (.sac)",
        [b'N', b'I', b'S', b'T', ..] => "a NIST SPHERE file",
        _ => UNKNOWN,
    }
}

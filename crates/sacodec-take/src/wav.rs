//! Writes WAV files of 32-bit floats.

use std::io::{self, Read, Seek, SeekFrom, Write};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use thiserror::Error;

/// RIFF counts bytes in 32 bits, and there are a header and a comment.
const MAX_BYTES: u64 = u32::MAX as u64 - 1024;
/// Longest comment, for which [`MAX_BYTES`] leaves room.
const MAX_COMMENT_BYTES: usize = 800;
const SAMPLE_BYTES: u64 = 4;

/// Why audio cannot be a WAV file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WavError {
    /// More audio than a WAV file holds.
    #[error(
        "a WAV file of {channels} channels at {rate_hz} Hz holds {max_seconds:.0} s, and this is longer: \
         choose a lower rate or fewer channels, or split it"
    )]
    TooLong {
        /// The file's rate.
        rate_hz: u32,
        /// The file's channels.
        channels: u16,
        /// What fits.
        max_seconds: f64,
    },
    /// WAV has no fractional rates.
    #[error("{rate_hz} Hz cannot be the rate of a WAV file, which is whole: give another rate")]
    Rate {
        /// The rate.
        rate_hz: f64,
    },
    /// More channels than its header can count, or none.
    #[error("a WAV file cannot have {channels} channels: use 1 to 65535")]
    Channels {
        /// The channels.
        channels: usize,
    },
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<hound::Error> for WavError {
    fn from(error: hound::Error) -> Self {
        Self::Io(match error {
            hound::Error::IoError(error) => error,
            error => io::Error::other(error),
        })
    }
}

/// A WAV file that is being written.
pub struct FloatWav<W: Write + Seek> {
    wav: WavWriter<W>,
    sum: crc32fast::Hasher,
    /// Samples of each channel that fit.
    max_samples: u64,
    samples: u64,
}

impl<W: Write + Seek> FloatWav<W> {
    /// Begins a file. Where its length is known, one that is too long is refused at once.
    ///
    /// # Errors
    /// [`WavError`].
    pub fn new(out: W, rate_hz: f64, channels: usize, length_samples: Option<u64>) -> Result<Self, WavError> {
        let whole_hz = Some(rate_hz).filter(|r| r.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(r));
        let count = u16::try_from(channels).ok().filter(|&count| count > 0);
        let spec = WavSpec {
            channels: count.ok_or(WavError::Channels { channels })?,
            sample_rate: whole_hz.ok_or(WavError::Rate { rate_hz })? as u32,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let max_samples = MAX_BYTES / (SAMPLE_BYTES * u64::from(spec.channels));
        if length_samples.is_some_and(|length| length > max_samples) {
            return Err(too_long(spec, max_samples));
        }
        Ok(Self { wav: WavWriter::new(out, spec)?, sum: crc32fast::Hasher::new(), max_samples, samples: 0 })
    }

    /// Appends the same number of samples of every channel.
    ///
    /// # Errors
    /// [`WavError::TooLong`] or [`WavError::Io`].
    pub fn write(&mut self, channels: &[Vec<f32>]) -> Result<(), WavError> {
        let length = channels.iter().map(Vec::len).min().unwrap_or(0);
        self.samples += length as u64;
        if self.samples > self.max_samples {
            return Err(too_long(self.wav.spec(), self.max_samples));
        }
        for sample in (0..length).flat_map(|i| channels.iter().map(move |channel| channel[i])) {
            self.sum.update(&sample.to_le_bytes());
            self.wav.write_sample(sample)?;
        }
        Ok(())
    }

    /// Completes the file, and tells what it holds.
    ///
    /// # Errors
    /// [`WavError::Io`].
    pub fn finish(self) -> Result<FloatWavContent, WavError> {
        let WavSpec { sample_rate: rate_hz, channels, .. } = self.wav.spec();
        self.wav.finalize()?;
        Ok(FloatWavContent { rate_hz, channels, crc32: self.sum.finalize() })
    }
}

/// What a WAV file of 32-bit floats holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloatWavContent {
    /// Its rate in Hz.
    pub rate_hz: u32,
    /// Its channels.
    pub channels: u16,
    /// Of the bytes of its samples, CRC-32 (IEEE 802.3).
    pub crc32: u32,
}

impl FloatWavContent {
    /// Reads all of a file.
    ///
    /// # Errors
    /// As the system, and where it is none of these files.
    pub fn read(file: impl Read) -> Result<Self, WavError> {
        let mut wav = WavReader::new(file)?;
        let WavSpec { sample_rate: rate_hz, channels, .. } = wav.spec();
        let mut sum = crc32fast::Hasher::new();
        for sample in wav.samples::<f32>() {
            sum.update(&sample?.to_le_bytes());
        }
        Ok(Self { rate_hz, channels, crc32: sum.finalize() })
    }
}

/// The chunk that says `comment` in a WAV file: a LIST of INFO with one ICMT (Multimedia Programming Interface and Data
/// Specifications 1.0, IBM and Microsoft 1991). One that is too long is cut.
pub fn comment_chunk(comment: &str) -> Vec<u8> {
    let mut text = comment.as_bytes()[..comment.floor_char_boundary(MAX_COMMENT_BYTES)].to_vec();
    text.push(0);
    let text_bytes = text.len() as u32;
    text.resize(text.len().next_multiple_of(2), 0);
    let list_bytes = 4 + 8 + text.len() as u32;
    [&b"LIST"[..], &list_bytes.to_le_bytes(), b"INFOICMT", &text_bytes.to_le_bytes(), &text].concat()
}

/// Appends `comment` to `out`, a complete WAV file that [`FloatWav`] wrote: its last bytes are then those of
/// [`comment_chunk`].
///
/// # Errors
/// As the system.
pub fn append_comment(out: &mut (impl Write + Seek), comment: &str) -> io::Result<()> {
    let chunk = comment_chunk(comment);
    let bytes = out.seek(SeekFrom::End(0))? + chunk.len() as u64;
    out.write_all(&chunk)?;
    // RIFF counts what follows its own eight bytes.
    out.seek(SeekFrom::Start(4))?;
    out.write_all(&u32::try_from(bytes - 8).map_err(io::Error::other)?.to_le_bytes())?;
    out.seek(SeekFrom::End(0)).map(drop)
}

fn too_long(spec: WavSpec, max_samples: u64) -> WavError {
    let max_seconds = max_samples as f64 / f64::from(spec.sample_rate);
    WavError::TooLong { rate_hz: spec.sample_rate, channels: spec.channels, max_seconds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn what_was_written_is_read_again() {
        let mut bytes = Cursor::new(Vec::new());
        let mut wav = FloatWav::new(&mut bytes, 44_100.0, 2, Some(3)).unwrap();
        wav.write(&[vec![0.1, 0.2], vec![-0.1, -0.2]]).unwrap();
        wav.write(&[vec![0.3], vec![-0.3]]).unwrap();
        wav.finish().unwrap();
        let reader = hound::WavReader::new(Cursor::new(bytes.into_inner())).unwrap();
        assert_eq!((reader.spec().sample_rate, reader.spec().channels), (44_100, 2));
        let samples: Vec<f32> = reader.into_samples().map(Result::unwrap).collect();
        assert_eq!(samples, [0.1, -0.1, 0.2, -0.2, 0.3, -0.3]);
    }

    #[test]
    fn a_comment_follows_the_samples_and_is_counted() {
        for comment in ["odd", "even", "", "ä".repeat(MAX_COMMENT_BYTES).as_str()] {
            let mut bytes = Cursor::new(Vec::new());
            let mut wav = FloatWav::new(&mut bytes, 44_100.0, 1, Some(2)).unwrap();
            wav.write(&[vec![0.1, 0.2]]).unwrap();
            let content = wav.finish().unwrap();
            append_comment(&mut bytes, comment).unwrap();
            let bytes = bytes.into_inner();
            let chunk = comment_chunk(comment);
            assert!(bytes.ends_with(&chunk) && chunk.len().is_multiple_of(2) && chunk.len() < 1000);
            let counted = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
            assert_eq!(counted as usize, bytes.len() - 8);
            assert_eq!(FloatWavContent::read(&bytes[..]).unwrap(), content);
            let mut other = bytes.clone();
            other[bytes.len() - chunk.len() - 1] ^= 1;
            assert_ne!(FloatWavContent::read(&other[..]).unwrap(), content, "a sample was changed");
            let samples = hound::WavReader::new(Cursor::new(bytes)).unwrap().into_samples::<f32>();
            assert_eq!(samples.map(Result::unwrap).collect::<Vec<_>>(), [0.1, 0.2]);
        }
    }

    #[test]
    fn what_no_wav_file_can_be_is_refused() {
        let new = |rate_hz, channels, length| {
            FloatWav::new(Cursor::new(Vec::new()), rate_hz, channels, length).err()
        };
        for rate_hz in [0.0, -1.0, 1234.5, 1e10, f64::NAN, f64::INFINITY] {
            assert!(matches!(new(rate_hz, 1, None), Some(WavError::Rate { .. })), "{rate_hz} Hz");
        }
        for channels in [0, 65_536] {
            assert!(matches!(new(48_000.0, channels, None), Some(WavError::Channels { .. })), "{channels}");
        }
        let most = MAX_BYTES / SAMPLE_BYTES;
        for (channels, length, fits) in
            [(1, most, true), (1, most + 1, false), (2, most / 2, true), (2, most, false)]
        {
            assert_eq!(new(48_000.0, channels, Some(length)).is_none(), fits, "{channels} × {length}");
        }
    }

    #[test]
    fn a_file_is_never_longer_than_its_header_can_say() {
        let mut wav = FloatWav::new(Cursor::new(Vec::new()), 8000.0, 1, None).unwrap();
        wav.max_samples = 10;
        wav.write(&[vec![0.0; 10]]).unwrap();
        let said = wav.write(&[vec![0.0]]).unwrap_err().to_string();
        assert!(said.contains("8000 Hz") && said.contains("split"), "{said}");
    }
}

//! Takes as files of other formats, complete or not there at all.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::atomic_file::{AtomicFile, AtomicFileError};
use super::decode::{DecodeError, Decoding, decode_take};
use super::reader::Take;
use super::tables::{write_csv, write_jsonl, write_npy};
use super::wav::{FloatWav, FloatWavContent, WavError};
use sacodec_codec::CodecModel;

/// What a take can be exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// `[frames, channels, 2]` of `u16`: semantic, acoustic; 65535 where a frame is missing.
    Npy,
    /// A line for each frame with its place on the timeline.
    Jsonl,
    /// A line for each frame and channel with its place on the timeline.
    Csv,
    /// The decoded audio, 32-bit float.
    Wav,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Npy, Self::Jsonl, Self::Csv, Self::Wav];

    /// The file name's extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Wav => "wav",
        }
    }
}

impl std::str::FromStr for ExportFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.extension() == name.trim());
        known.ok_or_else(|| format!("{name:?} is not a format: use npy, jsonl, csv or wav"))
    }
}

/// Why a take could not be exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file could not be made.
    #[error(transparent)]
    File(#[from] AtomicFileError),
    /// The file could not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Its audio could not be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Its audio without a pack.
    #[error("audio is decoded with the pack that the take was coded with: give that pack")]
    NoPack,
    /// Its audio cannot be a WAV file.
    #[error(transparent)]
    Wav(WavError),
}

impl From<WavError> for ExportError {
    fn from(error: WavError) -> Self {
        match error {
            WavError::Io(error) => Self::Io(error),
            error => Self::Wav(error),
        }
    }
}

/// Writes `take` as `format` to `path`, where nothing is yet; audio is decoded with `model`, at the
/// take's own rate. Ends with an error, and leaves nothing, once it is `given_up`.
///
/// # Errors
/// [`ExportError`].
pub fn export_take(
    take: &Take,
    format: ExportFormat,
    model: &Arc<CodecModel>,
    path: &Path,
    given_up: &AtomicBool,
) -> Result<(), ExportError> {
    let mut file = AtomicFile::create(path, false)?;
    write_export(take, format, Some(model), &mut UntilGivenUp { file: &mut file, given_up })?;
    Ok(file.finish()?)
}

/// A file that takes no more once it is given up: it is asked after every few frames.
struct UntilGivenUp<'a> {
    file: &'a mut AtomicFile,
    given_up: &'a AtomicBool,
}

impl UntilGivenUp<'_> {
    fn check(&self) -> std::io::Result<()> {
        if self.given_up.load(Relaxed) {
            return Err(std::io::Error::other(
                "the plugin was removed before it was complete: use `sacodec convert`",
            ));
        }
        Ok(())
    }
}

impl Write for UntilGivenUp<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.check()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Seek for UntilGivenUp<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.check()?;
        self.file.seek(to)
    }
}

/// Writes `take` as `format`; only audio needs the model.
///
/// # Errors
/// [`ExportError`].
pub fn write_export(
    take: &Take,
    format: ExportFormat,
    model: Option<&Arc<CodecModel>>,
    out: &mut (impl Write + Seek),
) -> Result<(), ExportError> {
    match format {
        ExportFormat::Npy => Ok(write_npy(take, out)?),
        ExportFormat::Jsonl => Ok(write_jsonl(take, out)?),
        ExportFormat::Csv => Ok(write_csv(take, out)?),
        ExportFormat::Wav => {
            let model = model.ok_or(ExportError::NoPack)?;
            write_wav(take, model, Decoding::of(take), out).map(drop)
        }
    }
}

/// Decodes `take` into a WAV file of 32-bit floats, and tells what it holds.
///
/// # Errors
/// [`ExportError`].
pub fn write_wav(
    take: &Take,
    model: &Arc<CodecModel>,
    decoding: Decoding,
    out: &mut (impl Write + Seek),
) -> Result<FloatWavContent, ExportError> {
    let rate_hz = decoding.rate_hz;
    let seconds = f64::from(take.frames()) / take.header.frame_rate_hz();
    let length_samples = (seconds * rate_hz) as u64;
    let mut wav = FloatWav::new(out, rate_hz, take.header.channels, Some(length_samples))?;
    decode_take(take, model, decoding, |channels| Ok::<_, ExportError>(wav.write(channels)?))?;
    Ok(wav.finish()?)
}

//! Takes to files of other formats, under a temporary name until they are complete; and to audio.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use thiserror::Error;

use super::disk::{Disk, SystemDisk};
use super::export::{ExportFormat, write_csv, write_jsonl, write_npy};
use super::format::GapReason;
use super::header::PackId;
use super::reader::Take;
use sacodec_codec::CodecModel;
use sacodec_engine::{EngineError, TokenDecoder};
use sacodec_token::{StreamGain, TokenFrame};

/// RIFF counts bytes in 32 bits, and there is a header.
const MAX_WAV_BYTES: u64 = u32::MAX as u64 - 1024;
/// Frames that are decoded behind the last one, so that its end comes out of the decoder.
const TAIL_FRAMES: usize = 8;

/// Numbers the temporary files of this process.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// Why a take could not be exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The disk.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The decoder.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Another model than the take's.
    #[error("the take was coded with the pack {found} ({}…), not with {given}: give that pack", &.sha256[..12])]
    OtherPack {
        /// Name and version in the take.
        found: String,
        /// Its weights.
        sha256: String,
        /// Name and version of the pack at hand.
        given: String,
    },
    /// More audio than a WAV file holds.
    #[error("{seconds:.0} s of audio are more than a WAV file holds: decode at a lower rate or split it")]
    TooLong {
        /// Length of the audio.
        seconds: f64,
    },
    /// WAV has no fractional rates.
    #[error("{rate_hz} Hz is no rate of a WAV file: give another one")]
    Rate {
        /// The take's rate.
        rate_hz: f64,
    },
}

/// Writes a file under a hidden temporary name beside `path` and renames it when it is complete.
/// Without `overwrite` what is there stays there.
///
/// # Errors
/// `AlreadyExists`, or as `write` and the system.
pub fn write_file<E: From<std::io::Error>>(
    path: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    if !overwrite && SystemDisk.exists(path) {
        return Err(std::io::Error::from(std::io::ErrorKind::AlreadyExists).into());
    }
    // Renaming replaces whatever has the name: only a plain file may be replaced, and a link stays one.
    let target = match path.metadata() {
        Ok(found) if !found.is_file() => {
            let message = "it is there and no plain file: choose another name";
            return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, message).into());
        }
        Ok(_) => path.canonicalize()?,
        Err(_) => path.to_owned(),
    };
    let (temporary, file) = temporary_file(&target)?;
    let mut out = BufWriter::new(file);
    let result = (|| {
        write(&mut out)?;
        out.flush()?;
        if overwrite {
            Ok(fs::rename(&temporary, &target)?)
        } else {
            Ok(SystemDisk.rename_new(&temporary, &target)?)
        }
    })();
    if result.is_err() {
        // The error is what the user needs to know, not whether its remains could be removed.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// A new hidden file beside `path` that nobody else writes.
fn temporary_file(path: &Path) -> std::io::Result<(PathBuf, File)> {
    let no_name = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no file name");
    let name = path.file_name().ok_or_else(no_name)?;
    let process = std::process::id();
    loop {
        let number = NEXT_TEMPORARY.fetch_add(1, Relaxed);
        let temporary = path.with_file_name(format!(".{}.{process}-{number}.part", name.to_string_lossy()));
        match File::create_new(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes `take` as `format` to `path`; audio is decoded with `model`, at the take's own rate.
///
/// # Errors
/// [`ExportError`].
pub fn export_take(
    take: &Take,
    format: ExportFormat,
    model: &Arc<CodecModel>,
    path: &Path,
    overwrite: bool,
) -> Result<(), ExportError> {
    write_file(path, overwrite, |out| match format {
        ExportFormat::Npy => Ok(write_npy(take, out)?),
        ExportFormat::Jsonl => Ok(write_jsonl(take, out)?),
        ExportFormat::Csv => Ok(write_csv(take, out)?),
        ExportFormat::Wav => write_wav(take, model, StreamGain::BOTH, take.header.host_rate_hz, out),
    })
}

/// Decodes `take` at `rate_hz` into a WAV file of 32-bit floats.
///
/// # Errors
/// [`ExportError`].
pub fn write_wav(
    take: &Take,
    model: &Arc<CodecModel>,
    streams: StreamGain,
    rate_hz: f64,
    out: &mut (impl Write + Seek),
) -> Result<(), ExportError> {
    let whole_hz = Some(rate_hz).filter(|r| r.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(r));
    let sample_rate = whole_hz.ok_or(ExportError::Rate { rate_hz })? as u32;
    let channels = take.header.channels as u16;
    let seconds = f64::from(take.frames()) / take.header.frame_rate_hz();
    if seconds * rate_hz * f64::from(channels) * 4.0 > MAX_WAV_BYTES as f64 {
        return Err(ExportError::TooLong { seconds });
    }
    let spec = hound::WavSpec {
        channels,
        sample_rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let failed = |error: hound::Error| match error {
        hound::Error::IoError(error) => error,
        error => std::io::Error::other(error.to_string()),
    };
    let mut wav = hound::WavWriter::new(out, spec).map_err(failed)?;
    decode_take(take, model, streams, rate_hz, |channels| {
        let length = channels.iter().map(Vec::len).min().unwrap_or(0);
        for sample in (0..length).flat_map(|i| channels.iter().map(move |c| c[i])) {
            wav.write_sample(sample).map_err(failed)?;
        }
        Ok(())
    })?;
    Ok(wav.finalize().map_err(failed)?)
}

/// Decodes `take` at `rate_hz`: as long as the audio it was coded from, and aligned to it. Missing
/// frames are silent. `sink` gets the samples of every channel piece by piece.
///
/// # Errors
/// [`ExportError`].
pub fn decode_take(
    take: &Take,
    model: &Arc<CodecModel>,
    streams: StreamGain,
    rate_hz: f64,
    mut sink: impl FnMut(&[Vec<f32>]) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    check_pack(take, model)?;
    let header = &take.header;
    let scale = rate_hz / header.host_rate_hz;
    let frame_samples = header.frame_samples();
    let stretch_samples = f64::from(take.frames()) * frame_samples;
    let length = take.footer.as_ref().and_then(|f| f.length_samples).map_or(stretch_samples, |l| l as f64);
    let mut decoder = Decoder::new(take, model, streams, rate_hz)?;
    let mut reasons = take.missing().into_iter().peekable();
    let mut anchors = take.anchors.iter().filter(|a| a.codec_reset && a.index > 0).peekable();
    for (index, tokens) in (0_u32..).zip(take.iter()) {
        let mut reset = None;
        while let Some(anchor) = anchors.next_if(|anchor| anchor.index <= index) {
            reset = Some(anchor);
        }
        if let Some(anchor) = reset {
            // The stream before it ended where this one began, inside a frame.
            let begin_samples = anchor.stream_samples - take.first_stream_samples();
            decoder.end_stretch(begin_samples * scale, frame_samples * scale, &mut sink)?;
        }
        while reasons.next_if(|gap| gap.index + gap.count <= index).is_some() {}
        let failed = reasons.peek().is_some_and(|gap| gap.reason == GapReason::CodecFailed);
        decoder.frame(tokens, tokens.is_none() && failed)?;
        decoder.give(&mut sink)?;
    }
    decoder.end_stretch(length * scale, frame_samples * scale, &mut sink)
}

/// Whether `model` is the one that `take` was coded with.
///
/// # Errors
/// [`ExportError::OtherPack`].
pub fn check_pack(take: &Take, model: &CodecModel) -> Result<(), ExportError> {
    let given = PackId::of(model);
    let found = &take.header.pack;
    if !found.sha256.eq_ignore_ascii_case(&given.sha256) || !take.header.fits(model.info()) {
        return Err(ExportError::OtherPack {
            found: format!("{} {}", found.name, found.version),
            sha256: found.sha256.clone(),
            given: format!("{} {}", given.name, given.version),
        });
    }
    Ok(())
}

/// A decoder for each channel, and how far they are.
struct Decoder {
    channels: Vec<TokenDecoder>,
    last: Vec<Option<TokenFrame>>,
    ready: Vec<Vec<f32>>,
    given_samples: u64,
}

impl Decoder {
    fn new(
        take: &Take,
        model: &Arc<CodecModel>,
        streams: StreamGain,
        rate_hz: f64,
    ) -> Result<Self, ExportError> {
        let count = take.header.channels;
        let channels = (0..count).map(|_| TokenDecoder::new(model, rate_hz, streams));
        Ok(Self {
            channels: channels.collect::<Result<_, _>>()?,
            last: vec![None; count],
            ready: vec![Vec::new(); count],
            given_samples: 0,
        })
    }

    fn frame(&mut self, tokens: Option<&[TokenFrame]>, failed: bool) -> Result<(), ExportError> {
        for (i, decoder) in self.channels.iter_mut().enumerate() {
            let tokens = tokens.map(|t| t[i]);
            decoder.frame(tokens, &mut self.ready[i])?;
            if failed {
                decoder.reset_codec();
            }
            self.last[i] = tokens;
        }
        Ok(())
    }

    fn give(
        &mut self,
        sink: &mut impl FnMut(&[Vec<f32>]) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        self.given_samples += self.ready[0].len() as u64;
        sink(&self.ready)?;
        self.ready.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    /// Fills up to the sample `end` of the output and begins anew there. The end of the last frame
    /// comes out with frames behind it: its own again, for want of others.
    fn end_stretch(
        &mut self,
        end: f64,
        frame_samples: f64,
        sink: &mut impl FnMut(&[Vec<f32>]) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        // No sound take misses more here: what a damaged one says is not believed.
        let most = (TAIL_FRAMES as f64 * frame_samples) as u64;
        let missing = (end.round() as u64).saturating_sub(self.given_samples).min(most) as usize;
        for _ in 0..TAIL_FRAMES {
            if self.ready[0].len() >= missing {
                break;
            }
            for (i, decoder) in self.channels.iter_mut().enumerate() {
                decoder.frame(self.last[i], &mut self.ready[i])?;
            }
        }
        self.ready.iter_mut().for_each(|channel| channel.resize(missing, 0.0));
        self.give(sink)?;
        self.channels.iter_mut().for_each(TokenDecoder::reset);
        Ok(())
    }
}

//! Reads audio files: WAV and FLAC.

use std::fs::File;
use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::CliError;

/// An audio file, read packet by packet.
pub struct AudioReader {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    interleaved: Vec<f32>,
    /// Host rate in Hz.
    pub rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Samples of each channel, where the file says it.
    pub length_samples: Option<u64>,
}

impl AudioReader {
    /// Opens `path`.
    pub fn open(path: &Path) -> Result<Self, CliError> {
        let unreadable =
            |reason: &dyn std::fmt::Display| CliError::Read { path: path.into(), reason: reason.to_string() };
        let file = File::open(path).map_err(|source| CliError::Open { path: path.into(), source })?;
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let (format_options, metadata_options) = (FormatOptions::default(), MetadataOptions::default());
        let format = symphonia::default::get_probe()
            .probe(&hint, stream, format_options, metadata_options)
            .map_err(|e| unreadable(&e))?;
        let track =
            format.default_track(TrackType::Audio).ok_or_else(|| unreadable(&"it has no audio track"))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|p| p.audio())
            .ok_or_else(|| unreadable(&"its audio has no parameters"))?;
        let rate_hz = parameters.sample_rate.ok_or_else(|| unreadable(&"it names no sample rate"))?;
        let channels = parameters.channels.as_ref().map_or(0, |c| c.count());
        if channels == 0 {
            return Err(unreadable(&"it names no channels"));
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|e| unreadable(&e))?;
        let (track, length_samples) = (track.id, track.num_frames);
        Ok(Self {
            path: path.into(),
            format,
            decoder,
            track,
            interleaved: Vec::new(),
            rate_hz,
            channels,
            length_samples,
        })
    }

    /// The next samples of every channel, appended to `out`; `false` at the end. A damaged packet
    /// is an error: nothing is left out silently.
    pub fn read(&mut self, out: &mut [Vec<f32>]) -> Result<bool, CliError> {
        let unreadable = |e: Error| CliError::Read { path: self.path.clone(), reason: e.to_string() };
        loop {
            let Some(packet) = self.format.next_packet().map_err(unreadable)? else { return Ok(false) };
            if packet.track_id != self.track {
                continue;
            }
            let decoded = self.decoder.decode(&packet).map_err(unreadable)?;
            decoded.copy_to_vec_interleaved(&mut self.interleaved);
            for frame in self.interleaved.chunks_exact(self.channels) {
                out.iter_mut().zip(frame).for_each(|(channel, &sample)| channel.push(sample));
            }
            return Ok(true);
        }
    }
}

//! Audio of several channels to the frames of a take.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::CliError;
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_engine::{ChannelMixer, Channels, EngineError, TokenEncoder};
use sacodec_take::{ChannelMode, GapReason, MAX_CHANNELS, TakeError, TakeSerializer};

/// An encoder for each coded channel of a file.
pub struct FileEncoder {
    /// One a channel.
    pub encoders: Vec<TokenEncoder>,
    mixer: ChannelMixer,
    /// Tokens of each channel that are complete; `None` where the codec failed.
    pub ready: Vec<Vec<Option<TokenFrame>>>,
    /// Frames of silence alone that are still to be left out, by channel.
    left_out_frames: Vec<u32>,
}

impl FileEncoder {
    /// Encoders for audio of so many channels.
    pub fn new(
        model: &Arc<CodecModel>,
        mode: ChannelMode,
        channels: usize,
        rate_hz: f64,
        path: &Path,
    ) -> Result<Self, CliError> {
        let mixer = ChannelMixer::new(match mode {
            ChannelMode::Each => Channels::DualMono,
            ChannelMode::Sum => Channels::MonoSum,
            ChannelMode::Mono | ChannelMode::Left => Channels::Left,
            ChannelMode::Right => Channels::Right,
        });
        let coded = mixer.coded_channels(channels);
        if coded > MAX_CHANNELS {
            return Err(CliError::Channels { path: path.into(), channels: coded });
        }
        let encoders = (0..coded).map(|_| TokenEncoder::new(model, rate_hz));
        Ok(Self {
            encoders: encoders.collect::<Result<_, _>>()?,
            mixer,
            ready: vec![Vec::new(); coded],
            left_out_frames: vec![0; coded],
        })
    }

    /// Place of the first frame's first sample in the audio.
    pub fn first_samples(&self) -> f64 {
        self.encoders[0].timing().first_frame_samples
    }

    /// Samples that were no numbers.
    pub fn nonfinite_samples(&self) -> u64 {
        self.mixer.nonfinite_samples()
    }

    /// To be called before the first sample of a pass: it is heard `heard_samples` after its first frame begins. A
    /// frame that begins after it has a frame of silence before it, which is left out.
    pub fn begin_pass(&mut self, heard_samples: i64) -> Result<(), EngineError> {
        let Some(first) = self.encoders.first() else { return Ok(()) };
        let hop_samples = first.timing().frame_start_samples(1).round() as i64;
        let is_late = heard_samples < 0;
        let silent = heard_samples.clamp(-hop_samples, hop_samples) + if is_late { hop_samples } else { 0 };
        let silence = vec![0.0; silent as usize];
        self.left_out_frames.fill(u32::from(is_late));
        for channel in 0..self.encoders.len() {
            self.push_channel(channel, &silence)?;
        }
        Ok(())
    }

    /// Codes samples of every channel, which are cleaned in place.
    pub fn push(&mut self, block: &mut [Vec<f32>]) -> Result<(), EngineError> {
        let channels = self.mixer.mix(block);
        (0..self.encoders.len())
            .zip(&channels)
            .try_for_each(|(channel, samples)| self.push_channel(channel, samples))
    }

    fn push_channel(&mut self, channel: usize, samples: &[f32]) -> Result<(), EngineError> {
        let (ready, left_out) = (&mut self.ready[channel], &mut self.left_out_frames[channel]);
        self.encoders[channel].push(samples, &mut |tokens| match *left_out {
            0 => ready.push(tokens),
            _ => *left_out -= 1,
        })
    }

    /// Completes every frame that has begun; what is pushed next begins anew.
    pub fn finish(&mut self) -> Result<(), EngineError> {
        for (encoder, ready) in self.encoders.iter_mut().zip(&mut self.ready) {
            encoder.finish(&mut |tokens| ready.push(tokens))?;
        }
        Ok(())
    }

    /// Moves what is complete on. Frames of samples that are missing are gaps.
    pub fn give(&mut self, writer: &mut TakeSerializer, missing: &[Range<u64>]) -> Result<(), TakeError> {
        let frames = self.ready.iter().map(Vec::len).min().unwrap_or(0);
        let first_samples = self.first_samples();
        let frame_samples = writer.header().frame_samples();
        let mut lost = 0;
        for frame in 0..frames {
            let tokens: Option<Vec<TokenFrame>> = self.ready.iter().map(|r| r[frame]).collect();
            let begin = first_samples + f64::from(writer.next_index() + lost) * frame_samples;
            if missing.iter().any(|m| begin < m.end as f64 && begin + frame_samples > m.start as f64) {
                lost += 1;
                continue;
            }
            give_gap(writer, &mut lost)?;
            match tokens {
                Some(tokens) => writer.frame(&tokens)?,
                None => writer.gap(1, GapReason::CodecFailed)?,
            }
        }
        give_gap(writer, &mut lost)?;
        self.ready.iter_mut().for_each(|r| drop(r.drain(..frames)));
        Ok(())
    }
}

/// Frames that the source does not have.
fn give_gap(writer: &mut TakeSerializer, lost: &mut u32) -> Result<(), TakeError> {
    match std::mem::take(lost) {
        0 => Ok(()),
        lost => writer.gap(lost, GapReason::Damage),
    }
}

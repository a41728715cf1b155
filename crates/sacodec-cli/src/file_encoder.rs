//! Audio of several channels to the frames of a take.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audio::Levels;
use crate::error::CliError;
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_engine::{ChannelMixer, Channels, EngineError, TokenEncoder};
use sacodec_take::{ChannelMode, GapReason, MAX_CHANNELS, TakeError, TakeSerializer};

/// An encoder for each coded channel of a file.
pub struct FileEncoder {
    path: PathBuf,
    /// One a channel.
    pub encoders: Vec<TokenEncoder>,
    mixer: ChannelMixer,
    levels: Levels,
    /// Tokens of each channel that are complete; `None` where the codec failed.
    pub ready: Vec<Vec<Option<TokenFrame>>>,
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
        let encoders = encoders.collect::<Result<_, _>>();
        let encoders = encoders.map_err(|source| CliError::Coding { path: path.into(), source })?;
        let levels = Levels::new(coded);
        Ok(Self { path: path.into(), encoders, mixer, levels, ready: vec![Vec::new(); coded] })
    }

    /// Place of the first frame's first sample in the audio.
    pub fn first_samples(&self) -> f64 {
        self.encoders[0].timing().first_frame_samples
    }

    /// Samples that were no numbers.
    pub fn nonfinite_samples(&self) -> u64 {
        self.mixer.nonfinite_samples()
    }

    /// How loud what was coded is.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// To be called before the first sample of a pass, which is heard `heard_samples` after its first frame begins.
    pub fn begin_pass(&mut self, heard_samples: f64) -> Result<(), CliError> {
        let begun = self.encoders.iter_mut().try_for_each(|encoder| encoder.begin_at(heard_samples));
        begun.map_err(|source| self.failed(source))
    }

    /// Codes samples of every channel, which are cleaned in place.
    pub fn push(&mut self, block: &mut [Vec<f32>]) -> Result<(), CliError> {
        let channels = self.mixer.mix(block);
        self.levels.add(&self.mixer, block, &channels);
        let mut coders = self.encoders.iter_mut().zip(&channels).zip(&mut self.ready);
        let coded = coders.try_for_each(|((encoder, samples), ready)| {
            encoder.push(samples, &mut |tokens| ready.push(tokens))
        });
        coded.map_err(|source| self.failed(source))
    }

    /// Completes every frame that has begun; what is pushed next begins anew.
    pub fn finish(&mut self) -> Result<(), CliError> {
        let mut coders = self.encoders.iter_mut().zip(&mut self.ready);
        let coded = coders.try_for_each(|(encoder, ready)| encoder.finish(&mut |tokens| ready.push(tokens)));
        coded.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: EngineError) -> CliError {
        CliError::Coding { path: self.path.clone(), source }
    }

    /// Moves what is complete on. Frames of samples that are missing, told in order, are gaps.
    pub fn give(&mut self, writer: &mut TakeSerializer, missing: &[Range<u64>]) -> Result<(), TakeError> {
        let frames = self.ready.iter().map(Vec::len).min().unwrap_or(0);
        let first_samples = self.first_samples();
        let frame_samples = writer.header().frame_samples();
        let mut lost = 0;
        for frame in 0..frames {
            let tokens: Option<Vec<TokenFrame>> = self.ready.iter().map(|r| r[frame]).collect();
            let begin = first_samples + f64::from(writer.next_index() + lost) * frame_samples;
            let next = missing.partition_point(|missing| missing.end as f64 <= begin);
            if missing.get(next).is_some_and(|missing| begin + frame_samples > missing.start as f64) {
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

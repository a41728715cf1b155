//! A file through the engine, as the plugin would play it: coded samples beside those that they belong to.

use std::path::Path;
use std::sync::Arc;

use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::audio::{AudioReader, Levels};
use crate::choices::{ChannelsArg, StreamsArg};
use crate::error::CliError;
use crate::network::{ConcealArg, LOST, LossArgs};
use crate::played::Played;
use crate::standard::input_name;
use sacodec_codec::CodecModel;
use sacodec_engine::{ChannelMixer, Controls, Engine, EngineConfig, Listen, Network, Scheduling};

const BLOCK_SAMPLES: usize = 4096;

/// How a file is coded and decoded.
#[derive(Debug, ClapArgs)]
pub struct CodingArgs {
    /// Which channels are coded.
    #[arg(long, value_enum, default_value_t = ChannelsArg::Each)]
    channels: ChannelsArg,
    /// Which token streams are decoded.
    #[arg(long, value_enum, default_value_t = StreamsArg::Both)]
    streams: StreamsArg,
    #[command(flatten)]
    loss: LossArgs,
    /// The token streams that are in the packets which are lost; another stream arrives.
    #[arg(long, value_enum, value_name = "STREAMS", default_value_t = StreamsArg::Both, requires = LOST)]
    lossy: StreamsArg,
    /// How what is lost is concealed: fade, if nothing else is said.
    #[arg(long, value_enum, value_name = "WAY")]
    conceal: Option<ConcealArg>,
}

impl CodingArgs {
    /// To be asked where nothing but a network loses frames. `options` are those of the command by which frames can be
    /// missing.
    ///
    /// # Errors
    /// [`CliError::NothingToConceal`].
    pub fn check_concealment(&self, options: &'static str) -> Result<(), CliError> {
        if self.conceal.is_some() && !self.loss.is_given() {
            return Err(CliError::NothingToConceal { options });
        }
        Ok(())
    }
}

/// The tokens of a channel.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Tokens {
    pub semantic: Vec<u16>,
    pub acoustic: Vec<u16>,
}

/// Samples of one stretch of a file.
pub struct Stretch {
    /// Of each channel of the file.
    pub originals: Vec<Vec<f32>>,
    /// What was coded, of each coded channel.
    pub inputs: Vec<Vec<f32>>,
    /// What it became.
    pub coded: Vec<Vec<f32>>,
}

/// An engine for each coded channel, and what has gone through them. Output is compensated for
/// the engines' latency.
pub struct Coder {
    /// One for each coded channel.
    pub engines: Vec<Engine>,
    mixer: ChannelMixer,
    levels: Levels,
    controls: Controls,
    /// Of each coded channel, where they are asked for: they grow with the file.
    pub tokens: Vec<Tokens>,
    keeps_tokens: bool,
    /// Frames of the first channel.
    pub frames: usize,
    /// Frames of the file of which something was lost.
    pub lost: usize,
    /// The same by their numbers, where tokens are asked for.
    pub lost_frames: Vec<u64>,
    /// Frames of the file that were played from a take.
    pub played: usize,
    /// What is still under way: originals and inputs that are not yet matched by coded samples.
    waiting: Stretch,
    skip_samples: usize,
    /// Samples of the file.
    pub taken_samples: usize,
    given_samples: usize,
}

impl Coder {
    /// Engines for what `reader` has, which is called `path`.
    ///
    /// # Errors
    /// Where the engine cannot code it, or a trace cannot be read.
    pub fn new(
        model: &Arc<CodecModel>,
        args: &CodingArgs,
        path: &Path,
        reader: &AudioReader,
        keeps_tokens: bool,
    ) -> Result<Self, CliError> {
        let mixer = ChannelMixer::new(args.channels.mixed());
        let coded = mixer.coded_channels(reader.channels);
        let config =
            EngineConfig { rate_hz: reader.rate_hz.into(), channels: 1, scheduling: Scheduling::Burst };
        let engines = (0..coded).map(|_| Engine::new(model, config)).collect::<Result<Vec<_>, _>>();
        let mut engines = engines.map_err(|source| CliError::Coding { path: input_name(path), source })?;
        let (mut loss, trace) = args.loss.read()?;
        loss.streams = args.lossy.lossy();
        for engine in &mut engines {
            engine.set_trace(trace.clone());
        }
        let network = Network { loss, concealment: args.conceal.unwrap_or(ConcealArg::Fade).concealment() };
        let streams = args.streams.gain();
        let empty = |channels| vec![Vec::new(); channels];
        Ok(Self {
            skip_samples: engines[0].latency_samples(),
            engines,
            mixer,
            levels: Levels::new(coded),
            controls: Controls { listen: Listen::Coded, streams, network, ..Controls::default() },
            tokens: vec![Tokens::default(); coded],
            keeps_tokens,
            frames: 0,
            lost: 0,
            lost_frames: Vec::new(),
            played: 0,
            waiting: Stretch { originals: empty(reader.channels), inputs: empty(coded), coded: empty(coded) },
            taken_samples: 0,
            given_samples: 0,
        })
    }

    /// Plays a take in place of the input, from the next sample on, which is the first one of the timeline.
    pub fn play(&mut self, played: &Played) {
        for (channel, engine) in self.engines.iter_mut().enumerate() {
            engine.set_track(Some(played.of_channel(channel)));
            engine.set_playback(played.playback);
            engine.begin_at(0.0);
        }
    }

    /// Codes all that `reader` has, which is called `path`, and gives it stretch by stretch.
    ///
    /// # Errors
    /// Where it cannot be read or coded, is empty, or `give` fails.
    pub fn code(
        &mut self,
        reader: &mut AudioReader,
        path: &Path,
        bar: &ProgressBar,
        mut give: impl FnMut(&Stretch) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let mut input = vec![Vec::new(); reader.channels];
        let mut more = true;
        while more {
            while more && input[0].len() < BLOCK_SAMPLES {
                more = reader.read(&mut input)?;
            }
            bar.inc(input[0].len() as u64);
            self.block(&mut input)?;
            give(&self.ready())?;
        }
        if self.taken_samples == 0 {
            return Err(CliError::Empty { path: path.into() });
        }
        while self.given_samples < self.taken_samples {
            self.push(vec![vec![0.0; BLOCK_SAMPLES]; self.engines.len()])?;
            give(&self.ready())?;
        }
        Ok(())
    }

    /// Samples that were no numbers.
    pub fn nonfinite_samples(&self) -> u64 {
        self.mixer.nonfinite_samples()
    }

    /// How loud what was coded is.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Codes and empties `input`.
    fn block(&mut self, input: &mut [Vec<f32>]) -> Result<(), CliError> {
        self.taken_samples += input[0].len();
        let mixed = self.mixer.mix(input);
        self.levels.add(&self.mixer, input, &mixed);
        for (original, input) in self.waiting.originals.iter_mut().zip(input) {
            original.append(input);
        }
        for (waiting, mixed) in self.waiting.inputs.iter_mut().zip(&mixed) {
            waiting.extend_from_slice(mixed);
        }
        self.push(mixed)
    }

    /// Frames whose first sample lies in what was read of the file; what follows codes the silence after it.
    pub fn file_frames(&self) -> usize {
        let engine = &self.engines[0];
        let seconds = self.taken_samples as f64 / engine.config().rate_hz;
        (seconds * engine.model().info().frame_rate_hz()).ceil() as usize
    }

    fn push(&mut self, blocks: Vec<Vec<f32>>) -> Result<(), CliError> {
        let file_frames = self.file_frames() as u64;
        let frame_samples = self.engines[0].timing().frame_start_samples(1);
        for (i, mut block) in blocks.into_iter().enumerate() {
            let (tokens, lost, lost_frames) = (&mut self.tokens[i], &mut self.lost, &mut self.lost_frames);
            let played = &mut self.played;
            let mut frames = 0;
            self.engines[i].process(&mut [&mut block], &self.controls, |frame| {
                frames += frame.tokens().len();
                if self.keeps_tokens {
                    tokens.semantic.extend(frame.tokens().iter().map(|t| t.semantic));
                    tokens.acoustic.extend(frame.tokens().iter().map(|t| t.acoustic));
                }
                // A packet holds all channels. Where a take is played frames are counted anew with each of its stretches.
                let number = (frame.place.start_samples / frame_samples).round() as u64;
                if i == 0 && number < file_frames {
                    *played += usize::from(frame.played.contains(&true));
                    if frame.lost.any() {
                        *lost += 1;
                        lost_frames.extend(self.keeps_tokens.then_some(number));
                    }
                }
            });
            self.frames += if i == 0 { frames } else { 0 };
            let stats = self.engines[i].stats();
            let failed = stats.failed_frames + stats.errors + stats.underruns;
            if failed > 0 {
                return Err(CliError::Failed { failed });
            }
            self.waiting.coded[i].extend_from_slice(&block);
        }
        Ok(())
    }

    /// What is complete: coded samples and those that they belong to.
    fn ready(&mut self) -> Stretch {
        let Stretch { originals, inputs, coded } = &mut self.waiting;
        let skip = self.skip_samples.min(coded[0].len());
        self.skip_samples -= skip;
        let ready = (coded[0].len() - skip).min(originals[0].len());
        self.given_samples += ready;
        let take = |signals: &mut [Vec<f32>], skip: usize| {
            signals.iter_mut().map(|signal| signal.drain(..skip + ready).skip(skip).collect()).collect()
        };
        Stretch { originals: take(originals, 0), inputs: take(inputs, 0), coded: take(coded, skip) }
    }
}

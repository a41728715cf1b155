//! `sacodec roundtrip`: a file through the engine, as the plugin would play it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::audio::{AudioReader, Salvage};
use crate::choices::{ChannelsArg, StreamsArg};
use crate::console::{ReportsTo, complain};
use crate::error::CliError;
use crate::network::{ConcealArg, LOST, LossArgs};
use crate::pack::model;
use crate::result_file::{ResultFile, ResultOut, is_same_file};
use crate::standard::input_name;
use sacodec_codec::CodecModel;
use sacodec_engine::{ChannelMixer, Controls, Engine, EngineConfig, Listen, Network, Scheduling};
use sacodec_take::wav::{FloatWav, WavError};

const BLOCK_SAMPLES: usize = 4096;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// WAV or FLAC, any sample rate, any number of channels; `-` is standard input.
    input: PathBuf,
    /// WAV to write, 32-bit float, at the input's rate; `-` is standard output.
    output: PathBuf,
    /// Also write original minus coded.
    #[arg(long, value_name = "WAV")]
    difference: Option<PathBuf>,
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
    /// How what is lost is concealed.
    #[arg(long, value_enum, value_name = "WAY", default_value_t = ConcealArg::Fade, requires = LOST)]
    conceal: ConcealArg,
    /// Folder of a model pack; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
    /// Replace results that are there already.
    #[arg(long)]
    overwrite: bool,
    /// Print a report with all tokens as JSON.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints. Tokens are those of the first coded channel; further ones follow in
/// `more_channels`.
#[derive(Debug, Serialize)]
struct RoundtripJson {
    input: String,
    output: String,
    pack: String,
    sample_rate_hz: u32,
    channels: usize,
    length_samples: usize,
    coded_channels: usize,
    bitrate_bps: f64,
    latency_samples: usize,
    frames: usize,
    semantic: Vec<u16>,
    acoustic: Vec<u16>,
    more_channels: Vec<Tokens>,
    nonfinite_samples: u64,
    /// Frames of which something was lost.
    lost_frames: Vec<u64>,
}

#[derive(Debug, Default, Clone, Serialize)]
struct Tokens {
    semantic: Vec<u16>,
    acoustic: Vec<u16>,
}

pub fn run(args: &Args) -> Result<(), CliError> {
    check_paths(args)?;
    let model = model(args.pack.as_deref())?;
    let mut reader = AudioReader::open(&args.input, Salvage::default())?;
    let rate_hz = reader.rate_hz;
    let mut coder = Coder::new(&model, args, rate_hz, reader.channels)?;
    let mut output = ResultFile::create(&args.output, args.overwrite)?;
    let create = |path: &PathBuf| ResultFile::create(path, args.overwrite);
    let mut difference = args.difference.as_ref().map(create).transpose()?;
    let mut wavs = Wavs::new(&mut output, difference.as_mut(), &reader)?;

    let bar = progress(args, &reader);
    let mut input = vec![Vec::new(); reader.channels];
    let mut more = true;
    while more {
        while more && input[0].len() < BLOCK_SAMPLES {
            more = reader.read(&mut input)?;
        }
        bar.inc(input[0].len() as u64);
        coder.block(&mut input)?;
        coder.write(&mut wavs)?;
    }
    if coder.taken_samples == 0 {
        return Err(CliError::Empty { path: args.input.clone() });
    }
    while coder.given_samples < coder.taken_samples {
        coder.silence()?;
        coder.write(&mut wavs)?;
    }
    wavs.finish()?;
    output.finish()?;
    difference.map_or(Ok(()), ResultFile::finish)?;
    bar.finish_and_clear();
    coder.report(args, &model, rate_hz, reader.channels)
}

fn check_paths(args: &Args) -> Result<(), CliError> {
    let outputs = [Some(&args.output), args.difference.as_ref()];
    for output in outputs.into_iter().flatten() {
        if is_same_file(&args.input, output) {
            return Err(CliError::SameFile { path: output.clone() });
        }
    }
    match &args.difference {
        Some(difference) if difference == &args.output || is_same_file(difference, &args.output) => {
            Err(CliError::SameFile { path: difference.clone() })
        }
        _ => Ok(()),
    }
}

fn progress(args: &Args, reader: &AudioReader) -> ProgressBar {
    if args.json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent} %  {elapsed} / {eta} left");
    let bar = reader.length_samples.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// The audio that comes out.
struct Wavs<'a> {
    output: NamedWav<'a>,
    difference: Option<NamedWav<'a>>,
}

struct NamedWav<'a> {
    path: &'a Path,
    wav: FloatWav<&'a mut ResultOut>,
}

impl<'a> Wavs<'a> {
    fn new(
        output: &'a mut ResultFile,
        difference: Option<&'a mut ResultFile>,
        reader: &AudioReader,
    ) -> Result<Self, CliError> {
        let begin = |result: &'a mut ResultFile| {
            let ResultFile { path, out } = result;
            let wav = FloatWav::new(out, reader.rate_hz.into(), reader.channels, reader.length_samples);
            wav.map(|wav| NamedWav { path, wav }).map_err(|e| wav_error(path, e))
        };
        Ok(Self { output: begin(output)?, difference: difference.map(begin).transpose()? })
    }

    fn finish(self) -> Result<(), CliError> {
        [Some(self.output), self.difference]
            .into_iter()
            .flatten()
            .try_for_each(|NamedWav { path, wav }| wav.finish().map_err(|e| wav_error(path, e)))
    }
}

impl NamedWav<'_> {
    fn write(&mut self, channels: &[Vec<f32>]) -> Result<(), CliError> {
        self.wav.write(channels).map_err(|e| wav_error(self.path, e))
    }
}

fn wav_error(path: &Path, error: WavError) -> CliError {
    match error {
        WavError::Io(error) => CliError::write(path, error),
        source => CliError::Wav { path: path.into(), source },
    }
}

/// An engine for each coded channel, and what has gone through them. Output is compensated for
/// the engines' latency.
struct Coder {
    engines: Vec<Engine>,
    mixer: ChannelMixer,
    controls: Controls,
    /// Kept for the report of all tokens alone: they grow with the file.
    tokens: Vec<Tokens>,
    keeps_tokens: bool,
    /// Frames of the first channel.
    frames: usize,
    /// Frames of the file of which something was lost.
    lost: usize,
    /// The same by their numbers, as `tokens`.
    lost_frames: Vec<u64>,
    /// Originals that are still under way: what is not yet matched by coded samples.
    originals: Vec<Vec<f32>>,
    coded: Vec<Vec<f32>>,
    skip_samples: usize,
    taken_samples: usize,
    given_samples: usize,
}

impl Coder {
    fn new(model: &Arc<CodecModel>, args: &Args, rate_hz: u32, channels: usize) -> Result<Self, CliError> {
        let mixer = ChannelMixer::new(args.channels.mixed());
        let coded = mixer.coded_channels(channels);
        let config = EngineConfig { rate_hz: rate_hz.into(), channels: 1, scheduling: Scheduling::Burst };
        let engines = (0..coded).map(|_| Engine::new(model, config)).collect::<Result<Vec<_>, _>>();
        let mut engines =
            engines.map_err(|source| CliError::Coding { path: input_name(&args.input), source })?;
        let streams = args.streams.gain();
        let (mut loss, trace) = args.loss.read()?;
        loss.streams = args.lossy.lossy();
        for engine in &mut engines {
            engine.set_trace(trace.clone());
        }
        let network = Network { loss, concealment: args.conceal.concealment() };
        Ok(Self {
            skip_samples: engines[0].latency_samples(),
            engines,
            mixer,
            controls: Controls { listen: Listen::Coded, streams, network, ..Controls::default() },
            tokens: vec![Tokens::default(); coded],
            keeps_tokens: args.json,
            frames: 0,
            lost: 0,
            lost_frames: Vec::new(),
            originals: vec![Vec::new(); channels],
            coded: vec![Vec::new(); coded],
            taken_samples: 0,
            given_samples: 0,
        })
    }

    /// Codes and empties `input`.
    fn block(&mut self, input: &mut [Vec<f32>]) -> Result<(), CliError> {
        self.taken_samples += input[0].len();
        let mixed = self.mixer.mix(input);
        for (original, input) in self.originals.iter_mut().zip(input) {
            original.append(input);
        }
        self.code(mixed)
    }

    /// Pushes the rest out.
    fn silence(&mut self) -> Result<(), CliError> {
        self.code(vec![vec![0.0; BLOCK_SAMPLES]; self.engines.len()])
    }

    /// Frames whose first sample lies in what was read of the file; what follows codes the silence after it.
    fn file_frames(&self) -> usize {
        let engine = &self.engines[0];
        let seconds = self.taken_samples as f64 / engine.config().rate_hz;
        (seconds * engine.model().info().frame_rate_hz()).ceil() as usize
    }

    fn code(&mut self, blocks: Vec<Vec<f32>>) -> Result<(), CliError> {
        let file_frames = self.file_frames() as u64;
        for (i, mut block) in blocks.into_iter().enumerate() {
            let (tokens, lost, lost_frames) = (&mut self.tokens[i], &mut self.lost, &mut self.lost_frames);
            let mut frames = 0;
            self.engines[i].process(&mut [&mut block], &self.controls, |frame| {
                frames += frame.tokens().len();
                if self.keeps_tokens {
                    tokens.semantic.extend(frame.tokens().iter().map(|t| t.semantic));
                    tokens.acoustic.extend(frame.tokens().iter().map(|t| t.acoustic));
                }
                // A packet holds all channels.
                if i == 0 && frame.lost.any() && frame.index < file_frames {
                    *lost += 1;
                    lost_frames.extend(self.keeps_tokens.then_some(frame.index));
                }
            });
            self.frames += if i == 0 { frames } else { 0 };
            let stats = self.engines[i].stats();
            let failed = stats.failed_frames + stats.errors + stats.underruns;
            if failed > 0 {
                return Err(CliError::Failed { failed });
            }
            self.coded[i].extend_from_slice(&block);
        }
        Ok(())
    }

    /// Writes what is complete: coded samples and the originals they belong to.
    fn write(&mut self, wavs: &mut Wavs) -> Result<(), CliError> {
        let skip = self.skip_samples.min(self.coded[0].len());
        self.skip_samples -= skip;
        let ready = (self.coded[0].len() - skip).min(self.originals[0].len());
        let coded: Vec<Vec<f32>> =
            self.coded.iter_mut().map(|c| c.drain(..skip + ready).skip(skip).collect()).collect();
        let originals: Vec<Vec<f32>> =
            self.originals.iter_mut().map(|c| c.drain(..ready).collect()).collect();
        let coded: Vec<Vec<f32>> =
            (0..originals.len()).map(|i| coded[i.min(coded.len() - 1)].clone()).collect();
        wavs.output.write(&coded)?;
        if let Some(difference) = &mut wavs.difference {
            let minus =
                |(o, c): (&Vec<f32>, &Vec<f32>)| o.iter().zip(c).map(|(o, c)| o - c).collect::<Vec<f32>>();
            difference.write(&originals.iter().zip(&coded).map(minus).collect::<Vec<_>>())?;
        }
        self.given_samples += ready;
        Ok(())
    }

    fn report(
        mut self,
        args: &Args,
        model: &Arc<CodecModel>,
        rate_hz: u32,
        channels: usize,
    ) -> Result<(), CliError> {
        let info = model.info();
        let frames = self.file_frames().min(self.frames);
        for tokens in &mut self.tokens {
            tokens.semantic.truncate(frames);
            tokens.acoustic.truncate(frames);
        }
        let spread = EngineConfig { scheduling: Scheduling::Spread, ..self.engines[0].config() };
        let plugin = sacodec_engine::Timing::new(spread.rate_hz, spread.scheduling, info)?;
        let nonfinite_samples = self.mixer.nonfinite_samples();
        let coded_channels = self.tokens.len();
        let first = self.tokens.remove(0);
        let report = RoundtripJson {
            input: args.input.to_string_lossy().into(),
            output: args.output.to_string_lossy().into(),
            pack: format!("{} {}", info.name, info.version),
            sample_rate_hz: rate_hz,
            channels,
            length_samples: self.taken_samples,
            coded_channels,
            bitrate_bps: info.bitrate_bps() * coded_channels as f64,
            latency_samples: plugin.latency_samples,
            frames,
            semantic: first.semantic,
            acoustic: first.acoustic,
            more_channels: self.tokens,
            nonfinite_samples,
            lost_frames: self.lost_frames,
        };
        let outputs = [Some(&args.output), args.difference.as_ref()];
        let reports = ReportsTo::beside(outputs.into_iter().flatten().map(PathBuf::as_path));
        if args.json {
            reports.print(serde_json::json!(report))?;
        } else {
            let lost = if self.lost > 0 { format!(", {} lost", self.lost) } else { String::new() };
            reports.print(format_args!(
                "{}: {frames} frames{lost}, {:.0} bit/s, {}",
                args.output.display(),
                report.bitrate_bps,
                report.pack
            ))?;
        }
        if nonfinite_samples > 0 {
            let what = "samples were not numbers and were taken as silence";
            complain(format_args!("sacodec: {nonfinite_samples} {what}"));
        }
        Ok(())
    }
}

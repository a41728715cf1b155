//! `sacodec roundtrip`: a file through the engine, as the plugin would play it.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::audio::{AudioReader, Salvage};
use crate::batch::extension;
use crate::coder::{Coder, CodingArgs, Stretch, Tokens};
use crate::console::{ReportsTo, complain};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::played::PlayArgs;
use crate::result_file::{ResultFile, ResultOut, is_same_file};
use crate::standard::{input_name, is_standard};
use sacodec_codec::CodecModel;
use sacodec_engine::{EngineConfig, Scheduling};
use sacodec_take::wav::{FloatWav, WavError};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// WAV or FLAC, any sample rate, any number of channels; `-` is standard input.
    input: PathBuf,
    /// WAV to write, 32-bit float, at the input's rate; `-` is standard output.
    output: PathBuf,
    /// Also write original minus coded.
    #[arg(long, value_name = "WAV")]
    difference: Option<PathBuf>,
    #[command(flatten)]
    coding: CodingArgs,
    #[command(flatten)]
    play: PlayArgs,
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
    peak_db: Option<f64>,
    /// Frames of which something was lost.
    lost_frames: Vec<u64>,
    /// Frames that were played from a take.
    played_frames: usize,
}

/// Something was found if the take that is played is not whole.
pub fn run(args: &Args) -> Result<Outcome, CliError> {
    check_paths(args)?;
    let model = model(args.pack.as_deref())?;
    let mut reader = AudioReader::open(&args.input, Salvage::default())?;
    let mut coder = Coder::new(&model, &args.coding, &args.input, &reader, args.json)?;
    let played = args.play.read(&model)?;
    match &played {
        Some(played) => coder.play(played),
        None => args.coding.check_concealment("--loss, --trace or --play")?,
    }
    let mut output = ResultFile::create(&args.output, args.overwrite)?;
    let create = |path: &PathBuf| ResultFile::create(path, args.overwrite);
    let mut difference = args.difference.as_ref().map(create).transpose()?;
    let mut wavs = Wavs::new(&mut output, difference.as_mut(), &reader)?;
    let bar = progress(args, &reader);
    coder.code(&mut reader, &args.input, &bar, |stretch| wavs.write(stretch))?;
    if let Some(played) = played.as_ref().filter(|_| coder.played == 0) {
        return Err(args.play.unheard(played, &model));
    }
    wavs.finish()?;
    output.finish()?;
    difference.map_or(Ok(()), ResultFile::finish)?;
    bar.finish_and_clear();
    report(coder, args, &model, &reader)?;
    let is_whole = played.is_none_or(|played| played.is_whole);
    Ok(if is_whole { Outcome::Done } else { Outcome::Finding })
}

fn check_paths(args: &Args) -> Result<(), CliError> {
    if !is_standard(&args.input) && args.input.is_dir() {
        return Err(CliError::OneFile { path: args.input.clone() });
    }
    let outputs = [Some(&args.output), args.difference.as_ref()];
    for output in outputs.into_iter().flatten() {
        if !is_standard(output) && extension(output) != "wav" {
            return Err(CliError::NotWav { path: output.clone() });
        }
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

    fn write(&mut self, stretch: &Stretch) -> Result<(), CliError> {
        let Stretch { originals, coded, .. } = stretch;
        let coded: Vec<Vec<f32>> =
            (0..originals.len()).map(|i| coded[i.min(coded.len() - 1)].clone()).collect();
        self.output.write(&coded)?;
        if let Some(difference) = &mut self.difference {
            let minus =
                |(o, c): (&Vec<f32>, &Vec<f32>)| o.iter().zip(c).map(|(o, c)| o - c).collect::<Vec<f32>>();
            difference.write(&originals.iter().zip(&coded).map(minus).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), CliError> {
        [Some(self.output), self.difference]
            .into_iter()
            .flatten()
            .try_for_each(|NamedWav { path, wav }| wav.finish().map(drop).map_err(|e| wav_error(path, e)))
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

fn report(mut coder: Coder, args: &Args, model: &CodecModel, reader: &AudioReader) -> Result<(), CliError> {
    let info = model.info();
    let frames = coder.file_frames().min(coder.frames);
    for tokens in &mut coder.tokens {
        tokens.semantic.truncate(frames);
        tokens.acoustic.truncate(frames);
    }
    let spread = EngineConfig { scheduling: Scheduling::Spread, ..coder.engines[0].config() };
    let plugin = sacodec_engine::Timing::new(spread.rate_hz, spread.scheduling, info)?;
    let nonfinite_samples = coder.nonfinite_samples();
    let levels = coder.levels().clone();
    let coded_channels = coder.tokens.len();
    let first = coder.tokens.remove(0);
    let report = RoundtripJson {
        input: args.input.to_string_lossy().into(),
        output: args.output.to_string_lossy().into(),
        pack: format!("{} {}", info.name, info.version),
        sample_rate_hz: reader.rate_hz,
        channels: reader.channels,
        length_samples: coder.taken_samples,
        coded_channels,
        bitrate_bps: info.bitrate_bps() * coded_channels as f64,
        latency_samples: plugin.latency_samples,
        frames,
        semantic: first.semantic,
        acoustic: first.acoustic,
        more_channels: coder.tokens,
        nonfinite_samples,
        peak_db: levels.peak_db(),
        lost_frames: coder.lost_frames,
        played_frames: coder.played,
    };
    let outputs = [Some(&args.output), args.difference.as_ref()];
    let reports = ReportsTo::beside(outputs.into_iter().flatten().map(PathBuf::as_path));
    if args.json {
        reports.print(serde_json::json!(report))?;
    } else {
        let played = if coder.played > 0 { format!(", {} played", coder.played) } else { String::new() };
        let lost = if coder.lost > 0 { format!(", {} lost", coder.lost) } else { String::new() };
        reports.print(format_args!(
            "{}: {frames} frames{played}{lost}, {:.0} bit/s, {}",
            args.output.display(),
            report.bitrate_bps,
            report.pack
        ))?;
    }
    if nonfinite_samples > 0 {
        let what = "samples were not numbers and were taken as silence";
        complain(format_args!("sacodec: {nonfinite_samples} {what}"));
    }
    for note in levels.notes() {
        complain(format_args!("sacodec: {}: {note}", input_name(&args.input).display()));
    }
    Ok(())
}

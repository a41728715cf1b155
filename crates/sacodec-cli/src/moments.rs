//! `sacodec moments`: where coded audio is furthest from the original, as ears have it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use serde_json::json;

use crate::audio::{AUDIO_EXTENSIONS, AudioReader, Levels, Salvage};
use crate::batch::{BatchArgs, FileReport, Made, Task, extension, name, with_other_extension};
use crate::coder::{Coder, CodingArgs};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::result_file::{is_there, write_result};
use crate::standard::{input_name, is_standard};
use sacodec_codec::CodecModel;
use sacodec_moments::{Marker, MarkerFormat, MomentFinder, Worst, time_code};

/// More moments in a file are not told.
const MOST_MOMENTS: i64 = 10_000;

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Files to write, separated by commas: csv, audacity, reaper, audition, json. Without it the moments are printed,
    /// or with --output written as what its name ends in, else as csv.
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    to: Vec<MarkerFormat>,
    /// Moments of each file, the worst first. They are at least half a second apart.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=MOST_MOMENTS))]
    count: u32,
    #[command(flatten)]
    coding: CodingArgs,
    /// Folder of a model pack; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    args.coding.check_concealment("--loss or --trace")?;
    let formats = args.formats();
    let Some(&first) = formats.first() else { return print_only(args) };
    if formats.len() > 1 && args.batch.named_output().is_some_and(is_standard) {
        let what = "standard output holds one format: give one with --to".into();
        return Err(CliError::Line { what });
    }
    let tasks = args.batch.tasks(&AUDIO_EXTENSIONS, first.extension())?;
    let model = model(args.pack.as_deref())?;
    args.batch.run("moments", &tasks, |task, bar| {
        let results: Vec<PathBuf> = formats.iter().map(|&format| result(task, first, format)).collect();
        let done = || {
            let are_there = results.iter().all(|path| is_there(path));
            Ok(are_there.then(|| FileReport::skipped(Made::files(&results))))
        };
        args.batch.unless_done(task, done, || write(args, &model, task, bar, &formats, &results))
    })
}

impl Args {
    /// What is to be written, if anything.
    fn formats(&self) -> Vec<MarkerFormat> {
        let named = || self.batch.named_output().and_then(format_of);
        match &self.to[..] {
            [] => named().or(self.batch.output().map(|_| MarkerFormat::Csv)).into_iter().collect(),
            formats => formats.to_vec(),
        }
    }
}

/// The format of a file with this name.
fn format_of(path: &Path) -> Option<MarkerFormat> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let full =
        MarkerFormat::ALL.into_iter().find(|format| name.ends_with(&format!(".{}", format.extension())));
    // Of the formats only label tracks are plain text.
    let short = || match extension(path).as_str() {
        "txt" => Some(MarkerFormat::Audacity),
        other => other.parse().ok(),
    };
    full.or_else(short)
}

/// What a format's file is called beside that of the first.
fn result(task: &Task, first: MarkerFormat, format: MarkerFormat) -> PathBuf {
    if format == first {
        task.output.clone()
    } else {
        with_other_extension(&task.output, first.extension(), format.extension())
    }
}

fn print_only(args: &Args) -> Result<Outcome, CliError> {
    if args.batch.overwrite || args.batch.skip_existing {
        let what = "moments are only printed: give the formats of files with --to".into();
        return Err(CliError::Line { what });
    }
    let tasks = args.batch.tasks_that_write_nothing(&AUDIO_EXTENSIONS, MarkerFormat::Csv.extension())?;
    let model = model(args.pack.as_deref())?;
    args.batch.run_that_writes_nothing("moments", &tasks, |task, bar| {
        let found = find(args, &model, task, bar)?;
        let row = |marker: &Marker| {
            let Marker { rank, score, seconds, sample } = marker;
            format!("\n{rank:6}  {score:5.2}  {:>14}  {sample:>11}", time_code(*seconds))
        };
        let mut text = format!("{}: {}", input_name(&task.input).display(), found.summary());
        if !found.markers.is_empty() {
            text += "\n  rank  score            time       sample";
            text.extend(found.markers.iter().map(row));
        }
        Ok(FileReport::new(text, found.json(&[]), Outcome::Done).with(found.made(&[])))
    })
}

fn write(
    args: &Args,
    model: &Arc<CodecModel>,
    task: &Task,
    bar: &ProgressBar,
    formats: &[MarkerFormat],
    results: &[PathBuf],
) -> Result<FileReport, CliError> {
    // Before the work, not after it. What is left out by --skip-existing is decided for each file below.
    let is_kept = |path: &PathBuf| args.batch.skip_existing && is_there(path);
    let in_the_way = results.iter().find(|path| !args.batch.overwrite && !is_kept(path) && is_there(path));
    if let Some(path) = in_the_way {
        return Err(CliError::Exists { path: path.clone() });
    }
    let found = find(args, model, task, bar)?;
    for (format, output) in formats.iter().zip(results).filter(|(_, output)| !is_kept(output)) {
        write_result(&task.input, output, args.batch.overwrite, |file| {
            format.write(&found.markers, file).map_err(|e| CliError::write(output, e))
        })?;
    }
    let names: Vec<_> = results.iter().map(|path| path.display().to_string()).collect();
    let text = format!("{}: {}", names.join(", "), found.summary());
    Ok(FileReport::new(text, found.json(results), Outcome::Done).with(found.made(results)))
}

/// What was found in a file.
struct Found {
    /// The worst first.
    markers: Vec<Marker>,
    seconds: f64,
    nonfinite_samples: u64,
    levels: Levels,
    source: crate::audio::SourceDigest,
}

fn find(args: &Args, model: &Arc<CodecModel>, task: &Task, bar: &ProgressBar) -> Result<Found, CliError> {
    let mut reader = AudioReader::open(&task.input, Salvage::default())?;
    let rate_hz = f64::from(reader.rate_hz);
    let mut coder = Coder::new(model, &args.coding, &task.input, &reader, false)?;
    bar.set_length(reader.length_samples.unwrap_or(1));
    let (mut finder, mut worst) = (MomentFinder::new(rate_hz), Worst::new(args.count as usize));
    let mut at_samples = 0;
    coder.code(&mut reader, &task.input, bar, |stretch| {
        let pairs = stretch.inputs.iter().zip(&stretch.coded).map(|(input, coded)| (&input[..], &coded[..]));
        finder.push(at_samples, &pairs.collect::<Vec<_>>(), &mut |moment| worst.add(moment, || ()));
        at_samples += stretch.inputs[0].len() as u64;
        Ok(())
    })?;
    finder.finish(&mut |moment| worst.add(moment, || ()));
    let marker = |(rank, (moment, ())): (usize, &(sacodec_moments::Moment, ()))| Marker {
        rank,
        score: moment.score,
        seconds: moment.sample as f64 / rate_hz,
        sample: moment.sample as i64,
    };
    Ok(Found {
        markers: (1..).zip(worst.ranked()).map(marker).collect(),
        seconds: coder.taken_samples as f64 / rate_hz,
        nonfinite_samples: coder.nonfinite_samples(),
        levels: coder.levels().clone(),
        source: reader.digest(),
    })
}

impl Found {
    fn summary(&self) -> String {
        let mut text = match &self.markers[..] {
            [] => format!("no difference is heard in {:.1} s", self.seconds),
            [worst, ..] => format!(
                "{} moments of {:.1} s, the worst at {} ({:.2})",
                self.markers.len(),
                self.seconds,
                time_code(worst.seconds),
                worst.score
            ),
        };
        if self.nonfinite_samples > 0 {
            text +=
                &format!("; {} samples were not numbers and were taken as silence", self.nonfinite_samples);
        }
        for note in self.levels.notes() {
            text += &format!("; {note}");
        }
        text
    }

    fn json(&self, results: &[PathBuf]) -> serde_json::Value {
        json!({
            "outputs": results.iter().map(|path| name(path)).collect::<Vec<_>>(), "seconds": self.seconds,
            "moments": self.markers, "nonfinite_samples": self.nonfinite_samples,
            "peak_db": self.levels.peak_db(),
        })
    }

    fn made(&self, results: &[PathBuf]) -> Made {
        Made { source: Some(self.source.clone()), seconds: Some(self.seconds), ..Made::files(results) }
    }
}

//! `sacodec convert`: token takes to files that other programs read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use serde_json::json;

use crate::batch::{BatchArgs, DECODED, FileReport, Made, Task, extension, name, with_other_extension};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::result_file::{is_there, write_result};
use crate::standard::is_standard;
use crate::take::{losses, open_take};
use sacodec_codec::CodecModel;
use sacodec_take::export::write_export;
use sacodec_take::{ExportFormat, Take};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Formats, separated by commas: npy, jsonl, csv, wav. Without it npy, or what the name given
    /// with --output ends in.
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    to: Vec<ExportFormat>,
    /// Folder of the model pack, for wav; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let formats = args.formats();
    if formats.len() > 1 && args.batch.named_output().is_some_and(is_standard) {
        let what = "standard output holds one format: give one with --to".into();
        return Err(CliError::Line { what });
    }
    let tasks = args.batch.tasks(&["sac"], result_extension(formats[0]))?;
    let are_there = |task: &Task| {
        let results = results(task, &formats);
        results.iter().all(|path| is_there(path)).then(|| FileReport::skipped(Made::files(&results)))
    };
    let model = if formats.contains(&ExportFormat::Wav) { Some(model(args.pack.as_deref())?) } else { None };
    args.batch.run(&tasks, |task, _| {
        let make = || convert(args, &formats, model.as_ref(), task);
        args.batch.unless_done(task, || Ok(are_there(task)), make)
    })
}

impl Args {
    fn formats(&self) -> Vec<ExportFormat> {
        let named = || self.batch.named_output().and_then(|path| extension(path).parse().ok());
        match &self.to[..] {
            [] => vec![named().unwrap_or(ExportFormat::Npy)],
            formats => formats.to_vec(),
        }
    }
}

fn convert(
    args: &Args,
    formats: &[ExportFormat],
    model: Option<&Arc<CodecModel>>,
    task: &Task,
) -> Result<FileReport, CliError> {
    let take = open_take(&task.input)?;
    let mut outputs = Vec::new();
    let results = results(task, formats);
    for (&format, output) in formats.iter().zip(&results) {
        if args.batch.skip_existing && is_there(output) {
            continue;
        }
        write_result(&task.input, output, args.batch.overwrite, |file| {
            write_export(&take, format, model, file).map_err(|e| CliError::export(&task.input, output, e))
        })?;
        outputs.push(output.clone());
    }
    Ok(report(&take, &outputs, &results))
}

/// A name for each format.
fn results(task: &Task, formats: &[ExportFormat]) -> Vec<PathBuf> {
    formats.iter().map(|&format| sibling(&task.output, formats[0], format)).collect()
}

/// What results are called beside their takes.
fn result_extension(format: ExportFormat) -> &'static str {
    if format == ExportFormat::Wav { DECODED } else { format.extension() }
}

/// The name of another format's result beside that of the first.
fn sibling(output: &Path, first: ExportFormat, format: ExportFormat) -> PathBuf {
    if format == first || is_standard(output) {
        output.into()
    } else {
        with_other_extension(output, result_extension(first), result_extension(format))
    }
}

fn report(take: &Take, outputs: &[PathBuf], results: &[PathBuf]) -> FileReport {
    let names: Vec<_> = outputs.iter().map(|o| o.display().to_string()).collect();
    let loss = losses(take);
    let mut text = format!("{}: {} frames", names.join(", "), take.frames());
    if let Some(loss) = &loss {
        text += &format!("; {loss}");
    }
    let json = json!({
        "outputs": outputs.iter().map(|o| name(o)).collect::<Vec<_>>(), "frames": take.frames(), "channels": take.header.channels,
        "missing_frames": take.frames() - take.present_frames(), "losses": loss,
    });
    let outcome = if loss.is_some() { Outcome::Finding } else { Outcome::Done };
    FileReport::new(text, json, outcome).with(Made::of(take, results))
}

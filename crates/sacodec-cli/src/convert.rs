//! `sacodec convert`: token takes to files that other programs read.

use std::collections::HashSet;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use serde_json::json;

use crate::audio::SourceDigest;
use crate::batch::{BatchArgs, DECODED, FileReport, Made, Task, extension, name, with_other_extension};
use crate::decoded_wav::Decoded;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::result_file::{begin_result, is_there};
use crate::same_bytes;
use crate::standard::is_standard;
use crate::take::{losses, open_take_with_digest};
use sacodec_codec::CodecModel;
use sacodec_take::decode::Decoding;
use sacodec_take::export::{ExportError, write_export};
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
    let model = if formats.contains(&ExportFormat::Wav) { Some(model(args.pack.as_deref())?) } else { None };
    args.batch.run("convert", &tasks, |task, _| {
        let (take, digest) = open_take_with_digest(&task.input)?;
        let results = results(task, &formats);
        let conversion = Conversion { args, task, take, digest, model: model.as_ref() };
        args.batch.unless_done(task, || conversion.done(&results), || conversion.make(&results))
    })
}

impl Args {
    /// Each once.
    fn formats(&self) -> Vec<ExportFormat> {
        let named = || self.batch.named_output().and_then(|path| extension(path).parse().ok());
        match &self.to[..] {
            [] => vec![named().unwrap_or(ExportFormat::Npy)],
            formats => {
                let mut seen = HashSet::new();
                formats.iter().copied().filter(|&format| seen.insert(format)).collect()
            }
        }
    }
}

/// A take that is converted.
struct Conversion<'a> {
    args: &'a Args,
    task: &'a Task,
    take: Take,
    digest: SourceDigest,
    model: Option<&'a Arc<CodecModel>>,
}

impl Conversion<'_> {
    /// The results, if all are there.
    ///
    /// # Errors
    /// Where one that is there was made of another take.
    fn done(&self, results: &[(ExportFormat, PathBuf)]) -> Result<Option<FileReport>, CliError> {
        if !results.iter().all(|(_, path)| is_there(path)) {
            return Ok(None);
        }
        for (format, output) in results {
            self.is_there_as_made(*format, output)?;
        }
        Ok(Some(FileReport::skipped(self.made(results))))
    }

    /// Makes what is not there yet: none has its name before all are written.
    fn make(&self, results: &[(ExportFormat, PathBuf)]) -> Result<FileReport, CliError> {
        let Self { args, task, .. } = self;
        let mut missing = Vec::new();
        for (format, output) in results {
            if args.batch.skip_existing && self.is_there_as_made(*format, output)? {
                continue;
            }
            missing.push((*format, begin_result(&task.input, output, args.batch.overwrite)?));
        }
        for (format, result) in &mut missing {
            let written = self.write(*format, &mut result.out);
            written.map_err(|error| CliError::export(&task.input, &result.path, error))?;
        }
        let outputs: Vec<_> = missing.iter().map(|(_, result)| result.path.clone()).collect();
        for (format, result) in missing {
            let output = result.path.clone();
            match result.finish() {
                // Another process was faster.
                Err(CliError::Exists { .. }) if args.batch.skip_existing => {
                    self.is_there_as_made(format, &output)?;
                }
                finished => finished?,
            }
        }
        Ok(report(&self.take, &outputs).with(self.made(results)))
    }

    fn made(&self, results: &[(ExportFormat, PathBuf)]) -> Made {
        let files = results.iter().map(|(_, path)| path);
        Made { source: Some(self.digest.clone()), ..Made::of(&self.take, files) }
    }

    fn decoded(&self) -> Decoded<'_> {
        Decoded { take: &self.take, digest: &self.digest, decoding: Decoding::of(&self.take) }
    }

    fn is_there_as_made(&self, format: ExportFormat, output: &Path) -> Result<bool, CliError> {
        let Self { task, take, .. } = self;
        match format {
            ExportFormat::Wav => self.decoded().is_there(&task.input, output),
            tokens => same_bytes::is_there_as_made(&task.input, output, |out| {
                write_export(take, tokens, None, out)
                    .map_err(|error| CliError::export(&task.input, output, error))
            }),
        }
    }

    fn write(&self, format: ExportFormat, out: &mut (impl Write + Seek)) -> Result<(), ExportError> {
        match (format, self.model) {
            (ExportFormat::Wav, Some(model)) => self.decoded().write(model, out),
            (format, model) => write_export(&self.take, format, model, out),
        }
    }
}

/// A name for each format.
fn results(task: &Task, formats: &[ExportFormat]) -> Vec<(ExportFormat, PathBuf)> {
    formats.iter().map(|&format| (format, sibling(&task.output, formats[0], format))).collect()
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

fn report(take: &Take, outputs: &[PathBuf]) -> FileReport {
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
    FileReport::new(text, json, outcome)
}

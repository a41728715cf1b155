//! `sacodec lose`: takes with gaps, as a network would leave them.

use std::io::Write;

use clap::{ArgGroup, Args as ClapArgs};
use serde_json::json;

use crate::audio::SourceDigest;
use crate::batch::{BatchArgs, FileReport, LOSSY, Made, Task, name};
use crate::error::CliError;
use crate::network::{LOST, LossArgs};
use crate::outcome::Outcome;
use crate::result_file::{is_there, write_result};
use crate::same_bytes::is_there_as_made;
use crate::take::{faults, open_take_with_digest, take_error};
use sacodec_engine::{Loss, LossTrace};
use sacodec_take::{Take, TakeError};

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new(LOST).required(true))]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    loss: LossArgs,
    /// Each take loses frames of its own: its seed is made of `--seed` and of the take's bytes. Without it all takes lose
    /// the same frames, as in the plugin.
    #[arg(long, requires = "loss", conflicts_with = "trace")]
    vary: bool,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let tasks = args.batch.tasks(&["sac"], LOSSY)?;
    let (loss, trace) = args.loss.read()?;
    let trace = trace.as_deref();
    args.batch.run("lose", &tasks, |task, _| {
        let lossy = || Lossy::of(args, task, &loss, trace);
        args.batch.unless_done(task, || done(task, lossy), || lose(args, task, &lossy()?))
    })
}

/// A take with gaps.
struct Lossy {
    take: Take,
    source: SourceDigest,
    lost_frames: u32,
    seed: u64,
    note: String,
    /// What the take had lost before, unwanted.
    faults: Option<String>,
}

impl Lossy {
    fn of(args: &Args, task: &Task, loss: &Loss, trace: Option<&LossTrace>) -> Result<Self, CliError> {
        let (mut take, source) = open_take_with_digest(&task.input)?;
        let faults = faults(&take);
        let seed = if args.vary { own_seed(loss.seed, &source) } else { loss.seed };
        let loss = Loss { seed, ..*loss };
        let lost = take.lose(|frame| loss.lost(frame, trace).any());
        let lost_frames = lost.map_err(|source| CliError::Lossy { path: task.input.clone(), source })?;
        let settings = args.loss.told(seed);
        let mut note = format!("{lost_frames} frames were taken out to rehearse a lossy network: {settings}");
        if let Some(faults) = &faults {
            note += &format!("; of the take before that: {faults}");
        }
        Ok(Self { take, source, lost_frames, seed, note, faults })
    }

    fn made(&self, task: &Task) -> Made {
        Made { source: Some(self.source.clone()), ..Made::of(&self.take, [&task.output]) }
    }

    fn write(&self, task: &Task, out: &mut impl Write) -> Result<(), CliError> {
        self.take.write_anew(Some(self.note.clone()), out).map_err(|error| match error {
            TakeError::Io(error) => CliError::write(&task.output, error),
            error => take_error(&task.input, error),
        })
    }
}

/// The seed of a take, the same wherever the take is. A program that reads JSON numbers as floats keeps it as it is.
fn own_seed(seed: u64, take: &SourceDigest) -> u64 {
    let digits = take.sha256.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    seed.wrapping_add(u64::from(digits.unwrap_or_default()))
}

/// The result, if it is there.
///
/// # Errors
/// Where another take, or other settings, made it.
fn done(task: &Task, lossy: impl Fn() -> Result<Lossy, CliError>) -> Result<Option<FileReport>, CliError> {
    if !is_there(&task.output) {
        return Ok(None);
    }
    let lossy = lossy()?;
    let is_made = is_there_as_made(&task.input, &task.output, |out| lossy.write(task, out))?;
    Ok(is_made.then(|| FileReport::skipped(lossy.made(task))))
}

fn lose(args: &Args, task: &Task, lossy: &Lossy) -> Result<FileReport, CliError> {
    write_result(&task.input, &task.output, args.batch.overwrite, |file| lossy.write(task, file))?;
    let (frames, lost) = (lossy.take.frames(), lossy.lost_frames);
    let percent = 100.0 * f64::from(lost) / f64::from(frames.max(1));
    let mut text = format!("{}: {lost} of {frames} frames lost ({percent:.1} %)", task.output.display());
    if let Some(faults) = &lossy.faults {
        text += &format!("; before that, {faults}");
    }
    let mut json = json!({
        "output": name(&task.output), "frames": frames, "lost_frames": lost, "losses": lossy.faults,
    });
    if args.vary {
        json["seed"] = lossy.seed.into();
    }
    let outcome = if lossy.faults.is_some() { Outcome::Finding } else { Outcome::Done };
    Ok(FileReport::new(text, json, outcome).with(lossy.made(task)))
}

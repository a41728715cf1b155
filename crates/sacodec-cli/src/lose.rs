//! `sacodec lose`: takes with gaps, as a network would leave them.

use clap::Args as ClapArgs;
use serde_json::json;

use crate::batch::{BatchArgs, FileReport, Made, Task, name};
use crate::error::CliError;
use crate::existing::there;
use crate::network::LossArgs;
use crate::outcome::Outcome;
use crate::result_file::write_result;
use crate::take::{open_take, take_error};
use sacodec_engine::{Loss, LossTrace};
use sacodec_take::TakeError;

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    loss: LossArgs,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    if !args.loss.is_given() {
        return Err(CliError::NoInput { what: "give what is lost, with --loss 10% or --trace FILE".into() });
    }
    let tasks = args.batch.tasks(&["sac"], "lossy.sac")?;
    let (loss, trace) = args.loss.read()?;
    args.batch.run(&tasks, |task, _| {
        args.batch.unless_done(task, || Ok(there(task)), || lose(args, &loss, trace.as_deref(), task))
    })
}

fn lose(args: &Args, loss: &Loss, trace: Option<&LossTrace>, task: &Task) -> Result<FileReport, CliError> {
    let mut take = open_take(&task.input)?;
    let lost = take.lose(|frame| loss.lost(frame.into(), trace).any());
    let note = format!("{lost} frames were taken out to rehearse a lossy network: {}", told(loss));
    write_result(&task.input, &task.output, args.batch.overwrite, |file| {
        take.write_anew(Some(note), file).map_err(|error| match error {
            TakeError::Io(error) => CliError::write(&task.output, error),
            error => take_error(&task.input, error),
        })
    })?;
    let percent = 100.0 * f64::from(lost) / f64::from(take.frames().max(1));
    let text = format!("{}: {lost} of {} frames lost ({percent:.1} %)", task.output.display(), take.frames());
    let json = json!({ "output": name(&task.output), "frames": take.frames(), "lost_frames": lost });
    Ok(FileReport::new(text, json, Outcome::Done).with(Made::of(&take, [&task.output])))
}

/// The settings, for those who find the take later.
fn told(loss: &Loss) -> String {
    let Loss { model, rate, mean_burst_packets, packet_frames, seed, .. } = loss;
    let percent = 100.0 * rate;
    match model {
        sacodec_engine::LossModel::Trace => format!("by a trace, packets of {packet_frames} frames"),
        _ => format!(
            "{percent} %, bursts of {mean_burst_packets} packets of {packet_frames} frames, seed {seed}"
        ),
    }
}

//! `sacodec lose`: takes with gaps, as a network would leave them.

use std::io::Write;

use clap::Args as ClapArgs;
use serde_json::json;

use super::batch::{BatchArgs, Made, Report, Task, name};
use super::existing::there;
use super::network::LossArgs;
use super::result_file::write_result;
use super::{CliError, Outcome, open_take, take_error};
use sacodec_engine::{Loss, LossTrace};

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

fn lose(args: &Args, loss: &Loss, trace: Option<&LossTrace>, task: &Task) -> Result<Report, CliError> {
    let mut take = open_take(&task.input)?;
    let lost = take.lose(|frame| loss.lost(frame.into(), trace).any());
    let note = format!("{lost} frames were taken out to rehearse a lossy network: {}", told(loss));
    let bytes = take.rewritten(Some(note)).map_err(|source| take_error(&task.input, source))?;
    write_result(&task.input, &task.output, args.batch.overwrite, |file| {
        file.write_all(&bytes).map_err(|e| CliError::write(&task.output, e))
    })?;
    let percent = 100.0 * f64::from(lost) / f64::from(take.frames().max(1));
    let text = format!("{}: {lost} of {} frames lost ({percent:.1} %)", task.output.display(), take.frames());
    let json = json!({ "output": name(&task.output), "frames": take.frames(), "lost_frames": lost });
    Ok(Report::new(text, json, Outcome::Done).with(Made::of(&take, [&task.output])))
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

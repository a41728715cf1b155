//! `sacodec decode`: token takes to audio.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::json;

use crate::batch::{BatchArgs, DECODED, FileReport, Made, Task, name};
use crate::choices::StreamsArg;
use crate::decoded_wav::Decoded;
use crate::error::CliError;
use crate::network::ConcealArg;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::result_file::write_result;
use crate::take::{losses, open_take_with_digest};
use sacodec_take::Take;
use sacodec_take::decode::Decoding;

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Which token streams are decoded.
    #[arg(long, value_enum, default_value_t = StreamsArg::Both)]
    streams: StreamsArg,
    /// Sample rate of the result in Hz; without it that of the audio that was coded.
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1000..=1_536_000))]
    rate: Option<u32>,
    /// Conceal missing frames, as in `--conceal=repeat`; without it they are silent. `--conceal` alone is fade.
    #[arg(long, value_enum, value_name = "WAY", num_args = 0..=1, require_equals = true, default_missing_value = "fade")]
    conceal: Option<ConcealArg>,
    /// Folder of the model pack that the takes were coded with; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    if args.conceal.is_some() {
        no_way_as_input(&args.batch)?;
    }
    let tasks = args.batch.tasks(&["sac"], DECODED)?;
    let model = model(args.pack.as_deref())?;
    args.batch.run("decode", &tasks, |task, _| {
        let (take, digest) = open_take_with_digest(&task.input)?;
        let decoded = Decoded { take: &take, digest: &digest, decoding: args.decoding(&take) };
        let made = || Made { source: Some(digest.clone()), ..Made::of(&take, [&task.output]) };
        let done = || {
            let is_there = decoded.is_there(&task.input, &task.output)?;
            Ok(is_there.then(|| FileReport::skipped(made())))
        };
        let decode = || {
            write_result(&task.input, &task.output, args.batch.overwrite, |file| {
                let written = decoded.write(&model, file);
                written.map_err(|e| CliError::export(&task.input, &task.output, e))
            })?;
            Ok(report(&take, decoded.decoding, task).with(made()))
        };
        args.batch.unless_done(task, done, decode)
    })
}

/// `--conceal fade` is `--conceal` and a take called fade.
fn no_way_as_input(batch: &BatchArgs) -> Result<(), CliError> {
    let ways = || ConcealArg::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let is_way = |path: &&Path| ways().any(|way| path.as_os_str() == way.get_name()) && !path.exists();
    match batch.inputs().find(is_way) {
        Some(way) => Err(CliError::WayIsNoInput { way: way.into() }),
        None => Ok(()),
    }
}

impl Args {
    fn decoding(&self, take: &Take) -> Decoding {
        Decoding {
            streams: self.streams.gain(),
            rate_hz: self.rate.map_or(take.header.host_rate_hz, f64::from),
            concealment: self.conceal.map(ConcealArg::concealment),
        }
    }
}

fn report(take: &Take, Decoding { rate_hz, .. }: Decoding, task: &Task) -> FileReport {
    let seconds = f64::from(take.frames()) / take.header.frame_rate_hz();
    let loss = losses(take);
    let mut text = format!("{}: {seconds:.1} s at {rate_hz} Hz", task.output.display());
    if let Some(loss) = &loss {
        text += &format!("; {loss}");
    }
    let json = json!({
        "output": name(&task.output), "frames": take.frames(), "seconds": seconds,
        "sample_rate_hz": rate_hz, "missing_frames": take.frames() - take.present_frames(),
        "finished": take.footer.is_some(), "losses": loss,
    });
    let outcome = if loss.is_some() { Outcome::Finding } else { Outcome::Done };
    FileReport::new(text, json, outcome)
}

//! `sacodec repair`: a sound take of what is left of a damaged or unfinished one.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use crate::batch::{BatchArgs, FileReport, Made, REPAIRED, Task, name};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::result_file::{is_there, write_result};
use crate::same_bytes::is_there_as_made;
use crate::standard::{input_name, is_standard};
use crate::take::{open_take, open_take_with_digest, recover_take, take_error};
use sacodec_take::{Take, TakeError};

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Where a header is damaged, take that of this sound take of the same session.
    #[arg(long, value_name = "TAKE")]
    like: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let tasks = args.batch.tasks(&["sac"], REPAIRED)?;
    let like = args.like.as_deref().map(open_take).transpose()?;
    args.batch.run("repair", &tasks, |task, _| {
        let (take, digest) = match &like {
            Some(like) => recover_take(&task.input, &like.header)?,
            None => open_take_with_digest(&task.input)?,
        };
        if take.present_frames() == 0 && !take.is_undamaged() {
            return Err(CliError::NothingLeft { path: input_name(&task.input) });
        }
        let source = Some(digest);
        // Beside its take a copy would count twice: the take itself is what there is.
        let is_beside = args.batch.output().is_none() && !is_standard(&task.output);
        if is_beside && take.is_undamaged() {
            return Ok(args
                .nothing_to_repair(&take, task)
                .with(Made { source, ..Made::of(&take, [&task.input]) }));
        }
        let made = || Made { source: source.clone(), ..Made::of(&take, [&task.output]) };
        let done = || {
            let is_made = is_there_as_made(&task.input, &task.output, |out| write(&take, task, out))?;
            Ok(is_made.then(|| FileReport::skipped(made())))
        };
        let repair = || {
            let overwrite = args.batch.overwrite;
            write_result(&task.input, &task.output, overwrite, |file| write(&take, task, file))?;
            Ok(args.repaired(&take, &task.output).with(made()))
        };
        args.batch.unless_done(task, done, repair)
    })
}

fn write(take: &Take, task: &Task, out: &mut impl Write) -> Result<(), CliError> {
    take.write_repaired(out).map_err(|error| match error {
        TakeError::Io(error) => CliError::write(&task.output, error),
        error => take_error(&task.input, error),
    })
}

impl Args {
    fn nothing_to_repair(&self, take: &Take, task: &Task) -> FileReport {
        let mut text = format!("{}: there is nothing to repair", task.input.display());
        if is_there(&task.output) {
            text += &format!("; {} is left as it is", task.output.display());
        }
        self.report(take, text, None)
    }

    fn repaired(&self, take: &Take, output: &Path) -> FileReport {
        let text =
            format!("{}: {} of {} frames recovered", output.display(), take.present_frames(), take.frames());
        self.report(take, text, Some(output))
    }

    /// `output` is what was made.
    fn report(&self, take: &Take, mut text: String, output: Option<&Path>) -> FileReport {
        let rate_hz = take.header.frame_rate_hz();
        let header_of = self.like.as_deref().filter(|_| take.has_borrowed_header);
        let missing = take.missing();
        let skipped: usize = take.damage.iter().map(|d| d.bytes).sum();
        for gap in missing.iter().take(10) {
            let from = f64::from(gap.index) / rate_hz;
            text += &format!("; {} gone from {from:.2} s on ({})", gap.count, gap.reason);
        }
        if missing.len() > 10 {
            text += &format!("; and {} more gaps", missing.len() - 10);
        }
        if take.cut_bytes > 0 {
            text += &format!("; {} bytes at its end were not complete and are gone", take.cut_bytes);
        }
        if let Some(like) = header_of {
            text += &format!("; its header was damaged and is now that of {}", like.display());
        }
        let gaps: Vec<_> = missing
            .iter()
            .map(|g| json!({ "frame": g.index, "count": g.count, "reason": g.reason.to_string() }))
            .collect();
        let is_sound = missing.is_empty() && skipped == 0 && take.cut_bytes == 0;
        let json = json!({
            "output": output.map(name), "frames": take.frames(), "recovered": take.present_frames(), "gone": gaps,
            "damaged_bytes": skipped, "cut_bytes": take.cut_bytes, "was_finished": take.footer.is_some(),
            "header_of": header_of.map(name),
        });
        let outcome = if is_sound { Outcome::Done } else { Outcome::Finding };
        FileReport::new(text, json, outcome)
    }
}

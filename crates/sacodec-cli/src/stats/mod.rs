//! `sacodec stats`: how takes use the codebooks, as a whole and folder by folder.

mod counts;
mod pack_stats;
mod report;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use clap::Args as ClapArgs;
use parking_lot::Mutex;

use crate::batch::{BatchArgs, FileReport, RunArgs, Task};
use crate::console::print;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::take::{losses, open_take};
use pack_stats::PackStats;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Takes, and folders of them; folders are searched through.
    #[arg(required_unless_present = "files_from")]
    takes: Vec<PathBuf>,
    /// Read further takes from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// Folders below the given one that figures are told for: 1 is one for each of its folders, as for
    /// speaker/chapter/*.sac one for each speaker; 0 leaves them out.
    #[arg(long, value_name = "N", default_value_t = 1)]
    folders: usize,
    #[command(flatten)]
    run: RunArgs,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let batch = BatchArgs::of(args.takes.clone()).with_list(args.files_from.clone());
    // Names of results that nobody writes tell where inputs are below what was given.
    let batch = batch.with_output(Some("./".into()));
    let tasks = batch.tasks_that_count()?;
    let packs = Mutex::new(BTreeMap::new());
    let outcome = args.run.run(&tasks, |task, _| {
        task.is_no_folder()?;
        let take = open_take(&task.input)?;
        let pack = PackStats::key(&take);
        packs.lock().entry(pack).or_insert_with(|| PackStats::new(&take)).add(&take, &folder(args, task));
        Ok(match losses(&take) {
            None => FileReport::silent(Outcome::Done),
            Some(loss) => {
                let text = format!("{}: {loss}; the rest is counted", task.input.display());
                FileReport::new(text, serde_json::json!({ "losses": loss }), Outcome::Finding)
            }
        })
    });
    for pack in packs.into_inner().values() {
        if args.run.json { print(report::json(pack))? } else { print(report::text(pack))? }
    }
    Ok(outcome)
}

/// The folder that a take is counted in.
fn folder(args: &Args, task: &Task) -> PathBuf {
    let folder = task.output.parent().unwrap_or(Path::new(""));
    folder.components().filter(|c| matches!(c, Component::Normal(_))).take(args.folders).collect()
}

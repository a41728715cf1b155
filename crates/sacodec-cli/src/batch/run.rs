//! The work on many files: on how many threads, in which order it is reported.

use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use super::printer::Printer;
use super::report::FileReport;
use super::task::Task;
use crate::console::ReportsTo;
use crate::error::CliError;
use crate::outcome::Outcome;

/// What every command on many files takes.
#[derive(Debug, Default, ClapArgs)]
pub struct RunArgs {
    /// Files that are worked on at once; without it as many as there are cores.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print one JSON object for each file.
    #[arg(long)]
    pub json: bool,
}

impl RunArgs {
    /// Works on all tasks and reports each, in their order; one that fails stops no other.
    pub fn run(
        &self,
        tasks: &[Task],
        work: impl Fn(&Task, &ProgressBar) -> Result<FileReport, CliError> + Sync,
    ) -> Outcome {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let jobs = self.jobs.map_or(cores, usize::from).min(tasks.len()).max(1);
        let bar = self.bar(tasks.len());
        let quiet = ProgressBar::hidden();
        let reports = ReportsTo::beside(tasks.iter().map(|task| task.output.as_path()));
        let next = AtomicUsize::new(0);
        // What another process is making.
        let busy = Mutex::new(Vec::new());
        let printer = Mutex::new(Printer::new(self.json, reports, bar.clone()));
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    let work_on = |at: usize, task: &Task| {
                        let result = work(task, if tasks.len() == 1 { &bar } else { &quiet });
                        if matches!(result, Err(CliError::Busy { .. })) && !task.waits {
                            return busy.lock().push(at);
                        }
                        if tasks.len() > 1 {
                            bar.inc(1);
                        }
                        printer.lock().add(at, task, result);
                    };
                    while let Some((at, task)) =
                        tasks.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed))
                    {
                        work_on(at, task);
                    }
                    while let Some(at) = next_of(&busy) {
                        work_on(at, &Task { waits: true, ..tasks[at].clone() });
                    }
                });
            }
        });
        bar.finish_and_clear();
        printer.into_inner().finish(tasks.len())
    }

    fn bar(&self, tasks: usize) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let what = if tasks == 1 { "{percent} %" } else { "{pos} of {len} files" };
        let template = format!("{{bar:40}} {what}  {{elapsed}} / {{eta}} left");
        let bar = ProgressBar::new(tasks as u64);
        ProgressStyle::with_template(&template).map_or(bar.clone(), |style| bar.with_style(style))
    }
}

/// The next one, without the lock being held while it is worked on.
fn next_of(waiting: &Mutex<Vec<usize>>) -> Option<usize> {
    waiting.lock().pop()
}

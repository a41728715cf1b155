//! `sacodec check`: whether everything that a run should have made is there and whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use clap::Args as ClapArgs;
use serde_json::json;

use crate::audio::digest_of;
use crate::batch::log::{Ending, Entry, LoggedFile, LoggedPath, read_log};
use crate::batch::{FileReport, RunArgs, Task, normal, read_list};
use crate::console::{complain, print};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::take::faults;
use sacodec_take::Take;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Reports that other commands wrote with --report. Of an input's lines the
    /// last one counts, in the order in which the files are given.
    #[arg(required = true)]
    reports: Vec<PathBuf>,
    /// A list that must be in the reports from the first to the last name, as it was given with
    /// --files-from. Run the command in the folder that the runs were started in.
    #[arg(long, value_name = "LIST")]
    list: Option<PathBuf>,
    /// Also read the inputs again, and compare them with what was read then.
    #[arg(long)]
    sources: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// The last line of each input and what [`second`] says, by their places.
type Entries = HashMap<(PathBuf, PathBuf), Entry>;

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let (entries, mut tasks) = read(&args.reports)?;
    if tasks.is_empty() && args.list.is_none() {
        return Err(CliError::NoInput { what: "no report has a complete line".into() });
    }
    if let Some(list) = &args.list {
        let known: std::collections::HashSet<_> = entries.keys().map(|(input, _)| input).collect();
        let mut listed = read_list(list)?;
        listed.retain(|path| !known.contains(&normal(path)));
        tasks.extend(listed.into_iter().map(|path| task(&path, Path::new(""))));
    }
    let (whole, milliseconds) = (AtomicU64::new(0), AtomicU64::new(0));
    let outcome = args.run.run(&tasks, |task, _| {
        let entry = entries.get(&key(&task.input, &task.output));
        let problem = match entry {
            None => Some("it is in the list and in no report".to_owned()),
            Some(entry) => problem(entry, args.sources),
        };
        if problem.is_none() {
            whole.fetch_add(1, Relaxed);
            let seconds = entry.and_then(|entry| entry.seconds).unwrap_or(0.0);
            milliseconds.fetch_add((1000.0 * seconds).round() as u64, Relaxed);
        }
        let outcome = if problem.is_some() { Outcome::Finding } else { Outcome::Done };
        let text = problem.as_ref().map(|problem| format!("{}: {problem}", task.input.display()));
        Ok(FileReport::new(text.unwrap_or_default(), json!({ "problem": problem }), outcome))
    });
    let (whole, inputs) = (whole.into_inner(), tasks.len() as u64);
    let hours = milliseconds.into_inner() as f64 / 3_600_000.0;
    if args.run.json {
        print(json!({ "inputs": inputs, "whole": whole, "problems": inputs - whole, "hours": hours }))?;
    } else {
        print(format_args!("{whole} of {inputs} results are there and whole, {hours:.2} h"))?;
    }
    Ok(outcome)
}

/// All that the reports tell, and a task for each input and output in the order in which they first came.
fn read(reports: &[PathBuf]) -> Result<(Entries, Vec<Task>), CliError> {
    let (mut entries, mut tasks) = (Entries::new(), Vec::new());
    for path in reports {
        let unreadable = |source| CliError::Report { path: path.clone(), source };
        let cut = read_log(path, |mut entry| {
            // Of many comparisons by seconds it is large.
            entry.found = None;
            let (input, output) = (entry.input.path.0.clone(), second(&entry).to_owned());
            if entries.insert(key(&input, &output), entry).is_none() {
                tasks.push(task(&input, &output));
            }
        })
        .map_err(unreadable)?;
        if cut > 0 {
            complain(format_args!(
                "sacodec: {cut} lines of {} are not complete: they do not count",
                path.display()
            ));
        }
    }
    Ok((entries, tasks))
}

/// What tells lines of one input apart: the result, or what it was compared with.
fn second(entry: &Entry) -> &Path {
    let partner = || entry.partner.as_ref().map(|partner| &partner.path);
    entry.output.as_ref().or_else(partner).map_or(Path::new(""), |path| &path.0)
}

fn task(input: &Path, output: &Path) -> Task {
    Task { input: input.into(), output: output.into(), rival: None, waits: false }
}

fn key(input: &Path, output: &Path) -> (PathBuf, PathBuf) {
    (normal(input), normal(output))
}

/// What is wrong with what there is of an input.
fn problem(entry: &Entry, with_source: bool) -> Option<String> {
    let error = || entry.error.as_deref().unwrap_or("it failed");
    if entry.output.is_none() {
        return problem_of_reading(entry, error);
    }
    if entry.result == Ending::Failed || entry.files.is_empty() {
        return Some(format!("it has no result: {}", error()));
    }
    let source = if with_source { changed(&entry.input) } else { resized(&entry.input) };
    let losses =
        entry.losses.as_ref().map(|losses| format!("{} is not whole: {losses}", shown(&entry.files[0].path)));
    let files = || entry.files.iter().find_map(changed);
    let takes = || entry.files.iter().find_map(|file| incomplete(file, entry.frames));
    source.or(losses).or_else(files).or_else(takes)
}

/// The same where a command has made nothing: what it has read must still be what it was.
fn problem_of_reading<'a>(entry: &'a Entry, error: impl Fn() -> &'a str) -> Option<String> {
    match entry.result {
        Ending::Failed => Some(format!("it could not be examined: {}", error())),
        Ending::Incomplete => Some(format!(
            "it is not whole or not equal: {}",
            entry.losses.as_deref().unwrap_or("the report does not tell more")
        )),
        Ending::Done | Ending::Skipped => {
            changed(&entry.input).or_else(|| entry.partner.as_ref().and_then(changed))
        }
    }
}

/// Whether a file is not what it was.
fn changed(file: &LoggedFile) -> Option<String> {
    let path = shown(&file.path);
    let Some(known) = &file.digest else { return Some(format!("the report has no digest of {path}")) };
    match digest_of(&file.path.0) {
        Err(error) => Some(format!("{path} could not be read: {error}")),
        Ok(found) if found.bytes != known.bytes => {
            Some(format!("{path} has {} bytes, and had {} when it was reported", found.bytes, known.bytes))
        }
        Ok(found) if found.sha256 != known.sha256 => {
            Some(format!("{path} has another content (SHA-256) than when it was reported"))
        }
        Ok(_) => None,
    }
}

/// Whether an input has another size; one that has gone meanwhile, or was a pipe, has none.
fn resized(file: &LoggedFile) -> Option<String> {
    let (known, found) = (file.digest.as_ref()?.bytes, std::fs::metadata(&file.path.0).ok()?.len());
    (found != known).then(|| format!("it has {found} bytes, and had {known} when it was read"))
}

/// Whether a result is a take and not a whole one.
fn incomplete(file: &LoggedFile, frames: Option<u32>) -> Option<String> {
    let path = &file.path.0;
    if path.extension().is_none_or(|extension| extension != "sac") {
        return None;
    }
    match Take::open(path) {
        Err(error) => Some(format!("{} could not be read: {error}", path.display())),
        Ok(take) => match faults(&take) {
            Some(faults) => Some(format!("{} is not whole: {faults}", path.display())),
            None if frames.is_some_and(|frames| frames != take.frames()) => Some(format!(
                "{} has {} frames, and the report tells of others",
                path.display(),
                take.frames()
            )),
            None => None,
        },
    }
}

fn shown(path: &LoggedPath) -> std::path::Display<'_> {
    path.0.display()
}

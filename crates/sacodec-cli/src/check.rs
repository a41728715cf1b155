//! `sacodec check`: whether everything that a run should have made is there and whole.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use clap::Args as ClapArgs;
use serde_json::json;

use crate::audio::{AUDIO_EXTENSIONS, digest_of};
use crate::batch::log::{Ending, Entry, LoggedFile, LoggedPath, is_pipe_now, read_log};
use crate::batch::{BatchArgs, FileReport, LOSSY, REPAIRED, RunArgs, Task, extension, normal, read_list};
use crate::console::{complain, duration, print};
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

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let entries = read(&args.reports)?;
    if entries.is_empty() && args.list.is_none() {
        return Err(CliError::NoInput { what: "no report has a complete line".into() });
    }
    let logged = entries.iter().enumerate().map(|(place, entry)| task(&entry.input.path.0, Some(place)));
    let mut tasks: Vec<_> = logged.collect();
    if let Some(list) = &args.list {
        tasks.extend(missing(list, &entries)?.iter().map(|path| task(path, None)));
    }
    let (whole, milliseconds) = (AtomicU64::new(0), AtomicU64::new(0));
    let outcome = args.run.run(&tasks, |task, _| {
        let entry = place(task).and_then(|place| entries.get(place));
        let problem = match entry {
            None => Some("it is in the list and in no report".to_owned()),
            Some(entry) => problem(entry, args.sources),
        };
        if problem.is_none() {
            whole.fetch_add(1, Relaxed);
            let seconds = entry.and_then(|entry| entry.seconds).unwrap_or(0.0);
            if entry.is_some_and(|entry| entry.output.is_some()) {
                milliseconds.fetch_add((1000.0 * seconds).round() as u64, Relaxed);
            }
        }
        let outcome = if problem.is_some() { Outcome::Finding } else { Outcome::Done };
        let text = problem.as_ref().map(|problem| format!("{}: {problem}", task.input.display()));
        Ok(FileReport::new(text.unwrap_or_default(), json!({ "problem": problem }), outcome))
    });
    let (whole, inputs) = (whole.into_inner(), tasks.len() as u64);
    let seconds = milliseconds.into_inner() as f64 / 1000.0;
    if args.run.json {
        print(
            json!({ "inputs": inputs, "whole": whole, "problems": inputs - whole, "hours": seconds / 3600.0 }),
        )?;
    } else {
        print(format_args!(
            "{whole} of {inputs} results are there and whole, {} of results",
            duration(seconds)
        ))?;
    }
    Ok(outcome)
}

/// The command of a line, its input, and what [`second`] says of it.
type Key = (String, (PathBuf, PathBuf));

/// The last line of each result, in the order in which they first came.
fn read(reports: &[PathBuf]) -> Result<Vec<Entry>, CliError> {
    let (mut places, mut entries) = (HashMap::new(), Vec::new());
    for path in reports {
        let unreadable = |source| CliError::Report { path: path.clone(), source };
        let cut = read_log(path, |mut entry| {
            // Of many comparisons by seconds it is large.
            entry.found = None;
            let files = (normal(&entry.input.path.0), normal(second(&entry)));
            let told = (entry.command.clone(), files);
            let place = places.get(&told).copied().or_else(|| untold(&mut places, &entry));
            places.insert(told, place.unwrap_or(entries.len()));
            match place {
                Some(place) => entries[place] = entry,
                None => entries.push(entry),
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
    Ok(without_second_sources(entries))
}

/// Takes the place of the line that this one follows, if a version wrote that which did not tell its command.
fn untold(places: &mut HashMap<Key, usize>, entry: &Entry) -> Option<usize> {
    let partner = entry.partner.as_ref().map(|partner| partner.path.0.as_path());
    let seconds = [Some(second(entry)), partner].into_iter().flatten();
    let mut keys = seconds.map(|path| (String::new(), (normal(&entry.input.path.0), normal(path))));
    keys.find_map(|key| places.remove(&key))
}

/// Leaves out inputs that had no result because another input has it, and that were worked on elsewhere.
fn without_second_sources(mut entries: Vec<Entry>) -> Vec<Entry> {
    let (mut makers, mut made) = (HashMap::new(), HashSet::new());
    let input = |entry: &Entry| (entry.command.clone(), normal(&entry.input.path.0));
    for entry in entries.iter().filter(|entry| entry.result != Ending::Failed) {
        let Some(LoggedPath(output)) = &entry.output else { continue };
        makers.insert(normal(output), input(entry));
        made.insert(input(entry));
    }
    entries.retain(|entry| {
        let maker = || entry.output.as_ref().and_then(|LoggedPath(output)| makers.get(&normal(output)));
        let has_another = || maker().is_some_and(|maker| *maker != input(entry));
        !(entry.result == Ending::Failed && has_another() && made.contains(&input(entry)))
    });
    entries
}

/// What tells lines of one command and input apart: the result, or what it was compared with. `verify` does not name the
/// audio that it could not find.
fn second(entry: &Entry) -> &Path {
    let partner =
        || entry.partner.as_ref().filter(|_| entry.command != "verify").map(|partner| &partner.path);
    entry.output.as_ref().or_else(partner).map_or(Path::new(""), |path| &path.0)
}

/// Inputs of a list that are in no report. A folder stands for what is in it, of the kinds that the reports tell of.
fn missing(list: &Path, entries: &[Entry]) -> Result<Vec<PathBuf>, CliError> {
    let inputs: HashSet<_> = entries.iter().map(|entry| normal(&entry.input.path.0)).collect();
    // What these make of takes they leave out themselves.
    let has_run = |command| entries.iter().any(|entry| entry.command == command);
    let own = [("lose", LOSSY), ("repair", REPAIRED)].into_iter().filter(|(command, _)| has_run(*command));
    let own: Vec<_> = own.map(|(_, ending)| format!(".{ending}")).collect();
    let is_own = |path: &Path| own.iter().any(|ending| path.to_string_lossy().ends_with(ending));
    // Of a folder of which inputs were of one kind, only those are looked for.
    let kinds = |folder: &Path| {
        let is_known = |kind: &&[&str]| {
            let is_one =
                |path: &PathBuf| path.starts_with(folder) && kind.contains(&extension(path).as_str());
            inputs.iter().any(is_one)
        };
        let known: Vec<_> = [&AUDIO_EXTENSIONS[..], &["sac"][..]].into_iter().filter(is_known).collect();
        known.concat()
    };
    let mut missing = Vec::new();
    for path in read_list(list)? {
        let kinds = if path.is_dir() { kinds(&normal(&path)) } else { Vec::new() };
        if kinds.is_empty() {
            missing.push(path);
            continue;
        }
        match BatchArgs::of(vec![path.clone()]).tasks_that_write_nothing(&kinds, "sac") {
            Ok(inside) => {
                missing.extend(inside.into_iter().map(|task| task.input).filter(|path| !is_own(path)))
            }
            Err(CliError::NoInput { .. }) => missing.push(path),
            Err(error) => return Err(error),
        }
    }
    missing.retain(|path| !inputs.contains(&normal(path)));
    Ok(missing)
}

/// The task of an input, whose second path is the place of its line: one may have several.
fn task(input: &Path, place: Option<usize>) -> Task {
    let output = place.map(|place| place.to_string()).unwrap_or_default().into();
    Task { input: input.into(), output, rival: None, waits: false }
}

fn place(task: &Task) -> Option<usize> {
    task.output.to_str()?.parse().ok()
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
            // What came by a pipe has gone, and is not asked for again.
            let files = [Some(&entry.input), entry.partner.as_ref()].into_iter().flatten();
            files.filter(|file| !is_pipe(file)).find_map(changed)
        }
    }
}

/// Whether a file is not what it was.
fn changed(file: &LoggedFile) -> Option<String> {
    let path = shown(&file.path);
    if is_pipe(file) {
        return Some(format!("{path} is a pipe, which cannot be read again"));
    }
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

/// Whether nothing is left where this was read from. Versions before did not tell it.
fn is_pipe(file: &LoggedFile) -> bool {
    file.pipe || is_pipe_now(&file.path.0)
}

/// Whether an input has another size; one that has gone meanwhile, or was a pipe, has none.
fn resized(file: &LoggedFile) -> Option<String> {
    let (known, found) = (file.digest.as_ref()?.bytes, std::fs::metadata(&file.path.0).ok()?.len());
    (found != known && !is_pipe(file))
        .then(|| format!("it has {found} bytes, and had {known} when it was read"))
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

//! Many files at once: what to work on, what comes out where, on how many threads, and the report.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use walkdir::WalkDir;

use super::console::{Reports, complain};
use super::result_file::{is_standard, is_there};
use super::{CliError, Outcome};

/// What most commands take.
#[derive(Debug, ClapArgs)]
pub struct BatchArgs {
    /// Files and folders; folders are searched through, and `-` is standard input.
    #[arg(required_unless_present = "files_from")]
    inputs: Vec<PathBuf>,
    /// Where results go: a file for one input, else a folder, in which folders that are searched and
    /// relative paths of a list keep their shape; `-` is standard output. Without it, beside each input.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Read further inputs from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// Files that are worked on at once; without it as many as there are cores.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Replace results that are there already.
    #[arg(long, conflicts_with = "skip_existing")]
    pub overwrite: bool,
    /// Leave inputs out whose results are there already.
    #[arg(long)]
    pub skip_existing: bool,
    /// Print one JSON object for each file.
    #[arg(long)]
    pub json: bool,
}

/// One file to be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is read.
    pub input: PathBuf,
    /// What is written, with the extension of the first format.
    pub output: PathBuf,
    /// Another input that has this output already: then nothing is done.
    rival: Option<PathBuf>,
}

/// What a file gave.
#[derive(Debug)]
pub struct Report {
    /// A line for people.
    pub text: String,
    /// The same for machines; `input` is added.
    pub json: Value,
    /// Whether all is as it should be.
    pub outcome: Outcome,
}

impl BatchArgs {
    /// As if these inputs had been given.
    pub fn of(inputs: Vec<PathBuf>, json: bool) -> Self {
        Self {
            inputs,
            output: None,
            files_from: None,
            jobs: None,
            overwrite: false,
            skip_existing: false,
            json,
        }
    }

    /// With further inputs from a list.
    pub fn with_list(self, files_from: Option<PathBuf>) -> Self {
        Self { files_from, ..self }
    }

    /// With a folder that results are named in, in the same folders as the inputs.
    pub fn with_output(self, output: Option<PathBuf>) -> Self {
        Self { output, ..self }
    }

    /// On so many threads.
    pub fn with_jobs(self, jobs: Option<u16>) -> Self {
        Self { jobs, ..self }
    }

    /// What may be the name of a single result: only its extension can tell.
    pub fn named_output(&self) -> Option<&Path> {
        match (&self.output, &self.inputs[..]) {
            (Some(output), _) => Some(output),
            (None, [_, output]) => Some(output),
            _ => None,
        }
    }

    /// What is to be done: inputs with one of the extensions `from`, outputs with the extension `to`.
    /// `command IN OUT` is understood where OUT has that extension and is named like a result.
    ///
    /// # Errors
    /// Where a list cannot be read, nothing is found, or the one result has another extension.
    pub fn tasks(&self, from: &[&str], to: &str) -> Result<Vec<Task>, CliError> {
        let mut tasks = self.plan(from, to)?;
        tasks.retain(|task| !(self.skip_existing && is_there(&task.output)));
        Ok(tasks)
    }

    /// As [`BatchArgs::tasks`], for commands that only read: two inputs may have one name then.
    ///
    /// # Errors
    /// As [`BatchArgs::tasks`].
    pub fn tasks_that_write_nothing(&self, from: &[&str], to: &str) -> Result<Vec<Task>, CliError> {
        let mut tasks = self.plan_for(from, to, false)?;
        tasks.iter_mut().for_each(|task| task.rival = None);
        Ok(tasks)
    }

    /// As [`BatchArgs::tasks`], with those whose result is there.
    ///
    /// # Errors
    /// As [`BatchArgs::tasks`].
    pub fn plan(&self, from: &[&str], to: &str) -> Result<Vec<Task>, CliError> {
        self.plan_for(from, to, true)
    }

    fn plan_for(&self, from: &[&str], to: &str, writes: bool) -> Result<Vec<Task>, CliError> {
        let mut inputs = self.inputs.clone();
        let mut output = self.output.clone();
        let kind = to.rsplit('.').next().unwrap_or(to);
        let is_result = |path: &Path| is_standard(path) || !from.contains(&kind) && extension(path) == kind;
        if writes && output.is_none() && inputs.len() == 2 && is_result(&inputs[1]) {
            output = inputs.pop();
        }
        let found = self.find(inputs, from, to)?;
        let to_folder = output.as_deref().is_some_and(|path| {
            let many = found.len() > 1 || found.iter().any(|f| f.below.is_some());
            many || self.files_from.is_some() || path.is_dir() || has_slash(path)
        });
        let to_standard = output.as_deref().is_some_and(is_standard);
        if to_standard && to_folder {
            return Err(CliError::ManyToStandardOutput { inputs: found.len() });
        }
        let has_other_name = |path: &Path| !to_folder && !to_standard && extension(path) != kind;
        if let Some(path) = output.as_ref().filter(|path| has_other_name(path)) {
            return Err(CliError::Extension { path: path.clone(), expected: kind.into() });
        }
        let mut tasks = Vec::with_capacity(found.len());
        let mut owners: HashMap<PathBuf, PathBuf> = HashMap::new();
        for Found { path: input, below } in found {
            if is_standard(&input) && writes && (output.is_none() || to_folder) {
                return Err(CliError::NoName);
            }
            let renamed = |path: &Path| result_name(path, to);
            let output = match &output {
                None => renamed(&input),
                Some(folder) if to_folder => {
                    let name = below.unwrap_or_else(|| input.file_name().unwrap_or_default().into());
                    folder.join(renamed(&name))
                }
                Some(file) => file.clone(),
            };
            let rival = owners.get(&output).cloned();
            if rival.is_none() {
                owners.insert(output.clone(), input.clone());
            }
            tasks.push(Task { input, output, rival });
        }
        Ok(tasks)
    }

    fn find(&self, inputs: Vec<PathBuf>, from: &[&str], to: &str) -> Result<Vec<Found>, CliError> {
        let listed = self.files_from.as_deref().map(read_list).transpose()?.unwrap_or_default();
        let inputs = inputs.into_iter().map(|i| (i, false)).chain(listed.into_iter().map(|i| (i, true)));
        let inputs: Vec<_> = inputs.collect();
        let is_alone = inputs.len() == 1;
        let mut found = Vec::new();
        for (input, is_listed) in inputs {
            if !input.is_dir() {
                let below = Some(input.clone()).filter(|path| is_listed && is_plain(path));
                found.push(Found { path: input, below });
                continue;
            }
            let before = found.len();
            for entry in WalkDir::new(&input).follow_links(true).sort_by_file_name() {
                let entry = match entry {
                    Ok(entry) => entry,
                    // A broken link is a file that cannot be read, like any other.
                    Err(error) if error.path().is_some() => {
                        let path = error.path().unwrap_or(&input).to_owned();
                        found.push(Found { path, below: None });
                        continue;
                    }
                    Err(error) => {
                        return Err(CliError::Open { path: input, source: io::Error::other(error) });
                    }
                };
                let name = entry.file_name().to_string_lossy();
                let is_ours = name.starts_with('.') || name.ends_with(&format!(".{to}")) && to.contains('.');
                let is_wanted = from.contains(&extension(entry.path()).as_str());
                if entry.file_type().is_file() && !is_ours && is_wanted {
                    let below = entry.path().strip_prefix(&input).ok().map(Path::to_owned);
                    found.push(Found { path: entry.into_path(), below });
                }
            }
            if found.len() == before && is_alone {
                let what = format!("{} holds no .{} file", input.display(), from.join(" or ."));
                return Err(CliError::NoInput { what });
            }
            if found.len() == before {
                // Fails like a file that cannot be read, and stops no other.
                found.push(Found { path: input, below: None });
            }
        }
        Ok(found)
    }

    /// Works on all tasks and reports each, in their order; one that fails stops no other.
    pub fn run(
        &self,
        tasks: &[Task],
        work: impl Fn(&Task, &ProgressBar) -> Result<Report, CliError> + Sync,
    ) -> Outcome {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let jobs = self.jobs.map_or(cores, usize::from).min(tasks.len()).max(1);
        let bar = self.bar(tasks.len());
        let quiet = ProgressBar::hidden();
        let reports = Reports::beside(tasks.iter().map(|task| task.output.as_path()));
        let next = AtomicUsize::new(0);
        let printer = Mutex::new(Printer::new(self.json, reports, bar.clone()));
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(task) = tasks.get(at) else { break };
                        let result = match &task.rival {
                            None => work(task, if tasks.len() == 1 { &bar } else { &quiet }),
                            Some(rival) => Err(CliError::OneOutput {
                                path: task.output.clone(),
                                first: rival.clone(),
                                second: task.input.clone(),
                            }),
                        };
                        if tasks.len() > 1 {
                            bar.inc(1);
                        }
                        lock(&printer).add(at, task, result);
                    }
                });
            }
        });
        bar.finish_and_clear();
        printer.into_inner().unwrap_or_else(PoisonError::into_inner).finish(tasks.len())
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

struct Found {
    path: PathBuf,
    /// Its path inside the folder that it was found in.
    below: Option<PathBuf>,
}

/// Prints reports in the order of the tasks, whichever is ready first.
struct Printer {
    json: bool,
    reports: Reports,
    bar: ProgressBar,
    next: usize,
    waiting: BTreeMap<usize, (String, bool)>,
    failed: usize,
    findings: usize,
    /// Why a report could not be written.
    unwritten: Option<CliError>,
}

impl Printer {
    fn new(json: bool, reports: Reports, bar: ProgressBar) -> Self {
        Self {
            json,
            reports,
            bar,
            next: 0,
            waiting: BTreeMap::new(),
            failed: 0,
            findings: 0,
            unwritten: None,
        }
    }

    fn add(&mut self, at: usize, task: &Task, result: Result<Report, CliError>) {
        let (line, is_error) = match result {
            Ok(report) => {
                self.findings += usize::from(report.outcome == Outcome::Finding);
                self.failed += usize::from(report.outcome == Outcome::Failed);
                let mut value = report.json;
                value["input"] = name(&task.input);
                (if self.json { value.to_string() } else { report.text }, false)
            }
            Err(error) => {
                self.failed += 1;
                let value = json!({ "input": name(&task.input), "error": error.to_string() });
                if self.json { (value.to_string(), false) } else { (format!("sacodec: {error}"), true) }
            }
        };
        self.waiting.insert(at, (line, is_error));
        while let Some((line, is_error)) = self.waiting.remove(&self.next) {
            self.next += 1;
            let written = self.bar.suspend(|| {
                if is_error {
                    complain(line);
                    Ok(())
                } else {
                    self.reports.print(line)
                }
            });
            // Said once: what has no room does not get any.
            if let (Err(error), None) = (written, &self.unwritten) {
                complain(format_args!("sacodec: the report is not complete: {error}"));
                self.unwritten = Some(error);
            }
        }
    }

    fn finish(&self, tasks: usize) -> Outcome {
        if tasks > 1 && self.failed > 0 {
            complain(format_args!("sacodec: {} of {tasks} files failed", self.failed));
        }
        match (self.failed + usize::from(self.unwritten.is_some()), self.findings) {
            (0, 0) => Outcome::Done,
            (0, _) => Outcome::Finding,
            _ => Outcome::Failed,
        }
    }
}

/// The extension in lower case; of an unfinished take that of the take.
pub fn extension(path: &Path) -> String {
    let lower = |e: &std::ffi::OsStr| e.to_string_lossy().to_lowercase();
    match path.extension().map(lower).unwrap_or_default() {
        part if part == "part" => path.file_stem().map_or(part, |stem| extension(Path::new(stem))),
        extension => extension,
    }
}

/// `path` with another extension; `.sac.part` counts as one.
fn result_name(path: &Path, to: &str) -> PathBuf {
    let is_part = path.extension().is_some_and(|e| e == "part");
    let path = if is_part { path.with_extension("") } else { path.to_owned() };
    path.with_extension(to)
}

/// A path in a report; what is no Unicode in it is replaced.
pub fn name(path: &Path) -> Value {
    Value::from(path.to_string_lossy())
}

/// Whether a path leads downwards from where it begins.
fn is_plain(path: &Path) -> bool {
    path.components().all(|c| matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir))
}

fn has_slash(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(std::path::is_separator)
}

fn read_list(list: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |source| CliError::Open { path: list.into(), source };
    let lines: io::Result<Vec<String>> = if list.as_os_str() == "-" {
        io::stdin().lock().lines().collect()
    } else {
        std::fs::read_to_string(list).map(|text| text.lines().map(str::to_owned).collect())
    };
    let lines = lines.map_err(unreadable)?;
    Ok(lines.iter().filter(|line| !line.trim().is_empty()).map(PathBuf::from).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(args: &[&str], from: &[&str], to: &str) -> Vec<(String, String)> {
        let args = BatchArgs::of(args.iter().map(PathBuf::from).collect(), false);
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        args.tasks(from, to).unwrap().iter().map(|t| (text(&t.input), text(&t.output))).collect()
    }

    #[test]
    fn results_are_named_after_inputs_unless_a_name_is_given() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(tasks(&["a.wav"], &["wav"], "sac"), [pair("a.wav", "a.sac")]);
        assert_eq!(tasks(&["a.wav", "b.sac"], &["wav"], "sac"), [pair("a.wav", "b.sac")]);
        assert_eq!(
            tasks(&["a.wav", "b.wav"], &["wav"], "sac"),
            [pair("a.wav", "a.sac"), pair("b.wav", "b.sac")]
        );
        assert_eq!(
            tasks(&["x/a.sac.part"], &["sac"], "decoded.wav"),
            [pair("x/a.sac.part", "x/a.decoded.wav")]
        );
        assert_eq!(tasks(&["a.sac", "b.wav"], &["sac"], "decoded.wav"), [pair("a.sac", "b.wav")]);
    }

    #[test]
    fn the_second_input_for_one_result_is_refused() {
        let args = BatchArgs::of(vec!["a.wav".into(), "a.flac".into()], false);
        let rivals: Vec<_> =
            args.tasks(&["wav", "flac"], "sac").unwrap().into_iter().map(|t| t.rival).collect();
        assert_eq!(rivals, [None, Some("a.wav".into())]);
    }

    #[test]
    fn folders_keep_their_shape_in_the_output() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("in/b")).unwrap();
        for name in ["in/z.wav", "in/a.FLAC", "in/b/c.wav", "in/notes.txt", "in/.hidden.wav"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let mut args = BatchArgs::of(vec![folder.path().join("in")], false);
        args.output = Some(folder.path().join("out"));
        let tasks = args.tasks(&["wav", "flac"], "sac").unwrap();
        let outputs: Vec<_> = tasks.iter().map(|t| t.output.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(outputs, ["out/a.sac", "out/b/c.sac", "out/z.sac"].map(Path::new));
    }
}

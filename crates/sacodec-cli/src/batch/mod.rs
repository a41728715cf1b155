//! Many files at once: what to work on, what comes out where, on how many threads, and the report.

mod copies;
mod inputs;
mod last;
mod lines;
mod list;
pub mod log;
mod names;
mod printer;
mod report;
mod run;
mod task;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use indicatif::ProgressBar;

use crate::error::CliError;
use crate::outcome::Outcome;
use crate::standard::is_standard;
pub use copies::{LOSSY, REPAIRED, is_beside_its_original, partner};
pub use inputs::normal;
use inputs::{Found, Search};
use last::LastPath;
pub use list::read_list;
pub use log::LoggedRunArgs;
pub use names::{DECODED, extension, name, with_other_extension};
use names::{Folders, result_name};
pub use report::{FileReport, Made};
pub use run::RunArgs;
pub use task::{Second, Task};

/// What most commands take.
#[derive(Debug, ClapArgs)]
pub struct BatchArgs {
    /// Files and folders; folders are searched through, and `-` is standard input.
    #[arg(required_unless_present = "files_from")]
    inputs: Vec<PathBuf>,
    /// Where results go: a file for one input, else a folder, in which folders that are searched and
    /// paths of a list keep their shape; `-` is standard output. Without it, beside each input.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Read further inputs from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// The folder that results are named from, also where names are relative: with --output, data/x/a.wav below
    /// --root data gives x/a.sac. Without it, the folder that all files of a list with absolute names have in common.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Replace results that are there already.
    #[arg(long, conflicts_with = "skip_existing")]
    pub overwrite: bool,
    /// Leave inputs out whose results are there already. A result that tells of another input or of other settings,
    /// or that is not what would be written now, is an error; those of `moments` are told by their names alone.
    /// Processes may share a folder: each result is made by one of them.
    #[arg(long)]
    pub skip_existing: bool,
    #[command(flatten)]
    run: LoggedRunArgs,
}

impl BatchArgs {
    /// As if these inputs had been given.
    pub fn of(inputs: Vec<PathBuf>) -> Self {
        Self {
            inputs,
            output: None,
            files_from: None,
            root: None,
            overwrite: false,
            skip_existing: false,
            run: LoggedRunArgs::default(),
        }
    }

    /// With further inputs from a list.
    pub fn with_list(self, files_from: Option<PathBuf>) -> Self {
        Self { files_from, ..self }
    }

    /// With a folder that names are told from.
    pub fn with_root(self, root: Option<PathBuf>) -> Self {
        Self { root, ..self }
    }

    /// With a folder that results are named in, in the same folders as the inputs.
    pub fn with_output(self, output: Option<PathBuf>) -> Self {
        Self { output, ..self }
    }

    /// Works on all tasks, as [`LoggedRunArgs::run`]; one that has a rival or no input is an error, whatever is
    /// there already.
    ///
    /// # Errors
    /// Where the log cannot be opened.
    pub fn run(
        &self,
        command: &'static str,
        tasks: &[Task],
        work: impl Fn(&Task, &ProgressBar) -> Result<FileReport, CliError> + Sync,
    ) -> Result<Outcome, CliError> {
        self.run.run(command, tasks, Second::Result, |task, bar| {
            task.has_an_input()?;
            task.has_no_rival()?;
            work(task, bar).map_err(CliError::or_skip)
        })
    }

    /// As [`BatchArgs::run`], for tasks of [`BatchArgs::tasks_that_write_nothing`].
    ///
    /// # Errors
    /// As [`BatchArgs::run`].
    pub fn run_that_writes_nothing(
        &self,
        command: &'static str,
        tasks: &[Task],
        work: impl Fn(&Task, &ProgressBar) -> Result<FileReport, CliError> + Sync,
    ) -> Result<Outcome, CliError> {
        self.run.run(command, tasks, Second::Nothing, work)
    }

    /// The inputs that were named, and perhaps the result.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.inputs.iter().map(PathBuf::as_path)
    }

    /// Where results are to go, if that is said.
    pub fn output(&self) -> Option<&Path> {
        self.output.as_deref()
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
        self.plan_for(from, to, Purpose::Write)
    }

    /// As [`BatchArgs::tasks`], for commands that only read: two inputs may have one name then.
    ///
    /// # Errors
    /// As [`BatchArgs::tasks`].
    pub fn tasks_that_write_nothing(&self, from: &[&str], to: &str) -> Result<Vec<Task>, CliError> {
        let mut tasks = self.plan_for(from, to, Purpose::Read)?;
        tasks.iter_mut().for_each(|task| task.rival = None);
        Ok(tasks)
    }

    /// Takes to be counted: in folders, a lossy one is left out beside the take that it was made of.
    ///
    /// # Errors
    /// As [`BatchArgs::tasks`].
    pub fn tasks_that_count(&self) -> Result<Vec<Task>, CliError> {
        let mut tasks = self.plan_for(&["sac"], "sac", Purpose::Count)?;
        tasks.iter_mut().for_each(|task| task.rival = None);
        Ok(tasks)
    }

    fn plan_for(&self, from: &[&str], to: &str, purpose: Purpose) -> Result<Vec<Task>, CliError> {
        let writes = purpose == Purpose::Write;
        let mut inputs = self.inputs.clone();
        let mut output = self.output.clone();
        let kind = to.rsplit('.').next().unwrap_or(to);
        let has_list = self.files_from.is_some();
        let last = (writes && output.is_none()).then_some(LastPath { from, kind, has_list });
        if let Some(last) = &last {
            output = last.take_result(&mut inputs)?;
        }
        let named = last.filter(|_| output.is_none()).map(|last| (last, inputs.clone()));
        let (files_from, root) = (self.files_from.as_deref(), self.root.as_deref());
        let leaves_out_lossy = purpose == Purpose::Count;
        let found = Search { inputs, files_from, root, from, to, leaves_out_lossy }.find()?;
        if let Some((last, inputs)) = named {
            last.must_hold_an_input(&inputs, &found)?;
        }
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
        let (mut owners, mut folders) = (HashMap::<PathBuf, PathBuf>::new(), Folders::default());
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
            let place = folders.place(&output);
            let rival = owners.get(&place).cloned();
            if rival.is_none() {
                owners.insert(place, input.clone());
            }
            tasks.push(Task { input, output, rival, waits: false });
        }
        Ok(tasks)
    }
}

/// What is done with inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Write,
    Read,
    Count,
}

fn has_slash(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(std::path::is_separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(args: &[&str], from: &[&str], to: &str) -> Vec<(String, String)> {
        let args = BatchArgs::of(args.iter().map(PathBuf::from).collect());
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
    fn a_result_of_another_kind_is_refused_before_anything_is_written() {
        let args = BatchArgs::of(vec!["a.sac".into(), "b.mp3".into()]);
        let error = args.tasks(&["sac"], "decoded.wav").unwrap_err().to_string();
        assert!(error.contains("b.mp3") && error.contains("wav"), "{error}");
    }

    #[test]
    fn the_second_input_for_one_result_is_refused() {
        let args = BatchArgs::of(vec!["a.wav".into(), "a.flac".into()]);
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
        let mut args = BatchArgs::of(vec![folder.path().join("in")]);
        args.output = Some(folder.path().join("out"));
        let tasks = args.tasks(&["wav", "flac"], "sac").unwrap();
        let outputs: Vec<_> = tasks.iter().map(|t| t.output.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(outputs, ["out/a.sac", "out/b/c.sac", "out/z.sac"].map(Path::new));
    }
}

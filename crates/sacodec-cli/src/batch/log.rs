//! The log of a run, `--report`: a line of JSON for each input, written when it is done. A run that goes on
//! appends, and the last line of an input counts.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lines::each_line;
use super::names::path_of_bytes;
use super::report::FileReport;
use super::run::RunArgs;
use super::task::{Second, Task};
use crate::audio::{SourceDigest, digest_of};
use crate::console::complain;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::standard::is_standard;

/// How every line begins: nothing is appended to a file of another kind.
const LINE_BEGIN: &[u8] = b"{\"input\":";
/// Longest line: of a comparison by seconds, two days have 30 MiB.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// What every command on many files takes that tells each of them in a log.
#[derive(Debug, Default, ClapArgs)]
pub struct LoggedRunArgs {
    /// Append a line of JSON for each input to this file: its digest, what was made or found of it, frames,
    /// seconds, error. `sacodec check` reads it.
    #[arg(long, value_name = "JSONL")]
    report: Option<PathBuf>,
    #[command(flatten)]
    pub run: RunArgs,
}

impl LoggedRunArgs {
    /// Whether a report was asked for.
    pub fn has_report(&self) -> bool {
        self.report.is_some()
    }

    /// Works on all tasks, as [`RunArgs::run`], and keeps the log of the run, in which the second path of each
    /// task is what `second` says. `command` is the name of the command that runs.
    ///
    /// # Errors
    /// Where the log cannot be opened.
    pub fn run(
        &self,
        command: &'static str,
        tasks: &[Task],
        second: Second,
        work: impl Fn(&Task, &ProgressBar) -> Result<FileReport, CliError> + Sync,
    ) -> Result<Outcome, CliError> {
        let log = self.report.as_deref().map(RunLog::open).transpose()?;
        let outcome = self.run.run(tasks, |task, bar| {
            let result = task.is_no_folder().and_then(|()| work(task, bar));
            // What another process is making comes again.
            if let Some(log) =
                log.as_ref().filter(|_| task.waits || !matches!(result, Err(CliError::Busy { .. })))
            {
                log.add(&Entry::new(command, task, second, &result));
            }
            result
        });
        Ok(if log.is_none_or(|log| log.is_complete()) { outcome } else { Outcome::Failed })
    }
}

/// How an input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Its result was made.
    Done,
    /// Its result was there.
    Skipped,
    /// Its result was made, and something is missing in it; or it was compared, and something is different.
    Incomplete,
    /// It has no result.
    Failed,
}

/// A file with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedFile {
    /// Where it is.
    pub path: LoggedPath,
    /// Whether it was a pipe: it is not there any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pipe: bool,
    /// What it is; `None` where it could not be read.
    #[serde(flatten)]
    pub digest: Option<SourceDigest>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What was read.
    pub input: LoggedFile,
    /// The command that read it; empty in lines of versions that did not tell.
    #[serde(default)]
    pub command: String,
    /// What was to be made; of several files the first. `None` where the command only reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<LoggedPath>,
    /// What the input was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<LoggedFile>,
    /// How it ended.
    pub result: Ending,
    /// What was made.
    pub files: Vec<LoggedFile>,
    /// Frames of the take, missing ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// Length of the audio in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What the take has lost, or what is not equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub losses: Option<String>,
    /// What a command that only reads has found: what `--json` prints of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A path as a log has it: a text, or where it is no Unicode `{"hex": …}` of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "PathText", into = "PathText")]
pub struct LoggedPath(pub PathBuf);

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum PathText {
    Text(String),
    Hex { hex: String },
}

impl From<LoggedPath> for PathText {
    fn from(LoggedPath(path): LoggedPath) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.into()),
            None => {
                let bytes = path.as_os_str().as_encoded_bytes();
                Self::Hex { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
            }
        }
    }
}

impl From<PathText> for LoggedPath {
    fn from(text: PathText) -> Self {
        match text {
            PathText::Text(text) => Self(text.into()),
            PathText::Hex { hex } => {
                let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
                let bytes: Option<Vec<u8>> = digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
                // What cannot be a path here is found nowhere.
                Self(bytes.and_then(|bytes| path_of_bytes(&bytes)).unwrap_or_default())
            }
        }
    }
}

/// Whether `path` gives what it gives only once.
pub fn is_pipe_now(path: &Path) -> bool {
    // A file that is standard input has its name there too.
    let is_other = || path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    let is_descriptor =
        ["/dev/stdin", "/dev/fd", "/proc/self/fd"].iter().any(|place| path.starts_with(place));
    is_standard(path) || is_descriptor || is_other()
}

impl LoggedFile {
    fn of(path: &Path, digest: Option<SourceDigest>) -> Self {
        let pipe = is_pipe_now(path);
        // A pipe was read once, and gives no more.
        let digest = digest.or_else(|| if pipe { None } else { digest_of(path).ok() });
        Self { path: LoggedPath(path.into()), pipe, digest }
    }
}

impl Entry {
    fn new(command: &str, task: &Task, second: Second, result: &Result<FileReport, CliError>) -> Self {
        let made = result.as_ref().ok().map(|report| &report.made);
        let partner = made.and_then(|made| made.partner.clone());
        let partner = partner.or((second == Second::Partner).then(|| (task.output.clone(), None)));
        let entry = Self {
            input: LoggedFile::of(&task.input, made.and_then(|made| made.source.clone())),
            command: command.into(),
            output: (second == Second::Result).then(|| LoggedPath(task.output.clone())),
            partner: partner.map(|(path, digest)| LoggedFile::of(&path, digest)),
            result: Ending::Failed,
            files: Vec::new(),
            frames: None,
            seconds: None,
            losses: None,
            found: None,
            error: None,
        };
        match result {
            Err(error) => Self { error: Some(error.to_string()), ..entry },
            Ok(FileReport { outcome, made, json, .. }) => Self {
                result: match outcome {
                    Outcome::Done => Ending::Done,
                    Outcome::Skipped => Ending::Skipped,
                    Outcome::Finding => Ending::Incomplete,
                    Outcome::Failed => Ending::Failed,
                },
                files: made.files.iter().map(|file| LoggedFile::of(file, None)).collect(),
                frames: made.frames,
                seconds: made.seconds,
                losses: made.losses.clone(),
                found: (second != Second::Result).then(|| json.clone()),
                ..entry
            },
        }
    }
}

/// A log that is being written.
struct RunLog {
    path: PathBuf,
    file: Mutex<File>,
    is_complete: AtomicBool,
}

impl RunLog {
    /// Opens a log, or begins one.
    ///
    /// # Errors
    /// [`CliError::Line`], [`CliError::Write`], [`CliError::NotAReport`].
    fn open(path: &Path) -> Result<Self, CliError> {
        if is_standard(path) {
            return Err(CliError::Line { what: "--report needs the name of a file".into() });
        }
        let mut is_report = true;
        let mut open = || {
            let mut file = File::options().create(true).read(true).append(true).open(path)?;
            let length = file.metadata()?.len();
            if length > 0 {
                let mut begin = Vec::new();
                (&file).take(LINE_BEGIN.len() as u64).read_to_end(&mut begin)?;
                is_report = begins_as_a_report(&begin);
            }
            if length > 0 && is_report {
                // A process that was killed may have left half a line.
                let mut last = [0];
                file.seek(SeekFrom::Start(length - 1))?;
                file.read_exact(&mut last)?;
                if last != *b"\n" {
                    file.write_all(b"\n")?;
                }
            }
            Ok(file)
        };
        let file = open().map_err(|e: io::Error| CliError::write(path, e))?;
        if !is_report {
            return Err(CliError::NotAReport { path: path.into() });
        }
        Ok(Self { path: path.into(), file: Mutex::new(file), is_complete: AtomicBool::new(true) })
    }

    /// A line more. Where it cannot be written, that is said once.
    fn add(&self, entry: &Entry) {
        let line = serde_json::to_string(entry).map_err(io::Error::from);
        // In one call, so that the lines of several processes do not mix.
        let written = line.and_then(|line| self.file.lock().write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written
            && self.is_complete.swap(false, Relaxed)
        {
            complain(format_args!(
                "sacodec: the report is not complete: {}",
                CliError::write(&self.path, error)
            ));
        }
    }

    /// Whether all results are in it.
    fn is_complete(&self) -> bool {
        self.is_complete.load(Relaxed)
    }
}

/// Whether this is the beginning of a report, or of what a killed process has begun of one.
fn begins_as_a_report(bytes: &[u8]) -> bool {
    bytes.starts_with(LINE_BEGIN) || LINE_BEGIN.starts_with(bytes)
}

/// Gives each line of a log to `with`; gives how many more are not complete: those that a killed process has begun.
///
/// # Errors
/// As the system, and where a line is complete and of something else.
pub fn read_log(path: &Path, mut with: impl FnMut(Entry)) -> io::Result<usize> {
    let other = |what: &dyn std::fmt::Display| {
        io::Error::other(format!("it is not a report that --report wrote: {what}"))
    };
    let mut cut = 0;
    let mut is_first = true;
    let read = each_line(File::open(path)?, MAX_LINE_BYTES, |line| {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut is_first) && !begins_as_a_report(line) {
            return Err(other(&"it does not begin as one"));
        }
        match serde_json::from_slice::<Value>(line).map(serde_json::from_value) {
            Ok(Ok(entry)) => with(entry),
            Ok(Err(error)) => return Err(other(&error)),
            Err(_) => cut += 1,
        }
        Ok(())
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(other(&error)),
        result => result.map(|()| cut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn files_in_a_memory_of_the_system_are_files_and_descriptors_are_not() {
        for (path, expected) in [("-", true), ("/dev/stdin", true), ("/dev/fd/63", true), ("/dev/null", true)]
        {
            assert_eq!(is_pipe_now(Path::new(path)), expected, "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sac");
        std::fs::write(&file, "").unwrap();
        for path in [file.as_path(), Path::new("/dev/shm/takes/a.sac"), folder.path()] {
            assert!(!is_pipe_now(path), "{}", path.display());
        }
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let mut entry = Entry {
            input: LoggedFile {
                path: LoggedPath("in/ä \"b\".wav".into()),
                pipe: true,
                digest: Some(SourceDigest { bytes: 7, sha256: "ab".into() }),
            },
            command: "encode".into(),
            output: Some(LoggedPath("out/a.sac".into())),
            partner: None,
            result: Ending::Incomplete,
            files: vec![LoggedFile { path: LoggedPath("out/a.sac".into()), pipe: false, digest: None }],
            frames: Some(3),
            seconds: Some(0.04),
            losses: Some("1 frames are missing".into()),
            found: None,
            error: None,
        };
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let odd = std::ffi::OsStr::from_bytes(b"out/od\xFFd.sac");
            entry.files.push(LoggedFile { path: LoggedPath(odd.into()), pipe: false, digest: None });
        }
        entry.files.push(LoggedFile { path: LoggedPath("last".into()), pipe: false, digest: None });
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
    }
}

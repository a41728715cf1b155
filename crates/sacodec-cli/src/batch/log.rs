//! The log of a run, `--report`: a line of JSON for each input, written when it is done. A run that goes on
//! appends, and the last line of an input counts.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names::path_of_bytes;
use super::{Report, Task};
use crate::audio::{SourceDigest, digest_of};
use crate::console::complain;
use crate::result_file::is_standard;
use crate::{CliError, Outcome};

/// How an input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Its result was made.
    Done,
    /// Its result was there.
    Skipped,
    /// Its result was made, and something is missing in it.
    Incomplete,
    /// It has no result.
    Failed,
}

/// A file with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedFile {
    /// Where it is.
    pub path: LoggedPath,
    /// What it is; `None` where it could not be read, or is a pipe.
    #[serde(flatten)]
    pub digest: Option<SourceDigest>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What was read.
    pub input: LoggedFile,
    /// What was to be made; of several files the first.
    pub output: LoggedPath,
    /// How it ended.
    pub result: Ending,
    /// What there is.
    pub files: Vec<LoggedFile>,
    /// Frames of the take, missing ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// Length of the audio in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What the take has lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub losses: Option<String>,
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

impl LoggedFile {
    fn of(path: &Path, digest: Option<SourceDigest>) -> Self {
        let digest = digest.or_else(|| if is_standard(path) { None } else { digest_of(path).ok() });
        Self { path: LoggedPath(path.into()), digest }
    }
}

impl Entry {
    fn new(task: &Task, result: &Result<Report, CliError>) -> Self {
        let failed = |error: Option<String>, source| Self {
            input: LoggedFile::of(&task.input, source),
            output: LoggedPath(task.output.clone()),
            result: Ending::Failed,
            files: Vec::new(),
            frames: None,
            seconds: None,
            losses: None,
            error,
        };
        let report = match result {
            Ok(report) => report,
            Err(error) => return failed(Some(error.to_string()), None),
        };
        let made = &report.made;
        Self {
            result: match report.outcome {
                Outcome::Done => Ending::Done,
                Outcome::Skipped => Ending::Skipped,
                Outcome::Finding => Ending::Incomplete,
                Outcome::Failed => Ending::Failed,
            },
            files: made.files.iter().map(|file| LoggedFile::of(file, None)).collect(),
            frames: made.frames,
            seconds: made.seconds,
            losses: made.losses.clone(),
            ..failed(None, made.source.clone())
        }
    }
}

/// A log that is being written.
pub struct RunLog {
    path: PathBuf,
    file: Mutex<File>,
    is_complete: AtomicBool,
}

impl RunLog {
    /// Opens a log, or begins one.
    ///
    /// # Errors
    /// [`CliError::Write`].
    pub fn open(path: &Path) -> Result<Self, CliError> {
        let open = || {
            let mut file = File::options().create(true).read(true).append(true).open(path)?;
            let length = file.metadata()?.len();
            if length > 0 {
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
        let file = open().map_err(|e: std::io::Error| CliError::write(path, e))?;
        Ok(Self { path: path.into(), file: Mutex::new(file), is_complete: AtomicBool::new(true) })
    }

    /// The result of a task. Where it cannot be written, that is said once.
    pub fn add(&self, task: &Task, result: &Result<Report, CliError>) {
        let line = serde_json::to_string(&Entry::new(task, result)).map_err(std::io::Error::from);
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
    pub fn is_complete(&self) -> bool {
        self.is_complete.load(Relaxed)
    }
}

/// The lines of a log, and how many more are not complete: those that a killed process has begun.
///
/// # Errors
/// As the system, and where a line is complete and of something else.
pub fn read_log(path: &Path) -> std::io::Result<(Vec<Entry>, usize)> {
    let bytes = std::fs::read(path)?;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let (mut entries, mut cut) = (Vec::new(), 0);
    for line in lines {
        match serde_json::from_slice::<Value>(line).map(serde_json::from_value) {
            Ok(Ok(entry)) => entries.push(entry),
            Ok(Err(error)) => {
                let what = format!("it is not a report that --report wrote: {error}");
                return Err(std::io::Error::other(what));
            }
            Err(_) => cut += 1,
        }
    }
    Ok((entries, cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let mut entry = Entry {
            input: LoggedFile {
                path: LoggedPath("in/ä \"b\".wav".into()),
                digest: Some(SourceDigest { bytes: 7, sha256: "ab".into() }),
            },
            output: LoggedPath("out/a.sac".into()),
            result: Ending::Incomplete,
            files: vec![LoggedFile { path: LoggedPath("out/a.sac".into()), digest: None }],
            frames: Some(3),
            seconds: Some(0.04),
            losses: Some("1 frames are missing".into()),
            error: None,
        };
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let odd = std::ffi::OsStr::from_bytes(b"out/od\xFFd.sac");
            entry.files.push(LoggedFile { path: LoggedPath(odd.into()), digest: None });
        }
        entry.files.push(LoggedFile { path: LoggedPath("last".into()), digest: None });
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
    }
}

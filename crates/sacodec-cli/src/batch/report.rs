//! What a file gave: for people, for programs, and for the log of a run.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::audio::SourceDigest;
use crate::outcome::Outcome;
use crate::take::faults;
use sacodec_take::Take;

/// What a file gave.
#[derive(Debug)]
pub struct FileReport {
    /// A line for people.
    pub text: String,
    /// The same for machines; `input` is added.
    pub json: Value,
    /// Whether all is as it should be.
    pub outcome: Outcome,
    /// What there is of it now.
    pub made: Made,
}

/// What there is now, made or found.
#[derive(Debug, Default)]
pub struct Made {
    /// The results.
    pub files: Vec<PathBuf>,
    /// What was read, where that is known.
    pub source: Option<SourceDigest>,
    /// Frames of the take.
    pub frames: Option<u32>,
    /// Length of the audio in seconds.
    pub seconds: Option<f64>,
    /// What the take has lost, or what is not equal.
    pub losses: Option<String>,
    /// What it was compared with.
    pub partner: Option<(PathBuf, Option<SourceDigest>)>,
}

impl Made {
    /// Of these files no more is known.
    pub fn files(files: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Self { files: files.into_iter().map(|file| file.as_ref().into()).collect(), ..Self::default() }
    }

    /// These files are the take, or were made of it. What was taken out of it on purpose is no loss.
    pub fn of(take: &Take, files: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let length_samples = take.footer.as_ref().and_then(|footer| footer.length_samples);
        let seconds = length_samples.map(|samples| samples as f64 / take.header.host_rate_hz);
        Self {
            frames: Some(take.frames()),
            seconds: seconds.or(Some(f64::from(take.frames()) / take.header.frame_rate_hz())),
            losses: faults(take),
            ..Self::files(files)
        }
    }
}

impl FileReport {
    /// A report; it made nothing.
    pub fn new(text: String, json: Value, outcome: Outcome) -> Self {
        Self { text, json, outcome, made: Made::default() }
    }

    /// What there is of it now.
    pub fn with(self, made: Made) -> Self {
        Self { made, ..self }
    }

    /// Nothing was done, because it was done before.
    pub fn skipped(made: Made) -> Self {
        Self::silent(Outcome::Skipped).with(made)
    }

    /// Nothing is said of it.
    pub fn silent(outcome: Outcome) -> Self {
        Self::new(String::new(), Value::Null, outcome)
    }
}

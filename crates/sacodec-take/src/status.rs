//! How recording goes, in numbers and words.

use std::path::PathBuf;

use super::unfinished::{ClosedTake, UnfinishedStatus};

/// What a user is shown of recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakeStatus {
    /// The take that is being recorded: where it is, or will be as soon as the disk takes it.
    pub recording: Option<PathBuf>,
    /// Frames of that take so far.
    pub frames: u64,
    /// Bytes of it that wait in memory because the disk does not take them.
    pub waiting_bytes: u64,
    /// Frames that were coded and never reached a file, since the instance was made.
    pub lost_frames: u64,
    /// The last take that was closed.
    pub last: Option<PathBuf>,
    /// Takes that were closed.
    pub takes: u64,
    /// What is wrong now and what to do, in words.
    pub problem: Option<String>,
    /// What was wrong with the last take that was closed, or with its exports.
    pub last_problem: Option<String>,
}

impl TakeStatus {
    pub(super) fn now(&mut self, take: UnfinishedStatus) {
        self.recording = Some(take.path);
        self.frames = take.frames;
        self.waiting_bytes = take.waiting_bytes;
        self.problem = take.problem;
    }

    pub(super) fn end(&mut self, closed: &ClosedTake) {
        self.recording = None;
        self.waiting_bytes = 0;
        self.takes += 1;
        self.lost_frames += closed.lost_frames;
        self.last = closed.path.clone();
        self.problem = None;
        self.last_problem = closed.problem.clone();
    }
}

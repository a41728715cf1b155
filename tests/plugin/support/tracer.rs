//! What the kernel is asked for by a thread between two marks, by `strace`.

use std::fs;
use std::process::Command;
use std::time::Duration;

/// A sleep that nobody else asks for.
const MARK: Duration = Duration::from_nanos(7);

/// Marks where the watched stretch of this thread begins, and where it ends.
pub fn mark() {
    std::thread::sleep(MARK);
}

/// The system calls of the thread that marks, between its two marks. `run` starts this program under the tracer that it is
/// given.
#[track_caller]
pub fn calls_between_marks(run: impl FnOnce(Command) -> Command) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&log).arg(std::env::current_exe().unwrap());
    let status = run(strace).status().unwrap_or_else(|e| {
        panic!("strace is needed to watch the audio thread (Debian: apt install strace): {e}")
    });
    assert!(status.success(), "the traced run failed: {status}");
    let (mut marks, mut calls) = (Vec::new(), Vec::new());
    for line in fs::read_to_string(&log).unwrap().lines() {
        let Some((thread, call)) = line.split_once(char::is_whitespace) else { continue };
        if call.contains("tv_nsec=7}") {
            marks.push(thread.to_owned());
        } else if let [marked] = &marks[..]
            && marked == thread
            && !call.contains("nanosleep resumed")
        {
            calls.push(call.to_owned());
        }
    }
    assert_eq!(marks.len(), 2, "the marks are missing from the trace");
    calls
}

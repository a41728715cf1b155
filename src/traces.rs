//! Reads loss traces off the audio thread and hands them over.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;

use super::offers::{OfferLink, Offers, offers};
use super::status::{Status, TraceStatus};
use sacodec_network::{LossTrace, TraceFileError};

/// A trace, or none. What the audio thread takes goes back with the one that it used before.
pub type OfferedTrace = Option<Arc<LossTrace>>;

/// The trace that was chosen, persisted as its path, and what reads it.
pub struct TraceChoice {
    shared: Arc<Shared>,
    readers: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    /// Path of the chosen trace; empty for none.
    path: Mutex<String>,
    /// Counts the choices, so that a slow disk does not win over a later one.
    choice: AtomicU64,
    /// What the next activation uses, and the choice that brought it.
    current: Mutex<(u64, OfferedTrace)>,
    /// To the audio thread and back.
    traces: Offers<OfferedTrace>,
    status: Arc<Status>,
}

impl TraceChoice {
    /// No trace, and the end for the audio thread.
    pub fn new(status: Arc<Status>) -> (Self, OfferLink<OfferedTrace>) {
        let (traces, link) = offers();
        let shared = Shared {
            path: Mutex::default(),
            choice: AtomicU64::new(0),
            current: Mutex::default(),
            traces,
            status,
        };
        (Self { shared: Arc::new(shared), readers: Mutex::default() }, link)
    }

    /// Chooses the trace at `path` (empty: none) and reads it in the background. Until it is read the one before stays in
    /// use; one that is refused loses nothing.
    pub fn choose(&self, path: &str) {
        let choice = {
            let mut chosen = self.shared.path.lock();
            path.clone_into(&mut chosen);
            // Counted under the lock: the last path that was saved is the last choice.
            self.shared.choice.fetch_add(1, Ordering::SeqCst) + 1
        };
        let (shared, path) = (self.shared.clone(), path.to_owned());
        let reader = std::thread::Builder::new()
            .name("sacodec-trace".into())
            .spawn(move || shared.bring(choice, &path));
        match reader {
            Ok(reader) => {
                let mut readers = self.readers.lock();
                readers.retain(|reader| !reader.is_finished());
                readers.push(reader);
            }
            Err(error) => self.shared.status.set_trace(TraceStatus {
                error: Some(format!("no thread to read the trace: {error}")),
                ..TraceStatus::default()
            }),
        }
    }

    /// The trace for an activation. Reads it where the reader has not yet: a bounce may begin at once, and the same
    /// packets are lost in it as live. Locks: not for the audio thread.
    pub fn current(&self) -> OfferedTrace {
        let shared = &self.shared;
        let (choice, path) = {
            let path = shared.path.lock();
            (shared.choice.load(Ordering::SeqCst), path.clone())
        };
        let is_there = shared.current.lock().0 == choice;
        if !is_there {
            shared.bring(choice, &path);
        }
        shared.current.lock().1.clone()
    }
}

impl Drop for TraceChoice {
    fn drop(&mut self) {
        // On Linux the library stays in memory: a reader whose disk hangs is left to itself.
        let readers =
            self.readers.lock().drain(..).filter(|_| !cfg!(target_os = "linux")).collect::<Vec<_>>();
        for reader in readers {
            // A panic in a reader has been reported by its own hook.
            let _ = reader.join();
        }
    }
}

impl Shared {
    /// Body of a reader thread.
    fn bring(&self, choice: u64, path: &str) {
        let read = match path {
            "" => Ok(None),
            _ => read(Path::new(path)).map(|trace| Some(Arc::new(trace))),
        };
        let mut current = self.current.lock();
        // Looked at under the lock: a slow disk must not replace what a later choice has brought meanwhile.
        if self.choice.load(Ordering::SeqCst) != choice {
            return;
        }
        let error = read.as_ref().err().map(ToString::to_string);
        let trace = read.unwrap_or_default();
        let (packets, lost) = trace.as_ref().map_or((0, 0), |trace| (trace.packets(), trace.lost_packets()));
        *current = (choice, trace.clone());
        self.traces.offer(Box::new(trace));
        self.status.set_trace(TraceStatus { path: path.to_owned(), packets, lost_packets: lost, error });
    }
}

fn read(path: &Path) -> Result<LossTrace, TraceFileError> {
    let refused = |source| TraceFileError::Read { path: path.into(), source };
    // A pipe may never end, and an activation waits for what is read here.
    if !path.metadata().map_err(refused)?.is_file() {
        return Err(refused(io::Error::other("it is not a file")));
    }
    LossTrace::open(path)
}

impl<'a> PersistentField<'a, String> for TraceChoice {
    fn set(&self, path: String) {
        self.choose(&path);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.shared.path.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn status_of(path: &str) -> (TraceStatus, TraceChoice, OfferLink<OfferedTrace>) {
        let status = Arc::<Status>::default();
        let (traces, link) = TraceChoice::new(status.clone());
        traces.choose(path);
        let start = Instant::now();
        while status.trace() == TraceStatus::default() {
            assert!(start.elapsed() < Duration::from_secs(30), "nothing was said of {path}");
            std::thread::sleep(Duration::from_millis(1));
        }
        (status.trace(), traces, link)
    }

    #[test]
    fn a_trace_reaches_the_audio_thread_and_the_next_activation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.txt");
        std::fs::write(&path, "0110").unwrap();
        let (status, traces, link) = status_of(path.to_str().unwrap());
        assert_eq!((status.packets, status.lost_packets, status.error), (4, 2, None));
        assert_eq!(link.take_offered().unwrap().unwrap().packets(), 4);
        assert_eq!(traces.current().unwrap().packets(), 4);
    }

    #[test]
    fn an_activation_right_after_the_choice_has_its_trace_and_takes_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for packets in 1..50 {
            let path = folder.path().join(packets.to_string());
            std::fs::write(&path, "1".repeat(packets)).unwrap();
            let (traces, link) = TraceChoice::new(Arc::default());
            traces.choose("nothing here");
            traces.choose(path.to_str().unwrap());
            let current = traces.current().expect("it is read at once");
            assert_eq!(current.packets(), packets);
            assert_eq!(link.take_offered().unwrap().unwrap().packets(), packets);
        }
    }

    #[test]
    fn a_trace_that_is_missing_or_is_none_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.txt");
        let (status, traces, _link) = status_of(path.to_str().unwrap());
        assert!(status.error.unwrap().contains("trace.txt could not be read"));
        assert!(traces.current().is_none());
        let (status, _, _link) = status_of(folder.path().to_str().unwrap());
        assert!(status.error.unwrap().contains("it is not a file"));
        std::fs::write(&path, "0\nx").unwrap();
        assert!(status_of(path.to_str().unwrap()).0.error.unwrap().contains("line 2"));
    }
}

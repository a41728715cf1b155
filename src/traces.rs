//! Reads loss traces off the audio thread and hands them over.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;

use super::offers::{OfferLink, Offers, offers};
use super::status::{Status, TraceStatus};
use sacodec_network::LossTrace;

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
    /// What the next activation uses.
    current: Mutex<Option<Arc<LossTrace>>>,
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

    /// Chooses the trace at `path` (empty: none) and reads it in the background. Until it is read, and for good if it
    /// is refused, nothing is lost by it.
    pub fn choose(&self, path: &str) {
        path.clone_into(&mut self.shared.path.lock());
        let choice = self.shared.choice.fetch_add(1, Ordering::SeqCst) + 1;
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

    /// The trace for an activation. Locks: not for the audio thread.
    pub fn current(&self) -> Option<Arc<LossTrace>> {
        self.shared.current.lock().clone()
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
            _ => LossTrace::open(Path::new(path)).map(|trace| Some(Arc::new(trace))),
        };
        let mut current = self.current.lock();
        // Looked at under the lock: a slow disk must not replace what a later choice has brought meanwhile.
        if self.choice.load(Ordering::SeqCst) != choice {
            return;
        }
        let error = read.as_ref().err().map(ToString::to_string);
        let trace = read.unwrap_or_default();
        let (packets, lost) = trace.as_ref().map_or((0, 0), |trace| (trace.packets(), trace.lost_packets()));
        current.clone_from(&trace);
        self.traces.offer(Box::new(trace));
        self.status.set_trace(TraceStatus { path: path.to_owned(), packets, lost_packets: lost, error });
    }
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
    fn a_trace_that_is_missing_or_is_none_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.txt");
        let (status, traces, _link) = status_of(path.to_str().unwrap());
        assert!(status.error.unwrap().contains("trace.txt could not be read"));
        assert!(traces.current().is_none());
        std::fs::write(&path, "0\nx").unwrap();
        assert!(status_of(path.to_str().unwrap()).0.error.unwrap().contains("line 2"));
    }
}

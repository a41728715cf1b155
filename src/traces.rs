//! Reads loss traces off the audio thread and hands them over.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam::queue::ArrayQueue;
use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;

use super::status::{Status, TraceStatus};
use sacodec_network::{LossTrace, MAX_TRACE_PACKETS};

/// Longest file that is read: a trace with a packet on each line, and comments.
const MAX_FILE_BYTES: u64 = 4 * MAX_TRACE_PACKETS as u64;

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
    /// Reader → audio thread: the newest one replaces those before.
    incoming: ArrayQueue<Option<Arc<LossTrace>>>,
    /// Audio thread → reader.
    retired: ArrayQueue<Arc<LossTrace>>,
    status: Arc<Status>,
}

/// Why a trace is not in use.
#[derive(Debug, thiserror::Error)]
enum RefusedTrace {
    /// It could not be read.
    #[error("{path} could not be read ({source}): choose another trace, or put it back")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not a trace.
    #[error("{path} is not a trace: {source}")]
    Trace {
        /// The file.
        path: String,
        /// Why.
        source: sacodec_network::TraceError,
    },
}

impl TraceChoice {
    /// No trace.
    pub fn new(status: Arc<Status>) -> Self {
        let shared = Shared {
            path: Mutex::default(),
            choice: AtomicU64::new(0),
            current: Mutex::default(),
            incoming: ArrayQueue::new(1),
            retired: ArrayQueue::new(8),
            status,
        };
        Self { shared: Arc::new(shared), readers: Mutex::default() }
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

    /// A trace, or none, that takes the place of the one in use.
    ///
    /// # Real-time
    /// Lock-free; never allocates. Spins for a moment if the reader was interrupted in the middle of a push.
    pub fn pop_incoming(&self) -> Option<Option<Arc<LossTrace>>> {
        self.shared.incoming.pop()
    }

    /// Hands a trace back to be dropped elsewhere. It finds room: each choice brings one and takes all.
    ///
    /// # Real-time
    /// As [`TraceChoice::pop_incoming`].
    pub fn push_retired(&self, trace: Arc<LossTrace>) {
        let _ = self.shared.retired.push(trace);
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
        let read = if path.is_empty() { Ok(None) } else { read(path).map(|trace| Some(Arc::new(trace))) };
        while self.retired.pop().is_some() {}
        let mut current = self.current.lock();
        // Looked at under the lock: a slow disk must not replace what a later choice has brought meanwhile.
        if self.choice.load(Ordering::SeqCst) != choice {
            return;
        }
        let error = read.as_ref().err().map(ToString::to_string);
        let trace = read.unwrap_or_default();
        let (packets, lost) = trace.as_ref().map_or((0, 0), |trace| (trace.packets(), trace.lost_packets()));
        current.clone_from(&trace);
        drop(self.incoming.force_push(trace));
        self.status.set_trace(TraceStatus { path: path.to_owned(), packets, lost_packets: lost, error });
    }
}

fn read(path: &str) -> Result<LossTrace, RefusedTrace> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path);
    opened
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes))
        .map_err(|source| RefusedTrace::Read { path: path.to_owned(), source })?;
    // What is not text is not 0 or 1 either.
    let trace = LossTrace::parse(&String::from_utf8_lossy(&bytes));
    trace.map_err(|source| RefusedTrace::Trace { path: path.to_owned(), source })
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

    fn status_of(path: &str) -> (TraceStatus, TraceChoice) {
        let status = Arc::<Status>::default();
        let traces = TraceChoice::new(status.clone());
        traces.choose(path);
        let start = Instant::now();
        while status.trace() == TraceStatus::default() {
            assert!(start.elapsed() < Duration::from_secs(30), "nothing was said of {path}");
            std::thread::sleep(Duration::from_millis(1));
        }
        (status.trace(), traces)
    }

    #[test]
    fn a_trace_reaches_the_audio_thread_and_the_next_activation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.txt");
        std::fs::write(&path, "0110").unwrap();
        let (status, traces) = status_of(path.to_str().unwrap());
        assert_eq!((status.packets, status.lost_packets, status.error), (4, 2, None));
        assert_eq!(traces.pop_incoming().unwrap().unwrap().packets(), 4);
        assert_eq!(traces.current().unwrap().packets(), 4);
    }

    #[test]
    fn a_trace_that_is_missing_or_is_none_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.txt");
        let (status, traces) = status_of(path.to_str().unwrap());
        assert!(status.error.unwrap().contains("trace.txt could not be read"));
        assert!(traces.current().is_none());
        std::fs::write(&path, "0\nx").unwrap();
        assert!(status_of(path.to_str().unwrap()).0.error.unwrap().contains("line 2"));
    }
}

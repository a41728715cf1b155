//! Reads files that a session names off the audio thread and hands over what is in them: loss traces, and takes to be
//! played.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;

use super::offers::{OfferLink, Offers, offers};
use super::status::Status;
use sacodec_network::LossTrace;
use sacodec_take::Take;
use sacodec_token::TokenTrack;

/// What is in a file that a session names.
pub trait FileContent: Sized + Send + Sync + 'static {
    /// What reads it is called so: at most 15 bytes.
    const READER: &'static str;

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Why it cannot be read, with its path, and what to do.
    fn open(path: &Path) -> Result<Self, String>;

    /// Where is told what of it is in use.
    fn told(status: &Status) -> &Mutex<FileStatus<Self>>;
}

impl FileContent for LossTrace {
    const READER: &'static str = "sacodec-trace";

    fn open(path: &Path) -> Result<Self, String> {
        Self::open(path).map_err(|error| error.to_string())
    }

    fn told(status: &Status) -> &Mutex<FileStatus<Self>> {
        &status.trace
    }
}

impl FileContent for TokenTrack {
    const READER: &'static str = "sacodec-played";

    fn open(path: &Path) -> Result<Self, String> {
        match Take::open(path) {
            Ok(take) => match take.track() {
                track if track.missing_frames() == track.frames() => {
                    Err(format!("{} has no frames that could be played", path.display()))
                }
                track => Ok(track),
            },
            Err(error) => Err(format!("{} could not be read: {error}", path.display())),
        }
    }

    fn told(status: &Status) -> &Mutex<FileStatus<Self>> {
        &status.played
    }
}

/// What is said of a file that was chosen. Never touched by the audio thread.
#[derive(Debug)]
pub struct FileStatus<T> {
    /// The chosen file; empty for none.
    pub path: String,
    /// What is in it; `None` while there is none in use.
    pub content: Option<Arc<T>>,
    /// Why the chosen one is not in use.
    pub error: Option<String>,
}

impl<T> Default for FileStatus<T> {
    fn default() -> Self {
        Self { path: String::new(), content: None, error: None }
    }
}

impl<T> Clone for FileStatus<T> {
    fn clone(&self) -> Self {
        let Self { path, content, error } = self;
        Self { path: path.clone(), content: content.clone(), error: error.clone() }
    }
}

/// What is in a file, or none. What the audio thread takes goes back with the one that it used before.
pub type Offered<T> = Option<Arc<T>>;

/// The file that was chosen, persisted as its path, and what reads it.
pub struct FileChoice<T> {
    shared: Arc<Shared<T>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared<T> {
    /// Path of the chosen file; empty for none.
    path: Mutex<String>,
    /// Counts the choices, so that a slow disk does not win over a later one.
    choice: AtomicU64,
    /// What the next activation uses, and the choice that brought it.
    current: Mutex<(u64, Offered<T>)>,
    /// To the audio thread and back.
    contents: Offers<Offered<T>>,
    status: Arc<Status>,
}

impl<T: FileContent> FileChoice<T> {
    /// No file, and the end for the audio thread.
    pub fn new(status: Arc<Status>) -> (Self, OfferLink<Offered<T>>) {
        let (contents, link) = offers();
        let shared = Shared {
            path: Mutex::default(),
            choice: AtomicU64::new(0),
            current: Mutex::new((0, None)),
            contents,
            status,
        };
        (Self { shared: Arc::new(shared), readers: Mutex::default() }, link)
    }

    /// Chooses the file at `path` (empty: none) and reads it in the background. Until it is read the one before stays in
    /// use; one that is refused is not used, and loses nothing else.
    pub fn choose(&self, path: &str) {
        let choice = {
            let mut chosen = self.shared.path.lock();
            path.clone_into(&mut chosen);
            // Counted under the lock: the last path that was saved is the last choice.
            self.shared.choice.fetch_add(1, Ordering::SeqCst) + 1
        };
        let (chosen, shared, path) = (path, self.shared.clone(), path.to_owned());
        let reader =
            std::thread::Builder::new().name(T::READER.into()).spawn(move || shared.bring(choice, &path));
        match reader {
            Ok(reader) => {
                let mut readers = self.readers.lock();
                readers.retain(|reader| !reader.is_finished());
                readers.push(reader);
            }
            Err(error) => {
                // What was there before stays in use.
                let before = T::told(&self.shared.status).lock().clone();
                let error = Some(format!("no thread to read {chosen}: {error}"));
                self.shared.tell(FileStatus { error, ..before });
            }
        }
    }

    /// The chosen path; empty for none. Locks: not for the audio thread.
    pub fn path(&self) -> String {
        self.shared.path.lock().clone()
    }

    /// What an activation uses. Reads it where the reader has not yet: a bounce may begin at once, and it is to sound
    /// as live. Locks: not for the audio thread.
    pub fn current(&self) -> Offered<T> {
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

impl<T> Drop for FileChoice<T> {
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

impl<T: FileContent> Shared<T> {
    /// Body of a reader thread.
    fn bring(&self, choice: u64, path: &str) {
        let read = match path {
            "" => Ok(None),
            _ => read(Path::new(path)).map(|content| Some(Arc::new(content))),
        };
        let mut current = self.current.lock();
        // Looked at under the lock: a slow disk must not replace what a later choice has brought meanwhile.
        if self.choice.load(Ordering::SeqCst) != choice {
            return;
        }
        let error = read.as_ref().err().cloned();
        let content = read.unwrap_or_default();
        *current = (choice, content.clone());
        self.contents.offer(Box::new(content.clone()));
        self.tell(FileStatus { path: path.to_owned(), content, error });
    }

    fn tell(&self, told: FileStatus<T>) {
        *T::told(&self.status).lock() = told;
        self.status.set_changed();
    }
}

fn read<T: FileContent>(path: &Path) -> Result<T, String> {
    let refused = |error: io::Error| format!("{} could not be read: {error}", path.display());
    // A pipe may never end, and an activation waits for what is read here.
    if !path.metadata().map_err(refused)?.is_file() {
        return Err(refused(io::Error::other("it is not a file")));
    }
    T::open(path)
}

impl<'a, T: FileContent> PersistentField<'a, String> for FileChoice<T> {
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
    use sacodec_codec::CodecModel;
    use sacodec_take::{Header, TakeSerializer};
    use std::time::{Duration, Instant};

    fn status_of<T: FileContent>(path: &str) -> (FileStatus<T>, FileChoice<T>, OfferLink<Offered<T>>) {
        let status = Arc::<Status>::default();
        let (files, link) = FileChoice::new(status.clone());
        files.choose(path);
        let told = || T::told(&status).lock().clone();
        let start = Instant::now();
        while told().path.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(30), "nothing was said of {path}");
            std::thread::sleep(Duration::from_millis(1));
        }
        (told(), files, link)
    }

    #[test]
    fn a_trace_reaches_the_audio_thread_and_the_next_activation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.txt");
        std::fs::write(&path, "0110").unwrap();
        let (status, traces, link) = status_of::<LossTrace>(path.to_str().unwrap());
        let found = status.content.map(|trace| (trace.packets(), trace.lost_packets()));
        assert_eq!((found, status.error), (Some((4, 2)), None));
        assert_eq!(link.take_offered().unwrap().unwrap().packets(), 4);
        assert_eq!(traces.current().unwrap().packets(), 4);
    }

    #[test]
    fn an_activation_right_after_the_choice_has_its_trace_and_takes_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for packets in 1..50 {
            let path = folder.path().join(packets.to_string());
            std::fs::write(&path, "1".repeat(packets)).unwrap();
            let (traces, link) = FileChoice::<LossTrace>::new(Arc::default());
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
        let (status, traces, _link) = status_of::<LossTrace>(path.to_str().unwrap());
        assert!(status.error.unwrap().contains("trace.txt could not be read"));
        assert!(traces.current().is_none());
        let (status, _, _link) = status_of::<TokenTrack>(folder.path().to_str().unwrap());
        assert!(status.error.unwrap().contains("it is not a file"));
        std::fs::write(&path, "0\nx").unwrap();
        assert!(status_of::<LossTrace>(path.to_str().unwrap()).0.error.unwrap().contains("line 2"));
    }

    #[test]
    fn a_take_that_is_missing_damaged_or_empty_is_said_and_not_played() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.sac");
        let error = || {
            let (status, takes, _link) = status_of::<TokenTrack>(path.to_str().unwrap());
            assert!(takes.current().is_none());
            status.error.unwrap()
        };
        assert!(error().contains("take.sac could not be read: No such file"), "{}", error());
        std::fs::write(&path, "0110").unwrap();
        assert!(error().contains("it is not a .sac token take"), "{}", error());
        let header = Header::new(&CodecModel::embedded().unwrap(), 1, 48_000.0);
        let mut writer = TakeSerializer::new(header).unwrap();
        writer.finish("test", None, Vec::new());
        std::fs::write(&path, writer.take_bytes()).unwrap();
        assert!(error().contains("has no frames"), "{}", error());
    }
}

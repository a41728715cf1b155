//! What the system is asked for: a folder or a file, or to show a file.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use super::action::Place;

/// Hardly anybody closes a dialogue sooner: one that was gone by then was never there.
const SHOWN: Duration = Duration::from_secs(1);

/// A dialogue for a folder or a file that is open, and waits on a thread of its own.
pub struct Picking {
    what: Place,
    answer: Receiver<Answer>,
}

/// What was chosen, if anything, and how long the dialogue was there.
type Answer = (Option<PathBuf>, Duration);

/// How a dialogue ended.
pub enum Picked {
    /// It is still open.
    Waiting,
    /// It was closed without a choice.
    Nothing,
    /// It was never to be seen: the system has none.
    NotShown(Place),
    /// The user chose.
    Chosen(Place, PathBuf),
}

impl Picking {
    /// Opens a dialogue that begins in `start`; `answered` is called on its thread when it closes.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn open(
        what: Place,
        start: &Path,
        answered: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let title = match what {
            Place::Pack => "Folder of a model pack",
            Place::Takes => "Folder for takes",
            Place::Preset => "File of settings",
            Place::Trace => "Loss trace",
            Place::Played => "Take to be played",
        };
        // Made here, since macOS wants it on the thread of the window, and waited for elsewhere.
        let dialog = rfd::AsyncFileDialog::new().set_title(title).set_directory(start);
        let dialog: Pin<Box<dyn Future<Output = _> + Send>> = match what {
            Place::Pack | Place::Takes => Box::pin(dialog.pick_folder()),
            Place::Preset => Box::pin(dialog.add_filter("Settings", &["json"]).pick_file()),
            Place::Trace => Box::pin(dialog.pick_file()),
            Place::Played => Box::pin(dialog.add_filter("Takes", &["sac"]).pick_file()),
        };
        let (opened, (sender, answer)) = (Instant::now(), channel());
        std::thread::Builder::new().name("sacodec-dialog".into()).spawn(move || {
            let chosen = pollster::block_on(dialog).map(|handle| handle.path().to_owned());
            // Nobody listens any more if the plugin was removed meanwhile.
            let _ = sender.send((chosen, opened.elapsed()));
            answered();
        })?;
        Ok(Self { what, answer })
    }

    /// Whether the user has answered.
    pub fn poll(&self) -> Picked {
        match self.answer.try_recv() {
            Ok((Some(folder), _)) => Picked::Chosen(self.what, folder),
            Ok((None, open)) if open < SHOWN => Picked::NotShown(self.what),
            Ok((None, _)) | Err(TryRecvError::Disconnected) => Picked::Nothing,
            Err(TryRecvError::Empty) => Picked::Waiting,
        }
    }
}

/// Shows a file in the system's file manager.
///
/// # Errors
/// Where the system has none.
pub fn reveal(path: &Path) -> std::io::Result<()> {
    #[cfg(target_os = "macos")]
    return std::process::Command::new("open").arg("-R").arg(path).spawn().map(|_| ());
    #[cfg(target_os = "windows")]
    return std::process::Command::new("explorer").arg("/select,").arg(path).spawn().map(|_| ());
    #[cfg(not(any(target_os = "macos", target_os = "windows")))]
    open::that_detached(path.parent().unwrap_or(path))
}

//! One opening of the window, as the host's thread and the window's thread share it.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use nice_plug_egui::Key;
use raw_window_handle::HasWindowHandle;

use super::X11Error;
use super::link::Link;
use super::sight::View;
use super::watcher::Watcher;

thread_local! {
    /// Dropped with the window's thread, after all that it tears down.
    static ALIVE: Cell<Option<Sender<Infallible>>> = const { Cell::new(None) };
}

/// What both sides know.
#[derive(Default)]
pub(super) struct Opening {
    is_closing: AtomicBool,
    link: OnceLock<Arc<Link>>,
}

/// The side of the host's thread, which closes the window.
pub struct HostSide {
    pub(super) opening: Arc<Opening>,
    /// Says nothing; its other end is gone when the window's thread has ended.
    pub(super) ended: Receiver<Infallible>,
}

/// The side of the window's thread.
pub struct WindowSide {
    opening: Arc<Opening>,
    alive: Option<Sender<Infallible>>,
    watcher: Option<Watcher>,
}

/// Both sides of an opening to come.
pub fn opening() -> (HostSide, WindowSide) {
    let opening = Arc::new(Opening::default());
    let (alive, ended) = channel();
    (HostSide { opening: opening.clone(), ended }, WindowSide { opening, alive: Some(alive), watcher: None })
}

impl Opening {
    pub(super) fn begin_to_close(&self) {
        self.is_closing.store(true, Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Relaxed)
    }

    /// `None` where there is none, or not yet.
    pub(super) fn link(&self) -> Option<&Link> {
        self.link.get().map(|link| &**link)
    }
}

impl WindowSide {
    /// To be called once, on the window's thread, before the window is shown. `told` is called on a thread of
    /// ours whenever the window is shown, covered or hidden; it counts as shown at first.
    ///
    /// # Errors
    /// [`X11Error`]: the window then works as the framework made it.
    pub fn watch(
        &mut self,
        window: &impl HasWindowHandle,
        told: impl FnMut(View) + Send + 'static,
    ) -> Result<(), X11Error> {
        ALIVE.set(self.alive.take());
        let link = Arc::new(Link::connect(window)?);
        let _ = self.opening.link.set(link.clone());
        self.watcher = Some(Watcher::start(link, told)?);
        Ok(())
    }

    /// To be called with each frame: the keys that the editor wants from now on, `None` for all, and whether it
    /// was clicked.
    pub fn frame(&mut self, wanted: Option<Vec<Key>>, is_clicked: bool) {
        if let Some(watcher) = &mut self.watcher {
            watcher.frame(wanted, is_clicked);
        }
    }

    /// To be called when the window closes: nothing is told from then on.
    pub fn end(&mut self) {
        self.watcher = None;
    }
}

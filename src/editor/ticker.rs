//! Asks for a frame of the window when it shows something old, and not more often than it may be drawn.
//!
//! The framework's own repaint timer runs at one pace for all renderers, and asks for two frames each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

/// What the last frame drew. Frames come for other reasons too, the pointer's for one, so it is not enough
/// to remember what was seen at the last look.
#[derive(Clone)]
pub struct Shown<T>(Arc<Mutex<Option<T>>>);

impl<T> Default for Shown<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: PartialEq> Shown<T> {
    /// To be called before a frame reads what it draws: what changes meanwhile makes it old.
    pub fn set(&self, values: T) {
        *self.0.lock() = Some(values);
    }

    /// Whether these are other values than the last frame's.
    pub fn is_old(&self, now: &T) -> bool {
        self.0.lock().as_ref().is_some_and(|shown| shown != now)
    }
}

/// The thread of one open window; dropping it ends it.
pub struct Ticker {
    is_closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Looks after each `interval`, which is asked for anew, whether anything `has_changed`.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(
        ctx: egui::Context,
        interval: impl Fn() -> Duration + Send + 'static,
        mut has_changed: impl FnMut() -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let is_closing = Arc::new(AtomicBool::new(false));
        let closing = is_closing.clone();
        let thread = std::thread::Builder::new().name("sacodec-window".into()).spawn(move || {
            while !closing.load(Relaxed) {
                std::thread::park_timeout(interval());
                if has_changed() {
                    // Not at once: for a frame asked for at once egui draws two.
                    ctx.request_repaint_after(Duration::from_nanos(1));
                }
            }
        })?;
        Ok(Self { is_closing, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.is_closing.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there has been reported by its own hook.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_frame_between_two_looks_makes_a_value_old_that_came_back() {
        let shown = Shown::default();
        assert!(!shown.is_old(&1), "nothing is drawn yet");
        shown.set(1);
        assert!(!shown.is_old(&1));
        // The host sets 2, the pointer makes the window draw it, the host sets 1 again: one look at 1 follows another.
        shown.set(2);
        assert!(shown.is_old(&1));
        shown.set(1);
        assert!(!shown.is_old(&1));
    }

    #[test]
    fn a_change_asks_for_one_frame_and_a_dropped_ticker_is_gone() {
        let ctx = egui::Context::default();
        let (asked, frames) = channel();
        ctx.set_request_repaint_callback(move |_| {
            let _ = asked.send(());
        });
        let changes = Arc::new(AtomicU32::new(0));
        let (counter, looked) = (changes.clone(), Arc::new(AtomicU32::new(0)));
        let looks = looked.clone();
        let ticker = Ticker::start(
            ctx,
            || Duration::from_millis(1),
            move || {
                looks.fetch_add(1, Relaxed);
                counter.swap(0, Relaxed) > 0
            },
        )
        .unwrap();
        changes.store(3, Relaxed);
        frames.recv_timeout(Duration::from_secs(60)).expect("a change asks for a frame");
        let seen = looked.load(Relaxed);
        while looked.load(Relaxed) < seen + 5 {
            std::thread::yield_now();
        }
        assert!(frames.try_recv().is_err(), "nothing changed, and a frame was asked for");
        drop(ticker);
        let ended = looked.load(Relaxed);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(looked.load(Relaxed), ended, "the thread outlived its window");
    }
}

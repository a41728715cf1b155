//! Asks for a frame of the window when something has changed, and not more often than it may be drawn.
//!
//! The framework's own repaint timer is not used: on X11 (baseview 0.4.2) a redraw that is asked for
//! before the window is mapped is waited for in vain, and the window stays empty for good. This thread
//! begins with the first frame that is drawn, so the window is mapped by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// The thread of one open window; dropping it ends it.
pub struct Ticker {
    is_closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Looks after each `interval`, which is asked for anew, whether anything `has_changed`.
    ///
    /// # Errors
    /// Where the system gives no thread.
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

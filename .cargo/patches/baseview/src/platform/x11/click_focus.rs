use crate::platform::x11::prelude::*;
use std::time::{Duration, Instant};
use x11rb::protocol::xproto::{NotifyDetail, NotifyMode};

/// A window manager answers a click within this time, if it does at all.
const ANSWER: Duration = Duration::from_secs(1);
/// Taken back this often at most: nobody fights for the keyboard.
const MAX_ANSWERS: u8 = 3;

/// Whether the keyboard has gone from or to the window itself. Where the window that it is embedded in has it,
/// the one under the pointer is told too, and is not the one that keys are meant for.
pub fn is_own(detail: NotifyDetail) -> bool {
    ![NotifyDetail::POINTER, NotifyDetail::POINTER_ROOT, NotifyDetail::NONE].contains(&detail)
}

/// Keeps the keyboard that a click has brought.
///
/// A plugin asks for the keyboard when it is clicked, and the window manager gives it to the host's window on
/// the same click: whoever comes last has it.
#[derive(Default)]
pub struct ClickFocus {
    /// The last click, and how often the keyboard may still be taken back.
    clicked: Option<(Instant, u8)>,
}

impl ClickFocus {
    pub fn pressed(&mut self) {
        self.clicked = Some((Instant::now(), MAX_ANSWERS));
    }

    /// The pointer has left: what is clicked next is somebody else's.
    pub fn left(&mut self, mode: NotifyMode) {
        // A grab, which a window manager begins with a click, is no movement.
        if mode == NotifyMode::NORMAL {
            self.clicked = None;
        }
    }

    /// To be called when the keyboard has gone. Asks for it again where the host's window got it for a click
    /// that was into this one.
    pub fn lost(&mut self, window: &WindowShared) {
        let Some((at, answers)) = &mut self.clicked else { return };
        if at.elapsed() >= ANSWER || *answers == 0 || !is_in_the_same_frame(window).unwrap_or(false) {
            return;
        }
        *answers -= 1;
        if let Err(e) = window.focus() {
            crate::warn!("Could not take the keyboard back: {}", e);
        }
    }
}

/// Whether the window that has the keyboard now is the one that this window is embedded in, or in it: toolkits
/// keep a window of their own for the keyboard. A dialog of the host is in a frame of its own.
fn is_in_the_same_frame(window: &WindowShared) -> Option<bool> {
    let conn = &window.connection.conn;
    let focus = conn.get_input_focus().ok()?.reply().ok()?.focus;
    Some(frame(conn, focus)? == frame(conn, window.raw_id())?)
}

/// The window of the root that a window is in; `None` of what is no window.
fn frame(conn: &XCBConnection, mut window: u32) -> Option<u32> {
    // 0 and 1 stand for no window and for whatever is under the pointer.
    while window > 1 {
        let tree = conn.query_tree(window).ok()?.reply().ok()?;
        if tree.parent == tree.root {
            return Some(window);
        }
        window = tree.parent;
    }
    None
}

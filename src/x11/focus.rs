//! Brings the keyboard with a click into the window, and keeps it.
//!
//! As published, the framework asks for the keyboard when it is clicked, unless it was told of the keyboard only
//! because the pointer is over it; and the window manager gives the keyboard to the host's window on the same
//! click: whoever comes last has it.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{ConnectionExt, InputFocus, NotifyMode, Window};

use super::link::Link;

/// A window manager answers a click within this time, if it does at all.
const ANSWER: Duration = Duration::from_secs(1);
/// Taken back this often at most: nobody fights for the keyboard.
const MAX_ANSWERS: u8 = 3;
/// The greatest of the numbers that stand for no window, or for whatever is under the pointer.
const NO_WINDOW: Window = 1;

/// What a click has brought.
#[derive(Default)]
pub struct ClickFocus {
    /// The pointer is over the window.
    is_over: bool,
    /// The last click, and how often the keyboard may still be taken back.
    clicked: Option<(Instant, u8)>,
}

impl ClickFocus {
    /// The pointer has come.
    pub fn entered(&mut self, mode: NotifyMode) {
        // A grab, which a window manager begins with a click, is not a movement; its end tells where the pointer is.
        if mode != NotifyMode::GRAB {
            self.is_over = true;
        }
    }

    /// The pointer has left: what is clicked next is somebody else's.
    pub fn left(&mut self, mode: NotifyMode) {
        if mode != NotifyMode::GRAB {
            self.is_over = false;
            self.clicked = None;
        }
    }

    /// The editor was clicked, some frames ago at most.
    pub fn clicked(&mut self, link: &Link) -> Result<(), ConnectionError> {
        if self.is_over {
            self.clicked = Some((Instant::now(), MAX_ANSWERS));
        }
        take_from_host(link).map(|_| ())
    }

    /// The keyboard has gone.
    pub fn lost(&mut self, link: &Link) -> Result<(), ConnectionError> {
        if let Some((at, answers)) = &mut self.clicked
            && at.elapsed() < ANSWER
            && *answers > 0
            && take_from_host(link)?
        {
            *answers -= 1;
        }
        Ok(())
    }
}

/// Takes the keyboard where nobody has it, or the window that this one is embedded in, or another window in
/// that: toolkits keep a window of their own for the keyboard. A dialog of the host is in a frame of its own.
fn take_from_host(link: &Link) -> Result<bool, ConnectionError> {
    let Ok(now) = link.connection.get_input_focus()?.reply() else { return Ok(false) };
    let is_ours = now.focus == link.window;
    let is_hosts = now.focus <= NO_WINDOW || {
        let (focus, window) = (frame(link, now.focus)?, frame(link, link.window)?);
        focus.is_some() && focus == window
    };
    if is_ours || !is_hosts {
        return Ok(false);
    }
    link.connection.set_input_focus(InputFocus::PARENT, link.window, x11rb::CURRENT_TIME)?;
    link.connection.flush()?;
    Ok(true)
}

/// The window of the root that a window is in; `None` where the window is gone.
fn frame(link: &Link, mut window: Window) -> Result<Option<Window>, ConnectionError> {
    while window > NO_WINDOW {
        let Ok(tree) = link.connection.query_tree(window)?.reply() else { return Ok(None) };
        if tree.parent == tree.root {
            return Ok(Some(window));
        }
        window = tree.parent;
    }
    Ok(None)
}

//! Our connection to the X server, about one window of the framework's.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use raw_window_handle::{HasWindowHandle, RawWindowHandle};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ConnectionError;
use x11rb::protocol::present::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    Atom, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::X11Error;

/// A connection that hears of the window what the framework's own connection hears, presses of buttons apart,
/// which one connection alone is told of. To be used from any thread; one of them waits for events.
pub struct Link {
    pub connection: RustConnection,
    pub window: Window,
    /// A window of ours that nobody sees. What is sent to it comes back, in order with all other events.
    letter_box: Window,
    protocols: Atom,
    delete: Atom,
    has_present: bool,
    is_window_gone: AtomicBool,
}

impl Link {
    /// Connects to the server that the framework is connected to: the one that `DISPLAY` names.
    pub fn connect(window: &impl HasWindowHandle) -> Result<Self, X11Error> {
        let number = match window.window_handle().map(|handle| handle.as_raw()) {
            Ok(RawWindowHandle::Xlib(handle)) => u32::try_from(handle.window).ok(),
            Ok(RawWindowHandle::Xcb(handle)) => Some(handle.window.get()),
            _ => None,
        };
        let window = number.ok_or(X11Error::NoNumber)?;
        let (connection, screen) = RustConnection::connect(None)?;
        let root = connection.setup().roots.get(screen).ok_or(X11Error::NoNumber)?.root;
        let [protocols, delete] =
            [b"WM_PROTOCOLS", b"WM_DELETE_WINDOW" as &[u8]].map(|name| connection.intern_atom(false, name));
        let (protocols, delete) = (protocols?.reply()?.atom, delete?.reply()?.atom);
        let has_present = connection.extension_information(present::X11_EXTENSION_NAME)?.is_some();
        let letter_box = connection.generate_id()?;
        let (class, nothing) = (WindowClass::INPUT_ONLY, CreateWindowAux::new());
        connection.create_window(0, letter_box, root, 0, 0, 1, 1, 0, class, 0, &nothing)?.check()?;
        let events = EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::FOCUS_CHANGE
            | EventMask::ENTER_WINDOW
            | EventMask::LEAVE_WINDOW
            | EventMask::STRUCTURE_NOTIFY
            | EventMask::VISIBILITY_CHANGE;
        let wish = ChangeWindowAttributesAux::new().event_mask(events);
        connection.change_window_attributes(window, &wish)?.check()?;
        let is_window_gone = AtomicBool::new(false);
        Ok(Self { connection, window, letter_box, protocols, delete, has_present, is_window_gone })
    }

    /// Wakes the thread that waits for events, when it has seen all that happened before.
    pub fn write_to_self(&self) -> Result<(), ConnectionError> {
        let letter = ClientMessageEvent::new(32, self.letter_box, self.protocols, [0; 5]);
        self.connection.send_event(false, self.letter_box, EventMask::NO_EVENT, letter)?;
        self.connection.flush()
    }

    /// Whether an event is of [`Link::write_to_self`].
    pub fn is_letter(&self, event: &ClientMessageEvent) -> bool {
        event.window == self.letter_box
    }

    /// Asks the window's thread to end, as a window manager does.
    pub fn ask_to_close(&self) -> Result<(), ConnectionError> {
        let message = ClientMessageEvent::new(32, self.window, self.protocols, [self.delete, 0, 0, 0, 0]);
        self.connection.send_event(false, self.window, EventMask::NO_EVENT, message)?;
        self.connection.flush()
    }

    /// Sends the window the answer to its first request for a frame. As published, the framework can make that
    /// request before it has asked to be told of answers, and then draws nothing, for good. It takes no notice
    /// of an answer that it does not wait for.
    pub fn answer_first_request(&self) -> Result<(), ConnectionError> {
        if self.has_present {
            self.connection.present_notify_msc(self.window, 0, 0, 1, 0)?;
            self.connection.flush()?;
        }
        Ok(())
    }

    /// Somebody else has destroyed the window: its thread hears no message any more.
    pub fn set_window_gone(&self) {
        self.is_window_gone.store(true, Relaxed);
    }

    /// See [`Link::set_window_gone`].
    pub fn is_window_gone(&self) -> bool {
        self.is_window_gone.load(Relaxed)
    }
}

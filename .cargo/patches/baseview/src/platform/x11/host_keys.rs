use crate::platform::x11::error::FatalError;
use crate::platform::x11::prelude::*;
use crate::EventStatus;
use x11rb::protocol::xproto::{ConnectionExt, EventMask, KeyPressEvent, KEY_PRESS_EVENT};

/// Set in the type of events that were sent by a client.
const SENT_BY_CLIENT: u8 = 0x80;

/// Hands keys that the plugin has no use for to the window it is embedded in.
///
/// X11 delivers a key to the window that has the keyboard, or the one under the pointer, and to no other:
/// without this, a click into a plugin takes the host's own keys away.
pub struct HostKeys {
    /// There is a host: what a window manager puts around a window of our own is none.
    is_embedded: bool,
    /// By key code: whether the press was the host's. The release goes where the press went.
    forwarded: [bool; 256],
}

impl HostKeys {
    pub fn new(is_embedded: bool) -> Self {
        Self { is_embedded, forwarded: [false; 256] }
    }

    pub fn embed(&mut self) {
        self.is_embedded = true;
    }

    /// To be called with each key and what the plugin said of it. A release has the same form as a press.
    pub fn forward(
        &mut self, event: KeyPressEvent, status: EventStatus, parent: Option<u32>,
        connection: &X11Connection,
    ) -> Result<(), FatalError> {
        let is_press = event.response_type & !SENT_BY_CLIENT == KEY_PRESS_EVENT;
        let forwarded = &mut self.forwarded[usize::from(event.detail)];
        let is_for_host = if is_press {
            *forwarded = status == EventStatus::Ignored;
            *forwarded
        } else {
            std::mem::take(forwarded)
        };
        // What a host sent down to us, it has seen.
        let is_from_user = event.response_type & SENT_BY_CLIENT == 0;
        let Some(parent) = parent.filter(|parent| self.is_embedded && *parent != event.root) else {
            return Ok(());
        };
        if is_for_host && is_from_user {
            let mask = if is_press { EventMask::KEY_PRESS } else { EventMask::KEY_RELEASE };
            let event = KeyPressEvent { event: parent, ..event };
            // A parent that does not listen to keys passes them on to its own parent.
            connection.conn.send_event(true, parent, mask, event)?;
        }
        Ok(())
    }
}

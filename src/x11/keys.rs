//! Hands keys that the editor has no use for to the window it is embedded in.
//!
//! X11 delivers a key to the window that has the keyboard, or the one under the pointer, and to no other: without
//! this, a click into the editor takes the host's own keys away.

use nice_plug_egui::Key;
use x11rb::connection::Connection;
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{ConnectionExt, EventMask, KEY_PRESS_EVENT, KeyButMask, KeyPressEvent};

use super::X11Error;
use super::link::Link;

/// Set in the type of events that were sent by a client.
const SENT_BY_CLIENT: u8 = 0x80;
/// X11's key symbols of the keypad, where Num Lock takes the place of Shift.
const KEYPAD: std::ops::RangeInclusive<u32> = 0xff80..=0xffbd;
/// The keypad's digit 0.
const KEYPAD_0: u32 = 0xffb0;

/// Keys of the window, on their way to the editor or the host.
pub struct HostKeys {
    map: KeyMap,
    wanted: Wanted,
    /// By key code: whether the press was the host's. The release goes where the press went.
    forwarded: [bool; 256],
}

/// The keys that the editor keeps.
enum Wanted {
    All,
    Symbols(Vec<u32>),
}

impl HostKeys {
    /// The editor wants none.
    pub fn new(link: &Link) -> Result<Self, X11Error> {
        Ok(Self { map: KeyMap::ask(link)?, wanted: Wanted::Symbols(Vec::new()), forwarded: [false; 256] })
    }

    /// The keys that the editor keeps from now on; `None` for all.
    pub fn set_wanted(&mut self, keys: Option<Vec<Key>>) {
        self.wanted = keys.map_or(Wanted::All, |keys| {
            Wanted::Symbols(keys.iter().flat_map(symbols).filter(|symbol| *symbol != 0).collect())
        });
    }

    /// The layout of the keyboard has changed.
    pub fn map_changed(&mut self, link: &Link) {
        if let Ok(map) = KeyMap::ask(link) {
            self.map = map;
        }
    }

    /// To be called with each press and each release, which has the form of a press.
    pub fn forward(&mut self, event: KeyPressEvent, link: &Link) -> Result<(), ConnectionError> {
        let is_press = event.response_type & !SENT_BY_CLIENT == KEY_PRESS_EVENT;
        let is_for_host = self.is_for_host(&event, is_press);
        // What a host sent down to us, it has seen.
        let is_from_user = event.response_type & SENT_BY_CLIENT == 0;
        if !is_for_host || !is_from_user {
            return Ok(());
        }
        // A window that is gone has no parent.
        let Ok(tree) = link.connection.query_tree(event.event)?.reply() else { return Ok(()) };
        if tree.parent != tree.root {
            let mask = if is_press { EventMask::KEY_PRESS } else { EventMask::KEY_RELEASE };
            let event = KeyPressEvent { event: tree.parent, ..event };
            // A parent that does not listen to keys passes them on to its own parent.
            link.connection.send_event(true, tree.parent, mask, event)?;
            link.connection.flush()?;
        }
        Ok(())
    }

    fn is_for_host(&mut self, event: &KeyPressEvent, is_press: bool) -> bool {
        let forwarded = &mut self.forwarded[usize::from(event.detail)];
        if !is_press {
            return std::mem::take(forwarded);
        }
        *forwarded = match &self.wanted {
            Wanted::All => false,
            Wanted::Symbols(wanted) => !wanted.contains(&self.map.symbol(event.detail, event.state)),
        };
        *forwarded
    }
}

/// X11's symbols of a key, 0 for none: a digit, Enter and the arrows are on the keypad too.
fn symbols(key: &Key) -> [u32; 2] {
    match key.to_string().as_str() {
        "Enter" => [0xff0d, 0xff8d],
        "Escape" => [0xff1b, 0],
        "ArrowLeft" => [0xff51, 0xff96],
        "ArrowRight" => [0xff53, 0xff98],
        name => match name.as_bytes() {
            // ASCII is its own symbol.
            [digit @ b'0'..=b'9'] => [u32::from(*digit), KEYPAD_0 + u32::from(*digit - b'0')],
            [other @ b'!'..=b'~'] => [u32::from(*other), 0],
            _ => [0, 0],
        },
    }
}

/// The symbols of all keys.
struct KeyMap {
    first_code: u8,
    /// Of each key: plain and with Shift, of the first and of the second layout.
    per_code: usize,
    symbols: Vec<u32>,
}

impl KeyMap {
    fn ask(link: &Link) -> Result<Self, X11Error> {
        let setup = link.connection.setup();
        let (first_code, last_code) = (setup.min_keycode, setup.max_keycode);
        let count = last_code.saturating_sub(first_code).saturating_add(1);
        let map = link.connection.get_keyboard_mapping(first_code, count)?.reply()?;
        Ok(Self { first_code, per_code: map.keysyms_per_keycode.into(), symbols: map.keysyms })
    }

    /// What a key means together with the modifiers; 0 where it means nothing.
    fn symbol(&self, code: u8, state: KeyButMask) -> u32 {
        let start = usize::from(code.saturating_sub(self.first_code)) * self.per_code;
        let at = |column: usize| {
            let is_there = column < self.per_code;
            self.symbols.get(start + column).copied().filter(|symbol| is_there && *symbol != 0)
        };
        // The two bits after the buttons' tell the layout.
        let layout = usize::from(u16::from(state) >> 13 & 1) * 2;
        let base = if at(layout).is_some() { layout } else { 0 };
        let plain = at(base).unwrap_or(0);
        let shifted = at(base + 1).unwrap_or(plain);
        let has = |modifier: KeyButMask| u16::from(state) & u16::from(modifier) != 0;
        let is_shifted = if KEYPAD.contains(&shifted) {
            // Num Lock is the second modifier wherever the framework looks for it.
            has(KeyButMask::SHIFT) != has(KeyButMask::MOD2)
        } else {
            let is_letter = (0x61..=0x7a).contains(&plain);
            has(KeyButMask::SHIFT) != (has(KeyButMask::LOCK) && is_letter)
        };
        if is_shifted { shifted } else { plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two layouts, three keys from code 10 on: a digit, a letter, the keypad's 1.
    fn map() -> KeyMap {
        let symbols = vec![0x31, 0x21, 0x26, 0x31, 0x68, 0x48, 0, 0, 0xff9c, 0xffb1, 0xff9c, 0xffb1];
        KeyMap { first_code: 10, per_code: 4, symbols }
    }

    #[test]
    fn a_key_means_what_layout_and_modifiers_make_of_it() {
        const SHIFT: u16 = 1;
        const LOCK: u16 = 2;
        const NUM_LOCK: u16 = 16;
        const SECOND_LAYOUT: u16 = 1 << 13;
        for (code, state, symbol) in [
            (10, 0, 0x31),
            (10, SHIFT, 0x21),
            (10, LOCK, 0x31),
            (10, SECOND_LAYOUT, 0x26),
            (10, SECOND_LAYOUT | SHIFT, 0x31),
            (11, 0, 0x68),
            (11, LOCK, 0x48),
            (11, LOCK | SHIFT, 0x68),
            // A key that the second layout leaves as it is.
            (11, SECOND_LAYOUT, 0x68),
            (12, 0, 0xff9c),
            (12, NUM_LOCK, 0xffb1),
            (12, NUM_LOCK | SHIFT, 0xff9c),
            // Keys that the server does not have.
            (9, SHIFT, 0x21),
            (13, 0, 0),
            (255, 0, 0),
        ] {
            assert_eq!(map().symbol(code, state.into()), symbol, "code {code}, modifiers {state:#x}");
        }
    }

    #[test]
    fn a_release_goes_where_its_press_went() {
        let wanted = Wanted::Symbols(vec![0x31]);
        let mut keys = HostKeys { map: map(), wanted, forwarded: [false; 256] };
        let event = |code| KeyPressEvent { detail: code, ..KeyPressEvent::default() };
        assert!(!keys.is_for_host(&event(10), true), "the editor's");
        assert!(keys.is_for_host(&event(11), true), "the host's");
        // A text is edited meanwhile.
        keys.set_wanted(None);
        assert!(keys.is_for_host(&event(11), false));
        assert!(!keys.is_for_host(&event(10), false));
        assert!(!keys.is_for_host(&event(11), true), "all keys are the text's");
    }

    #[test]
    fn keys_that_an_editor_may_want_have_symbols() {
        for (name, expected) in [
            ("1", [0x31, 0xffb1]),
            ("h", [0x68, 0]),
            ("Enter", [0xff0d, 0xff8d]),
            ("Escape", [0xff1b, 0]),
            ("ArrowRight", [0xff53, 0xff98]),
        ] {
            let key = name.parse().unwrap_or_else(|_| Key::Character(name.to_owned()));
            assert_eq!(symbols(&key), expected, "{name}");
        }
    }
}

//! An X11 screen: parent windows on it, its pixels, and a hand on mouse and keyboard.
//!
//! Mouse and keyboard go through the XTEST extension: to the plugin they are those of a user. The
//! pointer is one for the whole screen, so one test at a time.

use std::io::IoSlice;

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::present::{self, CompleteKind, ConnectionExt as _};
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask,
    ImageFormat, ImageOrder, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, KeyPressEvent,
    MOTION_NOTIFY_EVENT, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::HostError;

/// Colour of a parent window where no editor covers it.
pub(crate) const HOST_COLOUR: [u8; 3] = [255, 0, 255];

impl From<ConnectionError> for HostError {
    fn from(error: ConnectionError) -> Self {
        Self::Screen(error.to_string())
    }
}

impl From<ReplyError> for HostError {
    fn from(error: ReplyError) -> Self {
        Self::Screen(error.to_string())
    }
}

impl From<ReplyOrIdError> for HostError {
    fn from(error: ReplyOrIdError) -> Self {
        Self::Screen(error.to_string())
    }
}

/// A connection to an X server. Plugins open their own, to the server that the environment variable
/// `DISPLAY` names: that must be this one.
pub struct Screen {
    connection: RustConnection,
    root: Window,
    root_visual: u32,
    /// Major opcode of the XTEST extension.
    xtest: u8,
}

impl Screen {
    /// Connects to a server by a name such as `:99`.
    ///
    /// # Errors
    /// [`HostError::Screen`] where there is none, or it lacks XTEST.
    pub fn connect(display: &str) -> Result<Self, HostError> {
        let connected = RustConnection::connect(Some(display));
        let (connection, number) =
            connected.map_err(|error| HostError::Screen(format!("{display}: {error}")))?;
        let missing = |what: &str| HostError::Screen(format!("{display} has no {what}"));
        let screen = connection.setup().roots.get(number).ok_or_else(|| missing("screen"))?;
        let (root, root_visual) = (screen.root, screen.root_visual);
        let xtest = connection.extension_information("XTEST")?.ok_or_else(|| missing("XTEST extension"))?;
        Ok(Self { xtest: xtest.major_opcode, root, root_visual, connection })
    }

    /// A window at the screen's corner, visible, of the size in pixels.
    pub(crate) fn create_window(&self, width: u32, height: u32) -> Result<Window, HostError> {
        let window = self.connection.generate_id()?;
        let [red, green, blue] = HOST_COLOUR;
        let settings = CreateWindowAux::new()
            .background_pixel(u32::from_be_bytes([0, red, green, blue]))
            .border_pixel(0)
            .event_mask(EventMask::KEY_PRESS);
        let class = WindowClass::INPUT_OUTPUT;
        let (width, height) = (pixels(width), pixels(height));
        self.connection
            .create_window(
                x11rb::COPY_DEPTH_FROM_PARENT,
                window,
                self.root,
                0,
                0,
                width,
                height,
                0,
                class,
                self.root_visual,
                &settings,
            )?
            .check()?;
        self.connection.map_window(window)?.check()?;
        Ok(window)
    }

    pub(crate) fn destroy_window(&self, window: Window) {
        // A server that is gone has no window either.
        let _ = self.connection.destroy_window(window).map(|answer| answer.check());
    }

    pub(crate) fn resize_window(&self, window: Window, width: u32, height: u32) -> Result<(), HostError> {
        let size = ConfigureWindowAux::new().width(width).height(height);
        Ok(self.connection.configure_window(window, &size)?.check()?)
    }

    /// Shows or hides a window, with all windows in it.
    pub(crate) fn set_visible(&self, window: Window, is_visible: bool) -> Result<(), HostError> {
        let (connection, show) = (&self.connection, is_visible);
        Ok(if show { connection.map_window(window)? } else { connection.unmap_window(window)? }.check()?)
    }

    /// How often the screen told a window's owner meanwhile to draw the next frame, which it does when asked.
    pub(crate) fn frames_while(&self, window: Window, act: impl FnOnce()) -> Result<usize, HostError> {
        let connection = &self.connection;
        let number = connection.generate_id()?;
        connection.present_select_input(number, window, present::EventMask::COMPLETE_NOTIFY)?.check()?;
        act();
        connection.present_select_input(number, window, present::EventMask::NO_EVENT)?.check()?;
        let mut frames = 0;
        while let Some(event) = connection.poll_for_event()? {
            let Event::PresentCompleteNotify(event) = event else { continue };
            frames += usize::from(event.window == window && event.kind == CompleteKind::NOTIFY_MSC);
        }
        Ok(frames)
    }

    /// Width and height in pixels.
    pub(crate) fn window_size(&self, window: Window) -> Result<(u32, u32), HostError> {
        let place = self.connection.get_geometry(window)?.reply()?;
        Ok((place.width.into(), place.height.into()))
    }

    /// The windows in a window, lowest first.
    pub(crate) fn children(&self, window: Window) -> Result<Vec<Window>, HostError> {
        Ok(self.connection.query_tree(window)?.reply()?.children)
    }

    /// What is to be seen of a window and the windows in it.
    pub(crate) fn screenshot(&self, window: Window) -> Result<Screenshot, HostError> {
        let (width, height) = self.window_size(window)?;
        let size = (pixels(width), pixels(height));
        let image =
            self.connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.0, size.1, !0)?.reply()?;
        let (found, expected) = (image.data.len(), 4 * width as usize * height as usize);
        if found != expected || self.connection.setup().image_byte_order != ImageOrder::LSB_FIRST {
            let depth = image.depth;
            return Err(HostError::Screen(format!(
                "{found} bytes of depth {depth} for {width} x {height} pixels, where blue, green, red and a \
                 spare byte each were expected: start Xvfb with -screen 0 1600x1200x24"
            )));
        }
        let pixels = image.data.as_chunks::<4>().0.iter().map(|&[blue, green, red, _]| [red, green, blue]);
        Ok(Screenshot { width, height, pixels: pixels.collect() })
    }

    /// Moves the pointer to a place of a window, in pixels from its corner.
    pub(crate) fn point(&self, window: Window, x: i32, y: i32) -> Result<(), HostError> {
        let corner = self.connection.translate_coordinates(window, self.root, 0, 0)?.reply()?;
        let place = |corner: i16, offset: i32| {
            let limits = i32::from(i16::MIN)..=i32::from(i16::MAX);
            (i32::from(corner) + offset).clamp(*limits.start(), *limits.end()) as i16
        };
        self.fake(MOTION_NOTIFY_EVENT, 0, place(corner.dst_x, x), place(corner.dst_y, y))
    }

    /// Presses or releases the left button.
    pub(crate) fn button(&self, down: bool) -> Result<(), HostError> {
        self.fake(if down { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT }, 1, 0, 0)
    }

    /// Presses or releases a key, by its X11 key symbol.
    pub(crate) fn key(&self, symbol: u32, down: bool) -> Result<(), HostError> {
        let code = self.key_code(symbol)?;
        self.fake(if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT }, code, 0, 0)
    }

    /// Sends a window the press of a key, by its X11 key symbol, that no keyboard has.
    pub(crate) fn send_key(&self, window: Window, symbol: u32) -> Result<(), HostError> {
        let code = self.key_code(symbol)?;
        let press = KeyPressEvent {
            response_type: KEY_PRESS_EVENT,
            detail: code,
            root: self.root,
            event: window,
            same_screen: true,
            ..KeyPressEvent::default()
        };
        Ok(self.connection.send_event(false, window, EventMask::KEY_PRESS, press)?.check()?)
    }

    /// Gives a window the keyboard, as a window manager does.
    pub(crate) fn give_keyboard(&self, window: Window) -> Result<(), HostError> {
        Ok(self.connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?.check()?)
    }

    /// The window that has the keyboard.
    pub(crate) fn keyboard(&self) -> Result<Window, HostError> {
        Ok(self.connection.get_input_focus()?.reply()?.focus)
    }

    /// The keys that were pressed in a window since the last call, by their X11 key symbols: those that no
    /// window in it kept for itself. Those of other windows are forgotten.
    pub(crate) fn pressed_keys(&self, window: Window) -> Result<Vec<u32>, HostError> {
        let symbols = self.key_symbols()?;
        let mut pressed = Vec::new();
        while let Some(event) = self.connection.poll_for_event()? {
            let Event::KeyPress(key) = event else { continue };
            let found = symbols.iter().find(|(code, _)| *code == key.detail);
            pressed.extend(found.filter(|_| key.event == window).map(|(_, symbol)| *symbol));
        }
        Ok(pressed)
    }

    fn key_code(&self, symbol: u32) -> Result<u8, HostError> {
        let found = self.key_symbols()?.into_iter().find(|(_, of)| *of == symbol);
        found
            .map(|(code, _)| code)
            .ok_or_else(|| HostError::Screen(format!("no key for the symbol {symbol:#x}")))
    }

    /// All keys: code and the symbol without Shift.
    fn key_symbols(&self) -> Result<Vec<(u8, u32)>, HostError> {
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let per_code = usize::from(map.keysyms_per_keycode).max(1);
        let symbols = map.keysyms.chunks(per_code).filter_map(|symbols| symbols.first().copied());
        Ok((first..=last).zip(symbols).collect())
    }

    /// One event of mouse or keyboard: XTEST's FakeInput, done when this returns.
    fn fake(&self, event: u8, detail: u8, x: i16, y: i16) -> Result<(), HostError> {
        const FAKE_INPUT: u8 = 2;
        const WORDS: u8 = 9;
        let mut request = [0; 4 * WORDS as usize];
        request[..2].copy_from_slice(&[self.xtest, FAKE_INPUT]);
        request[2..4].copy_from_slice(&u16::from(WORDS).to_ne_bytes());
        request[4..6].copy_from_slice(&[event, detail]);
        // Bytes 8 to 12, the delay: none. 12 to 16, the screen: the one the pointer is on.
        request[24..26].copy_from_slice(&x.to_ne_bytes());
        request[26..28].copy_from_slice(&y.to_ne_bytes());
        Ok(self.connection.send_request_without_reply(&[IoSlice::new(&request)], Vec::new())?.check()?)
    }
}

/// X11 has 16 bits for a window's size.
fn pixels(size: u32) -> u16 {
    u16::try_from(size).unwrap_or(u16::MAX)
}

/// What was to be seen of a window.
#[derive(Clone, PartialEq, Eq)]
pub struct Screenshot {
    width: u32,
    height: u32,
    /// Red, green, blue, row by row.
    pixels: Vec<[u8; 3]>,
}

impl Screenshot {
    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Red, green and blue of all pixels, row by row from the top.
    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }

    /// Red, green and blue of a pixel, counted from the top left; `None` outside.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        let inside = x < self.width && y < self.height;
        inside.then(|| self.pixels[y as usize * self.width as usize + x as usize])
    }

    /// Whether the editor covers all of its parent window and has drawn more than one colour.
    pub fn is_drawn(&self) -> bool {
        let first = self.pixels.first();
        !self.pixels.contains(&HOST_COLOUR) && self.pixels.iter().any(|pixel| Some(pixel) != first)
    }

    /// How many pixels of a rectangle (left, top, width, height in pixels; what is outside is left
    /// out) differ; all of them where the sizes do.
    pub fn changed_in(&self, other: &Self, (left, top, width, height): (u32, u32, u32, u32)) -> usize {
        let columns = left..(left + width).min(self.width);
        let rows = top..(top + height).min(self.height);
        let places = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
        let same_size = self.size() == other.size();
        places.filter(|&(x, y)| !same_size || self.pixel(x, y) != other.pixel(x, y)).count()
    }

    /// How many pixels differ; all of them where the sizes do.
    pub fn changed(&self, other: &Self) -> usize {
        self.changed_in(other, (0, 0, self.width, self.height))
    }
}

impl std::fmt::Debug for Screenshot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Screenshot({} x {})", self.width, self.height)
    }
}

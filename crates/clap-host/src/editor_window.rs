//! A window of ours with a plugin's editor in it: what is to be seen, mouse, keyboard.

use std::sync::Arc;

use clack_extensions::gui::Window;
use x11rb::protocol::xproto;

use crate::{HostError, Screen, Screenshot};

/// The window that a plugin's editor is in. Cheap to clone, it is the same window; gone when the
/// editor is closed and the last clone dropped.
///
/// Places are in pixels from its top left corner. Mouse and keyboard act at once, the plugin some
/// time later: wait for what it shows or says.
#[derive(Clone)]
pub struct EditorWindow(Arc<Parent>);

struct Parent {
    screen: Arc<Screen>,
    window: xproto::Window,
}

impl Drop for Parent {
    fn drop(&mut self) {
        self.screen.destroy_window(self.window);
    }
}

impl EditorWindow {
    /// A new window of this size in pixels, for an editor to be put into.
    pub(crate) fn new(screen: &Arc<Screen>, width: u32, height: u32) -> Result<Self, HostError> {
        let window = screen.create_window(width, height)?;
        Ok(Self(Arc::new(Parent { screen: screen.clone(), window })))
    }

    /// The window, as a plugin is told of it.
    pub(crate) fn handle(&self) -> Window<'static, 'static> {
        Window::from_x11_handle(self.0.window.into())
    }

    /// Resizes the window, in pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) -> Result<(), HostError> {
        self.0.screen.resize_window(self.0.window, width, height)
    }

    /// Width and height in pixels of the host's own window.
    ///
    /// # Errors
    /// [`HostError::Screen`], as all methods here.
    pub fn size(&self) -> Result<(u32, u32), HostError> {
        self.0.screen.window_size(self.0.window)
    }

    /// Width and height in pixels of the plugin's window in it; `None` where it has none.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn editor_size(&self) -> Result<Option<(u32, u32)>, HostError> {
        let children = self.0.screen.children(self.0.window)?;
        children.first().map(|&child| self.0.screen.window_size(child)).transpose()
    }

    /// What is to be seen now.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn screenshot(&self) -> Result<Screenshot, HostError> {
        self.0.screen.screenshot(self.0.window)
    }

    /// Hides this window, the host's, with the editor in it; the editor is told nothing.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn hide(&self) -> Result<(), HostError> {
        self.0.screen.set_visible(self.0.window, false)
    }

    /// Shows it again.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn show(&self) -> Result<(), HostError> {
        self.0.screen.set_visible(self.0.window, true)
    }

    /// Destroys this window, the host's, and the editor's in it with it, before the editor is closed.
    pub fn destroy(&self) {
        self.0.screen.destroy_window(self.0.window);
    }

    /// How many frames the editor drew while `act` ran. The keys of [`EditorWindow::host_keys`] are forgotten.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn frames_while(&self, act: impl FnOnce()) -> Result<usize, HostError> {
        match self.0.screen.children(self.0.window)?.first() {
            Some(&editor) => self.0.screen.frames_while(editor, act),
            None => {
                act();
                Ok(0)
            }
        }
    }

    /// Moves the pointer there.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn point(&self, x: i32, y: i32) -> Result<(), HostError> {
        self.0.screen.point(self.0.window, x, y)
    }

    /// Moves the pointer there and presses the left button.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn press(&self, x: i32, y: i32) -> Result<(), HostError> {
        self.point(x, y)?;
        self.0.screen.button(true)
    }

    /// Releases the left button.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn release(&self) -> Result<(), HostError> {
        self.0.screen.button(false)
    }

    /// Clicks there, faster than any frame.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn click(&self, x: i32, y: i32) -> Result<(), HostError> {
        self.press(x, y)?;
        self.release()
    }

    /// Presses the left button at the first place, moves to each of the others and releases it.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn drag(&self, places: &[(i32, i32)]) -> Result<(), HostError> {
        for (number, &(x, y)) in places.iter().enumerate() {
            if number == 0 { self.press(x, y)? } else { self.point(x, y)? }
        }
        self.release()
    }

    /// Presses and releases a key, by its X11 key symbol: of letters and digits their ASCII code, 0xff0d
    /// for Return, 0xff1b for Escape. Without a window manager it reaches the window under the pointer.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn key(&self, symbol: u32) -> Result<(), HostError> {
        self.0.screen.key(symbol, true)?;
        self.0.screen.key(symbol, false)
    }

    /// Sends the editor the press of a key, by its X11 key symbol, as hosts do that hand keys on; it may be
    /// hidden.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn send_key(&self, symbol: u32) -> Result<(), HostError> {
        let children = self.0.screen.children(self.0.window)?;
        children.first().map_or(Ok(()), |&editor| self.0.screen.send_key(editor, symbol))
    }

    /// Gives the keyboard to this window, the host's, as a window manager does when it is clicked.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn take_keyboard(&self) -> Result<(), HostError> {
        self.0.screen.give_keyboard(self.0.window)
    }

    /// Whether the editor has the keyboard, and not the host's window around it.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn editor_has_keyboard(&self) -> Result<bool, HostError> {
        Ok(self.0.screen.children(self.0.window)?.contains(&self.0.screen.keyboard()?))
    }

    /// The keys that reached this window, the host's, since the last call, by their X11 key symbols: not
    /// those that the editor kept for itself.
    ///
    /// # Errors
    /// [`HostError::Screen`].
    pub fn host_keys(&self) -> Result<Vec<u32>, HostError> {
        self.0.screen.pressed_keys(self.0.window)
    }
}

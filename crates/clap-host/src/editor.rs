//! The plugin's editor in a window of ours, as in a host.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiError, GuiSize, PluginGui, Window};
use x11rb::protocol::xproto;

use crate::{Host, HostError, Screen, Screenshot};

const NAME: &str = "clap.gui";
/// In the window of a host, not a window of its own.
const EMBEDDED: GuiConfiguration<'static> =
    GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };

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

impl Host {
    /// Opens the plugin's editor in a new window on the screen, of the size that the editor wants. The
    /// environment variable `DISPLAY` must name the same screen.
    ///
    /// # Errors
    /// [`HostError::EditorOpen`], [`HostError::Extension`], [`HostError::Editor`] where the plugin
    /// refuses, [`HostError::Screen`].
    pub fn open_editor(&mut self, screen: &Arc<Screen>) -> Result<EditorWindow, HostError> {
        self.open_editor_after(screen, |_| Ok(()))
    }

    /// As [`Host::open_editor`]; does `before` when the editor is in its window and not shown yet.
    ///
    /// # Errors
    /// Those of [`Host::open_editor`] and of `before`.
    pub fn open_editor_after(
        &mut self,
        screen: &Arc<Screen>,
        before: impl FnOnce(&EditorWindow) -> Result<(), HostError>,
    ) -> Result<EditorWindow, HostError> {
        if self.window.is_some() {
            return Err(HostError::EditorOpen);
        }
        let gui = self.extension::<PluginGui>(NAME)?;
        self.requests.editor_lost.store(false, Ordering::SeqCst);
        let plugin = self.instance.plugin_handle();
        if !gui.is_api_supported(&plugin, EMBEDDED) {
            return Err(GuiError::CreateError.into());
        }
        gui.create(&plugin, EMBEDDED)?;
        match self.show_editor(gui, screen, before) {
            Ok(()) => self.window.clone().ok_or(HostError::EditorClosed),
            Err(error) => {
                gui.destroy(&self.instance.plugin_handle());
                self.window = None;
                Err(error)
            }
        }
    }

    fn show_editor(
        &mut self,
        gui: PluginGui,
        screen: &Arc<Screen>,
        before: impl FnOnce(&EditorWindow) -> Result<(), HostError>,
    ) -> Result<(), HostError> {
        let plugin = self.instance.plugin_handle();
        let size = gui.get_size(&plugin).ok_or(GuiError::CreateError)?;
        let window = screen.create_window(size.width, size.height)?;
        let editor = EditorWindow(Arc::new(Parent { screen: screen.clone(), window }));
        self.window = Some(editor.clone());
        let handle = Window::from_x11_handle(window.into());
        // SAFETY: the window lives as long as what is in `self.window`, which goes only after the editor
        // is destroyed.
        unsafe { gui.set_parent(&plugin, handle) }?;
        before(&editor)?;
        Ok(gui.show(&plugin)?)
    }

    /// Tells the plugin to hide its editor in the window, or to show it again.
    ///
    /// # Errors
    /// [`HostError::Extension`], [`HostError::Editor`] where the plugin refuses.
    pub fn set_editor_visible(&mut self, is_visible: bool) -> Result<(), HostError> {
        let gui = self.extension::<PluginGui>(NAME)?;
        let plugin = self.instance.plugin_handle();
        if is_visible {
            gui.show(&plugin)?
        } else {
            gui.hide(&plugin)?
        }
        Ok(())
    }

    /// Closes the editor and its window; no effect where none is open.
    pub fn close_editor(&mut self) {
        let Some(window) = self.window.take() else { return };
        if let Ok(gui) = self.extension::<PluginGui>(NAME) {
            gui.destroy(&self.instance.plugin_handle());
        }
        drop(window);
    }

    /// The window that the editor is open in.
    pub fn editor(&self) -> Option<&EditorWindow> {
        self.window.as_ref()
    }

    /// Width and height in pixels that the plugin says its editor has, open or closed.
    ///
    /// # Errors
    /// [`HostError::Extension`], [`HostError::Editor`] where it does not say.
    pub fn editor_size(&mut self) -> Result<(u32, u32), HostError> {
        let gui = self.extension::<PluginGui>(NAME)?;
        let size = gui.get_size(&self.instance.plugin_handle()).ok_or(GuiError::ResizeError)?;
        Ok((size.width, size.height))
    }

    /// Resizes the editor and its window, as a user who drags the window's edge: to the size that the
    /// plugin makes of this one, in pixels, which is returned.
    ///
    /// # Errors
    /// [`HostError::EditorClosed`], [`HostError::Editor`] where the plugin is not to be resized or
    /// refuses, [`HostError::Extension`], [`HostError::Screen`].
    pub fn resize_editor(&mut self, width: u32, height: u32) -> Result<(u32, u32), HostError> {
        let window = self.window.clone().ok_or(HostError::EditorClosed)?;
        let gui = self.extension::<PluginGui>(NAME)?;
        let plugin = self.instance.plugin_handle();
        if !gui.can_resize(&plugin) {
            return Err(GuiError::ResizeError.into());
        }
        let size = gui.adjust_size(&plugin, GuiSize { width, height }).ok_or(GuiError::ResizeError)?;
        window.0.screen.resize_window(window.0.window, size.width, size.height)?;
        gui.set_size(&plugin, size)?;
        Ok((size.width, size.height))
    }

    /// From now on the editor's wishes for another size are refused, as some hosts do.
    pub fn refuse_editor_sizes(&mut self) {
        self.requests.refuses_editor_sizes.store(true, Ordering::SeqCst);
    }

    /// Grants the size that the editor asked for; closes an editor that lost its window.
    pub(crate) fn run_editor_requests(&mut self) -> Result<(), HostError> {
        let wanted = self.requests.take_editor_size();
        if let (Some((width, height)), Some(window)) = (wanted, &self.window) {
            window.0.screen.resize_window(window.0.window, width, height)?;
        }
        if self.requests.editor_lost.swap(false, Ordering::SeqCst) {
            self.close_editor();
        }
        Ok(())
    }
}

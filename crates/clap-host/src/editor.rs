//! The plugin's editor: opened, shown, resized and closed as by a host.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiError, GuiSize, PluginGui};

use crate::{EditorWindow, Host, HostError, Screen};

const NAME: &str = "clap.gui";
/// In the window of a host, not a window of its own.
const EMBEDDED: GuiConfiguration<'static> =
    GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };

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
        let editor = EditorWindow::new(screen, size.width, size.height)?;
        self.window = Some(editor.clone());
        // SAFETY: the window lives as long as what is in `self.window`, which goes only after the editor
        // is destroyed.
        unsafe { gui.set_parent(&plugin, editor.handle()) }?;
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
        window.resize(size.width, size.height)?;
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
            window.resize(width, height)?;
        }
        if self.requests.editor_lost.swap(false, Ordering::SeqCst) {
            self.close_editor();
        }
        Ok(())
    }
}

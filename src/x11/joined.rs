//! A window whose thread has ended when the window is closed.
//!
//! As published, the framework asks that thread to show the window and waits for an answer, which never comes
//! from a thread that is about to stop, and is then left alone: a host that ends, or unloads the plugin, while
//! it still tears down OpenGL crashes.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use nice_plug::editor::dpi::{NativeSize, Size};
use nice_plug::editor::{
    EditorHandle, HostCallbacks, HostMainThreadCaller, HostMethods, Modifiers, SpawnedEditor, VirtualKeyCode,
};
use nice_plug::prelude::{ParentWindowHandle, nice_error};
use nice_plug_egui::EguiEditorHandle;
use nice_plug_egui::baseview::{self, Window};

use super::HostSide;
use super::opening::Opening;

/// A thread that ends does so within this time, unless the X server or the graphics driver hangs.
const PATIENCE: Duration = Duration::from_secs(10);

impl HostSide {
    /// What the window may call of the host: nothing any more once it closes.
    pub fn until_closing(&self, host: HostMethods) -> HostMethods {
        let callbacks = Callbacks { host: host.callbacks, opening: self.opening.clone() };
        let caller = Caller { host: host.main_thread_caller, opening: self.opening.clone() };
        HostMethods { callbacks: Box::new(callbacks), main_thread_caller: Box::new(caller) }
    }

    /// The framework's editor with a window that is joined when it is dropped.
    pub fn join(self, editor: SpawnedEditor<EguiEditorHandle>) -> SpawnedEditor<JoinedHandle> {
        let window = JoinedWindow { window: Some(editor.window), side: self };
        SpawnedEditor { handle: JoinedHandle(editor.handle), window }
    }

    /// Whether the window's thread has ended, now or soon.
    fn has_ended(&self) -> bool {
        self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected)
    }
}

struct Callbacks {
    host: Box<dyn HostCallbacks>,
    opening: Arc<Opening>,
}

impl HostCallbacks for Callbacks {
    fn request_resize(&mut self, size: Size, scale_factor: f64) -> Result<(), Box<dyn Error>> {
        if self.opening.is_closing() { Ok(()) } else { self.host.request_resize(size, scale_factor) }
    }

    fn destroyed(&mut self) {
        if !self.opening.is_closing() {
            self.host.destroyed();
        }
    }
}

struct Caller {
    host: Box<dyn HostMainThreadCaller>,
    opening: Arc<Opening>,
}

impl HostMainThreadCaller for Caller {
    fn call_main_thread(&mut self) {
        if !self.opening.is_closing() {
            self.host.call_main_thread();
        }
    }
}

/// The framework's window; dropping it closes it and waits for its thread.
pub struct JoinedWindow {
    /// `None` once it is closed.
    window: Option<Window>,
    side: HostSide,
}

impl JoinedWindow {
    fn with(&self, act: impl FnOnce(&Window) -> Result<(), baseview::Error>) -> Result<(), baseview::Error> {
        self.window.as_ref().map_or(Ok(()), act)
    }
}

impl Drop for JoinedWindow {
    fn drop(&mut self) {
        let Some(window) = self.window.take() else { return };
        self.side.opening.begin_to_close();
        let link = self.side.opening.link().filter(|link| !link.is_window_gone());
        let is_asked = link.is_some_and(|link| link.ask_to_close().is_ok());
        if is_asked && !self.side.has_ended() && !link.is_some_and(|link| link.is_window_gone()) {
            // Dropping it would wait for the hanging thread without end.
            nice_error!("SACodec's window does not close: it is left to itself");
            std::mem::forget(window);
            return;
        }
        // A panic of the window's thread is raised again here, and would end a host that calls from C.
        if catch_unwind(AssertUnwindSafe(|| drop(window))).is_err() {
            nice_error!("SACodec's window had failed");
        }
        // One that could not be asked ends by itself now.
        if !self.side.has_ended() {
            nice_error!("the thread of SACodec's window does not end");
        }
    }
}

/// The framework's handle, for a [`JoinedWindow`].
pub struct JoinedHandle(EguiEditorHandle);

impl EditorHandle for JoinedHandle {
    type Window = JoinedWindow;
    type Error = baseview::Error;

    fn run_until_closed(mut window: JoinedWindow) -> Result<(), baseview::Error> {
        window.window.take().map_or(Ok(()), EguiEditorHandle::run_until_closed)
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &JoinedWindow) -> Result<(), baseview::Error> {
        window.with(|window| self.0.set_parent(parent, window))
    }

    fn show(&self, window: &JoinedWindow) -> Result<(), baseview::Error> {
        window.with(|window| self.0.show(window))
    }

    fn hide(&self, window: &JoinedWindow) -> Result<(), baseview::Error> {
        window.with(|window| self.0.hide(window))
    }

    fn set_size(&self, size: NativeSize<u32>, window: &JoinedWindow) -> Result<(), baseview::Error> {
        window.with(|window| self.0.set_size(size, window))
    }

    fn host_main_thread_callback(&self, window: &JoinedWindow) {
        if let Some(window) = &window.window {
            self.0.host_main_thread_callback(window);
        }
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &JoinedWindow) -> Option<NativeSize<u32>> {
        self.0.adjust_size(size, window.window.as_ref()?)
    }

    fn set_fallback_scale_factor(&self, scale: f64, window: &JoinedWindow) -> Result<(), baseview::Error> {
        window.with(|window| self.0.set_fallback_scale_factor(scale, window))
    }

    fn on_virtual_key_from_host(&self, key: VirtualKeyCode, is_down: bool, modifiers: Modifiers) -> bool {
        self.0.on_virtual_key_from_host(key, is_down, modifiers)
    }

    fn state_changed(&self) {
        self.0.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized_value: f32) {
        self.0.param_value_changed(id, normalized_value);
    }

    fn param_modulation_changed(&self, id: &str, modulation_offset: f32) {
        self.0.param_modulation_changed(id, modulation_offset);
    }
}

//! What the plugin may ask of its host: all of it is counted, none of it is done at once.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::remote_controls::{HostRemoteControls, HostRemoteControlsImpl};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_extensions::thread_check::{HostThreadCheck, HostThreadCheckImpl};
use clack_extensions::track_info::{
    HostTrackInfo, HostTrackInfoImpl, TrackInfo, TrackInfoFlags, TrackInfoWriter,
};
use clack_host::prelude::*;
use parking_lot::Mutex;

/// How often the plugin called its host, from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// Restarts asked for.
    pub restarts: u32,
    /// Main-thread callbacks asked for.
    pub callbacks: u32,
    /// Parameter flushes asked for.
    pub flushes: u32,
    /// Times the latency was said to have changed.
    pub latency_changes: u32,
    /// Times the parameters were said to have changed.
    pub param_rescans: u32,
    /// Times the state was said to have changed.
    pub dirty_states: u32,
    /// Times the editor wanted another size of its window.
    pub editor_resizes: u32,
    /// Times the editor's hints on resizing were said to have changed.
    pub editor_hints: u32,
    /// Times the editor was said to be gone: its window closed, or its connection lost.
    pub editor_losses: u32,
}

/// Requests of one instance, shared by all its threads.
#[derive(Debug)]
pub(crate) struct Requests {
    /// A restart is due.
    pub restart: AtomicBool,
    /// A call of `on_main_thread` is due.
    pub callback: AtomicBool,
    /// The editor is gone and wants to be destroyed.
    pub editor_lost: AtomicBool,
    /// The size that the editor wants, in pixels.
    editor_size: Mutex<Option<(u32, u32)>>,
    /// The editor's window keeps the size that the user gives it.
    pub refuses_editor_sizes: AtomicBool,
    /// Name of the track that the plugin is on. Leaked at each renaming: `clack` wants it to outlive
    /// the instance.
    track: Mutex<&'static str>,
    main_thread: usize,
    restarts: AtomicU32,
    callbacks: AtomicU32,
    flushes: AtomicU32,
    latency_changes: AtomicU32,
    param_rescans: AtomicU32,
    dirty_states: AtomicU32,
    editor_resizes: AtomicU32,
    editor_hints: AtomicU32,
    editor_losses: AtomicU32,
}

impl Requests {
    /// For an instance whose main thread is the calling one.
    pub fn new() -> Self {
        Self {
            restart: AtomicBool::new(false),
            callback: AtomicBool::new(false),
            editor_lost: AtomicBool::new(false),
            editor_size: Mutex::new(None),
            refuses_editor_sizes: AtomicBool::new(false),
            track: Mutex::new(""),
            main_thread: this_thread(),
            restarts: AtomicU32::new(0),
            callbacks: AtomicU32::new(0),
            flushes: AtomicU32::new(0),
            latency_changes: AtomicU32::new(0),
            param_rescans: AtomicU32::new(0),
            dirty_states: AtomicU32::new(0),
            editor_resizes: AtomicU32::new(0),
            editor_hints: AtomicU32::new(0),
            editor_losses: AtomicU32::new(0),
        }
    }

    pub fn set_track(&self, name: &str) {
        *self.track.lock() = name.to_owned().leak();
    }

    /// The size that the editor asked for since the last call, in pixels.
    #[cfg(all(target_os = "linux", feature = "window"))]
    pub fn take_editor_size(&self) -> Option<(u32, u32)> {
        self.editor_size.lock().take()
    }

    pub fn calls(&self) -> Calls {
        let read = |counter: &AtomicU32| counter.load(Ordering::SeqCst);
        Calls {
            restarts: read(&self.restarts),
            callbacks: read(&self.callbacks),
            flushes: read(&self.flushes),
            latency_changes: read(&self.latency_changes),
            param_rescans: read(&self.param_rescans),
            dirty_states: read(&self.dirty_states),
            editor_resizes: read(&self.editor_resizes),
            editor_hints: read(&self.editor_hints),
            editor_losses: read(&self.editor_losses),
        }
    }
}

thread_local! {
    static PROCESSING: Cell<bool> = const { Cell::new(false) };
}

/// A number that no other living thread has. Never allocates, unlike `std::thread::current`.
fn this_thread() -> usize {
    PROCESSING.with(|flag| std::ptr::from_ref(flag).addr())
}

/// While it lives, the thread is an audio thread and no main thread, as in a live host.
pub(crate) struct AudioThread(bool);

impl AudioThread {
    pub fn enter() -> Self {
        Self(PROCESSING.replace(true))
    }
}

impl Drop for AudioThread {
    fn drop(&mut self) {
        PROCESSING.set(self.0);
    }
}

/// Ties the callbacks below together.
pub(crate) struct Handlers;

/// Callbacks from any thread.
pub(crate) struct Shared(pub Arc<Requests>);

/// Callbacks from the main thread.
pub(crate) struct MainThread(pub Arc<Requests>);

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::SeqCst);
}

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Self::Shared<'_>) {
        builder
            .register::<HostGui>()
            .register::<HostLatency>()
            .register::<HostParams>()
            .register::<HostRemoteControls>()
            .register::<HostState>()
            .register::<HostThreadCheck>()
            .register::<HostTrackInfo>();
    }
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {
        count(&self.0.restarts);
        self.0.restart.store(true, Ordering::SeqCst);
    }

    fn request_process(&self) {}

    fn request_callback(&self) {
        count(&self.0.callbacks);
        self.0.callback.store(true, Ordering::SeqCst);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {
        count(&self.0.flushes);
    }
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {
        count(&self.0.editor_hints);
    }

    /// Granted with the next [`crate::Host::run_requests`].
    fn request_resize(&self, size: GuiSize) -> Result<(), HostError> {
        count(&self.0.editor_resizes);
        if self.0.refuses_editor_sizes.load(Ordering::SeqCst) {
            return Err(HostError::Message("the window keeps its size"));
        }
        let mut wanted = self.0.editor_size.lock();
        *wanted = Some((size.width, size.height));
        Ok(())
    }

    fn request_show(&self) -> Result<(), HostError> {
        Err(HostError::Message("editors are shown when they are opened"))
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Err(HostError::Message("editors are shown until they are closed"))
    }

    fn closed(&self, was_destroyed: bool) {
        count(&self.0.editor_losses);
        self.0.editor_lost.fetch_or(was_destroyed, Ordering::SeqCst);
    }
}

impl HostThreadCheckImpl for Shared {
    fn is_main_thread(&self) -> bool {
        !PROCESSING.get() && this_thread() == self.0.main_thread
    }

    fn is_audio_thread(&self) -> bool {
        PROCESSING.get()
    }
}

impl<'a> MainThreadHandler<'a> for MainThread {
    fn initialized(&self, _: InitializedPluginHandle<'a>) {}
}

impl HostLatencyImpl for MainThread {
    fn changed(&self) {
        count(&self.0.latency_changes);
    }
}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, _: ParamRescanFlags) {
        count(&self.0.param_rescans);
    }

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl HostRemoteControlsImpl for MainThread {
    fn changed(&self) {}

    fn suggest_page(&self, _: ClapId) {}
}

impl HostTrackInfoImpl for MainThread {
    fn get<'a>(&'a self, writer: &mut TrackInfoWriter<'_, 'a>) {
        let track = *self.0.track.lock();
        let info = TrackInfo::new().with_flags(TrackInfoFlags::HAS_TRACK_NAME);
        writer.set(&info.with_name(Some(track.as_bytes())));
    }
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {
        count(&self.0.dirty_states);
    }
}

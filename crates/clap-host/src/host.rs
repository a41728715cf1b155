//! One instance of a plugin: its life from creation to destruction, on its main thread.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clack_extensions::latency::PluginLatency;
use clack_extensions::track_info::PluginTrackInfo;
use clack_host::entry::PluginEntry;
use clack_host::extensions::{Extension, PluginExtensionSide};
use clack_host::prelude::{HostInfo, PluginAudioConfiguration, PluginInstance, ProcessStatus};

use crate::answers::Answers;
use crate::callbacks::{Calls, Handlers, MainThread, Requests, Shared};
use crate::changes::Changes;
#[cfg(all(target_os = "linux", feature = "window"))]
use crate::editor_window::EditorWindow;
use crate::param_info::ParamInfo;
use crate::{HostError, Processor};

/// More restarts in a row than any plugin has a reason for.
const MAX_RESTARTS: u32 = 4;

/// One instance of a plugin. It stays on the thread that made it, its main thread.
///
/// Dropping it stops, deactivates and destroys the plugin. An instance whose [`Processor`] is away
/// at that moment is leaked: CLAP has no safe way to destroy it.
pub struct Host {
    // Dropped in this order: the audio half before the instance.
    pub(crate) processor: Option<Processor>,
    pub(crate) instance: PluginInstance<Handlers>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) params: Arc<[ParamInfo]>,
    /// Parameter changes while no processor is there to take them.
    pub(crate) changes: Changes,
    /// Answers of the plugin while no processor is there to keep them.
    pub(crate) answers: Answers,
    /// The window that the editor is in, while it is open.
    #[cfg(all(target_os = "linux", feature = "window"))]
    pub(crate) window: Option<EditorWindow>,
    configuration: Option<PluginAudioConfiguration>,
}

impl Host {
    pub(crate) fn new(entry: &PluginEntry, id: &CStr, track: &str) -> Result<Self, HostError> {
        let info = HostInfo::new("SACodec test host", "SACodec", "", env!("CARGO_PKG_VERSION"))?;
        let requests = Arc::new(Requests::new());
        let (shared, main) = (requests.clone(), requests.clone());
        requests.set_track(track);
        let instance = PluginInstance::new(|_| Shared(shared), |_| MainThread(main), entry, id, &info)?;
        let mut host = Self {
            processor: None,
            instance,
            requests,
            params: Arc::new([]),
            changes: Changes::new(),
            answers: Answers::new(),
            #[cfg(all(target_os = "linux", feature = "window"))]
            window: None,
            configuration: None,
        };
        host.params = host.read_params().into();
        Ok(host)
    }

    /// Activates the plugin with so many channels in and out and starts processing, then does what
    /// it asks for: nice-plug wants one restart once it knows its latency. An active plugin is
    /// deactivated before.
    ///
    /// # Errors
    /// [`HostError::Plugin`] where the plugin refuses, [`HostError::NoLayout`],
    /// [`HostError::BlockSizes`], [`HostError::RestartLoop`], [`HostError::ProcessorTaken`].
    pub fn activate(
        &mut self,
        rate_hz: f64,
        min_block: u32,
        max_block: u32,
        channels: usize,
    ) -> Result<(), HostError> {
        if min_block == 0 || min_block > max_block {
            return Err(HostError::BlockSizes { min: min_block, max: max_block });
        }
        if self.is_active() {
            self.deactivate()?;
        }
        self.select_layout(channels, channels)?;
        self.requests.restart.store(false, Ordering::SeqCst);
        self.activate_as(PluginAudioConfiguration {
            sample_rate: rate_hz,
            min_frames_count: min_block,
            max_frames_count: max_block,
        })?;
        self.run_requests()
    }

    fn activate_as(&mut self, configuration: PluginAudioConfiguration) -> Result<(), HostError> {
        let channels = self.main_channels()?;
        let stopped = self.instance.activate(|_, _| (), configuration)?;
        let changes = std::mem::replace(&mut self.changes, Changes::new());
        let answers = std::mem::replace(&mut self.answers, Answers::new());
        let params = self.params.clone();
        let processor = Processor::new(stopped, params, channels, configuration, changes, answers);
        let processor = self.processor.insert(processor);
        self.configuration = Some(configuration);
        processor.start()
    }

    /// Stops processing and deactivates the plugin. Parameter changes not yet delivered are kept.
    ///
    /// # Errors
    /// [`HostError::NotActive`], [`HostError::ProcessorTaken`].
    pub fn deactivate(&mut self) -> Result<(), HostError> {
        let Some(processor) = self.processor.take() else { return Err(self.why_no_processor()) };
        let (stopped, changes, answers) = processor.into_parts();
        (self.changes, self.answers) = (changes, answers);
        self.instance.deactivate(stopped);
        Ok(())
    }

    /// Renames the track and tells the plugin.
    ///
    /// # Errors
    /// [`HostError::Extension`].
    pub fn set_track(&mut self, name: &str) -> Result<(), HostError> {
        self.requests.set_track(name);
        let track_info = self.extension::<PluginTrackInfo>("clap.track-info")?;
        track_info.changed(&self.instance.plugin_handle());
        Ok(())
    }

    /// Whether the plugin is active.
    pub fn is_active(&self) -> bool {
        self.instance.is_active()
    }

    /// Whether the plugin asked for a restart that it did not get yet.
    pub fn restart_requested(&self) -> bool {
        self.requests.restart.load(Ordering::SeqCst)
    }

    /// Deactivates and activates again with the same rate and block sizes where the plugin asked
    /// for it; says whether it did.
    ///
    /// # Errors
    /// As [`Host::activate`].
    pub fn handle_restart(&mut self) -> Result<bool, HostError> {
        if !self.is_active() || !self.restart_requested() {
            return Ok(false);
        }
        self.deactivate()?;
        self.requests.restart.store(false, Ordering::SeqCst);
        self.activate_as(self.configuration.ok_or(HostError::NotActive)?)?;
        Ok(true)
    }

    /// Does all that the plugin asked for, as a host's event loop would: callbacks on the main
    /// thread and restarts, until it asks no more, and another size or the end of its editor's window.
    /// Flushes are the caller's business: a block does as well.
    ///
    /// # Errors
    /// As [`Host::activate`], and [`HostError::Screen`] where the window cannot be resized.
    pub fn run_requests(&mut self) -> Result<(), HostError> {
        self.run_callbacks()?;
        #[cfg(all(target_os = "linux", feature = "window"))]
        self.run_editor_requests()?;
        Ok(())
    }

    fn run_callbacks(&mut self) -> Result<(), HostError> {
        for _ in 0..=MAX_RESTARTS {
            if self.requests.callback.swap(false, Ordering::SeqCst) {
                self.instance.call_on_main_thread_callback();
            }
            if !self.handle_restart()? {
                return Ok(());
            }
        }
        Err(HostError::RestartLoop(MAX_RESTARTS))
    }

    /// How often the plugin called its host so far.
    pub fn calls(&self) -> Calls {
        self.requests.calls()
    }

    /// Latency that the plugin reports now; 0 where it reports none.
    pub fn latency_samples(&mut self) -> u32 {
        let plugin = self.instance.plugin_handle();
        plugin.get_extension::<PluginLatency>().map_or(0, |latency| latency.get(&plugin))
    }

    /// The audio half, to be used here.
    ///
    /// # Errors
    /// [`HostError::NotActive`], [`HostError::ProcessorTaken`].
    pub fn processor(&mut self) -> Result<&mut Processor, HostError> {
        let missing = self.why_no_processor();
        self.processor.as_mut().ok_or(missing)
    }

    /// Takes the audio half, to be used on another thread; give it back with
    /// [`Host::put_processor`] before the host is deactivated, restarted or dropped.
    ///
    /// # Errors
    /// [`HostError::NotActive`], [`HostError::ProcessorTaken`].
    pub fn take_processor(&mut self) -> Result<Processor, HostError> {
        self.processor.take().ok_or_else(|| self.why_no_processor())
    }

    /// Takes the audio half back. That of another instance is dropped.
    pub fn put_processor(&mut self, processor: Processor) {
        if processor.belongs_to(&self.instance) {
            self.processor = Some(processor);
        }
    }

    /// [`Processor::start`] here.
    ///
    /// # Errors
    /// As [`Processor::start`] and [`Host::processor`].
    pub fn start_processing(&mut self) -> Result<(), HostError> {
        self.processor()?.start()
    }

    /// [`Processor::stop`] here.
    ///
    /// # Errors
    /// As [`Host::processor`].
    pub fn stop_processing(&mut self) -> Result<(), HostError> {
        self.processor()?.stop();
        Ok(())
    }

    /// [`Processor::reset`] here.
    ///
    /// # Errors
    /// As [`Host::processor`].
    pub fn reset(&mut self) -> Result<(), HostError> {
        self.processor()?.reset();
        Ok(())
    }

    /// [`Processor::process`] here.
    ///
    /// # Errors
    /// As [`Processor::process`] and [`Host::processor`].
    pub fn process(&mut self, audio: &mut [&mut [f32]]) -> Result<ProcessStatus, HostError> {
        self.processor()?.process(audio)
    }

    /// [`Processor::render`] here.
    ///
    /// # Errors
    /// As [`Processor::render`] and [`Host::processor`].
    pub fn render(
        &mut self,
        input: &[Vec<f32>],
        blocks: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        self.processor()?.render(input, blocks)
    }

    pub(crate) fn extension<E>(&mut self, name: &'static str) -> Result<E, HostError>
    where
        E: Extension<ExtensionSide = PluginExtensionSide>,
    {
        self.instance.plugin_handle().get_extension().ok_or(HostError::Extension(name))
    }

    pub(crate) fn why_no_processor(&self) -> HostError {
        if self.is_active() { HostError::ProcessorTaken } else { HostError::NotActive }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        #[cfg(all(target_os = "linux", feature = "window"))]
        self.close_editor();
        // Inactive or taken: nothing to stop, or nothing that can be stopped from here.
        let _ = self.deactivate();
    }
}

//! The main-thread half of an instance.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::entry::PluginEntry;
use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::events::io::{EventBuffer, InputEvents, OutputEvents};
use clack_host::prelude::*;
use clack_host::utils::ClapId;

use crate::HostError;
use crate::callbacks::{Handlers, MainThread, Requests, Shared};
use crate::processor::Processor;

/// A parameter, as the plugin describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamInfo {
    /// The plugin's id of it.
    pub id: ClapId,
    /// Its name.
    pub name: String,
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// Default value.
    pub default: f64,
}

/// One instance of a plugin.
pub struct Host {
    // Dropped in this order: the audio half before the instance.
    processor: Option<Processor>,
    instance: PluginInstance<Handlers>,
    requests: Arc<Requests>,
    params: Vec<ParamInfo>,
    configuration: Option<(PluginAudioConfiguration, usize)>,
}

impl Host {
    pub(crate) fn new(entry: &PluginEntry, id: &CStr) -> Result<Self, HostError> {
        let name = HostInfo::new("SACodec test host", "SACodec", "", "0.1")
            .map_err(|_| HostError::Order("unnamed"))?;
        let requests = Arc::new(Requests::default());
        let (shared, main) = (requests.clone(), requests.clone());
        let instance =
            PluginInstance::<Handlers>::new(|_| Shared(shared), |_| MainThread(main), entry, id, &name)?;
        let mut host = Self { processor: None, instance, requests, params: Vec::new(), configuration: None };
        host.params = host.read_params()?;
        Ok(host)
    }

    /// Activates and starts the plugin with one port of `channels` in and out, and does the restart
    /// that a plugin may ask for once it knows its latency.
    ///
    /// # Errors
    /// [`HostError::Instance`] where the plugin refuses the configuration.
    pub fn activate(
        &mut self,
        rate_hz: f64,
        min_block: u32,
        max_block: u32,
        channels: usize,
    ) -> Result<(), HostError> {
        self.deactivate();
        self.select_ports(channels);
        let configuration = PluginAudioConfiguration {
            sample_rate: rate_hz,
            min_frames_count: min_block,
            max_frames_count: max_block,
        };
        self.configuration = Some((configuration, channels));
        self.start()?;
        self.run_requests()
    }

    fn start(&mut self) -> Result<(), HostError> {
        let (configuration, channels) = self.configuration.ok_or(HostError::Order("not configured"))?;
        let stopped = self.instance.activate(|_, _| (), configuration)?;
        let started = stopped.start_processing().map_err(|_| HostError::Order("not startable"))?;
        self.processor = Some(Processor::new(started, channels, configuration.max_frames_count as usize));
        Ok(())
    }

    /// Stops and deactivates the plugin.
    pub fn deactivate(&mut self) {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.inner.stop_processing());
        }
    }

    /// Does what the plugin asked for since the last call: main-thread callbacks and restarts.
    ///
    /// # Errors
    /// As [`Host::activate`].
    pub fn run_requests(&mut self) -> Result<(), HostError> {
        for _ in 0..4 {
            if self.requests.callback.swap(false, Ordering::SeqCst) {
                self.instance.call_on_main_thread_callback();
            }
            if self.processor.is_none() || !self.requests.restart.swap(false, Ordering::SeqCst) {
                break;
            }
            self.deactivate();
            self.start()?;
        }
        Ok(())
    }

    /// Whether the plugin asked to be restarted and was not yet.
    pub fn restart_requested(&self) -> bool {
        self.requests.restart.load(Ordering::SeqCst)
    }

    /// Latency that the plugin reports, in samples.
    pub fn latency_samples(&mut self) -> u32 {
        let mut plugin = self.instance.plugin_handle();
        plugin.get_extension::<PluginLatency>().map_or(0, |e| e.get(&mut plugin))
    }

    /// The plugin's parameters.
    pub fn params(&self) -> &[ParamInfo] {
        &self.params
    }

    /// The parameter of this name.
    ///
    /// # Errors
    /// [`HostError::Parameter`].
    pub fn param(&self, name: &str) -> Result<&ParamInfo, HostError> {
        self.params.iter().find(|p| p.name == name).ok_or_else(|| HostError::Parameter(name.into()))
    }

    /// Sets a parameter: with the next block where the plugin is active, now where it is not.
    ///
    /// # Errors
    /// [`HostError::Parameter`].
    pub fn set_param(&mut self, name: &str, value: f64) -> Result<(), HostError> {
        let id = self.param(name)?.id;
        if let Some(processor) = &mut self.processor {
            processor.set_param_id(id, value, 0);
            return Ok(());
        }
        let params = self.extension::<PluginParams>("params")?;
        let mut events = EventBuffer::new();
        events.push(&ParamValueEvent::new(0, id, Pckn::match_all(), value));
        let mut sent = EventBuffer::new();
        let (events, mut sent) = (InputEvents::from_buffer(&events), OutputEvents::from_buffer(&mut sent));
        let mut plugin = self.instance.inactive_plugin_handle().ok_or(HostError::Order("active"))?;
        params.flush(&mut plugin, &events, &mut sent);
        Ok(())
    }

    /// Value of a parameter.
    ///
    /// # Errors
    /// [`HostError::Parameter`].
    pub fn param_value(&mut self, name: &str) -> Result<f64, HostError> {
        let id = self.param(name)?.id;
        let params = self.extension::<PluginParams>("params")?;
        let plugin = self.instance.plugin_handle();
        params.get_value(&plugin, id).ok_or_else(|| HostError::Parameter(name.into()))
    }

    /// A value of a parameter in words.
    ///
    /// # Errors
    /// [`HostError::Parameter`].
    pub fn value_to_text(&mut self, name: &str, value: f64) -> Result<String, HostError> {
        let id = self.param(name)?.id;
        let params = self.extension::<PluginParams>("params")?;
        let plugin = self.instance.plugin_handle();
        let mut buffer = [0; 256];
        let text = params.value_to_text(&plugin, id, value, &mut buffer);
        let text = text.map_err(|_| HostError::Parameter(name.into()))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The value that words stand for; `None` where the plugin does not understand them.
    ///
    /// # Errors
    /// [`HostError::Parameter`].
    pub fn text_to_value(&mut self, name: &str, text: &str) -> Result<Option<f64>, HostError> {
        let id = self.param(name)?.id;
        let text = std::ffi::CString::new(text)?;
        let params = self.extension::<PluginParams>("params")?;
        let plugin = self.instance.plugin_handle();
        Ok(params.text_to_value(&plugin, id, &text))
    }

    /// The plugin's state.
    ///
    /// # Errors
    /// [`HostError::State`].
    pub fn save_state(&mut self) -> Result<Vec<u8>, HostError> {
        let state = self.extension::<PluginState>("state")?;
        let mut bytes = Vec::new();
        let plugin = self.instance.plugin_handle();
        state.save(&plugin, &mut bytes).map_err(|_| HostError::State("could not save"))?;
        Ok(bytes)
    }

    /// Gives the plugin a state.
    ///
    /// # Errors
    /// [`HostError::State`] where it is refused.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        let state = self.extension::<PluginState>("state")?;
        let plugin = self.instance.plugin_handle();
        state.load(&plugin, &mut &*bytes).map_err(|_| HostError::State("refused"))
    }

    /// Tells the plugin whether the host bounces.
    ///
    /// # Errors
    /// [`HostError::Extension`].
    pub fn set_offline(&mut self, offline: bool) -> Result<(), HostError> {
        let render = self.extension::<PluginRender>("render")?;
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        let plugin = self.instance.plugin_handle();
        render.set(&plugin, mode).map_err(|_| HostError::Extension("render"))
    }

    /// The audio half, to be used here or to be taken to another thread.
    ///
    /// # Errors
    /// [`HostError::Order`] before activation.
    pub fn processor(&mut self) -> Result<&mut Processor, HostError> {
        self.processor.as_mut().ok_or(HostError::Order("not active"))
    }

    /// Takes the audio half away; give it back with [`Host::put_processor`].
    ///
    /// # Errors
    /// [`HostError::Order`] before activation.
    pub fn take_processor(&mut self) -> Result<Processor, HostError> {
        self.processor.take().ok_or(HostError::Order("not active"))
    }

    /// Gives the audio half back.
    pub fn put_processor(&mut self, processor: Processor) {
        self.processor = Some(processor);
    }

    /// Processes `input` in blocks of the sizes given, which must not exceed the activation's.
    ///
    /// # Errors
    /// As [`Processor::process`].
    pub fn render(
        &mut self,
        input: &[Vec<f32>],
        blocks: &mut dyn Iterator<Item = usize>,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        let mut out = input.to_vec();
        let length = input.first().map_or(0, Vec::len);
        let processor = self.processor()?;
        let mut start = 0;
        while start < length {
            let block = blocks.next().unwrap_or(length).min(length - start);
            let mut slices: Vec<&mut [f32]> = out.iter_mut().map(|c| &mut c[start..start + block]).collect();
            processor.process(&mut slices)?;
            start += block;
        }
        Ok(out)
    }

    fn extension<
        E: clack_host::extensions::Extension<ExtensionSide = clack_host::extensions::PluginExtensionSide>,
    >(
        &mut self,
        name: &'static str,
    ) -> Result<E, HostError> {
        self.instance.plugin_handle().get_extension::<E>().ok_or(HostError::Extension(name))
    }

    /// Selects the first layout with this many channels, where the plugin offers a choice.
    fn select_ports(&mut self, channels: usize) {
        let Ok(ports) = self.extension::<PluginAudioPortsConfig>("audio-ports-config") else { return };
        let Some(mut plugin) = self.instance.inactive_plugin_handle() else { return };
        let mut buffer = AudioPortsConfigBuffer::new();
        for index in 0..ports.count(&plugin) {
            let id = ports
                .get(&plugin, index, &mut buffer)
                .filter(|c| c.main_output.as_ref().is_some_and(|o| o.channel_count as usize == channels))
                .map(|c| c.id);
            if let Some(id) = id {
                let _ = ports.select(&mut plugin, id);
                return;
            }
        }
    }

    fn read_params(&mut self) -> Result<Vec<ParamInfo>, HostError> {
        let params = self.extension::<PluginParams>("params")?;
        let plugin = self.instance.plugin_handle();
        let mut buffer = ParamInfoBuffer::new();
        let count = params.count(&plugin);
        let infos = (0..count).filter_map(|index| {
            params.get_info(&plugin, index, &mut buffer).map(|info| ParamInfo {
                id: info.id,
                name: String::from_utf8_lossy(info.name).into_owned(),
                min: info.min_value,
                max: info.max_value,
                default: info.default_value,
            })
        });
        Ok(infos.collect())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.deactivate();
    }
}

//! Audio layouts: how many channels go in and out.

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_host::prelude::*;

use crate::params::text_of;
use crate::{Host, HostError};

/// Channels of the main ports, one of the choices that a plugin offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The plugin's number for it.
    pub id: ClapId,
    /// Name that the user sees.
    pub name: String,
    /// Channels of the main input.
    pub inputs: usize,
    /// Channels of the main output.
    pub outputs: usize,
}

impl Host {
    /// The layouts to choose from; none where the plugin offers no choice.
    pub fn layouts(&mut self) -> Vec<Layout> {
        let plugin = self.instance.plugin_handle();
        let Some(configs) = plugin.get_extension::<PluginAudioPortsConfig>() else { return Vec::new() };
        let mut buffer = AudioPortsConfigBuffer::new();
        let mut layouts = Vec::new();
        for index in 0..configs.count(&plugin) {
            if let Some(config) = configs.get(&plugin, index, &mut buffer) {
                layouts.push(Layout {
                    id: config.id,
                    name: text_of(config.name),
                    inputs: config.main_input.map_or(0, |port| port.channel_count as usize),
                    outputs: config.main_output.map_or(0, |port| port.channel_count as usize),
                });
            }
        }
        layouts
    }

    /// Selects the layout of so many channels. The plugin must be inactive.
    ///
    /// # Errors
    /// [`HostError::NoLayout`], [`HostError::Active`].
    pub fn select_layout(&mut self, inputs: usize, outputs: usize) -> Result<(), HostError> {
        if self.is_active() {
            return Err(HostError::Active);
        }
        let layouts = self.layouts();
        if layouts.is_empty() && self.main_channels()? == (inputs, outputs) {
            return Ok(());
        }
        let known = layouts.iter().map(|layout| (layout.inputs, layout.outputs)).collect();
        let wanted = layouts.iter().find(|layout| (layout.inputs, layout.outputs) == (inputs, outputs));
        let Some(layout) = wanted else { return Err(HostError::NoLayout { inputs, outputs, known }) };
        let configs = self.extension::<PluginAudioPortsConfig>("clap.audio-ports-config")?;
        let selected = configs.select(&self.instance.plugin_handle(), layout.id);
        selected.map_err(|_| HostError::NoLayout { inputs, outputs, known })
    }

    /// Channels in and out of the main ports as they are selected.
    ///
    /// # Errors
    /// [`HostError::Extension`].
    pub fn main_channels(&mut self) -> Result<(usize, usize), HostError> {
        let ports = self.extension::<PluginAudioPorts>("clap.audio-ports")?;
        let plugin = self.instance.plugin_handle();
        let mut buffer = AudioPortInfoBuffer::new();
        let mut channels = |is_input| {
            ports.get(&plugin, 0, is_input, &mut buffer).map_or(0, |port| port.channel_count as usize)
        };
        Ok((channels(true), channels(false)))
    }
}

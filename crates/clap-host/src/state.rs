//! What a project file keeps, and live or offline.

use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;

use crate::{Host, HostError};

impl Host {
    /// The plugin's state, as a host would put it into a project.
    ///
    /// # Errors
    /// [`HostError::Extension`], [`HostError::StateNotSaved`].
    pub fn save_state(&mut self) -> Result<Vec<u8>, HostError> {
        let state = self.extension::<PluginState>("clap.state")?;
        let mut bytes = Vec::new();
        let saved = state.save(&self.instance.plugin_handle(), &mut bytes);
        saved.map_err(|_| HostError::StateNotSaved)?;
        Ok(bytes)
    }

    /// Gives the plugin a state.
    ///
    /// # Errors
    /// [`HostError::Extension`], [`HostError::StateRefused`].
    pub fn load_state(&mut self, mut bytes: &[u8]) -> Result<(), HostError> {
        let state = self.extension::<PluginState>("clap.state")?;
        let length = bytes.len();
        let loaded = state.load(&self.instance.plugin_handle(), &mut bytes);
        loaded.map_err(|_| HostError::StateRefused { bytes: length })
    }

    /// Tells the plugin whether it plays live or is bounced. An active plugin may ask for a restart
    /// upon it: see [`Host::run_requests`].
    ///
    /// # Errors
    /// [`HostError::Extension`], [`HostError::RenderMode`].
    pub fn set_offline(&mut self, offline: bool) -> Result<(), HostError> {
        let render = self.extension::<PluginRender>("clap.render")?;
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        render.set(&self.instance.plugin_handle(), mode).map_err(|_| HostError::RenderMode)
    }
}

//! Parameters of an instance: values and texts, changes, remote-control pages.

use std::ffi::CString;

use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::remote_controls::{PluginRemoteControls, RemoteControlsPageBuffer};

use crate::answers::ParamEvent;
use crate::param_info::{ParamInfo, RemotePage, find};
use crate::{Host, HostError};

impl Host {
    /// The plugin's parameters, in its order.
    pub fn params(&self) -> &[ParamInfo] {
        &self.params
    }

    /// The parameter of this name.
    ///
    /// # Errors
    /// [`HostError::NoParameter`].
    pub fn param(&self, name: &str) -> Result<&ParamInfo, HostError> {
        find(&self.params, name)
    }

    /// Sets a parameter: with the next block where the plugin is active, now where it is not.
    ///
    /// # Errors
    /// [`HostError::NoParameter`], [`HostError::ProcessorTaken`].
    pub fn set_param(&mut self, name: &str, value: f64) -> Result<(), HostError> {
        self.set_param_at(name, value, 0)?;
        if self.is_active() { Ok(()) } else { self.flush() }
    }

    /// Queues a value for a sample from the start of the next block on; it may lie blocks ahead.
    ///
    /// # Errors
    /// [`HostError::NoParameter`], [`HostError::ProcessorTaken`].
    pub fn set_param_at(&mut self, name: &str, value: f64, offset_samples: u32) -> Result<(), HostError> {
        let (id, active) = (self.param(name)?.id, self.is_active());
        match &mut self.processor {
            Some(processor) => processor.set_param_id(id, value, offset_samples),
            None if active => return Err(HostError::ProcessorTaken),
            None => self.changes.push(id, value, offset_samples),
        }
        Ok(())
    }

    /// Delivers all queued values now, without processing.
    ///
    /// # Errors
    /// [`HostError::Extension`], [`HostError::ProcessorTaken`].
    pub fn flush(&mut self) -> Result<(), HostError> {
        let params = self.extension::<PluginParams>("clap.params")?;
        if let Some(processor) = &mut self.processor {
            processor.flush(params);
            return Ok(());
        }
        let Some(mut plugin) = self.instance.inactive_plugin_handle() else {
            return Err(HostError::ProcessorTaken);
        };
        params.flush(&mut plugin, &self.changes.all().as_input(), &mut self.answers.as_output());
        self.answers.keep();
        Ok(())
    }

    /// What the plugin told of its parameters with blocks and flushes since the last call, oldest
    /// first: the user's gestures in its editor. While the processor is away it keeps its own, see
    /// [`Processor::take_param_events`].
    ///
    /// [`Processor::take_param_events`]: crate::Processor::take_param_events
    pub fn take_param_events(&mut self) -> Vec<ParamEvent> {
        let mut events = self.answers.take();
        events.extend(self.processor.iter_mut().flat_map(|processor| processor.take_param_events()));
        events
    }

    /// Value of a parameter now; values still queued are not in it.
    ///
    /// # Errors
    /// [`HostError::NoParameter`], [`HostError::ParameterText`].
    pub fn param_value(&mut self, name: &str) -> Result<f64, HostError> {
        let id = self.param(name)?.id;
        let params = self.extension::<PluginParams>("clap.params")?;
        let value = params.get_value(&self.instance.plugin_handle(), id);
        value.ok_or_else(|| HostError::ParameterText(name.to_owned()))
    }

    /// What the plugin shows for a value of a parameter.
    ///
    /// # Errors
    /// [`HostError::NoParameter`], [`HostError::ParameterText`].
    pub fn value_to_text(&mut self, name: &str, value: f64) -> Result<String, HostError> {
        let id = self.param(name)?.id;
        let params = self.extension::<PluginParams>("clap.params")?;
        let mut buffer = [0; 256];
        let text = params.value_to_text(&self.instance.plugin_handle(), id, value, &mut buffer);
        let text = text.map_err(|_| HostError::ParameterText(name.to_owned()))?;
        Ok(text_of(text))
    }

    /// The value that the plugin understands by a text; `None` where it does not understand.
    ///
    /// # Errors
    /// [`HostError::NoParameter`], [`HostError::Text`].
    pub fn text_to_value(&mut self, name: &str, text: &str) -> Result<Option<f64>, HostError> {
        let id = self.param(name)?.id;
        let text = CString::new(text)?;
        let params = self.extension::<PluginParams>("clap.params")?;
        Ok(params.text_to_value(&self.instance.plugin_handle(), id, &text))
    }

    /// The plugin's remote-control pages; none where it does not implement them.
    pub fn remote_pages(&mut self) -> Vec<RemotePage> {
        let plugin = self.instance.plugin_handle();
        let Some(remote) = plugin.get_extension::<PluginRemoteControls>() else { return Vec::new() };
        let mut buffer = RemoteControlsPageBuffer::new();
        let mut pages = Vec::new();
        for index in 0..remote.count(&plugin) {
            if let Some(page) = remote.get(&plugin, index, &mut buffer) {
                let (section, name) = (text_of(page.section_name), text_of(page.page_name));
                pages.push(RemotePage { section, name, params: page.param_ids });
            }
        }
        pages
    }

    pub(crate) fn read_params(&mut self) -> Vec<ParamInfo> {
        let plugin = self.instance.plugin_handle();
        let Some(params) = plugin.get_extension::<PluginParams>() else { return Vec::new() };
        let mut buffer = ParamInfoBuffer::new();
        let mut infos = Vec::new();
        for index in 0..params.count(&plugin) {
            if let Some(info) = params.get_info(&plugin, index, &mut buffer) {
                infos.push(ParamInfo {
                    id: info.id,
                    name: text_of(info.name),
                    module: text_of(info.module),
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                    flags: info.flags,
                });
            }
        }
        infos
    }
}

/// A text from the plugin; bytes that are not UTF-8 are replaced.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

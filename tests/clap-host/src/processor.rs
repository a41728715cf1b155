//! The audio half of an instance.

use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::events::io::{EventBuffer, InputEvents, OutputEvents};
use clack_host::prelude::*;
use clack_host::utils::ClapId;

use crate::HostError;
use crate::callbacks::Handlers;

/// Processes blocks; may move to another thread.
pub struct Processor {
    pub(crate) inner: StartedPluginAudioProcessor<Handlers>,
    inputs: AudioPorts,
    outputs: AudioPorts,
    events: EventBuffer,
    sent: EventBuffer,
    steady_samples: u64,
    scratch: Vec<Vec<f32>>,
}

impl Processor {
    pub(crate) fn new(
        inner: StartedPluginAudioProcessor<Handlers>,
        channels: usize,
        max_block: usize,
    ) -> Self {
        Self {
            inner,
            inputs: AudioPorts::with_capacity(channels, 1),
            outputs: AudioPorts::with_capacity(channels, 1),
            events: EventBuffer::with_capacity(256),
            sent: EventBuffer::with_capacity(256),
            steady_samples: 0,
            scratch: vec![vec![0.0; max_block]; channels],
        }
    }

    /// Queues a parameter change for `offset` samples into the next block.
    pub fn set_param_id(&mut self, id: ClapId, value: f64, offset: u32) {
        self.events.push(&ParamValueEvent::new(offset, id, Pckn::match_all(), value));
    }

    /// Processes `audio` in place: all channels of one length, at most the block size of the
    /// activation. Never allocates.
    ///
    /// # Errors
    /// [`HostError::Instance`] where the plugin reports an error.
    pub fn process(&mut self, audio: &mut [&mut [f32]]) -> Result<(), HostError> {
        let length = audio.first().map_or(0, |c| c.len());
        for (scratch, channel) in self.scratch.iter_mut().zip(audio.iter()) {
            scratch[..length].copy_from_slice(channel);
        }
        let inputs = self.inputs.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                self.scratch.iter_mut().map(|c| InputChannel::variable(&mut c[..length])),
            ),
        }]);
        let mut outputs = self.outputs.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(audio.iter_mut().map(|c| &mut **c)),
        }]);
        let events = InputEvents::from_buffer(&self.events);
        let mut sent = OutputEvents::from_buffer(&mut self.sent);
        self.inner.process(&inputs, &mut outputs, &events, &mut sent, Some(self.steady_samples), None)?;
        self.events.clear();
        self.sent.clear();
        self.steady_samples += length as u64;
        Ok(())
    }

    /// Channels of the one port in and out.
    pub fn channels(&self) -> usize {
        self.scratch.len()
    }

    /// Tells the plugin that the stream was cut.
    pub fn reset(&mut self) {
        self.inner.reset();
    }
}

//! The audio half of an instance.

use std::sync::Arc;

use clack_extensions::params::PluginParams;
use clack_host::prelude::*;

use crate::answers::{Answers, ParamEvent};
use crate::callbacks::{AudioThread, Handlers};
use crate::changes::Changes;
use crate::param_info::{ParamInfo, find};
use crate::{HostError, Transport};

/// Processes blocks. May move to another thread; used by one at a time.
pub struct Processor {
    plugin: PluginAudioProcessor<Handlers>,
    params: Arc<[ParamInfo]>,
    channels: (usize, usize),
    max_block: usize,
    inputs: AudioPorts,
    outputs: AudioPorts,
    /// What the plugin reads, so that it can do no harm to the caller's samples.
    scratch: Vec<Vec<f32>>,
    changes: Changes,
    answers: Answers,
    steady_samples: u64,
    rate_hz: f64,
    transport: Option<Transport>,
}

impl Processor {
    pub(crate) fn new(
        plugin: StoppedPluginAudioProcessor<Handlers>,
        params: Arc<[ParamInfo]>,
        channels: (usize, usize),
        configuration: PluginAudioConfiguration,
        changes: Changes,
        answers: Answers,
    ) -> Self {
        let max_block = configuration.max_frames_count as usize;
        Self {
            plugin: plugin.into(),
            params,
            channels,
            max_block,
            inputs: AudioPorts::with_capacity(channels.0, 1),
            outputs: AudioPorts::with_capacity(channels.1, 1),
            scratch: vec![vec![0.0; max_block]; channels.0],
            changes,
            answers,
            steady_samples: 0,
            rate_hz: configuration.sample_rate,
            transport: None,
        }
    }

    /// What the plugin is told of the transport from the next block on; nothing without one, as at
    /// first. [`Processor::stop`] and [`Processor::reset`] leave it alone; it is gone when the plugin
    /// is deactivated or restarted. A block that failed does not move it.
    ///
    /// # Real-time
    /// Allocates, locks, waits: never.
    pub fn set_transport(&mut self, transport: Option<Transport>) {
        self.transport = transport;
    }

    /// Where the transport is now: at the next block's first sample.
    pub fn transport(&self) -> Option<Transport> {
        self.transport
    }

    /// The transport, to be stopped, moved or given another tempo from the next block on.
    ///
    /// # Real-time
    /// Allocates, locks, waits: never.
    pub fn transport_mut(&mut self) -> Option<&mut Transport> {
        self.transport.as_mut()
    }

    /// Starts processing; no effect where it is started, as after [`Host::activate`].
    ///
    /// [`Host::activate`]: crate::Host::activate
    ///
    /// # Errors
    /// [`HostError::Plugin`] where the plugin refuses.
    pub fn start(&mut self) -> Result<(), HostError> {
        let _here = AudioThread::enter();
        self.plugin.ensure_processing_started()?;
        Ok(())
    }

    /// Sends the plugin to sleep; no effect where it sleeps.
    pub fn stop(&mut self) {
        let _here = AudioThread::enter();
        self.plugin.ensure_processing_stopped();
    }

    /// Tells the plugin that the stream was cut: all signal memory is to be cleared.
    pub fn reset(&mut self) {
        let _here = AudioThread::enter();
        self.plugin.reset();
        self.steady_samples = 0;
    }

    /// Channels of the one port in and out.
    pub fn channels(&self) -> usize {
        self.channels.1
    }

    /// Largest block that the plugin was activated for.
    pub fn max_block(&self) -> usize {
        self.max_block
    }

    /// Queues a value for a sample from the start of the next block on; it may lie blocks ahead.
    ///
    /// # Errors
    /// [`HostError::NoParameter`].
    pub fn set_param(&mut self, name: &str, value: f64, offset_samples: u32) -> Result<(), HostError> {
        let id = find(&self.params, name)?.id;
        self.set_param_id(id, value, offset_samples);
        Ok(())
    }

    /// [`Processor::set_param`] by the parameter's number.
    ///
    /// # Real-time
    /// Allocates only when more than 256 changes wait.
    pub fn set_param_id(&mut self, id: ClapId, value: f64, offset_samples: u32) {
        self.changes.push(id, value, offset_samples);
    }

    /// What the plugin told of its parameters since the last call, oldest first.
    pub fn take_param_events(&mut self) -> Vec<ParamEvent> {
        self.answers.take()
    }

    /// Processes one block in place: all channels of one length, from 0 to the largest block.
    ///
    /// # Real-time
    /// As [`Processor::process_to`].
    ///
    /// # Errors
    /// As [`Processor::process_to`].
    pub fn process(&mut self, audio: &mut [&mut [f32]]) -> Result<ProcessStatus, HostError> {
        self.check_channels(audio.len(), audio.len())?;
        let length = one_length(audio.iter().map(|channel| channel.len()))?;
        self.read(audio.iter().map(|channel| &**channel), length)?;
        self.block(audio.iter_mut().map(|channel| &mut **channel), length)
    }

    /// Processes one block: all channels of one length, from 0 to the largest block.
    ///
    /// # Real-time
    /// Of the host's own, allocates, locks, waits: never, up to 256 parameter changes a block and 4096
    /// events from the plugin that nobody took.
    ///
    /// # Errors
    /// [`HostError::Channels`], [`HostError::BlockLength`], [`HostError::Plugin`] where the plugin
    /// is stopped or reports an error.
    pub fn process_to(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
    ) -> Result<ProcessStatus, HostError> {
        self.check_channels(input.len(), output.len())?;
        let given = input.iter().map(|channel| channel.len());
        let length = one_length(given.chain(output.iter().map(|channel| channel.len())))?;
        self.read(input.iter().copied(), length)?;
        self.block(output.iter_mut().map(|channel| &mut **channel), length)
    }

    /// Processes a block of `length` samples without any port: some hosts do so on bypass.
    ///
    /// # Errors
    /// [`HostError::BlockLength`], [`HostError::Plugin`].
    pub fn process_without_ports(&mut self, length: usize) -> Result<ProcessStatus, HostError> {
        let frames = u32::try_from(self.checked(length)?).unwrap_or(u32::MAX);
        // SAFETY: there is no buffer that could be invalid or too short.
        let inputs = unsafe { InputAudioBuffers::from_raw_buffers(&[], frames) };
        let _here = AudioThread::enter();
        let plugin = self.plugin.as_started_mut()?;
        let steady = Some(self.steady_samples);
        let events = self.changes.of_block(length).as_input();
        let mut outputs = OutputAudioBuffers::empty();
        let transport = self.transport.map(|transport| transport.event(self.rate_hz));
        let mut answers = self.answers.as_output();
        let status =
            plugin.process(&inputs, &mut outputs, &events, &mut answers, steady, transport.as_ref())?;
        self.answers.keep();
        self.steady_samples += length as u64;
        if let Some(transport) = &mut self.transport {
            transport.advance(length, self.rate_hz);
        }
        Ok(status)
    }

    /// Processes `input` block by block; sizes are cut to what is left, and when `blocks` ends the
    /// rest comes in the largest blocks. As long as the input, one vector a channel.
    ///
    /// # Errors
    /// As [`Processor::process`].
    pub fn render(
        &mut self,
        input: &[Vec<f32>],
        blocks: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        let length = one_length(input.iter().map(Vec::len))?;
        let mut output = vec![vec![0.0; length]; self.channels.1];
        self.check_channels(input.len(), output.len())?;
        let (mut blocks, mut start) = (blocks.into_iter(), 0);
        while start < length {
            let end = length.min(start + blocks.next().unwrap_or(self.max_block));
            self.read(input.iter().map(|channel| &channel[start..end]), end - start)?;
            self.block(output.iter_mut().map(|channel| &mut channel[start..end]), end - start)?;
            start = end;
        }
        Ok(output)
    }

    /// Copies a block to where the plugin reads it.
    fn read<'a>(&mut self, input: impl Iterator<Item = &'a [f32]>, length: usize) -> Result<(), HostError> {
        self.checked(length)?;
        for (scratch, channel) in self.scratch.iter_mut().zip(input) {
            scratch[..length].copy_from_slice(channel);
        }
        Ok(())
    }

    /// Processes what was read last.
    fn block<'a>(
        &'a mut self,
        output: impl Iterator<Item = &'a mut [f32]>,
        length: usize,
    ) -> Result<ProcessStatus, HostError> {
        let _here = AudioThread::enter();
        let plugin = self.plugin.as_started_mut()?;
        let inputs = self.inputs.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                self.scratch.iter_mut().map(|channel| InputChannel::variable(&mut channel[..length])),
            ),
        }]);
        let mut outputs = self.outputs.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(output),
        }]);
        let events = self.changes.of_block(length).as_input();
        let steady = Some(self.steady_samples);
        let transport = self.transport.map(|transport| transport.event(self.rate_hz));
        let mut answers = self.answers.as_output();
        let status =
            plugin.process(&inputs, &mut outputs, &events, &mut answers, steady, transport.as_ref())?;
        self.answers.keep();
        self.steady_samples += length as u64;
        if let Some(transport) = &mut self.transport {
            transport.advance(length, self.rate_hz);
        }
        Ok(status)
    }

    fn checked(&self, length: usize) -> Result<usize, HostError> {
        if length > self.max_block {
            return Err(HostError::BlockLength {
                found: length,
                expected: "the plugin was activated for less",
            });
        }
        Ok(length)
    }

    fn check_channels(&self, inputs: usize, outputs: usize) -> Result<(), HostError> {
        for (found, expected) in [(inputs, self.channels.0), (outputs, self.channels.1)] {
            if found != expected {
                return Err(HostError::Channels { found, expected });
            }
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self, params: PluginParams) {
        let _here = AudioThread::enter();
        let mut plugin = self.plugin.plugin_handle();
        params.flush_active(&mut plugin, &self.changes.all().as_input(), &mut self.answers.as_output());
        self.answers.keep();
    }

    pub(crate) fn belongs_to(&self, instance: &PluginInstance<Handlers>) -> bool {
        self.plugin.matches(instance)
    }

    pub(crate) fn into_parts(mut self) -> (StoppedPluginAudioProcessor<Handlers>, Changes, Answers) {
        self.stop();
        (self.plugin.into_stopped(), self.changes, self.answers)
    }
}

/// The length that all have.
fn one_length(mut lengths: impl Iterator<Item = usize>) -> Result<usize, HostError> {
    let length = lengths.next().unwrap_or(0);
    if lengths.all(|other| other == length) {
        return Ok(length);
    }
    Err(HostError::BlockLength { found: length, expected: "all channels must have one length" })
}

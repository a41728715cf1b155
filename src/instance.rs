//! One plugin in one host.

use std::sync::Arc;
use std::time::Instant;

use nice_plug::prelude::*;

use super::chosen_file::{FileChoice, Offered};
use super::editor::SacodecEditor;
use super::handover::Handover;
use super::offers::OfferLink;
use super::packs::PackChoice;
use super::params::SacodecParams;
use super::recording::{self, BlockSettings, Recording};
use super::state::SessionState;
use super::status::Status;
use sacodec_engine::{
    CodecSet, Engine, EngineConfig, EngineRelay, LockFollower, TimelineLock, Timing, Transport,
};
use sacodec_network::LossTrace;
use sacodec_scope::{TapReceiver, TapSender, tap};
use sacodec_token::TokenTrack;

/// The editor is asked to draw itself this often while sound runs.
const EDITOR_RATE_HZ: f64 = 30.0;

/// The plugin that hosts load.
pub struct SacodecPlugin {
    params: Arc<SacodecParams>,
    status: Arc<Status>,
    /// The audio thread's end of what the editor shows.
    tap: TapSender,
    /// The editor's end, until there is an editor.
    receiver: Option<TapReceiver>,
    /// Samples since the editor was last asked to draw.
    unshown_samples: usize,
    /// Made on activation; kept while rate, channels, scheduling and pack stay the same.
    relay: Option<EngineRelay>,
    /// Brings another engine while sound runs, where hosts do not restart us: in VST3.
    handover: Option<Handover>,
    recording: Recording,
    lock: LockFollower,
    /// Brings the codecs of another pack, and takes the old ones back.
    packs: OfferLink<CodecSet>,
    traces: OfferLink<Offered<LossTrace>>,
    /// Brings takes to be played.
    tracks: OfferLink<Offered<TokenTrack>>,
    rate_hz: f64,
    rendering: bool,
    /// A pack with another delay was chosen: only an engine of its own can play it.
    pack_awaits_restart: bool,
    /// The host was asked to restart us and has not yet.
    restart_requested: bool,
}

impl Default for SacodecPlugin {
    fn default() -> Self {
        let status = Arc::new(Status::default());
        let (tap, receiver) = tap();
        let (pack, packs) = PackChoice::new(status.clone());
        let (trace, traces) = FileChoice::new(status.clone());
        let (played, tracks) = FileChoice::new(status.clone());
        let session = SessionState::new(pack, trace, played);
        Self {
            params: Arc::new(SacodecParams::new(session)),
            packs,
            traces,
            tracks,
            status,
            tap,
            receiver: Some(receiver),
            unshown_samples: 0,
            relay: None,
            handover: None,
            recording: Recording::default(),
            lock: LockFollower::default(),
            rate_hz: 0.0,
            rendering: false,
            pack_awaits_restart: false,
            restart_requested: false,
        }
    }
}

impl Plugin for SacodecPlugin {
    const NAME: &'static str = "SACodec";
    const VENDOR: &'static str = "SACodec";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        AudioIOLayout {
            main_input_channels: NonZeroU32::new(2),
            main_output_channels: NonZeroU32::new(2),
            ..AudioIOLayout::const_default()
        },
        AudioIOLayout {
            main_input_channels: NonZeroU32::new(1),
            main_output_channels: NonZeroU32::new(1),
            ..AudioIOLayout::const_default()
        },
    ];

    type Editor = SacodecEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _: AsyncExecutor<Self>) -> Option<Self::Editor> {
        let (params, status) = (self.params.clone(), self.status.clone());
        self.receiver.take().map(|receiver| SacodecEditor::new(params, status, receiver))
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let wanted = EngineConfig {
            rate_hz: f64::from(config.sample_rate),
            channels: layout.main_output_channels.map_or(0, |n| n.get() as usize),
            scheduling: self.params.scheduling(),
        };
        // Some hosts activate anew without a word before.
        self.end_stream();
        self.rate_hz = wanted.rate_hz;
        self.lock.reset();
        self.rendering = config.process_mode == ProcessMode::Offline;
        self.restart_requested = false;
        self.pack_awaits_restart = false;
        let codecs = match self.params.session.pack.codecs() {
            Ok(codecs) => codecs,
            Err(error) => return refuse(&error),
        };
        match &mut self.relay {
            // Nothing is on its way in.
            Some(relay) if is_as_wanted(relay, wanted, &codecs) => drop(relay.reset()),
            before => match Engine::with_codecs(codecs, wanted) {
                Ok(mut engine) => {
                    engine.continue_counts(before.as_ref().map(|b| b.engine().stats()).unwrap_or_default());
                    *before = Some(EngineRelay::new(engine));
                }
                Err(error) => return refuse(&error),
            },
        }
        if context.plugin_api() == PluginApi::Vst3 && self.handover.is_none() {
            // Without a thread for it what is chosen waits for a restart, as it does elsewhere.
            self.handover = Handover::spawn(self.status.clone()).ok();
        }
        if let Some(handover) = &mut self.handover {
            handover.activate();
        }
        let Some(relay) = &mut self.relay else { return false };
        relay.set_trace(self.params.session.trace.current());
        relay.set_track(self.params.session.played.current());
        let timing = *relay.engine().timing();
        // In VST3 the mode is one set-up stale: what claims to render may be playing live.
        let may_wait = self.rendering && context.plugin_api() == PluginApi::Clap;
        self.recording.activate(&self.params, &self.status, &timing, may_wait);
        self.status.set_awaits_restart(false);
        self.begin_stream(&timing);
        context.set_latency_samples(timing.latency_samples as u32);
        true
    }

    fn reset(&mut self) {
        let Some(relay) = &mut self.relay else { return };
        self.recording.flush(relay.engine_mut(), &self.params.controls(self.rendering));
        if let (Some(engine), Some(handover)) = (relay.reset(), &mut self.handover) {
            handover.wait_again(engine);
        }
        self.lock.reset();
        self.recording.reset();
        self.tap.begin_stream(*relay.engine().timing(), relay.engine().config().channels);
    }

    fn deactivate(&mut self) {
        self.end_stream();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let Some(relay) = &mut self.relay else {
            return ProcessStatus::Error("process was called before activate");
        };
        if relay.complete() {
            let timing = *relay.engine().timing();
            self.recording.change_engine(&timing);
            self.begin_stream(&timing);
            context.set_latency_samples(timing.latency_samples as u32);
        }
        // Reading the clock may be a system call, so the load is measured for the editor alone.
        let now = recording::translate(context.transport());
        let start = self.tap.begin_block(now).then(Instant::now);
        self.take_pack();
        // A host that does not tell where it is has no place for a take.
        self.take_files(now.playing && now.position_samples.is_some());
        let awaits_restart = self.bring_engine(buffer.samples(), &now);
        let Some(relay) = &mut self.relay else { return ProcessStatus::Normal };
        let mut controls = self.params.controls(self.rendering);
        controls.audition = self.status.audition().filter(|_| !self.rendering);
        self.tap.set_coded(controls.channels);
        let settings = BlockSettings { controls, transport: now, params: &self.params };
        self.recording.process(relay, buffer.as_slice(), &settings, &mut self.tap);
        let engine = relay.engine_mut();
        if let Some(codecs) = engine.take_retired() {
            self.packs.retire(codecs);
        }
        self.status.set_awaits_restart(awaits_restart);
        let is_wanted_again = self.status.take_restart_wanted();
        if awaits_restart && (!self.restart_requested || is_wanted_again) {
            context.request_restart();
        }
        // Asked once for each wish: one that came true or was taken back is over.
        self.restart_requested = awaits_restart;
        self.status.set_engine(engine);
        if let Some(start) = start {
            // Hosts send empty blocks to move parameters: they have no duration to take a share of.
            if buffer.samples() > 0 {
                let block_s = buffer.samples() as f64 / self.rate_hz;
                self.tap.end_block((start.elapsed().as_secs_f64() / block_s) as f32);
            }
            self.unshown_samples += buffer.samples();
            if self.unshown_samples as f64 * EDITOR_RATE_HZ >= self.rate_hz {
                self.unshown_samples = 0;
                self.status.set_changed();
            }
        }
        // Decoded silence is not silence, and frames must not depend on when a host puts us to sleep.
        ProcessStatus::KeepAlive
    }
}

impl SacodecPlugin {
    /// Tells the window of a stream that begins with the next sample.
    ///
    /// # Real-time
    /// Atomics only.
    fn begin_stream(&mut self, timing: &Timing) {
        let Some(relay) = &self.relay else { return };
        self.tap.begin_stream(*timing, relay.engine().config().channels);
        self.status.set_timing(timing.latency_samples as u32, self.rate_hz);
        self.status.set_engine(relay.engine());
        self.status.set_changed();
    }

    /// Lets a pack that was chosen take over, where it is as late as the one that plays; else remembers it.
    ///
    /// # Real-time
    /// As [`Engine::swap`].
    fn take_pack(&mut self) {
        let Some(relay) = &mut self.relay else { return };
        if relay.is_handing_over() || !relay.engine().can_swap() {
            return;
        }
        let Some(codecs) = self.packs.take_offered() else { return };
        let engine = relay.engine_mut();
        // The same weights under another name: what plays continues without a break.
        let refused = match Arc::ptr_eq(engine.model(), codecs.model()) {
            true => Ok(Some(codecs)),
            false => engine.swap(codecs).map(|()| None).map_err(|(codecs, _)| codecs),
        };
        self.pack_awaits_restart = refused.is_err();
        let given_back = match (refused, &mut self.handover) {
            (Err(codecs), Some(handover)) => [handover.choose(codecs), None],
            (Ok(same), Some(handover)) => [same, handover.keep()],
            (Err(codecs), None) => [Some(codecs), None],
            (Ok(same), None) => [same, None],
        };
        for codecs in given_back.into_iter().flatten() {
            self.packs.retire(codecs);
        }
    }

    /// Lets the trace and the take play that were chosen, the take as the parameters say while the host is `playing`.
    ///
    /// # Real-time
    /// Never allocates, frees, locks or waits.
    fn take_files(&mut self, playing: bool) {
        let Some(relay) = &mut self.relay else { return };
        if let Some(mut trace) = self.traces.take_offered() {
            *trace = relay.set_trace(trace.take());
            self.traces.retire(trace);
        }
        if let Some(mut track) = self.tracks.take_offered() {
            *track = relay.set_track(track.take());
            self.tracks.retire(track);
        }
        relay.set_playback(self.params.playback.playback(playing));
    }

    /// Lets the codec begin afresh where the timeline asks for it, and another engine take over where one is wanted. `true` where
    /// what is wanted does not play yet.
    ///
    /// # Real-time
    /// As [`Engine::begin_at`].
    fn bring_engine(&mut self, samples: usize, now: &Transport) -> bool {
        let Some(relay) = &mut self.relay else { return false };
        let (lock, scheduling) = (self.params.timeline_lock(), self.params.scheduling());
        let start = self.lock.block(lock, now, samples, self.rate_hz);
        if let Some(position_samples) = start {
            relay.begin_at(position_samples);
        }
        if let Some(handover) = &mut self.handover {
            let on_grid = now.position_samples.filter(|_| now.playing && lock != TimelineLock::Off);
            handover.begin_block(relay, scheduling, samples, on_grid);
            return handover.is_under_way()
                || relay.is_handing_over()
                || relay.engine().config().scheduling != scheduling;
        }
        self.pack_awaits_restart || relay.engine().config().scheduling != scheduling
    }

    /// Closes a take, with all its frames.
    fn end_stream(&mut self) {
        if let Some(relay) = &mut self.relay {
            self.recording.flush(relay.engine_mut(), &self.params.controls(self.rendering));
        }
        self.recording.deactivate();
    }
}

impl Drop for SacodecPlugin {
    fn drop(&mut self) {
        self.status.set_gone();
        self.end_stream();
    }
}

/// Whether an activation can go on with the engine that there is.
fn is_as_wanted(relay: &EngineRelay, wanted: EngineConfig, codecs: &CodecSet) -> bool {
    let engine = relay.engine();
    engine.config() == wanted
        && Arc::ptr_eq(engine.model(), codecs.model())
        && !engine.is_swapping()
        && !relay.is_handing_over()
}

/// The host only learns that activation failed; the log says why.
fn refuse(error: &dyn std::error::Error) -> bool {
    nice_error!("SACodec cannot be activated: {error}");
    false
}

impl ClapPlugin for SacodecPlugin {
    const CLAP_ID: &'static str = "org.sacodec.sacodec";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("Hear a 1.5 kbps neural speech codec");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::Utility,
        ClapFeature::Glitch,
        ClapFeature::Stereo,
        ClapFeature::Mono,
    ];

    fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        context.add_section("SACodec", |section| {
            section.add_page("Listen", |page| {
                page.add_param(&self.params.listen);
                page.add_param(&self.params.streams);
                page.add_param(&self.params.channels);
                page.add_param(&self.params.output_gain);
                page.add_param(&self.params.level_match);
                page.add_param(&self.params.when_rendering);
                page.add_param(&self.params.scheduling);
                page.add_param(&self.params.bypass);
            });
            section.add_page("Record", |page| {
                page.add_param(&self.params.record_tokens);
                page.add_param(&self.params.record_while);
                page.add_param(&self.params.timeline_lock);
            });
            section.add_page("Network", |page| {
                page.add_param(&self.params.network.loss);
                page.add_param(&self.params.network.rate);
                page.add_param(&self.params.network.mean_burst);
                page.add_param(&self.params.network.packet);
                page.add_param(&self.params.network.streams);
                page.add_param(&self.params.network.seed);
                page.add_param(&self.params.network.concealment);
            });
            section.add_page("Tokens", |page| {
                page.add_param(&self.params.playback.source);
                page.add_param(&self.params.playback.shift);
                page.add_param(&self.params.playback.freeze);
            });
        });
    }
}

impl Vst3Plugin for SacodecPlugin {
    const VST3_CLASS_ID: [u8; 16] = *b"SACodecNeuralVx1";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Tools, Vst3SubCategory::Distortion];
}

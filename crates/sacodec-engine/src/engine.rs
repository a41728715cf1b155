//! The engine: takes host blocks, gives host blocks, always [`Engine::latency_samples`] late.

use std::sync::Arc;

use super::codec_set::CodecSet;
use super::config::EngineConfig;
use super::error::EngineError;
use super::frame::{CodedFrame, FramePlace};
use super::latency::Timing;
use super::monitor::Controls;
use super::observer::{Observer, Sink};
use super::player::{Playback, Player};
use super::signal_path::SignalPath;
use sacodec_codec::CodecModel;
use sacodec_network::LossTrace;
use sacodec_rt::{RtPool, without_denormals};
use sacodec_token::TokenTrack;

/// Counts since the engine was made, and of the engines whose counts it continues. A reset keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Frames coded.
    pub frames: u64,
    /// Frames that failed and are silent.
    pub failed_frames: u64,
    /// Frames of which tokens did not arrive at the decoder.
    pub lost_frames: u64,
    /// Input samples that were NaN or infinite and were taken as zero.
    pub nonfinite_samples: u64,
    /// Coded samples that were not there in time: zero, or the engine is wrong.
    pub underruns: u64,
    /// Blocks that were refused or cut short by an internal error: zero, or the engine is wrong.
    pub errors: u64,
}

impl EngineStats {
    /// Both, field by field.
    fn with(self, other: Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            frames: combine(self.frames, other.frames),
            failed_frames: combine(self.failed_frames, other.failed_frames),
            lost_frames: combine(self.lost_frames, other.lost_frames),
            nonfinite_samples: combine(self.nonfinite_samples, other.nonfinite_samples),
            underruns: combine(self.underruns, other.underruns),
            errors: combine(self.errors, other.errors),
        }
    }
}

/// A codec between a host's input and output.
///
/// Deterministic: the same samples and controls since it was made or last reset give the same
/// output, tokens included, for every cut into blocks. Two things are not part of that: a pack that
/// is swapped at another moment, and held gains of Level match, which a reset keeps. Denormals are flushed inside.
pub struct Engine {
    config: EngineConfig,
    timing: Timing,
    pool: RtPool,
    path: SignalPath,
    /// What its own counts are added to, modulo 2^64.
    counted_elsewhere: EngineStats,
}

impl Engine {
    /// An engine with zero states. Allocates everything that it will ever need, besides what the
    /// inference library takes from the engine's pool.
    ///
    /// # Errors
    /// [`EngineError::Rate`] and [`EngineError::ChannelCount`] for a configuration out of bounds.
    pub fn new(model: &Arc<CodecModel>, config: EngineConfig) -> Result<Self, EngineError> {
        Self::with_codecs(Box::new(CodecSet::new(model)?), config)
    }

    /// As [`Engine::new`], with codecs made before.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_codecs(codecs: Box<CodecSet>, config: EngineConfig) -> Result<Self, EngineError> {
        if !(1..=2).contains(&config.channels) {
            return Err(EngineError::ChannelCount { found: config.channels });
        }
        let info = codecs.model().info();
        let timing = Timing::new(config.rate_hz, config.scheduling, info)?;
        let path = SignalPath::new(codecs, &timing, config)?;
        Ok(Self { config, timing, pool: RtPool::new()?, path, counted_elsewhere: EngineStats::default() })
    }

    /// The configuration it was made for.
    pub fn config(&self) -> EngineConfig {
        self.config
    }

    /// How late the output is, in host samples: constant for the life of the engine.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn latency_samples(&self) -> usize {
        self.timing.latency_samples
    }

    /// The constants of the engine's timing.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The model in use.
    pub fn model(&self) -> &Arc<CodecModel> {
        self.path.passes.jobs.model()
    }

    /// Counts since the engine was made, and of the engines whose counts it continues. A reset keeps it.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn stats(&self) -> EngineStats {
        self.own_stats().with(self.counted_elsewhere, u64::wrapping_add)
    }

    /// Counts of this engine since it was made.
    fn own_stats(&self) -> EngineStats {
        EngineStats {
            frames: self.path.passes.jobs.stats.frames,
            failed_frames: self.path.passes.jobs.stats.failed_frames,
            lost_frames: self.path.passes.jobs.stats.lost_frames,
            nonfinite_samples: self.path.nonfinite_samples,
            underruns: self.path.passes.underruns(),
            errors: self.path.errors,
        }
    }

    /// Forgets its own counts and goes on from those of another engine.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn continue_counts(&mut self, before: EngineStats) {
        self.counted_elsewhere = before.with(self.own_stats(), u64::wrapping_sub);
    }

    /// Gains of the level match on coded and difference, in dB; what they were last while it is off.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn match_gains_db(&self) -> (f32, f32) {
        self.path.level_match.gains_db()
    }

    /// Whether those gains have heard voice enough and are where they belong.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_match_settled(&self) -> bool {
        self.path.level_match.is_settled()
    }

    /// Silence everywhere, as new; the counts are kept.
    ///
    /// # Real-time
    /// Clears the delay lines and rings; never locks, waits or allocates from the system.
    pub fn reset(&mut self) {
        self.pool.scope(|| without_denormals(|| self.path.reset()));
    }

    /// Lets the codec begin afresh with the next sample, which stands at `position_samples` of the host's timeline.
    /// What went in before is still heard to its end: meanwhile, for the latency, a frame costs twice. What is
    /// heard from the next sample on depends on it and on what comes after it, and on nothing before.
    ///
    /// Frames stand on a grid of the timeline: one of them is named after position 0, as is the first one of a file.
    /// So a voice that starts there has the tokens of its file. The first hop is filled up with silence. At rates at
    /// which neither a hop nor two nor three are a whole number of samples, the grid is met to half a sample.
    ///
    /// Where it is called again before the latency has passed, what went in between is not heard, and its frames are
    /// not given.
    ///
    /// # Real-time
    /// Resamples three hops of silence at most; never locks, waits or allocates from the system.
    pub fn begin_at(&mut self, position_samples: f64) {
        let path = &mut self.path;
        self.pool.scope(|| without_denormals(|| path.begin_at(position_samples)));
    }

    /// Where the next frame stands that will be given to a sink.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn next_place(&self) -> FramePlace {
        self.path.passes.next_place()
    }

    /// Lets `codecs` of another pack take over. They run unheard until they know the past as far as they
    /// remember it, a second at most, and are then cross-faded in over a hop. Meanwhile a frame costs twice.
    ///
    /// # Errors
    /// Gives the codecs back: with [`EngineError::OtherTiming`] where their delay differs, with
    /// [`EngineError::Swapping`] while it cannot: see [`Engine::can_swap`].
    ///
    /// # Real-time
    /// Never allocates, locks or waits. The error allocates its text in the pool.
    pub fn swap(&mut self, codecs: Box<CodecSet>) -> Result<(), (Box<CodecSet>, EngineError)> {
        if !self.can_swap() {
            return Err((codecs, EngineError::Swapping));
        }
        let (old, new) = (self.model().info(), codecs.model().info());
        if old.delay_samples != new.delay_samples {
            let name = self.pool.scope(|| new.name.clone());
            return Err((codecs, EngineError::OtherTiming { name }));
        }
        self.path.passes.jobs.swap(codecs);
        Ok(())
    }

    /// Whether a swap is waiting, under way, or its old codecs not yet taken.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_swapping(&self) -> bool {
        self.path.passes.jobs.is_swapping()
    }

    /// Whether a swap may begin: none is under way, and no pass is being heard to its end.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn can_swap(&self) -> bool {
        !self.is_swapping() && !self.path.passes.is_ending()
    }

    /// The codecs that a swap replaced, to be dropped off the audio thread.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn take_retired(&mut self) -> Option<Box<CodecSet>> {
        self.path.passes.jobs.take_retired()
    }

    /// Host samples from its beginning until it sounds nearly as if it had always been there: its latency, and what its
    /// codecs remember, a second of it at most.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn warm_up_samples(&self) -> usize {
        let hops = self.path.passes.jobs.warm_up_hops() as u64;
        self.timing.latency_samples + self.timing.frame_start_samples(hops).ceil() as usize
    }

    /// Counts the places of frames from the next sample on: what began before has a negative one.
    pub(super) fn count_from_here(&mut self) {
        self.path.passes.count_from_here();
    }

    /// Takes the gains of the level match over from an engine of the same rate and channels that heard the same.
    pub(super) fn match_levels_as(&mut self, other: &Self) {
        self.path.level_match.clone_from(&other.path.level_match);
    }

    /// See [`Engine::set_trace`].
    pub(super) fn trace(&self) -> Option<&Arc<LossTrace>> {
        self.path.passes.jobs.trace.as_ref()
    }

    /// What [`LossModel::Trace`](super::LossModel::Trace) loses from the next frame on. Gives the trace that was there,
    /// to be dropped off the audio thread.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set_trace(&mut self, trace: Option<Arc<LossTrace>>) -> Option<Arc<LossTrace>> {
        std::mem::replace(&mut self.path.passes.jobs.trace, trace)
    }

    /// What is played where [`Playback::source`] says so, from the next frame on: at the places of the timeline that
    /// [`Engine::begin_at`] tells. A track of another pack than the one that plays is not heard. Gives the track that was
    /// there, to be dropped off the audio thread.
    ///
    /// Where the codec began afresh as a stretch of it was recorded, it does so again: the stretch sounds as it was
    /// recorded, to the sample. It also begins afresh where a stretch is not on the grid of the pass.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set_track(&mut self, track: Option<Arc<TokenTrack>>) -> Option<Arc<TokenTrack>> {
        std::mem::replace(&mut self.path.passes.jobs.player.track, track)
    }

    /// What is sent to the decoder, from the next frame on. To be called before [`Engine::begin_at`].
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set_playback(&mut self, playback: Playback) {
        self.path.passes.jobs.player.playback = playback;
    }

    /// What is played, and how.
    pub(super) fn player(&self) -> &Player {
        &self.path.passes.jobs.player
    }

    /// Codes one block in place: `audio` is the host's channels, all of one length, any length.
    /// Every coded frame goes to `sink`.
    ///
    /// # Real-time
    /// Bounded by the block's share of the frames' cost (Spread) or the frames that become due
    /// in it (Burst). Never locks, waits or allocates from the system: what the inference
    /// library needs comes from the engine's pool.
    pub fn process(&mut self, audio: &mut [&mut [f32]], controls: &Controls, sink: impl FnMut(CodedFrame)) {
        self.process_observed(audio, controls, &mut Sink(sink));
    }

    /// As [`Engine::process`], with an observer of more than the frames.
    ///
    /// # Real-time
    /// As [`Engine::process`], and whatever the observer costs.
    pub fn process_observed(
        &mut self,
        audio: &mut [&mut [f32]],
        controls: &Controls,
        observer: &mut dyn Observer,
    ) {
        let path = &mut self.path;
        self.pool.scope(|| without_denormals(|| path.process(audio, controls, observer)));
    }
}

//! The engine: takes host blocks, gives host blocks, always [`Engine::latency_samples`] late.

use std::sync::Arc;

use super::delay::DelayLine;
use super::error::EngineError;
use super::latency::Timing;
use super::level_match::{LevelMatch, MatchGains};
use super::mix::{clean, limit, mix};
use super::monitor::{Channels, Controls, Monitor, Ramp, fade_samples};
use super::observer::{Observer, Sink};
use super::schedule::{CodecSet, CodedFrame, Jobs, Scheduling};
use super::stream::Stream;
use sacodec_codec::{CodecModel, StreamGain};
use sacodec_rt::{RtPool, without_denormals};

/// Host samples are worked on in runs of at most this many.
const RUN_SAMPLES: usize = 128;

/// What an engine is made for. Changing any of it needs a new engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineConfig {
    /// Host rate in Hz, [`MIN_RATE_HZ`]`..=`[`MAX_RATE_HZ`], fractional too.
    pub rate_hz: f64,
    /// Host channels: 1 or 2.
    pub channels: usize,
    /// When frames are computed.
    pub scheduling: Scheduling,
}

/// Counts since the engine was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Frames coded.
    pub frames: u64,
    /// Frames that failed and are silent.
    pub failed_frames: u64,
    /// Input samples that were NaN or infinite and were taken as zero.
    pub nonfinite_samples: u64,
    /// Coded samples that were not there in time: zero, or the engine is wrong.
    pub underruns: u64,
    /// Blocks that were refused or cut short by an internal error: zero, or the engine is wrong.
    pub errors: u64,
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
    core: Core,
}

/// Everything that runs inside the realtime scope.
struct Core {
    jobs: Jobs,
    streams: Vec<Stream>,
    originals: Vec<DelayLine>,
    monitor: Monitor,
    level_match: LevelMatch,
    /// The level match is on, or its gains are still fading out.
    is_matching: bool,
    /// Weights of left and right in what both outputs hear of the original in a listening test.
    route: Option<[f32; 2]>,
    /// What the level match averages: of other channels and streams the loudness is another.
    matched: (Channels, StreamGain),
    /// How long what is heard may still be of before another choice of those, or of before another pack.
    stale_samples: usize,
    /// Weights of left and right in the first stream.
    mix: [Ramp; 2],
    /// Weight of the second stream on the right output.
    dual: Ramp,
    /// Dual mono is what the controls say.
    is_dual: bool,
    /// Samples until the second stream has faded out.
    dual_fade_samples: usize,
    /// Samples until the second stream is heard: its first ones are still under way.
    dual_wait_samples: usize,
    scheduling: Scheduling,
    latency_samples: usize,
    job_samples: f64,
    fade_samples: u32,
    /// Host samples since the job under way began.
    job_elapsed: usize,
    started: bool,
    nonfinite_samples: u64,
    errors: u64,
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
        let streams = (0..config.channels).map(|_| Stream::new(&timing, info.hop_samples));
        let core = Core {
            streams: streams.collect::<Result<_, _>>()?,
            originals: (0..config.channels).map(|_| DelayLine::new(timing.latency_samples)).collect(),
            jobs: Jobs::new(codecs),
            monitor: Monitor::new(config.rate_hz),
            level_match: LevelMatch::new(config.rate_hz),
            is_matching: false,
            route: None,
            matched: (Channels::default(), StreamGain::BOTH),
            stale_samples: timing.latency_samples
                + timing.frame_start_samples(1).ceil() as usize
                + fade_samples(config.rate_hz) as usize,
            mix: [Ramp::at(0.5); 2],
            dual: Ramp::at(0.0),
            is_dual: false,
            dual_fade_samples: 0,
            dual_wait_samples: 0,
            scheduling: config.scheduling,
            latency_samples: timing.latency_samples,
            job_samples: timing.job_samples,
            fade_samples: fade_samples(config.rate_hz),
            job_elapsed: 0,
            started: false,
            nonfinite_samples: 0,
            errors: 0,
        };
        Ok(Self { config, timing, pool: RtPool::new()?, core })
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
        self.core.jobs.model()
    }

    /// Counts since the engine was made.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn stats(&self) -> EngineStats {
        EngineStats {
            frames: self.core.jobs.stats.frames,
            failed_frames: self.core.jobs.stats.failed_frames,
            nonfinite_samples: self.core.nonfinite_samples,
            underruns: self.core.streams.iter().map(|s| s.underruns).sum(),
            errors: self.core.errors,
        }
    }

    /// Gains of the level match on coded and difference, in dB; what they were last while it is off.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn match_gains_db(&self) -> (f32, f32) {
        self.core.level_match.gains_db()
    }

    /// Whether those gains have heard voice enough and are where they belong.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_match_settled(&self) -> bool {
        self.core.level_match.is_settled()
    }

    /// Silence everywhere, as new; the counts are kept.
    ///
    /// # Real-time
    /// Clears the delay lines and rings; never locks, waits or allocates from the system.
    pub fn reset(&mut self) {
        self.pool.scope(|| without_denormals(|| self.core.reset()));
    }

    /// Lets `codecs` of another pack take over at the next hop, cross-faded over that hop.
    ///
    /// # Errors
    /// Gives the codecs back: with [`EngineError::OtherTiming`] where their delay differs, with
    /// [`EngineError::Swapping`] while another swap is under way.
    ///
    /// # Real-time
    /// Never allocates, locks or waits. The error allocates its text in the pool.
    pub fn swap(&mut self, codecs: Box<CodecSet>) -> Result<(), (Box<CodecSet>, EngineError)> {
        if self.is_swapping() {
            return Err((codecs, EngineError::Swapping));
        }
        let (old, new) = (self.model().info(), codecs.model().info());
        if old.delay_samples != new.delay_samples {
            let name = self.pool.scope(|| new.name.clone());
            return Err((codecs, EngineError::OtherTiming { name }));
        }
        self.core.jobs.swap(codecs);
        Ok(())
    }

    /// Whether a swap is waiting, under way, or its old codecs not yet taken.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_swapping(&self) -> bool {
        self.core.jobs.is_swapping()
    }

    /// The codecs that a swap replaced, to be dropped off the audio thread.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn take_retired(&mut self) -> Option<Box<CodecSet>> {
        self.core.jobs.take_retired()
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
        let core = &mut self.core;
        self.pool.scope(|| without_denormals(|| core.process(audio, controls, observer)));
    }
}

impl Core {
    fn reset(&mut self) {
        self.jobs.reset();
        for stream in &mut self.streams {
            self.errors += u64::from(stream.reset().is_err());
        }
        self.originals.iter_mut().for_each(DelayLine::reset);
        self.monitor.reset();
        self.level_match.reset();
        self.is_matching = false;
        self.job_elapsed = 0;
        self.started = false;
    }

    fn process(&mut self, audio: &mut [&mut [f32]], controls: &Controls, observer: &mut dyn Observer) {
        let length = audio.iter().map(|c| c.len()).min().unwrap_or(0);
        if audio.len() != self.streams.len() {
            audio.iter_mut().for_each(|c| c.fill(0.0));
            self.errors += 1;
            return;
        }
        if length == 0 {
            return;
        }
        self.set(controls);
        let mut start = 0;
        while start < length {
            let run = (length - start).min(RUN_SAMPLES).min(self.streams[0].missing_samples().max(1));
            let result = match audio {
                [mono] => self.run(&mut mono[start..start + run], &mut [], controls, observer),
                [left, right, ..] => self.run(
                    &mut left[start..start + run],
                    &mut right[start..start + run],
                    controls,
                    observer,
                ),
                [] => Ok(()),
            };
            self.errors += u64::from(result.is_err());
            start += run;
        }
    }

    /// Turns the channel routing and the monitor towards `controls`.
    fn set(&mut self, controls: &Controls) {
        let stereo = self.streams.len() == 2;
        let weights = |i| if stereo { controls.channels.weight(i, 2) } else { [1.0, 0.0][i] };
        let mix: [f32; 2] = std::array::from_fn(weights);
        let dual = stereo && controls.channels == Channels::DualMono;
        if !self.started {
            self.mix = mix.map(Ramp::at);
            self.dual = Ramp::at(f32::from(u8::from(dual)));
            self.dual_wait_samples = 0;
            self.dual_fade_samples = 0;
            self.is_dual = dual;
            self.started = true;
        }
        for (ramp, target) in self.mix.iter_mut().zip(mix) {
            ramp.set(target, self.fade_samples);
        }
        self.streams[0].wanted = true;
        if self.is_dual && !dual {
            self.dual_fade_samples = self.fade_samples as usize;
        }
        self.is_dual = dual;
        if let Some(second) = self.streams.get_mut(1) {
            if dual && !second.wanted {
                second.wanted = true;
                if self.dual.rest() != Some(1.0) {
                    self.dual_wait_samples = self.latency_samples;
                }
            } else if dual && self.dual_wait_samples == 0 {
                // It was about to fade out, and its samples are still there.
                self.dual.set(1.0, self.fade_samples);
            }
            if !dual {
                self.dual_wait_samples = 0;
                self.dual.set(0.0, self.fade_samples);
            }
        }
        // Asked before the monitor turns, so that it does not depend on where blocks end.
        let begins = controls.level_match && !self.monitor.wants_match();
        if begins {
            self.level_match.reset();
        }
        let matched = (controls.channels, controls.streams);
        if std::mem::replace(&mut self.matched, matched) != matched || begins {
            self.level_match.renew(self.stale_samples);
        }
        self.monitor.set(controls);
        self.level_match.hold(controls.audition.is_some());
        self.route = (stereo && !dual).then_some(mix);
        self.is_matching = self.monitor.wants_match();
    }

    /// A run of samples that completes at most one chunk: in, code, out. `right` is empty in mono.
    fn run(
        &mut self,
        left: &mut [f32],
        right: &mut [f32],
        controls: &Controls,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let complete = self.take(left, right);
        let mut has_swapped = false;
        self.job_elapsed += left.len();
        self.dual_fade_samples = self.dual_fade_samples.saturating_sub(left.len());
        if complete {
            let mut hop_complete = false;
            for stream in &mut self.streams {
                hop_complete = stream.collect()?;
            }
            if hop_complete {
                has_swapped = self.hop_is_complete(controls, observer);
            }
        }
        if self.scheduling == Scheduling::Spread {
            self.jobs.advance((self.job_elapsed as f64 / self.job_samples) as f32);
        }
        self.give(left, right, observer)?;
        if has_swapped {
            // Where the hop ends, wherever its last run began.
            self.level_match.renew(self.stale_samples);
        }
        Ok(())
    }

    /// Ends the job under way and begins the next. `true` where other codecs have taken over.
    fn hop_is_complete(&mut self, controls: &Controls, observer: &mut dyn Observer) -> bool {
        // Decided where a hop begins, so that it does not depend on where a block does.
        if let Some(second) = self.streams.get_mut(1) {
            second.wanted = self.is_dual || self.dual_fade_samples > 0;
        }
        let mut sink = |frame: CodedFrame| observer.frame(frame);
        let mut has_swapped = self.jobs.finish(&mut self.streams, &mut sink);
        self.jobs.begin(&mut self.streams, controls.streams);
        self.job_elapsed = 0;
        if self.scheduling == Scheduling::Burst {
            has_swapped |= self.jobs.finish(&mut self.streams, &mut sink);
        }
        has_swapped
    }

    /// Takes the run's input: to the streams, and in its place leaves the delayed original.
    fn take(&mut self, left: &mut [f32], right: &mut [f32]) -> bool {
        let mut complete = false;
        for (i, left) in left.iter_mut().enumerate() {
            let l = self.clean(*left);
            let r = right.get(i).copied().map_or(l, |r| self.clean(r));
            complete = self.streams[0].push(mix([(self.mix[0].next(), l), (self.mix[1].next(), r)]));
            *left = self.originals[0].step(l);
            if let Some(sample) = right.get_mut(i) {
                self.streams[1].push(limit(r));
                *sample = self.originals[1].step(r);
            }
        }
        complete
    }

    /// As [`clean`], and counts samples that are not finite.
    #[inline]
    fn clean(&mut self, sample: f32) -> f32 {
        self.nonfinite_samples += u64::from(!sample.is_finite());
        clean(sample)
    }

    /// Mixes the coded streams into the delayed originals, which are in the buffers.
    fn give(
        &mut self,
        left: &mut [f32],
        right: &mut [f32],
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        let mut first = [0.0; RUN_SAMPLES];
        let mut second = [0.0; RUN_SAMPLES];
        let first = &mut first[..left.len()];
        let second = &mut second[..right.len()];
        self.streams[0].pop(first)?;
        if let Some(stream) = self.streams.get_mut(1) {
            stream.pop(second)?;
        }
        for (second, first) in second.iter_mut().zip(first.iter()) {
            if self.dual_wait_samples > 0 {
                self.dual_wait_samples -= 1;
                if self.dual_wait_samples == 0 {
                    self.dual.set(1.0, self.fade_samples);
                }
            }
            *second = match self.dual.next() {
                0.0 => *first,
                1.0 => *second,
                d => *first + d * (*second - *first),
            };
        }
        let channels = self.streams.len();
        observer.heard(&[&*left, &*right][..channels], &[&*first, &*second][..channels]);
        for i in 0..left.len() {
            let routed = right.get(i).zip(self.route).map(|(right, [l, r])| l * left[i] + r * right);
            let gains = match self.is_matching {
                false => MatchGains::UNITY,
                true if right.is_empty() => self.level_match.step(&[left[i]], &[first[i]], None),
                true => self.level_match.step(&[left[i], right[i]], &[first[i], second[i]], routed),
            };
            let weights = self.monitor.next(gains);
            if self.monitor.is_audition_heard()
                && let (Some(routed), Some(right)) = (routed, right.get_mut(i))
            {
                (left[i], *right) = (routed, routed);
            }
            left[i] = weights.mix(left[i], first[i]);
            if let Some(sample) = right.get_mut(i) {
                *sample = weights.mix(*sample, second[i]);
            }
        }
        Ok(())
    }
}

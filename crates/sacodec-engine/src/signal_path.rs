//! What a block goes through inside the realtime scope: in, code, out, in runs of samples.

use super::codec_set::CodecSet;
use super::config::EngineConfig;
use super::delay::DelayLine;
use super::error::EngineError;
use super::latency::Timing;
use super::level_match::{LevelMatch, MatchGains};
use super::mix::{clean, limit, mix};
use super::monitor::{Channels, Controls, Monitor, Ramp, fade_samples};
use super::observer::Observer;
use super::pass::RUN_SAMPLES;
use super::passes::Passes;
use super::schedule::Jobs;
use sacodec_codec::StreamGain;

/// Everything that runs inside the realtime scope.
pub struct SignalPath {
    pub passes: Passes,
    originals: Vec<DelayLine>,
    monitor: Monitor,
    pub level_match: LevelMatch,
    /// The level match is on, or its gains are still fading out.
    is_matching: bool,
    /// Weights of left and right in what both outputs hear of the original in a listening test.
    route: Option<[f32; 2]>,
    /// What the level match averages: of other channels and streams the loudness is another.
    matched: (Channels, StreamGain),
    /// How long what is heard may still be of before another choice of those, or of before another pack.
    stale_samples: usize,
    /// Weights of left and right in the first coded channel.
    mix: [Ramp; 2],
    /// Weight of the second one on the right output.
    dual: Ramp,
    /// Dual mono is what the controls say.
    is_dual: bool,
    /// Samples until the second one has faded out.
    dual_fade_samples: usize,
    /// Samples until the second one is heard: its first ones are still under way.
    dual_wait_samples: usize,
    latency_samples: usize,
    fade_samples: u32,
    started: bool,
    /// A pass begins with the next sample.
    begins: bool,
    pub nonfinite_samples: u64,
    pub errors: u64,
}

impl SignalPath {
    /// Allocates everything.
    pub fn new(codecs: Box<CodecSet>, timing: &Timing, config: EngineConfig) -> Result<Self, EngineError> {
        Ok(Self {
            passes: Passes::new(Jobs::new(codecs, timing), timing, config)?,
            originals: (0..config.channels).map(|_| DelayLine::new(timing.latency_samples)).collect(),
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
            latency_samples: timing.latency_samples,
            fade_samples: fade_samples(config.rate_hz),
            started: false,
            begins: false,
            nonfinite_samples: 0,
            errors: 0,
        })
    }

    pub fn reset(&mut self) {
        self.errors += u64::from(self.passes.reset().is_err());
        self.originals.iter_mut().for_each(DelayLine::reset);
        self.monitor.reset();
        self.level_match.reset();
        self.is_matching = false;
        self.started = false;
    }

    /// See [`Engine::begin_at`](super::Engine::begin_at).
    pub fn begin_at(&mut self, position_samples: f64) {
        self.errors += u64::from(self.passes.begin(position_samples).is_err());
        self.begins = true;
    }

    pub fn process(&mut self, audio: &mut [&mut [f32]], controls: &Controls, observer: &mut dyn Observer) {
        let length = audio.iter().map(|c| c.len()).min().unwrap_or(0);
        if audio.len() != self.originals.len() {
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
            self.errors += u64::from(self.passes.follow_take().is_err());
            let run = (length - start).min(self.passes.run_samples());
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
        let stereo = self.originals.len() == 2;
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
        if std::mem::take(&mut self.begins) {
            // What the pass hears must not depend on what was set before it. It hears silence before: nothing clicks.
            self.mix = mix.map(Ramp::at);
            self.is_dual = dual;
            self.dual_fade_samples = 0;
        }
        for (ramp, target) in self.mix.iter_mut().zip(mix) {
            ramp.set(target, self.fade_samples);
        }
        self.passes.channels()[0].wanted = true;
        if self.is_dual && !dual {
            self.dual_fade_samples = self.fade_samples as usize;
        }
        self.is_dual = dual;
        if let Some(second) = self.passes.channels().get_mut(1) {
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
                // What is on its way to be heard stays so: it may be wanted again before its hop ends.
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
        self.dual_fade_samples = self.dual_fade_samples.saturating_sub(left.len());
        let second = self.is_dual || self.dual_fade_samples > 0;
        let has_swapped = self.passes.code((left.len(), complete), second, controls, observer)?;
        self.give(left, right, observer)?;
        if has_swapped {
            // Where the hop ends, wherever its last run began.
            self.level_match.renew(self.stale_samples);
        }
        Ok(())
    }

    /// Takes the run's input: to the coded channels, and in its place leaves the delayed original.
    fn take(&mut self, left: &mut [f32], right: &mut [f32]) -> bool {
        let mut complete = false;
        for (i, left) in left.iter_mut().enumerate() {
            let l = self.clean(*left);
            let r = right.get(i).copied().map_or(l, |r| self.clean(r));
            let mixed = mix([(self.mix[0].next(), l), (self.mix[1].next(), r)]);
            complete = self.passes.channels()[0].push(mixed);
            *left = self.originals[0].step(l);
            if let Some(sample) = right.get_mut(i) {
                self.passes.channels()[1].push(limit(r));
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

    /// Mixes the coded channels into the delayed originals which are in the buffers.
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
        self.passes.pop(first, second)?;
        for (second, first) in second.iter_mut().zip(first.iter()) {
            if self.dual_wait_samples > 0 {
                self.dual_wait_samples -= 1;
                if self.dual_wait_samples == 0 && self.is_dual {
                    self.dual.set(1.0, self.fade_samples);
                }
            }
            *second = match self.dual.next() {
                0.0 => *first,
                1.0 => *second,
                d => *first + d * (*second - *first),
            };
        }
        let channels = self.originals.len();
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

//! The pass that is coded, and the one before it until all of it was heard.

use super::channel::CodedChannel;
use super::config::EngineConfig;
use super::error::EngineError;
use super::frame::{CodedFrame, FramePlace};
use super::held_frames::HeldFrames;
use super::latency::Timing;
use super::monitor::{Controls, fade_samples};
use super::observer::Observer;
use super::pass::{Coding, Pass, PassBegin, RUN_SAMPLES};
use super::schedule::Jobs;

/// Where the lead is on the host's timeline.
#[derive(Debug, Clone, Copy)]
struct Playhead {
    /// Place of the next sample.
    position_samples: f64,
    /// Place of the lead's first sample.
    begun_samples: f64,
    /// Its frames begin so far after whole ones.
    off_frames: f64,
}

/// Two passes that take turns. Where one begins, the other gets silence until the last of its sound has come out.
pub struct Passes {
    pub jobs: Jobs,
    passes: [Pass; 2],
    /// The pass that is coded.
    lead: usize,
    /// Host samples until the first sample of the lead is heard; until then the other pass is.
    ending_samples: usize,
    /// Frames of the lead that were coded before the last frame of the other pass.
    held: HeldFrames,
    /// Host samples since the last reset, or since places were last counted anew.
    stream_samples: u64,
    /// Something went in since the last reset.
    has_begun: bool,
    /// Where the next sample stands on the host's timeline, in whole samples, and where the lead began there; `None` where
    /// it does not follow one.
    timeline: Option<Playhead>,
    /// Where the other pass ended.
    end_samples: f64,
    timing: Timing,
    fade_samples: usize,
}

impl Passes {
    /// Allocates everything.
    pub fn new(jobs: Jobs, timing: &Timing, config: EngineConfig) -> Result<Self, EngineError> {
        Ok(Self {
            jobs,
            passes: [Pass::new(0, timing, config)?, Pass::new(1, timing, config)?],
            lead: 0,
            ending_samples: 0,
            held: HeldFrames::default(),
            stream_samples: 0,
            has_begun: false,
            timeline: None,
            end_samples: 0.0,
            timing: *timing,
            fade_samples: fade_samples(config.rate_hz) as usize,
        })
    }

    /// As new: one pass, which begins with the next sample.
    ///
    /// # Real-time
    /// Frees states to the pool; never locks or waits.
    pub fn reset(&mut self) -> Result<(), EngineError> {
        self.ending_samples = 0;
        self.held.clear();
        self.stream_samples = 0;
        self.has_begun = false;
        self.timeline = None;
        self.passes[self.lead].begin(&mut self.jobs, PassBegin::default(), false)
    }

    /// The codec begins afresh with the next sample, which stands at `position_samples` of the host's timeline.
    ///
    /// # Real-time
    /// Frees states to the pool and resamples up to three hops of silence; never locks or waits.
    pub fn begin(&mut self, position_samples: f64) -> Result<(), EngineError> {
        let position_samples = position_samples.round();
        // A take that is played has the last word on the grid.
        let grid_samples = self.jobs.player.grid_samples(self.jobs.model(), position_samples, &self.timing);
        let skipped_samples = self.timing.since_grid_samples(position_samples - grid_samples);
        if self.has_begun {
            // A pass that was not heard yet gives way, with its frames; the one before it is still heard.
            self.held.clear();
            if self.ending_samples == 0 {
                let wanted = self.passes[self.lead].channels.get(1).is_some_and(|second| second.wanted);
                self.lead = 1 - self.lead;
                self.end_samples = self.stream_samples as f64;
                if let Some(second) = self.passes[self.lead].channels.get_mut(1) {
                    second.wanted = wanted;
                }
            }
            self.ending_samples = self.timing.latency_samples;
        }
        self.passes[self.lead].channels[0].wanted = true;
        let swap_waits = self.is_ending();
        let first_samples = position_samples - skipped_samples as f64;
        let frame_samples = self.timing.frame_start_samples(1);
        let place_frames = Some(first_samples / frame_samples).filter(|place| place.is_finite());
        self.timeline = place_frames.map(|place| Playhead {
            position_samples,
            begun_samples: position_samples,
            off_frames: place - place.round(),
        });
        let begin = PassBegin {
            stream_samples: self.stream_samples,
            skipped_samples,
            frame: self.timing.frame_at(first_samples),
            place_frames,
        };
        self.passes[self.lead].begin(&mut self.jobs, begin, swap_waits)
    }

    /// Begins afresh where a take that is played did so as it was recorded.
    ///
    /// # Real-time
    /// As [`Passes::begin`].
    pub fn follow_take(&mut self) -> Result<(), EngineError> {
        match self.samples_to_begin() {
            Some(0) => self.timeline.map_or(Ok(()), |playhead| self.begin(playhead.position_samples)),
            _ => Ok(()),
        }
    }

    /// Host samples to the place at which [`Passes::follow_take`] begins afresh.
    fn samples_to_begin(&self) -> Option<usize> {
        let Playhead { position_samples, begun_samples, off_frames } = self.timeline?;
        // Where the lead has just begun it need not do so again.
        let from_samples = position_samples + if position_samples == begun_samples { 1.0 } else { 0.0 };
        let player = &self.jobs.player;
        let begin = player.next_begin_samples(self.jobs.model(), from_samples, off_frames, &self.timing)?;
        Some((begin - position_samples) as usize)
    }

    /// Counts places from the next sample on.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn count_from_here(&mut self) {
        let gone_samples = std::mem::take(&mut self.stream_samples) as f64;
        self.end_samples -= gone_samples;
        self.jobs.shift_places(-gone_samples);
        self.held.shift_places(-gone_samples);
    }

    /// Whether a pass is still heard that has ended.
    pub fn is_ending(&self) -> bool {
        self.ending_samples > 0
    }

    /// Where the frame stands that comes next.
    pub fn next_place(&self) -> FramePlace {
        let other = self.jobs.next_place(1 - self.lead);
        if self.is_ending() && other.start_samples < self.end_samples {
            return other;
        }
        self.held.first_place().unwrap_or_else(|| self.jobs.next_place(self.lead))
    }

    /// The channels of the pass that is coded.
    pub fn channels(&mut self) -> &mut [CodedChannel] {
        &mut self.passes[self.lead].channels
    }

    /// Coded samples that were not there in time.
    pub fn underruns(&self) -> u64 {
        self.passes.iter().flat_map(|pass| &pass.channels).map(|channel| channel.underruns).sum()
    }

    /// Host samples in which nothing changes: at most one chunk is complete with the last of them. Never zero.
    pub fn run_samples(&self) -> usize {
        let run = self.passes[self.lead].missing_samples().clamp(1, RUN_SAMPLES);
        let run = run.min(self.samples_to_begin().unwrap_or(run)).max(1);
        match self.ending_samples {
            0 => run,
            ending => run.min(ending).min(self.passes[1 - self.lead].missing_samples().max(1)),
        }
    }

    /// Codes what a run asks for whose samples were pushed to [`Passes::channels`], `complete` where they complete
    /// a chunk. `true` where other codecs have taken over.
    pub fn code(
        &mut self,
        (run, complete): (usize, bool),
        second: bool,
        controls: &Controls,
        observer: &mut dyn Observer,
    ) -> Result<bool, EngineError> {
        self.stream_samples += run as u64;
        if let Some(playhead) = &mut self.timeline {
            playhead.position_samples += run as f64;
        }
        self.has_begun = true;
        let is_waiting = self.is_ending() && self.end(run, controls, observer)?;
        let mut sink = |frame: CodedFrame| observer.frame(frame);
        if !is_waiting {
            self.held.release(self.jobs.model(), &mut sink);
        }
        // Two passes and a swap at once would cost three frames in the time of one: the swap waits.
        let swaps = self.ending_samples == 0;
        let (held, coding) = (&mut self.held, Coding { swaps, second, controls });
        self.passes[self.lead].code(&mut self.jobs, (run, complete), coding, &mut |frame| {
            let given = if is_waiting { held.hold(frame) } else { Some(frame) };
            if let Some(frame) = given {
                sink(frame);
            }
        })
    }

    /// Works on the pass that ends; `true` while frames of it are still to come.
    fn end(
        &mut self,
        run: usize,
        controls: &Controls,
        observer: &mut dyn Observer,
    ) -> Result<bool, EngineError> {
        let other = 1 - self.lead;
        let pass = &mut self.passes[other];
        let second = pass.channels.get(1).is_some_and(|second| second.wanted);
        let complete = pass.push_silence(run);
        let (end_samples, coding) = (self.end_samples, Coding { swaps: false, second, controls });
        pass.code(&mut self.jobs, (run, complete), coding, &mut |frame: CodedFrame| {
            // What began later is silence that pushes the last of the sound out.
            if frame.place.start_samples < end_samples {
                observer.frame(frame);
            }
        })?;
        Ok(self.jobs.next_place(other).start_samples < end_samples)
    }

    /// The next output samples of the first channel and, where there is one, of the second.
    pub fn pop(&mut self, first: &mut [f32], second: &mut [f32]) -> Result<(), EngineError> {
        self.passes[self.lead].pop(first, second)?;
        if self.ending_samples == 0 {
            return Ok(());
        }
        let mut ending = [[0.0; RUN_SAMPLES]; 2];
        let [ending_first, ending_second] = &mut ending;
        self.passes[1 - self.lead]
            .pop(&mut ending_first[..first.len()], &mut ending_second[..second.len()])?;
        self.fade(first, ending_first);
        self.fade(second, ending_second);
        self.ending_samples = self.ending_samples.saturating_sub(first.len());
        Ok(())
    }

    /// Mixes what ends into `lead`, so that from the first sample on that was coded in it the lead is heard alone.
    fn fade(&self, lead: &mut [f32], ending: &[f32]) {
        let steps = self.fade_samples as f32 + 1.0;
        for (n, (lead, ending)) in lead.iter_mut().zip(ending).enumerate() {
            *lead = match self.ending_samples.saturating_sub(n) {
                left if left > self.fade_samples => *ending,
                left => *lead + left as f32 / steps * (*ending - *lead),
            };
        }
    }
}

//! One pass: the channels between two fresh starts of the codec, and the work that their hops need.

use super::channel::CodedChannel;
use super::config::{EngineConfig, Scheduling};
use super::error::EngineError;
use super::frame::CodedFrame;
use super::latency::Timing;
use super::monitor::Controls;
use super::schedule::{Jobs, PassStart};
use super::sinc::CHUNK_SAMPLES;

/// Host samples are worked on in runs of at most this many.
pub const RUN_SAMPLES: usize = 128;

/// How the hops of a pass are coded.
#[derive(Debug, Clone, Copy)]
pub struct Coding<'a> {
    /// Codecs that are swapped in run with this pass.
    pub swaps: bool,
    /// The second channel is coded too.
    pub second: bool,
    /// What of the token streams is decoded, and what happens to them before.
    pub controls: &'a Controls,
}

/// How a pass begins.
#[derive(Debug, Clone, Copy, Default)]
pub struct PassBegin {
    /// Where it begins, in samples of the stream.
    pub stream_samples: u64,
    /// The silence that it hears before, which fills up its first hop.
    pub skipped_samples: usize,
    /// Number of its first hop, coded or not.
    pub frame: i64,
    /// Where that begins on the timeline, in frames; `None` where it has no place there.
    pub place_frames: Option<f64>,
}

/// All channels of one pass. Its codecs are a lane of the [`Jobs`].
pub struct Pass {
    pub channels: Vec<CodedChannel>,
    lane: usize,
    timing: Timing,
    scheduling: Scheduling,
    /// Host samples since the job under way began.
    job_elapsed: usize,
}

impl Pass {
    /// Allocates everything.
    pub fn new(lane: usize, timing: &Timing, config: EngineConfig) -> Result<Self, EngineError> {
        let channels = (0..config.channels).map(|_| CodedChannel::new(timing, timing.hop_samples));
        Ok(Self {
            channels: channels.collect::<Result<_, _>>()?,
            lane,
            timing: *timing,
            scheduling: config.scheduling,
            job_elapsed: 0,
        })
    }

    /// Begins anew as `begin` says. Hops of nothing else than the silence before it are not coded: the first frame is the
    /// first one in which something can be heard.
    ///
    /// # Real-time
    /// Resamples the skipped silence, three hops at most; never allocates, locks or waits.
    pub fn begin(&mut self, jobs: &mut Jobs, begin: PassBegin, swap_waits: bool) -> Result<(), EngineError> {
        let PassBegin { stream_samples, skipped_samples, frame, place_frames } = begin;
        self.job_elapsed = 0;
        for channel in &mut self.channels {
            channel.reset()?;
        }
        let (mut left, mut hops) = (skipped_samples, 0);
        while left > 0 {
            let run = left.min(RUN_SAMPLES).min(self.missing_samples().max(1));
            hops += u64::from(self.skip(run)?);
            left -= run;
        }
        let first_samples = stream_samples as f64;
        let skipped_samples = skipped_samples as f64;
        let origin_samples = first_samples - skipped_samples + self.timing.frame_start_samples(hops);
        let first_frame = frame.saturating_add_unsigned(hops);
        let place_frames = place_frames.map(|place| place + hops as f64);
        jobs.begin_pass(
            self.lane,
            PassStart { origin_samples, pass_samples: first_samples, first_frame, place_frames },
            swap_waits,
        );
        Ok(())
    }

    /// A run of silence that is neither coded nor heard. `true` where it completes a hop.
    fn skip(&mut self, run: usize) -> Result<bool, EngineError> {
        let mut hop_complete = false;
        for channel in &mut self.channels {
            let mut chunk_complete = false;
            (0..run).for_each(|_| chunk_complete = channel.push(0.0));
            if chunk_complete && channel.collect()? {
                hop_complete = true;
                let chunks = channel.take_hop().len() / CHUNK_SAMPLES;
                (0..chunks).for_each(|_| channel.push_decoded(&[0.0; CHUNK_SAMPLES]));
            }
            channel.pop(&mut [0.0; RUN_SAMPLES][..run])?;
        }
        Ok(hop_complete)
    }

    /// Host samples until the next chunk: never zero.
    pub fn missing_samples(&self) -> usize {
        self.channels[0].missing_samples()
    }

    /// A run of silence after the pass has ended; `true` when a chunk is complete.
    pub fn push_silence(&mut self, run: usize) -> bool {
        let mut complete = false;
        for channel in &mut self.channels {
            (0..run).for_each(|_| complete = channel.push(0.0));
        }
        complete
    }

    /// Codes what a run of `run` samples that was pushed asks for, `complete` where it completes a chunk. `true`
    /// where other codecs have taken over.
    pub fn code(
        &mut self,
        jobs: &mut Jobs,
        (run, complete): (usize, bool),
        coding: Coding,
        sink: &mut dyn FnMut(CodedFrame),
    ) -> Result<bool, EngineError> {
        let mut has_swapped = false;
        self.job_elapsed += run;
        if complete {
            let mut hop_complete = false;
            for channel in &mut self.channels {
                hop_complete = channel.collect()?;
            }
            if hop_complete {
                has_swapped = self.hop_is_complete(jobs, coding, sink);
            }
        }
        if self.scheduling == Scheduling::Spread {
            let share = self.job_elapsed as f64 / self.timing.job_samples;
            jobs.advance(self.lane, share as f32);
        }
        Ok(has_swapped)
    }

    /// Ends the job under way and begins the next. `true` where other codecs have taken over.
    fn hop_is_complete(&mut self, jobs: &mut Jobs, coding: Coding, sink: &mut dyn FnMut(CodedFrame)) -> bool {
        // Decided where a hop begins, so that it does not depend on where a block does.
        if let Some(second) = self.channels.get_mut(1) {
            second.wanted = coding.second;
        }
        let mut has_swapped = jobs.finish(self.lane, &mut self.channels, sink);
        jobs.begin(self.lane, coding, &mut self.channels);
        self.job_elapsed = 0;
        if self.scheduling == Scheduling::Burst {
            has_swapped |= jobs.finish(self.lane, &mut self.channels, sink);
        }
        has_swapped
    }

    /// The next output samples of the first channel and, where there is one, of the second.
    pub fn pop(&mut self, first: &mut [f32], second: &mut [f32]) -> Result<(), EngineError> {
        self.channels[0].pop(first)?;
        match self.channels.get_mut(1) {
            Some(channel) => channel.pop(second),
            None => Ok(()),
        }
    }
}

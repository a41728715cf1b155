//! The stream that is looked at: what was heard of it, and the frames that wait to be.

use std::collections::VecDeque;

use super::columns::Column;
use super::moments::Axis;
use super::samples::Samples;
use super::spectrum::{Analyzer, Spectra};
use super::tap::Snapshot;
use sacodec_engine::{FramePlace, Timing};

/// From twice this rate on, spectra are made of the mean of neighbouring samples.
const SPECTRUM_RATE_HZ: f64 = 48_000.0;
/// Frames that wait for their samples at most; more only if samples were dropped.
const WAITING_FRAMES: usize = 512;

/// The stream that is looked at.
pub(super) struct Current {
    pub stream: u32,
    pub axis: Axis,
    pub channels: usize,
    /// Each channel is coded for itself: columns are of the left one.
    pub is_dual: bool,
    original: Samples,
    coded: Samples,
    analyzer: Analyzer,
    /// Host samples for one of the spectrum's.
    pub group: usize,
    /// What was heard last, as one channel: original and coded.
    pub heard: [Vec<f32>; 2],
    /// Columns and the pack that each was coded with.
    pub waiting: VecDeque<(Column, u64)>,
    windows: [Vec<f32>; 2],
}

impl Current {
    /// A stream that begins.
    pub fn new(stream: u32, timing: Timing, channels: usize) -> Self {
        let group = (timing.rate_hz / SPECTRUM_RATE_HZ).floor().max(1.0) as usize;
        let analyzer = Analyzer::new(timing.rate_hz / group as f64);
        let window = analyzer.window_samples();
        // A window and all that the editor may be late by.
        let reach = (timing.rate_hz / group as f64 * 3.0) as usize + 2 * window;
        Self {
            stream,
            axis: Axis::new(timing),
            channels,
            is_dual: false,
            original: Samples::new(reach),
            coded: Samples::new(reach),
            analyzer,
            group,
            heard: [Vec::new(), Vec::new()],
            waiting: VecDeque::new(),
            windows: [vec![0.0; window], vec![0.0; window]],
        }
    }

    /// A frame that was coded, and is to be heard.
    pub fn wait(&mut self, column: Column, pack: u64) {
        if self.waiting.len() == WAITING_FRAMES {
            self.waiting.pop_front();
        }
        self.waiting.push_back((column, pack));
    }

    /// Takes what was heard; the place of its first sample, counted in groups.
    pub fn hear(&mut self, snapshot: &Snapshot) -> u64 {
        // Two codecs have no phase in common: in the mean of both, voices would fade that do not.
        let first = self.is_dual || snapshot.channels < 2;
        // The original is what is coded of it.
        let [of_input, of_output] = if first { [[1.0, 0.0]; 2] } else { [snapshot.weights, [0.5; 2]] };
        let group = self.group;
        // Snapshots begin anywhere: the few samples to the next whole group stay out.
        let skip = (group as u64 - snapshot.start_samples % group as u64) % group as u64;
        let start = (snapshot.start_samples + skip) / group as u64;
        let groups = snapshot.length.saturating_sub(skip as usize).div_ceil(group);
        let [of_original, of_coded] = &mut self.heard;
        for (signal, weights, samples, heard) in [
            (&snapshot.original, of_input, &mut self.original, of_original),
            (&snapshot.coded, of_output, &mut self.coded, of_coded),
        ] {
            let mean = |g: usize| {
                let from = skip as usize + g * group;
                let to = (from + group).min(snapshot.length);
                let sums = signal.iter().zip(weights).filter(|(_, weight)| *weight != 0.0);
                let sum: f32 = sums.map(|(c, weight)| weight * c[from..to].iter().sum::<f32>()).sum();
                sum / (to - from) as f32
            };
            heard.clear();
            heard.extend((0..groups).map(mean));
            samples.push(start, heard.iter().copied());
        }
        start
    }

    /// Spectra of a frame, and the level of the original there, RMS in dBFS: `None` while its samples are still to
    /// come, `Some(None)` where they are missing.
    pub fn look(&mut self, place: FramePlace) -> Option<Option<(Spectra, f32)>> {
        let middle = self.axis.middle(place);
        let window = self.analyzer.window_samples();
        let start = (middle / self.group as f64) as i64 - window as i64 / 2;
        if start + window as i64 > self.original.end() as i64 {
            return None;
        }
        let [original, coded] = &mut self.windows;
        if !self.original.copy(start, original) || !self.coded.copy(start, coded) {
            return Some(None);
        }
        let power = original.iter().map(|s| s * s).sum::<f32>() / window as f32;
        Some(Some((self.analyzer.analyse(original, coded), 10.0 * power.log10())))
    }
}

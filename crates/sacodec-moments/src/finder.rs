//! The worst moments of two signals that come in blocks.

use std::collections::VecDeque;

use super::distance::LoudnessDistance;
use super::peaks::Peaks;
use super::{Moment, SPACING_S};

/// Ears take about a tenth of a second together: a score is the mean of so many windows, 96 ms from end to end.
const SCORE_WINDOWS: usize = 5;

/// Finds the moments at which coded and original are further apart than around them.
///
/// What is found depends on the samples and on their places alone, not on how they are cut into blocks.
pub struct MomentFinder {
    distance: LoudnessDistance,
    peaks: Peaks,
    /// Original and coded of each channel, from sample `start` on.
    waiting: Vec<[Vec<f32>; 2]>,
    /// Place of the first sample that waits. Windows begin at whole hops of the stream, and before its beginning there
    /// is half a window of silence.
    start: i64,
    /// Distances of the last windows.
    last: VecDeque<f32>,
}

impl MomentFinder {
    /// For signals at `rate_hz`.
    pub fn new(rate_hz: f64) -> Self {
        Self {
            distance: LoudnessDistance::new(rate_hz),
            peaks: Peaks::new((rate_hz * SPACING_S).ceil() as u64),
            waiting: Vec::new(),
            start: 0,
            last: VecDeque::with_capacity(SCORE_WINDOWS),
        }
    }

    /// Takes a block of all channels, each `(original, coded)`, of one length and aligned to the sample, that begins at
    /// the sample `start` of the stream. Where samples are missing before it, nothing is said of them. Tells the moments
    /// that are decided.
    pub fn push(&mut self, start: u64, block: &[(&[f32], &[f32])], tell: &mut impl FnMut(Moment)) {
        let waiting = self.waiting.first().map_or(0, |channel| channel[0].len());
        let next = self.start + waiting as i64;
        let mut skip = 0;
        let hop = self.distance.hop_samples() as u64;
        if waiting == 0 && self.waiting.len() == block.len() && start.next_multiple_of(hop) as i64 == next {
            // It goes on to the hop at which windows begin again after a gap.
            skip = (next - start as i64) as usize;
        } else if start as i64 != next || self.waiting.len() != block.len() {
            if (start as i64) < next {
                // The stream begins again.
                self.peaks.finish(tell);
            }
            skip = self.begin(start, block.len());
        }
        for (waiting, (original, coded)) in self.waiting.iter_mut().zip(block) {
            let [of_original, of_coded] = waiting;
            of_original.extend_from_slice(original.get(skip..).unwrap_or_default());
            of_coded.extend_from_slice(coded.get(skip..).unwrap_or_default());
        }
        self.compare(tell);
    }

    /// Nothing follows: what was heard last is followed by silence. A stream that is pushed then begins anew.
    pub fn finish(&mut self, tell: &mut impl FnMut(Moment)) {
        let silence = self.distance.window_samples();
        for waiting in &mut self.waiting {
            waiting.iter_mut().for_each(|signal| signal.resize(signal.len() + silence, 0.0));
        }
        self.compare(tell);
        self.peaks.finish(tell);
        self.waiting.clear();
        self.last.clear();
        self.start = 0;
    }

    /// Begins at the sample `start`; the samples to the next whole hop, which are left out.
    fn begin(&mut self, start: u64, channels: usize) -> usize {
        let hop = self.distance.hop_samples();
        let silence = if start == 0 { hop } else { 0 };
        let skip = start.next_multiple_of(hop as u64) - start;
        self.start = (start + skip) as i64 - silence as i64;
        self.waiting = vec![[vec![0.0; silence], vec![0.0; silence]]; channels];
        self.last.clear();
        skip as usize
    }

    fn compare(&mut self, tell: &mut impl FnMut(Moment)) {
        let (window, hop) = (self.distance.window_samples(), self.distance.hop_samples());
        let ready = self.waiting.iter().map(|[original, coded]| original.len().min(coded.len())).min();
        let ready = ready.unwrap_or(0);
        let mut done = 0;
        while done + window <= ready {
            let channels = self.waiting.iter();
            let apart = self.distance.next(
                channels
                    .map(|[original, coded]| (&original[done..done + window], &coded[done..done + window])),
            );
            if self.last.len() == SCORE_WINDOWS {
                self.last.pop_front();
            }
            self.last.push_back(apart);
            // The middle of all windows in the mean; where fewer have been, of as many as there would have been.
            let back = (SCORE_WINDOWS - 1) * hop / 2;
            let sample = self.start + (done + window / 2) as i64 - back as i64;
            let score = self.last.iter().sum::<f32>() / SCORE_WINDOWS as f32;
            self.peaks.push(Moment { sample: sample.max(0) as u64, score }, tell);
            done += hop;
        }
        self.waiting.iter_mut().flatten().for_each(|signal| drop(signal.drain(..done)));
        self.start += done as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Worst;
    use sacodec_testing::{Blocks, speech_24k, speech_48k};

    /// The worst moments of a coded signal, the worst first, at 24 kHz.
    fn worst(original: &[f32], coded: &[f32], blocks: Blocks) -> Vec<Moment> {
        let (mut finder, mut worst) = (MomentFinder::new(24_000.0), Worst::new(20));
        let mut at = 0;
        for size in blocks.sizes(original.len()) {
            let block = (&original[at..at + size], &coded[at..at + size]);
            finder.push(at as u64, &[block], &mut |moment| worst.add(moment, || ()));
            at += size;
        }
        finder.finish(&mut |moment| worst.add(moment, || ()));
        worst.ranked().iter().map(|&(moment, ())| moment).collect()
    }

    const ALL: Blocks = Blocks::Fixed(usize::MAX);

    /// The speech with a fault in these samples.
    fn with_fault(range: std::ops::Range<usize>, fault: impl Fn(usize, f32) -> f32) -> (Vec<f32>, Vec<f32>) {
        let original = speech_24k();
        let mut coded = original.clone();
        for i in range {
            coded[i] = fault(i, coded[i]);
        }
        (original, coded)
    }

    fn assert_found(range: std::ops::Range<usize>, fault: impl Fn(usize, f32) -> f32, what: &str) {
        let (original, coded) = with_fault(range.clone(), fault);
        let found = worst(&original, &coded, ALL);
        let first = found.first().unwrap_or_else(|| panic!("{what}: nothing was found"));
        // Half of what a score is the mean of.
        let near = range.start as u64 - 1152..range.end as u64 + 1152;
        assert!(near.contains(&first.sample), "{what} in {range:?}: found at {}", first.sample);
        assert!(found.iter().all(|moment| near.contains(&moment.sample)), "{what}: also {found:?}");
    }

    #[test]
    fn a_fault_is_found_at_its_place() {
        let original = speech_24k();
        for start in [30_000, 61_000, 100_001] {
            assert_found(start..start + 2, |_, sample| sample + 0.5, "a click");
            assert_found(start..start + 4800, |_, _| 0.0, "a hole");
            let raised = |i: usize, _| original[(start + (i - start) * 3 / 2).min(original.len() - 1)];
            assert_found(start..start + 7200, raised, "a stretch of higher pitch");
        }
    }

    #[test]
    fn a_click_at_either_end_is_found() {
        let length = speech_24k().len();
        for at in [0, 5, length - 6, length - 1] {
            let (original, coded) = with_fault(at..at + 1, |_, sample| sample + 0.5);
            let found = worst(&original, &coded, ALL);
            assert_eq!(found.len(), 1, "{at}");
            assert!(found[0].sample.abs_diff(at as u64) <= 1152, "{at}: {found:?}");
        }
    }

    #[test]
    fn equal_signals_and_silence_have_no_moments() {
        let speech = speech_24k();
        let silence = vec![0.0; speech.len()];
        // Less than what is heard in quiet.
        let hardly: Vec<f32> = sacodec_testing::noise(1, speech.len(), 1e-5);
        assert_eq!(worst(&speech, &speech, ALL), []);
        assert_eq!(worst(&silence, &silence, ALL), []);
        assert_eq!(worst(&silence, &hardly, ALL), []);
        assert_eq!(worst(&[], &[], ALL), []);
    }

    #[test]
    fn the_moments_are_the_same_whatever_the_blocks() {
        let original = speech_24k();
        let coded: Vec<f32> = sacodec_testing::noise(7, original.len(), 1.0);
        let coded: Vec<f32> = original.iter().zip(coded).map(|(o, n)| o * (1.0 + 0.8 * n)).collect();
        let whole = worst(&original, &coded, ALL);
        assert!(whole.len() > 5 && whole.is_sorted_by(|a, b| a.score >= b.score), "{whole:?}");
        for blocks in
            [Blocks::Fixed(1), Blocks::Fixed(320), Blocks::Fixed(1000), Blocks::Random { seed: 5, max: 9000 }]
        {
            assert_eq!(worst(&original, &coded, blocks), whole, "{blocks:?}");
        }
    }

    #[test]
    fn where_samples_are_missing_nothing_is_said_and_the_rest_is_found() {
        let original = speech_48k();
        let mut coded = original.clone();
        coded[20_000..24_000].fill(0.0);
        coded[200_000..204_000].fill(0.0);
        let mut found = Vec::new();
        let mut finder = MomentFinder::new(48_000.0);
        // The first fault is not heard, and what is heard begins nowhere in particular.
        for range in [0..19_000, 25_001..60_000, 60_000..240_000] {
            let block = (&original[range.clone()], &coded[range.clone()]);
            finder.push(range.start as u64, &[block], &mut |moment| found.push(moment));
        }
        finder.finish(&mut |moment| found.push(moment));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((200_000..204_000).contains(&found[0].sample), "{found:?}");
    }

    #[test]
    fn moments_are_apart_also_where_samples_are_missing_between_them() {
        let original = speech_48k();
        let mut coded = original.clone();
        coded[50_000..51_000].fill(0.0);
        coded[62_000..64_000].fill(0.0);
        for size in [128, 4096] {
            let mut found = Vec::new();
            let mut finder = MomentFinder::new(48_000.0);
            for range in [0..56_000, 56_300..200_000] {
                for from in range.clone().step_by(size) {
                    let block = from..(from + size).min(range.end);
                    let block = (&original[block.clone()], &coded[block]);
                    finder.push(from as u64, &[block], &mut |moment| found.push(moment));
                }
            }
            finder.finish(&mut |moment| found.push(moment));
            assert_eq!(found.len(), 1, "blocks of {size}: {found:?}");
        }
    }

    #[test]
    fn a_stream_that_begins_again_is_another_one() {
        let (original, coded) = with_fault(30_000..34_000, |_, _| 0.0);
        let mut found = Vec::new();
        let mut finder = MomentFinder::new(24_000.0);
        for _ in 0..2 {
            finder.push(0, &[(&original[..36_000], &coded[..36_000])], &mut |moment| found.push(moment));
        }
        finder.finish(&mut |moment| found.push(moment));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Moment { score: found[0].score, ..found[1] });
    }

    #[test]
    fn of_several_channels_the_worst_counts() {
        let (original, coded) = with_fault(40_000..44_000, |_, _| 0.0);
        let mut found = Vec::new();
        let mut finder = MomentFinder::new(24_000.0);
        finder.push(0, &[(&original, &original), (&original, &coded)], &mut |moment| found.push(moment));
        finder.finish(&mut |moment| found.push(moment));
        assert_eq!(found, worst(&original, &coded, ALL));
    }
}

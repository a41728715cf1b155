//! Frames are taken out of a take, as a network would lose them.

use super::super::anchor::Anchor;
use super::super::error::TakeError;
use super::super::format::{Gap, GapReason};
use super::{Run, Take};

/// How far a frame may be from the grid of the timeline and be on it: both the grid and the places of takes are
/// rounded to samples at some rates.
const GRID_TOLERANCE_SAMPLES: f64 = 1.5;

impl Take {
    /// Takes out every frame whose number `is_lost`: a gap, [`GapReason::Rehearsed`]. Gives how many were there.
    ///
    /// The number of a frame is that by which the plugin decides whether a network loses it. Where the codec began on
    /// the grid of the timeline, frame 0 begins at its position 0. Elsewhere frames are counted from where the codec
    /// began.
    ///
    /// # Errors
    /// [`TakeError::MostlyLost`] where no reader would accept what is left. Then the take is good for nothing.
    pub fn lose(&mut self, mut is_lost: impl FnMut(i64) -> bool) -> Result<u32, TakeError> {
        let before = self.present_frames();
        let beginnings = self.beginnings();
        let number = |index: u32| {
            let beginning = beginnings.partition_point(|(first, _)| *first <= index).saturating_sub(1);
            let (first, number) = beginnings[beginning];
            number.saturating_add(i64::from(index) - i64::from(first))
        };
        let runs = std::mem::take(&mut self.runs);
        for Run { index, frames, offset } in runs {
            for (index, place) in (index..index + frames).zip(0..) {
                match is_lost(number(index)) {
                    true => self.lose_frame(index),
                    false => self.keep_frame(index, offset + place * self.header.channels),
                }
            }
        }
        self.gaps.sort_by_key(|gap| gap.index);
        match self.check_missing() {
            Err(TakeError::MostlyMissing { missing, present }) => {
                Err(TakeError::MostlyLost { missing, present })
            }
            checked => checked.map(|()| before - self.present_frames()),
        }
    }

    fn lose_frame(&mut self, index: u32) {
        match self.gaps.last_mut() {
            Some(gap) if gap.index + gap.count == index && gap.reason == GapReason::Rehearsed => {
                gap.count += 1;
            }
            _ => self.gaps.push(Gap { index, count: 1, reason: GapReason::Rehearsed }),
        }
    }

    fn keep_frame(&mut self, index: u32, offset: usize) {
        match self.runs.last_mut() {
            Some(run) if run.index + run.frames == index => run.frames += 1,
            _ => self.runs.push(Run { index, frames: 1, offset }),
        }
    }

    /// The frames from which on numbers are counted, by their index in the take, and their numbers. The first one is
    /// frame 0 of the take.
    fn beginnings(&self) -> Vec<(u32, i64)> {
        let coded_before = i64::try_from(self.header.stream_frame.unwrap_or(0)).unwrap_or(i64::MAX);
        let begins = self.anchors.iter().filter(|anchor| anchor.index == 0 || anchor.codec_reset);
        let numbered = begins.map(|anchor| {
            let counted = if anchor.index == 0 { coded_before } else { 0 };
            (anchor.index, self.timeline_frame(anchor).unwrap_or(counted))
        });
        [(0, coded_before)].into_iter().chain(numbered).collect()
    }

    /// The number of an anchor's frame on the timeline, if it is on the grid on which frame 0 begins at 0.
    fn timeline_frame(&self, anchor: &Anchor) -> Option<i64> {
        let frame_samples = self.header.frame_samples();
        // Anchors have what is heard first in a frame, which is a little before it begins where the rate is changed.
        let early_samples = self.first_stream_samples();
        let begin_samples = anchor.position_samples.filter(|_| anchor.playing)? - early_samples;
        let number = (begin_samples / frame_samples).round();
        let off_samples = (begin_samples - number * frame_samples).abs();
        (off_samples <= GRID_TOLERANCE_SAMPLES).then_some(number as i64)
    }
}

//! A take on the timeline, to be played in place of what is coded.

use super::super::anchor::Anchor;
use super::Take;
use sacodec_token::{Stretch, TokenTrack, sha256_from_hex};

/// How far two stretches may be from one another and follow one upon the other: places are rounded to samples.
const TOLERANCE_SAMPLES: f64 = 1.5;

/// Frames with one rule for their places.
struct Part {
    first: u32,
    begin_frames: f64,
    fresh_frames: Option<f64>,
    /// Nothing says that the codec or the timeline did not run on from the frame before.
    goes_on: bool,
}

impl Take {
    /// The take on the timeline of its host: every frame that was coded while the host played, at its place there. A take
    /// that was coded while no host played begins at the beginning of the timeline.
    pub fn track(&self) -> TokenTrack {
        let mut parts = self.parts(|anchor| anchor.position_samples.filter(|_| anchor.playing));
        if parts.is_empty() {
            parts = self.parts(|anchor| Some(anchor.stream_samples));
        }
        let ends = self.anchors.iter().map(|anchor| anchor.index).chain([self.frames]);
        let ends: Vec<u32> = ends.collect();
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut end_of_last = None;
        for part in parts {
            let end = ends[ends.partition_point(|&end| end <= part.first).min(ends.len() - 1)];
            let tokens = (part.first..end).flat_map(|index| self.tokens_or_missing(index));
            match stretches.last_mut() {
                Some(last) if part.goes_on && end_of_last == Some(part.first) => last.tokens.extend(tokens),
                _ => stretches.push(Stretch {
                    begin_frames: part.begin_frames,
                    fresh_frames: part.fresh_frames,
                    tokens: tokens.collect(),
                }),
            }
            end_of_last = Some(end);
        }
        let pack = &self.header.pack;
        TokenTrack::new(
            format!("{} {}", pack.name, pack.version),
            // A reader has checked the digits.
            sha256_from_hex(&pack.sha256).unwrap_or_default(),
            self.header.channels,
            stretches,
        )
    }

    /// What anchors say of the frames from them on, where `place` tells where on the timeline an anchor's frame has its
    /// first input sample.
    fn parts(&self, place: impl Fn(&Anchor) -> Option<f64>) -> Vec<Part> {
        let frame_samples = self.header.frame_samples();
        // The resampler looks ahead: what is heard first in a frame is a little before it begins.
        let early_samples = self.first_stream_samples();
        let mut parts: Vec<Part> = Vec::new();
        let mut place_before = None;
        let mut resets = None;
        for (number, anchor) in self.anchors.iter().enumerate() {
            if anchor.codec_reset {
                resets = Some((anchor.index, anchor.pass_samples));
            }
            if self.anchors.get(number + 1).is_some_and(|next| next.index == anchor.index) {
                // The next one says where it is.
                continue;
            }
            let reset = resets.take().filter(|(index, _)| *index == anchor.index);
            let Some(position_samples) = place(anchor) else {
                place_before = None;
                continue;
            };
            let begin_frames = (position_samples - early_samples) / frame_samples;
            let heard_frames = |pass_samples: Option<f64>| match pass_samples {
                Some(heard) => (position_samples + heard - anchor.stream_samples) / frame_samples,
                None => begin_frames,
            };
            let is_next = |(index, begin): (u32, f64)| {
                let expected_frames = begin + f64::from(anchor.index - index);
                ((begin_frames - expected_frames) * frame_samples).abs() <= TOLERANCE_SAMPLES
            };
            parts.push(Part {
                first: anchor.index,
                begin_frames,
                fresh_frames: reset.map(|(_, pass_samples)| heard_frames(pass_samples)),
                goes_on: reset.is_none() && place_before.is_some_and(is_next),
            });
            place_before = Some((anchor.index, begin_frames));
        }
        parts
    }

    /// The tokens of each channel of a frame, or that they are missing.
    fn tokens_or_missing(&self, index: u32) -> impl Iterator<Item = Option<sacodec_token::TokenFrame>> {
        let tokens = self.frame(index);
        (0..self.header.channels).map(move |channel| tokens.map(|tokens| tokens[channel]))
    }
}

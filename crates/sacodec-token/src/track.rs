//! Tokens at their places on a timeline, to be played in place of what is coded.

use std::collections::BTreeMap;
use std::ops::Range;

use super::TokenFrame;

/// Parts of a frame in which places are told apart where stretches overlap.
const PARTS: f64 = 1024.0;
/// So far two stretches may be over one another and only touch: places are rounded to samples.
const TOUCHING_FRAMES: f64 = 0.02;

/// Consecutive frames of a [`TokenTrack`].
///
/// Places are counted in frames: 75.0 is the beginning of the second second. So they hold at every sample rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Where the first frame begins. A whole number where the codec stood on the grid of the timeline.
    pub begin_frames: f64,
    /// Where the codec began afresh with this stretch: what it heard first, in its first frame. `None` where it had heard
    /// something before.
    pub fresh_frames: Option<f64>,
    /// The tokens of every channel, frame by frame; `None` where they are missing.
    pub tokens: Vec<Option<TokenFrame>>,
}

/// A take on a timeline: what stands where. It never changes.
///
/// # Real-time
/// What it is asked for is found by a binary search: it never allocates, locks or waits.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenTrack {
    pack: String,
    pack_sha256: [u8; 32],
    channels: usize,
    /// In the order of their places; no two have a place in common.
    stretches: Vec<Stretch>,
    frames: usize,
    missing_frames: usize,
}

impl TokenTrack {
    /// A track of tokens that the pack called `pack` made, whose weights have `pack_sha256`. Of a place that several
    /// stretches have, the last of them counts. `channels` is at least 1, and each stretch has whole frames of so many.
    pub fn new(
        pack: String,
        pack_sha256: [u8; 32],
        channels: usize,
        stretches: impl IntoIterator<Item = Stretch>,
    ) -> Self {
        let channels = channels.max(1);
        let stretches: Vec<_> = stretches.into_iter().collect();
        let mut laid = Laid::default();
        for (number, stretch) in stretches.iter().enumerate() {
            let &Stretch { begin_frames, fresh_frames, .. } = stretch;
            let frames = 0..stretch.tokens.len() / channels;
            laid.lay(Piece { begin_frames, fresh_frames, stretch: number, frames });
        }
        let cut = |piece: Piece| Stretch {
            begin_frames: piece.begin_frames,
            fresh_frames: piece.fresh_frames,
            tokens: stretches[piece.stretch].tokens
                [piece.frames.start * channels..piece.frames.end * channels]
                .to_vec(),
        };
        let stretches: Vec<_> = laid.0.into_values().map(cut).collect();
        let tokens = stretches.iter().flat_map(|stretch| stretch.tokens.chunks_exact(channels));
        let (frames, missing_frames) = tokens.fold((0, 0), |(frames, missing), frame| {
            (frames + 1, missing + usize::from(frame.iter().all(Option::is_none)))
        });
        Self { pack, pack_sha256, channels, stretches, frames, missing_frames }
    }

    /// One channel of it, or the last one where it has fewer.
    pub fn of_channel(&self, channel: usize) -> Self {
        let channel = channel.min(self.channels - 1);
        let stretches = self.stretches.iter().map(|stretch| Stretch {
            tokens: stretch.tokens.iter().copied().skip(channel).step_by(self.channels).collect(),
            ..*stretch
        });
        Self::new(self.pack.clone(), self.pack_sha256, 1, stretches)
    }

    /// Name and version of the pack that made it.
    pub fn pack(&self) -> &str {
        &self.pack
    }

    /// The SHA-256 of that pack's weights.
    pub fn pack_sha256(&self) -> &[u8; 32] {
        &self.pack_sha256
    }

    /// Channels of every frame.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames, missing ones included.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Frames of which no channel is there.
    pub fn missing_frames(&self) -> usize {
        self.missing_frames
    }

    /// What stands on the timeline, in order.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Where it begins and ends, in frames; `None` where it is empty.
    pub fn span_frames(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.stretches.first()?, self.stretches.last()?);
        Some((first.begin_frames, self.end_frames(last)))
    }

    fn end_frames(&self, stretch: &Stretch) -> f64 {
        stretch.begin_frames + (stretch.tokens.len() / self.channels) as f64
    }

    /// The stretch that has a frame within half a frame of `place_frames`.
    pub fn stretch_at(&self, place_frames: f64) -> Option<&Stretch> {
        let up_to = self.stretches.partition_point(|stretch| stretch.begin_frames <= place_frames + 0.5);
        let stretch = self.stretches.get(up_to.checked_sub(1)?)?;
        (place_frames < self.end_frames(stretch) - 0.5).then_some(stretch)
    }

    /// The tokens of the frame nearest to `place_frames`, which is half a frame away at most: of `channel`, or of the last
    /// one where the track has fewer. `None` where the track has no frame there, `Some(None)` where it is missing.
    pub fn frame(&self, place_frames: f64, channel: usize) -> Option<Option<TokenFrame>> {
        let stretch = self.stretch_at(place_frames)?;
        let index = (place_frames - stretch.begin_frames).round().max(0.0) as usize;
        stretch.tokens.get(index * self.channels + channel.min(self.channels - 1)).copied()
    }

    /// The stretches that begin at `place_frames` or after it, in order: where the codec heard something first in them, if
    /// it began afresh, else with their first frame.
    pub fn from(&self, place_frames: f64) -> &[Stretch] {
        let before = self.stretches.partition_point(|stretch| heard_frames(stretch) < place_frames);
        &self.stretches[before..]
    }
}

/// Where a stretch is heard first, in frames.
pub fn heard_frames(stretch: &Stretch) -> f64 {
    stretch.fresh_frames.unwrap_or(stretch.begin_frames)
}

/// Frames of a stretch that nothing lies over.
struct Piece {
    begin_frames: f64,
    fresh_frames: Option<f64>,
    /// Whose frames they are, by its number.
    stretch: usize,
    /// Which of its frames they are.
    frames: Range<usize>,
}

impl Piece {
    fn end_frames(&self) -> f64 {
        self.begin_frames + self.frames.len() as f64
    }

    /// The frames before `count`, and those from there on.
    fn split(self, count: usize) -> [Self; 2] {
        let (start, end) = (self.frames.start, self.frames.end);
        let tail = Self {
            begin_frames: self.begin_frames + count as f64,
            // It is whole where nothing was cut off.
            fresh_frames: self.fresh_frames.filter(|_| count == 0),
            frames: start + count..end,
            ..self
        };
        [Self { frames: start..start + count, ..self }, tail]
    }
}

/// Pieces by their places, none over another.
#[derive(Default)]
struct Laid(BTreeMap<i64, Piece>);

impl Laid {
    /// Lays a piece over those that are there.
    fn lay(&mut self, mut piece: Piece) {
        if piece.frames.is_empty() || !piece.begin_frames.is_finite() {
            return;
        }
        // A codec that begins afresh hears something in its first frame, or in the hop of silence before it.
        let first = piece.begin_frames - 1.0..=piece.begin_frames + 1.0;
        piece.fresh_frames = piece.fresh_frames.filter(|fresh| first.contains(fresh));
        let (begin, end) = (piece.begin_frames, piece.end_frames());
        // Of what begins before, only the last one can reach so far.
        let before = self.0.range(..parts(begin)).next_back().map(|(&place, _)| place);
        let inside = self.0.range(parts(begin)..parts(end)).map(|(&place, _)| place);
        for place in before.into_iter().chain(inside).collect::<Vec<_>>() {
            let Some(old) = self.0.remove(&place) else { continue };
            // Places are rounded to samples: what only touches is not cut.
            let frames = old.frames.len() as f64;
            let until = |place: f64, round: f64| (place - old.begin_frames + round).clamp(0.0, frames);
            let (kept, left) = (until(begin, TOUCHING_FRAMES).floor(), until(end, -TOUCHING_FRAMES).ceil());
            let [head, tail] = old.split(left as usize);
            let [head, _] = head.split((kept as usize).min(left as usize));
            for rest in [head, tail] {
                if !rest.frames.is_empty() {
                    self.0.insert(parts(rest.begin_frames), rest);
                }
            }
        }
        self.0.insert(parts(begin), piece);
    }
}

fn parts(place_frames: f64) -> i64 {
    (place_frames * PARTS).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames from `begin_frames` on, named by numbers.
    fn stretch(begin_frames: f64, names: std::ops::Range<u16>) -> Stretch {
        let tokens = names.map(|n| Some(TokenFrame { semantic: n, acoustic: n })).collect();
        Stretch { begin_frames, fresh_frames: Some(begin_frames + 0.25), tokens }
    }

    fn track(stretches: impl IntoIterator<Item = Stretch>) -> TokenTrack {
        TokenTrack::new("pack 1".into(), [0; 32], 1, stretches)
    }

    fn names(track: &TokenTrack, places: impl IntoIterator<Item = f64>) -> Vec<Option<u16>> {
        let name = |place| track.frame(place, 0).flatten().map(|tokens| tokens.semantic);
        places.into_iter().map(name).collect()
    }

    #[test]
    fn frames_are_found_at_their_places_and_none_beside_them() {
        let track = track([stretch(10.0, 0..3), stretch(-5.75, 50..52)]);
        assert_eq!(
            names(&track, [9.4, 9.6, 10.0, 11.2, 12.4, 12.6]),
            [None, Some(0), Some(0), Some(1), Some(2), None]
        );
        assert_eq!(names(&track, [-6.3, -5.75, -4.75, -4.2]), [None, Some(50), Some(51), None]);
        assert_eq!(track.span_frames(), Some((-5.75, 13.0)));
        assert_eq!((track.frames(), track.missing_frames()), (5, 0));
        for place in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(track.frame(place, 0), None, "{place}");
        }
    }

    #[test]
    fn of_two_stretches_at_one_place_the_later_one_counts() {
        let whole = |found: &TokenTrack| names(found, (0..10).map(f64::from));
        let over = track([stretch(1.0, 0..8), stretch(3.0, 30..32)]);
        let (a, b) = (Some::<u16>, |n: u16| Some(30 + n));
        assert_eq!(whole(&over), [None, a(0), a(1), b(0), b(1), a(4), a(5), a(6), a(7), None]);
        assert_eq!(
            over.stretches().iter().map(|s| s.fresh_frames).collect::<Vec<_>>(),
            [Some(1.25), Some(3.25), None]
        );
        assert_eq!(over.frames(), 8);
        let hidden = track([stretch(3.0, 30..32), stretch(1.0, 0..8)]);
        assert_eq!(hidden.stretches().len(), 1);
        // Between two frames: neither of them is left.
        let between = track([stretch(1.0, 0..8), stretch(3.5, 30..32)]);
        assert_eq!(names(&between, [1.0, 2.0, 3.5, 4.5, 4.9]), [a(0), a(1), b(0), b(1), b(1)]);
        assert_eq!(names(&between, [5.5, 6.0]), [a(5), a(5)]);
        assert_eq!(between.frames(), 7);
        // Places that are rounded only touch.
        let touching = track([stretch(1.0, 0..2), stretch(2.9995, 30..32), stretch(4.9985, 40..42)]);
        assert_eq!(whole(&touching)[1..=6], [a(0), a(1), b(0), b(1), a(40), a(41)]);
        assert_eq!(touching.stretches().iter().map(|s| s.tokens.len()).collect::<Vec<_>>(), [2, 2, 2]);
        let ends = track([stretch(4.0, 0..4), stretch(2.0, 10..14)]);
        assert_eq!(whole(&ends)[2..8], [a(10), a(11), a(12), a(13), a(2), a(3)]);
    }

    #[test]
    fn the_next_stretches_are_those_that_are_heard_from_here_on() {
        let track = track([stretch(10.0, 0..3), stretch(20.0, 0..3)]);
        let next = |place| track.from(place).first().map(|stretch| stretch.begin_frames);
        assert_eq!(
            [0.0, 10.0, 10.25, 10.3, 20.3].map(next),
            [Some(10.0), Some(10.0), Some(10.0), Some(20.0), None]
        );
    }

    #[test]
    fn further_channels_have_the_last_one_that_there_is() {
        let frame = |n| Some(TokenFrame { semantic: n, acoustic: 0 });
        let stretch =
            Stretch { begin_frames: 0.0, fresh_frames: None, tokens: vec![frame(1), frame(2), None, None] };
        let track = TokenTrack::new(String::new(), [0; 32], 2, [stretch]);
        let found = [0, 1, 2].map(|channel| track.frame(0.0, channel));
        assert_eq!(found, [Some(frame(1)), Some(frame(2)), Some(frame(2))]);
        assert_eq!((track.frame(1.0, 0), track.frames(), track.missing_frames()), (Some(None), 2, 1));
        let alone = [0, 1, 2].map(|channel| track.of_channel(channel));
        assert_eq!(alone.each_ref().map(|track| track.frame(0.0, 0)), found);
        assert!(
            alone.iter().all(|track| (track.channels(), track.frames(), track.missing_frames()) == (1, 2, 1))
        );
    }

    #[test]
    fn stretches_without_a_place_or_without_frames_are_left_out() {
        let none = track([stretch(f64::NAN, 0..3), stretch(f64::INFINITY, 0..3), stretch(5.0, 0..0)]);
        assert_eq!((none.stretches().len(), none.span_frames()), (0, None));
        // Places that are too far away to be told apart do no harm.
        assert_eq!(track([stretch(1e300, 0..3), stretch(1e300, 0..2)]).frames(), 2);
    }
}

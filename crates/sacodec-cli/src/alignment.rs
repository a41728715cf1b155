//! Which frames of two takes are of the same moment.

use std::collections::{HashMap, VecDeque};

use clap::ValueEnum;

use sacodec_codec::TokenFrame;
use sacodec_take::Take;

/// What frames are paired by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Align {
    /// By timeline where every frame of both takes has a place on it, else by lag.
    Auto,
    /// By the place on the timeline; for a file, its first sample is the beginning.
    Timeline,
    /// By the lag in frames at which most tokens are equal.
    Lag,
}

/// Frames of two takes that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// Frame of the first and frame of the second take, in the order of the first.
    pub frames: Vec<(u32, u32)>,
    /// How many frames later the second take has the same, where that is what they were paired by.
    pub lag_frames: Option<i64>,
}

impl Pairs {
    /// Pairs the frames of two takes of one frame rate; `None` where they shall be paired by a timeline that
    /// one of them does not have. A lag is looked for up to `max_lag_frames`.
    pub fn find(a: &Take, b: &Take, align: Align, max_lag_frames: u32) -> Option<Self> {
        match align {
            Align::Lag => Some(by_lag(a, b, max_lag_frames)),
            Align::Timeline => by_timeline(a, b),
            Align::Auto => by_timeline(a, b).or_else(|| Some(by_lag(a, b, max_lag_frames))),
        }
    }
}

/// The place of each frame in frames of the timeline; `None` where one has none.
fn places(take: &Take) -> Option<Vec<f64>> {
    let frames_per_sample = take.header.frame_rate_hz() / take.header.host_rate_hz;
    take.places().map(|(place, _)| Some(place?.position_samples? * frames_per_sample)).collect()
}

/// The nearest frames. What is on the timeline twice, as in a loop, is paired in the order in which it came.
fn by_timeline(a: &Take, b: &Take) -> Option<Pairs> {
    let (a, b) = (places(a)?, places(b)?);
    // Counted from the first frame, so that rounding does not part frames that are half a frame from the grid.
    let origin = a.first().copied().unwrap_or(0.0);
    let slot = |place: f64| (place - origin).round() as i64;
    let mut there = HashMap::<i64, VecDeque<u32>>::new();
    for (index, &place) in (0..).zip(&b) {
        there.entry(slot(place)).or_default().push_back(index);
    }
    let pair = |(index, &place): (u32, &f64)| Some((index, there.get_mut(&slot(place))?.pop_front()?));
    Some(Pairs { frames: (0..).zip(&a).filter_map(pair).collect(), lag_frames: None })
}

/// The lag with most equal tokens; of several the shortest.
fn by_lag(a: &Take, b: &Take, max_lag_frames: u32) -> Pairs {
    let (a, b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
    let max = i64::from(max_lag_frames).min(a.len().max(b.len()) as i64);
    let nearest_first = (0..=max).flat_map(|lag| [lag, -lag]);
    let lag = nearest_first.rev().max_by_key(|&lag| equal_tokens(&a, &b, lag)).unwrap_or(0);
    let overlap = |lag: i64| {
        (0.max(-lag)..(a.len() as i64).min(b.len() as i64 - lag)).map(move |i| (i as u32, (i + lag) as u32))
    };
    Pairs { frames: overlap(lag).collect(), lag_frames: Some(lag) }
}

type Frame<'a> = Option<&'a [TokenFrame]>;

fn equal_tokens(a: &[Frame], b: &[Frame], lag: i64) -> u64 {
    let skip = |by: i64| by.max(0) as usize;
    let pairs = a.iter().skip(skip(-lag)).zip(b.iter().skip(skip(lag)));
    let present = pairs.filter_map(|(a, b)| Some((*a)?.iter().zip((*b)?)));
    present
        .flatten()
        .map(|(a, b)| u64::from(a.semantic == b.semantic) + u64::from(a.acoustic == b.acoustic))
        .sum()
}

#[cfg(test)]
mod tests {
    use sacodec_take::{Anchor, CodebookSizes, Header, PackId, TakeSerializer};

    use super::*;

    /// A take of these semantic tokens at 24 kHz, of which each stretch has its place in samples.
    fn take(stretches: &[(Option<f64>, &[u16])]) -> Take {
        let header = Header {
            pack: PackId { name: "test".into(), version: "1".into(), sha256: "0".repeat(64) },
            codec_rate_hz: 24_000,
            hop_samples: 320,
            codebooks: CodebookSizes { semantic: 1000, acoustic: 1024 },
            channels: 1,
            host_rate_hz: 24_000.0,
            channel_mode: None,
            latency_samples: None,
            stream_frame: None,
            first_sample: None,
            tempo_bpm: None,
            track: None,
            source: None,
            created: None,
            software: None,
            inference: None,
            cpu: None,
            further: Default::default(),
        };
        let mut writer = TakeSerializer::new(header).unwrap();
        for &(position_samples, tokens) in stretches {
            let playing = position_samples.is_some();
            writer.anchor(Anchor { position_samples, playing, new_segment: true, ..Anchor::default() });
            for &semantic in tokens {
                writer.frame(&[TokenFrame { semantic, acoustic: 1 + semantic }]).unwrap();
            }
        }
        writer.finish("test", None, Vec::new());
        Take::parse(&writer.take_bytes()).unwrap()
    }

    #[test]
    fn the_lag_with_most_equal_tokens_is_found_in_both_directions() {
        let early = take(&[(None, &[1, 2, 3, 4, 5, 6])]);
        let late = take(&[(None, &[9, 8, 1, 2, 3, 4, 5, 6])]);
        let pairs = Pairs::find(&early, &late, Align::Auto, 5).unwrap();
        assert_eq!((pairs.lag_frames, &pairs.frames[..2]), (Some(2), &[(0, 2), (1, 3)][..]));
        assert_eq!(pairs.frames.len(), 6);
        let pairs = Pairs::find(&late, &early, Align::Lag, 5).unwrap();
        assert_eq!((pairs.lag_frames, pairs.frames[0], pairs.frames.len()), (Some(-2), (2, 0), 6));
        // Farther than allowed: the shortest of the lags that are no better.
        let pairs = Pairs::find(&early, &late, Align::Lag, 1).unwrap();
        assert_eq!(pairs.lag_frames, Some(0));
        let empty = take(&[]);
        assert_eq!(Pairs::find(&early, &empty, Align::Lag, 5).unwrap().frames, []);
    }

    #[test]
    fn frames_are_paired_by_the_timeline_across_jumps_and_loops() {
        let straight = take(&[(Some(3200.0), &[1, 2, 3, 4])]);
        // 100 samples beside the other's grid, the second stretch a loop, and one frame that only it has.
        let looped = take(&[(Some(3300.0), &[1, 2]), (Some(3300.0), &[1, 2]), (Some(3940.0), &[3, 4, 5])]);
        let pairs = Pairs::find(&straight, &looped, Align::Auto, 5).unwrap();
        assert_eq!(pairs, Pairs { frames: vec![(0, 0), (1, 1), (2, 4), (3, 5)], lag_frames: None });
        let again = Pairs::find(&looped, &looped, Align::Timeline, 0).unwrap();
        assert!(again.frames.iter().all(|(a, b)| a == b) && again.frames.len() == 7);
        assert_eq!(Pairs::find(&straight, &take(&[(None, &[1])]), Align::Timeline, 5), None);
    }
}

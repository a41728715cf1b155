//! Which frames of two takes are of the same moment.
//!
//! A take of hours has few stretches of frames that follow each other on the timeline, so what is kept of it grows
//! with its jumps, not with its length.

use std::ops::Range;

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
    /// In the order of the first take.
    stretches: Vec<Stretch>,
    /// How many frames later the second take has the same, where that is what they were paired by.
    pub lag_frames: Option<i64>,
}

/// Frames that follow each other in both takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    /// Index of the first one in the first take.
    a: u32,
    /// And in the second.
    b: u32,
    frames: u32,
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

    /// Frame of the first and frame of the second take, in the order of the first.
    pub fn frames(&self) -> impl Iterator<Item = (u32, u32)> {
        let frames = |stretch: &Stretch| {
            let Stretch { a, b, frames } = *stretch;
            (0..frames).map(move |frame| (a + frame, b + frame))
        };
        self.stretches.iter().flat_map(frames)
    }
}

/// Farther away no frame is told from the next: a take that claims such a place has none.
const FARTHEST: f64 = 9e15;

/// Frames of a take that follow each other on the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    /// Their places, counted in frames.
    slots: Range<i64>,
    /// Index of the first one in the take.
    index: u32,
}

/// The place of the first frame in frames of the timeline.
fn origin(take: &Take) -> Option<f64> {
    places(take).next().flatten()
}

fn places(take: &Take) -> impl Iterator<Item = Option<f64>> {
    let frames_per_sample = take.header.frame_rate_hz() / take.header.host_rate_hz;
    take.places().map(move |(place, _)| Some(place?.position_samples? * frames_per_sample))
}

/// The runs of a take, in its order, counted from `origin`; `None` where a frame has no place.
fn runs(take: &Take, origin: f64) -> Option<Vec<Run>> {
    let mut runs = Vec::<Run>::new();
    for (index, place) in (0..).zip(places(take)) {
        let slot = Some((place? - origin).round()).filter(|slot| slot.abs() <= FARTHEST)? as i64;
        match runs.last_mut() {
            Some(run) if run.slots.end == slot => run.slots.end += 1,
            _ => runs.push(Run { slots: slot..slot + 1, index }),
        }
    }
    Some(runs)
}

/// The nearest frames. What is on the timeline twice, as in a loop, is paired in the order in which it came.
fn by_timeline(a: &Take, b: &Take) -> Option<Pairs> {
    // Counted from the first frame, so that rounding does not part frames that are half a frame from the grid.
    let origin = origin(a).or_else(|| (a.frames() == 0).then_some(0.0))?;
    let (a, b) = (runs(a, origin)?, runs(b, origin)?);
    let mut borders: Vec<i64> = a.iter().chain(&b).flat_map(|run| [run.slots.start, run.slots.end]).collect();
    borders.sort_unstable();
    borders.dedup();
    let (mut a, mut b) = (Sweep::new(a), Sweep::new(b));
    let mut stretches = Vec::new();
    for border in borders.windows(2) {
        let (begin, end) = (border[0], border[1]);
        // The first that came in one take belongs to the first in the other.
        for (a, b) in a.at(begin).iter().zip(b.at(begin)) {
            let frames = (end - begin) as u32;
            let index = |run: &Run| run.index + (begin - run.slots.start) as u32;
            stretches.push(Stretch { a: index(a), b: index(b), frames });
        }
    }
    stretches.sort_unstable_by_key(|stretch| stretch.a);
    Some(Pairs { stretches, lag_frames: None })
}

/// Runs as they begin and end while the timeline is gone along.
struct Sweep {
    /// Those that are still to come, the next one last.
    waiting: Vec<Run>,
    /// In the order of the take.
    current: Vec<Run>,
}

impl Sweep {
    fn new(mut runs: Vec<Run>) -> Self {
        runs.sort_by_key(|run| std::cmp::Reverse((run.slots.start, run.index)));
        Self { waiting: runs, current: Vec::new() }
    }

    /// The runs at a place that is later than the one before.
    fn at(&mut self, slot: i64) -> &[Run] {
        self.current.retain(|run| run.slots.end > slot);
        while let Some(run) = self.waiting.pop_if(|run| run.slots.start <= slot) {
            let place = self.current.partition_point(|other| other.index < run.index);
            self.current.insert(place, run);
        }
        &self.current
    }
}

/// The lag with most equal tokens; of several the shortest.
fn by_lag(a: &Take, b: &Take, max_lag_frames: u32) -> Pairs {
    let (frames_a, frames_b) = (i64::from(a.frames()), i64::from(b.frames()));
    let max = i64::from(max_lag_frames).min(frames_a.max(frames_b));
    let nearest_first = (0..=max).flat_map(|lag| [lag, -lag]);
    let lag = nearest_first.rev().max_by_key(|&lag| equal_tokens(a, b, lag)).unwrap_or(0);
    let (begin, end) = (0.max(-lag), frames_a.min(frames_b - lag));
    let stretch = || Stretch { a: begin as u32, b: (begin + lag) as u32, frames: (end - begin) as u32 };
    Pairs { stretches: (begin < end).then(stretch).into_iter().collect(), lag_frames: Some(lag) }
}

fn equal_tokens(a: &Take, b: &Take, lag: i64) -> u64 {
    let skip = |by: i64| by.max(0) as usize;
    let pairs = a.iter().skip(skip(-lag)).zip(b.iter().skip(skip(lag)));
    let present = pairs.filter_map(|(a, b)| Some(a?.iter().zip(b?)));
    let equal = |(a, b): (&TokenFrame, &TokenFrame)| {
        u64::from(a.semantic == b.semantic) + u64::from(a.acoustic == b.acoustic)
    };
    present.flatten().map(equal).sum()
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

    fn frames(pairs: &Pairs) -> Vec<(u32, u32)> {
        pairs.frames().collect()
    }

    #[test]
    fn the_lag_with_most_equal_tokens_is_found_in_both_directions() {
        let early = take(&[(None, &[1, 2, 3, 4, 5, 6])]);
        let late = take(&[(None, &[9, 8, 1, 2, 3, 4, 5, 6])]);
        let pairs = Pairs::find(&early, &late, Align::Auto, 5).unwrap();
        assert_eq!((pairs.lag_frames, &frames(&pairs)[..2]), (Some(2), &[(0, 2), (1, 3)][..]));
        assert_eq!(frames(&pairs).len(), 6);
        let pairs = Pairs::find(&late, &early, Align::Lag, 5).unwrap();
        assert_eq!((pairs.lag_frames, frames(&pairs)[0], frames(&pairs).len()), (Some(-2), (2, 0), 6));
        // Farther than allowed: the shortest of the lags that are no better.
        let pairs = Pairs::find(&early, &late, Align::Lag, 1).unwrap();
        assert_eq!(pairs.lag_frames, Some(0));
        let empty = take(&[]);
        assert_eq!(frames(&Pairs::find(&early, &empty, Align::Lag, 5).unwrap()), []);
    }

    #[test]
    fn frames_are_paired_by_the_timeline_across_jumps_and_loops() {
        let straight = take(&[(Some(3200.0), &[1, 2, 3, 4])]);
        // 100 samples beside the other's grid, the second stretch a loop, and one frame that only it has.
        let looped = take(&[(Some(3300.0), &[1, 2]), (Some(3300.0), &[1, 2]), (Some(3940.0), &[3, 4, 5])]);
        let pairs = Pairs::find(&straight, &looped, Align::Auto, 5).unwrap();
        assert_eq!((frames(&pairs), pairs.lag_frames), (vec![(0, 0), (1, 1), (2, 4), (3, 5)], None));
        let again = frames(&Pairs::find(&looped, &looped, Align::Timeline, 0).unwrap());
        assert!(again.iter().all(|(a, b)| a == b) && again.len() == 7);
        assert_eq!(Pairs::find(&straight, &take(&[(None, &[1])]), Align::Timeline, 5), None);
    }

    #[test]
    fn frames_are_paired_one_by_one_in_the_order_in_which_they_came() {
        let mut random = fastrand::Rng::with_seed(5);
        for round in 0..300 {
            // Stretches of up to nine frames somewhere on forty frames, between two frames at times.
            let [a, b] = [(); 2].map(|()| {
                let stretches: Vec<_> = (0..random.usize(..12))
                    .map(|_| (320.0 * f64::from(random.u32(..80)) / 2.0, vec![1; random.usize(..9)]))
                    .collect();
                let stretches: Vec<_> =
                    stretches.iter().map(|(at, tokens)| (Some(*at), &tokens[..])).collect();
                take(&stretches)
            });
            let origin = places(&a).next().flatten().unwrap_or(0.0);
            let slots = |take: &Take| -> Vec<i64> {
                places(take).map(|place| (place.unwrap() - origin).round() as i64).collect()
            };
            let (slots_a, mut slots_b) = (slots(&a), slots(&b).into_iter().map(Some).collect::<Vec<_>>());
            let mut due = Vec::new();
            for (index, slot) in (0..).zip(slots_a) {
                if let Some(other) = slots_b.iter().position(|&other| other == Some(slot)) {
                    slots_b[other] = None;
                    due.push((index, other as u32));
                }
            }
            assert_eq!(frames(&Pairs::find(&a, &b, Align::Timeline, 0).unwrap()), due, "round {round}");
        }
    }
}

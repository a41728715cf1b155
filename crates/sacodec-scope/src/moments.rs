//! The worst moments of what is played, and a picture of each.

use super::columns::{Column, Columns};
use super::scope::TimelineSpot;
use sacodec_engine::{FramePlace, Timeline, Timing};
use sacodec_moments::{Marker, Moment, MomentFinder, Worst};

/// Moments that are kept.
pub const MOST_MOMENTS: usize = 20;
/// Columns of a moment's picture before and after its own: 4.5 s and 1.5 s. Where the view is short it is in the middle.
const COLUMNS_BEFORE: u64 = 338;
const COLUMNS_AFTER: u64 = 112;

/// What tells the time of a stream's columns.
#[derive(Clone)]
pub(super) struct Axis {
    pub timing: Timing,
    pub timeline: Timeline<()>,
}

/// A moment of this playback.
pub struct SeenMoment {
    /// Tells it from all others.
    pub number: u64,
    /// How far coded and original are apart, see [`Moment::score`].
    pub score: f32,
    /// Where it is.
    pub spot: TimelineSpot,
    rate_hz: f64,
    sight: Sight,
}

/// What there is to be seen of a moment.
enum Sight {
    /// Its column, in the columns of this epoch; more are to come.
    Waits {
        epoch: u64,
        column: u64,
        axis: Axis,
    },
    Picture(Picture),
    /// Its columns were forgotten before they were asked for.
    Nothing,
}

/// The columns around a moment.
#[derive(Clone)]
pub(super) struct Picture {
    pub columns: Vec<Column>,
    /// Number of the moment's column in them.
    pub column: u64,
    pub axis: Axis,
}

/// Finds the worst moments of a playback.
pub(super) struct Moments {
    finder: Option<MomentFinder>,
    /// Host samples for one of the finder's.
    group: usize,
    worst: Worst<SeenMoment>,
    /// Moments so far.
    count: u64,
    was_playing: bool,
    /// What was heard before this sample of the stream belongs to an earlier playback.
    begin_samples: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            finder: None,
            group: 1,
            worst: Worst::new(MOST_MOMENTS),
            count: 0,
            was_playing: false,
            begin_samples: 0.0,
        }
    }
}

impl Axis {
    pub fn new(timing: Timing) -> Self {
        Self { timing, timeline: Timeline::new(timing.rate_hz) }
    }

    /// Where a frame begins.
    pub fn spot(&self, place: FramePlace) -> TimelineSpot {
        let FramePlace { start_samples, pass_samples } = place;
        let moment = self.timeline.at_in_pass(start_samples, pass_samples);
        self.told(start_samples, moment.transport.position_samples)
    }

    /// Where a sample is that was heard, counted from the stream's first one.
    fn heard_spot(&self, heard_samples: f64) -> TimelineSpot {
        let samples = heard_samples - self.timing.latency_samples as f64;
        self.told(samples, self.timeline.at(samples).transport.position_samples)
    }

    fn told(&self, stream_samples: f64, position_samples: Option<f64>) -> TimelineSpot {
        let rate_hz = self.timing.rate_hz;
        let timeline = position_samples.map(|samples| (samples, samples / rate_hz));
        TimelineSpot { stream_s: stream_samples / rate_hz, timeline }
    }

    /// The middle of a frame where it is heard, counted from the stream's first sample.
    pub fn middle(&self, place: FramePlace) -> f64 {
        let timing = &self.timing;
        let hop = timing.hop_samples as f64 * timing.ratio;
        place.start_samples + timing.first_frame_samples + hop / 2.0 + timing.latency_samples as f64
    }
}

impl SeenMoment {
    /// Its place on the timeline, or in the stream where the host tells none, in seconds.
    pub fn seconds(&self) -> f64 {
        self.spot.timeline.map_or(self.spot.stream_s, |(_, seconds)| seconds)
    }

    /// Makes the picture, if its columns are there; those that are there, if it is to be made `now`.
    fn draw(&mut self, columns: &Columns, now: bool) {
        let Sight::Waits { epoch, column, axis } = &self.sight else { return };
        if *epoch != columns.epoch() {
            self.sight = Sight::Nothing;
        } else if now || columns.written() > column + COLUMNS_AFTER {
            let first = column.saturating_sub(COLUMNS_BEFORE);
            let shown =
                (first..=column + COLUMNS_AFTER).filter_map(|number| Some((number, columns.get(number)?)));
            let (numbers, shown): (Vec<u64>, Vec<Column>) = shown.map(|(n, column)| (n, *column)).unzip();
            let column = column.saturating_sub(numbers.first().copied().unwrap_or_default());
            self.sight = Sight::Picture(Picture { columns: shown, column, axis: axis.clone() });
        }
    }
}

impl Moments {
    /// A stream begins, of which each `group` of samples is one here.
    pub fn begin(&mut self, rate_hz: f64, group: usize) {
        self.finder = Some(MomentFinder::new(rate_hz / group as f64));
        self.group = group;
        self.begin_samples = 0.0;
    }

    /// The transport plays or not, from a sample of the stream's input on. Where it starts, a playback begins.
    pub fn transport(&mut self, at_samples: u64, playing: bool, axis: &Axis) {
        if playing && !self.was_playing {
            self.clear();
            self.begin_samples = at_samples as f64 + axis.timing.latency_samples as f64;
        }
        self.was_playing = playing;
    }

    /// Takes what was heard, from the sample `start` on, counted in groups.
    pub fn hear(&mut self, start: u64, original: &[f32], coded: &[f32], axis: &Axis, columns: &Columns) {
        let Some(mut finder) = self.finder.take() else { return };
        finder.push(start, &[(original, coded)], &mut |moment| self.add(moment, axis, columns));
        self.finder = Some(finder);
    }

    /// The stream has ended.
    pub fn finish(&mut self, axis: &Axis, columns: &Columns) {
        if let Some(mut finder) = self.finder.take() {
            finder.finish(&mut |moment| self.add(moment, axis, columns));
        }
        self.worst.values_mut().for_each(|(_, seen)| seen.draw(columns, true));
    }

    /// Makes the pictures whose columns are there.
    pub fn draw(&mut self, columns: &Columns) {
        self.worst.values_mut().for_each(|(_, seen)| seen.draw(columns, false));
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.worst.clear();
    }

    /// The worst first.
    pub fn seen(&self) -> impl ExactSizeIterator<Item = &SeenMoment> {
        self.worst.ranked().iter().map(|(_, seen)| seen)
    }

    /// The same as markers.
    pub fn markers(&self) -> Vec<Marker> {
        let marker = |(rank, seen): (usize, &SeenMoment)| {
            let samples =
                seen.spot.timeline.map_or(seen.spot.stream_s * seen.rate_hz, |(samples, _)| samples);
            Marker { rank, score: seen.score, seconds: seen.seconds(), sample: samples.round() as i64 }
        };
        (1..).zip(self.seen()).map(marker).collect()
    }

    /// The picture of a moment, of what there is.
    pub fn picture(&mut self, number: u64, columns: &Columns) -> Option<&Picture> {
        let (_, seen) = self.worst.values_mut().find(|(_, seen)| seen.number == number)?;
        seen.draw(columns, true);
        match &seen.sight {
            Sight::Picture(picture) => Some(picture),
            _ => None,
        }
    }

    fn add(&mut self, moment: Moment, axis: &Axis, columns: &Columns) {
        let heard_samples = (moment.sample * self.group as u64) as f64;
        if heard_samples < self.begin_samples {
            return;
        }
        let count = &mut self.count;
        self.worst.add(moment, || {
            *count += 1;
            let sight = match column_at(heard_samples, axis, columns) {
                Some(column) => Sight::Waits { epoch: columns.epoch(), column, axis: axis.clone() },
                None => Sight::Nothing,
            };
            let spot = axis.heard_spot(heard_samples);
            SeenMoment { number: *count, score: moment.score, spot, rate_hz: axis.timing.rate_hz, sight }
        });
    }
}

/// The last column that begins before this sample is heard.
fn column_at(heard_samples: f64, axis: &Axis, columns: &Columns) -> Option<u64> {
    let half = axis.timing.hop_samples as f64 * axis.timing.ratio / 2.0;
    let begins_before =
        |column: &Column| column.frame.is_some() && axis.middle(column.place) - half <= heard_samples;
    (0..columns.written())
        .rev()
        .map_while(|number| Some((number, columns.get(number)?)))
        .find_map(|(number, column)| begins_before(column).then_some(number))
}

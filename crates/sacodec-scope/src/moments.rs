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
    /// A stream begins, of which each `group` of samples is one here; one that is not new was looked at before.
    pub fn begin(&mut self, rate_hz: f64, group: usize, is_new: bool) {
        // A host may stop without a word, and reset before it starts again.
        self.was_playing &= !is_new;
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

#[cfg(test)]
mod tests {
    use super::super::scope::Scope;
    use super::super::tap::{TapReceiver, TapSender, tap};
    use super::*;
    use sacodec_codec::{CodecModel, TokenFrame};
    use sacodec_engine::{CodedFrame, Observer, Scheduling, Transport};

    const RATE_HZ: f64 = 48_000.0;
    /// Where the host's timeline is when a playback begins.
    const ORIGIN: f64 = 1e6;

    /// A scope that hears noise, of which the coded signal has holes.
    struct Player {
        sender: TapSender,
        receiver: TapReceiver,
        scope: Scope,
        timing: Timing,
        stream_samples: u64,
        random: fastrand::Rng,
    }

    impl Player {
        fn new() -> Self {
            let timing =
                Timing::new(RATE_HZ, Scheduling::Spread, CodecModel::embedded().unwrap().info()).unwrap();
            let (mut sender, mut receiver) = tap();
            receiver.set_open(true);
            sender.begin_stream(timing, 1);
            let random = fastrand::Rng::with_seed(1);
            Self { sender, receiver, scope: Scope::default(), timing, stream_samples: 0, random }
        }

        /// Plays frames; where the host stands still it tells no position. Holes are told by the seconds of this
        /// playback at which they are, as the host's timeline has it, and are 60 ms long.
        fn play(&mut self, seconds: f64, playing: bool, holes: &[f64]) {
            let model = CodecModel::embedded().unwrap();
            let begin = self.stream_samples;
            for _ in 0..(seconds * 75.0) as usize {
                let at = self.stream_samples;
                let position_samples = playing.then_some(ORIGIN + (at - begin) as f64);
                self.sender.begin_block(Transport { playing, position_samples, ..Transport::default() });
                let frame = at / 640;
                let place = FramePlace::of(frame, &self.timing);
                self.sender.frame(CodedFrame::new(frame, place, &model, &[TokenFrame::default()], false));
                let original: Vec<f32> = (0..640).map(|_| 0.2 * self.random.f32() - 0.1).collect();
                let is_hole = |i: usize| {
                    let heard = (at - begin) as f64 + i as f64 - self.timing.latency_samples as f64;
                    holes.iter().any(|hole| (0.0..0.06).contains(&(heard / RATE_HZ - hole)))
                };
                let coded: Vec<f32> =
                    original.iter().enumerate().map(|(i, s)| if is_hole(i) { 0.0 } else { *s }).collect();
                self.sender.heard(&[&original], &[&coded]);
                self.sender.end_block(0.1);
                self.scope.update(&mut self.receiver);
                self.stream_samples += 640;
            }
        }

        /// Seconds on the timeline since it began to play, of all moments.
        fn found(&self) -> Vec<f64> {
            self.scope.moments().map(|moment| moment.seconds() - ORIGIN / RATE_HZ).collect()
        }
    }

    #[track_caller]
    fn assert_near(found: &[f64], holes: &[f64]) {
        assert_eq!(found.len(), holes.len(), "{found:?}");
        let near = found.iter().all(|found| holes.iter().any(|hole| (found - hole - 0.03).abs() < 0.05));
        assert!(near, "{found:?} instead of {holes:?}");
    }

    #[test]
    fn a_fault_is_found_at_its_place_on_the_timeline() {
        let mut player = Player::new();
        player.play(1.0, false, &[]);
        player.play(5.0, true, &[1.0, 3.5]);
        assert_near(&player.found(), &[1.0, 3.5]);
        let markers = player.scope.markers();
        assert_eq!((markers[0].rank, markers[1].rank), (1, 2));
        for marker in markers {
            assert!((marker.seconds * RATE_HZ - marker.sample as f64).abs() < 1.0, "{marker:?}");
        }
    }

    #[test]
    fn a_playback_begins_a_new_list_and_its_end_keeps_it() {
        let mut player = Player::new();
        player.play(3.0, true, &[1.0]);
        player.play(2.0, false, &[]);
        assert_near(&player.found(), &[1.0]);
        // The first fault of the new playback is later than what the one before left under way.
        player.play(3.0, true, &[-0.03, 2.0]);
        assert_near(&player.found(), &[2.0]);
        // The window is hidden for a moment.
        player.receiver.set_open(false);
        player.receiver.set_open(true);
        player.play(1.0, true, &[]);
        assert_near(&player.found(), &[2.0]);
        // A host resets the plugin after it stopped, and once more before it starts.
        for (playing, found) in [(false, &[2.0][..]), (true, &[])] {
            player.sender.begin_stream(player.timing, 1);
            player.stream_samples = 0;
            player.play(1.0, playing, &[]);
            assert_near(&player.found(), found);
        }
        player.play(3.0, true, &[1.0]);
        player.scope.clear_moments();
        assert!(player.found().is_empty());
    }

    #[test]
    fn the_picture_of_a_moment_has_it_at_the_column_that_is_marked_however_long_ago_it_was() {
        let mut player = Player::new();
        player.play(20.0, true, &[2.0]);
        let moment = player.scope.moments().next().unwrap().number;
        let live = player.scope.columns.written();
        player.scope.hold_moment(moment);
        let (number, column) = player.scope.held_moment().unwrap();
        assert_eq!(number, moment);
        let columns = &player.scope.columns;
        let coded = |number: u64| {
            columns.get(number).map(|c| c.spectra.coded.iter().map(|&l| u32::from(l)).sum::<u32>())
        };
        let quietest = (0..columns.written()).min_by_key(|&number| coded(number)).unwrap();
        assert!(quietest.abs_diff(column) <= 3, "the hole is at {quietest}, marked is {column}");
        assert!(columns.written() > column + 100 && columns.written() < live);
        let place = columns.get(column).unwrap().place;
        let spot = player.scope.spot(place).unwrap().timeline.unwrap();
        assert!((spot.1 - ORIGIN / RATE_HZ - 2.03).abs() < 0.1, "{spot:?}");

        // The sound goes on, and is shown afterwards.
        player.play(1.0, true, &[]);
        assert_eq!(player.scope.held_moment(), Some((moment, column)));
        player.scope.hold(false);
        assert_eq!((player.scope.held_moment(), player.scope.columns.written()), (None, live + 75));
    }

    #[test]
    fn a_moment_just_before_the_stream_ended_has_a_picture_of_what_there_was() {
        let mut player = Player::new();
        player.play(2.0, true, &[1.6]);
        player.sender.begin_stream(player.timing, 1);
        player.stream_samples = 0;
        player.play(1.0, false, &[]);
        assert_near(&player.found(), &[1.6]);
        let moment = player.scope.moments().next().unwrap().number;
        player.scope.hold_moment(moment);
        let (_, column) = player.scope.held_moment().unwrap();
        assert!(player.scope.columns.written() > column + 10);
        player.scope.hold_moment(u64::MAX);
        assert_eq!(player.scope.held_moment().unwrap().0, moment, "one that there is not changes nothing");
    }

    #[test]
    fn what_is_kept_does_not_grow() {
        let mut player = Player::new();
        let holes: Vec<f64> = (1..40).map(f64::from).collect();
        player.play(41.0, true, &holes);
        assert_eq!(player.scope.moments().len(), MOST_MOMENTS);
        let most = (COLUMNS_BEFORE + COLUMNS_AFTER + 1) as usize;
        let is_bounded = |seen: &SeenMoment| match &seen.sight {
            Sight::Picture(picture) => picture.columns.len() <= most,
            _ => false,
        };
        assert!(player.scope.moments().all(is_bounded));
    }
}

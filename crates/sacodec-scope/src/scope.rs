//! The scope itself: what the tap gives becomes what is shown.

use super::columns::{Column, Columns};
use super::current::Current;
use super::domain::{Domain, Oddity};
use super::load::LoadStats;
use super::meters::Meters;
use super::moments::{Axis, Moments, Picture, SeenMoment};
use super::spectrum::Spectra;
use super::tap::{Snapshot, TapEvent, TapReceiver};
use super::usage::Usage;
use sacodec_codec::SpeechStats;
use sacodec_engine::{FramePlace, Timing};
use sacodec_moments::Marker;
use sacodec_token::{FRAME_RATE_HZ, TokenStream};

/// The place of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimelineSpot {
    /// Seconds since the stream began.
    pub stream_s: f64,
    /// Host samples and seconds from the beginning of the host's timeline, where it tells.
    pub timeline: Option<(f64, f64)>,
}

/// Everything an editor shows of the sound and its tokens.
#[derive(Default)]
pub struct Scope {
    /// Spectra and tokens, by frame.
    pub columns: Columns,
    /// Use of the codebooks.
    pub usage: Usage,
    /// Shares of the blocks.
    pub load: LoadStats,
    meters: Option<Meters>,
    current: Option<Current>,
    /// Columns that are collected while the shown ones are held.
    live_columns: Option<Columns>,
    /// The axis of what is held, where it is not the current stream's.
    held_axis: Option<Axis>,
    moments: Moments,
    domain: Domain,
    /// The moment whose picture is held, and its column there.
    held_moment: Option<(u64, u64)>,
    opening: u32,
}

impl Scope {
    /// Takes what has come since the last call; `true` if anything has.
    pub fn update(&mut self, receiver: &mut TapReceiver) -> bool {
        let mut changed = false;
        while let Some(event) = receiver.pop_event() {
            changed = true;
            self.event(event);
        }
        let Some(stream) = self.current.as_ref().map(|c| c.stream) else { return changed };
        while let Some(snapshot) = receiver.pop_snapshot(stream) {
            changed = true;
            if snapshot.stream == stream {
                self.snapshot(&snapshot);
            }
        }
        self.finish_columns();
        self.draw_moments();
        changed
    }

    /// The meters, once there is sound.
    pub fn meters(&self) -> Option<&Meters> {
        self.meters.as_ref()
    }

    /// Forgets clips and highest peaks.
    pub fn reset_peaks(&mut self) {
        if let Some(meters) = &mut self.meters {
            meters.reset_peaks();
        }
    }

    /// Holds the shown columns. Meters and usage continue. New columns are collected and shown afterwards.
    pub fn hold(&mut self, held: bool) {
        if held && self.live_columns.is_none() {
            self.live_columns = Some(self.columns.clone());
        } else if !held && let Some(live) = self.live_columns.take() {
            self.columns = live;
            self.held_axis = None;
            self.held_moment = None;
        }
    }

    /// The worst moments since playback began, the worst first.
    pub fn moments(&self) -> impl ExactSizeIterator<Item = &SeenMoment> {
        self.moments.seen()
    }

    /// The same as markers.
    pub fn markers(&self) -> Vec<Marker> {
        self.moments.markers()
    }

    /// Forgets the moments; a picture that is held stays.
    pub fn clear_moments(&mut self) {
        self.moments.clear();
    }

    /// Holds the picture of a moment, told by [`SeenMoment::number`], as [`Scope::hold`] does.
    pub fn hold_moment(&mut self, number: u64) {
        let live = self.live_columns.as_ref().unwrap_or(&self.columns);
        let Some(Picture { columns, column, axis }) = self.moments.picture(number, live).cloned() else {
            return;
        };
        self.hold(true);
        // The clearings of streams are counted from 0.
        self.columns = Columns::of(&columns, u64::MAX - number);
        self.held_axis = Some(axis);
        self.held_moment = Some((number, column));
    }

    /// The moment whose picture is held, and its column there.
    pub fn held_moment(&self) -> Option<(u64, u64)> {
        self.held_moment
    }

    /// What is odd about the sound of now, for a pack that says this of speech.
    pub fn oddity(&self, stats: SpeechStats) -> Option<Oddity> {
        self.domain.oddity(stats)
    }

    /// The axis of the columns.
    fn shown(&self) -> Option<&Axis> {
        self.held_axis.as_ref().or(self.current.as_ref().map(|current| &current.axis))
    }

    /// Whether the shown columns are held.
    pub fn is_held(&self) -> bool {
        self.live_columns.is_some()
    }

    /// The host's rate in Hz, once a stream is looked at.
    pub fn rate_hz(&self) -> Option<f64> {
        self.shown().map(|axis| axis.timing.rate_hz)
    }

    /// Channels that are coded: two in dual mono, and one before anything was.
    pub fn coded_channels(&self) -> u8 {
        let last = self.columns.written().checked_sub(1).and_then(|n| self.columns.get(n));
        last.map_or(1, |column| column.channels.clamp(1, 2))
    }

    /// Seconds from one column to the next.
    pub fn column_s(&self) -> f64 {
        self.shown()
            .map_or(1.0 / FRAME_RATE_HZ, |axis| axis.timing.hop_samples as f64 / axis.timing.codec_rate_hz)
    }

    /// Where the frame of a column begins.
    pub fn spot(&self, place: FramePlace) -> Option<TimelineSpot> {
        Some(self.shown()?.spot(place))
    }

    fn event(&mut self, event: TapEvent) {
        match event {
            TapEvent::Stream { opening, stream, timing, channels } => {
                if std::mem::replace(&mut self.opening, opening) != opening {
                    self.usage.clear();
                    self.load.clear();
                }
                self.begin(stream, timing, channels);
            }
            TapEvent::Load(share) => self.load.push(share),
            TapEvent::Timeline { at_samples, transport } => {
                if let Some(current) = &mut self.current {
                    current.axis.timeline.block(at_samples, transport, ());
                    self.moments.transport(at_samples, transport.playing, &current.axis);
                }
            }
            TapEvent::Frame { index, place, tokens, channels, failed, lost, played, pack, sizes } => {
                if !failed && channels > 0 {
                    self.usage.push(tokens[0], pack, sizes.map(|size| size as usize));
                }
                if let Some(current) = &mut self.current {
                    current.is_dual = channels > 1;
                    let frame = Some(index);
                    let spectra = Spectra::SILENT;
                    let column = Column { frame, place, tokens, channels, failed, lost, played, spectra };
                    current.wait(column, pack);
                }
            }
        }
    }

    fn begin(&mut self, stream: u32, timing: Timing, channels: usize) {
        let is_new = self.current.as_ref().is_none_or(|current| current.stream != stream);
        let same = |c: &Current| c.axis.timing.rate_hz == timing.rate_hz && c.channels == channels;
        if self.current.as_ref().is_none_or(|c| !same(c)) || self.meters.is_none() {
            self.meters = Some(Meters::new(timing.rate_hz, channels));
        }
        // No more columns come that their pictures wait for.
        self.finish_moments();
        if self.is_held() && self.held_axis.is_none() {
            self.held_axis = self.current.take().map(|current| current.axis);
        }
        self.live_columns.as_mut().unwrap_or(&mut self.columns).clear();
        let current = Current::new(stream, timing, channels);
        self.moments.begin(timing.rate_hz, current.group, is_new);
        self.domain.clear();
        self.current = Some(current);
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        if let Some(meters) = &mut self.meters {
            meters.push(snapshot);
        }
        if let Some(current) = &mut self.current {
            let start = current.hear(snapshot);
            let [original, coded] = &current.heard;
            self.domain.hear(original);
            let columns = self.live_columns.as_ref().unwrap_or(&self.columns);
            self.moments.hear(start, original, coded, &current.axis, columns);
        }
    }

    /// Makes the pictures of moments that all columns are there for.
    fn draw_moments(&mut self) {
        let columns = self.live_columns.as_ref().unwrap_or(&self.columns);
        self.moments.draw(columns);
    }

    /// The current stream has ended.
    fn finish_moments(&mut self) {
        let columns = self.live_columns.as_ref().unwrap_or(&self.columns);
        if let Some(current) = &self.current {
            self.moments.finish(&current.axis, columns);
        }
    }

    /// Columns whose window is complete, or that will never be.
    fn finish_columns(&mut self) {
        let Some(current) = &mut self.current else { return };
        let columns = self.live_columns.as_mut().unwrap_or(&mut self.columns);
        while let Some(place) = current.waiting.front().map(|(column, _)| column.place) {
            let Some(sight) = current.look(place) else { break };
            let Some((mut column, pack)) = current.waiting.pop_front() else { break };
            if let Some((spectra, level_db)) = sight {
                column.spectra = spectra;
                if column.played[TokenStream::Semantic.index()] {
                    // These tokens say nothing of the input.
                    self.domain.clear();
                } else if !column.failed {
                    self.domain.frame(column.tokens[0].semantic, level_db, pack);
                }
            }
            columns.push(column, current.axis.timing.hop_samples as f64 * current.axis.timing.ratio);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spectrum::BANDS;
    use super::super::tap::{TapSender, tap};
    use super::*;
    use sacodec_codec::{CodecModel, TokenFrame};
    use sacodec_engine::{
        Channels, CodedFrame, Controls, Engine, EngineConfig, Listen, Observer, Scheduling, Transport,
    };

    /// A scope that watches a real engine.
    struct Watch {
        engine: Engine,
        sender: TapSender,
        receiver: TapReceiver,
        scope: Scope,
        rate_hz: f64,
        done: usize,
        random: fastrand::Rng,
    }

    impl Watch {
        fn new(rate_hz: f64) -> Self {
            let model = CodecModel::embedded().unwrap();
            let config = EngineConfig { rate_hz, channels: 2, scheduling: Scheduling::Spread };
            let engine = Engine::new(&model, config).unwrap();
            let (mut sender, mut receiver) = tap();
            receiver.set_open(true);
            sender.begin_stream(*engine.timing(), 2);
            Self {
                engine,
                sender,
                receiver,
                scope: Scope::default(),
                rate_hz,
                done: 0,
                random: fastrand::Rng::with_seed(1),
            }
        }

        /// Runs noise bursts through the engine until so much has been heard.
        fn play_to(&mut self, seconds: f64, block: usize) {
            let controls = Controls { listen: Listen::Original, ..Controls::default() };
            while (self.done as f64) < seconds * self.rate_hz {
                let (done, rate_hz, random) = (self.done, self.rate_hz, &mut self.random);
                let mut left: Vec<f32> = (done..done + block)
                    .map(|i| {
                        let on = ((i as f64 / rate_hz / 0.2) as u64).is_multiple_of(2);
                        if on { random.f32() - 0.5 } else { 0.0 }
                    })
                    .collect();
                let mut right = left.clone();
                self.sender.begin_block(Transport {
                    position_samples: Some(1e6 + done as f64),
                    playing: true,
                    ..Transport::default()
                });
                self.engine.process_observed(&mut [&mut left, &mut right], &controls, &mut self.sender);
                self.sender.end_block(0.25);
                self.done += block;
                self.scope.update(&mut self.receiver);
            }
        }
    }

    /// The scope after noise bursts of so many seconds.
    fn watched(rate_hz: f64, seconds: f64, block: usize) -> Scope {
        let mut watch = Watch::new(rate_hz);
        watch.play_to(seconds, block);
        watch.scope
    }

    /// What is shown of each column.
    fn shown(scope: &Scope) -> Vec<(Option<u64>, [u8; BANDS])> {
        let columns = (0..scope.columns.written()).filter_map(|n| scope.columns.get(n));
        columns.map(|column| (column.frame, column.spectra.original)).collect()
    }

    #[test]
    fn the_columns_of_the_original_stand_at_the_time_of_their_frame() {
        for (rate_hz, block) in [(44_100.0, 64), (48_000.0, 480), (96_000.0, 2048), (8000.0, 33)] {
            let scope = watched(rate_hz, 3.0, block);
            let columns = &scope.columns;
            assert!(columns.written() > 200, "{rate_hz}: {} columns", columns.written());
            let mut hits = 0;
            for number in 10..columns.written() {
                let column = columns.get(number).unwrap();
                assert_eq!(column.frame, Some(number), "{rate_hz}");
                // Where the burst is on or off for all of the window, the level must say so.
                let middle_s = (number as f64 + 0.5) / FRAME_RATE_HZ;
                let phase = middle_s / 0.2 % 2.0;
                let middle_db = f32::from(column.spectra.original[BANDS / 2]);
                if (0.2..0.8).contains(&phase) {
                    assert!(middle_db > 100.0, "{rate_hz}: frame {number} is silent");
                    hits += 1;
                } else if (1.2..1.8).contains(&phase) {
                    assert!(middle_db < 60.0, "{rate_hz}: frame {number} sounds");
                    hits += 1;
                }
            }
            assert!(hits > 100, "{rate_hz}: only {hits} frames were decided");
        }
    }

    /// What the scope hears of a voice on the left, with noise on the right, while these channels are coded.
    fn level_of_the_original(coded: Channels) -> u8 {
        let mut watch = Watch::new(48_000.0);
        watch.sender.set_coded(coded);
        for _ in 0..400 {
            watch.sender.begin_block(Transport::default());
            let (mut left, mut right) = ([0.0; 480], [0.0; 480]);
            right.fill_with(|| 0.5 * (watch.random.f32() - 0.5));
            let controls = Controls { channels: coded, ..Controls::default() };
            watch.engine.process_observed(&mut [&mut left, &mut right], &controls, &mut watch.sender);
            watch.scope.update(&mut watch.receiver);
        }
        let columns = &watch.scope.columns;
        columns.get(columns.written() - 5).unwrap().spectra.original[BANDS / 2]
    }

    #[test]
    fn the_original_is_what_is_coded_of_it() {
        assert_eq!(level_of_the_original(Channels::Left), 0, "nothing is on the left");
        let (right, sum) = (level_of_the_original(Channels::Right), level_of_the_original(Channels::MonoSum));
        assert!(right > sum && sum > 100, "{right} and {sum}: the sum has half of the right");
    }

    #[test]
    fn passes_of_which_nothing_is_lost_have_no_missing_columns() {
        for rate_hz in [44_100.0, 48_000.0, 8000.0] {
            let mut watch = Watch::new(rate_hz);
            for start in 1..9 {
                watch.play_to(0.37 * f64::from(start), 53 + start as usize * 17);
                watch.engine.begin_at(1e5 * f64::from(start) + 0.5);
            }
            watch.play_to(4.0, 256);
            let (columns, frame) = (&watch.scope.columns, |column: &Column| column.frame);
            let found: Vec<_> = (0..columns.written()).map(|n| columns.get(n).and_then(frame)).collect();
            assert_eq!(found.iter().filter(|&&frame| frame == Some(0)).count(), 9, "{rate_hz}: {found:?}");
            assert!(found.iter().all(Option::is_some), "{rate_hz}: {found:?}");
        }
    }

    #[test]
    fn noise_lights_the_light_and_a_voice_does_not() {
        let stats = CodecModel::embedded().unwrap().info().speech.unwrap();
        let scope = watched(48_000.0, 6.0, 256);
        assert!(
            matches!(scope.oddity(stats), Some(Oddity::UnlikeSpeech { .. })),
            "{:?}",
            scope.oddity(stats)
        );

        let mut watch = Watch::new(48_000.0);
        let controls = Controls::default();
        let mut looks = 0;
        for block in sacodec_testing::speech_48k().chunks(480) {
            let (mut left, mut right) = (block.to_vec(), block.to_vec());
            watch.sender.begin_block(Transport::default());
            watch.engine.process_observed(&mut [&mut left, &mut right], &controls, &mut watch.sender);
            watch.sender.end_block(0.25);
            watch.scope.update(&mut watch.receiver);
            assert_eq!(watch.scope.oddity(stats), None, "after {looks} blocks");
            looks += 1;
        }
        // There was enough to tell by.
        let all = SpeechStats { min_distinct_semantic: stats.frames, ..stats };
        assert!(looks > 900 && watch.scope.oddity(all).is_some());
    }

    #[test]
    fn what_was_played_during_a_hold_is_shown_after_it() {
        let (mut held, mut free) = (Watch::new(48_000.0), Watch::new(48_000.0));
        held.play_to(0.5, 256);
        held.scope.hold(true);
        let picture = shown(&held.scope);
        held.play_to(1.5, 256);
        assert_eq!(shown(&held.scope), picture, "the held picture moved");
        held.scope.hold(false);
        free.play_to(1.5, 256);
        assert!(picture.len() > 25 && shown(&free.scope).len() > picture.len() + 70);
        assert_eq!(shown(&held.scope), shown(&free.scope));
        held.play_to(2.0, 256);
        free.play_to(2.0, 256);
        assert_eq!(shown(&held.scope), shown(&free.scope), "half a second later");
    }

    #[test]
    fn what_is_held_keeps_its_times_when_another_stream_begins() {
        let mut scope = watched(48_000.0, 1.0, 256);
        scope.hold(true);
        let place = FramePlace { start_samples: 19_200.0, pass_samples: 0.0 };
        let (spot, written) = (scope.spot(place), scope.columns.written());
        let timing = Timing::new(8000.0, Scheduling::Spread, CodecModel::embedded().unwrap().info()).unwrap();
        scope.event(TapEvent::Stream { opening: 1, stream: 9, timing, channels: 1 });
        assert_eq!((scope.spot(place), scope.columns.written()), (spot, written));
        assert_eq!(scope.rate_hz(), Some(48_000.0));
        scope.hold(false);
        assert_eq!((scope.rate_hz(), scope.columns.written()), (Some(8000.0), 0));
    }

    #[test]
    fn in_dual_mono_the_columns_are_the_left_channels_and_do_not_fade_with_the_phase_of_the_right() {
        let model = CodecModel::embedded().unwrap();
        let timing = Timing::new(48_000.0, Scheduling::Spread, model.info()).unwrap();
        let levels = |coded_channels: usize| {
            let (mut sender, mut receiver) = tap();
            receiver.set_open(true);
            sender.begin_stream(timing, 2);
            let mut scope = Scope::default();
            for frame in 0..75_u64 {
                sender.begin_block(Transport { playing: true, ..Transport::default() });
                let tokens = [TokenFrame::default(); 2];
                sender.frame(CodedFrame::new(
                    frame,
                    FramePlace::of(frame, &timing),
                    &model,
                    &tokens[..coded_channels],
                    false,
                ));
                let tone = |n: usize| 0.5 * ((frame as usize * 640 + n) as f32 * 0.1).sin();
                let left: Vec<f32> = (0..640).map(tone).collect();
                let turned: Vec<f32> = left.iter().map(|sample| -sample).collect();
                sender.heard(&[&left, &left], &[&left, &turned]);
                sender.end_block(0.1);
                scope.update(&mut receiver);
            }
            let column = scope.columns.get(scope.columns.written() - 1).unwrap();
            let loudest = |levels: [u8; BANDS]| levels.into_iter().max().unwrap();
            (loudest(column.spectra.original), loudest(column.spectra.coded))
        };
        let (sum_original, sum_coded) = levels(1);
        let (original, coded) = levels(2);
        assert!(sum_original > 200 && sum_coded < 20, "of one channel it is the mean of both channels");
        assert_eq!((original, coded), (sum_original, sum_original));
    }

    #[test]
    fn a_frame_knows_its_place_on_the_timeline() {
        let mut scope = watched(48_000.0, 1.0, 256);
        let spot = scope.spot(FramePlace { start_samples: 19_200.0, pass_samples: 0.0 }).unwrap();
        assert!((spot.stream_s - 0.4).abs() < 1e-9);
        assert_eq!(spot.timeline, Some((1e6 + 19_200.0, (1e6 + 19_200.0) / 48_000.0)));
        assert_eq!(scope.load.reading().median, 0.25);
        assert!(
            scope.usage.frames() as u64 > scope.columns.written(),
            "frames are coded before they are heard"
        );
    }
}

//! What a scope shows of a real engine.

use super::*;
use crate::spectrum::BANDS;
use crate::tap::{TapSender, tap};
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
    let stats = &CodecModel::embedded().unwrap().info().speech.clone().unwrap();
    let scope = watched(48_000.0, 6.0, 256);
    assert!(matches!(scope.oddity(stats), Some(Oddity::UnlikeSpeech { .. })), "{:?}", scope.oddity(stats));

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
    let all = &SpeechStats { min_distinct_semantic: stats.frames, ..stats.clone() };
    assert!(looks > 900 && watch.scope.oddity(all).is_some());
}

#[test]
fn tokens_of_a_take_light_nothing_whichever_stream_is_of_it() {
    let model = CodecModel::embedded().unwrap();
    let timing = Timing::new(48_000.0, Scheduling::Spread, model.info()).unwrap();
    let stats = model.info().speech.clone().unwrap();
    for (played, is_lit) in [([false; 2], true), ([true, false], false), ([false, true], false)] {
        let (mut sender, mut receiver) = tap();
        receiver.set_open(true);
        sender.begin_stream(timing, 1);
        let mut scope = Scope::default();
        for frame in 0..300_u64 {
            sender.begin_block(Transport { playing: true, ..Transport::default() });
            let tokens = TokenFrame { semantic: (frame % 10) as u16, acoustic: 0 };
            let place = FramePlace::of(frame, &timing);
            let mut coded = CodedFrame::new(frame, place, &model, &[tokens], false);
            coded.played = played;
            sender.frame(coded);
            let tone: Vec<f32> = (0..640).map(|n| 0.1 * (n as f32 * 0.1).sin()).collect();
            sender.heard(&[&tone], &[&tone]);
            sender.end_block(0.1);
            scope.update(&mut receiver);
        }
        assert_eq!(scope.oddity(&stats).is_some(), is_lit, "{played:?}: {:?}", scope.oddity(&stats));
    }
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
    assert!(scope.usage.frames() as u64 > scope.columns.written(), "frames are coded before they are heard");
}

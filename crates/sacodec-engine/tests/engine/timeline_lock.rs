//! The codec begins afresh at a place of the timeline.

use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_engine::{Channels, CodecSet, Controls, Engine, EngineConfig, FramePlace, Scheduling};
use sacodec_testing::{Blocks, assert_same, noise, speech_48k};

/// Host rates, and the samples between places at which a hop begins: fractional at the last one.
const GRIDS: [(f64, f64); 6] = [
    (48_000.0, 640.0),
    (44_100.0, 588.0),
    (24_000.0, 320.0),
    (16_000.0, 640.0),
    (96_000.0, 1280.0),
    (45_678.901, 609.052_013_333),
];

fn engine(rate_hz: f64, channels: usize, scheduling: Scheduling) -> Engine {
    let config = EngineConfig { rate_hz, channels, scheduling };
    Engine::new(&CodecModel::embedded().unwrap(), config).unwrap()
}

fn stereo() -> Controls {
    Controls { channels: Channels::DualMono, ..Controls::default() }
}

/// What an engine gave: samples by channel, and frames.
#[derive(Default)]
struct Heard {
    audio: [Vec<f32>; 2],
    frames: Vec<(FramePlace, [TokenFrame; 2])>,
}

impl Heard {
    /// Plays `input` on both channels, the right one at half level, and listens.
    fn play(&mut self, engine: &mut Engine, input: &[f32], blocks: Blocks) {
        let mut start = 0;
        for block in blocks.sizes(input.len()) {
            let mut left = input[start..start + block].to_vec();
            let mut right: Vec<f32> = left.iter().map(|s| 0.5 * s).collect();
            engine.process(&mut [&mut left, &mut right], &stereo(), |frame| {
                self.frames.push((frame.place, [frame.tokens()[0], frame.tokens()[1]]));
            });
            self.audio[0].extend(left);
            self.audio[1].extend(right);
            start += block;
        }
        let stats = engine.stats();
        assert_eq!((stats.underruns, stats.errors, stats.failed_frames), (0, 0, 0), "{stats:?}");
    }

    /// Frames of the pass that began at this sample, with their places on the timeline.
    fn pass(&self, first_samples: f64, position_samples: f64) -> Vec<(f64, [TokenFrame; 2])> {
        let of_pass = self.frames.iter().filter(|(place, _)| place.pass_samples == first_samples);
        of_pass.map(|(place, t)| (place.start_samples - first_samples + position_samples, *t)).collect()
    }
}

/// Two passes have the same tokens at the same places of the timeline.
fn assert_same_frames(found: &[(f64, [TokenFrame; 2])], expected: &[(f64, [TokenFrame; 2])], what: &str) {
    assert_eq!(found.len(), expected.len(), "frames, {what}");
    for (n, ((at, tokens), (wanted_at, wanted))) in found.iter().zip(expected).enumerate() {
        assert!((at - wanted_at).abs() < 1e-6, "frame {n} begins at {at}, not at {wanted_at}: {what}");
        assert_eq!(tokens, wanted, "frame {n}: {what}");
    }
}

#[test]
fn samples_and_tokens_depend_on_the_material_and_its_place_and_on_nothing_before() {
    let speech = speech_48k()[20_000..50_000].to_vec();
    for (rate_hz, _) in GRIDS {
        for scheduling in [Scheduling::Spread, Scheduling::Burst] {
            let mut expected: Option<(Heard, f64)> = None;
            let histories = [(0, Blocks::Fixed(512)), (1, Blocks::Fixed(64)), (9999, Blocks::Fixed(777))];
            for (history, blocks) in histories {
                let what = format!("{rate_hz} Hz, {scheduling:?}, after {history} samples, {blocks:?}");
                let (mut engine, mut heard) = (engine(rate_hz, 2, scheduling), Heard::default());
                heard.play(&mut engine, &noise(3, history, 0.3), blocks);
                engine.begin_at(123_457.0);
                heard.play(&mut engine, &speech, blocks);
                let first = history as f64;
                let Some((once, once_first)) = &expected else {
                    expected = Some((heard, first));
                    continue;
                };
                let found = heard.pass(first, 123_457.0);
                assert!(found.len() > 20, "{what}: {} frames", found.len());
                assert_same_frames(&found, &once.pass(*once_first, 123_457.0), &what);
                let latency = engine.latency_samples();
                for (again, once) in heard.audio.iter().zip(&once.audio) {
                    assert_same(&again[history + latency..], &once[latency..], 0.0, &what);
                }
            }
        }
    }
}

#[test]
fn frames_stand_on_a_grid_on_which_one_begins_at_position_0() {
    for (rate_hz, grid_samples) in GRIDS {
        for position in [0.0, 1.0, 12_345.0, -700.0, 1e9 + 13.0] {
            let (mut engine, mut heard) = (engine(rate_hz, 2, Scheduling::Spread), Heard::default());
            let before = noise(3, 1000, 0.3);
            heard.play(&mut engine, &before, Blocks::Fixed(100));
            engine.begin_at(position);
            heard.play(&mut engine, &noise(4, 20_000, 0.3), Blocks::Fixed(100));
            let whole = if rate_hz == 45_678.901 { 0.5 } else { 1e-6 };
            let first = heard.pass(1000.0, position)[0].0;
            let off = (first + whole).rem_euclid(grid_samples) - whole;
            let on_third =
                rate_hz == 16_000.0 && [1.0, 2.0].iter().any(|n| (off - n * grid_samples / 3.0).abs() < 1e-6);
            assert!(
                off.abs() <= whole || on_third,
                "{rate_hz} Hz: {off} samples beside the grid at {position}"
            );
            let hop = engine.timing().frame_start_samples(1);
            let behind = heard.pass(1000.0, position)[0].0 - position;
            assert!((-hop..hop).contains(&behind), "the first frame begins {behind} samples after the start");
        }
    }
}

#[test]
fn the_pass_before_is_heard_and_coded_to_its_end() {
    let speech = speech_48k();
    for (rate_hz, _) in GRIDS {
        for scheduling in [Scheduling::Spread, Scheduling::Burst] {
            let what = format!("{rate_hz} Hz, {scheduling:?}");
            let cut = 40_123;
            let mut alone = (engine(rate_hz, 2, scheduling), Heard::default());
            let latency = alone.0.latency_samples();
            let input = [&speech[..cut], &vec![0.0; 2 * latency]].concat();
            alone.1.play(&mut alone.0, &input, Blocks::Fixed(480));
            let (mut engine, mut heard) = (engine(rate_hz, 2, scheduling), Heard::default());
            heard.play(&mut engine, &speech[..cut], Blocks::Fixed(333));
            engine.begin_at(5000.0);
            assert!(!engine.can_swap(), "{what}");
            heard.play(&mut engine, &speech[cut..][..2 * latency], Blocks::Fixed(64));
            assert!(engine.can_swap(), "{what}");
            let fade = (rate_hz * sacodec_engine::FADE_MS / 1e3).ceil() as usize;
            let end = cut + latency - fade;
            assert_same(&heard.audio[0][..end], &alone.1.audio[0][..end], 0.0, &what);
            assert_same(&heard.audio[1][..end], &alone.1.audio[1][..end], 0.0, &what);
            let expected: Vec<_> =
                alone.1.frames.iter().filter(|(place, _)| place.start_samples < cut as f64).collect();
            let found: Vec<_> = heard.frames.iter().filter(|(place, _)| place.pass_samples == 0.0).collect();
            assert!(
                found == expected,
                "{what}: {} frames, {} of the pass alone",
                found.len(),
                expected.len()
            );
            let passes: Vec<f64> = heard.frames.iter().map(|(place, _)| place.pass_samples).collect();
            assert!(passes.is_sorted(), "{what}: frames of two passes are mixed");
        }
    }
}

#[test]
fn the_next_frame_is_known_before_it_comes() {
    for scheduling in [Scheduling::Spread, Scheduling::Burst] {
        let mut engine = engine(48_000.0, 1, scheduling);
        let (mut block, mut next) = ([0.1; 16], 0.0);
        for n in 0..4000 {
            if n % 1013 == 1012 {
                engine.begin_at(n as f64 * 7.0);
                next = engine.next_place().start_samples;
            }
            let mut found = None;
            engine.process(&mut [&mut block], &Controls::default(), |frame| {
                found.get_or_insert(frame.place.start_samples);
            });
            assert!(found.is_none_or(|found| found == next), "block {n}: {found:?}, not {next}");
            next = engine.next_place().start_samples;
        }
    }
}

#[test]
fn starts_in_quick_succession_end_with_the_last_one() {
    let speech = speech_48k()[20_000..50_000].to_vec();
    let (mut once, mut heard_once) = (engine(48_000.0, 2, Scheduling::Spread), Heard::default());
    once.begin_at(777.0);
    heard_once.play(&mut once, &speech, Blocks::Fixed(256));
    let (mut engine, mut heard) = (engine(48_000.0, 2, Scheduling::Spread), Heard::default());
    let latency = engine.latency_samples();
    let mut played = 0;
    for length in [5000, 64, 1500, 10, 2000, 700] {
        heard.play(&mut engine, &speech[..length], Blocks::Fixed(64));
        engine.begin_at(777.0);
        played += length;
    }
    heard.play(&mut engine, &speech, Blocks::Fixed(64));
    let what = "after six starts";
    assert_same(&heard.audio[0][played + latency..], &heard_once.audio[0][latency..], 0.0, what);
    assert_same_frames(&heard.pass(played as f64, 777.0), &heard_once.pass(0.0, 777.0), what);
    assert!(heard.frames.is_sorted_by_key(|(place, _)| place.pass_samples), "frames of two passes are mixed");
}

#[test]
fn a_start_during_a_swap_begins_with_both_and_the_swap_goes_on() {
    let speech = speech_48k()[20_000..90_000].to_vec();
    let (mut engine, mut heard) = (engine(48_000.0, 2, Scheduling::Spread), Heard::default());
    heard.play(&mut engine, &speech[..4800], Blocks::Fixed(128));
    assert!(engine.swap(Box::new(CodecSet::new(&CodecModel::embedded().unwrap()).unwrap())).is_ok());
    heard.play(&mut engine, &speech[4800..9600], Blocks::Fixed(128));
    engine.begin_at(0.0);
    heard.play(&mut engine, &speech[9600..], Blocks::Fixed(128));
    assert!(engine.take_retired().is_some(), "the swap has ended");
    assert!(engine.can_swap());
    let (mut fresh, mut expected) = (self::engine(48_000.0, 2, Scheduling::Spread), Heard::default());
    fresh.begin_at(0.0);
    expected.play(&mut fresh, &speech[9600..], Blocks::Fixed(128));
    assert_same_frames(
        &heard.pass(9600.0, 0.0),
        &expected.pass(0.0, 0.0),
        "of one model the tokens are the same",
    );
}

#[test]
fn a_voice_that_starts_on_the_grid_has_the_tokens_and_samples_of_its_file() {
    let speech = speech_48k()[..60_000].to_vec();
    for (rate_hz, grid_samples) in GRIDS.into_iter().take(5) {
        let (mut file, mut of_file) = (engine(rate_hz, 2, Scheduling::Spread), Heard::default());
        of_file.play(&mut file, &speech, Blocks::Fixed(512));
        let (mut engine, mut heard) = (engine(rate_hz, 2, Scheduling::Spread), Heard::default());
        heard.play(&mut engine, &noise(5, 3000, 0.3), Blocks::Fixed(512));
        engine.begin_at(75.0 * grid_samples);
        heard.play(&mut engine, &speech, Blocks::Fixed(512));
        let what = format!("{rate_hz} Hz");
        assert_same_frames(&heard.pass(3000.0, 0.0), &of_file.pass(0.0, 0.0), &what);
        let latency = engine.latency_samples();
        assert_same(&heard.audio[0][3000 + latency..], &of_file.audio[0][latency..60_000], 0.0, &what);
    }
}

#[test]
fn absurd_places_on_the_timeline_end_and_leave_the_codec_working() {
    for (rate_hz, _) in GRIDS {
        let (mut engine, mut heard) = (engine(rate_hz, 2, Scheduling::Spread), Heard::default());
        for position in [1e18, -1e18, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.49, -0.51]
        {
            engine.begin_at(position);
            heard.play(&mut engine, &noise(5, 700, 0.2), Blocks::Fixed(64));
        }
        heard.play(&mut engine, &noise(5, 20_000, 0.2), Blocks::Fixed(512));
        assert!(heard.frames.len() > 10, "{rate_hz} Hz");
    }
}

#[test]
fn starts_after_every_few_samples_never_mix_the_frames_of_passes() {
    let (mut engine, mut heard) = (engine(48_000.0, 2, Scheduling::Burst), Heard::default());
    heard.play(&mut engine, &noise(5, 5000, 0.2), Blocks::Fixed(100));
    for n in 0..200 {
        engine.begin_at(640.0 * f64::from(n) + 639.0);
        heard.play(&mut engine, &noise(5, 16, 0.2), Blocks::Fixed(16));
    }
    heard.play(&mut engine, &noise(5, 20_000, 0.2), Blocks::Fixed(512));
    assert!(heard.frames.is_sorted_by_key(|(place, _)| place.pass_samples), "frames of two passes are mixed");
}

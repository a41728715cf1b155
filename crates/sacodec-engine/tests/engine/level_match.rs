//! Level match in the engine: as loud as the original, independent of blocks, and nothing where it is off.

use ebur128::{EbuR128, Mode};
use sacodec_codec::CodecModel;
use sacodec_engine::{Controls, Engine, EngineConfig, Listen, Scheduling};
use sacodec_testing::{Blocks, assert_same, speech_48k};

fn engine(channels: usize) -> Engine {
    let model = CodecModel::embedded().unwrap();
    let config = EngineConfig { rate_hz: 48_000.0, channels, scheduling: Scheduling::Spread };
    Engine::new(&model, config).unwrap()
}

/// The clip at a level, twice, so that there is time to settle.
fn speech(gain: f32) -> Vec<f32> {
    let clip = speech_48k();
    clip.iter().chain(&clip).map(|s| gain * s).collect()
}

/// Renders with controls that may change at every block's first sample.
fn render(input: &[Vec<f32>], blocks: Blocks, controls: impl Fn(usize) -> Controls) -> Vec<Vec<f32>> {
    let mut engine = engine(input.len());
    let mut out = input.to_vec();
    let mut start = 0;
    for block in blocks.sizes(input[0].len()) {
        let mut slices: Vec<&mut [f32]> = out.iter_mut().map(|c| &mut c[start..start + block]).collect();
        engine.process(&mut slices, &controls(start), |_| ());
        start += block;
    }
    out
}

fn matched(listen: Listen) -> Controls {
    Controls { listen, level_match: true, ..Controls::default() }
}

fn loudness_lufs(samples: &[f32]) -> f64 {
    let mut meter = EbuR128::new(1, 48_000, Mode::I).unwrap();
    meter.add_frames_f32(samples).unwrap();
    meter.loudness_global().unwrap()
}

#[test]
fn coded_and_difference_become_as_loud_as_the_original() {
    for gain in [0.1, 0.5] {
        let input = vec![speech(gain)];
        let heard = |listen, level_match| {
            let controls = Controls { listen, level_match, ..Controls::default() };
            render(&input, Blocks::Fixed(512), |_| controls).remove(0)
        };
        let half = input[0].len() / 2;
        let original_lufs = loudness_lufs(&heard(Listen::Original, true)[half..]);
        for listen in [Listen::Coded, Listen::Difference] {
            let matched_lufs = loudness_lufs(&heard(listen, true)[half..]);
            let plain_lufs = loudness_lufs(&heard(listen, false)[half..]);
            let error_lu = (matched_lufs - original_lufs).abs();
            assert!(
                error_lu < 0.7,
                "{listen:?} at gain {gain}: {matched_lufs:.2} LUFS beside {original_lufs:.2} (unmatched {plain_lufs:.2})"
            );
        }
    }
}

#[test]
fn original_and_bypass_stay_what_they_are_bit_for_bit() {
    let input = vec![speech(0.5), speech(0.3)];
    let latency = engine(2).latency_samples();
    for controls in [matched(Listen::Original), Controls { bypass: true, ..matched(Listen::Coded) }] {
        let out = render(&input, Blocks::Fixed(333), |_| controls);
        for (out, input) in out.iter().zip(&input) {
            assert_same(&out[latency..], &input[..input.len() - latency], 0.0, "level match touched it");
        }
    }
}

#[test]
fn the_gains_do_not_depend_on_how_the_stream_is_cut() {
    let input = vec![speech(0.4)[..240_000].to_vec()];
    // Switched at multiples of 960 samples, which every cutting below meets.
    let controls = |start: usize| {
        let listen = if start >= 192_000 { Listen::Difference } else { Listen::Coded };
        let level_match = !(96_000..96_960).contains(&start) && start >= 48_000;
        Controls { listen, level_match, ..Controls::default() }
    };
    let expected = render(&input, Blocks::Fixed(960), controls);
    for size in [1, 32, 480] {
        let out = render(&input, Blocks::Fixed(size), controls);
        assert_same(&out[0], &expected[0], 0.0, &format!("blocks of {size}"));
    }
}

//! What a listening test hears: turns that tell nothing, the same channels, gains that are held.

use ebur128::{EbuR128, Mode};
use sacodec_codec::{CodecModel, StreamGain};
use sacodec_engine::{
    Audition, Channels, Controls, Engine, EngineConfig, FADE_MS, Listen, PAUSE_MS, Scheduling,
};
use sacodec_testing::{Blocks, assert_same, speech_48k};

const RATE_HZ: f64 = 48_000.0;
const FADE: usize = (RATE_HZ * FADE_MS / 1e3) as usize;
const PAUSE: usize = (RATE_HZ * PAUSE_MS / 1e3) as usize;
/// Speech, at the output too.
const TURN_AT: usize = 96_000;

fn engine(channels: usize) -> Engine {
    let model = CodecModel::embedded().unwrap();
    Engine::new(&model, EngineConfig { rate_hz: RATE_HZ, channels, scheduling: Scheduling::Spread }).unwrap()
}

fn audition(coded: bool, turn: u32) -> Controls {
    Controls { audition: Some(Audition { coded, turn }), ..Controls::default() }
}

/// Renders speech, the right channel quieter and late; `controls` by the first sample of a block.
fn render(engine: &mut Engine, blocks: Blocks, controls: impl Fn(usize) -> Controls) -> Vec<Vec<f32>> {
    let speech = speech_48k();
    let channels = engine.config().channels;
    let late = |i: usize| i.checked_sub(500).map_or(0.0, |i| 0.3 * speech[i]);
    let right: Vec<f32> = (0..speech.len()).map(late).collect();
    let mut out = [speech, right][..channels].to_vec();
    let mut start = 0;
    for block in [blocks.sizes(TURN_AT), blocks.sizes(out[0].len() - TURN_AT)].concat() {
        let mut slices: Vec<&mut [f32]> = out.iter_mut().map(|c| &mut c[start..start + block]).collect();
        engine.process(&mut slices, &controls(start), |_| ());
        start += block;
    }
    out
}

#[test]
fn until_the_pause_is_over_a_turn_does_not_tell_what_it_turns_to() {
    let turn = |from: bool, to: bool, blocks| {
        let controls = |at| if at < TURN_AT { audition(from, 1) } else { audition(to, 2) };
        render(&mut engine(1), blocks, controls).remove(0)
    };
    for from in [false, true] {
        for blocks in [Blocks::Fixed(64), Blocks::Fixed(480), Blocks::Random { seed: 3, max: 2000 }] {
            let [same, other] = [turn(from, from, blocks), turn(from, !from, blocks)];
            let end = TURN_AT + FADE + PAUSE - 1;
            assert_same(&same[..end], &other[..end], 0.0, &format!("from {from}, {blocks:?}"));
            assert!(same[TURN_AT..TURN_AT + FADE / 2].iter().any(|s| s.abs() > 1e-3), "it fades from sound");
            assert!(same[TURN_AT + FADE..end].iter().all(|s| *s == 0.0), "and pauses");
            let after = |out: &[f32]| out[end + FADE..end + 24_000].iter().any(|s| s.abs() > 1e-2);
            assert!(after(&same) && after(&other) && same != other, "then they are heard");
        }
    }
}

#[test]
fn a_test_begins_and_ends_with_a_pause_and_listen_is_back() {
    let listen = Controls { listen: Listen::Original, bypass: true, ..Controls::default() };
    let plain = render(&mut engine(1), Blocks::Fixed(480), |_| listen).remove(0);
    let end = TURN_AT + 96_000;
    let controls = |at| if (TURN_AT..end).contains(&at) { audition(true, 0) } else { listen };
    let out = render(&mut engine(1), Blocks::Fixed(480), controls).remove(0);
    assert_same(&out[..TURN_AT], &plain[..TURN_AT], 0.0, "before the test");
    for at in [TURN_AT, end] {
        assert!(out[at + FADE..at + FADE + PAUSE - 1].iter().all(|s| *s == 0.0), "a pause at {at}");
    }
    let heard = TURN_AT + 2 * FADE + PAUSE;
    assert!(out[heard..heard + 9600] != plain[heard..heard + 9600], "bypass does not bypass the test");
    let back = end + 2 * FADE + PAUSE;
    assert_same(&out[back..], &plain[back..], 0.0, "after the test");
}

#[test]
fn the_original_goes_to_the_channels_as_the_coded_stream_does() {
    for (channels, weights) in [
        (Channels::MonoSum, Some([0.5, 0.5])),
        (Channels::Left, Some([1.0, 0.0])),
        (Channels::Right, Some([0.0, 1.0])),
        (Channels::DualMono, None),
    ] {
        let original = Controls { listen: Listen::Original, channels, ..Controls::default() };
        let plain = render(&mut engine(2), Blocks::Fixed(512), |_| original);
        let out = render(&mut engine(2), Blocks::Fixed(512), |_| Controls { channels, ..audition(false, 0) });
        for (channel, out) in out.iter().enumerate() {
            let expected: Vec<f32> = match weights {
                None => plain[channel].clone(),
                Some([l, r]) => plain[0].iter().zip(&plain[1]).map(|(a, b)| l * a + r * b).collect(),
            };
            assert_same(out, &expected, 1e-7, &format!("{channels:?}, channel {channel}"));
        }
    }
}

#[test]
fn with_level_match_a_and_b_are_equally_loud_on_a_track_that_is_hard_left() {
    let matched = |controls: Controls| Controls { level_match: true, ..controls };
    for channels in [Channels::MonoSum, Channels::Left, Channels::DualMono] {
        let mut engine = engine(2);
        let mut hear = |controls: Controls| {
            let mut out = [speech_48k(), vec![0.0; speech_48k().len()]];
            for start in (0..out[0].len()).step_by(512) {
                let end = (start + 512).min(out[0].len());
                let mut slices: Vec<&mut [f32]> = out.iter_mut().map(|c| &mut c[start..end]).collect();
                engine.process(&mut slices, &matched(Controls { channels, ..controls }), |_| ());
            }
            assert!(engine.is_match_settled(), "{channels:?}: a clip is enough to settle");
            let mut meter = EbuR128::new(2, RATE_HZ as u32, Mode::I).unwrap();
            meter.add_frames_planar_f32(&[&out[0], &out[1]]).unwrap();
            meter.loudness_global().unwrap()
        };
        hear(Controls::default());
        let (a_lufs, b_lufs) = (hear(audition(false, 0)), hear(audition(true, 1)));
        assert!((a_lufs - b_lufs).abs() < 0.7, "{channels:?}: A {a_lufs:.2} LUFS, B {b_lufs:.2}");
    }
}

#[test]
fn with_level_match_another_choice_of_streams_leaves_nothing_of_the_loudness_before() {
    let mut engine = engine(1);
    // Acoustic only is much louder than both, and is heard on for a while after the choice.
    let hear = |engine: &mut Engine, clip: &[f32], controls: Controls| {
        let controls = Controls { level_match: true, ..controls };
        let mut out = clip.to_vec();
        out.chunks_mut(480).for_each(|block| engine.process(&mut [block], &controls, |_| ()));
        let mut meter = EbuR128::new(1, RATE_HZ as u32, Mode::I).unwrap();
        meter.add_frames_f32(&out).unwrap();
        meter.loudness_global().unwrap()
    };
    let speech = speech_48k();
    let acoustic = StreamGain { semantic: 0.0, ..StreamGain::BOTH };
    hear(&mut engine, &speech, Controls { streams: acoustic, ..Controls::default() });
    // Just until the levels are called settled.
    let mut played = 0;
    while played == 0 || !engine.is_match_settled() {
        hear(&mut engine, &speech[played..played + 480], Controls::default());
        played += 480;
    }
    let (a_lufs, b_lufs) =
        (hear(&mut engine, &speech, audition(false, 0)), hear(&mut engine, &speech, audition(true, 1)));
    assert!(
        (a_lufs - b_lufs).abs() < 1.0,
        "A {a_lufs:.2} LUFS, B {b_lufs:.2}, settled after {played} samples"
    );
}

#[test]
fn the_levels_are_settled_after_seconds_of_voice_and_anew_after_another_choice_of_streams() {
    let mut engine = engine(1);
    let play = |engine: &mut Engine, samples: &[f32], streams: StreamGain| {
        let controls = Controls { level_match: true, streams, ..Controls::default() };
        samples.to_vec().chunks_mut(480).for_each(|block| engine.process(&mut [block], &controls, |_| ()));
        engine.is_match_settled()
    };
    let speech = speech_48k();
    let semantic = StreamGain { acoustic: 0.0, ..StreamGain::BOTH };
    assert!(!play(&mut engine, &vec![0.0; 240_000], StreamGain::BOTH), "of silence nothing is known");
    assert!(!play(&mut engine, &speech[..48_000], StreamGain::BOTH), "a second is too short");
    assert!(play(&mut engine, &speech, StreamGain::BOTH));
    assert!(!play(&mut engine, &speech[..48_000], semantic), "one stream alone is not as loud");
    assert!(play(&mut engine, &speech, semantic));
}

#[test]
fn gains_of_the_level_match_stand_still_while_a_test_runs_even_over_a_reset() {
    let mut engine = engine(1);
    let matched = |controls: Controls| Controls { level_match: true, ..controls };
    render(&mut engine, Blocks::Fixed(512), |_| matched(Controls::default()));
    let settled = engine.match_gains_db();
    assert!(settled.0.abs() > 0.01, "the gains have moved: {settled:?}");
    for coded in [true, false] {
        for _ in 0..2 {
            render(&mut engine, Blocks::Fixed(512), |_| matched(audition(coded, 0)));
            assert_eq!(engine.match_gains_db(), settled);
            engine.reset();
        }
    }
    render(&mut engine, Blocks::Fixed(512), |_| matched(Controls::default()));
    assert_ne!(engine.match_gains_db(), settled, "they follow again");
}

//! What the user has set, across a place where the codec begins afresh.

use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_engine::{Audition, Channels, Controls, Engine, EngineConfig, Listen, Scheduling};
use sacodec_testing::{assert_same, speech_48k};

const POSITION: f64 = 123_457.0;

/// Frames: where their pass began, and their tokens.
type Frames = Vec<(f64, Vec<TokenFrame>)>;

fn engine() -> Engine {
    let config = EngineConfig { rate_hz: 48_000.0, channels: 2, scheduling: Scheduling::Spread };
    Engine::new(&CodecModel::embedded().unwrap(), config).unwrap()
}

/// What comes out of both channels, the right one at half level, in blocks of 480, and the tokens of each frame.
fn play(engine: &mut Engine, input: &[f32], controls: &Controls) -> ([Vec<f32>; 2], Frames) {
    let (mut left, mut right) = (input.to_vec(), input.iter().map(|s| 0.5 * s).collect::<Vec<f32>>());
    let mut frames = Vec::new();
    for (left, right) in left.chunks_mut(480).zip(right.chunks_mut(480)) {
        engine.process(&mut [left, right], controls, |frame| {
            frames.push((frame.place.pass_samples, frame.tokens().to_vec()));
        });
    }
    ([left, right], frames)
}

#[test]
fn channels_that_change_with_a_start_are_those_of_the_new_pass() {
    let speech = speech_48k()[20_000..80_000].to_vec();
    let of = |channels| Controls { channels, ..Controls::default() };
    for (before, after) in [
        (Channels::MonoSum, Channels::DualMono),
        (Channels::DualMono, Channels::MonoSum),
        (Channels::DualMono, Channels::Right),
        (Channels::Left, Channels::DualMono),
    ] {
        let mut fresh = engine();
        fresh.begin_at(POSITION);
        let (expected, wanted) = play(&mut fresh, &speech, &of(after));
        let mut switched = engine();
        play(&mut switched, &speech[..12_000], &of(before));
        switched.begin_at(POSITION);
        let (found, frames) = play(&mut switched, &speech, &of(after));
        // The second channel is faded in or out.
        let settled = switched.latency_samples() + 480;
        for (found, expected) in found.iter().zip(&expected) {
            assert_same(&found[settled..], &expected[settled..], 0.0, &format!("{before:?} to {after:?}"));
        }
        let of_pass = |frames: Frames, pass| -> Vec<_> {
            frames.into_iter().filter(|(of, _)| *of == pass).map(|(_, tokens)| tokens).collect()
        };
        let (found, wanted) = (of_pass(frames, 12_000.0), of_pass(wanted, 0.0));
        assert!(found.len() > 80);
        assert_eq!(found, wanted, "{before:?} to {after:?}");
    }
}

#[test]
fn gains_of_level_match_are_kept_over_a_start() {
    let (speech, mut engine) = (speech_48k(), engine());
    let controls = Controls { level_match: true, ..Controls::default() };
    while !engine.is_match_settled() {
        play(&mut engine, &speech, &controls);
    }
    let before = engine.match_gains_db();
    assert!(
        before.0.abs() > 0.05,
        "coded speech is as loud as the original, and this shows nothing: {before:?}"
    );
    engine.begin_at(POSITION);
    for block in speech[20_000..44_000].chunks(480) {
        play(&mut engine, block, &controls);
        let now = engine.match_gains_db();
        assert!(engine.is_match_settled() && (now.0 - before.0).abs() < 1.0, "{before:?}, then {now:?}");
    }
}

#[test]
fn a_listening_test_hears_its_source_over_a_start() {
    let speech = speech_48k()[20_000..80_000].to_vec();
    let hear = |controls: Controls| {
        // Each channel for itself: the original is then heard as it is.
        let controls = &Controls { channels: Channels::DualMono, ..controls };
        let mut engine = engine();
        let (mut audio, _) = play(&mut engine, &speech[..12_000], controls);
        engine.begin_at(POSITION);
        let (rest, _) = play(&mut engine, &speech, controls);
        audio.iter_mut().zip(rest).for_each(|(audio, rest)| audio.extend(rest));
        (audio, engine.latency_samples())
    };
    for coded in [false, true] {
        let listen = if coded { Listen::Coded } else { Listen::Original };
        let (expected, latency) = hear(Controls { listen, ..Controls::default() });
        // What is set to be heard would tell which it is.
        let other = if coded { Listen::Original } else { Listen::Coded };
        let audition = Some(Audition { coded, turn: 1 });
        let (found, _) = hear(Controls { listen: other, audition, ..Controls::default() });
        // It fades in at its first turn.
        let settled = latency + 4800;
        for (found, expected) in found.iter().zip(&expected) {
            assert_same(&found[settled..], &expected[settled..], 0.0, &format!("coded: {coded}"));
        }
    }
}

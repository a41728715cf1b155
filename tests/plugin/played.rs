//! A take that is played in place of the input, in a host.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap_host::{Host, Transport};

use crate::support::instance::{files, host, recording, value, with_field};
use sacodec_take::Take;
use sacodec_testing::{assert_same, noise, speech_48k};

/// Where the take was recorded: on no hop.
const START: f64 = 96_123.0;
const INPUT: f64 = 0.0;
const TAKE: f64 = 1.0;
const TAKE_SEMANTIC: f64 = 2.0;
const LOCK_OFF: f64 = 0.0;

fn play(host: &mut Host, transport: Option<Transport>, input: &[f32], block: usize) -> Vec<f32> {
    let processor = host.processor().unwrap();
    if let Some(transport) = transport {
        processor.set_transport(Some(transport));
    }
    let mut out = input.to_vec();
    for block in out.chunks_mut(block) {
        processor.process(&mut [block]).unwrap();
    }
    out
}

fn at(position_samples: f64) -> Option<Transport> {
    Some(Transport::playing_at(position_samples))
}

/// Records a voice from [`START`] on: the take, and what was heard from there on, as late as it was.
fn recorded(folder: &Path) -> (PathBuf, Vec<f32>) {
    let speech = speech_48k()[20_000..80_000].to_vec();
    let mut host = recording(48_000.0, 1, folder, &[]);
    host.set_param("Record while", 1.0).unwrap();
    let heard = play(&mut host, at(START), &speech, 480);
    host.deactivate().unwrap();
    drop(host);
    (files(folder, "sac").remove(0), heard)
}

/// An instance that plays the take at `path`.
fn player(path: &Path, source: f64, offline: bool) -> Host {
    let mut host = host();
    let state = host.save_state().unwrap();
    host.load_state(&with_field(&state, "play", &serde_json::json!(path))).unwrap();
    host.set_param("Token source", source).unwrap();
    host.set_offline(offline).unwrap();
    host.activate(48_000.0, 1, 16_384, 1).unwrap();
    host
}

#[test]
fn a_take_sounds_as_it_was_recorded_live_in_a_bounce_and_in_a_loop() {
    let folder = tempfile::tempdir().unwrap();
    let (path, expected) = recorded(folder.path());
    let early = 12_345;
    // The last frames that were on their way as recording ended are not in the take.
    let whole = expected.len() - 4000;
    for (offline, block, lock) in [(true, 4096, 1.0), (false, 64, 1.0), (false, 777, LOCK_OFF)] {
        let mut host = player(&path, TAKE, offline);
        host.set_param("Timeline lock", lock).unwrap();
        let latency = host.latency_samples() as usize;
        let input = noise(9, early + expected.len(), 0.2);
        for pass in 0..2 {
            // The second time it is a jump back.
            let heard = play(&mut host, at(START - early as f64), &input, block);
            let what = format!("pass {pass}, bounce: {offline}, blocks of {block}");
            assert_same(&heard[early + latency..][..whole - latency], &expected[latency..whole], 0.0, &what);
        }
    }
}

#[test]
fn while_the_host_does_not_play_and_beside_the_take_the_input_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = recorded(folder.path());
    let input = speech_48k()[..40_000].to_vec();
    let stopped = Some(Transport { playing: false, ..Transport::playing_at(START) });
    for transport in [stopped, at(START - 200_000.0)] {
        let [played, plain] = [TAKE, INPUT].map(|source| {
            let mut host = player(&path, source, false);
            play(&mut host, transport, &input, 480)
        });
        assert_same(&played, &plain, 0.0, &format!("{transport:?}"));
    }
}

#[test]
fn one_stream_is_swapped_and_the_last_frame_can_be_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let (path, expected) = recorded(folder.path());
    let input = noise(9, expected.len(), 0.2);
    let heard = |source| play(&mut player(&path, source, false), at(START), &input, 480);
    let (of_input, of_take, swapped) = (heard(INPUT), heard(TAKE), heard(TAKE_SEMANTIC));
    let differ = |a: &[f32], b: &[f32]| a[20_000..50_000] != b[20_000..50_000];
    assert!(differ(&of_input, &of_take) && differ(&swapped, &of_take) && differ(&swapped, &of_input));
    let loudest = of_take.chunks(480).map(|block| block.iter().map(|s| s * s).sum::<f32>());
    let (loudest, _) = loudest.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let latency = player(&path, TAKE, false).latency_samples() as usize;
    let until = (480 * loudest).saturating_sub(latency) / 480 * 480;
    let frozen = |after: &[f32]| {
        let mut host = player(&path, TAKE, false);
        play(&mut host, at(START), &input[..until], 480);
        host.set_param("Freeze", 1.0).unwrap();
        play(&mut host, None, after, 480)
    };
    let (first, second) = (frozen(&noise(1, 20_000, 0.2)), frozen(&[0.0; 20_000]));
    assert_same(&first, &second, 0.0, "what is frozen hears nothing of the input");
    assert!(first[10_000..].iter().any(|sample| sample.abs() > 0.001), "it is heard");
}

#[test]
fn a_session_recalls_its_take_and_one_that_is_missing_or_of_another_pack_lets_the_input_through() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = recorded(folder.path());
    let input = noise(9, 40_000, 0.2);
    let heard = |host: &mut Host| play(host, at(START), &input, 480);
    let plain = heard(&mut player(&path, INPUT, false));
    let mut host = player(&path, TAKE, false);
    let of_take = heard(&mut host);
    assert_ne!(of_take, plain);
    let state = host.save_state().unwrap();
    let mut recalled = self::host();
    recalled.load_state(&state).unwrap();
    recalled.activate(48_000.0, 1, 16_384, 1).unwrap();
    assert_same(&heard(&mut recalled), &of_take, 0.0, "recalled");
    let gone = folder.path().join("gone.sac");
    let mut without = player(&gone, TAKE, false);
    assert_same(&heard(&mut without), &plain, 0.0, "a take that is missing");
    assert!(String::from_utf8_lossy(&without.save_state().unwrap()).contains("gone.sac"), "its path is kept");
    let mut take = Take::open(&path).unwrap();
    take.header.pack.sha256 = "0".repeat(64);
    let other = folder.path().join("other.sac");
    std::fs::write(&other, take.repaired().unwrap()).unwrap();
    assert_same(&heard(&mut player(&other, TAKE, false)), &plain, 0.0, "a take of another pack");
}

#[test]
fn a_take_that_is_chosen_while_sound_runs_is_played_soon() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = recorded(folder.path());
    let input = noise(9, 20_000, 0.2);
    let mut host = player(Path::new(""), TAKE, false);
    let plain = play(&mut host, at(START), &input, 480);
    let state = host.save_state().unwrap();
    host.load_state(&with_field(&state, "play", &serde_json::json!(path))).unwrap();
    let begun = Instant::now();
    while play(&mut host, at(START), &input, 480)[5000..] == plain[5000..] {
        assert!(begun.elapsed() < Duration::from_secs(60), "the take was not brought in");
    }
    // A later activation has it from the first sample on.
    host.deactivate().unwrap();
    host.set_param("Scheduling", value::BURST).unwrap();
    host.activate(48_000.0, 1, 16_384, 1).unwrap();
    let mut fresh = player(&path, TAKE, false);
    fresh.deactivate().unwrap();
    fresh.set_param("Scheduling", value::BURST).unwrap();
    fresh.activate(48_000.0, 1, 16_384, 1).unwrap();
    assert_eq!(host.latency_samples(), fresh.latency_samples());
    let found = play(&mut host, at(START), &input, 480);
    assert_same(&found, &play(&mut fresh, at(START), &input, 480), 0.0, "from the first sample on");
}

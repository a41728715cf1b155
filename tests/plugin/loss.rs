//! A lossy network in a host: what is lost, and that it is recalled.

use std::time::{Duration, Instant};

use clap_host::{Host, Transport};

use crate::support::instance::{host, value, with_field};
use sacodec_testing::{assert_same, noise, speech_48k};

/// Where playing starts: on no hop.
const START: f64 = 96_123.0;
const OFF: f64 = 0.0;
const BURSTY: f64 = 2.0;
const TRACE: f64 = 3.0;

fn play(host: &mut Host, position_samples: f64, input: &[f32], block: usize) -> Vec<f32> {
    let processor = host.processor().unwrap();
    processor.set_transport(Some(Transport::playing_at(position_samples)));
    let mut out = input.to_vec();
    for block in out.chunks_mut(block) {
        processor.process(&mut [block]).unwrap();
    }
    out
}

fn lossy(loss: f64, offline: bool) -> Host {
    let mut host = host();
    host.set_param("Loss", loss).unwrap();
    host.set_param("Loss seed", 6.0).unwrap();
    host.set_offline(offline).unwrap();
    host.activate(48_000.0, 1, 16_384, 1).unwrap();
    host
}

#[test]
fn a_bounce_loses_what_was_lost_while_it_played() {
    let speech = speech_48k()[20_000..80_000].to_vec();
    let mut bounce = lossy(BURSTY, true);
    let latency = bounce.latency_samples() as usize;
    let expected = play(&mut bounce, START, &speech, 4096);
    let mut live = lossy(BURSTY, false);
    play(&mut live, 5.0, &noise(9, 12_345, 0.2), 64);
    live.processor().unwrap().set_transport(Some(Transport { playing: false, ..Transport::playing_at(0.0) }));
    live.processor().unwrap().process(&mut [&mut [0.0; 64]]).unwrap();
    let found = play(&mut live, START, &speech, 480);
    assert_same(&found[latency..], &expected[latency..], 0.0, "live and bounce");
    let whole = play(&mut lossy(OFF, true), START, &speech, 4096);
    assert_ne!(whole[latency..], expected[latency..], "nothing was lost, and this shows nothing");
}

#[test]
fn a_session_recalls_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.txt");
    std::fs::write(&path, "1").unwrap();
    let input = speech_48k()[20_000..40_000].to_vec();
    let mut host = lossy(TRACE, false);
    let latency = host.latency_samples() as usize;
    let silence = vec![0.0; input.len()];
    assert_ne!(
        play(&mut host, 0.0, &input, 512)[latency..],
        silence[latency..],
        "without a trace nothing is lost"
    );
    let state = with_field(&host.save_state().unwrap(), "trace", &serde_json::json!(path));
    host.load_state(&state).unwrap();
    assert!(String::from_utf8_lossy(&host.save_state().unwrap()).contains("trace.txt"), "it is saved again");
    // Its reader takes a moment: then everything is lost.
    let begun = Instant::now();
    loop {
        host.processor().unwrap().reset();
        if play(&mut host, 0.0, &input, 512) == silence {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the trace was not brought in");
    }
    // A later activation has it from the first sample on.
    host.deactivate().unwrap();
    host.set_param("Scheduling", value::BURST).unwrap();
    host.activate(48_000.0, 1, 16_384, 1).unwrap();
    assert_eq!(play(&mut host, 0.0, &input, 512), silence);
}

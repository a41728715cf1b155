//! Timeline lock in a host: what the plugin makes of the same bars is the same.

use std::path::Path;

use crate::support::instance::{files, host, recording};
use std::process::ExitCode;

use clap_host::{Host, Transport};
use sacodec_take::Take;
use sacodec_testing::{assert_same, noise, read_wav, speech_48k, write_wav};

const OFF: f64 = 0.0;
const AT_START: f64 = 1.0;
const AT_START_AND_JUMPS: f64 = 2.0;
/// Where playing starts: on no hop.
const START: f64 = 96_123.0;

/// Plays `input` in `blocks`, with the transport where it is told, and then where that leads.
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

fn stopped(position_samples: f64) -> Option<Transport> {
    Some(Transport { playing: false, ..Transport::playing_at(position_samples) })
}

fn active(lock: f64, rate_hz: f64) -> Host {
    let mut host = host();
    host.set_param("Timeline lock", lock).unwrap();
    host.activate(rate_hz, 1, 16_384, 1).unwrap();
    host
}

#[test]
fn a_bounce_is_what_was_played_whatever_came_before() {
    let speech = speech_48k()[20_000..80_000].to_vec();
    for rate_hz in [44_100.0, 48_000.0, 96_000.0] {
        let mut bounce = host();
        bounce.set_offline(true).unwrap();
        bounce.activate(rate_hz, 1, 16_384, 1).unwrap();
        let latency = bounce.latency_samples() as usize;
        let start = Some(Transport { tempo_bpm: Some(91.0), ..Transport::playing_at(START) });
        let expected = play(&mut bounce, start, &speech, 4096);
        for (history, block) in [(1, 64), (30_000, 512), (12_345, 777)] {
            let mut live = active(AT_START, rate_hz);
            // Another passage, a stop with a noise on the input, and the same bars.
            play(&mut live, Some(Transport::playing_at(5.0)), &speech[..history], block);
            play(&mut live, stopped(START), &noise(9, history, 0.2), block);
            let found = play(&mut live, start, &speech, block);
            let what = format!("{rate_hz} Hz, blocks of {block} after {history} samples");
            assert_same(&found[latency..], &expected[latency..], 0.0, &what);
        }
        let mut free = active(OFF, rate_hz);
        play(&mut free, stopped(START), &noise(9, 12_345, 0.2), 512);
        let found = play(&mut free, start, &speech, 512);
        assert_ne!(
            found[latency..],
            expected[latency..],
            "without the lock they differ, or this shows nothing"
        );
    }
}

#[test]
fn passes_of_a_loop_are_alike_only_if_the_lock_minds_jumps() {
    let loop_samples = 48_000 + 480;
    let material = speech_48k()[20_000..20_000 + loop_samples].to_vec();
    let passes = |lock: f64| {
        let mut host = active(lock, 48_000.0);
        let latency = host.latency_samples() as usize;
        let end = START + loop_samples as f64;
        let transport = Transport { loop_samples: Some((START, end)), ..Transport::playing_at(START) };
        let mut out = play(&mut host, Some(transport), &material, 480);
        for _ in 0..3 {
            out.extend(play(&mut host, None, &material, 480));
        }
        let pass = |n: usize| out[n * loop_samples + latency..][..loop_samples].to_vec();
        [pass(0), pass(1), pass(2)]
    };
    let [first, second, third] = passes(AT_START_AND_JUMPS);
    // Of the end of a pass the next one's beginning is heard in the last 10 ms: the first pass has none before it.
    assert_same(&second, &third, 0.0, "two passes of the loop");
    assert_same(&first, &second, 0.0, "the first pass and the second");
    let [_, second, third] = passes(AT_START);
    assert_ne!(second, third, "a codec that runs on hears every pass with the one before it in mind");
}

/// The two takes in a folder, in their order.
fn takes(folder: &Path) -> [Take; 2] {
    let takes = files(folder, "sac");
    assert_eq!(takes.len(), 2, "{takes:?}");
    [0, 1].map(|n| Take::open(&takes[n]).unwrap())
}

#[test]
fn the_same_bars_recorded_twice_are_the_same_take_but_for_its_date() {
    let folder = tempfile::tempdir().unwrap();
    let speech = speech_48k()[20_000..80_000].to_vec();
    let mut host = recording(48_000.0, 1, folder.path(), &[]);
    host.set_param("Record while", 1.0).unwrap();
    for (history, block) in [(777, 480), (5000, 96)] {
        play(&mut host, stopped(0.0), &noise(3, history, 0.3), block);
        play(&mut host, Some(Transport::playing_at(START)), &speech, block);
        play(&mut host, stopped(START), &noise(3, 9600, 0.3), block);
    }
    drop(host);
    let [first, second] = takes(folder.path());
    assert!(first.is_whole() && second.is_whole() && first.frames() > 90, "{} frames", first.frames());
    assert!(first.iter().eq(second.iter()), "tokens");
    assert_eq!(first.anchors, second.anchors);
    assert_eq!(
        first.footer.as_ref().map(|f| f.length_samples),
        second.footer.as_ref().map(|f| f.length_samples)
    );
    let mut dated = second.header.clone();
    dated.created.clone_from(&first.header.created);
    assert_eq!(first.header, dated);
    // Frames are named after places 640 samples apart, of which 0 is one; their sound begins 63 before.
    let place = first.header.first_sample.unwrap();
    assert_eq!((place + 63.0).round().rem_euclid(640.0), 0.0, "the first frame is at {place}");
}

#[test]
fn a_take_through_starts_and_jumps_decodes_to_what_was_heard_and_verifies() {
    for (rate_hz, jump) in
        [(48_000_u32, 1175.0), (44_100, 1100.0), (8000, 213.0), (16_000, 427.0), (32_000, 853.0)]
    {
        let folder = tempfile::tempdir().unwrap();
        let speech = speech_48k()[20_000..110_000].to_vec();
        let mut host = recording(rate_hz.into(), 1, folder.path(), &["wav"]);
        host.set_param("Timeline lock", AT_START_AND_JUMPS).unwrap();
        let latency = host.latency_samples() as usize;
        // A start at once, a stop, a start between two hops, a jump to one, and a jump to just before one.
        let mut heard = play(&mut host, Some(Transport::playing_at(START)), &speech[..20_000], 480);
        heard.extend(play(&mut host, stopped(0.0), &speech[20_000..30_001], 333));
        heard.extend(play(&mut host, Some(Transport::playing_at(77.0)), &speech[30_001..50_000], 480));
        heard.extend(play(&mut host, Some(Transport::playing_at(0.0)), &speech[50_000..70_000], 64));
        heard.extend(play(&mut host, Some(Transport::playing_at(jump)), &speech[70_000..], 480));
        host.deactivate().unwrap();
        drop(host);
        crate::support::instance::exports_are_there(folder.path(), &["wav"]);
        let take = crate::support::instance::only_take(folder.path());
        let passes: Vec<_> = take.anchors.iter().filter(|anchor| anchor.codec_reset).collect();
        assert_eq!(passes.len(), 4, "{rate_hz} Hz: {:?}", take.anchors);
        let first = passes[0].pass_samples.expect("it starts on no hop");
        let begins: Vec<f64> = passes
            .iter()
            .map(|pass| {
                pass.pass_samples.unwrap_or(pass.stream_samples - take.first_stream_samples()) - first
            })
            .collect();
        for (found, wanted) in begins.iter().zip([0.0, 30_001.0, 50_000.0, 70_000.0]) {
            assert!((found - wanted).abs() < 1.0, "{rate_hz} Hz: passes begin at {begins:?}");
        }
        let (decoded, _) = read_wav(&files(folder.path(), "wav")[0]);
        let decoded = &decoded[first as usize..];
        let hop = rate_hz as usize / 75 + 1;
        let fade = (f64::from(rate_hz) * 0.01).ceil() as usize;
        for (begin, end) in [(0, 30_001), (30_001, 50_000), (50_000, 70_000), (70_000, 90_000 - latency)] {
            // The frames of silence that bring out the last two hops of a pass are not in the take; `decode` repeats the
            // last frame instead. In the last 10 ms the next pass fades in, which has nothing to say yet.
            let alone = begin..end - fade.max(2 * hop);
            let what = format!("{rate_hz} Hz, from {begin} on");
            assert_same(&decoded[alone.clone()], &heard[latency..][alone], 1e-4, &what);
        }
        let audio = folder.path().join("audio.wav");
        write_wav(&audio, rate_hz, &[speech]);
        let take_path = files(folder.path(), "sac")[0].clone();
        let line = ["sacodec", "verify", take_path.to_str().unwrap(), audio.to_str().unwrap()];
        assert_eq!(sacodec_cli::run_from(line), ExitCode::SUCCESS, "{rate_hz} Hz: {line:?}");
    }
}

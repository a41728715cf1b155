//! Takes recorded by the plugin in a host: complete, at their place on the timeline, and the same as
//! what the command makes of the same audio.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::support::instance::{
    ID, exports_are_there, files, library, only_take, record_to, recording, with_field,
};
use clap_host::Transport;
use sacodec_take::{Anchor, Take};
use sacodec_testing::{Blocks, assert_same, noise, other_pack, read_wav, speech_48k, write_wav};

/// The command, which ends well.
#[track_caller]
fn run(arguments: &[&str]) {
    let line = [&["sacodec"], arguments].concat();
    assert_eq!(sacodec_cli::run_from(&line), ExitCode::SUCCESS, "{line:?}");
}

/// Waits for so many closed takes.
#[track_caller]
fn wait_for_takes(folder: &Path, count: usize) {
    let start = Instant::now();
    while files(folder, "sac").len() < count {
        assert!(start.elapsed() < Duration::from_secs(30), "takes: {:?}", files(folder, "sac"));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What no recording should hold, in the last of the channels, if there are several.
fn spoil(audio: &mut [Vec<f32>]) {
    let wrong = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE / 2.0, 1e30];
    let [_, .., last] = audio else { return };
    for (i, sample) in last.iter_mut().enumerate().skip(100).step_by(997) {
        *sample = wrong[i % wrong.len()];
    }
}

#[test]
fn a_recorded_take_is_what_the_command_encodes_and_decodes_to_what_was_heard() {
    let speech = speech_48k();
    let cases = [
        (48_000, 1, 0.0, "each", Blocks::Fixed(64), false),
        (48_000, 2, 0.0, "sum", Blocks::Fixed(512), true),
        (48_000, 2, 2.0, "right", Blocks::Random { seed: 5, max: 4096 }, false),
        (48_000, 2, 3.0, "each", Blocks::Random { seed: 6, max: 999 }, true),
        (44_100, 2, 3.0, "each", Blocks::Fixed(16_384), false),
        (44_100, 1, 0.0, "each", Blocks::Fixed(1), false),
        (96_000, 1, 0.0, "each", Blocks::Fixed(480), true),
        (24_000, 1, 0.0, "each", Blocks::Fixed(320), false),
        (8_000, 1, 0.0, "each", Blocks::Fixed(100), false),
    ];
    for (rate_hz, channels, mode, arg, blocks, offline) in cases {
        let what = format!("{rate_hz} Hz, {channels} channels {arg}, {blocks:?}, offline {offline}");
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let length = 60_017;
        let mut audio: Vec<Vec<f32>> = (0..channels)
            .map(|c| speech[40_000 + c * 9000..][..length].iter().map(|s| s * 0.8).collect())
            .collect();
        spoil(&mut audio);
        let mut host = library().create_on(ID, "Lead Vocal").unwrap();
        record_to(&mut host, folder.path(), &["npy", "wav", "jsonl", "csv"]);
        host.set_param("Channels", mode).unwrap();
        host.set_offline(offline).unwrap();
        host.activate(rate_hz.into(), 1, 16_384, channels).unwrap();
        let latency = host.latency_samples() as usize;
        let out = host.render(&audio, blocks.sizes(length)).unwrap();
        host.deactivate().unwrap();
        drop(host);
        // An instance that is removed waits for its exports a second at most.
        exports_are_there(folder.path(), &["npy", "wav", "jsonl", "csv"]);

        let take = only_take(folder.path());
        assert!(take.is_whole(), "{what}");
        let footer = take.footer.clone().unwrap();
        assert_eq!(footer.length_samples, Some(length as u64), "{what}");
        write_wav(&folder.path().join("audio.wav"), rate_hz, &audio);
        run(&["encode", &path("audio.wav"), &path("again.sac"), "--channels", arg]);
        run(&["convert", &path("again.sac"), &path("again.npy")]);
        let exported = |extension: &str| files(folder.path(), extension);
        let npy = exported("npy").into_iter().find(|f| !f.ends_with("again.npy")).unwrap();
        let same = std::fs::read(npy).unwrap() == std::fs::read(path("again.npy")).unwrap();
        assert!(same, "{what}: other tokens than the command's");
        assert!(exported("jsonl").len() == 1 && exported("csv").len() == 1);

        let wav = exported("wav").into_iter().find(|f| !f.ends_with("audio.wav")).unwrap();
        let (decoded, decoded_hz) = read_wav(&wav);
        assert_eq!((decoded.len(), decoded_hz), (length, rate_hz), "{what}");
        assert_same(&decoded[..length - latency], &out[0][latency..], 1e-4, &what);
        // `roundtrip` plays what the plugin played, so its tokens are equal too.
        run(&["roundtrip", &path("audio.wav"), &path("coded.wav"), "--channels", arg]);
        let (coded, _) = read_wav(Path::new(&path("coded.wav")));
        assert_same(&coded[..length - latency], &out[0][latency..], 1e-4, &format!("{what}, roundtrip"));
        let original = exported("sac").into_iter().find(|f| !f.ends_with("again.sac")).unwrap();
        // It ends well only if all tokens are equal.
        run(&["verify", original.to_str().unwrap(), &path("audio.wav")]);
    }
}

#[test]
fn takes_are_named_after_track_day_and_number_and_never_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let audio = [noise(1, 20_000, 0.1)];
    let mut hosts: Vec<_> = (0..2).map(|_| recording(48_000.0, 1, folder.path(), &[])).collect();
    for _ in 0..2 {
        // Both record at once, on tracks of the same name.
        for host in &mut hosts {
            host.render(&audio, [480; 41]).unwrap();
        }
        for host in &mut hosts {
            host.deactivate().unwrap();
            host.activate(48_000.0, 1, 480, 1).unwrap();
        }
    }
    hosts[0].set_track("Ad/libs").unwrap();
    hosts[0].render(&audio, [480; 41]).unwrap();
    // The take above has begun, whether or not its writer has looked yet.
    hosts[0].set_track("Later name").unwrap();
    drop(hosts);
    let names: Vec<String> =
        files(folder.path(), "sac").iter().map(|f| f.file_name().unwrap().to_str().unwrap().into()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let day = names[0].split('_').nth(1).unwrap().to_owned();
    assert_eq!(names[0], format!("Ad-libs_{day}_001.sac"));
    for (name, number) in names[1..].iter().zip(1..) {
        assert_eq!(name, &format!("Lead Vocal_{day}_{number:03}.sac"));
    }
    let take = Take::open(&files(folder.path(), "sac")[0]).unwrap();
    assert_eq!(take.header.track.as_deref(), Some("Ad/libs"));
}

#[test]
fn every_frame_knows_its_place_on_the_timeline_through_loops_jumps_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = recording(48_000.0, 1, folder.path(), &[]);
    host.set_param("Timeline lock", 0.0).unwrap();
    let processor = host.processor().unwrap();
    let mut block = [0.1; 480];
    let mut expected = Vec::new();
    let start = Transport {
        tempo_bpm: Some(90.0),
        loop_samples: Some((48_000.0, 96_000.0)),
        ..Transport::playing_at(72_000.0)
    };
    processor.set_transport(Some(start));
    for n in 0..500 {
        match n {
            120 => {
                processor.set_transport(Some(Transport { recording: true, ..Transport::playing_at(-4800.0) }))
            }
            200 => {
                processor.set_transport(Some(Transport { playing: false, ..processor.transport().unwrap() }))
            }
            300 => {
                processor.set_transport(Some(Transport { playing: true, ..processor.transport().unwrap() }))
            }
            400 => processor.set_transport(None),
            _ => {}
        }
        expected.extend([processor.transport(); 480].into_iter().zip(0..480).map(|(t, i)| {
            t.map(|t| {
                (t.playing, t.recording, t.position_samples + if t.playing { f64::from(i) } else { 0.0 })
            })
        }));
        processor.process(&mut [&mut block]).unwrap();
    }
    host.deactivate().unwrap();
    drop(host);
    let take = only_take(folder.path());
    assert!(take.is_whole());
    for (index, (place, _)) in take.places().enumerate() {
        is_where_it_was_played(index, &place.unwrap(), &expected);
    }
    // The loop's return, the jump, the stop, the start, and the end of all positions.
    assert_eq!(take.places().map(|(_, segment)| segment).max(), Some(5));
    assert_eq!(take.header.first_sample.map(f64::round), Some(72_000.0 - 63.0));
    assert_eq!(take.header.tempo_bpm, Some(90.0));
}

/// Fails where a frame's place is not what the host said of that sample: playing, recording, position.
#[track_caller]
fn is_where_it_was_played(index: usize, place: &Anchor, expected: &[Option<(bool, bool, f64)>]) {
    // The first input sample of the frame: the resampler looks 63 samples ahead.
    let stream = index as f64 * 640.0 - 63.0;
    assert!((place.stream_samples - stream).abs() < 0.5, "frame {index}: {}", place.stream_samples);
    let sample = stream.max(0.0) as usize;
    let Some((playing, recording, position)) = expected[sample] else {
        assert_eq!(place.position_samples, None, "frame {index}");
        return;
    };
    let before_start = sample as f64 - stream;
    assert_eq!((place.playing, place.recording), (playing, recording), "frame {index}");
    let found = place.position_samples.unwrap();
    assert!((found - (position - before_start)).abs() <= 1.5, "frame {index}: {found} instead of {position}");
    if let Some(quarters) = place.position_quarters {
        let due = found / 48_000.0 * 90.0 / 60.0;
        assert!((quarters - due).abs() < 1e-3, "frame {index}: {quarters} quarter notes instead of {due}");
    }
}

#[test]
fn record_can_be_punched_in_and_out_to_the_frame() {
    let folder = tempfile::tempdir().unwrap();
    let speech = speech_48k();
    let mut host = recording(48_000.0, 1, folder.path(), &[]);
    host.processor().unwrap().set_param("Record tokens", 0.0, 0).unwrap();
    let mut all =
        sacodec_engine::TokenEncoder::new(&sacodec_codec::CodecModel::embedded().unwrap(), 48_000.0).unwrap();
    let mut tokens = Vec::new();
    all.push(&speech[..192_000], &mut |frame| tokens.push(frame.unwrap())).unwrap();
    let processor = host.processor().unwrap();
    for (n, block) in speech[..192_000].as_chunks::<480>().0.iter().enumerate() {
        match n {
            // At 48 000 samples and at 96 000: frames 75 up to 150.
            100 => processor.set_param("Record tokens", 1.0, 0).unwrap(),
            200 => processor.set_param("Record tokens", 0.0, 0).unwrap(),
            _ => {}
        }
        processor.process(&mut [&mut block.to_owned()]).unwrap();
    }
    // It is closed while the host plays on.
    wait_for_takes(folder.path(), 1);
    let take = only_take(folder.path());
    assert_eq!((take.frames(), take.header.stream_frame), (75, Some(75)));
    assert_eq!(take.footer.as_ref().unwrap().length_samples, Some(48_000));
    assert_eq!(take.footer.as_ref().unwrap().closed, "record off");
    for (index, frame) in take.iter().enumerate() {
        assert_eq!(frame.unwrap(), [tokens[75 + index]], "frame {index}");
    }
}

#[test]
fn a_recording_shorter_than_the_latency_is_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = recording(48_000.0, 1, folder.path(), &[]);
    let processor = host.processor().unwrap();
    for (length, armed) in [(1000, 1.0), (600, 0.0)] {
        processor.set_param("Record tokens", armed, 0).unwrap();
        processor.process(&mut [&mut vec![0.1; length]]).unwrap();
    }
    drop(host);
    let take = only_take(folder.path());
    let footer = take.footer.as_ref().unwrap();
    assert_eq!((take.frames(), footer.length_samples, footer.closed.as_str()), (2, Some(1000), "record off"));
}

#[test]
fn a_take_ends_when_the_transport_stops_if_it_is_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = recording(48_000.0, 1, folder.path(), &[]);
    host.set_param("Record while", 1.0).unwrap();
    let mut block = [0.1; 480];
    let processor = host.processor().unwrap();
    for n in 0..400 {
        let playing = (100..200).contains(&n) || (300..350).contains(&n);
        if n % 50 == 0 {
            processor
                .set_transport(Some(Transport { playing, ..Transport::playing_at(f64::from(n) * 480.0) }));
        }
        processor.process(&mut [&mut block]).unwrap();
    }
    drop(host);
    let takes: Vec<_> = files(folder.path(), "sac").iter().map(|f| Take::open(f).unwrap()).collect();
    let frames: Vec<_> = takes.iter().map(Take::frames).collect();
    // 48 000 samples; 24 000 from sample 144 000, which is frame 225: 37.5 frames.
    assert_eq!(frames, [75, 38]);
    assert!(takes.iter().all(|t| t.footer.as_ref().unwrap().closed == "transport stopped"));
}

#[test]
fn resets_inside_a_take_are_kept_and_decode_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let speech = speech_48k();
    let mut host = recording(48_000.0, 1, folder.path(), &["wav"]);
    let latency = host.latency_samples() as usize;
    let (mut heard, mut audio) = (Vec::new(), Vec::new());
    for length in [30_001, 500, 47_123] {
        // What comes out after so many samples, with silence after them as after a reset.
        let part = speech[60_000 + audio.len()..][..length].to_vec();
        heard.extend(host.render(std::slice::from_ref(&part), std::iter::repeat(480)).unwrap().remove(0));
        audio.extend(part);
        host.processor().unwrap().reset();
    }
    drop(host);
    exports_are_there(folder.path(), &["wav"]);
    let take = only_take(folder.path());
    assert!(take.is_whole());
    assert_eq!(take.anchors.iter().filter(|a| a.codec_reset).count(), 3);
    assert_eq!(take.footer.as_ref().unwrap().length_samples, Some(77_624));
    let (decoded, _) = read_wav(&files(folder.path(), "wav")[0]);
    assert_eq!(decoded.len(), audio.len());
    let starts = [0, 30_001, 30_501, 77_624];
    for part in starts.windows(2) {
        let played = part[1] - part[0];
        if played > latency {
            let of = |signal: &[f32], from: usize| signal[from..][..played - latency].to_vec();
            assert_same(&of(&decoded, part[0]), &of(&heard, part[0] + latency), 1e-4, "after a reset");
        }
    }
    let wav = folder.path().join("audio.wav");
    write_wav(&wav, 48_000, &[audio]);
    run(&["verify", files(folder.path(), "sac")[0].to_str().unwrap(), wav.to_str().unwrap()]);
}

#[test]
fn another_sample_rate_begins_another_take() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = recording(48_000.0, 1, folder.path(), &[]);
    host.render(&[noise(1, 48_000, 0.2)], std::iter::repeat(480)).unwrap();
    host.activate(44_100.0, 1, 512, 1).unwrap();
    host.render(&[noise(2, 44_100, 0.2)], std::iter::repeat(512)).unwrap();
    drop(host);
    let takes: Vec<_> = files(folder.path(), "sac").iter().map(|f| Take::open(f).unwrap()).collect();
    let found: Vec<_> = takes.iter().map(|t| (t.header.host_rate_hz, t.frames(), t.is_whole())).collect();
    assert_eq!(found, [(48_000.0, 75, true), (44_100.0, 75, true)]);
}

#[test]
fn another_pack_begins_another_take_and_no_frame_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let pack = other_pack();
    let mut host = recording(48_000.0, 1, folder.path(), &[]);
    let audio = noise(1, 4800, 0.2);
    let mut blocks = 0;
    host.render(std::slice::from_ref(&audio), [480; 10]).unwrap();
    let state = host.save_state().unwrap();
    host.load_state(&with_field(&state, "pack", &serde_json::json!(pack.path()))).unwrap();
    let start = Instant::now();
    while files(folder.path(), "sac").is_empty() {
        host.render(std::slice::from_ref(&audio), [480; 10]).unwrap();
        blocks += 1;
        assert!(start.elapsed() < Duration::from_secs(60), "the pack never came");
    }
    host.render(std::slice::from_ref(&audio), [480; 10]).unwrap();
    drop(host);
    let takes: Vec<_> = files(folder.path(), "sac").iter().map(|f| Take::open(f).unwrap()).collect();
    assert_eq!(takes.len(), 2);
    assert_eq!(takes[1].header.pack.version, "99.0");
    assert_ne!(takes[0].header.pack.version, "99.0");
    assert_eq!(takes[0].footer.as_ref().unwrap().closed, "model pack changed");
    let frames: u32 = takes.iter().map(Take::frames).sum();
    assert_eq!(frames, ((blocks + 2) * 4800_u32).div_ceil(640), "frames of both takes");
    let first = takes[1].anchors[0];
    assert!(first.codec_reset && takes[1].header.stream_frame == Some(0));
}

#[test]
fn changing_between_mono_and_dual_begins_a_take_of_so_many_channels() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = recording(48_000.0, 2, folder.path(), &[]);
    for mode in [0.0, 3.0, 1.0] {
        host.set_param("Channels", mode).unwrap();
        host.render(&[noise(1, 32_000, 0.2), noise(2, 32_000, 0.2)], std::iter::repeat(480)).unwrap();
    }
    drop(host);
    let takes: Vec<_> = files(folder.path(), "sac").iter().map(|f| Take::open(f).unwrap()).collect();
    let channels: Vec<_> = takes.iter().map(|t| t.header.channels).collect();
    assert_eq!(channels, [1, 2, 1]);
    assert_eq!(takes.iter().map(Take::frames).sum::<u32>(), 150);
}

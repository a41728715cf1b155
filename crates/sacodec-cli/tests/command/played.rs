//! A take in place of the input, on the command line.

use std::path::Path;

use sacodec_take::Take;
use sacodec_testing::{assert_same, noise, read_wav, speech_24k, write_wav};
use serde_json::Value;

use super::takes::{lines, run};

/// A folder with a voice, its take, its roundtrip, and a noise as long as it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let voice = speech_24k();
    write_wav(&folder.path().join("noise.wav"), 24_000, &[noise(3, voice.len(), 0.2)]);
    write_wav(&folder.path().join("voice.wav"), 24_000, &[voice]);
    run(folder.path(), &["encode", "voice.wav"], 0);
    run(folder.path(), &["roundtrip", "voice.wav", "coded.wav"], 0);
    folder
}

fn played(folder: &Path, arguments: &[&str]) -> (Value, Vec<f32>) {
    let line = [&["roundtrip", "noise.wav", "out.wav", "--overwrite", "--json"], arguments].concat();
    let report = lines(&run(folder, &line, 0)).remove(0);
    (report, read_wav(&folder.join("out.wav")).0)
}

fn tokens(report: &Value, stream: &str) -> Vec<u64> {
    report[stream].as_array().unwrap().iter().map(|token| token.as_u64().unwrap()).collect()
}

#[test]
fn a_take_in_place_of_a_noise_is_its_voice() {
    let folder = folder();
    let coded = read_wav(&folder.path().join("coded.wav")).0;
    let (report, heard) = played(folder.path(), &["--play", "voice.sac"]);
    assert_eq!(report["played_frames"], report["frames"]);
    // The end of the last frames is brought out by what follows the file.
    let whole = coded.len() - 1000;
    assert_same(&heard[..whole], &coded[..whole], 0.0, "the take");
    let (shifted, late) = played(folder.path(), &["--play", "voice.sac", "--shift", "75"]);
    assert_eq!(shifted["played_frames"].as_u64().unwrap() + 75, report["frames"].as_u64().unwrap());
    assert_same(&late[24_000..whole], &coded[..whole - 24_000], 0.0, "a second later");
    let (_, early) = played(folder.path(), &["--play", "voice.sac", "--shift", "-75"]);
    assert_ne!(early[..24_000], heard[..24_000], "a second sooner");
}

#[test]
fn one_stream_of_a_take_is_swapped_for_that_of_the_input() {
    let folder = folder();
    let (noise, _) = played(folder.path(), &[]);
    let take = Take::open(&folder.path().join("voice.sac")).unwrap();
    let of_take: Vec<_> = take.iter().map(|frame| frame.unwrap()[0]).collect();
    for (stream, other) in [("semantic", "acoustic"), ("acoustic", "semantic")] {
        let (report, _) = played(folder.path(), &["--play", "voice.sac", "--played", stream]);
        let expected: Vec<u64> = of_take
            .iter()
            .map(|tokens| if stream == "semantic" { tokens.semantic } else { tokens.acoustic }.into())
            .collect();
        assert_eq!(tokens(&report, stream), expected, "{stream} is of the take");
        assert_eq!(tokens(&report, other), tokens(&noise, other), "{other} is of the input");
    }
}

#[test]
fn each_channel_plays_its_own_of_a_take() {
    let folder = folder();
    let voice = speech_24k();
    let right: Vec<f32> = voice.iter().rev().copied().collect();
    write_wav(&folder.path().join("stereo.wav"), 24_000, &[voice.clone(), right]);
    let silence = vec![0.0; voice.len()];
    write_wav(&folder.path().join("silence.wav"), 24_000, &[silence.clone(), silence]);
    run(folder.path(), &["encode", "stereo.wav"], 0);
    let line = ["roundtrip", "silence.wav", "played.wav", "--play", "stereo.sac", "--json"];
    let report = lines(&run(folder.path(), &line, 0)).remove(0);
    let take = Take::open(&folder.path().join("stereo.sac")).unwrap();
    for (channel, report) in [&report, &report["more_channels"][0]].into_iter().enumerate() {
        let expected: Vec<u64> = take.iter().map(|frame| frame.unwrap()[channel].semantic.into()).collect();
        assert_eq!(tokens(report, "semantic"), expected, "channel {channel}");
    }
}

#[test]
fn a_take_that_cannot_be_heard_is_said() {
    let folder = folder();
    let told = |arguments: &[&str], code| {
        let line = [&["roundtrip", "noise.wav", "out.wav", "--overwrite"], arguments].concat();
        String::from_utf8(run(folder.path(), &line, code).stderr).unwrap()
    };
    std::fs::remove_file(folder.path().join("out.wav")).ok();
    let late = told(&["--play", "voice.sac", "--shift", "7500"], 1);
    assert!(late.contains("it is from 100.00 to ") && late.contains("give --shift 0"), "{late}");
    assert!(!folder.path().join("out.wav").exists(), "nothing is written");
    let whole = std::fs::read(folder.path().join("voice.sac")).unwrap();
    std::fs::write(folder.path().join("cut.sac"), &whole[..whole.len() / 2]).unwrap();
    let cut = told(&["--play", "cut.sac"], 3);
    assert!(cut.contains("cut.sac: it is unfinished"), "{cut}");
    assert!(told(&["--play", "voice.sac", "--shift", "1s"], 2).contains("75 are a second"));
    assert!(told(&["--conceal", "repeat"], 2).contains("give --loss, --trace or --play"));
    told(&["--play", "voice.sac", "--conceal", "repeat"], 0);
    assert!(told(&["--play", "gone.sac"], 1).contains("gone.sac"));
    let mut take = Take::open(&folder.path().join("voice.sac")).unwrap();
    take.header.pack.sha256 = "0".repeat(64);
    std::fs::write(folder.path().join("other.sac"), take.repaired().unwrap()).unwrap();
    let other = told(&["--play", "other.sac"], 1);
    assert!(other.contains("other.sac cannot be played: the take was coded with the pack"), "{other}");
    let alone = told(&["--shift", "3"], 2);
    assert!(alone.contains("--play"), "{alone}");
}

//! The `sacodec` command as a user runs it: lengths, alignment, error lines, exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sacodec_take::Take;
use sacodec_testing::{read_wav, speech_48k, write_noise, write_wav};

fn sacodec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sacodec")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn output_is_as_long_as_the_input_and_difference_completes_it() {
    let folder = tempfile::tempdir().unwrap();
    let [input, coded, difference]: [PathBuf; 3] =
        ["in.wav", "coded.wav", "difference.wav"].map(|name| folder.path().join(name));
    for (rate_hz, channels, length) in
        [(8000, 1, 1), (11_025, 2, 5000), (44_100, 1, 22_051), (96_000, 3, 9_999)]
    {
        write_noise(&input, rate_hz, channels, length, rate_hz);
        let paths = [text(&input), text(&coded), "--difference", text(&difference)];
        let run = sacodec(&[&["roundtrip"], &paths[..], &["--json", "--overwrite"]].concat());
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(report["length_samples"], length);
        assert_eq!(report["coded_channels"], channels);
        let frames = (length as f64 / f64::from(rate_hz) * 75.0).ceil() as usize;
        assert_eq!(report["semantic"].as_array().unwrap().len(), frames, "{rate_hz} Hz");
        let [(input, _), (coded, coded_hz), (difference, _)] =
            [&input, &coded, &difference].map(|p| read_wav(p));
        assert_eq!((coded.len(), coded_hz), (length, rate_hz), "{channels} channels at {rate_hz} Hz");
        for ((i, c), d) in input.iter().zip(&coded).zip(&difference) {
            assert!((i - c - d).abs() < 1e-6, "input - difference is not coded at {rate_hz} Hz");
        }
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "something is left over: {names:?}");
}

#[test]
fn every_failure_is_one_line_that_names_the_file_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_noise(&path("good.wav"), 16_000, 1, 4000, 1);
    std::fs::write(path("mine.wav"), "mine").unwrap();
    std::fs::write(path("empty.wav"), []).unwrap();
    std::fs::write(path("text.wav"), "not audio").unwrap();
    let good = std::fs::read(path("good.wav")).unwrap();
    std::fs::write(path("cut.wav"), &good[..30]).unwrap();
    std::fs::create_dir(path("folder.wav")).unwrap();
    let cases = [
        ("missing.wav", "out.wav"),
        ("empty.wav", "out.wav"),
        ("text.wav", "out.wav"),
        ("cut.wav", "out.wav"),
        ("folder.wav", "out.wav"),
        ("good.wav", "good.wav"),
        ("good.wav", "folder.wav"),
        ("good.wav", "mine.wav"),
        ("good.wav", "no/such/folder/out.wav"),
    ];
    for (input, output) in cases {
        let run = sacodec(&["roundtrip", text(&path(input)), text(&path(output))]);
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        let code = if input == "folder.wav" || input == output { 2 } else { 1 };
        assert_eq!(run.status.code(), Some(code), "{input} → {output}: {said}");
        assert_eq!(said.lines().count(), 1, "{input} → {output}: {said}");
        assert!(said.starts_with("sacodec: ") && said.contains(".wav"), "{input} → {output}: {said}");
        assert!(!path("out.wav").exists(), "{input} left an output");
    }
    let difference = ["--difference", text(&path("mine.wav"))].map(str::to_owned);
    let paths = [path("good.wav"), path("out.wav")].map(|p| text(&p).to_owned());
    let line: Vec<_> = ["roundtrip".to_owned()].into_iter().chain(paths).chain(difference).collect();
    let run = sacodec(&line.iter().map(String::as_str).collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.code() == Some(1) && said.contains("mine.wav is there already"), "{said}");
    assert_eq!(std::fs::read(path("good.wav")).unwrap(), good, "the input was touched");
    assert!(path("folder.wav").is_dir());
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(std::fs::read(path("mine.wav")).unwrap(), b"mine");
    assert_eq!(left, 6, "something is left over");
}

/// The plugin's tokens are compared with those of `encode` in `tests/plugin/takes.rs`.
#[test]
fn a_wav_is_not_written_under_the_name_of_another_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    write_noise(Path::new(&path("voice.wav")), 16_000, 1, 4000, 1);
    let (voice, flac, bare, wav) = (path("voice.wav"), path("coded.flac"), path("coded"), path("coded.WAV"));
    for names in [&[&flac[..]][..], &[&bare], &[&wav, "--difference", &flac]] {
        let run = sacodec(&[&["roundtrip", &voice], names].concat());
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.code() == Some(2) && said.contains("ends in .wav"), "{names:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    for _ in 0..2 {
        sacodec(&["roundtrip", &voice, &wav]);
    }
    let said = String::from_utf8_lossy(&sacodec(&["roundtrip", &voice, &wav]).stderr).into_owned();
    assert!(said.contains("coded.WAV is there already") && !said.contains("--skip-existing"), "{said}");
}

#[test]
fn roundtrip_gives_the_tokens_of_encode_whatever_the_channels_hold() {
    let folder = tempfile::tempdir().unwrap();
    let [input, coded, take, difference] =
        ["in.wav", "coded.wav", "in.sac", "difference.wav"].map(|name| folder.path().join(name));
    let speech = speech_48k();
    let mut audio: Vec<Vec<f32>> = (0..3).map(|c| speech[40_000 + 9000 * c..][..96_000].to_vec()).collect();
    let wrong = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE / 2.0, 1e30];
    for (i, sample) in audio[1].iter_mut().enumerate().skip(100).step_by(997) {
        *sample = wrong[i % wrong.len()];
    }
    let nonfinite = audio[1].iter().filter(|sample| !sample.is_finite()).count();
    write_wav(&input, 48_000, &audio);
    for (channels, streams) in [("sum", 1), ("left", 1), ("right", 1), ("each", 3)] {
        let report = |arguments: &[&str]| -> serde_json::Value {
            let run = sacodec(&[arguments, &["--channels", channels, "--json", "--overwrite"]].concat());
            assert!(run.status.success(), "{channels}: {}", String::from_utf8_lossy(&run.stderr));
            serde_json::from_slice(&run.stdout).unwrap()
        };
        let paths = [text(&input), text(&coded), "--difference", text(&difference)];
        let roundtrip = report(&[&["roundtrip"], &paths[..]].concat());
        let encode = report(&["encode", text(&input), text(&take)]);
        assert_eq!(roundtrip["nonfinite_samples"], nonfinite, "{channels}");
        assert_eq!(encode["nonfinite_samples"], nonfinite, "{channels}");
        let take = Take::open(&take).unwrap();
        assert_eq!((take.frames(), take.header.channels), (150, streams), "{channels}");
        let further = roundtrip["more_channels"].as_array().unwrap();
        for (channel, tokens) in std::iter::once(&roundtrip).chain(further).enumerate() {
            let of = |stream: &str| tokens[stream].as_array().unwrap().clone();
            let (semantic, acoustic) = (of("semantic"), of("acoustic"));
            let equal = take.iter().enumerate().filter(|(i, frame)| {
                let found = frame.unwrap()[channel];
                semantic[*i] == found.semantic && acoustic[*i] == found.acoustic
            });
            assert_eq!(equal.count(), 150, "{channels}, stream {channel}: frames with equal tokens");
        }
        assert!(read_wav(&difference).0.iter().all(|sample| sample.is_finite()), "{channels}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_2_and_a_wrong_pack_with_1() {
    assert_eq!(sacodec(&["nonsense"]).status.code(), Some(2));
    let lines: [&[&str]; 9] = [
        &["bench", "--seconds", "0"],
        &["info", "--rate", "44.1"],
        &["compare", "one.sac"],
        &["convert", "a.sac", "--to", "npy,csv", "--output", "-"],
        &["moments", "a.wav", "--overwrite"],
        &["encode", "a.wav", "--report", "-"],
        &["encode", "a.wav", "b.mp3"],
        &["info", "--report", "run.jsonl"],
        &["dataset", "takes", "--to", "npz", "--output", "-"],
    ];
    for line in lines {
        let run = sacodec(line);
        assert_eq!(run.status.code(), Some(2), "{line:?}: {}", String::from_utf8_lossy(&run.stderr));
    }
    let run = sacodec(&["info", "--pack", "/no/such/pack"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("/no/such/pack is not a folder"));
    let empty = tempfile::tempdir().unwrap();
    let run = sacodec(&["info", "--pack", empty.path().to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("holds no manifest.json"));
}

#[test]
fn a_folder_is_no_file_and_is_told_what_codes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (name, output) = (folder.path().to_str().unwrap(), folder.path().join("out.wav"));
    let run = sacodec(&["roundtrip", name, output.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.code() == Some(2) && said.contains(&format!("sacodec encode {name}")), "{said}");
    assert!(!output.exists());
}

#[test]
fn info_tells_the_pack_and_its_latency() {
    let run = sacodec(&["info", "--rate", "48000", "--json"]);
    let info: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(info["bitrate_bps"], 1500.0);
    assert_eq!(info["frame_rate_hz"], 75.0);
    let [spread, burst] = ["spread", "burst"].map(|s| info["latency_samples"][s].as_u64().unwrap());
    assert!(spread > burst && burst > 640, "Spread {spread}, Burst {burst}");
}

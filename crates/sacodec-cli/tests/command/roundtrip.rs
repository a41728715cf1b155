//! The `sacodec` command as a user runs it: lengths, alignment, error lines, exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sacodec_testing::{noise, read_wav};

fn sacodec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sacodec")).args(arguments).output().unwrap()
}

/// Half a second of noise in every channel, 16 bit.
fn write_wav(path: &Path, rate_hz: u32, channels: u16, length: usize) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for sample in noise(rate_hz, length * usize::from(channels), 8000.0) {
        wav.write_sample(sample as i16).unwrap();
    }
    wav.finalize().unwrap();
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
        write_wav(&input, rate_hz, channels, length);
        let run =
            sacodec(&["roundtrip", text(&input), text(&coded), "--difference", text(&difference), "--json"]);
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
    assert_eq!(names.len(), 3, "something was left behind: {names:?}");
}

#[test]
fn every_failure_is_one_line_that_names_the_file_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_wav(&path("good.wav"), 16_000, 1, 4000);
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
        ("good.wav", "no/such/folder/out.wav"),
    ];
    for (input, output) in cases {
        let run = sacodec(&["roundtrip", text(&path(input)), text(&path(output))]);
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{input} → {output}: {said}");
        assert_eq!(said.lines().count(), 1, "{input} → {output}: {said}");
        assert!(said.starts_with("sacodec: ") && said.contains(".wav"), "{input} → {output}: {said}");
        assert!(!path("out.wav").exists(), "{input} left an output");
    }
    assert_eq!(std::fs::read(path("good.wav")).unwrap(), good, "the input was touched");
    assert!(path("folder.wav").is_dir());
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 5, "something was left behind");
}

#[test]
fn a_wrong_command_line_exits_with_2_and_a_wrong_pack_with_1() {
    assert_eq!(sacodec(&["nonsense"]).status.code(), Some(2));
    assert_eq!(sacodec(&["bench", "--seconds", "0"]).status.code(), Some(2));
    let run = sacodec(&["info", "--pack", "/no/such/pack"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("/no/such/pack is no folder"));
    let empty = tempfile::tempdir().unwrap();
    let run = sacodec(&["info", "--pack", empty.path().to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("holds no manifest.json"));
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

//! Audio at a level that no codec was made for: coded, and told.

use std::path::Path;

use sacodec_take::Take;
use sacodec_testing::{data, read_wav, write_wav};

use super::takes::{lines, run};

/// The clip times each of these, as a file of its own.
fn clips(folder: &Path, gains: &[(&str, f32)]) {
    let (samples, rate_hz) = read_wav(&data("speech_24k.wav"));
    let loudest = samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
    for (name, peak) in gains {
        let scaled = samples.iter().map(|sample| sample / loudest * peak).collect();
        write_wav(&folder.join(name), rate_hz, &[scaled]);
    }
}

const CLIPS: [(&str, f32); 4] =
    [("scaled.wav", 32_768.0), ("loud.wav", 2.0), ("soft.wav", 1e-4), ("silent.wav", 0.0)];
const NOTES: [&str; 4] = [
    "the audio's peak is 90.3 dB above full scale; are these whole numbers that were stored as floats?",
    "the audio's peak is 6.0 dB above full scale",
    "the peak of the audio is 80.0 dB below full scale, too low for speech",
    "the audio is silent",
];

#[test]
fn encode_tells_it_and_the_take_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    clips(folder.path(), &CLIPS);
    clips(folder.path(), &[("right.wav", 0.5)]);
    for ((name, peak), note) in CLIPS.iter().zip(NOTES) {
        let take = Path::new(name).with_extension("sac");
        let report = lines(&run(folder.path(), &["encode", name, "--json"], 0)).remove(0);
        let expected_db = (*peak > 0.0).then(|| 20.0 * f64::from(*peak).log10());
        let peak_db = report["peak_db"].as_f64();
        assert_eq!(peak_db.is_some(), expected_db.is_some(), "{name}: {report}");
        assert!((peak_db.unwrap_or(0.0) - expected_db.unwrap_or(0.0)).abs() < 0.01, "{name}: {report}");
        let notes = Take::open(&folder.path().join(take)).unwrap().footer.unwrap().notes;
        assert_eq!(notes, [note], "{name}");
        let said = run(folder.path(), &["encode", name, "--overwrite"], 0).stdout;
        assert!(String::from_utf8_lossy(&said).contains(note), "{name}: {}", String::from_utf8_lossy(&said));
    }
    let said = run(folder.path(), &["encode", "right.wav"], 0).stdout;
    assert!(!String::from_utf8_lossy(&said).contains(';'), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn roundtrip_and_moments_tell_it_too() {
    let folder = tempfile::tempdir().unwrap();
    clips(folder.path(), &CLIPS[..1]);
    let output = run(folder.path(), &["roundtrip", "scaled.wav", "coded.wav", "--json"], 0);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("scaled.wav") && said.contains(NOTES[0]), "{said}");
    assert!((lines(&output)[0]["peak_db"].as_f64().unwrap() - 90.3).abs() < 0.1);
    let said = run(folder.path(), &["moments", "scaled.wav"], 0).stdout;
    assert!(String::from_utf8_lossy(&said).contains(NOTES[0]), "{}", String::from_utf8_lossy(&said));
}

//! `--salvage`: what is left of damaged audio, each frame in its place.

use std::fs;
use std::path::Path;

use sacodec_take::{GapReason, Take};
use sacodec_testing::flac::FlacFile;
use sacodec_testing::{data, write_noise};

use super::takes::{command, lines, run};

fn take(folder: &Path, name: &str) -> Take {
    Take::open(&folder.join(name)).unwrap()
}

/// Indices of the frames that are missing.
fn missing(take: &Take) -> Vec<usize> {
    take.iter().enumerate().filter(|(_, frame)| frame.is_none()).map(|(index, _)| index).collect()
}

/// Frames that hold any of these samples, at 24 kHz.
fn frames_of(samples: std::ops::Range<usize>, take: &Take) -> Vec<usize> {
    let begin = take.anchors[0].stream_samples;
    let holds = |&index: &usize| {
        let first = begin + index as f64 * 320.0;
        first < samples.end as f64 && first + 320.0 > samples.start as f64
    };
    (0..take.frames() as usize).filter(holds).collect()
}

#[test]
fn a_damaged_flac_frame_is_a_gap_of_its_true_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let sound = fs::read(data("speech_24k.flac")).unwrap();
    fs::write(path("sound.flac"), &sound).unwrap();
    run(folder.path(), &["encode", "sound.flac"], 0);
    run(folder.path(), &["encode", "sound.flac", "same.sac", "--salvage"], 0);
    assert_eq!(fs::read(path("sound.sac")).unwrap(), fs::read(path("same.sac")).unwrap());
    let whole = take(folder.path(), "sound.sac");
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 4;
    fs::write(path("flipped.flac"), flipped).unwrap();
    let report = lines(&run(folder.path(), &["encode", "flipped.flac", "--salvage", "--json"], 3)).remove(0);
    let salvaged = take(folder.path(), "flipped.sac");
    let lost = missing(&salvaged);
    // libFLAC's frames have 4096 samples.
    let block = (lost[1] * 320).div_ceil(4096) * 4096;
    let block = if frames_of(block - 4096..block, &whole).contains(&lost[0]) { block - 4096 } else { block };
    assert_eq!(lost, frames_of(block..block + 4096, &whole), "one frame of FLAC");
    assert_eq!(salvaged.frames(), whole.frames());
    assert!(salvaged.gaps.iter().all(|gap| gap.reason == GapReason::Damage) && salvaged.gaps.len() == 1);
    let notes = &salvaged.footer.as_ref().unwrap().notes;
    assert!(
        notes.iter().any(|note| note.starts_with("4096 samples are missing in the source from")),
        "{notes:?}"
    );
    assert_eq!(salvaged.footer.as_ref().unwrap().length_samples, Some(48_000));
    assert_eq!(report["failed_frames"].as_u64(), Some(lost.len() as u64));
    let equal = |range: std::ops::Range<usize>| {
        salvaged.iter().zip(whole.iter()).skip(range.start).take(range.len()).filter(|(a, b)| a == b).count()
    };
    let before = lost[0] - 2;
    assert_eq!(equal(0..before), before, "frames before the gap");
    assert!(equal(110..150) > 35, "frames long after the gap: {}", equal(110..150));
    run(folder.path(), &["verify", "flipped.sac", "flipped.flac"], 1);
    let verified =
        lines(&run(folder.path(), &["verify", "flipped.sac", "flipped.flac", "--salvage", "--json"], 3));
    assert_eq!(
        (&verified[0]["semantic_percent"], &verified[0]["acoustic_percent"]),
        (&100.0.into(), &100.0.into())
    );
    // It is done only for whoever salvages.
    run(folder.path(), &["encode", "flipped.flac", "--salvage", "--skip-existing"], 0);
    let said = run(folder.path(), &["encode", "flipped.flac", "--skip-existing"], 1).stderr;
    assert!(String::from_utf8_lossy(&said).contains("coded from damaged audio"), "{said:?}");
}

#[test]
fn what_is_cut_has_a_gap_up_to_the_length_that_its_header_tells() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let sound = fs::read(data("speech_24k.flac")).unwrap();
    fs::write(path("a.flac"), &sound[..sound.len() * 3 / 4]).unwrap();
    write_noise(&path("b.wav"), 24_000, 2, 48_000, 1);
    let wav = fs::read(path("b.wav")).unwrap();
    fs::write(path("b.wav"), &wav[..44 + 4 * 30_000 + 3]).unwrap();
    for name in ["a.flac", "b.wav"] {
        run(folder.path(), &["encode", name], 1);
        run(folder.path(), &["encode", name, "--salvage"], 3);
        let salvaged = take(folder.path(), &name.replace("flac", "sac").replace("wav", "sac"));
        let lost = missing(&salvaged);
        assert_eq!(salvaged.footer.as_ref().unwrap().length_samples, Some(48_000), "{name}");
        assert!(salvaged.frames() >= 150 && lost.len() > 30, "{name}: {lost:?}");
        assert!(lost.windows(2).all(|pair| pair[1] == pair[0] + 1), "{name}: one gap");
        if name == "b.wav" {
            assert_eq!(lost, frames_of(30_000..48_000, &salvaged));
        }
    }
    // From a pipe as from a file.
    let input = fs::File::open(path("b.wav")).unwrap();
    let status =
        command(folder.path(), &["encode", "-", "piped.sac", "--salvage"]).stdin(input).status().unwrap();
    assert_eq!(status.code(), Some(3));
    assert!(take(folder.path(), "piped.sac").iter().eq(take(folder.path(), "b.sac").iter()));
}

#[test]
fn damage_whose_length_nobody_knows_stays_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let samples: Vec<i32> = sacodec_testing::noise(1, 3000, 9000.0).into_iter().map(|s| s as i32).collect();
    let file = FlacFile::new(16_000, 16, vec![samples]);
    let unknown = file.clone().of_unknown_length().bytes();
    let hours = FlacFile { total_samples: 1 << 34, ..file.clone() };
    let other = FlacFile { md5: [1; 16], ..file.clone() };
    let fewer = FlacFile { total_samples: 2000, ..file };
    let cases = [
        ("cut.flac", unknown[..unknown.len() - 20].to_vec()),
        ("hours.flac", hours.bytes()),
        ("md5.flac", other.bytes()),
        ("fewer.flac", fewer.bytes()),
    ];
    for (name, bytes) in cases {
        fs::write(path(name), bytes).unwrap();
        run(folder.path(), &["encode", name, "--salvage"], 1);
    }
}

//! A lossy network on the command line.

use std::path::Path;

use sacodec_take::{GapReason, Take};
use sacodec_testing::{assert_same, read_wav, speech_24k, write_wav};
use serde_json::Value;

use super::takes::{lines, run};

const LOSS: [&str; 6] = ["--loss", "10%", "--burst", "3", "--seed", "7"];

/// A folder with a voice.
fn voice() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_wav(&folder.path().join("voice.wav"), 24_000, &[speech_24k()]);
    folder
}

fn lost_frames(folder: &Path, arguments: &[&str]) -> Vec<u64> {
    let line = [&["roundtrip", "voice.wav", "out.wav", "--overwrite", "--json"], arguments].concat();
    let report = lines(&run(folder, &line, 0)).remove(0);
    report["lost_frames"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
}

#[test]
fn the_same_seed_loses_the_same_frames_and_none_are_lost_unasked() {
    let folder = voice();
    let lost = lost_frames(folder.path(), &LOSS);
    let frames = speech_24k().len() / 320;
    assert!((1..frames / 3).contains(&lost.len()), "{} of {frames}", lost.len());
    let sound = read_wav(&folder.path().join("out.wav"));
    assert_eq!(lost_frames(folder.path(), &LOSS), lost);
    assert_eq!(read_wav(&folder.path().join("out.wav")), sound);
    assert_ne!(lost_frames(folder.path(), &[&LOSS[..4], &["--seed", "8"]].concat()), lost);
    assert!(lost_frames(folder.path(), &[]).is_empty());
}

#[test]
fn a_take_with_gaps_sounds_as_a_roundtrip_that_loses_the_same() {
    let folder = voice();
    let at = |name: &str| folder.path().join(name);
    let lost = lost_frames(folder.path(), &LOSS);
    run(folder.path(), &["encode", "voice.wav"], 0);
    run(folder.path(), &[&["lose", "voice.sac"], &LOSS[..]].concat(), 0);
    run(folder.path(), &["decode", "voice.lossy.sac", "--conceal", "-o", "concealed.wav"], 3);
    run(folder.path(), &["decode", "voice.lossy.sac", "-o", "silent.wav"], 3);

    let take = Take::open(&at("voice.lossy.sac")).unwrap();
    let missing: Vec<u64> =
        take.missing().iter().flat_map(|gap| gap.index..gap.index + gap.count).map(u64::from).collect();
    assert_eq!(missing, lost);
    assert!(take.gaps.iter().all(|gap| gap.reason == GapReason::Rehearsed));
    let footer = take.footer.unwrap();
    assert_eq!(footer.lost_frames, lost.len() as u64);
    assert!(footer.notes.iter().any(|note| note.contains("seed 7")), "{:?}", footer.notes);

    let [roundtrip, concealed, silent] =
        ["out.wav", "concealed.wav", "silent.wav"].map(|name| read_wav(&at(name)).0);
    // The last two frames are followed by what only one of them knows.
    let length = roundtrip.len() - 3 * 320;
    assert_same(&concealed[..length], &roundtrip[..length], 0.0, "concealed");
    assert!(silent[..length] != roundtrip[..length]);
}

#[test]
fn a_trace_says_what_is_lost_packet_by_packet() {
    let folder = voice();
    std::fs::write(folder.path().join("trace.txt"), "# measured\n0\n1\n0\n0\n").unwrap();
    let lost = lost_frames(folder.path(), &["--trace", "trace.txt", "--packet", "3"]);
    assert_eq!(lost[..7], [3, 4, 5, 15, 16, 17, 27], "it begins again");

    std::fs::write(folder.path().join("bad.txt"), "0\n1\nlost\n").unwrap();
    let output = run(folder.path(), &["roundtrip", "voice.wav", "no.wav", "--trace", "bad.txt"], 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("bad.txt") && said.contains("line 3"), "{said}");
    assert!(!folder.path().join("no.wav").exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = voice();
    run(folder.path(), &["encode", "voice.wav"], 0);
    for (arguments, code) in [
        (&["lose", "voice.sac"][..], 1),
        (&["lose", "voice.sac", "--burst", "3"], 2),
        (&["lose", "voice.sac", "--loss", "101%"], 2),
        (&["lose", "voice.sac", "--loss", "10%", "--packet", "9"], 2),
        (&["lose", "voice.sac", "--loss", "10%", "--burst", "0.5"], 2),
        (&["lose", "voice.sac", "--loss", "10%", "--trace", "trace.txt"], 2),
    ] {
        run(folder.path(), arguments, code);
    }
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 2, "nothing was made");
}

#[test]
fn losing_again_keeps_what_was_lost_before() {
    let folder = voice();
    run(folder.path(), &["encode", "voice.wav"], 0);
    run(folder.path(), &["lose", "voice.sac", "--loss", "20", "-o", "once.sac"], 0);
    let output = run(
        folder.path(),
        &["lose", "once.sac", "--loss", "20", "--seed", "2", "-o", "twice.sac", "--json"],
        0,
    );
    let report: Value = lines(&output).remove(0);
    let [once, twice] = ["once.sac", "twice.sac"].map(|name| Take::open(&folder.path().join(name)).unwrap());
    let more = u64::from(once.present_frames() - twice.present_frames());
    assert!(more > 0);
    assert_eq!(report["lost_frames"], more);
}

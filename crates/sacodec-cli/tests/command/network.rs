//! A lossy network on the command line.

use std::path::Path;

use sacodec_take::{Anchor, GapReason, Header, Take, TakeSerializer};
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
fn a_roundtrip_tells_people_how_many_frames_were_lost() {
    let folder = voice();
    let told = |arguments: &[&str]| {
        let line = [&["roundtrip", "voice.wav", "out.wav", "--overwrite"], arguments].concat();
        String::from_utf8(run(folder.path(), &line, 0).stdout).unwrap()
    };
    let lost = lost_frames(folder.path(), &LOSS).len();
    assert!(told(&LOSS).contains(&format!("frames, {lost} lost, ")), "{lost}: {}", told(&LOSS));
    // Not those of the silence that pushes the end out.
    let frames = speech_24k().len().div_ceil(320);
    let all = told(&["--loss", "100%"]);
    assert!(all.contains(&format!("{frames} frames, {frames} lost, ")), "{all}");
    assert!(!told(&[]).contains("lost"));
}

#[test]
fn a_voice_without_its_acoustic_stream_is_the_semantic_stream() {
    let folder = voice();
    let lossy = ["--loss", "100%", "--lossy", "acoustic"];
    run(folder.path(), &[&["roundtrip", "voice.wav", "lossy.wav"], &lossy[..]].concat(), 0);
    run(folder.path(), &["roundtrip", "voice.wav", "semantic.wav", "--streams", "semantic"], 0);
    let [lossy, semantic] = ["lossy.wav", "semantic.wav"].map(|name| read_wav(&folder.path().join(name)).0);
    assert_same(&lossy, &semantic, 0.0, "without the acoustic stream");
    assert!(semantic.iter().any(|sample| sample.abs() > 0.01));
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
    std::fs::write(folder.path().join("trace.txt"), "01").unwrap();
    let (lose, roundtrip) = (&["lose", "voice.sac"][..], &["roundtrip", "voice.wav", "out.wav"][..]);
    for (command, arguments) in [
        (lose, &[][..]),
        (lose, &["--packet", "2"]),
        (lose, &["--burst", "3"]),
        (lose, &["--burst", "3", "--trace", "trace.txt"]),
        (lose, &["--loss", "101%"]),
        (lose, &["--loss", "0.1"]),
        (lose, &["--loss", "10%", "--packet", "9"]),
        (lose, &["--loss", "10%", "--burst", "0.5"]),
        (lose, &["--loss", "10%", "--trace", "trace.txt"]),
        (lose, &["--seed", "2", "--trace", "trace.txt"]),
        (lose, &["--vary", "--trace", "trace.txt"]),
        (roundtrip, &["--seed", "2"]),
        (roundtrip, &["--seed", "2", "--trace", "trace.txt"]),
        (roundtrip, &["--packet", "2"]),
        (roundtrip, &["--lossy", "semantic"]),
        (roundtrip, &["--conceal", "repeat"]),
    ] {
        run(folder.path(), &[command, arguments].concat(), 2);
    }
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 3, "nothing was made");
    run(folder.path(), &[lose, &["--trace", "trace.txt", "--packet", "1"]].concat(), 0);
    run(folder.path(), &[roundtrip, &["--trace", "trace.txt", "--conceal", "repeat"]].concat(), 0);
}

#[test]
fn what_may_be_a_fraction_or_a_percentage_is_refused() {
    let folder = voice();
    for arguments in
        [&["lose", "voice.sac", "--loss", "0.1"][..], &["compare", "a", "b", "--min-percent", "0.1"]]
    {
        let said = run(folder.path(), arguments, 2).stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("write 10%") && said.contains("0.1% if"), "{said}");
    }
    run(folder.path(), &["roundtrip", "voice.wav", "out.wav", "--loss", "0.1%"], 0);
    run(folder.path(), &["roundtrip", "voice.wav", "out.wav", "--overwrite", "--loss", "0"], 0);
}

#[test]
fn a_way_to_conceal_that_is_given_like_a_take_is_told_how_to_write_it() {
    let folder = voice();
    run(folder.path(), &["encode", "voice.wav"], 0);
    for way in ["silence", "repeat", "fade"] {
        for inputs in [&["voice.sac"][..], &["voice.sac", "out.wav"]] {
            let line = [&["decode"], inputs, &["--conceal", way]].concat();
            let said = run(folder.path(), &line, 2).stderr;
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(said.contains(&format!("write --conceal={way}")), "{said}");
        }
    }
    std::fs::copy(folder.path().join("voice.sac"), folder.path().join("fade")).unwrap();
    run(folder.path(), &["decode", "voice.sac", "--conceal", "fade"], 0);
}

#[test]
fn a_lossy_take_tells_how_it_was_made() {
    let folder = voice();
    run(folder.path(), &["encode", "voice.wav"], 0);
    std::fs::write(folder.path().join("wifi.txt"), "0001").unwrap();
    for (arguments, told) in [
        (&["--loss", "15%"][..], "15 % of the packets of 2 frames, each by itself, seed 1"),
        (&["--loss", "0.7%", "--packet", "1"], "0.7 % of the packets of 1 frame, each by itself, seed 1"),
        (
            &["--loss", "15%", "--burst", "2.7", "--seed", "7"],
            "15 % of the packets of 2 frames, in bursts of 2.7 packets on average, seed 7",
        ),
        // So much loss has longer bursts.
        (
            &["--loss", "80%", "--burst", "3"],
            "80 % of the packets of 2 frames, in bursts of 5 packets on average, seed 1",
        ),
        (&["--loss", "100%", "--burst", "3"], "100 % of the packets of 2 frames, in one burst, seed 1"),
        (&["--trace", "./wifi.txt"], "packets of 2 frames as the trace wifi.txt says"),
    ] {
        run(folder.path(), &[&["lose", "voice.sac", "--overwrite"], arguments].concat(), 0);
        let notes = Take::open(&folder.path().join("voice.lossy.sac")).unwrap().footer.unwrap().notes;
        let [note] = &notes[..] else { panic!("{notes:?}") };
        let expected = format!(" frames were taken out to rehearse a lossy network: {told}");
        assert!(note.ends_with(&expected), "{note}, and not {expected}");
    }
}

#[test]
fn takes_of_a_corpus_lose_the_same_frames_unless_they_are_to_vary() {
    let folder = voice();
    let at = |name: &str| folder.path().join(name);
    run(folder.path(), &["encode", "voice.wav", "takes/a.sac"], 0);
    let a = Take::open(&at("takes/a.sac")).unwrap();
    write_take(&at("takes/b.sac"), &a, |_| true, None);
    let lose = |output: &str, arguments: &[&str]| {
        let line = ["lose", "takes", "--output", output, "--loss", "20%", "--json"];
        lines(&run(folder.path(), &[&line, arguments].concat(), 0))
    };
    let missing = |name: &str| -> Vec<_> {
        let take = Take::open(&at(name)).unwrap();
        take.missing().iter().map(|gap| (gap.index, gap.count)).collect()
    };
    lose("same/", &[]);
    assert_eq!(missing("same/a.lossy.sac"), missing("same/b.lossy.sac"));

    let seeds: Vec<_> = lose("own/", &["--vary"]).iter().map(|report| report["seed"].clone()).collect();
    assert_ne!(seeds[0], seeds[1]);
    assert_ne!(missing("own/a.lossy.sac"), missing("own/b.lossy.sac"));
    lose("own/", &["--vary", "--skip-existing"]);
    lose("other/", &["--vary", "--seed", "2"]);
    assert_ne!(missing("other/a.lossy.sac"), missing("own/a.lossy.sac"), "--seed still counts");

    // The seed that is told makes the same take of this one alone, wherever it lies.
    std::fs::rename(at("takes/a.sac"), at("moved.sac")).unwrap();
    let seed = seeds[0].to_string();
    run(folder.path(), &["lose", "moved.sac", "-o", "again.sac", "--loss", "20%", "--seed", &seed], 0);
    assert_eq!(std::fs::read(at("again.sac")).unwrap(), std::fs::read(at("own/a.lossy.sac")).unwrap());
}

#[test]
fn what_was_lost_on_purpose_is_no_problem_and_what_was_not_is() {
    let folder = voice();
    run(folder.path(), &["encode", "voice.wav"], 0);
    let lose = ["lose", "voice.sac", "--loss", "10%", "--report", "run.jsonl"];
    run(folder.path(), &lose, 0);
    run(folder.path(), &[&lose[..], &["--skip-existing"]].concat(), 0);
    run(folder.path(), &["decode", "voice.lossy.sac", "--report", "run.jsonl"], 3);
    run(folder.path(), &["check", "run.jsonl"], 0);
    let said = run(folder.path(), &["info", "voice.lossy.sac", "--report", "read.jsonl"], 3).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains("frames are missing") && !said.contains("repair"),
        "it has nothing to repair: {said}"
    );
    let said = String::from_utf8(run(folder.path(), &["check", "read.jsonl"], 3).stdout).unwrap();
    assert!(said.contains("frames are missing"), "what is only read must be whole: {said}");

    let whole = Take::open(&folder.path().join("voice.sac")).unwrap();
    write_take(&folder.path().join("damaged.sac"), &whole, |index| !(50..60).contains(&index), None);
    let lose = ["lose", "damaged.sac", "--loss", "10%", "--report", "damaged.jsonl"];
    let said = String::from_utf8(run(folder.path(), &lose, 3).stdout).unwrap();
    assert!(said.contains("before that, 10 frames are missing"), "{said}");
    let notes = Take::open(&folder.path().join("damaged.lossy.sac")).unwrap().footer.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("of the take before that: 10 frames")), "{notes:?}");
    let said = String::from_utf8(run(folder.path(), &["check", "damaged.jsonl"], 3).stdout).unwrap();
    assert!(said.contains("10 frames are missing"), "{said}");
}

#[test]
fn a_lossy_take_is_skipped_only_if_the_same_take_and_settings_make_it() {
    let folder = voice();
    let at = |name: &str| folder.path().join(name);
    run(folder.path(), &["encode", "voice.wav"], 0);
    std::fs::write(at("trace.txt"), "0001").unwrap();
    let skip = |arguments: &[&str], code| {
        let before = std::fs::read(at("voice.lossy.sac")).unwrap();
        let line = [&["lose", "voice.sac", "--skip-existing"], arguments].concat();
        let output = run(folder.path(), &line, code);
        assert_eq!(std::fs::read(at("voice.lossy.sac")).unwrap(), before, "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected =
            if code == 0 { "were there already" } else { "made of something else, or by other settings" };
        assert!(said.contains(expected), "{arguments:?}: {said}");
    };
    run(folder.path(), &["lose", "voice.sac", "--skip-existing", "--loss", "10%"], 0);
    skip(&["--loss", "10%"], 0);
    skip(&["--loss", "10%", "--seed", "2"], 1);
    skip(&["--loss", "10%", "--packet", "3"], 1);
    skip(&["--trace", "trace.txt"], 1);
    run(folder.path(), &["lose", "voice.sac", "--overwrite", "--trace", "trace.txt"], 0);
    skip(&["--trace", "trace.txt"], 0);
    std::fs::write(at("trace.txt"), "0010").unwrap();
    skip(&["--trace", "trace.txt"], 1);
    std::fs::write(at("trace.txt"), "0001").unwrap();
    let whole = Take::open(&at("voice.sac")).unwrap();
    write_take(&at("voice.sac"), &whole, |index| index != 50, None);
    skip(&["--trace", "trace.txt"], 1);
}

/// Writes the frames of a take of which `is_there`, and a fresh start of the codec at frame `reset`.
fn write_take(path: &Path, take: &Take, is_there: impl Fn(u32) -> bool, reset: Option<u32>) {
    let mut writer = TakeSerializer::new(take.header.clone()).unwrap();
    writer.anchor(take.anchors[0]);
    for (index, tokens) in (0..).zip(take.iter()) {
        if reset == Some(index) {
            let stream_samples = f64::from(index) * take.header.frame_samples();
            writer.anchor(Anchor { codec_reset: true, stream_samples, ..take.anchors[0] });
        }
        match tokens.filter(|_| is_there(index)) {
            Some(tokens) => writer.frame(tokens).unwrap(),
            None => writer.gap(1, GapReason::RingFull).unwrap(),
        }
    }
    writer.finish("test", take.footer.as_ref().unwrap().length_samples, vec![]);
    std::fs::write(path, writer.take_bytes()).unwrap();
}

#[test]
fn more_than_a_take_can_miss_is_not_taken_out() {
    let folder = voice();
    run(folder.path(), &["encode", "voice.wav"], 0);
    let take = Take::open(&folder.path().join("voice.sac")).unwrap();
    let mut writer = TakeSerializer::new(Header { stream_frame: None, ..take.header.clone() }).unwrap();
    let tokens = take.frame(0).unwrap();
    (0..270_001).for_each(|_| writer.frame(tokens).unwrap());
    writer.finish("test", None, vec![]);
    std::fs::write(folder.path().join("long.sac"), writer.take_bytes()).unwrap();
    let output = run(folder.path(), &["lose", "long.sac", "--loss", "100%"], 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("long.sac") && said.contains("270001 frames would be missing"), "{said}");
    assert!(!folder.path().join("long.lossy.sac").exists());
    run(folder.path(), &["lose", "long.sac", "--loss", "99%"], 0);
    Take::open(&folder.path().join("long.lossy.sac")).unwrap();
}

/// Where a pass ends with a frame that is missing, what comes out of the decoder after it is concealed as well.
#[test]
fn a_concealed_end_of_a_pass_is_not_cut_off() {
    // In the middle of a loud vowel.
    const RESET: u32 = 630;
    let folder = voice();
    run(folder.path(), &["encode", "voice.wav"], 0);
    let whole = Take::open(&folder.path().join("voice.sac")).unwrap();
    let decoded = |name: &str, is_there: &dyn Fn(u32) -> bool, code| {
        write_take(&folder.path().join(name), &whole, is_there, Some(RESET));
        run(folder.path(), &["decode", name, "-o", "out.wav", "--conceal=repeat", "--overwrite"], code);
        read_wav(&folder.path().join("out.wav")).0
    };
    // As a share of the loudest sample, since a held frame may be louder. Where a sound is cut off that share is large.
    let steepest = |samples: &[f32]| {
        let loudest = samples.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
        samples.windows(2).fold(0.0_f32, |steepest, pair| steepest.max((pair[1] - pair[0]).abs())) / loudest
    };
    let (usual, found) =
        (decoded("usual.sac", &|_| true, 0), decoded("found.sac", &|index| index + 1 != RESET, 3));
    // The end of the last frame comes out with the two hops before the next pass.
    let end = (RESET as usize - 3) * 320..RESET as usize * 320;
    let (usual, found) = (steepest(&usual[end.clone()]), steepest(&found[end]));
    assert!(
        found < 1.5 * usual,
        "a step of {found} of the loudest sample, and {usual} where no frame is missing"
    );
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

//! `--skip-existing` looks at what results were made of, and several results of one take are made together.

use std::fs;
use std::path::Path;

use sacodec_take::{Take, TakeSerializer};
use sacodec_testing::{data, read_wav, write_noise};

use super::takes::{lines, run, tree};

/// A take, and one of other audio of the same length.
fn takes() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (seed, name) in [(1, "a.wav"), (2, "other.wav")] {
        write_noise(&folder.path().join(name), 24_000, 1, 24_000, seed);
        run(folder.path(), &["encode", name], 0);
    }
    folder
}

/// Puts the other take in the place of the first.
fn replace(folder: &Path) {
    fs::copy(folder.join("other.sac"), folder.join("a.sac")).unwrap();
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str]) {
    let before = tree(folder);
    let said = String::from_utf8(run(folder, arguments, 1).stderr).unwrap();
    assert!(said.contains("is not what would be made of a.sac"), "{arguments:?}: {said}");
    assert!(tree(folder) == before, "{arguments:?}: something was written");
}

#[test]
fn decoded_audio_is_left_alone_only_if_it_is_of_this_take_and_these_settings() {
    let folder = takes();
    let decode = ["decode", "a.sac", "--skip-existing"];
    run(folder.path(), &decode, 0);
    let made = lines(&run(folder.path(), &[&decode[..], &["--json"]].concat(), 0));
    assert!(made.is_empty(), "made again: {made:?}");
    for other in [&["--rate", "48000"][..], &["--streams", "semantic"]] {
        refused(folder.path(), &[&decode[..], other].concat());
    }
    // Nothing is missing, so nothing is concealed.
    run(folder.path(), &[&decode[..], &["--conceal"]].concat(), 0);
    run(folder.path(), &["convert", "a.sac", "a.decoded.wav", "--skip-existing"], 0);
    let wav = folder.path().join("a.decoded.wav");
    let whole = fs::read(&wav).unwrap();
    let (mut click, mut slow) = (whole.clone(), whole.clone());
    click[whole.len() / 2] ^= 0x40;
    // The sample rate in the header.
    slow[24] ^= 0x01;
    for other in [&whole[..whole.len() - 8], &click, &slow] {
        fs::write(&wav, other).unwrap();
        refused(folder.path(), &decode);
    }
    fs::write(&wav, &whole).unwrap();
    replace(folder.path());
    refused(folder.path(), &decode);
    run(folder.path(), &["decode", "a.sac", "--overwrite"], 0);
    run(folder.path(), &decode, 0);
}

#[test]
fn what_became_of_gaps_is_told_too() {
    let folder = takes();
    run(folder.path(), &["lose", "a.sac", "--loss", "30%", "--output", "a.sac.new.sac"], 0);
    fs::rename(folder.path().join("a.sac.new.sac"), folder.path().join("a.sac")).unwrap();
    let decode = ["decode", "a.sac", "--skip-existing"];
    run(folder.path(), &decode, 3);
    for other in ["--conceal=repeat", "--conceal=fade"] {
        refused(folder.path(), &[&decode[..], &[other]].concat());
    }
    // Silence is what there is without --conceal.
    run(folder.path(), &[&decode[..], &["--conceal=silence"]].concat(), 0);
}

#[test]
fn the_comment_of_decoded_audio_is_no_sound() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(data("speech_24k.wav"), folder.path().join("voice.wav")).unwrap();
    run(folder.path(), &["encode", "voice.wav"], 0);
    run(folder.path(), &["decode", "voice.sac"], 0);
    let decoded = folder.path().join("voice.decoded.wav");
    let length = |path: &Path| read_wav(path).0.len();
    assert_eq!(length(&decoded), length(&folder.path().join("voice.wav")));
    // Our own reader, which is strict, takes it too.
    let said = run(folder.path(), &["encode", "voice.decoded.wav"], 0).stderr;
    assert_eq!(String::from_utf8_lossy(&said), "");
}

#[test]
fn converted_tokens_are_left_alone_only_if_they_are_those_of_the_take() {
    let folder = takes();
    let convert = ["convert", "a.sac", "--to", "npy,csv,jsonl,wav", "--skip-existing"];
    run(folder.path(), &convert, 0);
    let made = tree(folder.path());
    // What is missing is made again, and the rest is left alone.
    fs::remove_file(folder.path().join("a.csv")).unwrap();
    let report = lines(&run(folder.path(), &[&convert[..], &["--json"]].concat(), 0)).remove(0);
    assert_eq!(report["outputs"].as_array().unwrap().len(), 1, "{report}");
    assert!(tree(folder.path()) == made);
    assert!(lines(&run(folder.path(), &[&convert[..], &["--json"]].concat(), 0)).is_empty());
    replace(folder.path());
    for format in ["npy", "csv", "jsonl", "wav"] {
        refused(folder.path(), &["convert", "a.sac", "--to", format, "--skip-existing"]);
    }
    // One that is missing does not hide that the others are of another take.
    fs::remove_file(folder.path().join("a.npy")).unwrap();
    refused(folder.path(), &convert);
}

#[test]
fn a_take_is_converted_to_all_formats_or_to_none() {
    let folder = takes();
    fs::write(folder.path().join("a.jsonl"), "mine").unwrap();
    let mut odd = Take::open(&folder.path().join("other.sac")).unwrap();
    // A rate that no WAV file can have.
    odd.header.host_rate_hz = 24_000.5;
    fs::write(folder.path().join("odd.sac"), odd.repaired().unwrap()).unwrap();
    let before = tree(folder.path());
    for (arguments, expected) in [
        (["convert", "a.sac", "--to", "npy,csv,jsonl"], "a.jsonl is there already"),
        (["convert", "odd.sac", "--to", "npy,wav"], "24000.5 Hz cannot be the rate of a WAV file"),
    ] {
        let said = String::from_utf8(run(folder.path(), &arguments, 1).stderr).unwrap();
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(tree(folder.path()) == before, "{arguments:?}: a part of the results was made");
    }
    // One that is asked for twice is made once.
    run(folder.path(), &["convert", "a.sac", "--to", "npy,csv,npy"], 0);
}

#[test]
#[cfg(unix)]
fn a_take_from_a_pipe_is_read_once_and_told_like_that_of_a_file() {
    let folder = takes();
    let decode = |pipe: &str, take: &str, code: i32| {
        let line = format!("cat {take} | $COMMAND decode {pipe} a.wav.decoded.wav --skip-existing");
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(folder.path()).env("COMMAND", env!("CARGO_BIN_EXE_sacodec"));
        let output = shell.args(["-c", &line]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        said
    };
    decode("-", "a.sac", 0);
    for pipe in ["-", "/dev/stdin"] {
        let said = decode(pipe, "a.sac", 0);
        assert!(said.contains("there already"), "{pipe}: {said}");
        let said = decode(pipe, "other.sac", 1);
        assert!(said.contains("is not what would be made of"), "{pipe}: {said}");
    }
    run(folder.path(), &["decode", "a.sac", "a.wav.decoded.wav", "--skip-existing"], 0);
}

#[test]
#[cfg(unix)]
fn a_named_pipe_is_read_once_also_for_a_report_and_told_as_what_was_read() {
    let folder = takes();
    let shell = |line: &str| {
        let mut shell = std::process::Command::new("timeout");
        shell.current_dir(folder.path()).env("COMMAND", env!("CARGO_BIN_EXE_sacodec"));
        let output = shell.args(["60", "sh", "-c", line]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for (number, rest) in [
        "decode p -o a1.wav",
        "convert p -o a2.npy",
        "lose p -o a3.sac --loss 0%",
        "repair p -o a4.sac",
        "info p",
        "verify p --audio a.wav",
        "compare p a.sac",
    ]
    .iter()
    .enumerate()
    {
        let pipe = format!("p{number}.sac");
        let rest = rest.replace(" p", &format!(" {pipe}"));
        shell(&format!("mkfifo {pipe}; cat a.sac > {pipe} & $COMMAND {rest} --report {number}.jsonl"));
        let report = fs::read_to_string(folder.path().join(format!("{number}.jsonl"))).unwrap();
        let entry: serde_json::Value = serde_json::from_str(report.lines().next().unwrap()).unwrap();
        let bytes = fs::metadata(folder.path().join("a.sac")).unwrap().len();
        assert_eq!(entry["input"]["bytes"], bytes, "{rest}: {entry}");
    }
    // What fails has been read as well, and `check` asks no pipe again.
    shell(
        "mkfifo bad.wav; echo no audio > bad.wav & $COMMAND encode bad.wav --report bad.jsonl; [ $? -eq 1 ]",
    );
    shell("$COMMAND info - --report info.jsonl < a.sac");
    shell(
        "mkfifo open; sleep 60 > open 2> /dev/null & writer=$!; $COMMAND check info.jsonl < open; ended=$?; kill $writer; exit $ended",
    );
    for _ in 0..2 {
        shell(
            "rm -f f.wav; mkfifo f.wav; cat a.wav > f.wav & $COMMAND encode f.wav -o f.sac --skip-existing",
        );
        shell("$COMMAND encode - -o g.sac --skip-existing < a.wav");
    }
}

#[test]
fn what_is_sound_is_not_copied_by_repair_but_into_a_folder_that_is_to_hold_all() {
    let folder = takes();
    let at = |name: &str| folder.path().join(name);
    let whole = fs::read(at("other.sac")).unwrap();
    fs::write(at("cut.sac"), &whole[..whole.len() - 20]).unwrap();
    let repair = ["repair", "a.sac", "cut.sac", "--report", "run.jsonl", "--json"];
    let reports = lines(&run(folder.path(), &repair, 3));
    assert!(reports[0]["output"].is_null() && reports[1]["output"] == "cut.repaired.sac", "{reports:?}");
    assert!(!at("a.repaired.sac").exists(), "a copy counts twice");
    // The sound one is whole as it is.
    let said = String::from_utf8(run(folder.path(), &["check", "run.jsonl"], 3).stdout).unwrap();
    assert!(said.contains("1 of 2 results are there and whole") && !said.contains("a.sac:"), "{said}");
    // What there is beside it is left alone, and said.
    fs::write(at("a.repaired.sac"), "older").unwrap();
    for further in [&[][..], &["--overwrite"], &["--skip-existing"]] {
        let output = run(folder.path(), &[&["repair", "a.sac"], further].concat(), 0);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("nothing to repair; a.repaired.sac is left as it is"), "{further:?}: {said}");
        assert_eq!(fs::read(at("a.repaired.sac")).unwrap(), b"older", "{further:?}");
    }
    run(folder.path(), &["repair", "a.sac", "cut.sac", "--output", "sound/"], 3);
    assert_eq!(fs::read(at("sound/a.repaired.sac")).unwrap(), fs::read(at("a.sac")).unwrap());
    // The gaps that `lose` made are noted in the take.
    run(folder.path(), &["lose", "a.sac", "--loss", "50%"], 0);
    let report = lines(&run(folder.path(), &["repair", "a.lossy.sac", "--json"], 3)).remove(0);
    assert!(report["output"].is_null() && report["gone"][0]["count"].as_u64() > Some(0), "{report}");
    // A repaired take of another one is told.
    let named = ["repair", "a.sac", "--output", "b.sac", "--skip-existing"];
    run(folder.path(), &named, 0);
    run(folder.path(), &named, 0);
    replace(folder.path());
    refused(folder.path(), &named);
}

#[test]
fn frames_that_are_gone_without_a_trace_are_noted_by_repair() {
    let folder = tempfile::tempdir().unwrap();
    write_noise(&folder.path().join("a.wav"), 24_000, 1, 24_000 * 8, 1);
    run(folder.path(), &["encode", "a.wav"], 0);
    let whole = Take::open(&folder.path().join("a.sac")).unwrap();
    let mut writer = TakeSerializer::new(whole.header.clone()).unwrap();
    writer.anchor(whole.anchors[0]);
    let mut pieces = Vec::new();
    for (index, tokens) in (1..).zip(whole.iter()) {
        writer.frame(tokens.unwrap()).unwrap();
        if index % 150 == 0 {
            pieces.push(writer.take_bytes());
        }
    }
    writer.finish("test", Some(24_000 * 8), vec![]);
    pieces.push(writer.take_bytes());
    // Whole records: no byte of what is left is damaged.
    pieces.remove(1);
    fs::write(folder.path().join("holed.sac"), pieces.concat()).unwrap();
    let holed = Take::open(&folder.path().join("holed.sac")).unwrap();
    assert!(holed.damage.is_empty() && holed.gaps.is_empty() && !holed.missing().is_empty());
    run(folder.path(), &["repair", "holed.sac"], 3);
    let repaired = Take::open(&folder.path().join("holed.repaired.sac")).unwrap();
    assert_eq!(repaired.gaps, holed.missing());
    let said = String::from_utf8(run(folder.path(), &["repair", "holed.repaired.sac"], 3).stdout).unwrap();
    assert!(said.contains("nothing to repair"), "{said}");
}

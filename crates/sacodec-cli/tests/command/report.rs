//! `--report` and `sacodec check`: what a run did with each input, and whether all of it is there.

use std::fs;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::Stdio;

use sacodec_testing::write_noise;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::takes::{command, lines, run, tree};

/// Four files of a list, of which one is not audio.
fn corpus() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (seed, name) in [(1, "in/a.wav"), (2, "in/b/c.wav"), (3, "in/b/d.wav")] {
        write_noise(&folder.path().join(name), 16_000, 1, 8000, seed);
    }
    fs::write(folder.path().join("in/bad.wav"), "no audio").unwrap();
    fs::write(folder.path().join("all.txt"), "in/a.wav\nin/b/c.wav\nin/b/d.wav\nin/bad.wav\n").unwrap();
    folder
}

const ENCODE: [&str; 8] =
    ["encode", "--files-from", "all.txt", "--output", "takes/", "--skip-existing", "--report", "run.jsonl"];
const CHECK: [&str; 4] = ["check", "run.jsonl", "--list", "all.txt"];

fn log(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("run.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `check` says of a folder, which must end with `code`.
#[track_caller]
fn check(folder: &Path, code: i32) -> String {
    String::from_utf8(run(folder, &CHECK, code).stdout).unwrap()
}

#[test]
fn a_report_tells_digest_result_frames_seconds_and_error_of_each_input() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    run(folder.path(), &ENCODE, 1);
    let mut entries = log(folder.path());
    entries.sort_by_key(|entry| entry["input"]["path"].as_str().unwrap().to_owned());
    let [a, c, _, bad] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((&a["result"], &a["frames"], &a["seconds"]), (&"done".into(), &38.into(), &0.5.into()), "{a}");
    assert_eq!(a["input"]["sha256"], sha256(&path("in/a.wav")));
    assert_eq!(c["files"][0]["path"], "takes/in/b/c.sac");
    assert_eq!(c["files"][0]["sha256"], sha256(&path("takes/in/b/c.sac")));
    assert_eq!((&bad["result"], &bad["files"]), (&"failed".into(), &serde_json::json!([])));
    assert_eq!(bad["input"]["bytes"], 8);
    assert!(bad["error"].as_str().unwrap().contains("bad.wav"), "{bad}");
    // A second run appends, and knows the same of what was there.
    run(folder.path(), &ENCODE, 1);
    let again = log(folder.path());
    assert_eq!(again.len(), 8);
    let skipped = again[4..].iter().find(|entry| entry["input"]["path"] == "in/a.wav").unwrap();
    assert_eq!(skipped["result"], "skipped");
    for field in ["input", "output", "files", "frames", "seconds"] {
        assert_eq!(skipped[field], a[field], "{field}");
    }
}

#[test]
fn other_commands_report_their_files_as_well() {
    let folder = corpus();
    fs::remove_file(folder.path().join("in/bad.wav")).unwrap();
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    let commands: [&[&str]; 3] = [
        &["decode", "takes", "--output", "out"],
        &["convert", "takes", "--to", "npy,csv", "--output", "out"],
        &["repair", "takes", "--output", "out"],
    ];
    for arguments in commands {
        let logged = [arguments, &["--report", "run.jsonl"]].concat();
        run(folder.path(), &logged, 0);
        run(folder.path(), &[&logged[..], &["--skip-existing"]].concat(), 0);
    }
    let entries = log(folder.path());
    assert_eq!(entries.len(), 18);
    let made: usize = entries.iter().map(|entry| entry["files"].as_array().unwrap().len()).sum();
    assert_eq!(made, 24, "{entries:?}");
    let said = String::from_utf8(run(folder.path(), &["check", "run.jsonl", "--sources"], 0).stdout).unwrap();
    assert!(said.starts_with("9 of 9 results are there and whole"), "{said}");
    fs::remove_file(folder.path().join("out/b/c.csv")).unwrap();
    let said = String::from_utf8(run(folder.path(), &["check", "run.jsonl"], 3).stdout).unwrap();
    assert!(said.contains("takes/b/c.sac: out/b/c.csv could not be read"), "{said}");
}

#[test]
fn commands_that_only_read_report_what_they_found_and_check_proves_that_it_is_still_so() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    fs::remove_file(path("in/bad.wav")).unwrap();
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    run(folder.path(), &["encode", "in", "--output", "others"], 0);
    let report = ["--report", "run.jsonl"];
    for arguments in
        [&["verify", "takes", "--audio", "in"][..], &["compare", "takes", "others"], &["info", "takes"]]
    {
        run(folder.path(), &[arguments, &report].concat(), 0);
    }
    let entries = log(folder.path());
    assert_eq!(entries.len(), 9);
    let of = |partner: &str| entries.iter().find(|entry| entry["partner"]["path"] == partner).unwrap();
    let (verified, compared) = (of("in/a.wav"), of("others/a.sac"));
    assert_eq!(verified["partner"]["sha256"], sha256(&path("in/a.wav")));
    assert_eq!(compared["partner"]["sha256"], sha256(&path("others/a.sac")));
    for entry in [verified, compared] {
        assert_eq!(entry["input"]["sha256"], sha256(&path("takes/a.sac")));
        assert_eq!((&entry["result"], &entry["found"]["semantic_percent"]), (&"done".into(), &100.0.into()));
        assert_eq!((&entry["output"], &entry["frames"]), (&Value::Null, &38.into()), "{entry}");
    }
    fs::write(path("list.txt"), "takes/a.sac\ntakes/b/c.sac\ntakes/b/d.sac\n").unwrap();
    let check = |code| {
        let output = run(folder.path(), &["check", "run.jsonl", "--list", "list.txt"], code);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(check(0).starts_with("9 of 9 results are there and whole"));
    // What was compared has changed since.
    let take = fs::read(path("others/a.sac")).unwrap();
    fs::copy(path("takes/b/c.sac"), path("others/a.sac")).unwrap();
    assert!(check(3).contains("takes/a.sac: others/a.sac has"));
    // It is told as it is now, and a later line counts.
    run(folder.path(), &[&["compare", "takes", "others"], &report[..]].concat(), 3);
    assert!(check(3).contains("takes/a.sac: it is not whole or not equal: semantic "));
    fs::write(path("others/a.sac"), "no take").unwrap();
    run(folder.path(), &[&["compare", "takes", "others"], &report[..]].concat(), 1);
    assert!(check(3).contains("takes/a.sac: it could not be examined: others/a.sac"));
    fs::write(path("others/a.sac"), take).unwrap();
    run(folder.path(), &[&["compare", "takes", "others"], &report[..]].concat(), 0);
    check(0);
    // Audio that is another one, and a take that was cut.
    write_noise(&path("in/a.wav"), 16_000, 1, 8000, 9);
    assert!(check(3).contains("takes/a.sac: in/a.wav has another content"));
    run(folder.path(), &[&["verify", "takes", "--audio", "in"], &report[..]].concat(), 3);
    assert!(check(3).contains("takes/a.sac: it is not whole or not equal: semantic "));
}

#[test]
fn check_finds_what_is_missing_failed_damaged_or_another() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    run(folder.path(), &ENCODE, 1);
    let said = check(folder.path(), 3);
    assert!(said.contains("in/bad.wav: it has no result: in/bad.wav could not be read"), "{said}");
    write_noise(&path("in/bad.wav"), 16_000, 1, 8000, 4);
    run(folder.path(), &ENCODE, 0);
    assert_eq!(check(folder.path(), 0), "4 of 4 results are there and whole, 2.0 s of results\n");
    let summary = lines(&run(folder.path(), &[&CHECK[..], &["--json"]].concat(), 0)).pop().unwrap();
    assert_eq!((&summary["inputs"], &summary["problems"]), (&4.into(), &0.into()));
    // A name that no run had.
    let list = fs::read_to_string(path("all.txt")).unwrap();
    fs::write(path("all.txt"), format!("{list}in/new.wav\n")).unwrap();
    assert!(check(folder.path(), 3).contains("in/new.wav: it is in the list and in no report"));
    fs::write(path("all.txt"), &list).unwrap();
    // Results that are gone, damaged, or of another run.
    let take = fs::read(path("takes/in/a.sac")).unwrap();
    let (mut flipped, other) = (take.clone(), fs::read(path("takes/in/b/c.sac")).unwrap());
    *flipped.last_mut().unwrap() ^= 1;
    for (bytes, reason) in [
        (None, "takes/in/a.sac could not be read"),
        (Some(flipped), "another content (SHA-256)"),
        (Some(take[..take.len() - 1].to_vec()), "bytes, and had"),
        (Some(other), "content (SHA-256)"),
    ] {
        match bytes {
            None => fs::remove_file(path("takes/in/a.sac")).unwrap(),
            Some(bytes) => fs::write(path("takes/in/a.sac"), bytes).unwrap(),
        }
        let said = check(folder.path(), 3);
        assert!(
            said.contains("in/a.wav: ") && said.contains(reason) && said.contains("3 of 4"),
            "{reason}: {said}"
        );
    }
    fs::write(path("takes/in/a.sac"), &take).unwrap();
    // Audio that has changed: its size is seen at once, its content with --sources.
    let audio = fs::read(path("in/a.wav")).unwrap();
    let mut changed = audio.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(path("in/a.wav"), changed).unwrap();
    check(folder.path(), 0);
    run(folder.path(), &[&CHECK[..], &["--sources"]].concat(), 3);
    fs::write(path("in/a.wav"), &audio[1..]).unwrap();
    assert!(check(folder.path(), 3).contains("in/a.wav: it has"));
    // Where the audio is no longer there, the results are all that counts.
    fs::remove_file(path("in/a.wav")).unwrap();
    check(folder.path(), 0);
    run(folder.path(), &[&CHECK[..], &["--sources"]].concat(), 3);
}

#[test]
fn a_salvaged_take_is_told_and_half_a_line_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_noise(&path("a.wav"), 16_000, 1, 8000, 1);
    let whole = fs::read(path("a.wav")).unwrap();
    fs::write(path("a.wav"), &whole[..whole.len() - 4000]).unwrap();
    let encode = ["encode", "a.wav", "--salvage", "--skip-existing", "--report", "run.jsonl"];
    run(folder.path(), &encode, 3);
    assert_eq!(log(folder.path())[0]["result"], "incomplete");
    let said = String::from_utf8(run(folder.path(), &["check", "run.jsonl"], 3).stdout).unwrap();
    assert!(said.contains("a.sac is not whole: ") && said.contains("frames are missing"), "{said}");
    // A process was killed while it wrote a line.
    let text = fs::read_to_string(path("run.jsonl")).unwrap();
    fs::write(path("run.jsonl"), &text[..text.len() / 2]).unwrap();
    run(folder.path(), &["check", "run.jsonl"], 1);
    run(folder.path(), &encode, 0);
    let output = run(folder.path(), &["check", "run.jsonl"], 3);
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 lines of run.jsonl are not complete"));
    assert_eq!(fs::read_to_string(path("run.jsonl")).unwrap().lines().count(), 2);
    run(folder.path(), &["encode", "a.wav", "--report", "no/such/run.jsonl"], 1);
    fs::write(path("other.jsonl"), "{}\n").unwrap();
    run(folder.path(), &["check", "other.jsonl"], 1);
}

#[test]
fn a_report_is_appended_to_reports_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_noise(&path("a.wav"), 16_000, 1, 8000, 1);
    let audio = fs::read(path("a.wav")).unwrap();
    let said = run(folder.path(), &["encode", "a.wav", "--report", "a.wav"], 1).stderr;
    assert!(String::from_utf8_lossy(&said).contains("a.wav is there already and is not a report"));
    assert_eq!(fs::read(path("a.wav")).unwrap(), audio);
    fs::write(path("other.json"), "{\"takes\": 7}\n").unwrap();
    for other in ["other.json", "a.wav"] {
        let said = run(folder.path(), &["check", other], 1).stderr;
        let said = String::from_utf8_lossy(&said);
        let why = format!("{other} could not be checked: it is not a report that --report wrote");
        assert!(said.contains(&why), "{said}");
    }
    run(folder.path(), &["encode", "a.wav", "--report", "-"], 2);
    assert!(!path("-").exists() && !path("a.sac").exists());
    // What a killed process has begun is a report.
    fs::write(path("run.jsonl"), "{\"inp").unwrap();
    run(folder.path(), &["encode", "a.wav", "--report", "run.jsonl"], 0);
    assert_eq!(fs::read_to_string(path("run.jsonl")).unwrap().lines().count(), 2);
}

#[test]
fn pipes_are_told_and_prove_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write_noise(&folder.path().join("a.wav"), 16_000, 1, 8000, 1);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut child = command(folder.path(), &["encode", "-", "-", "--report", "run.jsonl"])
        .stdin(reader)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    writer.write_all(&fs::read(folder.path().join("a.wav")).unwrap()).unwrap();
    drop(writer);
    let mut take = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut take).unwrap();
    assert!(child.wait().unwrap().success());
    let entry = log(folder.path()).remove(0);
    assert_eq!((&entry["input"]["path"], &entry["input"]["bytes"]), (&"-".into(), &16_044.into()), "{entry}");
    assert_eq!(entry["files"][0], serde_json::json!({ "path": "-", "pipe": true }));
    // For a result that went to standard output, standard input is not read.
    let mut input = fs::File::open(folder.path().join("a.wav")).unwrap();
    let mut encode = command(folder.path(), &["encode", "a.wav", "-", "--report", "run.jsonl"]);
    encode.stdin(input.try_clone().unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(encode.status().unwrap().success());
    assert_eq!(input.stream_position().unwrap(), 0);
    run(folder.path(), &["check", "run.jsonl"], 3);
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_no_unicode_are_found_again() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"od\xFFd.wav");
    write_noise(&folder.path().join(odd), 16_000, 1, 8000, 1);
    fs::write(folder.path().join("all.txt"), b"od\xFFd.wav\n").unwrap();
    run(folder.path(), &ENCODE, 0);
    assert_eq!(log(folder.path())[0]["input"]["path"]["hex"], "6f64ff642e776176");
    run(folder.path(), &[&CHECK[..], &["--sources"]].concat(), 0);
    assert_eq!(tree(&folder.path().join("takes")).len(), 1);
}

#[test]
fn what_failed_is_whole_only_by_the_command_that_failed() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    fs::remove_file(path("in/bad.wav")).unwrap();
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    let report = ["--report", "run.jsonl"];
    let logged = |arguments: &[&str], code| drop(run(folder.path(), &[arguments, &report].concat(), code));
    let check = |code| String::from_utf8(run(folder.path(), &["check", "run.jsonl"], code).stdout).unwrap();
    logged(&["verify", "takes"], 1);
    logged(&["info", "takes"], 0);
    assert!(check(3).contains("3 of 6 results are there and whole"), "{}", check(3));
    // The audio that was not found the first time has another place.
    logged(&["verify", "takes", "--audio", "in"], 0);
    assert!(check(0).contains("6 of 6 results are there and whole"), "{}", check(0));
}

#[test]
fn a_second_source_of_a_result_is_whole_once_it_was_coded_elsewhere() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    fs::remove_file(path("in/bad.wav")).unwrap();
    fs::copy(sacodec_testing::data("speech_24k.flac"), path("in/a.flac")).unwrap();
    run(folder.path(), &["encode", "in", "--output", "takes", "--report", "run.jsonl"], 1);
    let check = |code| String::from_utf8(run(folder.path(), &["check", "run.jsonl"], code).stdout).unwrap();
    assert!(check(3).contains("in/a.wav: it has no result"), "{}", check(3));
    run(folder.path(), &["encode", "in/a.wav", "--output", "second/a.sac", "--report", "run.jsonl"], 0);
    assert!(check(0).contains("4 of 4 results"), "{}", check(0));
}

#[test]
fn a_folder_in_a_list_stands_for_all_that_is_in_it() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    fs::remove_file(path("in/bad.wav")).unwrap();
    fs::write(path("all.txt"), "in/b\nin/a.wav\n").unwrap();
    run(folder.path(), &ENCODE, 0);
    assert!(check(folder.path(), 0).contains("3 of 3 results"), "{}", check(folder.path(), 0));
    write_noise(&path("in/b/new.wav"), 16_000, 1, 8000, 9);
    let said = check(folder.path(), 3);
    assert!(said.contains("in/b/new.wav: it is in the list and in no report"), "{said}");
}

#[test]
fn what_failed_is_missing_whatever_was_made_elsewhere_of_the_same_input() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    run(folder.path(), &["encode", "in/a.wav", "a.sac"], 0);
    fs::write(path("ten"), "a file in the way of a folder").unwrap();
    let lose = |output: &str, code| {
        let line = ["lose", "a.sac", "--output", output, "--loss", "10%", "--report", "run.jsonl"];
        run(folder.path(), &line, code);
    };
    lose("ten/a.sac", 1);
    lose("twenty/a.sac", 0);
    let check = |code| String::from_utf8(run(folder.path(), &["check", "run.jsonl"], code).stdout).unwrap();
    assert!(check(3).contains("1 of 2 results"), "{}", check(3));
    fs::remove_file(path("ten")).unwrap();
    lose("ten/a.sac", 0);
    assert!(check(0).contains("2 of 2 results"), "{}", check(0));
}

#[test]
fn lines_of_versions_that_told_no_command_give_way_to_those_that_do() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    fs::remove_file(path("in/bad.wav")).unwrap();
    run(folder.path(), &["encode", "in", "--output", "takes", "--report", "run.jsonl"], 0);
    let report = fs::read_to_string(path("run.jsonl")).unwrap();
    let old = report.replace("\"command\":\"encode\",", "");
    assert_ne!(old, report);
    let failed = old.replace("\"result\":\"done\"", "\"result\":\"failed\"");
    let check = |code| String::from_utf8(run(folder.path(), &["check", "run.jsonl"], code).stdout).unwrap();
    fs::write(path("run.jsonl"), &failed).unwrap();
    assert!(check(3).contains("0 of 3 results"), "{}", check(3));
    fs::write(path("run.jsonl"), failed + &report).unwrap();
    assert!(check(0).contains("3 of 3 results"), "{}", check(0));
}

#[test]
fn results_beside_their_inputs_are_no_inputs_of_a_listed_folder() {
    let folder = corpus();
    let path = |name: &str| folder.path().join(name);
    fs::remove_file(path("in/bad.wav")).unwrap();
    run(folder.path(), &["encode", "in"], 0);
    fs::create_dir(path("empty")).unwrap();
    fs::write(path("list.txt"), "in\n").unwrap();
    run(folder.path(), &["lose", "in", "--loss", "10%", "--report", "run.jsonl"], 0);
    let check = |code| {
        let line = ["check", "run.jsonl", "--list", "list.txt"];
        String::from_utf8(run(folder.path(), &line, code).stdout).unwrap()
    };
    assert!(check(0).contains("3 of 3 results"), "{}", check(0));
    fs::write(path("list.txt"), "in\nempty\n").unwrap();
    assert!(check(3).contains("empty: it is in the list and in no report"), "{}", check(3));
}

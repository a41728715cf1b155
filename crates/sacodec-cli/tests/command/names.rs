//! Which files a command works on, and what their results are called.

use std::fs;
use std::path::Path;
use std::process::Output;

use sacodec_testing::write_noise;

use super::takes::{lines, run, tree};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn noise(folder: &Path, names: &[&str]) {
    for (seed, name) in (1..).zip(names) {
        write_noise(&folder.join(name), 16_000, 1, 2000 + 100 * seed as usize, seed);
    }
}

fn takes(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect()
}

/// Cuts the end of every take in a folder off, so that `repair` has something to do.
fn cut_takes(folder: &Path) {
    for (path, bytes) in
        tree(folder).into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "sac"))
    {
        fs::write(folder.join(path), &bytes[..bytes.len() - 20]).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn what_is_no_input_in_a_folder_is_skipped_and_said() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["in/a.wav", "in/b/c.wav", "in/.cache/d.wav", "in/.e.wav", "in/b/.git/f.wav"]);
    std::os::unix::fs::symlink("..", folder.path().join("in/b/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("in/notes.txt")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("in/live.wav")).status();
    assert!(pipe.unwrap().success());
    // As an editor leaves them.
    std::os::unix::fs::symlink("nobody@nowhere", folder.path().join("in/.#a")).unwrap();
    for name in ["in/a.MP3", "in/b/a.wave", "in/b/a.webm", "in/b/.a.ogg", "in/b/a.trans.txt"] {
        fs::write(folder.path().join(name), "not read").unwrap();
    }
    run(folder.path(), &["encode", "in"], 0);
    run(folder.path(), &["decode", "in"], 0);
    assert!(folder.path().join("in/a.decoded.wav").is_file());
    let output = run(folder.path(), &["encode", "in", "in/a.wav", "./in/a.wav", "--output", "out"], 0);
    assert_eq!(takes(&folder.path().join("out")), ["a.sac", "b/c.sac"]);
    for what in [
        "4 hidden files or folders: in/.#a",
        "1 links that lead back",
        "2 results of this command",
        "3 audio files that are neither .wav nor .flac: in/a.MP3",
        "1 links to files that are not there: in/notes.txt",
        "1 pipes or devices, which are read where they are named: in/live.wav",
        "2 inputs that were given twice",
    ] {
        assert!(said(&output).contains(what), "{what}: {}", said(&output));
    }
    // What may be a folder of a disk that is not there is an input that is missing.
    std::os::unix::fs::symlink("/nowhere/part3", folder.path().join("in/part3")).unwrap();
    let output = run(folder.path(), &["encode", "in", "--output", "out", "--skip-existing"], 1);
    assert!(said(&output).contains("in/part3 could not be opened"), "{}", said(&output));
    fs::remove_file(folder.path().join("in/part3")).unwrap();
    // A result that is named is coded.
    run(folder.path(), &["encode", "in/a.decoded.wav"], 0);
    cut_takes(&folder.path().join("in"));
    run(folder.path(), &["repair", "in"], 3);
    let again = run(folder.path(), &["repair", "in", "--overwrite"], 3);
    assert!(said(&again).contains("3 results of this command"), "{}", said(&again));
    assert!(!said(&again).contains("audio files"), "{}", said(&again));
}

#[test]
#[cfg(unix)]
fn one_file_by_several_ways_is_one_input() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["in/a.wav"]);
    std::os::unix::fs::symlink("in", folder.path().join("same")).unwrap();
    let absolute = folder.path().join("in/a.wav");
    let inputs =
        ["encode", "in/a.wav", "same/a.wav", "./in/../in/a.wav", absolute.to_str().unwrap(), "--json"];
    let output = run(folder.path(), &inputs, 0);
    assert_eq!(lines(&output).len(), 1);
    assert!(said(&output).contains("3 inputs that were given twice"), "{}", said(&output));
}

#[test]
fn an_input_that_is_not_there_is_an_error_whatever_is_there_already() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["voice.wav"]);
    run(folder.path(), &["encode", "voice.wav"], 0);
    run(folder.path(), &["decode", "voice.sac", "x.wav"], 0);
    for arguments in [
        &["encode", "voice.waw"][..],
        &["encode", "voice.waw", "--skip-existing"],
        &["decode", "voicee.sac", "x.wav"],
        &["decode", "voicee.sac", "x.wav", "--skip-existing"],
        &["convert", "voicee.sac", "x.wav", "--skip-existing"],
        &["moments", "voice.waw", "-o", "x.csv", "--skip-existing"],
    ] {
        let output = run(folder.path(), arguments, 1);
        let message = format!("{} could not be opened", arguments[1]);
        assert!(said(&output).contains(&message), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn a_folder_of_results_that_is_given_like_an_input_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["in/a.wav", "in/b.wav"]);
    let files = || fs::read_dir(folder.path().join("in")).unwrap().count();
    for arguments in [
        &["encode", "in", "results"][..],
        &["encode", "in/", "results/"],
        &["encode", "in/a.wav", "in/b.wav", "results"],
    ] {
        let output = run(folder.path(), arguments, 2);
        let result = arguments[arguments.len() - 1];
        assert!(
            said(&output).contains(&format!("write --output {result}")),
            "{arguments:?}: {}",
            said(&output)
        );
        assert_eq!(files(), 2, "{arguments:?} wrote something");
    }
    run(folder.path(), &["encode", "in", "--output", "results"], 0);
    // What is there, or named like audio, is an input.
    noise(folder.path(), &["more/c.wav"]);
    run(folder.path(), &["encode", "in", "more"], 0);
    let output = run(folder.path(), &["encode", "in", "more.wav", "--skip-existing"], 1);
    assert!(said(&output).contains("more.wav could not be opened"), "{}", said(&output));
}

#[test]
fn a_folder_that_is_there_and_holds_no_input_is_no_input_where_results_are_written() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["in/a.wav"]);
    fs::create_dir(folder.path().join("results")).unwrap();
    fs::write(folder.path().join("results/notes.txt"), "").unwrap();
    for first in ["in", "in/a.wav"] {
        let output = run(folder.path(), &["encode", first, "results"], 2);
        let message = "results holds no input (.wav or .flac): for results in it, write --output results";
        assert!(said(&output).contains(message), "{}", said(&output));
        assert_eq!(fs::read_dir(folder.path().join("in")).unwrap().count(), 1, "something was written");
    }
    run(folder.path(), &["encode", "in", "--output", "results"], 0);
    run(folder.path(), &["encode", "in", "results", "--overwrite"], 2);
    // One of many folders, as the shell names them, may be empty.
    noise(folder.path(), &["more/c.wav"]);
    run(folder.path(), &["encode", "in", "more", "results", "--overwrite"], 1);
    assert!(folder.path().join("more/c.sac").is_file());
}

#[test]
fn a_folder_without_an_input_among_several_is_told_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["in/a.wav", "more/c.wav"]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    let tells_of_it = |arguments: &[&str]| {
        let output = run(folder.path(), arguments, 1);
        let message =
            "empty is a folder that holds no file that this command reads: correct its name, or leave it out";
        assert!(said(&output).contains(message), "{arguments:?}: {}", said(&output));
    };
    tells_of_it(&["encode", "in", "empty", "more", "--output", "takes"]);
    let takes = ["takes/a.sac", "takes/c.sac"];
    assert!(takes.iter().all(|take| folder.path().join(take).is_file()), "others were stopped");
    for command in ["info", "stats", "verify", "decode", "repair"] {
        tells_of_it(&[command, "takes", "empty", "takes/a.sac"]);
    }
    tells_of_it(&["convert", "takes", "empty", "takes/a.sac", "--to", "csv"]);
    tells_of_it(&["lose", "takes", "empty", "takes/a.sac", "--loss", "10%"]);
    tells_of_it(&["moments", "in", "empty"]);
    // Its shards depend on all takes.
    tells_of_it(&["dataset", "takes", "empty", "--to", "jsonl", "--output", "data"]);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_folder_for_one_result_that_is_not_there_wants_a_slash() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["a.wav"]);
    let output = run(folder.path(), &["encode", "a.wav", "--output", "out"], 2);
    let message = "out does not end in .sac: give the result such a name, or for a folder write --output NAME/ with the slash";
    assert!(said(&output).contains(message), "{}", said(&output));
    run(folder.path(), &["encode", "a.wav", "--output", "out/"], 0);
    assert!(folder.path().join("out/a.sac").is_file());
}

#[test]
fn a_take_to_be_made_of_a_take_is_named_by_output() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["a.wav", "b.wav"]);
    run(folder.path(), &["encode", "a.wav", "b.wav"], 0);
    cut_takes(folder.path());
    for arguments in [&["lose", "a.sac", "new.sac", "--loss", "10%"][..], &["repair", "a.sac", "new.sac"]] {
        let output = run(folder.path(), arguments, 2);
        let message = "there is no input new.sac: for a result of that name, write --output new.sac";
        assert!(said(&output).contains(message), "{arguments:?}: {}", said(&output));
        assert!(
            !folder.path().join("a.lossy.sac").exists() && !folder.path().join("a.repaired.sac").exists()
        );
    }
    run(folder.path(), &["lose", "a.sac", "--loss", "10%", "--output", "new.sac"], 3);
    // One that is there is an input.
    run(folder.path(), &["repair", "a.sac", "b.sac"], 3);
    assert!(folder.path().join("b.repaired.sac").is_file());
}

#[test]
fn the_way_out_that_an_error_names_is_one() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["cut.wav", "x/cut.wav"]);
    let output = run(folder.path(), &["encode", "cut.wav", "x/cut.wav", "--output", "o/"], 1);
    assert!(said(&output).contains("in a run of its own, with another --output"), "{}", said(&output));
    run(folder.path(), &["encode", "x/cut.wav", "--output", "p/"], 0);
    let output = run(folder.path(), &["encode", "cut.wav", "--output", "o/"], 1);
    assert!(said(&output).contains("give --overwrite or --skip-existing"), "{}", said(&output));
    run(folder.path(), &["encode", "cut.wav", "--output", "o/", "--skip-existing"], 0);
}

// Where names differ by case.
#[test]
#[cfg(target_os = "linux")]
fn two_sources_of_one_result_are_an_error_every_time() {
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["x/a.wav", "y/a.wav", "z/a.wav"]);
    fs::copy(folder.path().join("z/a.wav"), folder.path().join("z/a.WAV")).unwrap();
    for further in [&[][..], &["--skip-existing"], &["--skip-existing"], &["--overwrite"]] {
        for inputs in [&["x/a.wav", "y/a.wav"][..], &["z"]] {
            let output =
                run(folder.path(), &[&["encode"], inputs, &["--output", "out/"], further].concat(), 1);
            assert!(
                said(&output).contains("would be made of both"),
                "{inputs:?} {further:?}: {}",
                said(&output)
            );
            fs::remove_dir_all(folder.path().join("out")).unwrap();
            // The second run finds the first result, and the rival is one all the same.
            run(
                folder.path(),
                &[&["encode"], &inputs[..1], &["--output", "out/"]].concat(),
                i32::from(inputs.len() == 1),
            );
            let output = run(
                folder.path(),
                &[&["encode"], inputs, &["--output", "out/", "--skip-existing"]].concat(),
                1,
            );
            assert!(
                said(&output).contains("would be made of both"),
                "{inputs:?} {further:?}: {}",
                said(&output)
            );
            fs::remove_dir_all(folder.path().join("out")).unwrap();
        }
    }
}

#[test]
fn a_list_of_absolute_names_keeps_its_tree_below_what_they_have_in_common_or_below_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["data/x/1/a.wav", "data/x/2/a.wav", "data/y/a.wav"];
    noise(folder.path(), &names);
    let list = |name: &str, names: &[&str]| {
        let lines: Vec<_> =
            names.iter().map(|n| folder.path().join(n).to_string_lossy().into_owned()).collect();
        fs::write(folder.path().join(name), lines.join("\n")).unwrap();
    };
    list("all", &names);
    list("x", &names[..2]);
    let encode = |list: &str, further: &[&str], code| {
        run(folder.path(), &[&["encode", "--files-from", list, "--output", "out/"], further].concat(), code)
    };
    let clear = || fs::remove_dir_all(folder.path().join("out")).unwrap();
    encode("all", &[], 0);
    assert_eq!(takes(&folder.path().join("out")), ["x/1/a.sac", "x/2/a.sac", "y/a.sac"]);
    clear();
    encode("x", &[], 0);
    assert_eq!(takes(&folder.path().join("out")), ["1/a.sac", "2/a.sac"]);
    clear();
    encode("x", &["--root", "data"], 0);
    assert_eq!(takes(&folder.path().join("out")), ["x/1/a.sac", "x/2/a.sac"]);
    clear();
    // Files and folders of the command line as well, and names that lead upwards.
    run(folder.path(), &["encode", "data/x/1/a.wav", "data/../data/y", "--root", "data", "-o", "out/"], 0);
    assert_eq!(takes(&folder.path().join("out")), ["x/1/a.sac", "y/a.sac"]);
    // Relative names of a list as the folder itself, so that one takes up what the other began.
    fs::write(folder.path().join("relative"), names.join("\n")).unwrap();
    run(folder.path(), &["encode", "data", "-o", "out/", "--overwrite"], 0);
    let output = encode("relative", &["--root", "data", "--skip-existing"], 0);
    assert!(said(&output).contains("3 of 3 results were there already"), "{}", said(&output));
    assert_eq!(takes(&folder.path().join("out")), ["x/1/a.sac", "x/2/a.sac", "y/a.sac"]);
    let output = encode("all", &["--root", "data/x"], 2);
    assert!(said(&output).contains("y/a.wav is not in the folder data/x"), "{}", said(&output));
}

#[test]
#[cfg(target_os = "linux")]
fn a_list_is_bytes_and_may_begin_with_a_mark() {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let folder = tempfile::tempdir().unwrap();
    noise(folder.path(), &["in/a.wav", "in/b.wav"]);
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"in/od\xffd.wav"));
    fs::copy(folder.path().join("in/a.wav"), &odd).unwrap();
    fs::write(folder.path().join("list"), b"\xEF\xBB\xBFin/a.wav\r\nin/od\xffd.wav\r\n\nin/b.wav").unwrap();
    run(folder.path(), &["encode", "--files-from", "list", "--output", "out/"], 0);
    let names: Vec<_> =
        tree(&folder.path().join("out")).into_iter().map(|(p, _)| p.into_os_string().into_vec()).collect();
    assert_eq!(names, [b"in/a.sac".to_vec(), b"in/b.sac".to_vec(), b"in/od\xffd.sac".to_vec()]);
    run(folder.path(), &["convert", "out", "--to", "npy,wav"], 0);
    run(folder.path(), &["verify", "out", "--audio", "."], 0);
    fs::write(folder.path().join("takes"), b"out/in/od\xffd.sac\n").unwrap();
    assert_eq!(lines(&run(folder.path(), &["info", "--files-from", "takes", "--json"], 0)).len(), 1);
    assert!(folder.path().join(std::ffi::OsStr::from_bytes(b"out/in/od\xffd.npy")).is_file());
    fs::write(folder.path().join("wide"), b"\xFF\xFEa\0").unwrap();
    let output = run(folder.path(), &["encode", "--files-from", "wide", "--output", "out/"], 1);
    assert!(said(&output).contains("not in UTF-16"), "{}", said(&output));
}

#[test]
#[cfg(target_os = "linux")]
fn the_longest_names_are_coded_decoded_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let long = |length: usize, end: &str| format!("{}{end}", "n".repeat(length - end.len()));
    let names =
        [long(255, ".wav"), format!("{}y.WAV", "ä".repeat(125)), long(250, ".wav"), long(247, ".wav")];
    noise(&folder.path().join("in"), &names.iter().map(String::as_str).collect::<Vec<_>>());
    run(folder.path(), &["encode", "in"], 0);
    run(folder.path(), &["verify", "in"], 0);
    run(folder.path(), &["decode", "in"], 0);
    run(folder.path(), &["convert", "in", "--to", "jsonl,csv"], 0);
    cut_takes(&folder.path().join("in"));
    run(folder.path(), &["repair", "in"], 3);
    let made = takes(&folder.path().join("in"));
    for end in [".sac", ".decoded.wav", ".jsonl", ".csv"] {
        let found = made.iter().filter(|n| n.ends_with(end) && !n.ends_with(".repaired.sac")).count();
        assert_eq!(found, 4, "{end}: {made:?}");
    }
    assert_eq!(made.iter().filter(|n| n.ends_with(".repaired.sac")).count(), 4, "{made:?}");
    run(folder.path(), &["info", "in"], 3);
}

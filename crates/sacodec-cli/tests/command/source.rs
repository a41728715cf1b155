//! A take knows what it was coded from, and `--skip-existing` looks.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use sacodec_take::{Header, Take};
use sacodec_testing::{read_wav, write_noise, write_wav};
use sha2::{Digest, Sha256};

use super::takes::{command, lines, run, tree};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_take_tells_name_size_and_digest_of_its_source() {
    let folder = tempfile::tempdir().unwrap();
    write_noise(&folder.path().join("in/a.wav"), 16_000, 1, 3000, 1);
    let audio = fs::read(folder.path().join("in/a.wav")).unwrap();
    let sha256: String = Sha256::digest(&audio).iter().map(|byte| format!("{byte:02x}")).collect();
    run(folder.path(), &["encode", "in/a.wav", "a.sac"], 0);
    let source = Take::open(&folder.path().join("a.sac")).unwrap().header.source.unwrap();
    assert_eq!((source.name.as_str(), source.bytes, &source.sha256), ("a.wav", audio.len() as u64, &sha256));
    let shown = String::from_utf8(run(folder.path(), &["info", "a.sac"], 0).stdout).unwrap();
    assert!(shown.contains(&format!("of: a.wav, {} bytes, SHA-256 {sha256}", audio.len())), "{shown}");
    let shown = lines(&run(folder.path(), &["info", "a.sac", "--json"], 0)).remove(0);
    assert_eq!(shown["header"]["source"]["sha256"], sha256);
    run(folder.path(), &["repair", "a.sac", "--output", "a.repaired.sac"], 0);
    let repaired = Take::open(&folder.path().join("a.repaired.sac")).unwrap();
    assert_eq!(repaired.header.source, Some(source));
    // What follows the audio in its file is part of it.
    fs::write(folder.path().join("b.flac"), fs::read(sacodec_testing::data("speech_24k.flac")).unwrap())
        .unwrap();
    run(folder.path(), &["encode", "b.flac"], 0);
    let source = Take::open(&folder.path().join("b.sac")).unwrap().header.source.unwrap();
    assert_eq!(source.bytes, fs::metadata(folder.path().join("b.flac")).unwrap().len());
}

#[test]
fn verify_says_which_audio_it_misses_and_how_to_give_it() {
    let folder = tempfile::tempdir().unwrap();
    write_noise(&folder.path().join("in/a.WAV"), 16_000, 1, 4000, 1);
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    for further in [&[][..], &["--audio", "takes"]] {
        let said = run(folder.path(), &[&["verify", "takes"], further].concat(), 1).stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("takes/a.WAV is not there") && said.contains("with --audio"), "{said}");
    }
    run(folder.path(), &["verify", "takes", "--audio", "in"], 0);
    fs::copy(folder.path().join("takes/a.sac"), folder.path().join("takes/b.sac")).unwrap();
    let said = run(folder.path(), &["verify", "takes", "--audio", "elsewhere"], 1).stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    fs::write(folder.path().join("empty.txt"), "").unwrap();
    run(folder.path(), &["verify", "--files-from", "empty.txt", "--audio", "elsewhere"], 0);
    assert_eq!(said.matches("elsewhere").count(), 1, "a place that is not there is told once: {said}");
}

#[test]
fn audio_that_goes_on_after_the_end_of_its_take_is_told_by_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_noise(&path("a.wav"), 16_000, 1, 8000, 1);
    run(folder.path(), &["encode", "a.wav"], 0);
    // The file has grown since, by silence, which is what a take hears after its end.
    let (samples, _) = read_wav(&path("a.wav"));
    let grown = [&samples[..], &[0.0; 4000]].concat();
    write_wav(&path("a.wav"), 16_000, &[grown]);
    let said = String::from_utf8(run(folder.path(), &["verify", "a.sac"], 3).stdout).unwrap();
    assert!(said.contains("the audio goes on for 4000 samples after the end of the take"), "{said}");
    // A take that a plugin recorded names no file: it may be of a part of the audio.
    let take = fs::read(path("a.sac")).unwrap();
    let header = Take::parse(&take).unwrap().header;
    fs::write(path("a.sac"), take_with(Header { source: None, ..header }, &take)).unwrap();
    let said = String::from_utf8(run(folder.path(), &["verify", "a.sac"], 0).stdout).unwrap();
    assert!(!said.contains("goes on"), "{said}");
}

// Where names differ by case.
#[test]
#[cfg(target_os = "linux")]
fn verify_takes_the_audio_that_the_take_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(sacodec_testing::data("speech_24k.flac"), path("a.Flac")).unwrap();
    run(folder.path(), &["encode", "a.Flac"], 0);
    write_noise(&path("a.wav"), 24_000, 2, 48_000, 1);
    fs::write(path("a.flac"), "no audio").unwrap();
    run(folder.path(), &["verify", "a.sac"], 0);
    // A name that leads elsewhere is not followed.
    let take = fs::read(path("a.sac")).unwrap();
    let mut header = Take::parse(&take).unwrap().header;
    fs::create_dir(path("in")).unwrap();
    header.source.as_mut().unwrap().name = "../a.Flac".into();
    fs::write(path("in/a.sac"), take_with(header, &take)).unwrap();
    run(folder.path(), &["verify", "in/a.sac"], 1);
    fs::copy(path("a.Flac"), path("in/a.flac")).unwrap();
    run(folder.path(), &["verify", "in/a.sac"], 0);
}

#[test]
fn what_is_there_is_skipped_only_if_it_is_what_would_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_noise(&path("a.wav"), 16_000, 2, 3000, 1);
    write_noise(&path("other.wav"), 16_000, 2, 3000, 2);
    write_noise(&path("longer.wav"), 16_000, 2, 3001, 1);
    run(folder.path(), &["encode", "a.wav"], 0);
    let take = fs::read(path("a.sac")).unwrap();
    let audio = fs::read(path("a.wav")).unwrap();
    let skipped = run(folder.path(), &["encode", "a.wav", "--skip-existing", "--json"], 0);
    assert!(lines(&skipped).is_empty() && said(&skipped).contains("1 of 1 results were there already"));
    // The same audio under another name is the same source.
    fs::copy(path("a.wav"), path("copy.wav")).unwrap();
    run(folder.path(), &["encode", "copy.wav", "a.sac", "--skip-existing"], 0);
    let mut wrong = Vec::new();
    for (other, reason) in
        [("other.wav", "with another content"), ("longer.wav", "12044 bytes, and this has 12048")]
    {
        fs::copy(path(other), path("a.wav")).unwrap();
        let output = run(folder.path(), &["encode", "a.wav", "--skip-existing"], 1);
        wrong.push((reason.to_owned(), said(&output), fs::read(path("a.sac")).unwrap() == take));
        fs::write(path("a.wav"), &audio).unwrap();
    }
    let output = run(folder.path(), &["encode", "a.wav", "--skip-existing", "--channels", "sum"], 1);
    wrong.push(("not coded with `--channels sum`".into(), said(&output), true));
    let header = Take::parse(&take).unwrap().header;
    let no_source = take_with(Header { source: None, ..header.clone() }, &take);
    let mut other_pack = header.clone();
    other_pack.pack.sha256 = "0".repeat(64);
    let other_pack = take_with(other_pack, &take);
    let mut damaged = take.clone();
    let middle = take.len() - 150;
    damaged[middle] ^= 1;
    for (bytes, reason) in [
        (b"mine".to_vec(), "could not be read"),
        (no_source, "does not tell its source"),
        (other_pack, "coded with the pack live"),
        (take[..take.len() - 5].to_vec(), "unfinished or damaged"),
        (damaged, "unfinished or damaged"),
    ] {
        fs::write(path("a.sac"), &bytes).unwrap();
        let output = run(folder.path(), &["encode", "a.wav", "--skip-existing"], 1);
        wrong.push((reason.into(), said(&output), fs::read(path("a.sac")).unwrap() == bytes));
    }
    for (reason, said, is_untouched) in wrong {
        assert!(said.contains(&reason) && said.contains("is there already and is not"), "{reason}: {said}");
        assert!(is_untouched, "{reason}: the result was touched");
    }
    run(folder.path(), &["encode", "a.wav", "--overwrite"], 0);
    assert_eq!(fs::read(path("a.sac")).unwrap(), take);
}

/// The same records after another header.
fn take_with(header: Header, take: &[u8]) -> Vec<u8> {
    let length = u32::from_le_bytes(take[12..16].try_into().unwrap()) as usize;
    let mut bytes = sacodec_take::TakeSerializer::new(header).unwrap().take_bytes();
    bytes.extend(&take[20 + length..]);
    bytes
}

#[test]
fn two_sources_of_one_name_given_to_two_tasks_of_a_cluster_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, name) in [(1, "x/a.wav"), (2, "y/a.wav")] {
        write_noise(&folder.path().join(name), 16_000, 1, 3000, seed);
    }
    let encode = |input: &str, code| {
        run(folder.path(), &["encode", input, "--output", "takes/", "--skip-existing"], code)
    };
    encode("x/a.wav", 0);
    for _ in 0..2 {
        let output = encode("y/a.wav", 1);
        assert!(said(&output).contains("is not what would be made of y/a.wav"), "{}", said(&output));
        encode("x/a.wav", 0);
    }
}

/// Every file below a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect()
}

#[test]
fn processes_that_share_a_folder_make_each_result_once() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..8 {
        write_noise(&folder.path().join(format!("in/{seed}.wav")), 16_000, 1, 16_000, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "alone"], 0);
    run(folder.path(), &["decode", "alone", "--output", "alone-decoded"], 0);
    let cases: [(&[&str], &str); 3] = [
        (&["encode", "in", "--output", "takes"], "alone"),
        (&["decode", "alone", "--output", "decoded"], "alone-decoded"),
        (&["convert", "alone", "--to", "npy,csv", "--output", "made"], ""),
    ];
    for (arguments, expected) in cases {
        let arguments = [arguments, &["--skip-existing", "--json", "--jobs", "2"]].concat();
        let start = |_| {
            let mut command = command(folder.path(), &arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..3).map(start).collect();
        let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        for output in &outputs {
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(output));
        }
        let made: usize = outputs.iter().map(|output| lines(output).len()).sum();
        assert_eq!(made, 8, "{arguments:?}: results that were made");
        let result =
            folder.path().join(arguments[arguments.iter().position(|a| *a == "--output").unwrap() + 1]);
        assert!(names(&result).iter().all(|name| !name.starts_with('.')), "{:?}", names(&result));
        if !expected.is_empty() {
            assert!(tree(&result) == tree(&folder.path().join(expected)), "{arguments:?}: other results");
        }
    }
}

#[test]
#[cfg(unix)]
fn what_a_killed_process_was_making_is_made_by_another_one() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..3 {
        write_noise(&folder.path().join(format!("in/{seed}.wav")), 16_000, 1, 16_000 * 20, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "alone"], 0);
    let arguments = ["encode", "in", "--output", "takes", "--skip-existing", "--jobs", "1"];
    let start =
        || command(folder.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let takes = folder.path().join("takes");
    let mut first = start();
    while !takes.is_dir() || !names(&takes).iter().any(|name| name.ends_with(".part")) {
        assert!(first.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    // The second waits for what the first makes, which never comes.
    let mut second = start();
    std::thread::sleep(std::time::Duration::from_millis(300));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.wait().unwrap().code(), Some(0));
    let made: Vec<_> =
        tree(&takes).into_iter().filter(|(path, _)| !path.to_string_lossy().starts_with('.')).collect();
    assert!(made == tree(&folder.path().join("alone")), "{:?}", names(&takes));
    assert!(!names(&takes).iter().any(|name| name.ends_with(".lock")), "{:?}", names(&takes));
}

//! Standard input and standard output in place of files.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sacodec_take::Take;
use sacodec_testing::wav::{Size, WavFile};
use sacodec_testing::{data, wav, write_noise};

/// Runs the command with bytes on its standard input.
#[track_caller]
fn pipe(folder: &Path, arguments: &[&str], input: &[u8], code: i32) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sacodec"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // What is refused early is not read to its end.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    output
}

#[test]
fn every_command_reads_standard_input_and_writes_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let (path, read) = (folder.path(), |name: &str| std::fs::read(folder.path().join(name)).unwrap());
    std::fs::copy(data("speech_24k.flac"), path.join("a.flac")).unwrap();
    for arguments in [
        &["encode", "a.flac"][..],
        &["decode", "a.sac", "a.wav"],
        &["convert", "a.sac", "a.npy"],
        &["repair", "a.sac", "--output", "b.sac"],
        &["roundtrip", "a.flac", "c.wav"],
    ] {
        pipe(path, arguments, &[], 0);
    }
    let (audio, take) = (read("a.flac"), read("a.sac"));
    let there = std::fs::read_dir(path).unwrap().count();
    let coded = pipe(path, &["encode", "-", "-", "--json"], &audio, 0);
    let (found, due) = (Take::parse(&coded.stdout).unwrap(), Take::parse(&take).unwrap());
    assert!(found.iter().eq(due.iter()) && found.frames() > 100, "tokens of a pipe");
    assert!(
        String::from_utf8_lossy(&coded.stderr).contains("\"frames\":"),
        "the report is on standard error"
    );
    assert_eq!(pipe(path, &["decode", "-", "-"], &take, 0).stdout, read("a.wav"));
    assert_eq!(pipe(path, &["decode", "a.sac", "-o", "-"], &[], 0).stdout, read("a.wav"));
    assert_eq!(pipe(path, &["convert", "-", "-"], &take, 0).stdout, read("a.npy"));
    assert_eq!(pipe(path, &["convert", "-", "-", "--to", "wav"], &take, 0).stdout, read("a.wav"));
    assert_eq!(pipe(path, &["repair", "-", "-"], &take, 0).stdout, read("b.sac"));
    assert_eq!(pipe(path, &["roundtrip", "-", "-"], &audio, 0).stdout, read("c.wav"));
    assert!(String::from_utf8_lossy(&pipe(path, &["info", "-"], &take, 0).stdout).contains("frames"));
    pipe(path, &["verify", "-", "a.flac"], &take, 0);
    pipe(path, &["verify", "a.sac", "-"], &audio, 0);
    assert_eq!(std::fs::read_dir(path).unwrap().count(), there, "something was written into the folder");
    pipe(path, &["encode", "-", "--output", "d.sac"], &audio, 0);
    assert!(Take::open(&path.join("d.sac")).unwrap().iter().eq(due.iter()));
}

#[test]
fn a_pipe_that_does_not_know_its_length_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let samples = sacodec_testing::noise(3, 8000, 0.2).into_iter().map(|s| (s * 32_767.0) as i16);
    let file = WavFile::new(wav::format(1, 1, 16_000, 16, 2), samples.flat_map(i16::to_le_bytes).collect());
    let honest = pipe(folder.path(), &["encode", "-", "-"], &file.bytes(), 0).stdout;
    for size in [u32::MAX, 0, 0x7FFF_F000] {
        let piped = WavFile { riff_size: Size::Is(size), data_size: Size::Is(size), ..file.clone() };
        let take = pipe(folder.path(), &["encode", "-", "-"], &piped.bytes(), 0).stdout;
        let [take, honest] = [&take, &honest].map(|bytes| Take::parse(bytes).unwrap());
        assert!(take.iter().eq(honest.iter()), "{size:#x}");
        assert_eq!(take.footer.unwrap().length_samples, Some(8000), "{size:#x}");
    }
}

#[test]
fn what_makes_no_sense_with_a_pipe_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.wav", "b.wav"] {
        write_noise(&folder.path().join(name), 16_000, 1, 800, 1);
    }
    let audio = std::fs::read(folder.path().join("a.wav")).unwrap();
    pipe(folder.path(), &["encode", "a.wav", "b.wav"], &[], 0);
    let cases: [(i32, &[&str], &str); 9] = [
        (2, &["encode", "-"], "has no name"),
        (2, &["encode", "-", "--output", "takes/"], "has no name"),
        (2, &["encode", "a.wav", "b.wav", "--output", "-"], "one result"),
        (2, &["encode", ".", "--output", "-"], "one result"),
        (2, &["convert", "a.sac", "--to", "npy,csv", "--output", "-"], "one format"),
        (2, &["roundtrip", "a.wav", "-", "--difference", "-"], "would be overwritten"),
        (1, &["decode", "-", "-"], "standard input could not be read"),
        (2, &["verify", "a.sac", "b.sac", "--audio", "-"], "audio of one take"),
        (1, &["verify", "a.sac", "-"], "standard input could not be read: it is"),
    ];
    for (code, arguments, reason) in cases {
        let input: &[u8] = if arguments[0] == "verify" { b"no audio at all" } else { &audio };
        let output = pipe(folder.path(), arguments, input, code);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(reason), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?} wrote something");
    }
}

#[test]
fn extensions_are_found_in_whatever_case() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = folder.path().join("in");
    std::fs::create_dir(&corpus).unwrap();
    std::fs::copy(data("speech_24k.flac"), corpus.join("a.Flac")).unwrap();
    write_noise(&corpus.join("b.WAV"), 16_000, 1, 8000, 1);
    write_noise(&corpus.join("c.wAv"), 16_000, 1, 8000, 2);
    pipe(folder.path(), &["encode", "in", "--output", "takes/"], &[], 0);
    let made = ["a.sac", "b.sac", "c.sac"].map(|name| folder.path().join("takes").join(name).is_file());
    assert_eq!(made, [true; 3]);
    pipe(folder.path(), &["verify", "takes", "--audio", "in"], &[], 0);
    pipe(folder.path(), &["encode", "in"], &[], 0);
    pipe(folder.path(), &["verify", "in"], &[], 0);
}

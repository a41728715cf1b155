//! Ways for a command to end early: outputs that are closed or full, signals, and files that are too large.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sacodec_testing::write_noise;

use super::takes::{command, run, tree};

/// A folder with audio and a take.
fn corpus(samples: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..3 {
        write_noise(&folder.path().join(format!("in/{seed}.wav")), 16_000, 1, samples, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "takes"], 0);
    folder
}

const COMMANDS: [&[&str]; 11] = [
    &["--help"],
    &["--version"],
    &["info"],
    &["info", "--json"],
    &["info", "takes", "--json"],
    &["bench", "--seconds", "0.1"],
    &["verify", "takes", "--audio", "in"],
    &["encode", "in", "--output", "out", "--overwrite", "--json"],
    &["decode", "takes", "--output", "out", "--overwrite"],
    &["convert", "takes", "--output", "out", "--overwrite"],
    &["roundtrip", "in/0.wav", "out.wav", "--overwrite", "--json"],
];

#[test]
fn an_output_that_nobody_reads_any_more_is_no_fault() {
    let folder = corpus(2000);
    for arguments in COMMANDS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = command(folder.path(), arguments);
        let output =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{arguments:?}");
    }
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    // Nor are errors that nobody reads; the exit code tells.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command =
        command(folder.path(), &["encode", "in", "missing.wav", "--output", "out", "--overwrite"]);
    let status = command.stdout(writer.try_clone().unwrap()).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(tree(&folder.path().join("out")).len(), 3);
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_that_has_no_room_is_said_and_the_results_are_made() {
    let folder = corpus(2000);
    for arguments in &COMMANDS[2..] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = command(folder.path(), arguments);
        let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.contains("standard output could not be written"), "{arguments:?}: {said}");
    }
    assert_eq!(tree(&folder.path().join("out")).len(), 9);
    for arguments in
        [["encode", "in/0.wav", "-"], ["decode", "takes/0.sac", "-"], ["roundtrip", "in/0.wav", "-"]]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command(folder.path(), &arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
}

/// Everything in a folder that is hidden.
fn hidden(folder: &Path) -> Vec<String> {
    // Files may go while the folder is read.
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn a_signal_at_any_moment_leaves_nothing_hidden_and_the_rest_can_be_done_later() {
    let folder = corpus(16_000 * 8);
    let commands: [&[&str]; 5] = [
        &["encode", "in", "--output", "out/encode", "--skip-existing"],
        &["decode", "takes", "--output", "out/decode", "--skip-existing"],
        &["convert", "takes", "--to", "npy,wav", "--output", "out/convert", "--skip-existing"],
        &["repair", "takes", "--output", "out/repair", "--skip-existing"],
        &["roundtrip", "in/0.wav", "out/round.wav", "--difference", "out/difference.wav", "--overwrite"],
    ];
    fs::create_dir(folder.path().join("out")).unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    for arguments in commands {
        for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("TERM", 15)] {
            let mut command = command(folder.path(), arguments);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // Most of its time it is at work on a result.
            let out = folder.path().join("out");
            while child.try_wait().unwrap().is_none() && hidden(&out).is_empty() {
                std::thread::sleep(Duration::from_millis(2));
            }
            std::thread::sleep(Duration::from_millis(random.usize(..150) as u64));
            // It may have ended before.
            let kill = format!("kill -{signal} {} 2>/dev/null", child.id());
            let _ = std::process::Command::new("sh").args(["-c", &kill]).status();
            let status = child.wait().unwrap();
            assert!(
                status.success() || status.signal() == Some(number),
                "{arguments:?}, {signal}: {status:?}"
            );
            assert_eq!(hidden(&folder.path().join("out")), [""; 0], "{arguments:?}, {signal}");
        }
        run(folder.path(), arguments, 0);
    }
    for name in ["encode", "repair"] {
        assert!(tree(&folder.path().join("out").join(name)).len() == 3, "{name}");
    }
    assert!(tree(&folder.path().join("out/encode")) == tree(&folder.path().join("takes")), "other takes");
}

#[test]
fn no_command_reads_a_take_that_is_longer_than_any_take() {
    let folder = corpus(2000);
    // It has no blocks on the disk.
    File::create(folder.path().join("long.sac")).unwrap().set_len(301 << 20).unwrap();
    for name in ["repair", "decode", "info", "convert", "verify"] {
        let said = run(folder.path(), &[name, "long.sac"], 1).stderr;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("long.sac") && said.contains("315621376"), "{name}: {said}");
    }
    let said = run(folder.path(), &["repair", "takes/0.sac", "--like", "long.sac"], 1).stderr;
    assert!(String::from_utf8_lossy(&said).contains("315621376"));
    let endless = File::open("/dev/zero").unwrap();
    let output = command(folder.path(), &["info", "-"]).stdin(endless).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input"));
}

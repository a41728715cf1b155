//! Takes where the process matters: hosts that are killed, what the environment says, two hours.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::support::instance::{ID, active, files, library, only_take, record_to, value};
use clap_host::Host;
use sacodec_take::{GapReason, Take};
use sacodec_testing::{noise, speech_48k};

#[test]
fn a_folder_that_is_a_file_is_said_and_the_take_goes_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let wrong = home.path().join("takes");
    std::fs::write(&wrong, "a file").unwrap();
    // The folders to fall back to come from the environment, which is a process's.
    let output =
        child("record_in_a_child", &wrong, &[("HOME", home.path()), ("XDG_CONFIG_HOME", home.path())])
            .output()
            .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let take = only_take(&home.path().join("Documents/SACodec"));
    assert!(take.is_whole());
    let notes = take.footer.unwrap().notes;
    assert!(notes[0].contains(wrong.to_str().unwrap()) && notes[0].contains("instead"), "{notes:?}");
}

#[test]
fn variable_and_configuration_file_name_the_folder_for_headless_hosts() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    let from_file = home.path().join("from file");
    std::fs::write(&config, format!("takes = {from_file:?}\nformats = [\"npy\"]\n")).unwrap();
    let nowhere = Path::new("");
    let by_file = child("record_in_a_child", nowhere, &[("SACODEC_CONFIG", &config)]).output().unwrap();
    assert!(by_file.status.success());
    assert_eq!((files(&from_file, "sac").len(), files(&from_file, "npy").len()), (1, 1));
    let by_variable = home.path().join("by variable");
    let variables: [(&str, &Path); 3] =
        [("SACODEC_CONFIG", &config), ("SACODEC_TAKES", &by_variable), ("SACODEC_FORMATS", Path::new("csv"))];
    assert!(child("record_in_a_child", nowhere, &variables).output().unwrap().status.success());
    let count = |e| files(&by_variable, e).len();
    assert_eq!((count("sac"), count("csv"), count("npy")), (1, 1, 0));
}

#[test]
fn a_host_that_is_killed_leaves_all_but_the_last_second() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = child("record_until_killed", folder.path(), &[]).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let part = loop {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing was recorded");
        std::thread::sleep(Duration::from_millis(20));
        if let Some(part) = files(folder.path(), "part").pop()
            && Take::open(&part).is_ok_and(|take| take.frames() >= 300)
        {
            break part;
        }
    };
    // SIGKILL: no handler runs.
    child.kill().unwrap();
    child.wait().unwrap();
    let take = Take::open(&part).unwrap();
    assert!(take.damage.is_empty() && take.footer.is_none() && take.frames() >= 300);
    let command = |name: &str| sacodec_cli::run_from(["sacodec".as_ref(), name.as_ref(), part.as_os_str()]);
    assert_eq!(command("info"), ExitCode::from(3), "it is unfinished");
    let repaired = command("repair");
    assert!([ExitCode::SUCCESS, ExitCode::from(3)].contains(&repaired), "{repaired:?}");
    let repaired = Take::open(&part.with_extension("").with_extension("repaired.sac")).unwrap();
    assert!(repaired.is_whole());
    assert_eq!(repaired.frames(), take.frames());
}

/// This very test program, running one of the tests below as a process of its own.
fn child(test: &str, folder: &Path, variables: &[(&str, &Path)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // As the test program calls it: with the modules that it is in, without the crate.
    let name = module_path!().split_once("::").map_or(test.into(), |(_, module)| format!("{module}::{test}"));
    command.args([&name, "--exact", "--nocapture", "--ignored"]).env(CHILD_FOLDER, folder);
    for name in ["SACODEC_TAKES", "SACODEC_FORMATS", "SACODEC_CONFIG"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

const CHILD_FOLDER: &str = "SACODEC_TEST_FOLDER";

fn child_host() -> Option<Host> {
    let folder = PathBuf::from(std::env::var_os(CHILD_FOLDER)?);
    let mut host = library().create_on(ID, "Child").unwrap();
    if folder.as_os_str().is_empty() {
        host.set_param("Record tokens", 1.0).unwrap();
    } else {
        record_to(&mut host, &folder, &[]);
    }
    host.activate(48_000.0, 1, 480, 1).unwrap();
    Some(host)
}

#[test]
#[ignore = "run by other tests, in a process of its own"]
fn record_in_a_child() {
    let Some(mut host) = child_host() else { return };
    host.render(&[noise(1, 48_000, 0.2)], std::iter::repeat(480)).unwrap();
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn record_until_killed() {
    let Some(mut host) = child_host() else { return };
    let audio = noise(1, 4800, 0.2);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        host.render(std::slice::from_ref(&audio), std::iter::repeat(480)).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Ten minutes on one core. Two hours through ring, thread and file are in the recorder's own tests.
#[test]
#[ignore = "takes ten minutes: cargo test --release --test takes_process two_hours -- --ignored"]
fn two_hours_through_the_whole_plugin_lose_no_frame_and_need_no_memory() {
    let resident_kb = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let speech = speech_48k();
    let mut host = active(48_000.0, 1, value::CODED);
    record_to(&mut host, folder.path(), &["npy"]);
    let minute: Vec<f32> = speech.iter().copied().cycle().take(48_000 * 60).collect();
    let mut after_ten_minutes = 0;
    for n in 0..120 {
        host.render(std::slice::from_ref(&minute), std::iter::repeat(1024)).unwrap();
        if n == 10 {
            after_ten_minutes = resident_kb();
        }
    }
    let grown_kb = resident_kb().saturating_sub(after_ten_minutes);
    println!("{after_ten_minutes} kB after ten minutes, {grown_kb} kB more after two hours");
    drop(host);
    let take = only_take(folder.path());
    assert!(take.is_whole());
    assert_eq!(take.frames(), 2 * 3600 * 75);
    assert!(take.missing().iter().all(|gap| gap.reason != GapReason::RingFull));
    assert!(grown_kb < 4096, "memory grew by {grown_kb} kB");
}

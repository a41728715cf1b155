//! The command ended by a signal while it works: no temporary file stays, and what was there does.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_take::{Anchor, Header, TakeSerializer};
use sacodec_testing::write_noise;

/// So long that no machine is done with it before it is told to end.
const SECONDS: usize = 1800;
const RATE_HZ: u32 = 8000;

fn write_take(path: &Path) {
    let model = CodecModel::embedded().unwrap();
    let mut writer = TakeSerializer::new(Header::new(&model, 1, RATE_HZ.into())).unwrap();
    writer.anchor(Anchor::default());
    for index in 0..75 * SECONDS {
        let token = TokenFrame { semantic: (index % 1000) as u16, acoustic: (index % 1024) as u16 };
        writer.frame(&[token]).unwrap();
    }
    writer.finish("test", None, Vec::new());
    std::fs::write(path, writer.take_bytes()).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until the command has begun so many results.
#[track_caller]
fn wait_for_unfinished(child: &mut Child, folder: &Path, count: usize) {
    let start = Instant::now();
    while names(folder).iter().filter(|name| name.starts_with('.')).count() < count {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself: {:?}", names(folder));
        assert!(start.elapsed() < Duration::from_secs(120), "no result was begun: {:?}", names(folder));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_leaves_what_was_there_and_no_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    for name in ["a", "b"] {
        write_noise(&input.join(name).with_extension("wav"), RATE_HZ, 1, SECONDS * RATE_HZ as usize, 1);
        write_take(&input.join(name).with_extension("sac"));
    }
    std::fs::create_dir(&output).unwrap();
    let cases: [(&[&str], &str, usize, &str, i32); 5] = [
        (&["encode", "in", "-o", "out/", "--overwrite", "--jobs", "2"], "a.sac", 2, "TERM", 15),
        (&["encode", "in/a.wav", "out/a.sac", "--overwrite"], "a.sac", 1, "INT", 2),
        (&["decode", "in", "-o", "out/", "--overwrite", "--jobs", "2"], "a.decoded.wav", 2, "TERM", 15),
        (&["decode", "in/a.sac", "out/other.wav"], "a.sac", 1, "INT", 2),
        (
            &["roundtrip", "in/a.wav", "out/a.wav", "--difference", "out/b.wav", "--overwrite"],
            "a.wav",
            2,
            "TERM",
            15,
        ),
    ];
    for (arguments, there, unfinished, signal, number) in cases {
        std::fs::write(output.join(there), "mine").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sacodec"))
            .current_dir(folder.path())
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for_unfinished(&mut child, &output, unfinished);
        let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status();
        assert!(kill.unwrap().success(), "{arguments:?}");
        assert_eq!(child.wait().unwrap().signal(), Some(number), "{arguments:?}: of what it died");
        assert_eq!(names(&output), [there], "{arguments:?}");
        assert_eq!(std::fs::read(output.join(there)).unwrap(), b"mine", "{arguments:?}");
        std::fs::remove_file(output.join(there)).unwrap();
    }
}

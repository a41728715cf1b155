//! Memory: hours of audio, long takes and hostile files take up what a second does, and the tokens of a take.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_take::{Anchor, Header, TakeSerializer};
use sacodec_testing::write_noise;

use super::takes::{command, run};

const MIB: u64 = 1 << 20;
/// What a run may take up more than another one of the same kind: pages of the program, blocks of the allocator.
const NOISE_BYTES: u64 = 6 * MIB;

/// The most memory that the command had, in bytes. It is asked when `made` is there: then the work is done, and the
/// command waits until it can say so.
#[track_caller]
fn peak_bytes(folder: &Path, arguments: &[&str], made: &str, code: i32) -> u64 {
    let made = folder.join(made);
    let (reader, mut writer) = std::io::pipe().unwrap();
    // A pipe holds no more.
    writer.write_all(&vec![b' '; 1 << 16]).unwrap();
    let mut command = command(folder, arguments);
    let mut child = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    drop(command);
    let begin = Instant::now();
    while !fs::metadata(&made).is_ok_and(|made| made.len() > 0) {
        if begin.elapsed() > Duration::from_secs(300) {
            child.kill().unwrap();
        }
        assert!(child.try_wait().unwrap().is_none(), "{arguments:?} has not made {}", made.display());
        std::thread::sleep(Duration::from_millis(2));
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_else(|| panic!("{status}"));
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments:?}");
    fs::remove_file(made).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
}

/// So many seconds of audio of which each second has as many bytes as a minute at 24 kHz.
fn write_audio(path: &Path, seconds: usize) {
    write_noise(path, 192_000, 8, 192_000 * seconds, 1);
}

#[test]
fn memory_does_not_grow_with_the_length_of_audio() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seconds) in [("short.wav", 1), ("long.wav", 20)] {
        write_audio(&folder.path().join(name), seconds);
        let encode = ["encode", name, "--channels", "left"];
        run(folder.path(), &encode, 0);
    }
    let peak = |length: &str, command: &str| {
        let (audio, take) = (format!("{length}.wav"), format!("{length}.sac"));
        let (arguments, made): (&[&str], _) = match command {
            "encode" => (&[&audio, "--overwrite", "--channels", "left", "--report", "made"], "made"),
            "roundtrip" => (&[&audio, "made.wav", "--channels", "left"], "made.wav"),
            "decode" => (&[&take, "made.wav"], "made.wav"),
            _ => (&[&take, &audio, "--report", "made"], "made"),
        };
        peak_bytes(folder.path(), &[&[command], arguments].concat(), made, 0)
    };
    for command in ["encode", "roundtrip", "decode", "verify"] {
        let (short, long) = (peak("short", command), peak("long", command));
        assert!(long < short + NOISE_BYTES, "{command}: {short} bytes for 1 s, and {long} for 20 s");
    }
}

/// A take of so many minutes.
fn write_take(path: &Path, minutes: u32) -> u64 {
    let model = CodecModel::embedded().unwrap();
    let mut writer = TakeSerializer::new(Header::new(&model, 1, 24_000.0)).unwrap();
    writer.anchor(Anchor {
        playing: true,
        new_segment: true,
        position_samples: Some(0.0),
        ..Anchor::default()
    });
    let mut random = fastrand::Rng::with_seed(minutes.into());
    let frames = 60 * 75 * minutes;
    for _ in 0..frames {
        let (semantic, acoustic) = (random.u16(..1000), random.u16(..1024));
        writer.frame(&[TokenFrame { semantic, acoustic }]).unwrap();
    }
    writer.finish("test", None, Vec::new());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, writer.take_bytes()).unwrap();
    u64::from(frames) * size_of::<TokenFrame>() as u64
}

#[test]
fn of_a_long_take_the_tokens_are_kept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_take(&path("short/a.sac"), 1);
    let tokens = write_take(&path("long/a.sac"), 300);
    let commands: [(&[&str], u64); 7] = [
        (&["info", "a.sac", "--report", "made"], 1),
        (&["compare", "a.sac", "a.sac", "--report", "made"], 2),
        (&["compare", "a.sac", "a.sac", "--report", "made", "--align", "lag", "--max-lag", "0.1"], 2),
        (&["repair", "a.sac", "-o", "made.sac"], 1),
        (&["convert", "a.sac", "made.csv", "--to", "csv"], 1),
        (&["dataset", "a.sac", "--to", "npz", "--output", "."], 1),
        (&["dataset", "a.sac", "--to", "webdataset", "--output", "."], 2),
    ];
    for (arguments, takes) in commands {
        let made = match arguments {
            [_, _, _, "npz", ..] => "tokens-00000-of-00001.npz",
            [_, _, _, "webdataset", ..] => "tokens-00000-of-00001.tar",
            [_, _, "-o", made, ..] | [_, _, made @ "made.csv", ..] => made,
            _ => "made",
        };
        let [short, long] = ["short", "long"].map(|name| peak_bytes(&path(name), arguments, made, 0));
        let most = short + takes * tokens + NOISE_BYTES;
        assert!(
            long < most,
            "{arguments:?}: {short} bytes for a minute, and {long} for five hours, of which {tokens} are tokens"
        );
    }
}

/// A file of so many bytes: `head`, and zeros after it.
fn write_zeros(path: &Path, head: &[u8], bytes: u64) {
    let mut file = File::create(path).unwrap();
    file.write_all(head).unwrap();
    file.set_len(bytes).unwrap();
}

#[test]
fn hostile_files_are_not_read_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_take(&path("a.sac"), 1);
    let take = fs::read(path("a.sac")).unwrap();
    let base = peak_bytes(folder.path(), &["info", "a.sac", "--report", "made"], "made", 0);
    // Sound frames, and then 280 MiB that are nothing.
    write_zeros(&path("zeros.sac"), &take[..take.len() - 200], 280 * MIB);
    let commands: [(&[&str], _); 2] = [
        (&["info", "zeros.sac", "--report", "made"], "made"),
        (&["repair", "zeros.sac", "-o", "made.sac", "--like", "a.sac"], "made.sac"),
    ];
    for (arguments, made) in commands {
        let peak = peak_bytes(folder.path(), arguments, made, 3);
        assert!(peak < base + NOISE_BYTES, "{arguments:?}: {peak} bytes, and {base} for a sound one");
    }
    // Audio after 200 MiB of something else, and a list of names that never ends.
    write_noise(&path("voice.wav"), 24_000, 1, 24_000, 1);
    let base = peak_bytes(folder.path(), &["encode", "voice.wav", "--report", "made"], "made", 0);
    let head = [&b"RIFF\xFF\xFF\xFF\xFFWAVELIST"[..], &(200_u32 << 20).to_le_bytes()].concat();
    write_zeros(&path("list.wav"), &head, 210 * MIB);
    write_zeros(&path("list.flac"), b"fLaC\x04\xFF\xFF\xFF", 210 * MIB);
    for name in ["list.wav", "list.flac"] {
        let peak = peak_bytes(folder.path(), &["encode", name, "--salvage", "--report", "made"], "made", 1);
        assert!(peak < base + NOISE_BYTES, "{name}: {peak} bytes, and {base} for a sound one");
    }
    run(folder.path(), &["encode", "--files-from", "/dev/zero", "--output", "out/"], 1);
}

//! The command's work on takes as a user runs it: many files, bad ones among them, exit codes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sacodec_take::Take;
use sacodec_testing::{data, read_wav, write_noise, write_wav};
use serde_json::Value;

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sacodec"));
    command.current_dir(folder).args(arguments);
    command
}

#[track_caller]
pub fn run(folder: &Path, arguments: &[&str], code: i32) -> Output {
    let output = command(folder, arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    output
}

pub fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A corpus of four files in two folders, one of which is not audio.
fn corpus() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (seed, name) in [(1, "in/a.wav"), (2, "in/b/c.wav"), (3, "in/b/d.wav")] {
        write_noise(&folder.path().join(name), 16_000, 1, 8000 + 1000 * seed as usize, seed);
    }
    std::fs::write(folder.path().join("in/b/broken.wav"), "no audio").unwrap();
    folder
}

/// Every file below a folder, with its content.
pub fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name();
    let files = entries.into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
    files.map(|e| (e.path().strip_prefix(folder).unwrap().into(), std::fs::read(e.path()).unwrap())).collect()
}

#[test]
fn one_bad_file_stops_no_other_and_the_results_are_the_same_for_any_number_of_jobs() {
    let folder = corpus();
    let mut outputs = Vec::new();
    for jobs in ["1", "2", "7"] {
        let out = format!("out{jobs}");
        let output = run(folder.path(), &["encode", "in", "--output", &out, "--jobs", jobs, "--json"], 1);
        let reports = lines(&output);
        let inputs: Vec<_> = reports.iter().map(|r| r["input"].as_str().unwrap().to_owned()).collect();
        assert_eq!(inputs, ["in/a.wav", "in/b/broken.wav", "in/b/c.wav", "in/b/d.wav"], "in order");
        assert!(reports[1]["error"].as_str().unwrap().contains("broken.wav"));
        assert_eq!(reports[2]["frames"], 47);
        assert!(String::from_utf8_lossy(&output.stderr).contains("1 of 4 files failed"));
        outputs.push(tree(&folder.path().join(&out)));
    }
    let names: Vec<_> = outputs[0].iter().map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(names, ["a.sac", "b/c.sac", "b/d.sac"], "nothing else is there");
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "results depend on the number of jobs");
}

#[test]
fn a_rate_that_cannot_be_coded_is_an_error_that_names_the_file() {
    let folder = corpus();
    write_noise(&folder.path().join("in/b/slow.wav"), 500, 1, 8000, 1);
    for arguments in
        [&["encode", "in/b", "--output", "out"][..], &["roundtrip", "in/b/slow.wav", "coded.wav"]]
    {
        let said = run(folder.path(), arguments, 1).stderr;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("in/b/slow.wav could not be coded: a sample rate of 500 Hz"), "{said}");
    }
}

#[test]
fn a_list_of_files_is_taken_from_a_file_or_from_standard_input() {
    let folder = corpus();
    std::fs::write(folder.path().join("list.txt"), "in/a.wav\n\nin/b/c.wav\n").unwrap();
    let arguments = ["encode", "--files-from", "list.txt", "--output", "out/", "--json"];
    assert_eq!(lines(&run(folder.path(), &arguments, 0)).len(), 2);
    let mut child = command(folder.path(), &["encode", "--files-from", "-", "--output", "piped/", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"in/b/d.wav\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(folder.path().join("piped/in/b/d.sac").is_file(), "{:?}", lines(&output));
    run(folder.path(), &["encode", "--files-from", "no.txt"], 1);
    run(folder.path(), &["encode"], 2);
    std::fs::write(folder.path().join("none.txt"), "").unwrap();
    run(folder.path(), &["encode", "--files-from", "none.txt", "--output", "out/"], 0);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    run(folder.path(), &["encode", "empty"], 1);
}

#[test]
fn what_is_there_is_only_replaced_when_asked_and_a_corpus_can_be_taken_up_again() {
    let folder = corpus();
    run(folder.path(), &["encode", "in/a.wav"], 0);
    let take = folder.path().join("in/a.sac");
    let first = std::fs::read(&take).unwrap();
    std::fs::write(&take, "mine").unwrap();
    let refused = run(folder.path(), &["encode", "in/a.wav"], 1);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("a.sac is there already") && said.contains("--overwrite"), "{said}");
    let skipped = run(folder.path(), &["encode", "in/a.wav", "in/b/c.wav", "--skip-existing", "--json"], 1);
    assert!(lines(&skipped)[0]["error"].as_str().unwrap().contains("is not what would be made of in/a.wav"));
    assert_eq!(std::fs::read(&take).unwrap(), b"mine");
    run(folder.path(), &["encode", "in/a.wav", "--overwrite"], 0);
    assert_eq!(std::fs::read(&take).unwrap(), first, "the same input gives the same bytes");
    let skipped = run(folder.path(), &["encode", "in/a.wav", "in/b/d.wav", "--skip-existing", "--json"], 0);
    assert_eq!(lines(&skipped).len(), 1);
    run(folder.path(), &["encode", "in/a.wav", "--overwrite", "--skip-existing"], 2);
    // Not the audio itself, not a folder, and not one result of two inputs.
    run(folder.path(), &["encode", "in/a.wav", "--output", "in/a.wav", "--overwrite"], 2);
    run(folder.path(), &["decode", "in/a.sac", "--output", "in/a.sac", "--overwrite"], 2);
    write_noise(&folder.path().join("other/a.wav"), 16_000, 1, 100, 9);
    let both = run(folder.path(), &["encode", "in/a.wav", "other/a.wav", "--output", "out/"], 1);
    assert!(String::from_utf8_lossy(&both.stderr).contains("would be made of both"));
}

#[test]
#[cfg(target_os = "linux")]
fn broken_links_and_names_that_are_no_unicode_stop_nothing() {
    use std::os::unix::ffi::OsStrExt;
    let folder = corpus();
    let odd = folder.path().join("in").join(std::ffi::OsStr::from_bytes(b"od\xffd.wav"));
    std::fs::copy(folder.path().join("in/a.wav"), &odd).unwrap();
    std::os::unix::fs::symlink("nowhere.wav", folder.path().join("in/dangling.wav")).unwrap();
    std::os::unix::fs::symlink("..", folder.path().join("in/b/loop")).unwrap();
    let output = run(folder.path(), &["encode", "in", "--output", "out/", "--json"], 1);
    let reports = lines(&output);
    let coded = reports.iter().filter(|r| r["error"].is_null()).count();
    assert_eq!((coded, reports.len()), (4, 6), "{reports:?}");
    assert_eq!(tree(&folder.path().join("out")).len(), 4);
    for command in ["decode", "verify", "info", "repair", "convert"] {
        let code = if command == "verify" { 1 } else { 0 };
        run(folder.path(), &[command, "out", "--json"], code);
    }
}

#[test]
fn results_never_take_the_name_of_what_was_coded_nor_a_wrong_one() {
    let folder = corpus();
    run(folder.path(), &["encode", "in/a.wav"], 0);
    let audio = std::fs::read(folder.path().join("in/a.wav")).unwrap();
    run(folder.path(), &["decode", "in/a.sac", "--overwrite"], 0);
    run(folder.path(), &["convert", "in/a.sac", "--to", "npy,jsonl,csv,wav", "--overwrite"], 0);
    assert_eq!(std::fs::read(folder.path().join("in/a.wav")).unwrap(), audio, "the source was overwritten");
    assert!(folder.path().join("in/a.decoded.wav").is_file() && folder.path().join("in/a.csv").is_file());
    for arguments in [["convert", "in/a.sac", "-o", "out.mp3"], ["decode", "in/a.sac", "-o", "out.npy"]] {
        let said = run(folder.path(), &arguments, 2).stderr;
        assert!(String::from_utf8_lossy(&said).contains("give the result such a name"), "{arguments:?}");
    }
}

#[test]
fn a_folder_of_takes_is_verified_against_the_folder_that_it_was_encoded_from() {
    let folder = corpus();
    std::fs::remove_file(folder.path().join("in/b/broken.wav")).unwrap();
    run(folder.path(), &["encode", "in/", "--output", "takes/"], 0);
    let reports = lines(&run(folder.path(), &["verify", "takes/", "--audio", "in", "--json"], 0));
    let equal: Vec<_> = reports.iter().map(|r| r["semantic_percent"].as_f64().unwrap()).collect();
    assert_eq!(equal, [100.0; 3]);
    // Audio without those folders.
    std::fs::create_dir(folder.path().join("flat")).unwrap();
    for name in ["a.wav", "b/c.wav", "b/d.wav"] {
        let from = folder.path().join("in").join(name);
        std::fs::copy(&from, folder.path().join("flat").join(from.file_name().unwrap())).unwrap();
    }
    run(folder.path(), &["verify", "takes/", "--audio", "flat"], 0);
    std::fs::remove_file(folder.path().join("flat/d.wav")).unwrap();
    let said = run(folder.path(), &["verify", "takes/", "--audio", "flat"], 1).stderr;
    assert!(String::from_utf8_lossy(&said).contains("flat/b/d.wav"), "{said:?}");
}

#[test]
fn verify_counts_equal_tokens_and_names_the_first_difference() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data("speech_24k.wav"), folder.path().join("voice.wav")).unwrap();
    run(folder.path(), &["encode", "voice.wav", "voice.sac"], 0);
    let whole = lines(&run(folder.path(), &["verify", "voice.sac", "--json"], 0)).remove(0);
    assert_eq!((&whole["semantic_percent"], &whole["first_difference"]), (&100.0.into(), &Value::Null));
    // A click one second in: what comes before is equal.
    let (voice, rate_hz) = read_wav(&folder.path().join("voice.wav"));
    let write = |name: &str, samples: Vec<f32>| write_wav(&folder.path().join(name), rate_hz, &[samples]);
    let mut clicked = voice.clone();
    clicked[24_000..24_400].fill(0.4);
    write("other.wav", clicked);
    let differs = lines(&run(folder.path(), &["verify", "voice.sac", "other.wav", "--json"], 3)).remove(0);
    let first = differs["first_difference"].as_u64().unwrap();
    assert!((75..80).contains(&first), "{differs}");
    assert!((50.0..100.0).contains(&differs["acoustic_percent"].as_f64().unwrap()), "{differs}");
    run(folder.path(), &["verify", "voice.sac", "other.wav", "--min-percent", "20"], 0);
    // The wrong kind of audio, and none.
    write_noise(&folder.path().join("rate.wav"), 16_000, 1, 5000, 1);
    let said = run(folder.path(), &["verify", "voice.sac", "rate.wav"], 1);
    assert!(String::from_utf8_lossy(&said.stderr).contains("16000 Hz, the take 24000 Hz"));
    run(folder.path(), &["verify", "voice.sac", "--audio", "no.wav"], 1);
    write_noise(&folder.path().join("stereo.wav"), 24_000, 2, 5000, 1);
    run(folder.path(), &["verify", "voice.sac", "stereo.wav"], 1);
    run(folder.path(), &["verify", "voice.sac", "voice.wav", "--min-percent", "101"], 2);
    // Half of the audio: the rest was not compared.
    write("half.wav", voice[..48_000].to_vec());
    run(folder.path(), &["verify", "voice.sac", "half.wav", "--min-percent", "90"], 3);
    // Audio that was recorded before the take.
    write("later.wav", [vec![0.0; 500], voice].concat());
    run(folder.path(), &["verify", "voice.sac", "later.wav", "--offset", "500"], 0);
}

#[test]
fn a_take_of_another_pack_is_refused_with_the_name_of_the_pack_it_needs() {
    let folder = corpus();
    run(folder.path(), &["encode", "in/a.wav", "a.sac"], 0);
    let bytes = std::fs::read(folder.path().join("a.sac")).unwrap();
    let digits = Take::parse(&bytes).unwrap().header.pack.sha256;
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[20..20 + length].to_vec()).unwrap();
    let other = header.replace(&digits, &"0".repeat(64));
    let mut made = bytes[..16].to_vec();
    made.extend(crc32fast::hash(&[&bytes[..16], other.as_bytes()].concat()).to_le_bytes());
    made.extend(other.as_bytes());
    made.extend(&bytes[20 + length..]);
    std::fs::write(folder.path().join("b.sac"), made).unwrap();
    for arguments in [&["decode", "b.sac", "b.wav"][..], &["verify", "b.sac", "in/a.wav"]] {
        let said = run(folder.path(), arguments, 1).stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("coded with the pack") && said.contains("000000000000"), "{said}");
    }
    run(folder.path(), &["convert", "b.sac", "b.npy"], 0);
    assert!(!folder.path().join("b.wav").exists());
}

#[test]
fn damaged_takes_are_told_repaired_and_still_converted() {
    let folder = corpus();
    write_noise(&folder.path().join("long.wav"), 24_000, 2, 24_000 * 5, 4);
    run(folder.path(), &["encode", "long.wav"], 0);
    let path = folder.path().join("long.sac");
    let sound = std::fs::read(&path).unwrap();
    let whole = Take::parse(&sound).unwrap();
    let mut damaged = sound.clone();
    let middle = sound.len() / 2;
    damaged[middle] ^= 0x10;
    std::fs::write(&path, &damaged).unwrap();
    let info = lines(&run(folder.path(), &["info", "long.sac", "--json"], 3)).remove(0);
    assert_eq!(info["missing_frames"], 75);
    assert_eq!(info["damage"].as_array().unwrap().len(), 1);
    let said = run(folder.path(), &["info", "long.sac"], 3).stdout;
    assert!(String::from_utf8_lossy(&said).contains("sacodec repair"));
    let repair = lines(&run(folder.path(), &["repair", "long.sac", "--json"], 3)).remove(0);
    assert_eq!((&repair["recovered"], &repair["gone"][0]["count"]), (&300.into(), &75.into()));
    let repaired = Take::open(&folder.path().join("long.repaired.sac")).unwrap();
    assert!(repaired.damage.is_empty() && repaired.footer.is_some());
    for (again, before) in repaired.iter().zip(whole.iter()) {
        assert!(again.is_none() || again == before);
    }
    run(folder.path(), &["convert", "long.sac", "--to", "npy,jsonl,csv,wav", "--output", "made/"], 3);
    assert_eq!(tree(&folder.path().join("made")).len(), 4);
    // A take whose host died: all but the footer.
    std::fs::write(&path, &sound[..sound.len() - 20]).unwrap();
    let said = run(folder.path(), &["info", "long.sac"], 3).stdout;
    assert!(String::from_utf8_lossy(&said).contains("unfinished"), "{}", String::from_utf8_lossy(&said));
    // Nothing is lost of what is sound; a repair of it changes nothing.
    std::fs::write(&path, &sound).unwrap();
    run(folder.path(), &["repair", "long.sac", "--output", "long.repaired.sac", "--overwrite"], 0);
    assert_eq!(std::fs::read(folder.path().join("long.repaired.sac")).unwrap(), sound);
    // A damaged header: only with the help of a sound take.
    let mut headless = sound.clone();
    headless[30] ^= 1;
    std::fs::write(&path, &headless).unwrap();
    let said = run(folder.path(), &["repair", "long.sac", "--overwrite"], 1);
    assert!(String::from_utf8_lossy(&said.stderr).contains("--like"));
    let like = ["repair", "long.sac", "--like", "long.repaired.sac", "--output", "again.sac"];
    let said = String::from_utf8(run(folder.path(), &like, 3).stdout).unwrap();
    assert!(said.contains("its header was damaged and is now that of long.repaired.sac"), "{said}");
    let again = Take::open(&folder.path().join("again.sac")).unwrap();
    assert!(again.iter().eq(whole.iter()));
    let notes = again.footer.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("the header is that of another take")), "{notes:?}");
    // A header that is sound is not replaced.
    let own = ["repair", "long.repaired.sac", "--like", "again.sac", "--output", "own.sac", "--json"];
    assert!(lines(&run(folder.path(), &own, 0))[0]["header_of"].is_null());
    // Of one that is cut in its first frames nothing is left.
    let first =
        (20..sound.len()).find(|&end| Take::parse(&sound[..end]).is_ok_and(|t| t.frames() > 0)).unwrap();
    std::fs::write(folder.path().join("cut.sac"), &sound[..first - 1]).unwrap();
    let said = run(folder.path(), &["repair", "cut.sac"], 1).stderr;
    assert!(String::from_utf8_lossy(&said).contains("cut.sac has no frame that can be read"));
    assert!(!folder.path().join("cut.repaired.sac").exists());
    for name in ["in/a.wav", "in/b/broken.wav", "in"] {
        for command in ["decode", "info", "repair", "convert"] {
            run(folder.path(), &[command, name], 1);
        }
    }
}

#[test]
fn audio_is_decoded_at_other_rates_and_from_streams_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data("speech_24k.wav"), folder.path().join("voice.wav")).unwrap();
    run(folder.path(), &["encode", "voice.wav", "voice.sac"], 0);
    let length = read_wav(&folder.path().join("voice.wav")).0.len() as u64;
    for rate_hz in [24_000_u32, 44_100, 48_000] {
        let rate = rate_hz.to_string();
        run(folder.path(), &["decode", "voice.sac", "out.wav", "--rate", &rate, "--overwrite"], 0);
        let (decoded, decoded_hz) = read_wav(&folder.path().join("out.wav"));
        let due = (length * u64::from(rate_hz) + 12_000) / 24_000;
        assert_eq!((decoded_hz, decoded.len() as u64), (rate_hz, due));
    }
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    run(folder.path(), &["decode", "voice.sac", "both.wav"], 0);
    run(folder.path(), &["decode", "voice.sac", "semantic.wav", "--streams", "semantic"], 0);
    assert_ne!(bytes("both.wav"), bytes("semantic.wav"));
    run(folder.path(), &["decode", "voice.sac", "x.wav", "--rate", "10"], 2);
}

//! `sacodec compare`: two takes, two folders, what is equal and where.

use std::fs;

use sacodec_take::Take;
use sacodec_testing::{data, read_wav, write_noise, write_wav};
use serde_json::Value;

use super::takes::{command, lines, run};

/// The clip, and the clip with a click at one second, after so many samples of silence.
fn voices(silence_samples: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut samples, rate_hz) = read_wav(&data("speech_24k.wav"));
    write_wav(&folder.path().join("voice.wav"), rate_hz, &[samples.clone()]);
    samples[24_000..24_400].fill(0.4);
    let late = [vec![0.0; silence_samples], samples].concat();
    write_wav(&folder.path().join("clicked.wav"), rate_hz, &[late]);
    run(folder.path(), &["encode", "voice.wav", "clicked.wav"], 0);
    folder
}

#[test]
fn a_change_of_the_audio_is_found_in_its_second() {
    let folder = voices(0);
    let same = lines(&run(folder.path(), &["compare", "voice.sac", "voice.sac", "--json"], 0)).remove(0);
    assert_eq!((&same["semantic_percent"], &same["first_difference"]), (&100.0.into(), &Value::Null));
    let arguments = ["compare", "voice.sac", "clicked.sac", "--by-second", "--json"];
    let other = lines(&run(folder.path(), &arguments, 3)).remove(0);
    let seconds = other["by_second"].as_array().unwrap();
    assert_eq!(
        (&seconds[0]["frames"], &seconds[0]["semantic_percent"]),
        (&75.into(), &100.0.into()),
        "{other}"
    );
    assert!(seconds[1]["acoustic_percent"].as_f64().unwrap() < 100.0, "{other}");
    let first = other["first_difference"].as_u64().unwrap();
    assert!((75..80).contains(&first), "{other}");
    let percent =
        other["semantic_percent"].as_f64().unwrap().min(other["acoustic_percent"].as_f64().unwrap());
    let enough = format!("{}", percent.floor());
    run(folder.path(), &["compare", "voice.sac", "clicked.sac", "--min-percent", &enough], 0);
    let table = run(folder.path(), &["compare", "voice.sac", "clicked.sac", "--by-second"], 3).stdout;
    let table = String::from_utf8(table).unwrap();
    assert_eq!(table.lines().count(), 2 + seconds.len(), "{table}");
    assert!(!table.contains("is late"), "{table}");
}

#[test]
fn audio_that_is_late_is_compared_at_its_lag() {
    let folder = voices(7 * 320);
    let by_place =
        lines(&run(folder.path(), &["compare", "voice.sac", "clicked.sac", "--json"], 3)).remove(0);
    assert_eq!(by_place["lag_frames"], Value::Null);
    let arguments =
        ["compare", "voice.sac", "clicked.sac", "--align", "lag", "--min-percent", "40", "--json"];
    let by_lag = lines(&run(folder.path(), &arguments, 0)).remove(0);
    assert_eq!((&by_lag["lag_frames"], &by_lag["not_compared"][0]), (&7.into(), &0.into()), "{by_lag}");
    let percent = |report: &Value| report["semantic_percent"].as_f64().unwrap();
    assert!(percent(&by_lag) > 60.0 && percent(&by_place) < 30.0, "{by_lag} {by_place}");
    let told = |further: &[&str]| {
        let line = [&["compare", "voice.sac", "clicked.sac"], further].concat();
        String::from_utf8(run(folder.path(), &line, 3).stdout).unwrap()
    };
    assert!(told(&[]).contains("`--align lag` compares audio that is late"), "{}", told(&[]));
    assert!(!told(&["--align", "lag"]).contains("is late"), "{}", told(&["--align", "lag"]));
    // The other way round, and with a search that ends before the lag.
    let back = ["compare", "clicked.sac", "voice.sac", "--align", "lag", "--json"];
    assert_eq!(lines(&run(folder.path(), &back, 3))[0]["lag_frames"], -7);
    let short = [&back[..], &["--max-lag", "0.05"]].concat();
    assert_ne!(lines(&run(folder.path(), &short, 3))[0]["lag_frames"], -7);
}

#[test]
fn folders_are_compared_by_name_and_what_only_one_has_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (seed, name) in [(1, "in/a.wav"), (2, "in/b/c.wav")] {
        write_noise(&path(name), 16_000, 1, 8000, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "x"], 0);
    run(folder.path(), &["encode", "in", "--output", "y"], 0);
    let reports = lines(&run(folder.path(), &["compare", "x", "y", "--json"], 0));
    assert_eq!(reports.len(), 3);
    assert_eq!((&reports[2]["compared"], &reports[2]["semantic_percent"]), (&2.into(), &100.0.into()));
    run(folder.path(), &["compare", "x/a.sac", "y"], 0);
    // What has no partner is told of all pairs together too.
    write_noise(&path("in/a.wav"), 16_000, 1, 4000, 1);
    run(folder.path(), &["encode", "in/a.wav", "--output", "short/a.sac"], 0);
    fs::copy(path("x/b/c.sac"), path("short/c.sac")).unwrap();
    let several = ["compare", "x/a.sac", "x/b/c.sac", "short"];
    let said = String::from_utf8(run(folder.path(), &several, 3).stdout).unwrap();
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("2 pairs: ") && last.ends_with("frames of the first have no partner"), "{said}");
    let total = lines(&run(folder.path(), &[&several[..], &["--json"]].concat(), 3)).remove(2);
    let [first, second] = [0, 1].map(|which| total["not_compared"][which].as_u64().unwrap());
    assert!(first > 10 && second == 0, "{total}");
    fs::rename(path("y/a.sac"), path("y/z.sac")).unwrap();
    let output = run(folder.path(), &["compare", "x", "y"], 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for name in ["y/a.sac", "x/z.sac"] {
        assert!(said.contains(&format!("{name} could not be opened")), "{said}");
    }
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 pairs"), "{output:?}");
}

#[test]
fn takes_of_a_list_are_compared_with_those_of_the_same_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (seed, name) in [(1, "in/a.wav"), (2, "in/b/c.wav"), (3, "in/d.wav")] {
        write_noise(&path(name), 16_000, 1, 8000, seed);
    }
    run(folder.path(), &["encode", "in", "--output", "x"], 0);
    fs::create_dir(path("y")).unwrap();
    fs::rename(path("x"), path("y/x")).unwrap();
    run(folder.path(), &["encode", "in", "--output", "x"], 0);
    fs::write(path("list.txt"), "x/a.sac\nx/b/c.sac\n").unwrap();
    let compared = |arguments: &[&str], code| {
        let reports = lines(&run(folder.path(), &[&["compare"], arguments, &["--json"]].concat(), code));
        let pairs = reports.iter().filter(|report| report["other"].is_string());
        let pair = |report: &Value| format!("{} {}", report["input"], report["other"]).replace('"', "");
        pairs.map(pair).collect::<Vec<_>>()
    };
    let listed = ["x/a.sac y/x/a.sac", "x/b/c.sac y/x/b/c.sac"];
    assert_eq!(compared(&["--files-from", "list.txt", "y"], 0), listed);
    // Absolute names keep their folders below the root.
    let absolute: String =
        ["a", "b/c"].map(|name| format!("{}\n", path(&format!("x/{name}.sac")).display())).concat();
    fs::write(path("absolute.txt"), absolute).unwrap();
    let root = path("x");
    let rooted = ["--files-from", "absolute.txt", "--root", root.to_str().unwrap(), "y/x"];
    assert_eq!(compared(&rooted, 0).len(), 2);
    assert_eq!(compared(&["x/a.sac", "x/d.sac", "y/x"], 0), ["x/a.sac y/x/a.sac", "x/d.sac y/x/d.sac"]);
    fs::remove_file(path("y/x/a.sac")).unwrap();
    assert_eq!(compared(&["--files-from", "list.txt", "y"], 1), listed[1..]);
    // A task without a share compares nothing, and does not say how much of it is equal.
    fs::write(path("empty.txt"), "").unwrap();
    let nothing = run(folder.path(), &["compare", "--files-from", "empty.txt", "y/x"], 0).stdout;
    assert_eq!(String::from_utf8(nothing).unwrap(), "0 pairs: no frame was compared\n");
    // Nothing to compare with, or a take where a folder is needed.
    run(folder.path(), &["compare", "x/a.sac"], 2);
    run(folder.path(), &["compare", "x/a.sac", "x/d.sac", "y/x/d.sac"], 2);
    run(folder.path(), &["compare", "--files-from", "list.txt", "x/a.sac"], 2);
    run(folder.path(), &["compare", "x/a.sac", "x/d.sac", "nowhere"], 1);
}

/// A take in JSON's words: the header of `like` with other fields, and its records.
fn with_header(like: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let end = 20 + u32::from_le_bytes(like[12..16].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&like[20..end]).unwrap();
    change(&mut header);
    let json = header.to_string();
    let head = [&like[..12], &(json.len() as u32).to_le_bytes()].concat();
    let crc = crc32fast::hash(&[&head[..], json.as_bytes()].concat());
    [&head[..], &crc.to_le_bytes(), json.as_bytes(), &like[end..]].concat()
}

#[test]
fn a_header_that_gives_a_pack_other_sizes_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_noise(&path("a.wav"), 16_000, 1, 8000, 1);
    run(folder.path(), &["encode", "a.wav"], 0);
    let take = fs::read(path("a.sac")).unwrap();
    fs::create_dir(path("in")).unwrap();
    // As many bits for a token, so that the records can be read.
    let small = with_header(&take, |header| {
        header["codebooks"] = serde_json::json!({ "semantic": 513, "acoustic": 513 });
    });
    fs::write(path("in/a.sac"), small).unwrap();
    fs::write(path("in/b.sac"), &take).unwrap();
    let slow = with_header(&take, |header| header["hop_samples"] = 65_536.into());
    fs::write(path("in/c.sac"), slow).unwrap();
    let stats = run(folder.path(), &["stats", "in", "--json", "--jobs", "1"], 3);
    assert_eq!(lines(&stats).iter().filter(|report| report["takes"] == 1).count(), 3, "{stats:?}");
    for other in ["in/a.sac", "in/c.sac"] {
        let said = run(folder.path(), &["compare", "a.sac", other, "--by-second"], 1).stderr;
        assert!(String::from_utf8_lossy(&said).contains("cannot be compared"), "{other}");
    }
}

#[test]
fn takes_that_have_no_token_in_common_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    write_noise(&folder.path().join("a.wav"), 16_000, 2, 8000, 1);
    run(folder.path(), &["encode", "a.wav"], 0);
    run(folder.path(), &["encode", "a.wav", "sum.sac", "--channels", "sum"], 0);
    let said = run(folder.path(), &["compare", "a.sac", "sum.sac"], 1).stderr;
    assert!(String::from_utf8_lossy(&said).contains("2 and 1 channels"));
    run(folder.path(), &["compare", "a.sac", "no.sac"], 1);
    run(folder.path(), &["compare", "a.sac", "-"], 2);
    let take = fs::File::open(folder.path().join("a.sac")).unwrap();
    assert!(command(folder.path(), &["compare", "-", "a.sac"]).stdin(take).status().unwrap().success());
}

#[test]
fn a_frame_that_is_missing_is_not_one_that_has_no_partner() {
    let folder = voices(0);
    run(folder.path(), &["lose", "voice.sac", "--loss", "20%", "-o", "lossy.sac"], 0);
    let lossy = Take::open(&folder.path().join("lossy.sac")).unwrap();
    let missing = lossy.frames() - lossy.present_frames();
    assert!(missing > 0);
    let report = lines(&run(folder.path(), &["compare", "voice.sac", "lossy.sac", "--json"], 3)).remove(0);
    assert_eq!(report["not_compared"], serde_json::json!([missing, 0]), "{report}");
    let told = run(folder.path(), &["compare", "voice.sac", "lossy.sac"], 3).stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains(&format!("{missing} frames of the first have no partner")), "{told}");
    assert!(!told.contains("of the second have no partner"), "{told}");
}

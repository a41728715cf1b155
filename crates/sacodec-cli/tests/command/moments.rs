//! The worst moments of coded audio on the command line.

use std::path::Path;

use sacodec_moments::MomentFinder;
use sacodec_testing::{read_wav, speech_24k, write_noise, write_wav};
use serde_json::Value;

use super::takes::{command, lines, run, tree};

/// A folder with a voice.
fn voice() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_wav(&folder.path().join("voice.wav"), 24_000, &[speech_24k()]);
    folder
}

fn moments(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let report = lines(&run(folder, &[&["moments", "voice.wav", "--json"], arguments].concat(), 0)).remove(0);
    report["moments"].as_array().unwrap().clone()
}

fn seconds(moments: &[Value]) -> Vec<f64> {
    moments.iter().map(|moment| moment["seconds"].as_f64().unwrap()).collect()
}

#[test]
fn the_moments_are_those_of_the_aligned_roundtrip_the_worst_first_and_half_a_second_apart() {
    let folder = voice();
    let found = moments(folder.path(), &[]);
    assert_eq!(tree(folder.path()).len(), 1, "nothing is written");
    let scores: Vec<f64> = found.iter().map(|moment| moment["score"].as_f64().unwrap()).collect();
    assert!(scores.len() > 5 && scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let mut times = seconds(&found);
    times.sort_by(f64::total_cmp);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 0.5), "{times:?}");

    run(folder.path(), &["roundtrip", "voice.wav", "coded.wav"], 0);
    let (original, coded) = (speech_24k(), read_wav(&folder.path().join("coded.wav")).0);
    let (mut finder, mut wanted) = (MomentFinder::new(24_000.0), Vec::new());
    finder.push(0, &[(&original, &coded)], &mut |moment| wanted.push(moment.sample));
    finder.finish(&mut |moment| wanted.push(moment.sample));
    let mut samples: Vec<u64> = found.iter().map(|moment| moment["sample"].as_u64().unwrap()).collect();
    samples.sort_unstable();
    assert_eq!(samples, wanted);
    assert_eq!(moments(folder.path(), &["--count", "3"]), found[..3]);
}

#[test]
fn lost_packets_are_found_where_they_are_lost() {
    let folder = voice();
    // A packet of 8 frames is lost, the 38th: 4.05 to 4.16 s.
    let trace: String = (0..400).map(|packet| if packet == 38 { '1' } else { '0' }).collect();
    std::fs::write(folder.path().join("trace.txt"), trace).unwrap();
    let loss = ["--trace", "trace.txt", "--packet", "8", "--conceal", "silence", "--count", "1"];
    let found = seconds(&moments(folder.path(), &loss));
    assert!((4.0..4.25).contains(&found[0]), "{found:?}");
    let idle = run(folder.path(), &["moments", "voice.wav", "--conceal", "repeat"], 2).stderr;
    let idle = String::from_utf8_lossy(&idle);
    assert!(idle.contains("give --loss or --trace with it"), "no option that this command lacks: {idle}");
}

#[test]
fn each_format_is_a_file_of_its_own_and_the_same_moments() {
    let folder = voice();
    let at = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    run(
        folder.path(),
        &["moments", "voice.wav", "--to", "csv,audacity,reaper,audition,json", "--count", "4"],
        0,
    );
    let list: Vec<Value> = serde_json::from_str(&at("voice.moments.json")).unwrap();
    let mut wanted = seconds(&list);
    assert_eq!(wanted.len(), 4);
    let column = |name: &str, head: usize, by: char, column: usize| -> Vec<f64> {
        let text = at(name);
        let cells = text.lines().skip(head).map(|line| line.split(by).nth(column).unwrap().to_owned());
        let seconds =
            |cell: String| cell.split(':').fold(0.0, |s, part| 60.0 * s + part.parse::<f64>().unwrap());
        cells.map(seconds).collect()
    };
    let assert_near = |found: Vec<f64>, wanted: &[f64]| {
        assert_eq!(found.len(), wanted.len());
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 0.001), "{found:?} {wanted:?}");
    };
    assert_near(column("voice.moments.csv", 1, ',', 3), &wanted);
    wanted.sort_by(f64::total_cmp);
    assert_near(column("voice.audacity.txt", 0, '\t', 0), &wanted);
    assert_near(column("voice.reaper.csv", 1, ',', 2), &wanted);
    assert_near(column("voice.audition.csv", 1, '\t', 1), &wanted);
}

#[test]
fn many_files_keep_their_folders_their_order_and_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, name) in [(1, "in/a.wav"), (2, "in/b/c.wav")] {
        write_noise(&folder.path().join(name), 16_000, 2, 20_000, seed);
    }
    std::fs::write(folder.path().join("in/b/broken.wav"), "no audio").unwrap();
    let line = ["moments", "in", "--to", "audacity", "--output", "out", "--report", "run.jsonl", "--json"];
    let reports = lines(&run(folder.path(), &line, 1));
    let inputs: Vec<_> = reports.iter().map(|report| report["input"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["in/a.wav", "in/b/broken.wav", "in/b/c.wav"]);
    assert!(reports[1]["error"].as_str().unwrap().contains("broken.wav"));
    let names: Vec<_> = tree(&folder.path().join("out")).into_iter().map(|(path, _)| path).collect();
    assert_eq!(names, [Path::new("a.audacity.txt"), Path::new("b/c.audacity.txt")]);
    let log = std::fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    assert!(log.lines().count() == 3 && log.contains("c.audacity.txt"), "{log}");

    let refused =
        command(folder.path(), &["moments", "in/a.wav", "-o", "out/", "--to", "audacity"]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is there already"));
    run(folder.path(), &["moments", "in/a.wav", "-o", "out/", "--to", "audacity", "--skip-existing"], 0);
    run(folder.path(), &["moments", "in/a.wav", "-o", "out/", "--to", "audacity,json", "--overwrite"], 0);
    assert_eq!(tree(&folder.path().join("out")).len(), 3);
}

#[test]
fn what_is_named_tells_the_format_and_silence_has_no_moments() {
    let folder = tempfile::tempdir().unwrap();
    write_wav(&folder.path().join("silent.wav"), 48_000, &[vec![0.0; 48_000]]);
    write_wav(&folder.path().join("voice.wav"), 24_000, &[speech_24k()]);
    let table = String::from_utf8(run(folder.path(), &["moments", "voice.wav"], 0).stdout).unwrap();
    assert!(table.lines().nth(1).unwrap().contains("score") && table.lines().count() > 5, "{table}");
    let silent = lines(&run(folder.path(), &["moments", "silent.wav", "--json"], 0)).remove(0);
    assert_eq!(silent["moments"], serde_json::json!([]));
    let output = run(folder.path(), &["moments", "voice.wav", "-o", "found.json"], 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("found.json"));
    assert!(std::fs::read_to_string(folder.path().join("found.json")).unwrap().starts_with('['));
    let piped = run(folder.path(), &["moments", "voice.wav", "-o", "-", "--to", "reaper"], 0);
    assert!(piped.stdout.starts_with(b"#,Name,Start,End,Length\nM1,"));

    for (line, said) in [
        (&["moments", "voice.wav", "--overwrite"][..], "--to"),
        (&["moments", "voice.wav", "--to", "csv,json", "-o", "-"], "one format"),
        (&["moments", "voice.wav", "-o", "found.mp3"], "found.mp3"),
    ] {
        let output = run(folder.path(), line, 2);
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{line:?}: {output:?}");
    }
}

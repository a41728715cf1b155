//! Pictures of every panel and state of the editor, small and large, compared with those committed.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --release -p sacodec --test plugin editor::` makes them anew: look at them before you commit.

use std::path::PathBuf;
use std::sync::Arc;

use crate::support::studio::Studio;
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotOptions, SnapshotResult, SnapshotResults};
use sacodec::editor::{Heard, Page, Tab, View};
use sacodec::{AbxResult, DEFAULT_SIZE, FileStatus, MIN_SIZE};
use sacodec_codec::SpeechStats;
use sacodec_network::LossTrace;
use sacodec_take::{ExportFormat, TakeStatus};
use sacodec_token::{Stretch, TokenFrame, TokenTrack};

/// Pixels that may differ: arithmetic of other processors may round a level of the spectrogram otherwise.
/// A digit that changes is more.
const MAX_PIXELS: usize = 8;

/// Compares both sizes of a state.
fn compare(name: &str, make: impl Fn() -> Studio) {
    compare_into(&mut SnapshotResults::new(), name, make);
}

/// The same for a test that compares several states.
fn compare_into(results: &mut SnapshotResults, name: &str, make: impl Fn() -> Studio) {
    for (suffix, size) in [("large", DEFAULT_SIZE), ("small", MIN_SIZE)] {
        results.add(compare_one(make().open(size), &format!("{name}_{suffix}")));
    }
}

fn compare_one(mut harness: Harness<Studio>, name: &str) -> SnapshotResult {
    let options = SnapshotOptions::new().threshold(1.0).max_failed_pixels(MAX_PIXELS);
    harness.try_snapshot_options(name, &options)
}

#[test]
fn before_audio_starts() {
    compare("idle", Studio::idle);
}

#[test]
fn while_speech_plays() {
    compare("playing", Studio::playing);
}

#[test]
fn the_difference_and_the_change_of_level() {
    compare("difference", || {
        let mut studio = Studio::playing();
        studio.desk.view = View::Difference;
        studio.desk.span = 225;
        studio.set("Level match", 1.0);
        studio.set("Listen", 1.0);
        studio.facts.match_gains_db = Some((1.4, -2.6));
        studio
    });
}

#[test]
fn while_a_take_is_recorded() {
    compare("recording", || {
        let mut studio = Studio::playing();
        studio.desk.tab = Tab::Record;
        studio.set("Record tokens", 1.0);
        studio.facts.track = Some("Lead Vocal".to_owned());
        studio.facts.take_formats = vec![ExportFormat::Npy, ExportFormat::Csv];
        studio.facts.takes = TakeStatus {
            recording: Some("/home/ada/Documents/SACodec/Lead Vocal_2026-11-23_002.sac.part".into()),
            frames: 5521,
            last: Some("/home/ada/Documents/SACodec/Lead Vocal_2026-11-23_001.sac".into()),
            takes: 1,
            ..TakeStatus::default()
        };
        studio
    });
}

#[test]
fn when_recording_goes_wrong() {
    compare("record_error", || {
        let mut studio = Studio::playing();
        studio.desk.tab = Tab::Record;
        studio.set("Record tokens", 1.0);
        studio.facts.takes = TakeStatus {
            recording: Some("/mnt/full/take_2026-11-23_001.sac.part".into()),
            frames: 912,
            waiting_bytes: 2048,
            lost_frames: 3,
            problem: Some(
                "/mnt/full/take_2026-11-23_001.sac.part takes no more (No space left on device): the take waits \
                 in memory, make room for it"
                    .to_owned(),
            ),
            ..TakeStatus::default()
        };
        studio
    });
}

#[test]
fn the_pack_and_its_card() {
    compare("pack", || {
        let mut studio = Studio::playing();
        studio.desk.tab = Tab::Pack;
        studio
    });
}

#[test]
fn settings_by_name_and_how_saving_went() {
    compare("presets", || {
        let mut studio = Studio::playing();
        studio.desk.page = Page::Presets;
        studio.desk.preset_path = "/home/ada/voice.json".to_owned();
        studio.facts.preset_outcome =
            Some(Err("/home/ada/voice.json is there already: press Save again to replace it".to_owned()));
        studio
    });
}

#[test]
fn a_pack_that_was_refused() {
    compare("bad_pack", || {
        let mut studio = Studio::active();
        studio.desk.tab = Tab::Pack;
        studio.facts.pack.folder = "/home/ada/packs/broken".to_owned();
        studio.facts.pack.error = Some("manifest.json: sample_rate_hz is 16000, expected 24000".to_owned());
        studio
    });
}

#[test]
fn while_a_pack_waits_for_a_restart() {
    compare("restart", || {
        let mut studio = Studio::playing();
        studio.desk.tab = Tab::Pack;
        studio.facts.pack.folder = "/home/ada/packs/large".to_owned();
        studio.facts.pack.next = Some("large 1.0.0".to_owned());
        studio.facts.awaits_restart = true;
        studio
    });
}

#[test]
fn while_packets_are_lost() {
    compare("loss", || {
        let mut studio = Studio::active();
        studio.desk.tab = Tab::Network;
        studio.set("Loss", 2.0 / 3.0);
        studio.play(8.0);
        studio
    });
}

#[test]
fn a_trace_and_one_that_is_missing() {
    let mut results = SnapshotResults::new();
    for (name, error) in [("trace", None), ("bad_trace", Some("/home/ada/wifi.txt could not be read"))] {
        compare_into(&mut results, name, || {
            let mut studio = Studio::active();
            studio.desk.tab = Tab::Network;
            studio.set("Loss", 1.0);
            let wifi = "1".repeat(203) + &"0".repeat(4309);
            studio.facts.trace = match error {
                None => FileStatus {
                    path: "/home/ada/traces/wifi.txt".into(),
                    content: Some(Arc::new(LossTrace::parse(&wifi).unwrap())),
                    error: None,
                },
                Some(error) => FileStatus { error: Some(error.into()), ..FileStatus::default() },
            };
            studio
        });
    }
}

/// A take of 20 s from 1:02.50 on, of which some is missing, of the pack with these weights.
fn played(pack: &str, sha256: [u8; 32]) -> FileStatus<TokenTrack> {
    let mut tokens = vec![Some(TokenFrame::default()); 1500];
    tokens[700..712].fill(None);
    let stretch = Stretch { begin_frames: 62.5 * 75.0, fresh_frames: None, tokens };
    let content = Some(Arc::new(TokenTrack::new(pack.into(), sha256, 1, [stretch])));
    FileStatus { path: "/home/ada/Documents/SACodec/Ada 1.sac".into(), content, error: None }
}

#[test]
fn a_take_that_is_played_and_one_that_cannot_be() {
    let mut results = SnapshotResults::new();
    let missing = FileStatus {
        path: "/home/ada/gone.sac".into(),
        content: None,
        error: Some("/home/ada/gone.sac could not be read: No such file or directory".into()),
    };
    for (name, status) in [
        ("played", played("live 0.9.0", [7; 32])),
        ("played_other_pack", played("studio 2.0.0", [8; 32])),
        ("played_missing", missing),
    ] {
        compare_into(&mut results, name, || {
            let mut studio = if name == "played" { Studio::playing_take() } else { Studio::playing() };
            studio.set("Token source", 1.0 / 3.0);
            studio.desk.tab = Tab::Network;
            studio.facts.pack.sha256 = Some([7; 32]);
            studio.facts.played = status.clone();
            studio
        });
    }
}

#[test]
fn tokens_that_are_frozen() {
    compare("frozen", || {
        let mut studio = Studio::active();
        studio.set("Freeze", 1.0);
        studio.play(6.0);
        studio.desk.tab = Tab::Network;
        studio
    });
}

#[test]
fn the_worst_moments_and_the_picture_of_one() {
    let mut results = SnapshotResults::new();
    for (name, held) in [("moments", None), ("moment_held", Some(2))] {
        compare_into(&mut results, name, || {
            let mut studio = Studio::playing();
            studio.desk.tab = Tab::Moments;
            if let Some(rank) = held {
                let number = studio.desk.scope.moments().nth(rank).unwrap().number;
                studio.desk.scope.hold_moment(number);
                let path = "/home/ada/Documents/SACodec/Lead Vocal_2026-11-23_001.reaper.csv";
                studio.facts.moments_outcome = Some(Ok(path.into()));
            }
            studio
        });
    }
}

#[test]
fn what_is_not_speech() {
    compare("not_speech", || {
        let mut studio = Studio::active();
        studio.play_chord(5.0);
        studio
    });
}

#[test]
fn what_sounds_like_two_voices() {
    compare("two_voices", || {
        let mut studio = Studio::playing();
        // A pack of which every code speaks for two voices.
        let info = studio.facts.pack.info.as_mut().unwrap();
        let [semantic, acoustic] = info.codebook_sizes().map(|size| vec![1; size]);
        let text = format!(
            r#"{{"frames": 75, "min_distinct_semantic": 1,
                "two_voices": {{"semantic": {semantic:?}, "acoustic": {acoustic:?}, "threshold": 2}}}}"#
        );
        info.speech = Some(SpeechStats::parse(text.as_bytes(), info.codebook_sizes()).unwrap());
        studio
    });
}

#[test]
fn the_engines_numbers() {
    compare("engine", || {
        let mut studio = Studio::playing();
        studio.desk.tab = Tab::Engine;
        studio.facts.nonfinite_samples = 12;
        studio.facts.dropped_snapshots = 3;
        studio
    });
}

#[test]
fn a_listening_test_before_it_runs() {
    compare("abx_idle", || {
        let mut studio = Studio::playing();
        studio.desk.page = Page::ListeningTest;
        studio
    });
}

#[test]
fn a_listening_test_while_it_runs_hides_all_that_could_tell() {
    let mut results = SnapshotResults::new();
    for x_is_coded in [false, true] {
        compare_into(&mut results, "abx_running", || {
            let mut studio = Studio::playing();
            studio.desk.page = Page::ListeningTest;
            let is_wanted = |studio: &Studio| studio.desk.abx.audition().map(|a| a.coded) == Some(x_is_coded);
            while !is_wanted(&studio) {
                studio.desk.begin_trials(&studio.facts, &studio.params);
                studio.desk.abx.hear(Heard::X);
            }
            studio
        });
    }
}

#[test]
fn a_listening_test_that_has_ended() {
    compare("abx_finished", || {
        let mut studio = Studio::playing();
        studio.desk.page = Page::ListeningTest;
        let result = |trials, correct| AbxResult {
            time: "2026-11-23T12:00:00+00:00".to_owned(),
            pack: "live 0.9.0".to_owned(),
            trials,
            correct,
            level_matched: true,
            streams: "Both".to_owned(),
            loss: String::new(),
            source: String::new(),
        };
        studio.set("Level match", 1.0);
        studio.facts.is_match_settled = true;
        studio.params.session.add_abx_result(result(10, 6));
        studio.params.session.add_abx_result(result(16, 14));
        studio.desk.abx.finished = Some(result(16, 14));
        studio
    });
}

#[test]
fn a_listening_test_that_was_disturbed_and_cannot_begin_yet() {
    compare("abx_waiting", || {
        let mut studio = Studio::playing();
        studio.desk.page = Page::ListeningTest;
        studio.set("Level match", 1.0);
        studio.facts.is_match_settled = true;
        studio.desk.begin_trials(&studio.facts, &studio.params);
        // The host begins anew: what was matched is forgotten.
        studio.facts.is_match_settled = false;
        studio
    });
}

#[test]
fn in_dual_mono() {
    compare("dual", || {
        let mut studio = Studio::active();
        studio.set("Channels", 1.0);
        studio.play_dual(8.0);
        studio
    });
}

#[test]
fn while_the_picture_is_held() {
    compare("held", || {
        let mut studio = Studio::active();
        studio.play(5.0);
        studio.desk.scope.hold(true);
        studio
    });
}

#[test]
fn while_a_pack_is_loaded_after_no_dialogue_was_to_be_had() {
    compare("pack_loading", || {
        let mut studio = Studio::playing();
        studio.desk.tab = Tab::Pack;
        studio.facts.pack.folder = "/home/ada/packs/large".to_owned();
        studio.desk.pack_folder = studio.facts.pack.folder.clone();
        studio.facts.pack.is_loading = true;
        studio.facts.pack_warning =
            Some("the system shows no dialogue for folders: type the path".to_owned());
        studio
    });
}

#[test]
fn where_the_environment_says_what_becomes_of_takes() {
    compare("record_fixed", || {
        let mut studio = Studio::playing();
        studio.desk.tab = Tab::Record;
        studio.facts.take_folder = "/data/corpora/voices/takes/2026".into();
        studio.facts.is_take_folder_fixed = true;
        studio.facts.take_formats = vec![ExportFormat::Npy, ExportFormat::Wav];
        studio.facts.are_take_formats_fixed = true;
        studio
    });
}

#[test]
fn help() {
    compare("help", || {
        let mut studio = Studio::playing();
        studio.desk.page = Page::Help;
        studio
    });
}

#[test]
fn at_one_and_a_half_the_size_nothing_is_cut() {
    let mut harness = Studio::playing().open((DEFAULT_SIZE.0 * 1.5, DEFAULT_SIZE.1 * 1.5));
    harness.get_by_label("1.5×").click();
    harness.run_steps(3);
    SnapshotResults::new().add(compare_one(harness, "zoomed"));
}

#[test]
fn what_is_under_the_pointer() {
    let mut results = SnapshotResults::new();
    for (suffix, size) in [("large", DEFAULT_SIZE), ("small", MIN_SIZE)] {
        let mut harness = Studio::playing().open(size);
        // On the right, where the words must be left of it.
        harness.hover_at(egui::pos2(0.6 * size.0, 0.4 * size.1));
        harness.run_steps(3);
        results.add(compare_one(harness, &format!("pointer_{suffix}")));
    }
}

/// The pictures are read by the README; a state without one would be a state nobody has looked at.
#[test]
fn every_committed_picture_belongs_to_a_test() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let known = [
        "idle",
        "playing",
        "difference",
        "recording",
        "record_error",
        "pack",
        "bad_pack",
        "engine",
        "moments",
        "not_speech",
        "two_voices",
        "moment_held",
        "loss",
        "trace",
        "bad_trace",
        "frozen",
        "played",
        "played_other_pack",
        "played_missing",
        "abx_idle",
        "abx_running",
        "abx_finished",
        "abx_waiting",
        "dual",
        "held",
        "pack_loading",
        "restart",
        "record_fixed",
        "help",
        "pointer",
        "presets",
        "zoomed",
    ];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let state = name.trim_end_matches(".png").trim_end_matches("_large").trim_end_matches("_small");
        let is_leftover =
            name.ends_with(".new.png") || name.ends_with(".diff.png") || name.ends_with(".old.png");
        assert!(is_leftover || known.contains(&state), "{name} belongs to no test: remove it");
    }
}

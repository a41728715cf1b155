//! Nothing on the audio thread allocates from the system, locks or calls the kernel: the whole
//! plugin in a host, under watch.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use clap_host::{ParamInfo, Processor, Transport};

use crate::support::instance::{active, record_to, value, with_field};
use crate::support::watch::{Asked, Watch};
use crate::support::{full_name, run_alone};
use sacodec_codec::CodecModel;
use sacodec_rt::counters;
use sacodec_take::{Anchor, GapReason, Header, TakeSerializer};
use sacodec_testing::{other_pack, speech_48k};
use sacodec_token::TokenFrame;

#[test]
fn the_audio_thread_asks_the_system_for_nothing_whatever_the_host_does() {
    // The counters are the process's.
    run_alone(
        the_audio_thread_asks_the_system_for_nothing_whatever_the_host_does,
        play_everything_under_watch,
    );
}

fn play_everything_under_watch() {
    let mut host = active(48_000.0, 2, value::CODED);
    let params: Vec<_> = host.params().iter().filter(|p| p.name != "Scheduling").cloned().collect();
    let pack = other_pack();
    let takes = tempfile::tempdir().unwrap();
    record_to(&mut host, takes.path(), &["npy"]);
    let state = host.save_state().unwrap();
    let trace = |text: &str| {
        let path = takes.path().join(format!("{text}.trace"));
        fs::write(&path, text).unwrap();
        serde_json::json!(path)
    };
    let other = with_field(&state, "pack", &serde_json::json!(pack.path()));
    let states = [with_field(&state, "trace", &trace("01")), with_field(&other, "trace", &trace("0010"))];
    let states =
        states.each_ref().map(|state| with_field(state, "play", &take_of_the_timeline(takes.path())));
    let mut processor = host.take_processor().unwrap();
    let (done, warm) = (AtomicBool::new(false), AtomicBool::new(false));
    let before = counters();

    let (processor, asked) = std::thread::scope(|scope| {
        let audio = scope.spawn(|| {
            let asked = play_at_random(&mut processor, &params, &done, &warm);
            (processor, asked)
        });
        while !warm.load(Ordering::Relaxed) && !audio.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // Swap packs while it plays; each swap frees the model before last.
        for swap in 0..6 {
            host.load_state(&states[(swap + 1) % 2]).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(800));
        }
        done.store(true, Ordering::Relaxed);
        audio.join().unwrap()
    });
    host.put_processor(processor);
    host.deactivate().unwrap();
    drop(host);
    let files: Vec<_> = fs::read_dir(takes.path()).unwrap().map(|e| e.unwrap().path()).collect();
    let recorded = files.iter().filter(|f| f.extension().is_some_and(|e| e == "sac")).count();
    assert!(recorded >= 6, "recording was on and every pack begins a take, found {files:?}");
    assert!(files.iter().all(|f| f.extension().is_some_and(|e| e != "part")), "unfinished: {files:?}");
    asked.was_nothing_since(before, 10_000);
}

/// A take with a frame at every place that the transport of these tests comes to, and with gaps, in `folder`: its path.
fn take_of_the_timeline(folder: &Path) -> serde_json::Value {
    let path = folder.join("played.take");
    let header = Header::new(&CodecModel::embedded().unwrap(), 1, 48_000.0);
    let mut writer = TakeSerializer::new(header).unwrap();
    for index in 0..2000_u32 {
        if index % 40 == 0 {
            // Every other stretch stands beside the grid.
            let position = f64::from(index) * 640.0 - f64::from(index % 80) * 2.0;
            writer.anchor(Anchor {
                index,
                playing: true,
                new_segment: true,
                codec_reset: index % 80 == 0,
                stream_samples: f64::from(index) * 640.0,
                position_samples: Some(position),
                ..Anchor::default()
            });
        }
        if index % 40 == 7 {
            writer.gap(1, GapReason::RingFull).unwrap();
        } else {
            let tokens = TokenFrame { semantic: (index % 1000) as u16, acoustic: (index * 7 % 1024) as u16 };
            writer.frame(&[tokens]).unwrap();
        }
    }
    writer.finish("test", None, Vec::new());
    fs::write(&path, writer.take_bytes()).unwrap();
    serde_json::json!(path)
}

/// The audio thread: blocks of any size, automation, a transport that jumps, resets and NaN, until it is `done`. Tells when it is `warm`, and
/// what it asked for from then on.
fn play_at_random(
    processor: &mut Processor,
    params: &[ParamInfo],
    done: &AtomicBool,
    warm: &AtomicBool,
) -> Asked {
    let speech = speech_48k();
    let mut watch = Watch::new();
    let mut random = fastrand::Rng::with_seed(17);
    let (mut left, mut right) = (vec![0.0; 4096], vec![0.0; 4096]);
    let mut at = 0;
    while !done.load(Ordering::Relaxed) {
        let block = random.usize(..4097);
        for sample in 0..block {
            left[sample] = speech[(at + sample) % speech.len()];
            right[sample] = if random.usize(..5000) == 0 { f32::NAN } else { 0.3 * left[sample] };
        }
        at += block;
        for param in params {
            if random.usize(..20) == 0 {
                let share = random.usize(..1001) as f64 / 1000.0;
                let offset = random.usize(..block.max(1)) as u32;
                let value = (param.min + share * (param.max - param.min)).round();
                processor.set_param_id(param.id, value, offset);
            }
        }
        if random.usize(..40) == 0 {
            // Starts, stops and jumps: the lock lets the codec begin afresh.
            let playing = random.bool();
            let position = random.usize(..1_000_000) as f64 - 1000.0;
            processor.set_transport(Some(Transport { playing, ..Transport::playing_at(position) }));
        }
        if random.usize(..400) == 0 {
            watch.over(|| processor.reset());
        }
        watch.over(|| processor.process(&mut [&mut left[..block], &mut right[..block]])).unwrap();
        assert!(left[..block].iter().chain(&right[..block]).all(|s| s.is_finite()));
        if at < 480_000 {
            watch.forgive();
        } else {
            warm.store(true, Ordering::Relaxed);
        }
    }
    watch.asked()
}

#[cfg(target_os = "linux")]
mod syscalls {
    use super::*;
    use crate::support::tracer::{calls_between_marks, mark};

    const CHILD: &str = "SACODEC_TRACED";

    #[test]
    fn the_audio_thread_makes_no_system_call_in_steady_state() {
        if std::env::var_os(CHILD).is_some() {
            play_for_the_tracer();
            return;
        }
        let name = full_name(module_path!(), "the_audio_thread_makes_no_system_call_in_steady_state");
        let calls = calls_between_marks(|mut strace| {
            strace.args([name.as_str(), "--exact", "--nocapture"]).env(CHILD, "1");
            strace
        });
        assert!(calls.is_empty(), "system calls on the audio thread: {calls:#?}");
    }

    fn play_for_the_tracer() {
        let speech = speech_48k();
        let takes = tempfile::tempdir().unwrap();
        let mut host = active(48_000.0, 2, value::CODED);
        record_to(&mut host, takes.path(), &[]);
        let played = tempfile::tempdir().unwrap();
        let state = host.save_state().unwrap();
        host.load_state(&with_field(&state, "play", &take_of_the_timeline(played.path()))).unwrap();
        let mut processor = host.take_processor().unwrap();
        let ids: Vec<_> = host
            .params()
            .iter()
            .filter(|p| {
                let watched =
                    ["Listen", "Channels", "Timeline lock", "Loss", "Concealment", "Token source", "Freeze"];
                watched.contains(&p.name.as_str())
            })
            .cloned()
            .collect();
        let processor = std::thread::spawn(move || {
            let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
            processor.set_transport(Some(Transport::playing_at(0.0)));
            for (n, block) in speech.as_chunks::<64>().0.iter().cycle().take(6000).enumerate() {
                if n == 2000 || n == 5999 {
                    mark();
                }
                left.copy_from_slice(block);
                right.copy_from_slice(block);
                if n % 500 == 499 {
                    processor.set_transport(Some(Transport::playing_at(n as f64 * 100.0)));
                }
                let param = &ids[n % ids.len()];
                processor.set_param_id(param.id, (n / 100 % (param.max as usize + 1)) as f64, 0);
                processor.process(&mut [&mut left, &mut right]).unwrap();
            }
            processor
        });
        host.put_processor(processor.join().unwrap());
        drop(host);
        assert!(fs::read_dir(takes.path()).unwrap().count() > 0, "nothing was recorded");
    }
}

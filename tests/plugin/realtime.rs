//! Nothing on the audio thread allocates from the system, locks or calls the kernel: the whole
//! plugin in a host, under watch.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::instance::{active, other_pack, record_to, value, with_field};
use crate::support::{full_name, run_alone};
use sacodec_rt::{RtPool, counters};
use sacodec_testing::speech_48k;

#[test]
fn the_audio_thread_asks_the_system_for_nothing_whatever_the_host_does() {
    // The counters are the process's.
    run_alone(
        the_audio_thread_asks_the_system_for_nothing_whatever_the_host_does,
        play_everything_under_watch,
    );
}

fn play_everything_under_watch() {
    let speech = speech_48k();
    let mut host = active(48_000.0, 2, value::CODED);
    let params: Vec<_> = host.params().iter().filter(|p| p.name != "Scheduling").cloned().collect();
    let pack = other_pack();
    let takes = tempfile::tempdir().unwrap();
    record_to(&mut host, takes.path(), &["npy"]);
    let state = host.save_state().unwrap();
    let other = with_field(&state, "pack", &serde_json::json!(pack.path()));
    let states = [state, other];
    let mut processor = host.take_processor().unwrap();
    let (done, warm) = (AtomicBool::new(false), AtomicBool::new(false));
    let before = counters();

    let watched = std::thread::scope(|scope| {
        let audio = scope.spawn(|| {
            // Whatever the plugin asks for outside its own pool is served, and counted, by this one.
            let watch = RtPool::new().unwrap();
            let mut random = fastrand::Rng::with_seed(17);
            let (mut left, mut right) = (vec![0.0; 4096], vec![0.0; 4096]);
            let mut at = 0;
            let mut asked_after_warming = watch.counters();
            while !done.load(Ordering::Relaxed) {
                let block = random.usize(..4097);
                for sample in 0..block {
                    left[sample] = speech[(at + sample) % speech.len()];
                    right[sample] = if random.usize(..5000) == 0 { f32::NAN } else { 0.3 * left[sample] };
                }
                at += block;
                for param in &params {
                    if random.usize(..20) == 0 {
                        let share = random.usize(..1001) as f64 / 1000.0;
                        let offset = random.usize(..block.max(1)) as u32;
                        processor.set_param_id(
                            param.id,
                            (param.min + share * (param.max - param.min)).round(),
                            offset,
                        );
                    }
                }
                if random.usize(..400) == 0 {
                    watch.scope(|| processor.reset());
                }
                watch.scope(|| processor.process(&mut [&mut left[..block], &mut right[..block]])).unwrap();
                assert!(left[..block].iter().chain(&right[..block]).all(|s| s.is_finite()));
                if at < 480_000 {
                    asked_after_warming = watch.counters();
                } else {
                    warm.store(true, Ordering::Relaxed);
                }
            }
            let asked = watch.counters();
            (processor, asked.served - asked_after_warming.served, asked.passed_on)
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
    let (processor, asked, passed_by_watch) = watched;
    host.put_processor(processor);
    host.deactivate().unwrap();
    drop(host);
    let files: Vec<_> = fs::read_dir(takes.path()).unwrap().map(|e| e.unwrap().path()).collect();
    let recorded = files.iter().filter(|f| f.extension().is_some_and(|e| e == "sac")).count();
    assert!(recorded >= 6, "recording was on and every pack begins a take, found {files:?}");
    assert!(files.iter().all(|f| f.extension().is_some_and(|e| e != "part")), "unfinished: {files:?}");
    let after = counters();
    println!(
        "{} requests served from pools, peak {} bytes",
        after.served - before.served,
        after.peak_bytes_live
    );
    assert!(after.served > before.served + 10_000, "the pools were not in use: nothing was tested");
    assert_eq!(after.passed_on - before.passed_on, 0, "requests passed on to the system");
    assert_eq!(after.contended_scopes - before.contended_scopes, 0, "two threads in one pool");
    assert_eq!(passed_by_watch, 0, "the watching pool was too small");
    assert_eq!(asked, 0, "requests by the audio thread outside the engine's pool");
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
        let mut processor = host.take_processor().unwrap();
        let ids: Vec<_> = host
            .params()
            .iter()
            .filter(|p| ["Listen", "Channels"].contains(&p.name.as_str()))
            .cloned()
            .collect();
        let processor = std::thread::spawn(move || {
            let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
            for (n, block) in speech.as_chunks::<64>().0.iter().cycle().take(6000).enumerate() {
                if n == 2000 || n == 5999 {
                    mark();
                }
                left.copy_from_slice(block);
                right.copy_from_slice(block);
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

//! The plugin in an in-process CLAP host: parameters, state, latency, bypass, modes, many instances.

use std::time::{Duration, Instant};

use crate::support::instance::{active, host, library, value, with_field};
use crate::support::run_alone;
use sacodec_testing::{Blocks, assert_same, noise, pack_that_says, speech_48k};

#[test]
fn a_host_reads_who_made_the_plugin_and_what_it_is() {
    let described = library().descriptions();
    let [plugin] = &described[..] else { panic!("{described:?}") };
    let texts = [&plugin.id, &plugin.name, &plugin.vendor, &plugin.version];
    assert_eq!(texts, ["org.sacodec.sacodec", "SACodec", "SACodec", env!("CARGO_PKG_VERSION")]);
    assert_eq!(plugin.description, "Hear a 1.5 kbps neural speech codec");
    assert_eq!(plugin.features, ["audio-effect", "utility", "glitch", "stereo", "mono"]);
    // There is no page yet: a host shows none rather than a wrong one.
    assert_eq!(plugin.url, "");
}

#[test]
fn every_parameter_is_there_with_its_values_in_words() {
    let mut host = host();
    type Values<'a> = &'a [(f64, &'a str)];
    let expected: [(&str, f64, Values); 21] = [
        ("Bypass", 0.0, &[(0.0, "Not Bypassed"), (1.0, "Bypassed")]),
        ("Listen", 1.0, &[(0.0, "Original"), (1.0, "Coded"), (2.0, "Difference")]),
        ("Channels", 0.0, &[(0.0, "Mono sum"), (1.0, "Left"), (2.0, "Right"), (3.0, "Dual mono")]),
        ("Streams", 0.0, &[(0.0, "Both"), (1.0, "Semantic only"), (2.0, "Acoustic only")]),
        ("Output gain", 0.5, &[(0.0, "-24.0 dB"), (0.5, "0.0 dB"), (1.0, "24.0 dB")]),
        ("Level match", 0.0, &[(0.0, "Off"), (1.0, "On")]),
        ("When rendering", 0.0, &[(0.0, "Coded"), (1.0, "Original")]),
        ("Scheduling", 0.0, &[(0.0, "Spread"), (1.0, "Burst")]),
        ("Timeline lock", 1.0, &[(0.0, "Off"), (1.0, "At start"), (2.0, "At start and jumps")]),
        ("Record tokens", 0.0, &[(0.0, "Off"), (1.0, "On")]),
        ("Record while", 0.0, &[(0.0, "Armed"), (1.0, "Playing")]),
        ("Loss", 0.0, &[(0.0, "Off"), (1.0, "Random"), (2.0, "Bursty"), (3.0, "Trace")]),
        ("Loss rate", 0.2, &[(0.0, "0.0 %"), (0.2, "10.0 %"), (1.0, "50.0 %")]),
        (
            "Mean burst",
            2.0 / 19.0,
            &[(0.0, "1.0 packet"), (2.0 / 19.0, "3.0 packets"), (1.0, "20.0 packets")],
        ),
        ("Packet", 1.0, &[(0.0, "1 frame"), (1.0, "2 frames"), (7.0, "8 frames")]),
        ("Lost streams", 0.0, &[(0.0, "Both"), (1.0, "Semantic"), (2.0, "Acoustic")]),
        ("Loss seed", 0.0, &[(0.0, "1"), (998.0, "999")]),
        ("Concealment", 2.0, &[(0.0, "Silence"), (1.0, "Repeat"), (2.0, "Fade")]),
        (
            "Token source",
            0.0,
            &[(0.0, "Input"), (1.0, "Take"), (2.0, "Take semantic"), (3.0, "Take acoustic")],
        ),
        (
            "Take shift",
            4500.0,
            &[(0.0, "-4500 frames"), (4499.0, "-1 frame"), (4500.0, "0 frames"), (9000.0, "4500 frames")],
        ),
        ("Freeze", 0.0, &[(0.0, "Off"), (1.0, "On")]),
    ];
    let names: Vec<&str> = host.params().iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, expected.map(|(name, ..)| name));
    for (name, default, texts) in expected {
        // What has no steps is shown in the host's own unit range: compare by share.
        let info = host.param(name).unwrap().clone();
        let has_steps = !["Output gain", "Loss rate", "Mean burst"].contains(&name);
        let scale = if has_steps { 1.0 } else { info.max - info.min };
        assert!((info.default - (info.min + default * scale)).abs() < 1e-6, "default of {name}");
        for &(value, text) in texts {
            let value = info.min + value * scale;
            assert_eq!(host.value_to_text(name, value).unwrap(), text, "{name} {value}");
            let parsed = host
                .text_to_value(name, text)
                .unwrap()
                .unwrap_or_else(|| panic!("{name}: {text} not understood"));
            // Texts are shares of the range in single precision on their way.
            let tolerance = 1e-6 * (info.max - info.min).max(1.0);
            assert!((parsed - value).abs() < tolerance, "{name}: {text} is {parsed}, expected {value}");
        }
    }
}

#[test]
fn remote_control_pages_offer_every_parameter_in_stereo_and_mono() {
    let mut host = host();
    let pages = host.remote_pages();
    assert_eq!(pages.len(), 4);
    let offered = |id| pages.iter().any(|page| page.params.contains(&Some(id)));
    assert!(host.params().iter().all(|p| offered(p.id)), "{pages:?}");
    let layouts: Vec<_> = host.layouts().iter().map(|l| (l.inputs, l.outputs)).collect();
    assert_eq!(layouts, [(2, 2), (1, 1)]);
    host.activate(48_000.0, 1, 64, 2).unwrap();
    host.processor().unwrap().process(&mut [&mut [], &mut []]).unwrap();
    // Some hosts send no channels at all while they bypass a plugin.
    host.processor().unwrap().process_without_ports(64).unwrap();
}

#[test]
fn the_reported_latency_is_true_to_the_sample_in_the_host() {
    for (rate_hz, channels) in [(8000.0, 1), (44_100.0, 2), (48_000.0, 2), (96_000.0, 2), (45_678.901, 1)] {
        for scheduling in [value::SPREAD, value::BURST] {
            let mut host = host();
            host.set_param("Listen", value::ORIGINAL).unwrap();
            host.set_param("Scheduling", scheduling).unwrap();
            host.activate(rate_hz, 1, 4096, channels).unwrap();
            let latency = host.latency_samples() as usize;
            assert!(latency > 0);
            let input: Vec<Vec<f32>> =
                (0..channels).map(|c| noise(c as u32 + 1, latency + 3000, 0.5)).collect();
            let out =
                host.render(&input, Blocks::Random { seed: 3, max: 4096 }.sizes(latency + 3000)).unwrap();
            for (out, input) in out.iter().zip(&input) {
                assert!(out[..latency].iter().all(|s| *s == 0.0), "sound before the latency at {rate_hz} Hz");
                assert_same(
                    &out[latency..],
                    &input[..3000],
                    0.0,
                    &format!("{rate_hz} Hz, scheduling {scheduling}"),
                );
            }
        }
    }
}

#[test]
fn changing_the_scheduling_asks_for_one_restart_and_changes_the_latency_with_it() {
    let mut host = active(48_000.0, 2, value::CODED);
    let spread = host.latency_samples();
    host.set_param("Scheduling", value::BURST).unwrap();
    let input = vec![vec![0.0; 4096]; 2];
    host.render(&input, std::iter::repeat(256)).unwrap();
    assert!(host.restart_requested(), "the plugin must ask for a restart");
    assert_eq!(host.latency_samples(), spread, "latency may only change with the restart");
    host.run_requests().unwrap();
    let burst = host.latency_samples();
    assert!(spread - burst >= 640 && spread - burst <= 642, "Spread {spread}, Burst {burst}: one hop apart");
    host.render(&input, std::iter::repeat(256)).unwrap();
    assert!(!host.restart_requested(), "no further restart");
}

#[test]
fn a_bounce_gives_the_samples_of_live_playing() {
    let speech = speech_48k()[..96_000].to_vec();
    let input = vec![speech.clone(), speech];
    let mut live = active(48_000.0, 2, value::CODED);
    let expected = live.render(&input, std::iter::repeat(64)).unwrap();
    let mut bounce = host();
    bounce.set_offline(true).unwrap();
    bounce.activate(48_000.0, 1, 16_384, 2).unwrap();
    let out = bounce.render(&input, std::iter::repeat(16_384)).unwrap();
    for (out, expected) in out.iter().zip(&expected) {
        assert_same(out, expected, 0.0, "a bounce in large blocks");
    }
}

#[test]
fn when_rendering_original_protects_a_bounce_and_nothing_else() {
    let input = vec![noise(9, 20_000, 0.3); 2];
    for offline in [false, true] {
        let mut host = host();
        host.set_offline(offline).unwrap();
        host.set_param("When rendering", 1.0).unwrap();
        host.activate(48_000.0, 1, 1024, 2).unwrap();
        let latency = host.latency_samples() as usize;
        let out = host.render(&input, std::iter::repeat(1024)).unwrap();
        let is_original = out[0][latency..] == input[0][..20_000 - latency];
        assert_eq!(is_original, offline, "offline: {offline}");
    }
}

#[test]
fn reset_makes_the_plugin_as_new() {
    let input = vec![speech_48k()[..48_000].to_vec(); 2];
    let mut host = active(48_000.0, 2, value::CODED);
    let first = host.render(&input, std::iter::repeat(480)).unwrap();
    host.processor().unwrap().reset();
    let second = host.render(&input, std::iter::repeat(777)).unwrap();
    assert_same(&second[0], &first[0], 0.0, "after reset");
}

#[test]
fn a_saved_state_loaded_and_saved_again_is_the_same_bytes() {
    let mut host = host();
    for (name, value) in
        [("Listen", 2.0), ("Channels", 3.0), ("Streams", 1.0), ("Scheduling", 1.0), ("Bypass", 1.0)]
    {
        host.set_param(name, value).unwrap();
    }
    let saved = host.save_state().unwrap();
    let mut other = crate::support::instance::host();
    other.load_state(&saved).unwrap();
    assert_eq!(other.param_value("Channels").unwrap(), 3.0);
    assert_eq!(other.save_state().unwrap(), saved);
    other.activate(44_100.0, 1, 512, 2).unwrap();
    other.load_state(&saved).unwrap();
    other.render(&[vec![0.0; 2048], vec![0.0; 2048]], std::iter::repeat(512)).unwrap();
    assert_eq!(other.save_state().unwrap(), saved);
}

#[test]
fn random_bytes_as_state_are_refused_without_harm() {
    let mut host = active(48_000.0, 2, value::CODED);
    let saved = host.save_state().unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    for length in [0, 1, 8, 100, 5000] {
        let bytes: Vec<u8> = (0..length).map(|_| random.u32(..) as u8).collect();
        assert!(host.load_state(&bytes).is_err(), "{length} random bytes were taken for a state");
    }
    for _ in 0..50 {
        let mut bytes = saved.clone();
        let at = random.usize(..bytes.len());
        bytes[at] ^= 1 << random.usize(..8);
        let _ = host.load_state(&bytes);
    }
    host.load_state(&saved).unwrap();
    host.render(&[vec![0.1; 4800], vec![0.1; 4800]], std::iter::repeat(480)).unwrap();
    assert_eq!(host.save_state().unwrap(), saved);
}

#[test]
fn a_pack_that_is_not_there_leaves_the_plugin_working_with_its_own() {
    let mut host = host();
    let state = String::from_utf8_lossy(&host.save_state().unwrap()).into_owned();
    let wrong = with_field(&host.save_state().unwrap(), "pack", &serde_json::json!("/no/such/pack"));
    assert_ne!(state.as_bytes(), wrong);
    host.load_state(&wrong).unwrap();
    host.activate(48_000.0, 1, 512, 2).unwrap();
    let out =
        host.render(&[speech_48k()[..48_000].to_vec(), vec![0.0; 48_000]], std::iter::repeat(512)).unwrap();
    assert!(out[0].iter().any(|s| s.abs() > 0.01), "the embedded pack plays on");
}

#[test]
fn a_pack_with_another_delay_asks_for_one_restart_and_plays_at_its_own_latency() {
    let mut host = active(48_000.0, 2, value::ORIGINAL);
    let (own, input) = (host.latency_samples(), vec![noise(3, 8192, 0.5); 2]);
    let pack = pack_that_says("delay_samples", |own| (own.as_u64().unwrap() + 960).into());
    let chosen = with_field(&host.save_state().unwrap(), "pack", &serde_json::json!(pack.path()));
    host.load_state(&chosen).unwrap();
    let begun = Instant::now();
    while !host.restart_requested() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the pack was not brought in");
        host.render(&input, std::iter::repeat(512)).unwrap();
        assert_eq!(host.latency_samples(), own, "latency may only change with the restart");
    }
    host.run_requests().unwrap();
    let latency = host.latency_samples() as usize;
    assert_eq!(latency, own as usize + 1920, "960 samples at 24 kHz");
    let out = host.render(&input, std::iter::repeat(512)).unwrap();
    assert_same(&out[0][latency..], &input[0][..8192 - latency], 0.0, "the original at the new latency");
    assert!(!host.restart_requested(), "no further restart");
}

/// Runs in a process of its own: threads of other tests would count.
#[test]
fn fifty_instances_on_four_threads_come_and_go_without_a_trace() {
    run_alone(fifty_instances_on_four_threads_come_and_go_without_a_trace, fifty_instances);
}

fn fifty_instances() {
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let library = library();
    drop(library.create(crate::support::instance::ID));
    let mut before = None;
    for round in 0..20 {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(round * 4 + thread + 1);
                    let library = crate::support::instance::library();
                    let mut hosts: Vec<_> = (0..12 + thread / 2)
                        .map(|_| library.create(crate::support::instance::ID).unwrap())
                        .collect();
                    for host in &mut hosts {
                        let rate_hz = [44_100.0, 48_000.0, 96_000.0][random.usize(..3)];
                        host.activate(rate_hz, 1, 512, 1 + random.usize(..2)).unwrap();
                    }
                    for host in &mut hosts {
                        for _ in 0..3 {
                            host.set_param("Listen", random.usize(..3) as f64).unwrap();
                            host.set_param("Channels", random.usize(..4) as f64).unwrap();
                            let mut block = [vec![0.1; 512], vec![-0.1; 512]];
                            let mut slices: Vec<&mut [f32]> = block.iter_mut().map(|c| &mut c[..]).collect();
                            let processor = host.processor().unwrap();
                            // A mono instance takes the first channel.
                            let channels = processor.channels();
                            processor.process(&mut slices[..channels]).unwrap();
                        }
                    }
                    while !hosts.is_empty() {
                        drop(hosts.swap_remove(random.usize(..hosts.len())));
                    }
                });
            }
        });
        if round == 1 {
            before = Some(threads());
        }
    }
    // The kernel lists a thread a moment longer than it runs.
    let (before, start) = (before.unwrap(), Instant::now());
    while threads() > before {
        let after = threads();
        let waited = start.elapsed() < Duration::from_secs(60);
        assert!(waited, "{before} threads after two rounds, {after} after twenty");
        std::thread::sleep(Duration::from_millis(5));
    }
}

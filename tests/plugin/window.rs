//! The editor in a real window, on a screen of its own.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap_host::{ClapId, EditorWindow, Host, ParamEvent, Processor, Screenshot};

use sacodec_rt::counters;

use crate::support::instance::{self, active, host, value};
use crate::support::screen::{TestScreen, on_a_screen, open, until};
use crate::support::tracer::{calls_between_marks, mark};
use crate::support::watch::Watch;

// Where things are, in pixels from the editor's top left corner.
/// A click here sets Listen to Original.
const LISTEN_ORIGINAL: (i32, i32) = (80, 86);
/// From one value's button to the next.
const LISTEN_STEP: i32 = 128;
/// Left, top, width and height of what shows Listen's value.
const LISTEN_VALUE: (u32, u32, u32, u32) = (18, 68, 384, 36);
/// The smallest size that the editor accepts.
const SMALLEST: (u32, u32) = (640, 420);

const ROUNDS: usize = 200;
/// Rounds until the allocator, Mesa and the fonts have what they keep.
const WARM_ROUNDS: usize = 50;
/// Growth of memory in kB a round that is not ours: baseview 0.4.2 keeps the keymap of each window that it opens,
/// some 95 kB, and Mesa some 8 kB of a driver's options.
const GROWTH_KB: f64 = 130.0;

/// What the process holds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    rss_kb: usize,
    threads: usize,
    files: usize,
}

impl Held {
    fn now() -> Self {
        let count = |folder: &str| fs::read_dir(folder).unwrap().count();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let rss_kb = rss.trim().trim_end_matches(" kB").parse().unwrap();
        Self { rss_kb, threads: count("/proc/self/task"), files: count("/proc/self/fd") }
    }
}

#[test]
fn the_editor_opens_and_closes_two_hundred_times_without_leaking() {
    on_a_screen(|screen| {
        let mut host = host();
        let before = Held::now();
        let mut rss_kb = Vec::new();
        for round in 1..=ROUNDS {
            let (window, mut picture) = open(&mut host, screen);
            for listen in [value::ORIGINAL, value::DIFFERENCE, value::CODED] {
                host.set_param("Listen", listen).unwrap();
                picture = changed(&mut host, &window, &picture, "the window showed another value");
            }
            host.close_editor();
            drop(window);
            // The kernel lists a thread a moment longer than it runs.
            let closed = until(&mut host, "all threads and files of a closed editor were gone", |_| {
                let now = Held::now();
                (now.threads <= before.threads && now.files <= before.files).then_some(now)
            });
            if round >= WARM_ROUNDS && round % 10 == 0 {
                println!("after {round} rounds {closed:?}");
                rss_kb.push(closed.rss_kb as f64);
            }
        }
        // The median over all pairs: what each round adds, and not how the allocator grows by steps.
        let points = || rss_kb.iter().enumerate();
        let pairs = points().flat_map(|first| points().skip(first.0 + 1).map(move |second| (first, second)));
        let mut growth_kb: Vec<f64> =
            pairs.map(|((i, first), (j, second))| (second - first) / (10 * (j - i)) as f64).collect();
        growth_kb.sort_by(f64::total_cmp);
        let per_round_kb = growth_kb[growth_kb.len() / 2];
        println!("{per_round_kb:.0} kB more after each round");
        assert!(per_round_kb <= GROWTH_KB, "{per_round_kb:.0} kB more after each round: a leak");
    });
}

/// The window's thread takes OpenGL down; a program that ends meanwhile pulls the driver from under it.
#[test]
fn a_host_that_closes_the_editor_and_ends_at_once_does_not_crash() {
    on_a_screen(|screen| {
        if screen.is_again {
            let mut host = host();
            open(&mut host, screen);
            host.close_editor();
            std::process::exit(0);
        }
        for round in 0..15 {
            let status = screen.again(this_program()).status().unwrap();
            assert!(status.success(), "round {round}: {status}");
        }
    });
}

#[test]
fn a_closed_editor_has_taken_everything_down() {
    on_a_screen(|screen| {
        let mut host = host();
        for round in 0..20 {
            let (window, _) = open(&mut host, screen);
            host.close_editor();
            assert_eq!(
                window.editor_size().unwrap(),
                None,
                "round {round}: the editor's window is still there"
            );
        }
    });
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// Waits until Listen's value looks otherwise than in `before`.
#[track_caller]
fn changed(host: &mut Host, window: &EditorWindow, before: &Screenshot, what: &str) -> Screenshot {
    until(host, what, |_| {
        let now = window.screenshot().unwrap();
        (now.changed_in(before, LISTEN_VALUE) > 0).then_some(now)
    })
}

#[test]
fn the_window_can_be_resized_and_reopened_at_its_size() {
    on_a_screen(|screen| {
        let mut host = host();
        let (window, _) = open(&mut host, screen);
        let first = window.size().unwrap();
        assert_eq!(host.editor_size().unwrap(), first, "the editor told its host another size than it took");
        let (width, height) = (first.0 + 160, first.1 + 90);
        for (asked, granted) in [
            ((width, height), (width, height)),
            ((1, 1), SMALLEST),
            ((SMALLEST.0 + 33, 1), (SMALLEST.0 + 33, SMALLEST.1)),
            ((width, height), (width, height)),
        ] {
            assert_eq!(host.resize_editor(asked.0, asked.1).unwrap(), granted, "asked for {asked:?}");
            until(&mut host, "the editor filled the resized window", |_| fills(&window, granted));
            assert_eq!(host.editor_size().unwrap(), granted, "what the editor says of its size");
        }
        assert_eq!(host.calls().editor_resizes, 0, "the editor asked for another size than it was given");
        host.close_editor();
        assert_eq!(host.editor_size().unwrap(), (width, height), "the size that the closed editor says");
        let (window, _) = open(&mut host, screen);
        until(&mut host, "the editor came back at its size", |_| fills(&window, (width, height)));
        let mut other = instance::host();
        assert_eq!(other.editor_size().unwrap(), first, "another instance begins with its own size");
    });
}

/// Whether host's window and editor have this size and nothing of the host's is to be seen.
fn fills(window: &EditorWindow, size: (u32, u32)) -> Option<()> {
    let picture = window.screenshot().unwrap();
    let editor = window.editor_size().unwrap();
    (picture.size() == size && editor == Some(size) && picture.is_drawn()).then_some(())
}

#[test]
fn a_click_on_a_parameter_begins_and_ends_a_gesture_in_the_host() {
    on_a_screen(|screen| {
        for (playing, fast) in [(false, false), (true, false), (false, true), (true, true)] {
            println!("playing: {playing}, press and release within one frame: {fast}");
            let mut host = if playing { active(48_000.0, 2, value::CODED) } else { host() };
            let id = host.param("Listen").unwrap().id;
            let (window, coded) = open(&mut host, screen);
            let flushes = host.calls().flushes;
            let mut events = Vec::new();
            let listen = |host: &mut Host, events: &mut Vec<ParamEvent>| {
                if playing {
                    host.process(&mut [&mut [0.0; 64], &mut [0.0; 64]]).unwrap();
                } else if host.calls().flushes > flushes {
                    host.flush().unwrap();
                }
                let new = host.take_param_events();
                new.iter().for_each(|event| println!("{event:?}"));
                events.extend(new);
            };
            window.press(LISTEN_ORIGINAL.0, LISTEN_ORIGINAL.1).unwrap();
            if !fast {
                until(&mut host, "the window showed what was clicked, the button still down", |host| {
                    listen(host, &mut events);
                    (window.screenshot().unwrap().changed_in(&coded, LISTEN_VALUE) > 0).then_some(())
                });
            }
            window.release().unwrap();
            until(&mut host, "a click ended its gesture", |host| {
                listen(host, &mut events);
                events.last().is_some_and(|event| matches!(event, ParamEvent::GestureEnd(_))).then_some(())
            });
            let (begin, values) = events.split_first().unwrap();
            assert_eq!(*begin, ParamEvent::GestureBegin(id), "{events:?}");
            let values = &values[..values.len() - 1];
            let set = ParamEvent::Value(id, value::ORIGINAL);
            assert!(!values.is_empty() && values.iter().all(|event| *event == set), "{events:?}");
            assert_eq!(events.last(), Some(&ParamEvent::GestureEnd(id)), "{events:?}");
            assert_eq!(host.param_value("Listen").unwrap(), value::ORIGINAL);
        }
    });
}

#[test]
fn a_change_from_the_host_shows_in_the_window() {
    on_a_screen(|screen| {
        for playing in [false, true] {
            let mut host = if playing { active(48_000.0, 2, value::CODED) } else { host() };
            let (window, coded) = open(&mut host, screen);
            let set = |host: &mut Host, value| {
                host.set_param("Listen", value).unwrap();
                if playing {
                    host.process(&mut [&mut [0.0; 64], &mut [0.0; 64]]).unwrap();
                }
            };
            set(&mut host, value::DIFFERENCE);
            changed(&mut host, &window, &coded, "the window showed what the host had set");
            set(&mut host, value::CODED);
            until(&mut host, "the window showed the first value as at first", |_| {
                (window.screenshot().unwrap().changed_in(&coded, LISTEN_VALUE) == 0).then_some(())
            });
        }
    });
}

/// The framework then asks for a frame, and waits for an answer that it is not told of.
#[test]
fn a_window_that_gets_a_key_before_it_is_shown_draws_itself() {
    on_a_screen(|screen| {
        let mut host = host();
        for _ in 0..5 {
            let early_key = |window: &EditorWindow| {
                window.send_key('h'.into())?;
                // Until the editor has asked.
                std::thread::sleep(Duration::from_millis(200));
                Ok(())
            };
            let window = host.open_editor_after(&screen.screen, early_key).unwrap();
            until(&mut host, "the editor drew itself", |_| {
                window.screenshot().unwrap().is_drawn().then_some(())
            });
            host.close_editor();
        }
    });
}

/// A host that destroys its window has destroyed the editor's with it, which hears of nothing any more.
#[test]
fn a_host_that_destroys_its_window_before_it_closes_the_editor_is_not_kept_waiting() {
    on_a_screen(|screen| {
        let mut host = host();
        for _ in 0..5 {
            let (window, _) = open(&mut host, screen);
            window.destroy();
            std::thread::sleep(Duration::from_millis(50));
            let start = Instant::now();
            host.close_editor();
            assert!(start.elapsed() < Duration::from_secs(5), "closing took {:?}", start.elapsed());
        }
    });
}

/// Hosts hide their own window around the editor, and some never close it.
#[test]
fn a_window_of_which_nothing_is_seen_draws_nothing_until_it_is_seen_again() {
    on_a_screen(|screen| {
        let mut host = active(48_000.0, 2, value::CODED);
        let (window, _) = open(&mut host, screen);
        let mut other = None;
        let mut block = 0;
        let mut frames = |host: &mut Host| {
            let play = || {
                for _ in 0..40 {
                    let (mut left, mut right) = (tone(block), tone(block));
                    host.process(&mut [&mut left, &mut right]).unwrap();
                    block += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
            };
            window.frames_while(play).unwrap()
        };
        for how in ["the host hides its window", "the host hides the editor", "another window lies over it"] {
            println!("{how}");
            let mut set_visible = |host: &mut Host, is_visible: bool| match how {
                "the host hides its window" if is_visible => window.show().unwrap(),
                "the host hides its window" => window.hide().unwrap(),
                "the host hides the editor" => host.set_editor_visible(is_visible).unwrap(),
                _ if is_visible => other = None,
                _ => {
                    let mut over = instance::host();
                    open(&mut over, screen);
                    other = Some(over);
                }
            };
            until(&mut host, "the editor drew what was playing", |host| (frames(host) > 2).then_some(()));
            set_visible(&mut host, false);
            until(&mut host, "the editor drew no more", |host| (frames(host) == 0).then_some(()));
            for _ in 0..3 {
                assert_eq!(frames(&mut host), 0, "{how}: it draws what nobody sees");
            }
            set_visible(&mut host, true);
            until(&mut host, "the editor drew again", |host| (frames(host) > 2).then_some(()));
            let picture = window.screenshot().unwrap();
            let listen = host.param_value("Listen").unwrap();
            host.set_param("Listen", if listen == value::CODED { value::ORIGINAL } else { value::CODED })
                .unwrap();
            frames(&mut host);
            changed(&mut host, &window, &picture, "the window showed what was set since");
        }
    });
}

/// A block of a tone.
fn tone(block: usize) -> [f32; 480] {
    std::array::from_fn(|n| 0.3 * ((block * 480 + n) as f32 * 0.03).sin())
}

/// Plays a tone through the instance's audio half, Listen changing every half second of it.
struct Player {
    processor: Processor,
    listen: ClapId,
    block: usize,
}

impl Player {
    fn new(host: &mut Host) -> Self {
        let listen = host.param("Listen").unwrap().id;
        Self { processor: host.take_processor().unwrap(), listen, block: 0 }
    }

    /// The next 480 samples, in a call of `watch`.
    fn play(&mut self, watch: impl FnOnce(&mut dyn FnMut())) {
        let (mut left, mut right) = (tone(self.block), tone(self.block));
        if self.block.is_multiple_of(50) {
            self.processor.set_param_id(self.listen, (self.block / 50 % 3) as f64, 7);
        }
        watch(&mut || {
            self.processor.process(&mut [&mut left, &mut right]).unwrap();
        });
        self.block += 1;
    }
}

/// The user at work: waits for the window to show what is playing and clicks, some times over.
fn use_editor(host: &mut Host, window: &EditorWindow, mut picture: Screenshot) {
    for click in 0..10 {
        picture = changed(host, window, &picture, "the window showed what is playing");
        window.click(LISTEN_ORIGINAL.0 + LISTEN_STEP * (click % 3), LISTEN_ORIGINAL.1).unwrap();
    }
}

#[test]
fn the_audio_thread_asks_the_system_for_no_memory_with_the_editor_open() {
    on_a_screen(|screen| {
        let mut host = active(48_000.0, 2, value::CODED);
        let (window, picture) = open(&mut host, screen);
        let mut player = Player::new(&mut host);
        let (done, warm) = (AtomicBool::new(false), AtomicBool::new(false));
        let before = counters();
        let (player, asked) = std::thread::scope(|scope| {
            let audio = scope.spawn(|| {
                let mut watch = Watch::new();
                while !done.load(Ordering::Relaxed) {
                    player.play(|play| watch.over(play));
                    if player.block < 200 {
                        watch.forgive();
                    } else {
                        warm.store(true, Ordering::Relaxed);
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                let asked = watch.asked();
                (player, asked)
            });
            until(&mut host, "the audio thread was warm", |_| {
                (warm.load(Ordering::Relaxed) || audio.is_finished()).then_some(())
            });
            use_editor(&mut host, &window, picture);
            done.store(true, Ordering::Relaxed);
            audio.join().unwrap()
        });
        host.put_processor(player.processor);
        assert!(!host.take_param_events().is_empty(), "no click reached the audio thread: little was tested");
        drop(host);
        asked.was_nothing_since(before, 1000);
    });
}

#[test]
fn the_audio_thread_neither_waits_nor_calls_the_kernel_with_the_editor_open() {
    on_a_screen(|screen| {
        if screen.is_again {
            play_for_the_tracer(screen);
            return;
        }
        let mut calls = calls_between_marks(|strace| screen.again(strace));
        // Where the clock is a system call, the load that the window shows costs two a block. They never wait.
        calls.retain(|call| !call.trim_start().starts_with("clock_gettime"));
        assert!(calls.is_empty(), "system calls on the audio thread: {calls:#?}");
    });
}

fn play_for_the_tracer(screen: &TestScreen) {
    let mut host = active(48_000.0, 2, value::CODED);
    let (window, picture) = open(&mut host, screen);
    let mut player = Player::new(&mut host);
    let (done, warm) = (AtomicBool::new(false), AtomicBool::new(false));
    let player = std::thread::scope(|scope| {
        let audio = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if player.block == 200 {
                    mark();
                    warm.store(true, Ordering::Relaxed);
                }
                player.play(|play| play());
            }
            mark();
            player
        });
        until(&mut host, "the audio thread was warm", |_| {
            (warm.load(Ordering::Relaxed) || audio.is_finished()).then_some(())
        });
        use_editor(&mut host, &window, picture);
        done.store(true, Ordering::Relaxed);
        audio.join().unwrap()
    });
    host.put_processor(player.processor);
    assert!(!host.take_param_events().is_empty(), "no click reached the audio thread: little was tested");
}

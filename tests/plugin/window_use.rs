//! The editor in use, in a real window of an instance that plays: what the host hears of it.

use clap_host::{EditorWindow, Host, ParamEvent, Screenshot};

use crate::support::instance::{active, value};
use crate::support::screen::{on_a_screen, open, until};

// Where things are, in pixels from the editor's top left corner.
const GAIN: (i32, i32) = (390, 494);
/// Left, top, width and height of what shows the gain.
const GAIN_VALUE: (u32, u32, u32, u32) = (344, 483, 160, 24);
const ABX: (i32, i32) = (830, 27);
const SCALE_1: (i32, i32) = (649, 19);
const SCALE_1_5: (i32, i32) = (684, 19);
const SCALE_2: (i32, i32) = (720, 19);
const LISTEN_ORIGINAL: (i32, i32) = (72, 78);
const LISTEN_CODED: (i32, i32) = (190, 78);

// Keys that are not letters, as X11 names them.
const RETURN: u32 = 0xff0d;
const ESCAPE: u32 = 0xff1b;

const RATE_HZ: usize = 48_000;
const BLOCK_SAMPLES: usize = 480;
/// Trials of a test, unless the user wants another number.
const TRIALS: usize = 10;

#[test]
fn an_editor_that_closes_in_mid_drag_ends_the_gesture_and_opens_again() {
    on_a_screen(|screen| {
        let mut host = active(RATE_HZ as f64, 1, value::CODED);
        let id = host.param("Output gain").unwrap().id;
        let (window, before) = open(&mut host, screen);
        let mut events = Vec::new();
        drag_gain(&mut host, &window, &before, &mut events);
        assert!(!events.contains(&ParamEvent::GestureEnd(id)), "{events:?}");
        host.close_editor();
        until(&mut host, "a closed editor ended its gesture", |host| {
            host.process(&mut [&mut [0.0; BLOCK_SAMPLES]]).unwrap();
            events.extend(host.take_param_events());
            (events.last() == Some(&ParamEvent::GestureEnd(id))).then_some(())
        });
        window_released(&window);
        assert_eq!(events.first(), Some(&ParamEvent::GestureBegin(id)), "{events:?}");
        let ends = events.iter().filter(|event| matches!(event, ParamEvent::GestureEnd(_))).count();
        assert_eq!(ends, 1, "{events:?}");
        let set = host.param_value("Output gain").unwrap();
        open(&mut host, screen);
        assert_eq!(host.param_value("Output gain").unwrap(), set, "the drag's last value stays");
    });
}

#[test]
fn a_host_that_destroys_the_plugin_in_mid_drag_does_not_crash() {
    on_a_screen(|screen| {
        for _ in 0..5 {
            let mut host = active(RATE_HZ as f64, 1, value::CODED);
            let (window, before) = open(&mut host, screen);
            drag_gain(&mut host, &window, &before, &mut Vec::new());
            drop(host);
            window_released(&window);
        }
    });
}

/// Drags Output gain until the window and the host know, and leaves the button down.
fn drag_gain(host: &mut Host, window: &EditorWindow, before: &Screenshot, events: &mut Vec<ParamEvent>) {
    window.press(GAIN.0, GAIN.1).unwrap();
    let mut step = 0;
    until(host, "the gain followed the pointer", |host| {
        step += 1;
        window.point(GAIN.0 + 5 + step % 20, GAIN.1).unwrap();
        host.process(&mut [&mut [0.0; BLOCK_SAMPLES]]).unwrap();
        events.extend(host.take_param_events());
        let is_shown = window.screenshot().unwrap().changed_in(before, GAIN_VALUE) > 0;
        (is_shown && events.iter().any(|event| matches!(event, ParamEvent::Value(..)))).then_some(())
    });
}

/// The button is the screen's: it would still be down in the next test.
fn window_released(window: &EditorWindow) {
    window.release().unwrap();
}

#[test]
fn keys_that_are_not_the_editors_stay_the_hosts_after_a_click_into_it() {
    on_a_screen(|screen| {
        const SPACE: u32 = 0x20;
        const R: u32 = 0x72;
        const LAST: u32 = 0x7a;
        let mut host = active(RATE_HZ as f64, 1, value::CODED);
        let (window, _) = open(&mut host, screen);
        window.click(LISTEN_CODED.0, LISTEN_CODED.1).unwrap();
        // The host's own keys, and among them one of ours, until that does what it is for.
        let mut reached = Vec::new();
        until(&mut host, "the key 1 chose the original", |host| {
            for key in [u32::from(b'1'), SPACE, R, RETURN] {
                window.key(key).unwrap();
            }
            host.process(&mut [&mut [0.0; BLOCK_SAMPLES]]).unwrap();
            (host.param_value("Listen").unwrap() == value::ORIGINAL).then_some(())
        });
        until(&mut host, "space, R and Return reached the host", |_| {
            reached.extend(window.host_keys().unwrap());
            [SPACE, R, RETURN].iter().all(|key| reached.contains(key)).then_some(())
        });
        // Once this one is there, so is all that was pressed before.
        window.key(LAST).unwrap();
        until(&mut host, "all keys reached the host", |_| {
            window.host_keys().unwrap().contains(&LAST).then_some(())
        });
        window.key(b'1'.into()).unwrap();
        window.key(SPACE).unwrap();
        let reached = until(&mut host, "space reached the host again", |_| {
            let keys = window.host_keys().unwrap();
            (!keys.is_empty()).then_some(keys)
        });
        assert_eq!(reached, [SPACE], "the editor's own keys are not the host's");
    });
}

#[test]
fn a_click_into_the_editor_brings_the_keyboard_though_the_window_manager_gives_it_to_the_host() {
    on_a_screen(|screen| {
        let mut host = active(RATE_HZ as f64, 1, value::CODED);
        let (window, _) = open(&mut host, screen);
        let answers = |host: &mut Host, has_keyboard: bool, why: &str| {
            until(host, why, |_| (window.editor_has_keyboard().unwrap() == has_keyboard).then_some(()));
        };
        // Before the editor hears of the click, which is over the pointer and told of the host's keyboard.
        window.point(LISTEN_CODED.0, LISTEN_CODED.1).unwrap();
        window.take_keyboard().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        window.click(LISTEN_CODED.0, LISTEN_CODED.1).unwrap();
        answers(&mut host, true, "the click brought the keyboard");
        // After it.
        window.take_keyboard().unwrap();
        answers(&mut host, true, "the editor took the keyboard back");
        // Who clicks elsewhere means it.
        window.click(LISTEN_CODED.0, LISTEN_CODED.1).unwrap();
        window.point(1200, 900).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        window.take_keyboard().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!window.editor_has_keyboard().unwrap(), "the editor took the keyboard from the host");
    });
}

#[test]
fn a_listening_test_by_keys_plays_a_b_and_x_in_the_host_and_its_result_is_in_the_session() {
    on_a_screen(|screen| {
        // Listen is overridden while it runs, and heard again after it.
        let mut host = active(RATE_HZ as f64, 1, value::ORIGINAL);
        let latency_samples = host.latency_samples() as usize;
        let mut listener = Listener { latency_samples, input: Vec::new(), output: Vec::new() };
        let (window, main_page) = open(&mut host, screen);
        listener.begin_test(&mut host, &window, &main_page);
        for trial in 1..=TRIALS {
            listener.take_trial(&mut host, &window, trial);
        }
        let results = until(&mut host, "the test ended with a result", |host| {
            listener.play(host);
            let results = results(host);
            (!results.is_empty()).then_some(results)
        });
        // An answer too many, and then back.
        for key in [u32::from(b'1'), ESCAPE] {
            window.key(key).unwrap();
        }
        assert_eq!(results.len(), 1);
        assert_eq!((&results[0]["correct"], &results[0]["trials"]), (&TRIALS.into(), &TRIALS.into()));
        until(&mut host, "Listen was heard again", |host| {
            listener.play(host);
            (listener.heard() == Some(Heard::Original)).then_some(())
        });
        assert_eq!(window.host_keys().unwrap(), [0; 0], "a key of the test reached the host");
        until(&mut host, "on the main page Escape is the host's", |_| {
            window.key(ESCAPE).unwrap();
            window.host_keys().unwrap().contains(&ESCAPE).then_some(())
        });
    });
}

/// Hosts hide their own window around the editor, and some never close it.
#[test]
fn a_listening_test_whose_window_is_hidden_leaves_the_sound_to_the_host_until_it_is_shown_again() {
    on_a_screen(|screen| {
        let mut host = active(RATE_HZ as f64, 1, value::CODED);
        let latency_samples = host.latency_samples() as usize;
        let mut listener = Listener { latency_samples, input: Vec::new(), output: Vec::new() };
        let (window, main_page) = open(&mut host, screen);
        listener.begin_test(&mut host, &window, &main_page);
        let hears = |listener: &mut Listener, host: &mut Host, what: Heard, when: &str| {
            until(host, when, |host| {
                listener.play(host);
                (listener.heard() == Some(what)).then_some(())
            });
            listener.settle(host);
            assert_eq!(listener.heard(), Some(what), "{when}, and then no more");
        };
        hears(&mut listener, &mut host, Heard::Original, "the test played A");
        window.hide().unwrap();
        hears(
            &mut listener,
            &mut host,
            Heard::Coded,
            "Listen was heard while nothing is to be seen of the test",
        );
        host.set_param("Listen", value::ORIGINAL).unwrap();
        hears(&mut listener, &mut host, Heard::Original, "automation of Listen was heard");
        host.set_param("Listen", value::CODED).unwrap();
        hears(&mut listener, &mut host, Heard::Coded, "automation of Listen was heard again");
        window.show().unwrap();
        hears(&mut listener, &mut host, Heard::Original, "the test went on with A");
        assert_eq!(results(&mut host).len(), 0);
    });
}

/// The results of listening tests in the instance's state.
fn results(host: &mut Host) -> Vec<serde_json::Value> {
    let state: serde_json::Value = serde_json::from_slice(&host.save_state().unwrap()[8..]).unwrap();
    let field = state["fields"]["abx"].as_str().unwrap();
    serde_json::from_str(field).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Heard {
    Original,
    Coded,
}

/// Knows what went in and what came out.
struct Listener {
    latency_samples: usize,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Listener {
    /// Plays a block of two tones.
    fn play(&mut self, host: &mut Host) {
        let tone = |n: usize| 0.2 * (n as f32 * 0.03).sin() + 0.1 * (n as f32 * 0.0771).sin();
        let start = self.input.len();
        let mut block: [f32; BLOCK_SAMPLES] = std::array::from_fn(|n| tone((start + n) % RATE_HZ));
        self.input.extend(block);
        host.process(&mut [&mut block]).unwrap();
        self.output.extend(block);
    }

    /// Begins a listening test, and plays until its first choice has had its pause.
    fn begin_test(&mut self, host: &mut Host, window: &EditorWindow, main_page: &Screenshot) {
        window.click(ABX.0, ABX.1).unwrap();
        let idle = until(host, "the page of the test was shown", |host| {
            self.play(host);
            let now = window.screenshot().unwrap();
            // More than the button under the pointer.
            (now.changed(main_page) > 100_000).then_some(now)
        });
        // The page fills the window in one frame, and the picture may be half of it.
        std::thread::sleep(std::time::Duration::from_millis(100));
        window.key(RETURN).unwrap();
        until(host, "the test began", |host| {
            self.play(host);
            (window.screenshot().unwrap().changed(&idle) > 10_000).then_some(())
        });
        // The test's own first choice has its pause too.
        self.settle(host);
    }

    /// Plays three tenths of a second: longer than pause, fades and what is judged together.
    fn settle(&mut self, host: &mut Host) {
        for _ in 0..30 {
            self.play(host);
        }
    }

    /// What is heard once a choice's pause, which hides it from the listener, has passed.
    fn after_the_pause(&mut self, host: &mut Host) -> Heard {
        let asked = self.output.len();
        let is_pause = |samples: &[f32]| samples.iter().all(|sample| *sample == 0.0);
        let pause_samples = RATE_HZ / 50;
        until(host, "the choice of a source was heard as a pause", |host| {
            self.play(host);
            self.output[asked..].windows(pause_samples).any(is_pause).then_some(())
        });
        self.settle(host);
        self.heard().expect("neither original nor coded was heard after the pause")
    }

    /// Listens to A, B and X by their keys, and answers.
    fn take_trial(&mut self, host: &mut Host, window: &EditorWindow, trial: usize) {
        let mut heard = |key: u8| {
            window.key(key.into()).unwrap();
            self.after_the_pause(host)
        };
        assert_eq!(heard(b'a'), Heard::Original, "A in trial {trial}");
        assert_eq!(heard(b'b'), Heard::Coded, "B in trial {trial}");
        let answer = match heard(b'x') {
            Heard::Original => b'1',
            Heard::Coded => b'2',
        };
        assert_eq!(results(host).len(), 0, "after {} of {TRIALS} trials", trial - 1);
        window.key(answer.into()).unwrap();
        if trial < TRIALS {
            // A choice of its own, whose pause must not be taken for that of the next key.
            assert_eq!(self.after_the_pause(host), Heard::Original, "the trial after {trial}");
        }
    }

    /// What was heard in the last tenth of a second, if it was one of the two.
    fn heard(&self) -> Option<Heard> {
        let end = self.output.len();
        let start = end.checked_sub(RATE_HZ / 10)?;
        let delayed = &self.input[start.checked_sub(self.latency_samples)?..end - self.latency_samples];
        let now = &self.output[start..];
        let is_original = now.iter().zip(delayed).all(|(out, original)| (out - original).abs() < 1e-6);
        let is_steady = now.chunks(BLOCK_SAMPLES).all(|part| part.iter().any(|s| s.abs() > 1e-3));
        match (is_original, is_steady) {
            (true, _) => Some(Heard::Original),
            (false, true) => Some(Heard::Coded),
            _ => None,
        }
    }
}

#[test]
fn a_larger_scale_asks_the_host_for_a_larger_window() {
    on_a_screen(|screen| {
        let mut host = active(RATE_HZ as f64, 1, value::CODED);
        let (window, _) = open(&mut host, screen);
        let (width, height) = window.size().unwrap();
        window.click(SCALE_1_5.0, SCALE_1_5.1).unwrap();
        let larger = (width * 3 / 2, height * 3 / 2);
        until(&mut host, "the window grew by a half", |_| (window.size().unwrap() == larger).then_some(()));
        listens_to_a_click(&mut host, &window, LISTEN_ORIGINAL, 1.5, value::ORIGINAL);
        assert_eq!(host.editor_size().unwrap(), larger);
        window.click(larger.0 as i32 - from_right(SCALE_1, 1.5), scaled(SCALE_1.1, 1.5)).unwrap();
        until(&mut host, "the window shrank again", |_| {
            (window.size().unwrap() == (width, height)).then_some(())
        });
        listens_to_a_click(&mut host, &window, LISTEN_CODED, 1.0, value::CODED);
    });
}

#[test]
fn a_larger_scale_takes_the_room_it_has_where_the_host_keeps_the_windows_size() {
    on_a_screen(|screen| {
        let mut host = active(RATE_HZ as f64, 1, value::CODED);
        let (window, _) = open(&mut host, screen);
        let size = window.size().unwrap();
        host.refuse_editor_sizes();
        window.click(SCALE_2.0, SCALE_2.1).unwrap();
        until(&mut host, "the editor asked for more room", |host| {
            (host.calls().editor_resizes > 0).then_some(())
        });
        // 560 pixels for at least 420 points.
        listens_to_a_click(&mut host, &window, LISTEN_ORIGINAL, 1.3, value::ORIGINAL);
        assert_eq!((window.size().unwrap(), host.editor_size().unwrap()), (size, size));
        let asked = host.calls().editor_resizes;
        assert_eq!(asked, 1, "the editor asked again for what was refused");
        // The user drags it larger.
        let larger = host.resize_editor(1280, 840).unwrap();
        listens_to_a_click(&mut host, &window, LISTEN_CODED, 2.0, value::CODED);
        assert_eq!((window.size().unwrap(), host.editor_size().unwrap()), (larger, larger));
        let smaller = host.resize_editor(640, 420).unwrap();
        listens_to_a_click(&mut host, &window, LISTEN_ORIGINAL, 1.0, value::ORIGINAL);
        assert_eq!((window.size().unwrap(), host.editor_size().unwrap()), (smaller, smaller));
        assert_eq!(host.calls().editor_resizes, asked, "a change of scale asked for another size");
    });
}

/// Clicks where this button of Listen is at this scale until the parameter has the value.
fn listens_to_a_click(host: &mut Host, window: &EditorWindow, at: (i32, i32), scale: f32, listen: f64) {
    let mut clicks = 0;
    until(host, &format!("Listen followed a click at scale {scale}"), |host| {
        clicks += 1;
        // It may still be drawn at another scale, where something else is here.
        if clicks % 40 == 1 {
            window.click(scaled(at.0, scale), scaled(at.1, scale)).unwrap();
        }
        host.process(&mut [&mut [0.0; BLOCK_SAMPLES]]).unwrap();
        (host.param_value("Listen").unwrap() == listen).then_some(())
    });
}

fn scaled(points: i32, scale: f32) -> i32 {
    (points as f32 * scale).round() as i32
}

/// Pixels from the right edge, where the header's buttons keep their place.
fn from_right(at: (i32, i32), scale: f32) -> i32 {
    scaled(900 - at.0, scale)
}

//! Tests with a window: each alone in a process of its own, one at a time, on an X server of this program's own.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap_host::{EditorWindow, Host, Screen, Screenshot, Xvfb};
use parking_lot::Mutex;

use super::{alone, name_of};

/// Far more than anything takes that is awaited: only what never comes reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells a process that a test starts that it is that one.
const AGAIN: &str = "SACODEC_TEST_AGAIN";

/// The screen of a test.
pub struct TestScreen {
    pub screen: Arc<Screen>,
    /// The test started this process by [`TestScreen::again`].
    pub is_again: bool,
    test: String,
}

impl TestScreen {
    /// `program`, which is this one or is to start it, with the test on the same screen.
    pub fn again(&self, mut program: Command) -> Command {
        program.args([&self.test, "--exact", "--nocapture"]).env(AGAIN, "1");
        program
    }
}

/// Runs a test in a process of its own, whose screen it has for itself: there is one pointer.
#[track_caller]
pub fn on_a_screen<F: FnOnce(&TestScreen)>(test: F) {
    static TURN: Mutex<()> = Mutex::new(());
    let name = name_of(&test);
    let is_mine = alone(&name, |program| {
        let turn = TURN.lock();
        let server = Xvfb::start().unwrap_or_else(|e| panic!("{e}"));
        let output = server.show(program).output();
        drop(turn);
        output
    });
    if is_mine {
        let display = std::env::var("DISPLAY").unwrap();
        let screen = Screen::connect(&display).unwrap_or_else(|e| panic!("Xvfb does not answer: {e}"));
        test(&TestScreen {
            screen: Arc::new(screen),
            is_again: std::env::var_os(AGAIN).is_some(),
            test: name,
        });
    }
}

/// Does `step` until it gives something, and the plugin's requests meanwhile.
#[track_caller]
pub fn until<T>(host: &mut Host, what: &str, mut step: impl FnMut(&mut Host) -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        host.run_requests().unwrap();
        if let Some(result) = step(host) {
            return result;
        }
        assert!(start.elapsed() < PATIENCE, "in {} s it did not happen that {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Opens the editor and waits for its first picture.
#[track_caller]
pub fn open(host: &mut Host, screen: &TestScreen) -> (EditorWindow, Screenshot) {
    let window = host.open_editor(&screen.screen).unwrap();
    let picture = until(host, "the editor drew itself", |_| {
        let picture = window.screenshot().unwrap();
        picture.is_drawn().then_some(picture)
    });
    (window, picture)
}

//! A screen of the tests' own: one Xvfb for all tests of a process, never the user's desktop.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use clap_host::{EditorWindow, Host, Screen, Screenshot};

/// Far more than anything takes that is awaited: only what never comes reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names the screen that a test lends, to the process that it starts.
const SCREEN: &str = "SACODEC_TEST_SCREEN";

/// The screen, for one test at a time: there is one pointer, and the process is measured.
pub struct OwnScreen {
    pub screen: Arc<Screen>,
    /// Whether this process runs one test alone, on the screen of the one that started it.
    pub is_lent: bool,
    /// What it is called, such as `:99`.
    name: String,
    _alone: MutexGuard<'static, ()>,
}

impl OwnScreen {
    /// `program`, which is this one or is to start it, with one test alone on this screen.
    pub fn lend_to(&self, mut program: Command, test: &str) -> Command {
        program.args([test, "--exact", "--nocapture"]).env(SCREEN, &self.name);
        program
    }
}

/// The screen of this process, or of the test that started it. `DISPLAY` names it from then on.
pub fn own_screen() -> OwnScreen {
    static ALONE: Mutex<()> = Mutex::new(());
    static OWN: OnceLock<(String, Arc<Screen>)> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (name, screen) = OWN.get_or_init(|| {
        let name = std::env::var(SCREEN).unwrap_or_else(|_| start());
        let screen = Screen::connect(&name).unwrap_or_else(|e| panic!("Xvfb does not answer: {e}"));
        // SAFETY: every test of the process begins by waiting for this; no other thread of it reads the
        // environment yet.
        unsafe {
            std::env::set_var("DISPLAY", &name);
            std::env::remove_var("XAUTHORITY");
            std::env::remove_var("WAYLAND_DISPLAY");
        }
        (name, Arc::new(screen))
    });
    let is_lent = std::env::var_os(SCREEN).is_some();
    OwnScreen { screen: screen.clone(), is_lent, name: name.clone(), _alone: alone }
}

/// Starts Xvfb and gives its name. It ends with its last connection: the one that `own_screen` makes
/// stays to the end of this process, however that ends.
fn start() -> String {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp", "-terminate"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| {
            panic!("Xvfb is needed to show the editor (Debian: apt install xvfb libgl1-mesa-dri): {e}")
        });
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
    if number.trim().is_empty() {
        let mut complaints = String::new();
        server.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        panic!("Xvfb did not start: {complaints}");
    }
    // Its complaints go where nobody reads them, rather than stop it when the pipe is full.
    std::thread::spawn(move || {
        let mut complaints = server.stderr.take().unwrap();
        std::io::copy(&mut complaints, &mut std::io::sink()).and_then(|_| server.wait())
    });
    format!(":{}", number.trim())
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
pub fn open(host: &mut Host, screen: &OwnScreen) -> (EditorWindow, Screenshot) {
    let window = host.open_editor(&screen.screen).unwrap();
    let picture = until(host, "the editor drew itself", |_| {
        let picture = window.screenshot().unwrap();
        picture.is_drawn().then_some(picture)
    });
    (window, picture)
}

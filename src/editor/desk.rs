//! The window's own state: what it remembers while it lives, and between two openings of it.

use super::abx::{Abx, Conditions};
use super::maps::Maps;
use super::strip::Strip;
use crate::params::SacodecParams;
use crate::status::Facts;
use sacodec_scope::{LoadReading, Scope};

/// What fills the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Spectra, meters and panels.
    Main,
    /// The listening test.
    ListeningTest,
    /// Settings by name.
    Presets,
    /// What this is.
    Help,
}

/// What the two spectrograms show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Original and coded.
    Pair,
    /// Their difference as it is heard, and the change of level.
    Difference,
}

/// Columns across the spectrograms, and their name.
pub const SPANS: [(usize, &str); 3] = [(225, "3 s"), (450, "6 s"), (900, "12 s")];

/// The panel beside the spectra.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Use of the codebooks.
    Codes,
    /// Takes.
    Record,
    /// The model pack.
    Pack,
    /// A lossy network.
    Network,
    /// The worst moments.
    Moments,
    /// The engine's own numbers.
    Engine,
}

/// Frames of the window between two looks at the load: sorting thousands of numbers each frame shows nothing more.
const LOAD_REFRESH_FRAMES: u32 = 8;

/// Everything the window remembers while it lives, and between two openings of it.
pub struct Desk {
    /// What is shown of the sound.
    pub scope: Scope,
    /// What fills the window.
    pub page: Page,
    /// What the spectrograms show.
    pub view: View,
    /// Columns across the view.
    pub span: usize,
    /// The panel beside the spectra.
    pub tab: Tab,
    /// The listening test.
    pub abx: Abx,
    /// Draws the test's X.
    pub random: fastrand::Rng,
    /// The time of day, RFC 3339.
    pub clock: fn() -> String,
    /// What is under the pointer, in words.
    pub hovered: String,
    /// The edited name of takes.
    pub take_name: String,
    /// The edited folder of takes.
    pub take_folder: String,
    /// The edited folder of a pack.
    pub pack_folder: String,
    /// The edited path of a file of settings.
    pub preset_path: String,
    /// The edited path of a loss trace.
    pub trace_path: String,
    /// The edited path of a take to be played.
    pub played_path: String,
    /// The host was told that Output gain is being dragged.
    pub gain_gesture: bool,
    pub(super) strips: [Strip; 2],
    pub(super) lanes: Strip,
    pub(super) maps: Maps,
    load: LoadReading,
    load_age_frames: u32,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            page: Page::Main,
            view: View::Pair,
            span: SPANS[1].0,
            tab: Tab::Codes,
            abx: Abx::default(),
            random: fastrand::Rng::new(),
            clock: || jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            hovered: String::new(),
            take_name: String::new(),
            take_folder: String::new(),
            pack_folder: String::new(),
            preset_path: String::new(),
            trace_path: String::new(),
            played_path: String::new(),
            gain_gesture: false,
            strips: [Strip::default(), Strip::default()],
            lanes: Strip::default(),
            maps: Maps::default(),
            load: LoadReading::default(),
            load_age_frames: 0,
        }
    }
}

impl Desk {
    /// Forgets what belongs to a window that is gone.
    pub fn forget_textures(&mut self) {
        self.strips.iter_mut().for_each(Strip::forget);
        self.lanes.forget();
        self.maps.forget();
    }

    /// Shows another page. How the last listening test ended is not told twice.
    pub fn turn_to(&mut self, page: Page) {
        self.abx.put_away();
        self.page = page;
    }

    /// Begins a listening test of what is set now.
    pub fn begin_trials(&mut self, facts: &Facts, params: &SacodecParams) {
        self.abx.start(&mut self.random, Conditions::of(facts, params));
    }

    /// Frames in view of which something is lost, and all frames in view.
    pub(super) fn lost_frames(&self) -> (usize, usize) {
        let columns = &self.scope.columns;
        let shown = columns.written().saturating_sub(self.span as u64)..columns.written();
        let frames = shown.filter_map(|number| columns.get(number)).filter(|column| column.frame.is_some());
        frames.fold((0, 0), |(lost, all), column| (lost + usize::from(column.lost.any()), all + 1))
    }

    /// The load, worked out now and then.
    pub fn load(&self) -> LoadReading {
        self.load
    }

    /// Works the load out now and then; to be called once a frame.
    pub(super) fn refresh_load(&mut self) {
        if self.load_age_frames == 0 {
            self.load = self.scope.load.reading();
        }
        self.load_age_frames = (self.load_age_frames + 1) % LOAD_REFRESH_FRAMES;
    }
}

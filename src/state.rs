//! All that a session keeps besides parameters. What it says of any of these may be anything: the types
//! check it.

mod abx;
mod window;

use std::sync::Arc;

use nice_plug::prelude::*;
use parking_lot::Mutex;

use super::chosen_file::FileChoice;
use super::packs::PackChoice;
use super::status::Status;
use sacodec_network::LossTrace;
use sacodec_take::settings::SessionChoice;
use sacodec_token::TokenTrack;

pub use abx::{AbxHistory, AbxResult, TRIALS, p_value};
pub use window::{DEFAULT_SIZE, MIN_SIZE, WindowChoice};

/// What a session keeps besides parameters.
#[derive(Params)]
pub struct SessionState {
    /// Folder of the model pack; empty for the one the plugin carries.
    #[persist = "pack"]
    pub pack: PackChoice,
    /// Path of the loss trace; empty for none.
    #[persist = "trace"]
    pub trace: FileChoice<LossTrace>,
    /// Path of the take that is played; empty for none.
    #[persist = "play"]
    pub played: FileChoice<TokenTrack>,
    /// Where takes go and what they are exported as; empty where the machine decides.
    #[persist = "takes"]
    takes: Mutex<SessionChoice>,
    /// Size and zoom of the window.
    #[persist = "window"]
    window: Mutex<WindowChoice>,
    /// Results of listening tests, oldest first.
    #[persist = "abx"]
    abx: AbxHistory,
}

impl SessionState {
    /// A new session, with what is chosen in these.
    pub fn new(pack: PackChoice, trace: FileChoice<LossTrace>, played: FileChoice<TokenTrack>) -> Self {
        Self {
            pack,
            trace,
            played,
            takes: Mutex::default(),
            window: Mutex::default(),
            abx: AbxHistory::default(),
        }
    }

    /// A new session of no plugin: what is chosen in it reaches no audio thread, and `status` alone tells of it.
    pub fn apart(status: &Arc<Status>) -> Self {
        let (trace, played) = (FileChoice::new(status.clone()).0, FileChoice::new(status.clone()).0);
        Self::new(PackChoice::new(status.clone()).0, trace, played)
    }

    /// What the session says of takes. Locks: not for the audio thread.
    pub fn take_choice(&self) -> SessionChoice {
        self.takes.lock().clone()
    }

    /// Changes what the session says of takes; the next take follows it. Locks: not for the audio
    /// thread.
    pub fn set_take_choice(&self, choice: SessionChoice) {
        *self.takes.lock() = choice;
    }

    /// What the session says of the window. Locks: not for the audio thread.
    pub fn window(&self) -> WindowChoice {
        *self.window.lock()
    }

    /// Changes what the session says of the window. Locks: not for the audio thread.
    pub fn set_window(&self, choice: WindowChoice) {
        *self.window.lock() = choice;
    }

    /// Results of the session's listening tests, oldest first. Locks: not for the audio thread.
    pub fn abx_results(&self) -> Vec<AbxResult> {
        self.abx.results()
    }

    /// Adds a result; see [`AbxHistory`]. Locks: not for the audio thread.
    pub fn add_abx_result(&self, result: AbxResult) {
        self.abx.add([result]);
    }
}

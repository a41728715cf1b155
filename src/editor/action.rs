//! What the user wants besides parameters.

use std::path::PathBuf;

use crate::state::AbxResult;
use sacodec_moments::MarkerFormat;
use sacodec_take::ExportFormat;

/// What the user wants that is not a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Ask for a folder or a file.
    Pick(Place),
    /// Use the pack in this folder; empty for the one that the plugin carries.
    ChoosePack(String),
    /// Lose packets by the trace in this file; empty for none.
    ChooseTrace(String),
    /// Play the take in this file; empty for none.
    ChoosePlayed(String),
    /// Record takes here; `None` leaves it to the machine.
    TakeFolder(Option<PathBuf>),
    /// Call takes so; `None` for the track's name.
    TakeName(Option<String>),
    /// Export takes as these.
    TakeFormats(Vec<ExportFormat>),
    /// Show this file in the system's file manager.
    Reveal(PathBuf),
    /// Ask the host again for a restart.
    AskForRestart,
    /// Write the parameters to this file.
    SavePreset(PathBuf),
    /// Set the parameters as this file has them.
    LoadPreset(PathBuf),
    /// Save the worst moments as this.
    SaveMoments(MarkerFormat),
    /// Scale the window.
    Zoom(f32),
    /// A listening test has ended.
    TrialsEnded(AbxResult),
}

/// What a folder or a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A model pack.
    Pack,
    /// Where takes go.
    Takes,
    /// A file of settings.
    Preset,
    /// A loss trace: a file.
    Trace,
    /// A take to be played: a file.
    Played,
}

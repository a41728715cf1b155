//! What the window is told besides parameters and sound, as plain data.

use std::path::PathBuf;

use crate::chosen_file::FileStatus;
use sacodec_codec::PackInfo;
use sacodec_network::LossTrace;
use sacodec_take::{ExportFormat, TakeStatus};
use sacodec_token::TokenTrack;

/// The pack in words. Never touched by the audio thread.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PackStatus {
    /// Name and version of the pack that plays; before activation, of the one that will.
    pub name: String,
    /// Name and version of a pack that was chosen since and does not play yet.
    pub next: Option<String>,
    /// What the pack that plays is; `None` before one was loaded.
    pub info: Option<PackInfo>,
    /// Names its weights.
    pub sha256: Option<[u8; 32]>,
    /// What its makers say of it, Markdown.
    pub card: Option<String>,
    /// The chosen folder; empty for the embedded pack. Another one than that of `info` while it loads
    /// and after it was refused.
    pub folder: String,
    /// The chosen pack is being loaded.
    pub is_loading: bool,
    /// Why the chosen pack is not in use.
    pub error: Option<String>,
}

/// Everything the panels show that is neither a parameter nor in the [`Scope`](sacodec_scope::Scope).
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The reported latency in host samples; 0 before activation.
    pub latency_samples: u32,
    /// The host's rate in Hz; 0 before activation.
    pub rate_hz: f64,
    /// Input samples that were NaN or infinite.
    pub nonfinite_samples: u64,
    /// Frames that the codec failed on.
    pub failed_frames: u64,
    /// Frames that a rehearsed network lost.
    pub lost_frames: u64,
    /// Coded samples that were not there in time.
    pub underruns: u64,
    /// Blocks that the engine refused or cut short.
    pub engine_errors: u64,
    /// What was chosen plays only after the host has restarted the plugin.
    pub awaits_restart: bool,
    /// Snapshots that found no room on their way to the editor.
    pub dropped_snapshots: u64,
    /// Gains of the level match on coded and difference, in dB; `None` while it is off.
    pub match_gains_db: Option<(f32, f32)>,
    /// Those gains have heard voice enough and are where they belong.
    pub is_match_settled: bool,
    /// The loss trace.
    pub trace: FileStatus<LossTrace>,
    /// The take that is played.
    pub played: FileStatus<TokenTrack>,
    /// The pack.
    pub pack: PackStatus,
    /// Recording.
    pub takes: TakeStatus,
    /// Name of the host's track.
    pub track: Option<String>,
    /// What takes are called instead of the track.
    pub take_name: Option<String>,
    /// Where the session wants takes to go; `None` where it leaves that to the machine.
    pub chosen_take_folder: Option<PathBuf>,
    /// Where the next take goes.
    pub take_folder: PathBuf,
    /// What it is exported as.
    pub take_formats: Vec<ExportFormat>,
    /// The environment names the folder, whatever the session says.
    pub is_take_folder_fixed: bool,
    /// The environment names the formats, whatever the session says.
    pub are_take_formats_fixed: bool,
    /// What is wrong with the settings for takes, in words.
    pub take_warnings: Vec<String>,
    /// Why the last wish for another pack came to nothing, in words.
    pub pack_warning: Option<String>,
    /// How the last wish for a file of settings went, in words.
    pub preset_outcome: Option<Result<String, String>>,
    /// How saving the worst moments went: their file, or why there is none.
    pub moments_outcome: Option<Result<PathBuf, String>>,
    /// Why the last wish for another trace came to nothing, in words.
    pub trace_warning: Option<String>,
    /// Why the last wish for another take came to nothing, in words.
    pub played_warning: Option<String>,
    /// A dialogue of the system is open.
    pub is_picking: bool,
    /// The chosen scale of the window, which may not have room for it.
    pub zoom: f32,
}

impl Facts {
    /// The session's folder for takes as its field shows it; empty where there is none.
    pub fn chosen_take_folder_text(&self) -> String {
        self.chosen_take_folder.as_deref().map(|folder| folder.display().to_string()).unwrap_or_default()
    }
}

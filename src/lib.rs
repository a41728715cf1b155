//! SACodec as a VST3 and CLAP plugin: parameters, state, packs and editor around the engine.
//!
//! Data flows one way: host → plugin → [`sacodec_engine`] → [`sacodec_codec`] → [`sacodec_engine`] → host.
//!
//! | module | what it is |
//! |---|---|
//! | `instance` | one plugin in one host: activation, latency, the audio callback |
//! | `params` | what the host automates and saves |
//! | `presets` | settings by name, and files of them |
//! | `state` | what a session keeps besides parameters |
//! | `handover` | brings another engine while sound runs, where hosts do not restart a plugin |
//! | `offers` | the newest value from other threads to the audio thread, and the old ones back, without a lock |
//! | `packs` | loads model packs on a thread of its own |
//! | `chosen_file` | reads loss traces, and takes to be played, on threads of their own |
//! | `recording` | takes, from what the host says of its transport |
//! | `status` | what the audio thread, the loader and the take writer tell the editor |
//! | [`editor`] | the window |
//! | `x11` | what a window on X11 needs besides its framework: keys, focus, sight, an end in order |
//!
//! Among the libraries only this one installs the allocator of [`sacodec_rt`] (the command does so too), and
//! exports a plugin. What else is
//! of use lives in `crates/`.

mod chosen_file;
pub mod editor;
mod handover;
mod instance;
mod offers;
mod packs;
mod params;
mod presets;
mod recording;
mod state;
mod status;
#[cfg(target_os = "linux")]
mod x11;

pub use chosen_file::{FileChoice, FileStatus};
pub use instance::SacodecPlugin;
pub use packs::PackChoice;
pub use params::SacodecParams;
pub use state::{AbxHistory, AbxResult, DEFAULT_SIZE, MIN_SIZE, SessionState, WindowChoice, p_value};
pub use status::{Facts, PackStatus, Status};

/// Serves the audio thread from its pool and everybody else from the system, see [`sacodec_rt`].
#[global_allocator]
static ALLOCATOR: sacodec_rt::RtAllocator = sacodec_rt::RtAllocator;

nice_plug::nice_export_clap!(SacodecPlugin);
nice_plug::nice_export_vst3!(SacodecPlugin);

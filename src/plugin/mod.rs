//! The plugin: parameters, state, packs and editor around the [`engine`](crate::engine), on nice-plug.
//!
//! - `instance`: one plugin in one host: activation, latency, the audio callback.
//! - `params`: what the host automates and saves.
//! - `packs`: loads model packs on a thread of its own and hands them over, wait-free.
//! - `recording`: takes, from what the host says of its transport.
//! - `status`: what the audio thread, the loader and the take writer tell the editor.
//! - `editor`: the window.
//! - `x11`: what the framework's window lacks on Linux.

pub mod editor;
mod instance;
mod packs;
mod params;
mod recording;
mod status;
#[cfg(target_os = "linux")]
mod x11;

pub use instance::SacodecPlugin;
pub use packs::PackChoice;
pub use params::SacodecParams;
pub use status::{PackStatus, Status};

//! The plugin: parameters, state, packs and editor around the [`engine`](crate::engine), on nice-plug.
//!
//! - `instance`: one plugin in one host: activation, latency, the audio callback.
//! - `params`: what the host automates and saves.
//! - `packs`: loads model packs on a thread of its own and hands them over, wait-free.
//! - `status`: what the audio thread and the loader tell the editor, by atomics.
//! - `editor`: the window.

mod editor;
mod instance;
mod packs;
mod params;
mod status;

pub use instance::SacodecPlugin;
pub use params::SacodecParams;

//! The window.
//!
//! Drawing is functions of `&mut egui::Ui` and plain data, so that tests draw every state without a
//! window: a [`Desk`] is what the window remembers, [`Inputs`] what it is told, an [`Action`] what the user
//! wants besides parameters. `window` alone knows that there is a host.

mod abx;
mod action;
mod codebook;
mod controls;
mod desk;
mod dialogs;
mod engine_readings;
mod file_field;
mod header;
mod help;
mod inputs;
mod keys;
mod layout;
mod listen;
mod listening_test;
mod maps;
mod meters;
mod moments;
mod network;
mod pack;
mod presets;
mod record;
mod renderer;
mod source;
mod spectra;
mod strip;
pub mod theme;
mod ticker;
mod widgets;
mod window;

pub use abx::{Abx, Conditions, Heard};
pub use action::{Action, Place};
pub use desk::{Desk, Page, Tab, View};
pub use inputs::Inputs;
pub use window::SacodecEditor;

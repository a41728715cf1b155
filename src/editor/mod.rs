//! The window.
//!
//! Drawing is functions of `&mut egui::Ui` and plain data, so that tests draw every state without a
//! window: a [`Desk`] is what the window remembers, [`Facts`] what it is told, an [`Action`] what the user
//! wants besides parameters. `window` alone knows that there is a host.

mod abx;
mod codebook;
mod controls;
mod desk;
mod dialogs;
mod engine;
mod facts;
mod header;
mod help;
mod keys;
mod listen;
mod meters;
mod pack;
mod record;
mod renderer;
mod size;
mod spectra;
mod strip;
pub mod theme;
mod ticker;
mod trial;
mod widgets;
mod window;

pub use abx::{Abx, AbxHistory, AbxResult, Conditions, Heard, p_value};
pub use desk::{Desk, Page, Tab, View};
pub use facts::{Action, Facts, Folder};
pub use size::{DEFAULT_SIZE, MIN_SIZE, WindowChoice};
pub use window::SacodecEditor;

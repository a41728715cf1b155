//! What the framework's window lacks on X11, by a connection and a thread of our own beside it.
//!
//! - `opening`: one opening of the window, as its two sides share it.
//! - `joined`: the host's side. A window that closes is waited for, with all that its thread tears down.
//! - `link`: our connection to the X server.
//! - `watcher`: the window's side, a thread. It asks for the first frame, which the framework can miss, and has
//!   - `keys`: hands keys that are not the editor's to the host,
//!   - `focus`: brings the keyboard with a click, and keeps it,
//!   - `sight`: tells whether there is anything to be seen of the window.

mod error;
mod focus;
mod joined;
mod keys;
mod link;
mod opening;
mod sight;
mod watcher;

pub use error::X11Error;
pub use joined::JoinedHandle;
pub use opening::{HostSide, WindowSide, opening};
pub use sight::View;

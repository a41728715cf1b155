//! A small CLAP host in the same process, for the tests and for `cargo xtask demo`.
//!
//! In the order a caller meets them: a [`Library`] is a plugin file, or an entry linked into this
//! program; a [`Host`] is one instance and its main thread; a [`Processor`] is the audio half, used
//! through the host or taken to another thread. With the feature `window`, on Linux, the editor opens on a
//! `Screen` in an `EditorWindow`, where it can be looked at, clicked and typed into.
//!
//! ```no_run
//! # use clap_host::{HostError, Library};
//! # use std::path::Path;
//! # fn main() -> Result<(), HostError> {
//! let library = Library::from_path(Path::new("target/bundled/SACodec.clap"))?;
//! let mut host = library.create(&library.plugin_ids()[0])?;
//! host.set_param("Listen", 0.0)?;
//! host.activate(48_000.0, 1, 64, 1)?;
//! let out = host.render(&[vec![0.0; 48_000]], [64, 17, 1].into_iter().cycle())?;
//! assert_eq!(out[0].len(), 48_000);
//! println!("{} samples late", host.latency_samples());
//! # Ok(())
//! # }
//! ```
//!
//! What the plugin asks of its host (callbacks, restarts) is noted and done when the owner calls
//! [`Host::run_requests`], as a host's event loop would; [`Host::activate`] does it once.

mod answers;
mod callbacks;
mod changes;
#[cfg(all(target_os = "linux", feature = "window"))]
mod editor;
#[cfg(all(target_os = "linux", feature = "window"))]
mod editor_window;
mod error;
mod host;
mod library;
mod param_info;
mod params;
mod ports;
mod processor;
#[cfg(all(target_os = "linux", feature = "window"))]
mod screen;
mod state;
mod transport;
#[cfg(all(target_os = "linux", feature = "window"))]
mod xvfb;

pub use answers::ParamEvent;
pub use callbacks::Calls;
pub use clack_extensions::params::ParamInfoFlags;
pub use clack_host::entry::EntryDescriptor;
pub use clack_host::process::ProcessStatus;
pub use clack_host::utils::ClapId;
#[cfg(all(target_os = "linux", feature = "window"))]
pub use editor_window::EditorWindow;
pub use error::HostError;
pub use host::Host;
pub use library::{Description, Library};
pub use param_info::{ParamInfo, RemotePage};
pub use ports::Layout;
pub use processor::Processor;
#[cfg(all(target_os = "linux", feature = "window"))]
pub use screen::{Screen, Screenshot};
pub use transport::Transport;
#[cfg(all(target_os = "linux", feature = "window"))]
pub use xvfb::Xvfb;

const _: () = {
    const fn moves_to_another_thread<T: Send>() {}
    moves_to_another_thread::<Library>();
    moves_to_another_thread::<Processor>();
};

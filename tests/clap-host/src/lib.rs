//! A small CLAP host in the same process, for the tests and for `cargo xtask demo`.
//!
//! [`Library`] is a plugin file, or an entry linked into this program; [`Host`] is one instance on
//! the main thread; [`Processor`] is its audio half, which may move to another thread. A block is
//! processed without allocation of the host's own.

mod callbacks;
mod host;
mod processor;

use std::ffi::{CString, NulError};
use std::path::{Path, PathBuf};

use clack_host::entry::{EntryDescriptor, PluginEntry, PluginEntryError};
use clack_host::plugin::PluginInstanceError;
use thiserror::Error;

pub use host::{Host, ParamInfo};
pub use processor::Processor;

/// What a plugin can fail to do for us.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The library could not be loaded.
    #[error("{} could not be loaded: {reason}", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        reason: PluginEntryError,
    },
    /// The entry linked into this program failed to initialise.
    #[error("the linked plugin entry failed: {0}")]
    Entry(PluginEntryError),
    /// The instance could not be created, activated or started.
    #[error("the plugin refused: {0}")]
    Instance(#[from] PluginInstanceError),
    /// A name with a NUL in it.
    #[error("not a plugin id: {0}")]
    Id(#[from] NulError),
    /// The plugin lacks an extension.
    #[error("the plugin has no {0} extension")]
    Extension(&'static str),
    /// No such parameter.
    #[error("the plugin has no parameter {0:?}")]
    Parameter(String),
    /// The state could not be saved or was refused.
    #[error("the plugin {0} the state")]
    State(&'static str),
    /// The host was used in the wrong order.
    #[error("the plugin is {0}")]
    Order(&'static str),
}

/// A plugin library.
pub struct Library(PluginEntry);

impl Library {
    /// Loads a `.clap` file.
    ///
    /// # Errors
    /// [`HostError::Load`].
    pub fn from_path(path: &Path) -> Result<Self, HostError> {
        // SAFETY: the file is a plugin that the caller built or trusts; its constructors run.
        let entry = unsafe { PluginEntry::load(path) };
        entry.map(Self).map_err(|reason| HostError::Load { path: path.into(), reason })
    }

    /// Uses an entry that is linked into this program.
    ///
    /// # Errors
    /// [`HostError::Entry`].
    pub fn from_entry(entry: &'static EntryDescriptor) -> Result<Self, HostError> {
        // SAFETY: the entry lives as long as the program and was exported for this use.
        unsafe { PluginEntry::load_from_raw(entry, c"linked") }.map(Self).map_err(HostError::Entry)
    }

    /// Ids of the plugins in the library.
    pub fn plugin_ids(&self) -> Vec<String> {
        let Some(factory) = self.0.get_plugin_factory() else { return Vec::new() };
        let ids =
            factory.plugin_descriptors().filter_map(|d| d.id().map(|id| id.to_string_lossy().into_owned()));
        ids.collect()
    }

    /// An instance of the plugin with this id.
    ///
    /// # Errors
    /// [`HostError::Instance`].
    pub fn create(&self, id: &str) -> Result<Host, HostError> {
        Host::new(&self.0, &CString::new(id)?)
    }
}

//! A plugin library: a file, or an entry linked into this program.

use std::ffi::{CStr, CString};
use std::path::Path;

use clack_host::entry::{EntryDescriptor, PluginEntry};

use crate::{Host, HostError};

/// What a library says of one of its plugins; a text is empty where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Names it for good.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// Its page.
    pub url: String,
    /// Its version.
    pub version: String,
    /// What it is, in a sentence.
    pub description: String,
    /// What kind of plugin it is, in the words of CLAP.
    pub features: Vec<String>,
}

/// A plugin library. Cheap to clone; unloaded when the last clone and the last instance are gone.
#[derive(Clone)]
pub struct Library(PluginEntry);

impl Library {
    /// Loads a `.clap`: a file on Linux and Windows, a bundle or the library in it on macOS. The
    /// same path a second time is the same library.
    ///
    /// # Errors
    /// [`HostError::Load`].
    pub fn from_path(path: &Path) -> Result<Self, HostError> {
        // SAFETY: not ours to prove: to load a library is to trust it. Callers name plugins that they
        // built themselves.
        let entry = unsafe { PluginEntry::load(path) };
        entry.map(Self).map_err(|reason| HostError::Load { path: path.to_owned(), reason })
    }

    /// Uses an entry that is linked into this program; `nice_export_clap!` makes one named
    /// `clap_entry`.
    ///
    /// # Errors
    /// [`HostError::Entry`].
    pub fn from_entry(entry: &'static EntryDescriptor) -> Result<Self, HostError> {
        // SAFETY: it lives as long as the program and was exported for this use.
        unsafe { PluginEntry::load_from_raw(entry, c"linked") }.map(Self).map_err(HostError::Entry)
    }

    /// Ids of the plugins in the library, in its order.
    pub fn plugin_ids(&self) -> Vec<String> {
        let Some(factory) = self.0.get_plugin_factory() else { return Vec::new() };
        let ids = factory.plugin_descriptors().filter_map(|d| d.id());
        ids.map(|id| id.to_string_lossy().into_owned()).collect()
    }

    /// What the library says of its plugins, in its order.
    pub fn descriptions(&self) -> Vec<Description> {
        let text = |text: Option<&CStr>| text.unwrap_or_default().to_string_lossy().into_owned();
        let Some(factory) = self.0.get_plugin_factory() else { return Vec::new() };
        let described = factory.plugin_descriptors().map(|plugin| Description {
            id: text(plugin.id()),
            name: text(plugin.name()),
            vendor: text(plugin.vendor()),
            url: text(plugin.url()),
            version: text(plugin.version()),
            description: text(plugin.description()),
            features: plugin.features().map(|feature| text(Some(feature))).collect(),
        });
        described.collect()
    }

    /// A new instance. The calling thread is its main thread.
    ///
    /// # Errors
    /// [`HostError::Plugin`] where there is no such plugin or it does not initialise.
    pub fn create(&self, id: &str) -> Result<Host, HostError> {
        self.create_on(id, "")
    }

    /// A new instance on a track of this name.
    ///
    /// # Errors
    /// As [`Library::create`].
    pub fn create_on(&self, id: &str, track: &str) -> Result<Host, HostError> {
        Host::new(&self.0, &CString::new(id)?, track)
    }
}

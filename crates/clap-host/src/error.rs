//! What can go wrong between host and plugin.

use std::ffi::NulError;
use std::path::PathBuf;

use clack_extensions::gui::GuiError;
use clack_host::entry::PluginEntryError;
use clack_host::plugin::PluginInstanceError;
use thiserror::Error;

/// What a plugin can fail to do for us, or we asked in the wrong order.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The file is not a CLAP plugin that loads here.
    #[error("{} could not be loaded as a CLAP plugin: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        reason: PluginEntryError,
    },
    /// The entry linked into this program did not initialise.
    #[error("the plugin entry linked into this program failed: {0}")]
    Entry(PluginEntryError),
    /// The plugin could not be created, activated, started or did not process.
    #[error("the plugin failed: {0}")]
    Plugin(#[from] PluginInstanceError),
    /// A zero byte inside a plugin id or a text.
    #[error("a zero byte in a text for the plugin: {0}")]
    Text(#[from] NulError),
    /// The plugin lacks an extension that the call needs.
    #[error("the plugin does not implement the CLAP extension {0}")]
    Extension(&'static str),
    /// No parameter of that name.
    #[error("the plugin has no parameter {name:?}, it has {known:?}")]
    NoParameter {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The plugin does not tell a value or a text of this parameter.
    #[error("the plugin gives no value or text for its parameter {0:?}")]
    ParameterText(String),
    /// The plugin has no such channels.
    #[error("the plugin has no layout of {inputs} channels in and {outputs} out, it has {known:?}")]
    NoLayout {
        /// Channels in, asked for.
        inputs: usize,
        /// Channels out, asked for.
        outputs: usize,
        /// Channels in and out of each layout there is.
        known: Vec<(usize, usize)>,
    },
    /// The state could not be saved.
    #[error("the plugin could not save its state")]
    StateNotSaved,
    /// The plugin refused a state.
    #[error("the plugin refused a state of {bytes} bytes")]
    StateRefused {
        /// Its size.
        bytes: usize,
    },
    /// The plugin refused live or offline rendering.
    #[error("the plugin refused the render mode")]
    RenderMode,
    /// Block sizes that CLAP forbids.
    #[error("blocks of {min} to {max} samples cannot be: CLAP wants 1 <= min <= max")]
    BlockSizes {
        /// Smallest block.
        min: u32,
        /// Largest block.
        max: u32,
    },
    /// Channels of unlike length, or a block larger than activated for.
    #[error("a block of {found} samples, where {expected}")]
    BlockLength {
        /// What was given.
        found: usize,
        /// What was due.
        expected: &'static str,
    },
    /// As many channels as the layout has not.
    #[error("{found} channels given, the selected layout has {expected}")]
    Channels {
        /// What was given.
        found: usize,
        /// What the layout has.
        expected: usize,
    },
    /// Only possible while the plugin is active.
    #[error("the plugin is not active: call activate() first")]
    NotActive,
    /// Only possible while the plugin is inactive.
    #[error("the plugin is active: call deactivate() first")]
    Active,
    /// The audio half is elsewhere.
    #[error("the processor was taken: use it, or return it with put_processor()")]
    ProcessorTaken,
    /// The plugin refused something about its editor.
    #[error("the plugin's editor failed: {0}")]
    Editor(#[from] GuiError),
    /// Only possible while the editor is open.
    #[error("the editor is not open: call open_editor() first")]
    EditorClosed,
    /// Only possible while the editor is closed.
    #[error("the editor is open: call close_editor() first")]
    EditorOpen,
    /// The screen could not be used.
    #[error("the X11 screen failed: {0}")]
    Screen(String),
    /// The plugin wants one restart after the other.
    #[error("the plugin asked for a restart again after each of {0} restarts")]
    RestartLoop(u32),
}

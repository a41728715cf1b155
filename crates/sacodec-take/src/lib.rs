//! Token takes: what was coded from record-on to record-off, with its place on the timeline.
//!
//! ```text
//! audio thread: Recorder ── ring ── writer thread: TakeWriter ── take.sac.part ── take.sac
//!                                                                              └─ exports
//! ```
//!
//! In the order a caller meets it: [`TakeThread::spawn`] gives a [`Recorder`] for the audio thread;
//! [`Take`] reads what was written; [`export`] makes other files of it and [`decode`] audio. The bytes are
//! specified in `docs/sac-format.md`. Takes know no plugin types.

mod anchor;
#[cfg(feature = "record")]
pub mod atomic_file;
mod block_writer;
#[cfg(feature = "record")]
pub mod claim;
#[cfg(feature = "record")]
pub mod decode;
#[cfg(feature = "record")]
pub mod disk;
#[cfg(feature = "record")]
pub mod export;
#[cfg(all(test, feature = "record"))]
mod faults;
#[cfg(feature = "record")]
mod file;
mod format;
mod header;
#[cfg(feature = "record")]
mod identity;
mod reader;
#[cfg(feature = "record")]
mod recorder;
#[cfg(feature = "record")]
pub mod settings;
#[cfg(feature = "record")]
mod status;
mod tables;
#[cfg(feature = "record")]
mod thread;
#[cfg(feature = "record")]
mod unfinished;
#[cfg(feature = "record")]
pub mod wav;

pub use anchor::Anchor;
pub use block_writer::{Footer, TakeWriter};
#[cfg(feature = "record")]
pub use export::ExportFormat;
#[cfg(feature = "record")]
pub use file::take_file_name;
pub use format::{BLOCK_FRAMES, Gap, GapReason, MAX_FRAMES, TakeError};
pub use header::{ChannelMode, ChannelModeText, CodebookSizes, Header, MAX_CHANNELS, PackId, Source};
pub use reader::{Damage, Take};
#[cfg(feature = "record")]
pub use recorder::{Armed, EndReason, Recorder, RecorderCounts};
#[cfg(feature = "record")]
pub use status::TakeStatus;
pub use tables::{MISSING_TOKEN, write_csv, write_jsonl, write_npy};
#[cfg(feature = "record")]
pub use thread::{TakeSource, TakeThread, TakeWatch};

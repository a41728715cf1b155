//! Token takes: what was coded from record-on to record-off, with its place on the timeline.
//!
//! ```text
//! audio thread: Recorder ── ring ── writer thread: TakeSerializer ── take.sac.part ── take.sac
//!                                                                                  └─ exports
//! ```
//!
//! In the order a caller meets it: [`TakeThread::spawn`] gives a [`Recorder`] for the audio thread;
//! [`Take`] reads what was written; [`export`] makes other files of it and [`decode`] audio. The bytes are
//! specified in `docs/sac-format.md`. Takes know no plugin types.

mod anchor;
#[cfg(feature = "record")]
pub mod atomic_file;
#[cfg(feature = "record")]
pub mod claim;
#[cfg(feature = "record")]
pub mod decode;
#[cfg(feature = "record")]
pub mod disk;
mod error;
#[cfg(feature = "record")]
pub mod export;
mod format;
mod header;
#[cfg(feature = "record")]
mod identity;
mod reader;
#[cfg(feature = "record")]
mod recorder;
mod serializer;
#[cfg(feature = "record")]
pub mod settings;
#[cfg(feature = "record")]
mod status;
mod tables;
#[cfg(feature = "record")]
mod take_file;
#[cfg(feature = "record")]
mod unfinished;
#[cfg(feature = "record")]
pub mod wav;
mod window;
#[cfg(feature = "record")]
mod writer_thread;

pub use anchor::Anchor;
pub use error::TakeError;
#[cfg(feature = "record")]
pub use export::ExportFormat;
pub use format::{BLOCK_FRAMES, Gap, GapReason, MAX_FRAMES};
pub use header::{ChannelMode, ChannelModeText, CodebookSizes, Header, MAX_CHANNELS, PackId, Source};
pub use reader::{Damage, Take};
#[cfg(feature = "record")]
pub use recorder::{Armed, EndReason, Recorder, RecorderCounts};
pub use serializer::{Footer, TakeSerializer};
#[cfg(feature = "record")]
pub use status::TakeStatus;
pub use tables::{MISSING_TOKEN, write_csv, write_jsonl, write_npy};
#[cfg(feature = "record")]
pub use take_file::take_file_name;
#[cfg(feature = "record")]
pub use writer_thread::{TakeSource, TakeThread, TakeWatch};

//! Token takes: what was coded from record-on to record-off, with its place on the timeline.
//!
//! ```text
//! audio thread: Recorder ── ring ── writer thread: TakeWriter ── take.sac.part ── take.sac
//!                                                                              └─ exports
//! ```
//!
//! In the order a caller meets it: [`TakeThread::spawn`] gives a [`Recorder`] for the audio thread;
//! [`Take`] reads what was written; [`convert`] makes other files and audio of it. The bytes are
//! specified in `docs/sac-format.md`. Takes know no plugin types.

pub mod convert;
pub mod disk;
mod export;
#[cfg(test)]
mod faults;
mod file;
mod format;
mod header;
mod open;
mod reader;
mod recorder;
pub mod settings;
mod status;
mod thread;
mod timeline;
mod writer;

pub use export::{ExportFormat, MISSING_TOKEN, write_csv, write_jsonl, write_npy};
pub use format::{BLOCK_FRAMES, Gap, GapReason, MAX_FRAMES, TakeError};
pub use header::{ChannelMode, CodebookSizes, Header, MAX_CHANNELS, PackId};
pub use reader::{Damage, Take};
pub use recorder::{Armed, EndReason, Recorder, RecorderCounts};
pub use status::TakeStatus;
pub use thread::{TakeSource, TakeThread, TakeWatch};
pub use timeline::{Anchor, Moment, Timeline, Transport};
pub use writer::{Footer, TakeWriter};

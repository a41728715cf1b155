//! The scope: what an editor shows of a running engine, as plain data. Knows no window.
//!
//! [`tap`] gives two ends. The [`TapSender`] watches the engine on the audio thread and copies samples,
//! tokens and load into wait-free rings, and only while somebody looks. The [`TapReceiver`] feeds a
//! [`Scope`] on the editor's thread, where everything that costs is done: spectra, loudness, usage of
//! the codebooks.
//!
//! One time axis for all: a column of the spectrogram is a frame of the codec. Column `n` shows the
//! hop of sound that frame `n` collected, original and coded aligned to the sample; a pack that hears hops ahead
//! describes with its tokens a sound as many hops earlier.

mod columns;
mod current;
mod domain;
mod load;
mod meters;
mod moments;
mod samples;
mod scope;
mod spectrum;
mod tap;
mod usage;

pub use columns::{Column, Columns, SPAN_COLUMNS};
pub use domain::Oddity;
pub use load::{LoadReading, LoadStats};
pub use meters::{Meters, Reading, Signal};
pub use moments::{MOST_MOMENTS, SeenMoment};
pub use scope::{Scope, TimelineSpot};
pub use spectrum::{BANDS, FLOOR_DB, band_hz, level_db};
pub use tap::{Snapshot, TapEvent, TapReceiver, TapSender, tap};
pub use usage::{Usage, UsageReading};

//! The worst moments of coded sound: where it is furthest from the original, as ears have it.
//!
//! A [`MomentFinder`] takes the original and the coded signal, aligned to the sample, in blocks of any size. It
//! compares their loudness 32 ms at a time and tells each [`Moment`] that is worse than all within half a second
//! around it. [`Worst`] keeps the worst of them, and [`MarkerFormat`] writes them for other programs.
//! Nothing here knows a codec, a plugin or a thread.
//!
//! ```
//! use sacodec_moments::{MomentFinder, Worst};
//! let tone: Vec<f32> = (0..48_000).map(|i| 0.1 * (i as f32 * 0.06).sin()).collect();
//! let mut coded = tone.clone();
//! coded[24_000..26_400].fill(0.0); // A hole of 50 ms, half a second after the beginning.
//! let (mut finder, mut worst) = (MomentFinder::new(48_000.0), Worst::new(20));
//! finder.push(0, &[(&tone, &coded)], &mut |moment| worst.add(moment, || ()));
//! finder.finish(&mut |moment| worst.add(moment, || ()));
//! let (moment, ()) = worst.ranked()[0];
//! assert!((24_000..26_400).contains(&moment.sample));
//! ```

mod distance;
mod finder;
mod markers;
mod peaks;
mod worst;

pub use distance::LoudnessDistance;
pub use finder::MomentFinder;
pub use markers::{Marker, MarkerFormat, time_code};
pub use worst::Worst;

/// Moments are at least so far apart.
pub const SPACING_S: f64 = 0.5;

/// A moment at which coded and original are further apart than around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Its middle, in samples of the stream.
    pub sample: u64,
    /// How far they are apart: 1 is as far as speech of ordinary level is loud. Greater than 0.
    pub score: f32,
}

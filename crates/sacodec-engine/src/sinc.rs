//! The resamplers' filter: its length, the times of its outputs, and how many are made at once.

use rubato::{SincInterpolationParameters, SincInterpolationType, WindowFunction};

/// Codec samples that are resampled at once: 1.3 ms.
pub const CHUNK_SAMPLES: usize = 32;

/// Taps of the filter at the codec's rate; from a host of a higher rate as many more. Towards a host of a lower rate it is not
/// longer: the length is part of the latency, and so of which samples a frame is made of.
const TAPS: usize = 64;
const OVERSAMPLING: usize = 256;

/// Length of a resampler's filter, and from it the times of its outputs.
#[derive(Debug, Clone, Copy)]
pub struct SincShape {
    /// Length of the filter in samples of the resampler's input.
    pub taps: usize,
}

impl SincShape {
    /// The filter from the host's rate, `ratio` times the codec's.
    pub fn to_codec(ratio: f64) -> Self {
        Self { taps: ((TAPS as f64 * ratio.max(1.0) / 8.0).ceil() as usize) * 8 }
    }

    /// The filter to the host's rate.
    pub fn from_codec() -> Self {
        Self { taps: TAPS }
    }

    /// The place of an output, in input samples, less one step: `rubato` 5 begins at
    /// `last_index` before its first step and centres the filter `taps / 2 - 1` plus one
    /// sub-sample after its first tap.
    pub fn first_output_offset(self, last_index: f64) -> f64 {
        last_index + self.taps as f64 / 2.0 - 1.0 + 1.0 / OVERSAMPLING as f64
    }

    /// The filter as `rubato` makes it.
    pub fn parameters(self) -> SincInterpolationParameters {
        SincInterpolationParameters::new(self.taps, WindowFunction::BlackmanHarris2)
            .oversampling_factor(OVERSAMPLING)
            .interpolation(SincInterpolationType::Linear)
    }
}

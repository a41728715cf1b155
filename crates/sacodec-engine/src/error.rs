//! What an engine refuses.

use thiserror::Error;

use super::config::{MAX_RATE_HZ, MIN_RATE_HZ};
use sacodec_codec::CodecError;
use sacodec_rt::PoolError;

/// Why an engine could not be made or could not continue.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The host rate is out of bounds.
    #[error("a sample rate of {found} Hz cannot be coded: use {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz")]
    Rate {
        /// The rate asked for, in Hz.
        found: f64,
    },
    /// Neither mono nor stereo.
    #[error("{found} channels cannot be coded by one engine: use 1 or 2")]
    ChannelCount {
        /// Channels asked for.
        found: usize,
    },
    /// The pack to swap in has another latency: a new engine is needed.
    #[error("the pack {name} has another delay: restart the engine to use it")]
    OtherTiming {
        /// Name of the pack.
        name: String,
    },
    /// Another pack is being swapped in.
    #[error("another pack is just taking over: try again when its predecessor was taken")]
    Swapping,
    /// Another engine is on its way in.
    #[error("another engine is just taking over: try again when its predecessor was taken")]
    HandingOver,
    /// The engine that is to take over is made for another host.
    #[error("an engine can only take over from one of the same sample rate and channels")]
    OtherHost,
    /// The codec could not be made.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The memory for the audio thread could not be had.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The resampler could not be made.
    #[error("the resampler could not be made: {0}")]
    Resampler(#[from] rubato::ResamplerConstructionError),
    /// The resampler refused a chunk.
    #[error("the resampler failed: {0}")]
    Resample(#[from] rubato::ResampleError),
    /// The resampler refused a buffer.
    #[error("the resampler refused a buffer: {0}")]
    Buffer(#[from] rubato::audioadapter_buffers::SizeError),
    /// The resampler cannot be primed.
    #[error("the resampler has a fixed ratio")]
    ResamplerIsFixed,
}

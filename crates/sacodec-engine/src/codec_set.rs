//! The codecs of an engine, made off the audio thread.

use std::sync::Arc;

use super::lossy_codec::LossyCodec;
use sacodec_codec::{CodecError, CodecModel};

/// Codecs run unheard for a second at most, whatever they remember: meanwhile a frame costs twice.
const MAX_WARM_UP_HOPS: usize = 75;

/// The codecs of one pass: one for each channel.
pub type PassCodecs = [LossyCodec; 2];

/// The codecs of both channels, twice: where the codec begins afresh, the pass before still plays to its end.
#[derive(Debug)]
pub struct CodecSet {
    pub(super) passes: [PassCodecs; 2],
}

impl CodecSet {
    /// Two channels of `model` with zero states.
    ///
    /// # Errors
    /// As [`FrameCodec::new`](sacodec_codec::FrameCodec::new).
    pub fn new(model: &Arc<CodecModel>) -> Result<Self, CodecError> {
        let pass = || Ok::<_, CodecError>([LossyCodec::new(model)?, LossyCodec::new(model)?]);
        Ok(Self { passes: [pass()?, pass()?] })
    }

    /// The model that all of them run.
    pub fn model(&self) -> &Arc<CodecModel> {
        self.passes[0][0].model()
    }

    /// Hops until they sound nearly as if they had been there from the beginning: their delay, and what the codec
    /// remembers, a second of it at most.
    pub(super) fn warm_up_hops(&self) -> usize {
        let info = self.model().info();
        let delay_hops = info.delay_samples.div_ceil(info.hop_samples);
        (delay_hops + self.model().memory_hops()).min(MAX_WARM_UP_HOPS)
    }
}

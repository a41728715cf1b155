//! Tokens to host samples, exactly as the engine decodes them: for takes that come back.

use std::sync::Arc;

use super::config::Scheduling;
use super::error::EngineError;
use super::latency::Timing;
use super::lossy_codec::LossyCodec;
use super::resample::FromCodec;
use super::sinc::CHUNK_SAMPLES;
use sacodec_codec::{CodecModel, StreamGain, TokenFrame};
use sacodec_network::{Concealment, LostStreams};
use sacodec_rt::{RtPool, without_denormals};

/// Decodes the tokens of one channel at a host rate, without the engine's latency: sample `j` that
/// comes out is what the engine gives at `j` plus its latency.
pub struct TokenDecoder {
    codec: LossyCodec,
    from_codec: FromCodec,
    gain: StreamGain,
    pool: RtPool,
    decoded: Vec<f32>,
    /// Samples that come out before the stream's first one.
    early_samples: usize,
    skip_samples: usize,
}

impl TokenDecoder {
    /// A decoder with zero states.
    ///
    /// # Errors
    /// [`EngineError::Rate`], or where codec, resampler or memory cannot be had.
    pub fn new(model: &Arc<CodecModel>, rate_hz: f64, gain: StreamGain) -> Result<Self, EngineError> {
        let timing = Timing::new(rate_hz, Scheduling::Burst, model.info())?;
        let early_samples = timing.latency_samples - timing.lead_samples;
        Ok(Self {
            codec: LossyCodec::new(model)?,
            from_codec: FromCodec::new(&timing)?,
            gain,
            pool: RtPool::new()?,
            decoded: vec![0.0; model.info().hop_samples],
            early_samples,
            skip_samples: early_samples,
        })
    }

    /// Zero states, as new.
    pub fn reset(&mut self) {
        self.reset_codec();
        self.from_codec.reset();
        self.skip_samples = self.early_samples;
    }

    /// Zero states of the codec alone: as the engine does where the codec fails.
    pub fn reset_codec(&mut self) {
        let codec = &mut self.codec;
        self.pool.scope(|| codec.reset());
    }

    /// Decodes a frame, or a silent one that leaves the codec as it is; appends what is complete.
    ///
    /// # Errors
    /// [`EngineError::Codec`] where the tokens are not the model's or the decoder fails on them.
    pub fn frame(&mut self, tokens: Option<TokenFrame>, out: &mut Vec<f32>) -> Result<(), EngineError> {
        match tokens {
            Some(tokens) => self.decode(tokens, LostStreams::NONE, Concealment::default())?,
            None => self.decoded.fill(0.0),
        }
        self.give(out)
    }

    /// Conceals a frame that did not arrive, as the engine does; appends what is complete.
    ///
    /// # Errors
    /// [`EngineError::Codec`] where the decoder fails.
    pub fn conceal(&mut self, concealment: Concealment, out: &mut Vec<f32>) -> Result<(), EngineError> {
        self.decode(TokenFrame::default(), LostStreams::BOTH, concealment)?;
        self.give(out)
    }

    fn decode(
        &mut self,
        tokens: TokenFrame,
        lost: LostStreams,
        concealment: Concealment,
    ) -> Result<(), EngineError> {
        let (codec, decoded, gain) = (&mut self.codec, &mut self.decoded, self.gain);
        self.pool.scope(|| without_denormals(|| codec.decode(tokens, gain, lost, concealment, decoded)))?;
        Ok(())
    }

    fn give(&mut self, out: &mut Vec<f32>) -> Result<(), EngineError> {
        for chunk in self.decoded.as_chunks::<CHUNK_SAMPLES>().0 {
            let samples = without_denormals(|| self.from_codec.chunk(chunk))?;
            let skipped = self.skip_samples.min(samples.len());
            self.skip_samples -= skipped;
            out.extend_from_slice(&samples[skipped..]);
        }
        Ok(())
    }
}

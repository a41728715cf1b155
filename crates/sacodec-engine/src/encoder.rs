//! Host samples to tokens, exactly as the engine codes them: for files that need no decoding.

use std::sync::Arc;

use super::config::Scheduling;
use super::error::EngineError;
use super::frame::silence_before;
use super::latency::Timing;
use super::mix::{clean, limit};
use super::resample::ToCodec;
use super::sinc::CHUNK_SAMPLES;
use sacodec_codec::{CodecModel, FrameCodec, TokenFrame};
use sacodec_rt::{RtPool, without_denormals};

/// Encodes one channel at a host rate.
pub struct TokenEncoder {
    timing: Timing,
    to_codec: ToCodec,
    codec: FrameCodec,
    pool: RtPool,
    hop: Vec<f32>,
    taken_samples: u64,
    frames: u64,
    nonfinite_samples: u64,
}

impl TokenEncoder {
    /// An encoder with zero states.
    ///
    /// # Errors
    /// [`EngineError::Rate`], or where codec, resampler or memory cannot be had.
    pub fn new(model: &Arc<CodecModel>, rate_hz: f64) -> Result<Self, EngineError> {
        let timing = Timing::new(rate_hz, Scheduling::Burst, model.info())?;
        Ok(Self {
            to_codec: ToCodec::new(&timing)?,
            timing,
            codec: FrameCodec::new(model)?,
            pool: RtPool::new()?,
            hop: Vec::with_capacity(model.info().hop_samples),
            taken_samples: 0,
            frames: 0,
            nonfinite_samples: 0,
        })
    }

    /// The constants of its timing.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Samples that were NaN or infinite and were taken as zero.
    pub fn nonfinite_samples(&self) -> u64 {
        self.nonfinite_samples
    }

    /// To be called before the first sample of a stream which is heard `heard_samples` after its first frame begins, as
    /// where frames stand on a grid: see [`silence_before`].
    ///
    /// # Errors
    /// Where the resampler fails.
    pub fn begin_at(&mut self, heard_samples: f64) -> Result<(), EngineError> {
        let (hops, silence) = silence_before(heard_samples, self.timing.frame_start_samples(1));
        for _ in 0..silence {
            self.to_codec.push(0.0);
            if self.to_codec.missing_samples() == 0 {
                let mut chunk = [0.0; CHUNK_SAMPLES];
                self.to_codec.chunk(&mut chunk)?;
                self.hop.extend_from_slice(&chunk);
            }
            if self.hop.len() == self.timing.hop_samples {
                self.hop.clear();
            }
        }
        (self.taken_samples, self.frames) = (silence as u64, u64::from(hops));
        Ok(())
    }

    /// Takes samples; every frame that is complete goes to `sink`, `None` where the codec failed on
    /// it: its states are zero then.
    ///
    /// # Errors
    /// Where the resampler fails.
    pub fn push(
        &mut self,
        samples: &[f32],
        sink: &mut dyn FnMut(Option<TokenFrame>),
    ) -> Result<(), EngineError> {
        self.taken_samples += samples.len() as u64;
        self.code(samples, sink)
    }

    /// Ends the stream: codes silence until every frame that has begun is complete, and begins anew.
    ///
    /// # Errors
    /// As [`TokenEncoder::push`].
    pub fn finish(&mut self, sink: &mut dyn FnMut(Option<TokenFrame>)) -> Result<(), EngineError> {
        let begun = self.timing.frames_begun(self.taken_samples);
        while self.frames < begun {
            let mut surplus = begun - self.frames;
            self.code(&[0.0; CHUNK_SAMPLES], &mut |frame| {
                if surplus > 0 {
                    surplus -= 1;
                    sink(frame);
                }
            })?;
        }
        let codec = &mut self.codec;
        self.pool.scope(|| codec.reset());
        self.to_codec.reset()?;
        self.hop.clear();
        (self.taken_samples, self.frames) = (0, 0);
        Ok(())
    }

    fn code(&mut self, samples: &[f32], sink: &mut dyn FnMut(Option<TokenFrame>)) -> Result<(), EngineError> {
        for &sample in samples {
            self.nonfinite_samples += u64::from(!sample.is_finite());
            self.to_codec.push(limit(clean(sample)));
            if self.to_codec.missing_samples() > 0 {
                continue;
            }
            let mut chunk = [0.0; CHUNK_SAMPLES];
            without_denormals(|| self.to_codec.chunk(&mut chunk))?;
            self.hop.extend_from_slice(&chunk);
            if self.hop.len() < self.timing.hop_samples {
                continue;
            }
            let (codec, hop) = (&mut self.codec, &self.hop);
            let tokens = self.pool.scope(|| {
                without_denormals(|| {
                    let tokens = codec.encode_step(hop).ok();
                    if tokens.is_none() {
                        codec.reset();
                    }
                    tokens
                })
            });
            self.hop.clear();
            self.frames += 1;
            sink(tokens);
        }
        Ok(())
    }
}

//! One coded channel: host samples to hops on one side, decoded hops to host samples on the other.

use ringbuf::LocalRb;
use ringbuf::storage::Heap;
use ringbuf::traits::Observer;

use super::error::EngineError;
use super::latency::Timing;
use super::resample::{FromCodec, ToCodec};
use super::sinc::CHUNK_SAMPLES;

/// The two ends of a channel around the codec.
pub struct CodedChannel {
    /// The next hop shall be coded; otherwise it is silence.
    pub wanted: bool,
    to_codec: ToCodec,
    hop: Vec<f32>,
    hop_filled: usize,
    decoded: LocalRb<Heap<f32>>,
    from_codec: FromCodec,
    output: LocalRb<Heap<f32>>,
    lead_samples: usize,
    /// Output samples that were not there in time. Stays zero, or the timing is wrong.
    pub underruns: u64,
}

impl CodedChannel {
    pub fn new(timing: &Timing, hop_samples: usize) -> Result<Self, EngineError> {
        let from_codec = FromCodec::new(timing)?;
        let mut this = Self {
            wanted: false,
            to_codec: ToCodec::new(timing)?,
            hop: vec![0.0; hop_samples],
            hop_filled: 0,
            decoded: LocalRb::new(3 * hop_samples),
            output: LocalRb::new(timing.lead_samples + 2 * from_codec.max_samples()),
            from_codec,
            lead_samples: timing.lead_samples,
            underruns: 0,
        };
        this.prefill();
        Ok(this)
    }

    pub fn reset(&mut self) -> Result<(), EngineError> {
        self.to_codec.reset()?;
        self.from_codec.reset();
        self.hop_filled = 0;
        self.decoded.clear();
        self.output.clear();
        self.prefill();
        Ok(())
    }

    fn prefill(&mut self) {
        self.output.push_iter(std::iter::repeat_n(0.0, self.lead_samples));
    }

    /// Host samples until the next chunk: never zero.
    pub fn missing_samples(&self) -> usize {
        self.to_codec.missing_samples()
    }

    /// Takes a host sample; `true` when a chunk is complete and [`CodedChannel::collect`] is due.
    #[inline]
    pub fn push(&mut self, sample: f32) -> bool {
        self.to_codec.push(sample);
        self.to_codec.missing_samples() == 0
    }

    /// Moves a complete chunk into the hop; `true` when the hop is complete.
    pub fn collect(&mut self) -> Result<bool, EngineError> {
        let mut chunk = [0.0; CHUNK_SAMPLES];
        self.to_codec.chunk(&mut chunk)?;
        self.hop[self.hop_filled..][..CHUNK_SAMPLES].copy_from_slice(&chunk);
        self.hop_filled += CHUNK_SAMPLES;
        Ok(self.hop_filled == self.hop.len())
    }

    /// The complete hop; the next one begins.
    pub fn take_hop(&mut self) -> &[f32] {
        self.hop_filled = 0;
        &self.hop
    }

    pub fn push_decoded(&mut self, chunk: &[f32; CHUNK_SAMPLES]) {
        self.decoded.push_slice(chunk);
    }

    /// The next output samples, resampled as they are needed.
    pub fn pop(&mut self, out: &mut [f32]) -> Result<(), EngineError> {
        while self.output.occupied_len() < out.len() {
            let mut chunk = [0.0; CHUNK_SAMPLES];
            if self.decoded.occupied_len() < CHUNK_SAMPLES {
                let got = self.output.pop_slice(out);
                self.underruns += (out.len() - got) as u64;
                out[got..].fill(0.0);
                return Ok(());
            }
            self.decoded.pop_slice(&mut chunk);
            let samples = self.from_codec.chunk(&chunk)?;
            self.output.push_slice(samples);
        }
        self.output.pop_slice(out);
        Ok(())
    }
}

//! Host rate ↔ codec rate, by `rubato`'s windowed sinc, in small chunks so that the work is even.

use rubato::audioadapter_buffers::direct::SequentialSliceOfSlices;
use rubato::{Async, FixedAsync, Resampler};

use super::error::EngineError;
use super::latency::Timing;
use super::sinc::{CHUNK_SAMPLES, SincShape};

/// How much slower the input resampler may run while it is primed.
const MAX_PRIMING_RATIO: f64 = 4.0;

/// Host samples in, chunks of [`CHUNK_SAMPLES`] codec samples out.
pub struct ToCodec {
    sinc: Option<Async<f32>>,
    ratio: f64,
    priming_samples: f64,
    pending: Vec<f32>,
    filled: usize,
    needed: usize,
}

impl ToCodec {
    /// Allocates everything.
    pub fn new(timing: &Timing) -> Result<Self, EngineError> {
        let sinc = timing
            .priming_samples
            .map(|_| {
                let parameters = SincShape::to_codec(timing.ratio).parameters();
                Async::new_sinc(
                    1.0 / timing.ratio,
                    MAX_PRIMING_RATIO,
                    &parameters,
                    CHUNK_SAMPLES,
                    1,
                    FixedAsync::Output,
                )
            })
            .transpose()?;
        let largest = sinc.as_ref().map_or(CHUNK_SAMPLES, Resampler::input_frames_max);
        let mut this = Self {
            sinc,
            ratio: timing.ratio,
            priming_samples: timing.priming_samples.unwrap_or(0.0),
            pending: vec![0.0; largest],
            filled: 0,
            needed: 0,
        };
        this.reset()?;
        Ok(this)
    }

    /// As new: silence before the first sample, primed for a whole latency.
    ///
    /// # Real-time
    /// Resamples one chunk of zeros; never allocates, locks or waits.
    pub fn reset(&mut self) -> Result<(), EngineError> {
        self.filled = 0;
        self.needed = CHUNK_SAMPLES;
        let Some(sinc) = &mut self.sinc else { return Ok(()) };
        sinc.reset();
        let stretched = CHUNK_SAMPLES as f64 / self.priming_samples;
        let adjustable = sinc.as_adjustable().ok_or(EngineError::ResamplerIsFixed)?;
        adjustable.set_resample_ratio(stretched, false)?;
        self.pending.fill(0.0);
        self.needed = sinc.input_frames_next();
        self.filled = self.needed;
        let mut silence = [0.0; CHUNK_SAMPLES];
        self.chunk(&mut silence)?;
        if let Some(sinc) = &mut self.sinc {
            let adjustable = sinc.as_adjustable().ok_or(EngineError::ResamplerIsFixed)?;
            adjustable.set_resample_ratio(1.0 / self.ratio, false)?;
            self.needed = sinc.input_frames_next();
        }
        Ok(())
    }

    /// Host samples that are missing for the next chunk.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn missing_samples(&self) -> usize {
        self.needed - self.filled
    }

    /// Takes one host sample; more than [`missing_samples`](Self::missing_samples) are ignored.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    #[inline]
    pub fn push(&mut self, sample: f32) {
        if let Some(slot) = self.pending.get_mut(self.filled)
            && self.filled < self.needed
        {
            *slot = sample;
            self.filled += 1;
        }
    }

    /// The next chunk; call when nothing is missing.
    ///
    /// # Real-time
    /// `CHUNK_SAMPLES` filters of the shape's taps; never allocates, locks or waits.
    pub fn chunk(&mut self, out: &mut [f32; CHUNK_SAMPLES]) -> Result<(), EngineError> {
        match &mut self.sinc {
            Some(sinc) => {
                run(sinc, &self.pending[..self.needed], out, CHUNK_SAMPLES)?;
                self.needed = sinc.input_frames_next();
            }
            None => out.copy_from_slice(&self.pending[..CHUNK_SAMPLES]),
        }
        self.filled = 0;
        Ok(())
    }
}

/// Chunks of [`CHUNK_SAMPLES`] codec samples in, host samples out.
pub struct FromCodec {
    sinc: Option<Async<f32>>,
    out: Vec<f32>,
}

impl FromCodec {
    /// Allocates everything.
    pub fn new(timing: &Timing) -> Result<Self, EngineError> {
        let sinc = timing
            .priming_samples
            .map(|_| {
                let parameters = SincShape::from_codec().parameters();
                Async::new_sinc(timing.ratio, 1.0, &parameters, CHUNK_SAMPLES, 1, FixedAsync::Input)
            })
            .transpose()?;
        let largest = sinc.as_ref().map_or(CHUNK_SAMPLES, Resampler::output_frames_max);
        Ok(Self { sinc, out: vec![0.0; largest] })
    }

    /// Most host samples that one chunk gives.
    pub fn max_samples(&self) -> usize {
        self.out.len()
    }

    /// As new.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn reset(&mut self) {
        if let Some(sinc) = &mut self.sinc {
            sinc.reset();
        }
    }

    /// The host samples of one chunk.
    ///
    /// # Real-time
    /// A filter of the shape's taps for each of them; never allocates, locks or waits.
    pub fn chunk(&mut self, chunk: &[f32; CHUNK_SAMPLES]) -> Result<&[f32], EngineError> {
        let count = match &mut self.sinc {
            Some(sinc) => {
                let count = sinc.output_frames_next();
                run(sinc, chunk, &mut self.out, count)?
            }
            None => {
                self.out.copy_from_slice(chunk);
                CHUNK_SAMPLES
            }
        };
        Ok(&self.out[..count])
    }
}

/// One call of the resampler on one channel; gives the number of samples written.
fn run(sinc: &mut Async<f32>, input: &[f32], output: &mut [f32], count: usize) -> Result<usize, EngineError> {
    let input_channels = [input];
    let mut output_channels = [output];
    let from = SequentialSliceOfSlices::new(&input_channels, 1, input.len())?;
    let mut to = SequentialSliceOfSlices::new_mut(&mut output_channels, 1, count)?;
    let (_, written) = sinc.process_into_buffer(&from, &mut to, None)?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheduling;
    use sacodec_codec::CodecModel;

    /// A band-limited pulse around `centre`.
    fn pulse(centre: f64, width: f64, at: usize) -> f32 {
        (-((at as f64 - centre) / width).powi(2)).exp() as f32
    }

    /// Centre of gravity of a positive signal.
    fn centre_of(signal: &[f32]) -> f64 {
        let weight: f64 = signal.iter().map(|&s| f64::from(s)).sum();
        signal.iter().enumerate().map(|(i, &s)| i as f64 * f64::from(s)).sum::<f64>() / weight
    }

    #[test]
    fn both_resamplers_together_are_late_by_a_whole_number_of_samples() {
        let info = CodecModel::embedded().unwrap().info().clone();
        for rate_hz in [8000.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0, 45_678.901, 768_000.0] {
            let timing = Timing::new(rate_hz, Scheduling::Burst, &info).unwrap();
            let (mut to, mut from) = (ToCodec::new(&timing).unwrap(), FromCodec::new(&timing).unwrap());
            let width = 40.0 * timing.ratio.max(1.0 / 3.0);
            let (centre, mut out) = (20.0 * width, Vec::new());
            for at in 0..(40.0 * width) as usize {
                to.push(pulse(centre, width, at));
                if to.missing_samples() == 0 {
                    let mut chunk = [0.0; CHUNK_SAMPLES];
                    to.chunk(&mut chunk).unwrap();
                    out.extend_from_slice(from.chunk(&chunk).unwrap());
                }
            }
            let codec_delay = info.delay_samples as f64 * timing.ratio;
            let expected = (timing.latency_samples - timing.lead_samples) as f64 - codec_delay;
            let found = centre_of(&out) - centre;
            assert!((found - expected).abs() < 0.01, "{rate_hz} Hz: late by {found}, expected {expected}");
        }
    }

    /// What is left of a tone of the codec's at this rate of the host's, in dB.
    fn left_db(timing: &Timing, tone_hz: f64) -> f64 {
        let mut from = FromCodec::new(timing).unwrap();
        let step = std::f64::consts::TAU * tone_hz / 24_000.0;
        let mut power = 0.0;
        let mut samples = 0;
        for number in 0..150 {
            let chunk = std::array::from_fn(|n| (step * (number * CHUNK_SAMPLES + n) as f64).sin() as f32);
            let out = from.chunk(&chunk).unwrap();
            // The filter is full by then.
            if number >= 10 {
                power += out.iter().map(|s| f64::from(s * s)).sum::<f64>();
                samples += out.len();
            }
        }
        10.0 * (2.0 * power / samples as f64).log10()
    }

    #[test]
    fn what_a_host_rate_cannot_hold_folds_back_softly_and_what_it_can_is_kept() {
        let info = CodecModel::embedded().unwrap().info().clone();
        // The filter is as long as at the codec's rate, so it is the wider the lower the host's rate is.
        for (rate_hz, kept, kept_db, above, above_db) in [
            (8000.0, 0.5, -0.5, 1.1, -35.0),
            (8000.0, 0.7, -3.0, 1.0, -20.0),
            (16_000.0, 0.7, -1.5, 1.0, -55.0),
            (22_050.0, 0.7, -0.5, 1.0, -90.0),
        ] {
            let timing = Timing::new(rate_hz, Scheduling::Burst, &info).unwrap();
            let [kept_left_db, above_left_db] =
                [kept, above].map(|share| left_db(&timing, share * rate_hz / 2.0));
            assert!(kept_left_db > kept_db, "{rate_hz} Hz: {kept_left_db:.1} dB at {kept} of its half");
            assert!(above_left_db < above_db, "{rate_hz} Hz: {above_left_db:.1} dB at {above} of its half");
        }
    }
}

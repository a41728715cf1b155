//! How late the coded stream is, exactly: a pure function of host rate and scheduling.

use super::config::{MAX_RATE_HZ, MIN_RATE_HZ, Scheduling};
use super::error::EngineError;
use super::sinc::{CHUNK_SAMPLES, SincShape};
use sacodec_codec::PackInfo;

/// Every constant of the stream's timing.
///
/// Let `R` be host samples for one codec sample. Codec sample `n` is at host time
/// `a_in + n R`, output sample `j` at codec time `a_out + j / R`, and the codec is
/// `delay_samples` late, so output `j` carries what the host gave at `j - D`, with
/// `D = R delay - a_in - R a_out`. The input resampler is primed so that `D` is whole.
/// Output `j` is played at `j + lead`, where the lead covers a hop's collection, the job's hop
/// when spread, and the resamplers' reach. Latency = `lead + D`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Host rate, in Hz.
    pub rate_hz: f64,
    /// Host samples for one codec sample.
    pub ratio: f64,
    /// The codec's rate, in Hz.
    pub codec_rate_hz: f64,
    /// Samples of a frame at the codec's rate.
    pub hop_samples: usize,
    /// Zeros before the first coded sample, in host samples.
    pub lead_samples: usize,
    /// What goes in comes out this much later, in host samples.
    pub latency_samples: usize,
    /// Host samples of the shortest hop: a spread job is paid for by then.
    pub job_samples: f64,
    /// Place of the first frame's first sample: `a_in`, in host samples after the stream's first
    /// one. Negative where the resampler looks ahead.
    pub first_frame_samples: f64,
    /// What the input resampler is primed with; `None` where no resampling is needed.
    pub(super) priming_samples: Option<f64>,
}

impl Timing {
    /// The timing of a codec that `info` describes, at a host rate.
    ///
    /// # Errors
    /// [`EngineError::Rate`] outside [`MIN_RATE_HZ`]`..=`[`MAX_RATE_HZ`].
    pub fn new(rate_hz: f64, scheduling: Scheduling, info: &PackInfo) -> Result<Self, EngineError> {
        if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
            return Err(EngineError::Rate { found: rate_hz });
        }
        let ratio = rate_hz / f64::from(info.sample_rate_hz);
        let hop = info.hop_samples as f64;
        let delay = info.delay_samples as f64;
        let spread = match scheduling {
            Scheduling::Spread => (hop * ratio).ceil() as usize,
            Scheduling::Burst => 0,
        };
        let job_samples = (hop * ratio).floor();
        if ratio == 1.0 {
            let lead_samples = info.hop_samples - 1 + spread;
            return Ok(Self {
                rate_hz,
                ratio,
                codec_rate_hz: info.sample_rate_hz.into(),
                hop_samples: info.hop_samples,
                lead_samples,
                latency_samples: lead_samples + info.delay_samples,
                job_samples,
                first_frame_samples: 0.0,
                priming_samples: None,
            });
        }
        let (input, output) = (SincShape::to_codec(ratio), SincShape::from_codec());
        let a_out = 1.0 / ratio + output.first_output_offset(-(output.taps as f64 - 1.0));
        // The place of the input resampler if it were primed by a whole number of samples.
        let a_in = ratio + input.first_output_offset(-(input.taps as f64));
        let unprimed = ratio * delay - a_in - ratio * a_out;
        let total = unprimed.ceil();
        let priming = (CHUNK_SAMPLES as f64 * ratio).ceil() + 1.0 - (total - unprimed);
        // A hop needs `hop R` more host samples than the one before, the output resampler holds
        // back two codec samples, and each of the two may round up by one.
        let collect = ((hop + 2.0) * ratio).ceil() as usize + 2;
        let lead_samples = collect + if spread > 0 { spread + 1 } else { 0 };
        Ok(Self {
            rate_hz,
            ratio,
            codec_rate_hz: info.sample_rate_hz.into(),
            hop_samples: info.hop_samples,
            lead_samples,
            latency_samples: lead_samples + total as usize,
            job_samples,
            first_frame_samples: a_in - (total - unprimed),
            priming_samples: Some(priming),
        })
    }

    /// Host samples before frame `index` begins, framing alone: a frame is named after these, so
    /// that the first one begins with the stream. A fraction at rates where a hop is not a
    /// whole number of samples, and exact where it is.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn frame_start_samples(&self, index: u64) -> f64 {
        // Products of whole numbers first: then the one division rounds correctly.
        index as f64 * self.hop_samples as f64 * self.rate_hz / self.codec_rate_hz
    }

    /// Host samples from the last place at which a pass may begin to `position_samples` of the host's timeline, so
    /// that frames stand on a grid: one of them is named after position 0, as is the first one of a file. At rates at
    /// which neither a hop nor two nor three are a whole number of samples, the grid is met to half a sample.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn since_grid_samples(&self, position_samples: f64) -> usize {
        let place = position_samples.round();
        let spacing =
            (1..=3).map(|hops| self.frame_start_samples(hops)).find(|spacing| spacing.fract() == 0.0);
        match spacing {
            Some(spacing) => place.rem_euclid(spacing) as usize,
            None => {
                let hop = self.frame_start_samples(1);
                (place - ((place / hop).floor() * hop).round()).clamp(0.0, hop.ceil()) as usize
            }
        }
    }

    /// Number of the frame that begins at `position_samples` of the timeline, on whose grid frame 0 begins at 0.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn frame_at(&self, position_samples: f64) -> i64 {
        (position_samples / self.frame_start_samples(1)).round() as i64
    }

    /// Frames that have begun within the stream's first `samples` host samples.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn frames_begun(&self, samples: u64) -> u64 {
        (samples as f64 * self.codec_rate_hz / (self.hop_samples as f64 * self.rate_hz)).ceil() as u64
    }

    /// The latency in milliseconds.
    pub fn latency_ms(&self) -> f64 {
        self.latency_samples as f64 / self.rate_hz * 1e3
    }
}

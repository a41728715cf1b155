//! Levels of original, coded and difference: peak, true peak, RMS, short-term loudness, clips.
//!
//! Loudness and true peak are those of ITU-R BS.1770 and EBU Tech 3341, by the crate `ebur128`.

use ebur128::{EbuR128, Mode};

use super::tap::Snapshot;

/// Above this rate loudness is measured on the mean of neighbouring samples.
const MAX_LOUDNESS_RATE_HZ: f64 = 192_000.0;
/// Seconds that the peak is held, and how fast it falls then.
const PEAK_HOLD_S: f64 = 1.5;
const PEAK_FALL_DB_PER_S: f64 = 20.0;
const RMS_S: f64 = 0.3;
/// A sample this loud is at or over full scale.
const CLIP_LEVEL: f32 = 1.0;
/// How often the short-term loudness is worked out.
const LOUDNESS_INTERVAL_S: f64 = 0.1;

/// What is metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// What came in, as late as the coded stream.
    Original,
    /// What the codec made of it.
    Coded,
    /// Original minus coded.
    Difference,
}

impl Signal {
    /// In the order they are shown.
    pub const ALL: [Self; 3] = [Self::Original, Self::Coded, Self::Difference];
}

/// One meter's values in dB; minus infinity for silence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Sample peak of the louder channel in dBFS, held and falling.
    pub peak_db: f32,
    /// Highest true peak in dBTP since `reset_peaks` or since the meters were made.
    pub true_peak_db: f32,
    /// RMS over 300 ms in dBFS, mean of the channels.
    pub rms_db: f32,
    /// Loudness of the last 3 s in LUFS.
    pub loudness_lufs: f32,
    /// Samples at or over full scale since `reset_peaks` or since the meters were made, all channels.
    pub clips: u64,
}

impl Reading {
    /// Of silence.
    pub const SILENT: Self = Self {
        peak_db: f32::NEG_INFINITY,
        true_peak_db: f32::NEG_INFINITY,
        rms_db: f32::NEG_INFINITY,
        loudness_lufs: f32::NEG_INFINITY,
        clips: 0,
    };
}

struct Meter {
    loudness: Option<EbuR128>,
    peak: f32,
    held_samples: f64,
    mean_square: f64,
    reading: Reading,
}

/// The meters of the three [`Signal`]s.
pub struct Meters {
    rate_hz: f64,
    channels: usize,
    /// Host samples for one that loudness is measured on.
    group: usize,
    meters: [Meter; 3],
    scratch: Vec<f32>,
    until_loudness_samples: f64,
}

impl Meters {
    /// For a host rate and 1 or 2 channels.
    pub fn new(rate_hz: f64, channels: usize) -> Self {
        let group = (rate_hz / MAX_LOUDNESS_RATE_HZ).ceil().max(1.0) as usize;
        let rate = (rate_hz / group as f64).round() as u32;
        let meter = || Meter {
            // Refused for channel counts and rates that no engine has.
            loudness: EbuR128::new(channels as u32, rate, Mode::S | Mode::TRUE_PEAK).ok(),
            peak: 0.0,
            held_samples: 0.0,
            mean_square: 0.0,
            reading: Reading::SILENT,
        };
        Self {
            rate_hz,
            channels,
            group,
            meters: [meter(), meter(), meter()],
            scratch: Vec::new(),
            until_loudness_samples: 0.0,
        }
    }

    /// Takes what was heard.
    pub fn push(&mut self, heard: &Snapshot) {
        let (channels, length) = (self.channels.min(heard.channels), heard.length);
        for (signal, meter) in Signal::ALL.into_iter().zip(&mut self.meters) {
            self.scratch.clear();
            for i in 0..length {
                for channel in 0..channels {
                    let (o, c) = (heard.original[channel][i], heard.coded[channel][i]);
                    self.scratch.push(match signal {
                        Signal::Original => o,
                        Signal::Coded => c,
                        Signal::Difference => o - c,
                    });
                }
            }
            meter.push(&mut self.scratch, channels, self.group, self.rate_hz);
        }
        self.until_loudness_samples -= length as f64;
        if self.until_loudness_samples <= 0.0 {
            self.until_loudness_samples = LOUDNESS_INTERVAL_S * self.rate_hz;
            self.meters.iter_mut().for_each(Meter::measure);
        }
    }

    /// The values of one signal.
    pub fn reading(&self, signal: Signal) -> Reading {
        self.meters[signal as usize].reading
    }

    /// Forgets clips and highest peaks.
    pub fn reset_peaks(&mut self) {
        for meter in &mut self.meters {
            meter.reading.clips = 0;
            meter.reading.true_peak_db = f32::NEG_INFINITY;
        }
    }
}

impl Meter {
    /// Interleaved `samples`; they are overwritten.
    fn push(&mut self, samples: &mut Vec<f32>, channels: usize, group: usize, rate_hz: f64) {
        if samples.is_empty() {
            return;
        }
        let frames = (samples.len() / channels) as f64;
        let peak = samples.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        self.reading.clips += samples.iter().filter(|s| s.abs() >= CLIP_LEVEL).count() as u64;
        if peak >= self.peak {
            (self.peak, self.held_samples) = (peak, 0.0);
        } else {
            self.held_samples += frames;
            if self.held_samples > PEAK_HOLD_S * rate_hz {
                let fall_db = PEAK_FALL_DB_PER_S * frames / rate_hz;
                self.peak = peak.max(self.peak * 10f64.powf(-fall_db / 20.0) as f32);
            }
        }
        let mean = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>() / samples.len() as f64;
        let pull = 1.0 - (-frames / (RMS_S * rate_hz)).exp();
        self.mean_square += pull * (mean - self.mean_square);
        self.reading.peak_db = db(self.peak);
        self.reading.rms_db = db(self.mean_square.sqrt() as f32);
        if group > 1 {
            average_groups(samples, channels, group);
        }
        if let Some(loudness) = &mut self.loudness
            && loudness.add_frames_f32(samples).is_ok()
        {
            let peaks = (0..channels as u32).filter_map(|c| loudness.prev_true_peak(c).ok());
            let highest = peaks.fold(0.0, f64::max) as f32;
            self.reading.true_peak_db = self.reading.true_peak_db.max(db(highest.max(peak)));
        }
    }

    fn measure(&mut self) {
        let loudness = self.loudness.as_ref().and_then(|l| l.loudness_shortterm().ok());
        self.reading.loudness_lufs = loudness.map_or(f32::NEG_INFINITY, |l| l as f32);
    }
}

/// Every `group` frames become their mean; a rest stays out.
fn average_groups(samples: &mut Vec<f32>, channels: usize, group: usize) {
    let groups = samples.len() / (channels * group);
    for g in 0..groups {
        for c in 0..channels {
            let sum: f32 = (0..group).map(|i| samples[(g * group + i) * channels + c]).sum();
            samples[g * channels + c] = sum / group as f32;
        }
    }
    samples.truncate(groups * channels);
}

/// Decibels of a linear level.
fn db(level: f32) -> f32 {
    20.0 * level.log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::SNAPSHOT_SAMPLES;

    fn sine_meters(rate_hz: f64, hz: f64, level: f32, seconds: f64) -> Meters {
        let mut meters = Meters::new(rate_hz, 2);
        let blocks = (seconds * rate_hz) as u64 / SNAPSHOT_SAMPLES as u64;
        for block in 0..blocks {
            let mut snapshot = Snapshot {
                opening: 1,
                stream: 0,
                start_samples: block * SNAPSHOT_SAMPLES as u64,
                length: SNAPSHOT_SAMPLES,
                channels: 2,
                original: [[0.0; SNAPSHOT_SAMPLES]; 2],
                weights: [0.5; 2],
                coded: [[0.0; SNAPSHOT_SAMPLES]; 2],
            };
            for i in 0..SNAPSHOT_SAMPLES {
                let time = (snapshot.start_samples + i as u64) as f64 / rate_hz;
                let sample = level * (std::f64::consts::TAU * hz * time + 0.3).sin() as f32;
                (snapshot.original[0][i], snapshot.original[1][i]) = (sample, sample);
                snapshot.coded[0][i] = 0.5 * sample;
            }
            meters.push(&snapshot);
        }
        meters
    }

    #[test]
    fn a_stereo_sine_reads_as_ebu_tech_3341_has_it() {
        // Test case 1 of Tech 3341: 1 kHz at -23 dBFS in both channels is -23 LUFS.
        for rate_hz in [44_100.0, 48_000.0, 384_000.0] {
            let meters = sine_meters(rate_hz, 1000.0, 10f32.powf(-23.0 / 20.0), 4.0);
            let original = meters.reading(Signal::Original);
            assert!((original.loudness_lufs + 23.0).abs() < 0.1, "{rate_hz}: {original:?}");
            assert!((original.peak_db + 23.0).abs() < 0.1, "{rate_hz}: {original:?}");
            assert!((original.rms_db + 26.0).abs() < 0.1, "{rate_hz}: {original:?}");
            assert!((original.true_peak_db + 23.0).abs() < 0.2, "{rate_hz}: {original:?}");
            let coded = meters.reading(Signal::Coded);
            assert!((coded.peak_db + 29.0).abs() < 0.1, "{coded:?}");
            assert_eq!((original.clips, coded.clips), (0, 0));
        }
    }

    #[test]
    fn a_peak_between_samples_is_a_true_peak_and_clips_are_counted_until_reset() {
        // A sine at a quarter of the rate with a phase that no sample meets the top of.
        let quarter = sine_meters(48_000.0, 12_000.0, 1.0, 0.5).reading(Signal::Original);
        assert!(quarter.true_peak_db > quarter.peak_db + 0.1, "{quarter:?}");
        let mut meters = sine_meters(48_000.0, 100.0, 1.5, 0.5);
        let original = meters.reading(Signal::Original);
        assert!(original.clips > 1000 && meters.reading(Signal::Coded).clips == 0, "{original:?}");
        meters.reset_peaks();
        assert_eq!(meters.reading(Signal::Original).clips, 0);
    }

    #[test]
    fn silence_reads_as_nothing() {
        let meters = sine_meters(48_000.0, 1000.0, 0.0, 1.0);
        for signal in Signal::ALL {
            assert_eq!(meters.reading(signal), Reading::SILENT);
        }
    }
}

//! How far two sounds are apart as ears have it: Zwicker's loudness, as the training has it (`LoudnessLoss`).

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Length of a window, and from one to the next.
const WINDOW_S: f64 = 0.032;
/// Windows are a multiple of so many samples, so that transforms of all common rates are fast.
const GRAIN_SAMPLES: usize = 32;
/// What the codec codes ends here.
const HIGHEST_HZ: f64 = 12_000.0;
const BAND_BARK: f64 = 0.5;
/// Zwicker's exponent (ITU-T P.862, 10.2.4).
const EXPONENT: f32 = 0.23;
/// What is less than this share of the quieter one apart is masked (10.2.6).
const MASKED: f32 = 0.25;
/// Mean specific loudness of speech at [`SPEECH_DB`].
const SPEECH_LOUDNESS: f32 = 12.0;
/// Level at which the original is taken to be heard, dB SPL.
const SPEECH_DB: f64 = 79.0;
/// Below -60 dBFS a window says nothing of the level of what is heard.
const SILENT_POWER: f64 = 1e-6;
/// What the level is taken for before anything was heard, -26 dBFS as speech usually has, and how many seconds that counts:
/// so few that a soft recording is judged by its own level soon, and more than the first soft windows of a voice.
const USUAL_POWER: f64 = 2.512e-3;
const USUAL_S: f64 = 0.1;
/// The level is that of so many seconds.
const MEMORY_S: f64 = 10.0;

/// A triangular band over the bins from `first` on.
struct Band {
    first: usize,
    weights: Vec<f32>,
    /// The threshold in quiet, as power.
    quiet: f32,
}

/// Compares windows of original and coded sound, in their order: the level that the original is heard at follows it.
pub struct LoudnessDistance {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// Of the squares of `window`.
    window_power: f64,
    bands: Vec<Band>,
    frame: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    spectrum: Vec<Complex<f32>>,
    loudness: [Vec<f32>; 2],
    level: Level,
}

/// The mean power of the original's last seconds.
struct Level {
    energy: f64,
    weight: f64,
    decay: f64,
}

impl LoudnessDistance {
    /// For signals at `rate_hz`.
    pub fn new(rate_hz: f64) -> Self {
        let grains = (rate_hz * WINDOW_S / GRAIN_SAMPLES as f64).round().max(1.0);
        let size = grains as usize * GRAIN_SAMPLES;
        let fft = RealFftPlanner::new().plan_fft_forward(size);
        let hann = |i: usize| (0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / size as f64).cos()) as f32;
        let window: Vec<f32> = (0..size).map(hann).collect();
        let bands = bands(rate_hz / size as f64, size / 2);
        let windows_a_second = 2.0 * rate_hz / size as f64;
        let usual = USUAL_S * windows_a_second;
        Self {
            frame: fft.make_input_vec(),
            scratch: fft.make_scratch_vec(),
            spectrum: fft.make_output_vec(),
            window_power: window.iter().map(|w| f64::from(w * w)).sum(),
            window,
            loudness: [vec![0.0; bands.len()], vec![0.0; bands.len()]],
            bands,
            fft,
            level: Level {
                energy: usual * USUAL_POWER,
                weight: usual,
                decay: (-1.0 / (MEMORY_S * windows_a_second)).exp(),
            },
        }
    }

    /// Samples of a window.
    pub fn window_samples(&self) -> usize {
        self.window.len()
    }

    /// Samples from one window to the next: half a window.
    pub fn hop_samples(&self) -> usize {
        self.window.len() / 2
    }

    /// How far the next windows are apart, each `(original, coded)` of [`LoudnessDistance::window_samples`], one a
    /// channel; of several channels the largest distance. 0 where nothing is heard of a difference, and 1 for as far
    /// apart as speech is loud. A window with
    /// samples that are not numbers counts as silence.
    pub fn next<'a>(&mut self, channels: impl Iterator<Item = (&'a [f32], &'a [f32])> + Clone) -> f32 {
        let power = channels.clone().map(|(original, _)| self.power(original)).fold(0.0, f64::max);
        let gain = self.level.gain(power, self.window.len());
        channels
            .fold(0.0, |largest, (original, coded)| f32::max(largest, self.distance(original, coded, gain)))
    }

    /// Mean power of a window.
    fn power(&self, samples: &[f32]) -> f64 {
        let weighed = samples.iter().zip(&self.window).map(|(s, w)| f64::from(s * w).powi(2));
        weighed.sum::<f64>() / self.window_power
    }

    fn distance(&mut self, original: &[f32], coded: &[f32], gain: f32) -> f32 {
        if original == coded {
            return 0.0;
        }
        self.listen(0, original, gain);
        self.listen(1, coded, gain);
        let [wanted, found] = &self.loudness;
        let heard = wanted.iter().zip(found).map(|(&wanted, &found)| {
            let heard = ((found - wanted).abs() - MASKED * found.min(wanted)).max(0.0);
            // What is added is heard as something of its own (10.2.7, simplified).
            let heard = if found > wanted { 2.0 * heard } else { heard };
            heard * heard
        });
        (heard.sum::<f32>() / wanted.len() as f32).sqrt() / SPEECH_LOUDNESS
    }

    /// Works out the specific loudness of a window.
    fn listen(&mut self, which: usize, samples: &[f32], gain: f32) {
        for ((out, sample), weight) in self.frame.iter_mut().zip(samples).zip(&self.window) {
            *out = sample * weight;
        }
        // The buffers are made by the transform itself, so their lengths fit.
        if self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch).is_err() {
            self.spectrum.fill(Complex::default());
        }
        let scale = gain / self.window_power as f32;
        for (band, loudness) in self.bands.iter().zip(&mut self.loudness[which]) {
            let bins = self.spectrum[band.first..].iter().zip(&band.weights);
            let power: f32 = bins.map(|(bin, weight)| weight * bin.norm_sqr()).sum();
            let above = (0.5 + 0.5 * scale * power / band.quiet).powf(EXPONENT) - 1.0;
            *loudness = band.quiet.powf(EXPONENT) * above.max(0.0);
        }
    }
}

impl Level {
    /// What power is to be multiplied with so that the original has the level of speech.
    fn gain(&mut self, window_power: f64, window_samples: usize) -> f32 {
        if window_power.is_finite() && window_power > SILENT_POWER {
            self.energy = self.energy * self.decay + window_power;
            self.weight = self.weight * self.decay + 1.0;
        }
        let power = (self.energy / self.weight).max(SILENT_POWER);
        // Power of a sample to power of a spectrum's mean bin.
        (10f64.powf(SPEECH_DB / 10.0) / (power * window_samples as f64 / 2.0)) as f32
    }
}

/// Critical-band rate in Bark (Traunmueller 1990).
fn bark(hz: f64) -> f64 {
    26.81 * hz / (1960.0 + hz) - 0.53
}

/// The threshold in quiet at a frequency, in dB SPL (Terhardt 1979).
fn quiet_db(khz: f64) -> f64 {
    3.64 * khz.powf(-0.8) - 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp() + 1e-3 * khz.powi(4)
}

/// Bands of half a Bark, as far as there are bins.
fn bands(bin_hz: f64, last_bin: usize) -> Vec<Band> {
    let last_bark = bark(HIGHEST_HZ.min(bin_hz * last_bin as f64));
    let centre = |band: usize| (band as f64 + 1.0) * BAND_BARK;
    let band = |centre: f64| {
        let khz = (1960.0 * (centre + 0.53) / (26.81 - centre - 0.53) / 1000.0).max(0.05);
        let weight = |bin: usize| 1.0 - (bark(bin as f64 * bin_hz) - centre).abs() / BAND_BARK;
        let first = (0..=last_bin).find(|&bin| weight(bin) > 0.0).unwrap_or(last_bin);
        let weights = (first..=last_bin).map(weight).take_while(|&weight| weight > 0.0);
        Band {
            first,
            weights: weights.map(|weight| weight as f32).collect(),
            quiet: 10f64.powf(quiet_db(khz) / 10.0) as f32,
        }
    };
    (0..).map(centre).take_while(|&centre| centre < last_bark).map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: f64, hz: f64, level: f32, length: usize) -> Vec<f32> {
        (0..length).map(|i| level * (std::f64::consts::TAU * hz * i as f64 / rate_hz).sin() as f32).collect()
    }

    #[test]
    fn the_loudness_is_that_of_the_training() {
        // `LoudnessLoss.loudness` at the gain of -26 dBFS, a window in the middle of a second of tone: mean of the
        // bands, and the band that is loudest of every fourth.
        for (hz, level, mean, band, loudest) in
            [(1000.0, 0.1, 2.935_33, 16, 61.7437), (200.0, 0.02, 1.652_45, 4, 18.2216)]
        {
            let mut distance = LoudnessDistance::new(24_000.0);
            let window = tone(24_000.0, hz, level, 24_000)[19 * 384..21 * 384].to_vec();
            let gain = distance.level.gain(0.0, 768);
            distance.listen(0, &window, gain);
            let loudness = &distance.loudness[0];
            let found = loudness.iter().sum::<f32>() / loudness.len() as f32;
            assert_eq!(loudness.len(), 45);
            assert!((found / mean - 1.0).abs() < 0.01, "{hz} Hz: {found}, the training has {mean}");
            assert!((loudness[band] / loudest - 1.0).abs() < 0.01, "{hz} Hz: {}", loudness[band]);
        }
    }

    #[test]
    fn a_fault_is_as_far_at_every_rate() {
        let at = |rate_hz: f64| {
            let mut distance = LoudnessDistance::new(rate_hz);
            let n = distance.window_samples();
            let (original, coded) = (tone(rate_hz, 700.0, 0.1, n), tone(rate_hz, 1100.0, 0.1, n));
            distance.next([(&original[..], &coded[..])].into_iter())
        };
        let wanted = at(24_000.0);
        for rate_hz in [44_100.0, 48_000.0, 96_000.0, 192_000.0] {
            assert!((at(rate_hz) / wanted - 1.0).abs() < 0.02, "{rate_hz}: {} and {wanted}", at(rate_hz));
        }
        assert!(at(8000.0) > wanted, "of fewer bands more are hit");
    }

    #[test]
    fn what_is_added_is_further_than_what_is_left_out_and_a_small_change_is_nothing() {
        let mut distance = LoudnessDistance::new(48_000.0);
        let n = distance.window_samples();
        let (loud, soft) = (tone(48_000.0, 500.0, 0.2, n), tone(48_000.0, 500.0, 0.05, n));
        let mut next = |a: &[f32], b: &[f32]| distance.next([(a, b)].into_iter());
        let (lost, added) = (next(&loud, &soft), next(&soft, &loud));
        assert!(added > 1.5 * lost && lost > 0.1, "{lost} {added}");
        assert_eq!(next(&loud, &tone(48_000.0, 500.0, 0.21, n)), 0.0);
        assert_eq!(next(&loud, &loud), 0.0);
    }

    #[test]
    fn the_level_follows_the_original_so_that_quiet_and_loud_recordings_are_judged_alike() {
        let settled = |level: f32| {
            let mut distance = LoudnessDistance::new(24_000.0);
            let n = distance.window_samples();
            let (original, coded) = (tone(24_000.0, 700.0, level, n), tone(24_000.0, 900.0, level, n));
            (0..3000).map(|_| distance.next([(&original[..], &coded[..])].into_iter())).last().unwrap()
        };
        assert!((settled(0.5) / settled(0.01) - 1.0).abs() < 0.05, "{} {}", settled(0.5), settled(0.01));
    }

    #[test]
    fn a_soft_recording_is_judged_like_a_loud_one_after_its_first_seconds() {
        let after = |level: f32, seconds: f64| {
            let mut distance = LoudnessDistance::new(24_000.0);
            let n = distance.window_samples();
            let (original, coded) = (tone(24_000.0, 700.0, level, n), tone(24_000.0, 900.0, level, n));
            let windows = (seconds * 24_000.0 / distance.hop_samples() as f64) as usize;
            (0..windows).map(|_| distance.next([(&original[..], &coded[..])].into_iter())).last().unwrap()
        };
        for (seconds, most) in [(3.0, 0.15), (10.0, 0.05)] {
            let (loud, soft) = (after(0.1, seconds), after(0.016, seconds));
            assert!(
                (soft / loud - 1.0).abs() < most,
                "after {seconds} s: {soft} where a loud one has {loud}"
            );
        }
    }

    #[test]
    fn a_window_that_is_not_of_numbers_counts_as_silence_and_leaves_no_trace() {
        let mut distance = LoudnessDistance::new(48_000.0);
        let n = distance.window_samples();
        let (good, bad, silent) = (tone(48_000.0, 500.0, 0.2, n), vec![f32::NAN; n], vec![0.0; n]);
        let mut next = |a: &[f32], b: &[f32]| distance.next([(a, b)].into_iter());
        // So that the level stands still.
        (0..100).for_each(|_| _ = next(&good, &good));
        let (lost, found) = (next(&good, &silent), next(&good, &bad));
        assert!(lost > 0.1 && (lost / found - 1.0).abs() < 0.05, "{lost} {found}");
        assert_eq!(next(&bad, &bad), 0.0);
        assert!(next(&good, &silent) > 0.1);
    }
}

//! Spectra of original, coded and difference on a mel scale, as bytes of level.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Bands of a column, low to high.
pub const BANDS: usize = 128;
/// What a level byte of 0 stands for; 255 stands for a full-scale sine, 0 dB.
pub const FLOOR_DB: f32 = -90.0;
/// Lowest and highest band edge in Hz; the highest is the host's Nyquist frequency where that is lower.
const LOWEST_HZ: f64 = 40.0;
const HIGHEST_HZ: f64 = 16_000.0;
const WINDOW_S: f64 = 2048.0 / 48_000.0;
/// Equivalent noise bandwidth of a Hann window in bins: a sine's power is spread over as many.
const HANN_BANDWIDTH_BINS: f32 = 1.5;

/// Levels of one moment, each `[BANDS]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spectra {
    pub original: [u8; BANDS],
    pub coded: [u8; BANDS],
    /// Of original minus coded.
    pub difference: [u8; BANDS],
}

impl Spectra {
    /// Silence.
    pub const SILENT: Self = Self { original: [0; BANDS], coded: [0; BANDS], difference: [0; BANDS] };
}

/// A triangular band over the bins from `first` on.
struct Band {
    first: usize,
    weights: Vec<f32>,
}

/// Turns windows of two aligned signals into [`Spectra`].
pub struct Analyzer {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    bands: Vec<Band>,
    frame: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    original: Vec<Complex<f32>>,
    coded: Vec<Complex<f32>>,
    power_scale: f32,
}

impl Analyzer {
    /// For signals at `rate_hz`.
    pub fn new(rate_hz: f64) -> Self {
        let size = ((rate_hz * WINDOW_S / 2.0).round() as usize).max(16) * 2;
        let fft = RealFftPlanner::new().plan_fft_forward(size);
        let window: Vec<f32> = (0..size)
            .map(|i| {
                let phase = std::f64::consts::TAU * (i as f64 + 0.5) / size as f64;
                (0.5 - 0.5 * phase.cos()) as f32
            })
            .collect();
        let amplitude = 2.0 / window.iter().sum::<f32>();
        let bin_hz = rate_hz / size as f64;
        Self {
            bands: (0..BANDS).map(|i| Band::new(i, rate_hz, bin_hz, size / 2)).collect(),
            frame: fft.make_input_vec(),
            scratch: fft.make_scratch_vec(),
            original: fft.make_output_vec(),
            coded: fft.make_output_vec(),
            power_scale: amplitude * amplitude / HANN_BANDWIDTH_BINS,
            window,
            fft,
        }
    }

    /// Samples of a window.
    pub fn window_samples(&self) -> usize {
        self.window.len()
    }

    /// The spectra of two windows of [`Analyzer::window_samples`] each.
    pub fn analyse(&mut self, original: &[f32], coded: &[f32]) -> Spectra {
        let Self { fft, window, frame, scratch, .. } = self;
        for (signal, spectrum) in [(original, &mut self.original), (coded, &mut self.coded)] {
            for ((out, sample), weight) in frame.iter_mut().zip(signal).zip(&*window) {
                *out = sample * weight;
            }
            // The buffers are made by the transform itself, so their lengths fit.
            if fft.process_with_scratch(frame, spectrum, scratch).is_err() {
                spectrum.fill(Complex::default());
            }
        }
        let mut spectra = Spectra::SILENT;
        for (i, band) in self.bands.iter().enumerate() {
            let mut power = [0.0; 3];
            for (k, weight) in band.weights.iter().enumerate() {
                let (o, c) = (self.original[band.first + k], self.coded[band.first + k]);
                power[0] += weight * o.norm_sqr();
                power[1] += weight * c.norm_sqr();
                power[2] += weight * (o - c).norm_sqr();
            }
            let [o, c, d] = power.map(|p| level_byte(p * self.power_scale));
            (spectra.original[i], spectra.coded[i], spectra.difference[i]) = (o, c, d);
        }
        spectra
    }
}

impl Band {
    fn new(index: usize, rate_hz: f64, bin_hz: f64, last_bin: usize) -> Self {
        let center = band_hz(index as f64, rate_hz) / bin_hz;
        // At least the main lobe of the window, or a low band would miss a sine between two bins.
        let below = (center - band_hz(index as f64 - 1.0, rate_hz) / bin_hz).max(2.0);
        let above = (band_hz(index as f64 + 1.0, rate_hz) / bin_hz - center).max(2.0);
        let first = (center - below).ceil().max(0.0) as usize;
        let last = ((center + above).floor() as usize).min(last_bin);
        let weight = |bin: usize| {
            let offset = bin as f64 - center;
            1.0 - if offset < 0.0 { -offset / below } else { offset / above }
        };
        Self { first, weights: (first..=last).map(|bin| weight(bin).max(0.0) as f32).collect() }
    }
}

/// Centre of a band in Hz on the mel scale (O'Shaughnessy 1987: 2595 log10(1 + f / 700)).
pub fn band_hz(index: f64, rate_hz: f64) -> f64 {
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ.min(rate_hz / 2.0)));
    let mel = low + (index + 0.5) / BANDS as f64 * (high - low);
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

/// The level in dB that a byte stands for.
pub fn level_db(byte: u8) -> f32 {
    FLOOR_DB * (1.0 - f32::from(byte) / 255.0)
}

fn level_byte(power: f32) -> u8 {
    let db = 10.0 * power.max(1e-12).log10();
    ((db - FLOOR_DB) / -FLOOR_DB * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate_hz: f64, hz: f64, level: f32, length: usize) -> Vec<f32> {
        (0..length).map(|i| level * (std::f64::consts::TAU * hz * i as f64 / rate_hz).sin() as f32).collect()
    }

    #[test]
    fn a_sine_shows_at_its_band_and_level_at_every_rate() {
        for rate_hz in [8000.0, 44_100.0, 48_000.0, 95_999.0] {
            for (hz, level_wanted) in [(200.0, -6.0), (1000.0, 0.0), (3500.0, -40.0)] {
                let mut analyzer = Analyzer::new(rate_hz);
                let n = analyzer.window_samples();
                let signal = sine(rate_hz, hz, 10f32.powf(level_wanted / 20.0), n);
                let spectra = analyzer.analyse(&signal, &vec![0.0; n]);
                let loudest = (0..BANDS).max_by_key(|&i| spectra.original[i]).unwrap();
                let found_hz = band_hz(loudest as f64, rate_hz);
                assert!((found_hz / hz - 1.0).abs() < 0.12, "{hz} Hz at {rate_hz}: loudest at {found_hz}");
                let found_db = level_db(spectra.original[loudest]);
                assert!((found_db - level_wanted).abs() < 2.0, "{hz} Hz at {rate_hz}: {found_db} dB");
                assert_eq!(spectra.coded, [0; BANDS]);
                assert_eq!(spectra.difference, spectra.original, "nothing is coded: all differs");
            }
        }
    }

    #[test]
    fn equal_signals_have_no_difference() {
        let mut analyzer = Analyzer::new(48_000.0);
        let signal = sine(48_000.0, 440.0, 0.5, analyzer.window_samples());
        let spectra = analyzer.analyse(&signal, &signal);
        assert_eq!((spectra.original, spectra.difference), (spectra.coded, [0; BANDS]));
    }
}

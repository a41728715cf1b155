//! Spectrograms above each other: mel frequency, level in dB, one time axis.

use std::path::Path;

use anyhow::{Context, Result, bail};
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

use super::canvas::{CHAR_WIDTH, Canvas, Colour};

/// Samples of a window, at any rate.
const WINDOW_SAMPLES: usize = 2048;
/// Level of the darkest colour; the brightest is a sine at full scale, 0 dB.
const FLOOR_DB: f32 = -90.0;
/// Highest frequency shown.
const TOP_HZ: f32 = 16_000.0;
/// Frequencies named on the axis.
const TICKS_HZ: [(f32, &str); 8] = [
    (0.0, "0 Hz"),
    (250.0, "250"),
    (500.0, "500"),
    (1000.0, "1 k"),
    (2000.0, "2 k"),
    (4000.0, "4 k"),
    (8000.0, "8 k"),
    (16_000.0, "16 kHz"),
];

const PLOT_WIDTH: usize = 1200;
const PLOT_HEIGHT: usize = 320;
const LEFT: usize = 52;
const RIGHT: usize = 76;
/// Room above a plot, for its title.
const ABOVE: usize = 24;
/// Room below the last plot, for the time axis.
const BELOW: usize = 26;
const TICK: usize = 4;

const PAPER: Colour = [255; 3];
const INK: Colour = [40; 3];

/// One spectrogram.
pub struct Panel<'a> {
    /// What it is of.
    pub title: &'a str,
    /// The audio.
    pub samples: &'a [f32],
}

/// Draws the panels from top to bottom. All begin at time 0; the longest sets the time axis.
pub fn draw(path: &Path, rate_hz: u32, panels: &[Panel]) -> Result<()> {
    let length_samples = panels.iter().map(|panel| panel.samples.len()).max().unwrap_or(0);
    if length_samples == 0 || rate_hz == 0 {
        bail!("there is nothing to draw: the clip is empty");
    }
    let height = panels.len() * (ABOVE + PLOT_HEIGHT) + BELOW;
    let mut canvas = Canvas::new(LEFT + PLOT_WIDTH + RIGHT, height, PAPER);
    let mut analysis = Analysis::new(rate_hz);
    let mut bottom = 0;
    for panel in panels {
        let top = bottom + ABOVE;
        bottom = top + PLOT_HEIGHT;
        canvas.text(LEFT, top - 14, panel.title, INK);
        for x in 0..PLOT_WIDTH {
            let centre = (2 * x + 1) * length_samples / (2 * PLOT_WIDTH);
            let column = analysis.column(panel.samples, centre)?;
            for (row, &level_db) in column.iter().enumerate() {
                canvas.set(LEFT + x, bottom - 1 - row, colour(level_db));
            }
        }
        frequency_axis(&mut canvas, bottom);
        level_bar(&mut canvas, top);
    }
    time_axis(&mut canvas, bottom, length_samples as f64 / f64::from(rate_hz));
    canvas.save(path)
}

fn frequency_axis(canvas: &mut Canvas, bottom: usize) {
    for (hz, name) in TICKS_HZ {
        let y = bottom - 1 - (row_of(hz) as usize).min(PLOT_HEIGHT - 1);
        (1..=TICK).for_each(|x| canvas.set(LEFT - x, y, INK));
        canvas.text_left_of(LEFT - TICK - 2, y, name, INK);
    }
}

/// The colours and their levels, right of a plot.
fn level_bar(canvas: &mut Canvas, top: usize) {
    let left = LEFT + PLOT_WIDTH + 14;
    for row in 0..PLOT_HEIGHT {
        let level_db = FLOOR_DB * row as f32 / (PLOT_HEIGHT - 1) as f32;
        (0..12).for_each(|x| canvas.set(left + x, top + row, colour(level_db)));
    }
    for (part, name) in ["0 dB", "-30", "-60", "-90"].into_iter().enumerate() {
        let y = top + part * (PLOT_HEIGHT - 1) / 3;
        canvas.text_left_of(left + 16 + name.len() * CHAR_WIDTH, y, name, INK);
    }
}

fn time_axis(canvas: &mut Canvas, bottom: usize, seconds: f64) {
    // At most about 20 marks, at whole seconds.
    let step = (seconds / 20.0).ceil().max(1.0) as usize;
    for second in (0..=seconds as usize).step_by(step) {
        let x = LEFT + ((second as f64 / seconds * PLOT_WIDTH as f64) as usize).min(PLOT_WIDTH - 1);
        (0..TICK).for_each(|y| canvas.set(x, bottom + y, INK));
        let name = format!("{second} s");
        canvas.text(x.saturating_sub(CHAR_WIDTH / 2), bottom + TICK + 4, &name, INK);
    }
}

fn colour(level_db: f32) -> Colour {
    let part = 1.0 - (level_db / FLOOR_DB).clamp(0.0, 1.0);
    colorous::INFERNO.eval_continuous(f64::from(part)).into_array()
}

fn mel(hz: f32) -> f32 {
    (1.0 + hz / 700.0).ln()
}

/// Row of a frequency, counted from the bottom.
fn row_of(hz: f32) -> f32 {
    mel(hz) / mel(TOP_HZ) * PLOT_HEIGHT as f32
}

/// Frequency at the lower edge of a row.
fn hz_of(row: f32) -> f32 {
    700.0 * ((row / PLOT_HEIGHT as f32 * mel(TOP_HZ)).exp() - 1.0)
}

/// Short-time spectra on rows of equal mel.
struct Analysis {
    fft: Arc<dyn RealToComplex<f32>>,
    bins_per_hz: f32,
    window: Vec<f32>,
    time: Vec<f32>,
    bins: Vec<Complex<f32>>,
}

impl Analysis {
    fn new(rate_hz: u32) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW_SAMPLES);
        // Hann, scaled so that a sine at full scale has magnitude 1.
        let turn = std::f32::consts::TAU / WINDOW_SAMPLES as f32;
        let hann = |i: usize| 0.5 - 0.5 * (turn * i as f32).cos();
        let window = (0..WINDOW_SAMPLES).map(|i| hann(i) * 4.0 / WINDOW_SAMPLES as f32).collect();
        let (time, bins) = (fft.make_input_vec(), fft.make_output_vec());
        Self { fft, bins_per_hz: WINDOW_SAMPLES as f32 / rate_hz as f32, window, time, bins }
    }

    /// Levels in dB of each row, from the bottom, around a sample. Outside the audio is silence.
    fn column(&mut self, samples: &[f32], centre: usize) -> Result<Vec<f32>> {
        for (i, (value, weight)) in self.time.iter_mut().zip(&self.window).enumerate() {
            let at = (centre + i).checked_sub(WINDOW_SAMPLES / 2);
            *value = at.and_then(|at| samples.get(at)).map_or(0.0, |sample| sample * weight);
        }
        self.fft
            .process(&mut self.time, &mut self.bins)
            .context("the spectrogram's Fourier transform failed")?;
        let magnitudes: Vec<f32> = self.bins.iter().map(|bin| bin.norm()).collect();
        let rows = (0..PLOT_HEIGHT).map(|row| {
            let low = hz_of(row as f32) * self.bins_per_hz;
            let high = hz_of(row as f32 + 1.0) * self.bins_per_hz;
            20.0 * strongest(&magnitudes, low, high).max(1e-9).log10()
        });
        Ok(rows.collect())
    }
}

/// Largest magnitude between two places on the frequency axis, linear between bins; 0 above Nyquist.
fn strongest(magnitudes: &[f32], low: f32, high: f32) -> f32 {
    let at = |place: f32| {
        let bin = place as usize;
        let (a, b) = (magnitudes.get(bin).copied(), magnitudes.get(bin + 1).copied());
        let (a, b) = (a.unwrap_or(0.0), b.unwrap_or(0.0));
        a + (b - a) * place.fract()
    };
    let inside = magnitudes.iter().take(high as usize + 1).skip(low.ceil() as usize);
    inside.copied().fold(at(low).max(at(high)), f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_frequencies_are_inverse() {
        for hz in [0.0, 100.0, 1000.0, 15_999.0] {
            assert!((hz_of(row_of(hz)) - hz).abs() < 0.1, "{hz}");
        }
        assert!((hz_of(PLOT_HEIGHT as f32) - TOP_HZ).abs() < 1.0);
    }

    #[test]
    fn a_full_scale_sine_is_0_db_in_its_row_and_silence_elsewhere() -> Result<()> {
        for rate_hz in [24_000, 48_000, 96_000] {
            for hz in [200.0_f32, 1000.0, 5000.0] {
                let sine = |i: usize| {
                    (std::f64::consts::TAU * f64::from(hz) * i as f64 / f64::from(rate_hz)).sin() as f32
                };
                let samples: Vec<f32> = (0..8192).map(sine).collect();
                let column = Analysis::new(rate_hz).column(&samples, 4096)?;
                let peak = column.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                let Some((row, &level_db)) = peak else { panic!("no rows") };
                assert!((-1.5..0.01).contains(&level_db), "{rate_hz} {hz}: {level_db} dB");
                // A bin at 96 kHz is 47 Hz wide: a few rows at the bottom.
                assert!((row as f32 - row_of(hz)).abs() < 4.0, "{rate_hz} {hz}: row {row}");
                assert!(column[PLOT_HEIGHT - 1] < FLOOR_DB, "{rate_hz} {hz}");
            }
        }
        Ok(())
    }

    #[test]
    fn colours_get_brighter_with_level_and_stay_in_range() {
        let light = |db| colour(db).iter().map(|&c| u32::from(c)).sum::<u32>();
        assert!([-90.0, -60.0, -30.0, 0.0].windows(2).all(|w| light(w[0]) < light(w[1])));
        assert_eq!((colour(-500.0), colour(20.0)), (colour(FLOOR_DB), colour(0.0)));
    }

    #[test]
    fn a_drawing_has_its_size_and_nothing_is_refused() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.png");
        let panels = [Panel { title: "a", samples: &[0.5; 3000] }, Panel { title: "b", samples: &[0.1; 10] }];
        draw(&path, 48_000, &panels)?;
        let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path)?));
        let reader = decoder.read_info()?;
        let (width, height) = reader.info().size();
        assert_eq!(
            (width as usize, height as usize),
            (LEFT + PLOT_WIDTH + RIGHT, 2 * (ABOVE + PLOT_HEIGHT) + BELOW)
        );
        assert!(draw(&path, 48_000, &[Panel { title: "", samples: &[] }]).is_err());
        Ok(())
    }
}

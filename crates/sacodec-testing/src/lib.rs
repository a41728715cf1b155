//! What tests of several crates share: clips, noise, block sizes and comparisons that tell the story.

pub mod flac;
mod packs;
pub mod wav;

use std::path::{Path, PathBuf};

pub use packs::{other_pack, pack_that_says};

/// How a stream is cut into blocks.
#[derive(Debug, Clone, Copy)]
pub enum Blocks {
    /// All of so many samples, but the last.
    Fixed(usize),
    /// From 0 samples to a maximum.
    Random {
        /// Of the sizes.
        seed: u32,
        /// The largest, in samples.
        max: usize,
    },
}

impl Blocks {
    /// Sizes that add up to `length`.
    pub fn sizes(self, length: usize) -> Vec<usize> {
        let mut random = fastrand::Rng::with_seed(match self {
            Blocks::Fixed(_) => 1,
            Blocks::Random { seed, .. } => seed.into(),
        });
        let (mut left, mut sizes) = (length, Vec::new());
        while left > 0 {
            let size = match self {
                Blocks::Fixed(size) => size,
                Blocks::Random { max, .. } => random.usize(..=max),
            };
            sizes.push(size.min(left));
            left -= size.min(left);
        }
        sizes
    }
}

/// White noise of `length` samples, uniform within ±`level`.
pub fn noise(seed: u32, length: usize, level: f32) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed.into());
    (0..length).map(|_| level * (2.0 * random.f32() - 1.0)).collect()
}

/// A file of the repository's `tests/data`.
pub fn data(name: &str) -> PathBuf {
    root().join("tests/data").join(name)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// First channel of a WAV file, as f32.
pub fn read_wav(path: &Path) -> (Vec<f32>, u32) {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let spec = reader.spec();
    let channels = usize::from(spec.channels);
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().step_by(channels).map(Result::unwrap).collect(),
        hound::SampleFormat::Int => {
            let scale = 1.0 / (1_i64 << (spec.bits_per_sample - 1)) as f32;
            reader.samples::<i32>().step_by(channels).map(|s| s.unwrap() as f32 * scale).collect()
        }
    };
    (samples, spec.sample_rate)
}

/// Writes a WAV file of 32-bit floats, from channels of one length.
pub fn write_wav(path: &Path, rate_hz: u32, channels: &[Vec<f32>]) {
    let samples = (0..channels[0].len()).flat_map(|i| channels.iter().map(move |channel| channel[i]));
    write_samples(path, rate_hz, channels.len() as u16, hound::SampleFormat::Float, 32, samples);
}

/// Writes a WAV file of 16-bit noise, and the folder that it is in.
pub fn write_noise(path: &Path, rate_hz: u32, channels: u16, length: usize, seed: u32) {
    let samples = noise(seed, length * usize::from(channels), 8000.0).into_iter().map(|s| s as i16);
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    write_samples(path, rate_hz, channels, hound::SampleFormat::Int, 16, samples);
}

fn write_samples<S: hound::Sample>(
    path: &Path,
    sample_rate: u32,
    channels: u16,
    sample_format: hound::SampleFormat,
    bits_per_sample: u16,
    samples: impl Iterator<Item = S>,
) {
    let spec = hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format };
    let written = hound::WavWriter::create(path, spec).and_then(|mut wav| {
        let mut samples = samples;
        samples.try_for_each(|sample| wav.write_sample(sample))?;
        wav.finalize()
    });
    written.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// The repository's clip at 48 kHz.
pub fn speech_48k() -> Vec<f32> {
    let (samples, rate_hz) = read_wav(&data("speech.wav"));
    assert_eq!(rate_hz, 48_000);
    samples
}

/// The repository's clip at 24 kHz: what the golden tokens were made from.
pub fn speech_24k() -> Vec<f32> {
    let (samples, rate_hz) = read_wav(&data("speech_24k.wav"));
    assert_eq!(rate_hz, 24_000);
    samples
}

/// Compares two signals and says where they part.
#[track_caller]
pub fn assert_same(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths differ");
    let distance = |at: usize| (found[at] - expected[at]).abs();
    if let Some(at) = (0..found.len()).find(|&at| distance(at).is_nan() || distance(at) > tolerance) {
        let largest = (0..found.len()).map(distance).fold(0.0, f32::max);
        let (f, e) = (found[at], expected[at]);
        panic!("{what}: first differs at sample {at}: {f} instead of {e}; largest difference {largest}");
    }
}

/// The lag of `b` against `a`, within ±`reach`, at which they correlate most.
pub fn correlation_peak(a: &[f32], b: &[f32], reach: isize) -> isize {
    let length = a.len() as isize;
    let correlation = |lag: isize| -> f64 {
        (reach..length - reach).map(|i| f64::from(a[i as usize]) * f64::from(b[(i + lag) as usize])).sum()
    };
    (-reach..=reach).max_by(|&x, &y| correlation(x).total_cmp(&correlation(y))).unwrap_or(0)
}

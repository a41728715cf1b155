//! A mono clip, its files, and its way through the plugin.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap_host::Library;
use cpu_time::ThreadTime;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

/// The plugin's CLAP id.
const PLUGIN: &str = "org.sacodec.sacodec";

/// Block size that the demo's host plays with.
const BLOCK_SAMPLES: u32 = 64;

/// Mono audio.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Sample rate.
    pub rate_hz: u32,
    /// Samples, full scale 1.
    pub samples: Vec<f32>,
}

/// A clip that came through the plugin, its latency taken off.
#[derive(Debug)]
pub struct Render {
    /// As long as what was played, and aligned to it.
    pub clip: Clip,
    /// Latency that the plugin reported.
    pub latency_samples: u32,
    /// CPU time of the thread that called the plugin, during the calls.
    pub cpu_seconds: f64,
}

impl Clip {
    /// Reads a mono WAV file of 16-bit or 32-bit float samples.
    pub fn read(path: &Path) -> Result<Self> {
        let reading =
            || format!("could not read {}: a mono WAV, 16 bit or 32-bit float, is expected", path.display());
        let mut reader = WavReader::open(path).with_context(reading)?;
        let spec = reader.spec();
        let samples: Result<Vec<f32>, _> = match (spec.channels, spec.sample_format, spec.bits_per_sample) {
            (1, SampleFormat::Int, 16) => {
                reader.samples::<i16>().map(|s| s.map(|s| f32::from(s) / 32768.0)).collect()
            }
            (1, SampleFormat::Float, 32) => reader.samples::<f32>().collect(),
            (channels, format, bits) => {
                return Err(anyhow::anyhow!("found {channels} channels, {bits} bit {format:?}"))
                    .with_context(reading);
            }
        };
        Ok(Self { rate_hz: spec.sample_rate, samples: samples.with_context(reading)? })
    }

    /// Writes it as 32-bit float WAV.
    pub fn write(&self, path: &Path) -> Result<()> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: self.rate_hz,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let write = || {
            let mut writer = WavWriter::create(path, spec)?;
            self.samples.iter().try_for_each(|&sample| writer.write_sample(sample))?;
            writer.finalize()
        };
        write()
            .with_context(|| format!("could not write {}: check permissions and free space", path.display()))
    }

    /// Length.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate_hz)
    }

    /// Largest distance of two samples at the same place; infinite where the lengths differ.
    pub fn largest_difference(&self, other: &Self) -> f32 {
        if self.samples.len() != other.samples.len() {
            return f32::INFINITY;
        }
        let pairs = self.samples.iter().zip(&other.samples);
        // Not `f32::max`, which would hide a NaN.
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most })
    }
}

/// Loads a built plugin.
pub fn load(path: &Path) -> Result<Library> {
    Library::from_path(path).context("the built plugin does not load; `cargo xtask test` may say why")
}

/// Plays the clip on both channels through a new instance and takes the left of what comes out.
pub fn play(library: &Library, clip: &Clip, listen: f64) -> Result<Render> {
    let through =
        || format!("the plugin did not play with Listen at {listen}; `cargo xtask test` may say why");
    let mut host = library.create(PLUGIN).with_context(through)?;
    // While inactive, so that it starts there instead of fading over from the default.
    host.set_param("Listen", listen).with_context(through)?;
    host.activate(f64::from(clip.rate_hz), 1, BLOCK_SAMPLES, 2).with_context(through)?;
    let latency_samples = host.latency_samples();

    let mut input = clip.samples.clone();
    input.resize(clip.samples.len() + latency_samples as usize, 0.0);
    let input = [input.clone(), input];
    let start = ThreadTime::now();
    let output = host.render(&input, std::iter::repeat(BLOCK_SAMPLES as usize)).with_context(through)?;
    let cpu_seconds = start.elapsed().as_secs_f64();
    let Some(left) = output.into_iter().next() else {
        bail!("the plugin has no output channel: check its port layouts")
    };
    let samples = left.into_iter().skip(latency_samples as usize).collect();
    Ok(Render { clip: Clip { rate_hz: clip.rate_hz, samples }, latency_samples, cpu_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_clip_is_read_back_bit_by_bit() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.wav");
        let clip = Clip { rate_hz: 48_000, samples: vec![0.0, 1.5, -1.0, 1e-20] };
        clip.write(&path)?;
        assert_eq!(Clip::read(&path)?, clip);
        assert_eq!(clip.seconds(), 4.0 / 48_000.0);
        Ok(())
    }

    #[test]
    fn a_file_that_is_no_clip_is_named() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("noise.wav");
        std::fs::write(&path, "not a WAV")?;
        assert!(Clip::read(&path).is_err_and(|e| e.to_string().contains("noise.wav")));
        Ok(())
    }

    #[test]
    fn the_largest_difference_hides_neither_length_nor_nan() {
        let clip = |samples: &[f32]| Clip { rate_hz: 1, samples: samples.into() };
        assert_eq!(clip(&[0.0, 1.0]).largest_difference(&clip(&[0.0, 1.0])), 0.0);
        assert_eq!(clip(&[0.0, 1.0, 0.0]).largest_difference(&clip(&[0.5, -1.0, 0.0])), 2.0);
        assert!(clip(&[f32::NAN, 1.0]).largest_difference(&clip(&[0.0, 1.0])).is_nan());
        assert_eq!(clip(&[0.0]).largest_difference(&clip(&[])), f32::INFINITY);
    }
}

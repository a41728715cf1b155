//! The demo in numbers.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;

/// What `sacodec roundtrip --json` says of the coding.
#[derive(Debug, Clone, Deserialize)]
pub struct Coding {
    /// Name and version of the model pack.
    pub pack: String,
    /// Bits a second of the tokens.
    pub bitrate_bps: f64,
    /// Latency of the plugin at this rate, as the engine computes it.
    pub latency_samples: u32,
    /// Frames in the clip.
    pub frames: usize,
    /// A token of the linguistic stream for each frame.
    pub semantic: Vec<u32>,
    /// A token of the residual stream for each frame.
    pub acoustic: Vec<u32>,
}

/// All that the report says; its `Display` is the report.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was played.
    pub clip: &'static str,
    /// Its length.
    pub seconds: f64,
    /// Its rate.
    pub rate_hz: u32,
    /// Latency that the plugin reported to its host.
    pub latency_samples: u32,
    /// CPU time of the coded render.
    pub cpu_seconds: f64,
    /// Largest sample of (what Original gave − the clip).
    pub original_error: f32,
    /// Largest sample of (what the plugin coded − what the command coded).
    pub command_error: f32,
    /// From the command.
    pub coding: Coding,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latency_samples, coding, .. } = self;
        let latency_ms = 1000.0 * f64::from(*latency_samples) / f64::from(self.rate_hz);
        let share = 100.0 * self.cpu_seconds / self.seconds;
        writeln!(f, "SACodec demo")?;
        writeln!(f, "clip             {}: {:.2} s at {} Hz", self.clip, self.seconds, self.rate_hz)?;
        writeln!(f, "model pack       {}", coding.pack)?;
        writeln!(f, "latency          {latency_samples} samples, {latency_ms:.1} ms")?;
        if *latency_samples != coding.latency_samples {
            writeln!(
                f,
                "                 DIFFERS from the engine's {}: please report it",
                coding.latency_samples
            )?;
        }
        writeln!(f, "share of a core  {share:.1} % (CPU time of the audio thread, coded, 64-sample blocks)")?;
        writeln!(f, "bitrate          {:.0} bit/s", coding.bitrate_bps)?;
        writeln!(f, "frames           {}", coding.frames)?;
        writeln!(f, "semantic tokens  {}", Tokens(&coding.semantic))?;
        writeln!(f, "acoustic tokens  {}", Tokens(&coding.acoustic))?;
        writeln!(f, "original - clip  {}", Peak(self.original_error))?;
        writeln!(f, "coded - command  {}", Peak(self.command_error))
    }
}

struct Tokens<'a>(&'a [u32]);

impl fmt::Display for Tokens<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distinct = self.0.iter().collect::<HashSet<_>>().len();
        let first: Vec<String> = self.0.iter().take(10).map(u32::to_string).collect();
        write!(f, "{distinct} distinct, first {}", first.join(" "))
    }
}

struct Peak(f32);

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0.0 { f.write_str("bit exact") } else { write!(f, "largest sample {:.1e}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_everything_in_units() -> anyhow::Result<()> {
        let json = r#"{"pack": "p 1", "bitrate_bps": 1500.0, "frames": 12, "latency_samples": 2400, "other": 1,
            "semantic": [5,5,5,5,5,5,5,5,5,5,6,7], "acoustic": [1,2]}"#;
        let mut report = Report {
            clip: "speech.wav",
            seconds: 10.0,
            rate_hz: 48_000,
            latency_samples: 2400,
            cpu_seconds: 0.5,
            original_error: 0.0,
            command_error: 2e-6,
            coding: serde_json::from_str(json)?,
        };
        let text = report.to_string();
        for part in [
            "2400 samples, 50.0 ms",
            "5.0 %",
            "1500 bit/s",
            "3 distinct, first 5 5 5 5 5 5 5 5 5 5\n",
            "2 distinct, first 1 2\n",
            "original - clip  bit exact",
            "largest sample 2.0e-6",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(!text.contains("DIFFERS"));
        report.latency_samples = 2401;
        assert!(report.to_string().contains("DIFFERS"));
        Ok(())
    }
}

//! What a host says of its playhead.

/// Positions that are closer than this are the same: hosts compute them in fixed point.
pub const POSITION_TOLERANCE_SAMPLES: f64 = 1.5;
/// The same, in quarter notes.
pub const QUARTERS_TOLERANCE: f64 = 1e-3;

/// What the host says of its transport at the first sample of a block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Transport {
    /// The transport runs.
    pub playing: bool,
    /// The host is recording.
    pub recording: bool,
    /// The playhead, in host samples; fractions where the host thinks in seconds.
    pub position_samples: Option<f64>,
    /// The playhead, in quarter notes.
    pub position_quarters: Option<f64>,
    /// Beats per minute.
    pub tempo_bpm: Option<f64>,
}

impl Transport {
    /// What is expected `passed_samples` later, at `rate_hz`, if nobody touches the transport.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn after(self, passed_samples: f64, rate_hz: f64) -> Self {
        let moved_samples = if self.playing { passed_samples } else { 0.0 };
        let quarters = moved_samples / rate_hz * self.tempo_bpm.unwrap_or(0.0) / 60.0;
        Self {
            position_samples: self.position_samples.map(|p| p + moved_samples),
            position_quarters: self.position_quarters.map(|q| q + quarters),
            ..self
        }
    }

    /// Whether `now` is what was expected: if not, the transport jumped, started, stopped, or its tempo
    /// changed.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn goes_on_as(&self, now: &Self) -> bool {
        !self.jumps_to(now) && !self.drifts_to(now)
    }

    /// Whether the timeline breaks where `now` is said and this was expected.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn jumps_to(&self, now: &Self) -> bool {
        let state = |t: &Self| (t.playing, t.recording, t.position_samples.is_some());
        state(self) != state(now)
            || apart(self.position_samples, now.position_samples, POSITION_TOLERANCE_SAMPLES)
    }

    /// Whether the beat moves in another way than was expected.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn drifts_to(&self, now: &Self) -> bool {
        self.tempo_bpm != now.tempo_bpm
            || self.position_quarters.is_some() != now.position_quarters.is_some()
            || apart(self.position_quarters, now.position_quarters, QUARTERS_TOLERANCE)
    }
}

fn apart(a: Option<f64>, b: Option<f64>, tolerance: f64) -> bool {
    matches!((a, b), (Some(a), Some(b)) if (a - b).abs() > tolerance)
}

//! What an engine is made for: host rate, channels, scheduling.

/// Lowest host rate, in Hz.
pub const MIN_RATE_HZ: f64 = 1_000.0;
/// Highest host rate, in Hz.
pub const MAX_RATE_HZ: f64 = 1_536_000.0;

/// What an engine is made for. Changing any of it needs a new engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineConfig {
    /// Host rate in Hz, [`MIN_RATE_HZ`]`..=`[`MAX_RATE_HZ`], fractional too.
    pub rate_hz: f64,
    /// Host channels: 1 or 2.
    pub channels: usize,
    /// When frames are computed.
    pub scheduling: Scheduling,
}

/// When a frame is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Scheduling {
    /// Evenly over the callbacks until the next hop is complete. One hop more latency.
    #[default]
    Spread,
    /// At once when its hop is complete: lowest latency, for blocks of a hop or more.
    Burst,
}

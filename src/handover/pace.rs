//! Whether sound is asked for as fast as it is heard.

use std::time::{Duration, Instant};

/// Sound is followed over so long at a time: longer than the longest blocks that hosts use.
pub(super) const WINDOW: Duration = Duration::from_millis(400);
/// It runs in real time if so many of those in a row had about as much sound as time.
pub(super) const EVEN_WINDOWS: u32 = 3;
const EVEN_SPEED: std::ops::Range<f64> = 0.5..1.45;

/// Tells sound that is heard from sound that is computed as fast as it can be.
pub struct Pace {
    since: Instant,
    samples: u64,
    even: u32,
}

impl Pace {
    /// Nothing is known yet. `samples` is what the host has asked for so far.
    pub fn new(samples: u64) -> Self {
        Self { since: Instant::now(), samples, even: 0 }
    }

    /// Whether the host has asked for about as much sound as time went by, for a while. `samples` is what it has asked for
    /// in all.
    pub fn is_real_time(&mut self, samples: u64, rate_hz: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since);
        if passed >= WINDOW {
            let speed = samples.wrapping_sub(self.samples) as f64 / rate_hz / passed.as_secs_f64();
            self.even = if EVEN_SPEED.contains(&speed) { self.even + 1 } else { 0 };
            (self.since, self.samples) = (now, samples);
        }
        self.even >= EVEN_WINDOWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether sound runs in real time after the host has asked for so many seconds of it in each window.
    fn is_even(sound_s: &[f64]) -> bool {
        let mut pace = Pace::new(0);
        let (mut samples, mut found) = (0.0, false);
        for (n, sound_s) in sound_s.iter().enumerate() {
            samples += sound_s * 48_000.0;
            let now = pace.since + WINDOW;
            found = pace.is_real_time(samples as u64, 48_000.0, now);
            assert!(n + 1 >= EVEN_WINDOWS as usize || !found, "after {n} windows");
        }
        found
    }

    #[test]
    fn sound_that_is_heard_is_told_from_a_bounce_and_from_silence() {
        assert!(is_even(&[0.4, 0.4, 0.4]));
        // Blocks of 8192 samples at 44.1 kHz.
        assert!(is_even(&[0.372, 0.558, 0.372, 0.372]));
        assert!(!is_even(&[5.0, 5.0, 5.0]), "a bounce");
        assert!(!is_even(&[0.4, 0.4, 5.0]), "a bounce after play");
        assert!(!is_even(&[0.5, 0.0, 0.5, 0.0, 0.5]), "short bounces");
        assert!(!is_even(&[0.0, 0.0, 0.0, 0.0]), "nothing");
    }
}

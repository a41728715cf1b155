//! A delay line of whole samples: the original, kept for as long as the codec takes.

/// Gives back each sample `delay` calls later, bit for bit.
#[derive(Debug)]
pub struct DelayLine {
    ring: Vec<f32>,
    at: usize,
}

impl DelayLine {
    /// Allocates `delay_samples`, at least one, of silence.
    pub fn new(delay_samples: usize) -> Self {
        Self { ring: vec![0.0; delay_samples.max(1)], at: 0 }
    }

    /// Silence, as new.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn reset(&mut self) {
        self.ring.fill(0.0);
        self.at = 0;
    }

    /// Takes a sample and gives the one from `delay_samples` before.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    #[inline]
    pub fn step(&mut self, sample: f32) -> f32 {
        let delayed = std::mem::replace(&mut self.ring[self.at], sample);
        self.at += 1;
        if self.at == self.ring.len() {
            self.at = 0;
        }
        delayed
    }
}

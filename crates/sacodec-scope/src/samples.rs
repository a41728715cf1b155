//! The last samples of a stream, by their number.

/// A window on a stream that only moves forward. Gaps are silence and known as such.
pub struct Samples {
    ring: Vec<f32>,
    /// Samples of the stream before the next one.
    end: u64,
    /// From here on nothing is missing.
    whole_from: u64,
}

impl Samples {
    /// Remembers the last `capacity` samples.
    pub fn new(capacity: usize) -> Self {
        Self { ring: vec![0.0; capacity.max(1)], end: 0, whole_from: 0 }
    }

    /// Number of the sample after the last one.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Samples that begin at number `start`; earlier ones are left out, a gap before it is silence.
    pub fn push(&mut self, start: u64, samples: impl Iterator<Item = f32>) {
        if start != self.end {
            self.end = start;
            self.whole_from = start;
        }
        let capacity = self.ring.len() as u64;
        for sample in samples {
            self.ring[(self.end % capacity) as usize] = sample;
            self.end += 1;
        }
        self.whole_from = self.whole_from.max(self.end.saturating_sub(capacity));
    }

    /// Copies the samples from number `start` on; `false` where some of them are missing.
    pub fn copy(&self, start: i64, out: &mut [f32]) -> bool {
        let whole = start >= self.whole_from as i64 && start + out.len() as i64 <= self.end as i64;
        if whole {
            let capacity = self.ring.len();
            let first = (start as u64 % capacity as u64) as usize;
            let split = out.len().min(capacity - first);
            let (head, tail) = out.split_at_mut(split);
            head.copy_from_slice(&self.ring[first..first + split]);
            tail.copy_from_slice(&self.ring[..tail.len()]);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_samples_are_found_by_number_and_gaps_are_known() {
        let mut samples = Samples::new(10);
        samples.push(0, (0..14).map(|i| i as f32));
        let mut out = [0.0; 4];
        assert!(samples.copy(8, &mut out));
        assert_eq!(out, [8.0, 9.0, 10.0, 11.0]);
        assert!(!samples.copy(3, &mut out), "sample 3 has been forgotten");
        assert!(!samples.copy(11, &mut out), "sample 14 has not come");
        samples.push(20, (20..26).map(|i| i as f32));
        assert!(!samples.copy(18, &mut out), "18 and 19 are missing");
        assert!(samples.copy(22, &mut out));
        assert_eq!(out, [22.0, 23.0, 24.0, 25.0]);
    }
}

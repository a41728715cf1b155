//! How loud audio is: what no codec can make speech of is told.

/// Peak of speech that is too low, in dB of full scale. The window's light asks as much of its loudest frames.
const LOW_DB: f64 = -45.0;
/// Peak, in dB of full scale, that no recording has.
const ABSURD_DB: f64 = 20.0;

/// The bit of a negative sample.
const SIGN: u32 = 1 << 31;

/// The largest magnitude of samples.
#[derive(Debug, Clone, Copy, Default)]
pub struct Level {
    peak: f32,
}

impl Level {
    /// Counts samples in; what is not finite has no level.
    pub fn add(&mut self, samples: &[f32]) {
        // Magnitudes are ordered as their bits are, and those compare many at once: silence of minutes may have to be read.
        let magnitude = |sample: &f32| sample.to_bits() & !SIGN;
        let finite = |bits: u32| if bits < f32::INFINITY.to_bits() { bits } else { 0 };
        let peak = samples.iter().fold(0, |peak, sample| peak.max(finite(magnitude(sample))));
        self.peak = self.peak.max(f32::from_bits(peak));
    }

    /// The peak in dB of full scale; `None` for silence.
    pub fn peak_db(self) -> Option<f64> {
        (self.peak > 0.0).then(|| 20.0 * f64::from(self.peak).log10())
    }

    /// What is wrong with it, if something is.
    pub fn note(self) -> Option<String> {
        match self.peak_db() {
            None => Some("it is silent".into()),
            Some(db) if db > ABSURD_DB => Some(format!(
                "its peak is {db:.1} dB above full scale; are these whole numbers that were stored as floats?"
            )),
            Some(db) if db > 0.0 => Some(format!("its peak is {db:.1} dB above full scale")),
            Some(db) if db < LOW_DB => {
                Some(format!("its peak is {:.1} dB below full scale, too low for speech", -db))
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(samples: &[f32]) -> Option<String> {
        let mut level = Level::default();
        level.add(samples);
        level.note()
    }

    #[test]
    fn what_is_silent_too_low_or_too_loud_is_told_and_nothing_else_is() {
        assert_eq!(note(&[]).as_deref(), Some("it is silent"));
        assert_eq!(note(&[0.0, f32::NAN, f32::INFINITY]).as_deref(), Some("it is silent"));
        assert_eq!(note(&[0.5, -1.0]), None);
        assert_eq!(note(&[0.01]), None);
        assert_eq!(note(&[-2.0]).as_deref(), Some("its peak is 6.0 dB above full scale"));
        assert!(
            note(&[20_000.0])
                .is_some_and(|note| note.contains("86.0 dB above full scale; are these whole numbers"))
        );
        assert!(note(&[1e-3]).is_some_and(|note| note.contains("60.0 dB below full scale, too low")));
    }
}

//! Which of the scores in a stream are worse than all around them.

use std::collections::VecDeque;

use super::Moment;

/// Finds the moments that are worse than all nearer than a spacing before them, and no better than all so near after
/// them. So they are at least a spacing apart, and each is decided a spacing after it: what is kept does not grow.
pub struct Peaks {
    spacing_samples: u64,
    /// Moments nearer than a spacing to the last one, of which each is worse than all later ones: the first is the worst.
    worse: VecDeque<Moment>,
    candidate: Option<Moment>,
}

impl Peaks {
    /// At least `spacing_samples` apart.
    pub fn new(spacing_samples: u64) -> Self {
        Self { spacing_samples, worse: VecDeque::new(), candidate: None }
    }

    /// The next moment, later than all before; what it decides is told.
    pub fn push(&mut self, moment: Moment, tell: &mut impl FnMut(Moment)) {
        let is_far = |earlier: &Moment| moment.sample - earlier.sample >= self.spacing_samples;
        if let Some(decided) = self.candidate.take_if(|candidate| is_far(candidate)) {
            tell(decided);
        }
        while self.worse.pop_front_if(|earlier| is_far(earlier)).is_some() {}
        if moment.score > 0.0 && self.worse.front().is_none_or(|earlier| moment.score > earlier.score) {
            self.candidate = Some(moment);
        }
        while self.worse.pop_back_if(|earlier| earlier.score <= moment.score).is_some() {}
        self.worse.push_back(moment);
    }

    /// Nothing follows.
    pub fn finish(&mut self, tell: &mut impl FnMut(Moment)) {
        self.worse.clear();
        if let Some(decided) = self.candidate.take() {
            tell(decided);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(spacing: u64, moments: &[Moment]) -> Vec<Moment> {
        let (mut peaks, mut found) = (Peaks::new(spacing), Vec::new());
        moments.iter().for_each(|&moment| peaks.push(moment, &mut |decided| found.push(decided)));
        peaks.finish(&mut |decided| found.push(decided));
        found
    }

    #[test]
    fn what_is_found_is_what_the_rule_says() {
        let mut random = fastrand::Rng::with_seed(3);
        for round in 0..300 {
            let mut sample = 0;
            // Few values, so that there are ties and silence, and now and then a gap.
            let moments: Vec<_> = (0..random.usize(..120))
                .map(|_| {
                    sample += if random.u8(..20) == 0 { 50 } else { 1 };
                    Moment { sample, score: f32::from(random.u8(..6)) }
                })
                .collect();
            let is_peak = |moment: &Moment| {
                let around = moments.iter().filter(|other| moment.sample.abs_diff(other.sample) < 7);
                let is_beaten = |other: &Moment| match other.sample.cmp(&moment.sample) {
                    std::cmp::Ordering::Less => other.score >= moment.score,
                    _ => other.score > moment.score,
                };
                moment.score > 0.0 && !around.into_iter().any(is_beaten)
            };
            let wanted: Vec<_> = moments.iter().copied().filter(is_peak).collect();
            let found = found(7, &moments);
            assert_eq!(found, wanted, "round {round}");
            assert!(found.windows(2).all(|pair| pair[1].sample - pair[0].sample >= 7));
        }
    }

    #[test]
    fn a_moment_is_told_a_spacing_after_it_and_nothing_grows() {
        let mut peaks = Peaks::new(10);
        let mut told = Vec::new();
        for sample in 0..10_000 {
            let score = if sample == 5 { 9.0 } else { 1.0 / (1.0 + sample as f32) };
            peaks.push(Moment { sample, score }, &mut |moment: Moment| told.push((sample, moment.sample)));
            assert!(peaks.worse.len() <= 10);
        }
        assert_eq!(told[0], (15, 5));
    }
}

//! The worst of many moments, and what belongs to each.

use super::Moment;

/// The worst moments, so many at most, each with a `T` of its own.
#[derive(Debug, Clone)]
pub struct Worst<T> {
    most: usize,
    /// The worst first.
    ranked: Vec<(Moment, T)>,
}

impl<T> Worst<T> {
    /// Keeps `most` moments.
    pub fn new(most: usize) -> Self {
        Self { most, ranked: Vec::new() }
    }

    /// Keeps a moment if it is one of the worst; of equal ones the first. What belongs to it is made only
    /// then.
    pub fn add(&mut self, moment: Moment, make: impl FnOnce() -> T) {
        let place = self.ranked.partition_point(|(other, _)| other.score >= moment.score);
        if place < self.most {
            self.ranked.insert(place, (moment, make()));
            self.ranked.truncate(self.most);
        }
    }

    /// The worst first.
    pub fn ranked(&self) -> &[(Moment, T)] {
        &self.ranked
    }

    /// What belongs to each, the worst first.
    pub fn values_mut(&mut self) -> impl Iterator<Item = (&Moment, &mut T)> {
        self.ranked.iter_mut().map(|(moment, value)| (&*moment, value))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.ranked.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_are_kept_in_their_order_and_of_equal_ones_the_first() {
        let mut worst = Worst::new(3);
        let scores = [0.5, 0.9, 0.2, 0.9, 0.1, 0.7, 0.9];
        let mut made = 0;
        for (sample, score) in (0..).zip(scores) {
            worst.add(Moment { sample, score }, || {
                made += 1;
                sample
            });
        }
        assert_eq!(made, 6, "not for a moment that is not kept");
        let found: Vec<_> = worst.ranked().iter().map(|(moment, sample)| (moment.sample, *sample)).collect();
        assert_eq!(found, [(1, 1), (3, 3), (6, 6)]);
    }
}

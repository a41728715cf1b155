//! How much of its time the audio callback takes.

use std::collections::VecDeque;

/// Blocks that are remembered.
const BLOCKS: usize = 4096;

/// What a user is shown of the load, as shares of a block's duration.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LoadReading {
    /// Half of the last blocks took less.
    pub median: f32,
    /// The most that one of the last blocks took.
    pub worst: f32,
}

/// Shares of the last blocks.
#[derive(Default)]
pub struct LoadStats {
    shares: VecDeque<f32>,
    sorted: Vec<f32>,
}

impl LoadStats {
    /// A block took this share of its duration.
    pub fn push(&mut self, share: f32) {
        if self.shares.len() == BLOCKS {
            self.shares.pop_front();
        }
        self.shares.push_back(share);
    }

    /// Median and worst of the last [`BLOCKS`] blocks; zeros before the first.
    pub fn reading(&mut self) -> LoadReading {
        if self.shares.is_empty() {
            return LoadReading::default();
        }
        self.sorted.clear();
        self.sorted.extend(&self.shares);
        let middle = self.sorted.len() / 2;
        let (_, &mut median, _) = self.sorted.select_nth_unstable_by(middle, f32::total_cmp);
        LoadReading { median, worst: self.sorted.iter().copied().fold(0.0, f32::max) }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.shares.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_worst_are_of_the_last_blocks() {
        let mut load = LoadStats::default();
        assert_eq!(load.reading(), LoadReading::default());
        (0..BLOCKS).for_each(|_| load.push(9.0));
        (0..BLOCKS).for_each(|i| load.push(i as f32 / BLOCKS as f32));
        let reading = load.reading();
        assert_eq!(reading.median, 0.5);
        assert!(reading.worst < 1.0, "the first blocks are forgotten: {reading:?}");
    }
}

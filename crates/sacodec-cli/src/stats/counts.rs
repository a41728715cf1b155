//! Counts of tokens, and what follows from them.

use std::collections::HashMap;

use sacodec_take::Take;

/// How much was counted.
#[derive(Debug, Default, Clone)]
pub struct Volume {
    /// Takes.
    pub takes: u64,
    /// Frames that are there, of all takes.
    pub frames: u64,
    /// Frames that are missing.
    pub missing_frames: u64,
    /// Tokens of each stream: frames times channels.
    pub tokens: u64,
    frame_rate_hz: f64,
}

impl Volume {
    /// One take more.
    pub fn add(&mut self, take: &Take) {
        let frames = u64::from(take.present_frames());
        self.takes += 1;
        self.frames += frames;
        self.missing_frames += u64::from(take.frames()) - frames;
        self.tokens += frames * take.header.channels as u64;
        self.frame_rate_hz = take.header.frame_rate_hz();
    }

    /// Length of all takes in seconds, missing frames included.
    pub fn seconds(&self) -> f64 {
        (self.frames + self.missing_frames) as f64 / self.frame_rate_hz.max(1.0)
    }

    /// The same in hours.
    pub fn hours(&self) -> f64 {
        self.seconds() / 3600.0
    }
}

/// How one stream uses its codebook.
#[derive(Debug)]
pub struct CodeUse {
    /// How often each code comes.
    pub uses: Vec<u64>,
    /// How often a code comes right after another: their number is bounded by that of the tokens.
    bigrams: HashMap<(u16, u16), u64>,
}

impl CodeUse {
    /// Of a codebook of so many codes.
    pub fn new(codes: usize) -> Self {
        Self { uses: vec![0; codes], bigrams: HashMap::new() }
    }

    /// A token, and the one right before it.
    pub fn add(&mut self, last: Option<u16>, token: u16) {
        self.uses[usize::from(token)] += 1;
        if let Some(last) = last {
            *self.bigrams.entry((last, token)).or_default() += 1;
        }
    }

    /// Codes that never come.
    pub fn dead(&self) -> Vec<usize> {
        (0..self.uses.len()).filter(|&code| self.uses[code] == 0).collect()
    }

    /// Codes that come.
    pub fn used(&self) -> usize {
        self.uses.iter().filter(|&&count| count > 0).count()
    }

    /// Bits of a token that is drawn with these frequencies.
    pub fn entropy_bits(&self) -> f64 {
        entropy_bits(self.uses.iter().copied())
    }

    /// Bits of a token when the one before it is known.
    pub fn next_entropy_bits(&self) -> f64 {
        let mut firsts = vec![0; self.uses.len()];
        self.bigrams.iter().for_each(|(&(first, _), count)| firsts[usize::from(first)] += count);
        // In an order of their own, so that sums are the same to the last bit each time.
        let mut pairs: Vec<_> = self.bigrams.values().copied().collect();
        pairs.sort_unstable();
        (entropy_bits(pairs) - entropy_bits(firsts)).max(0.0)
    }

    /// Different pairs of tokens that follow each other.
    pub fn different_bigrams(&self) -> usize {
        self.bigrams.len()
    }

    /// The share of tokens that repeat the one before, of those that have one before.
    pub fn repeat_percent(&self) -> f64 {
        let repeats: u64 = self.bigrams.iter().filter(|((a, b), _)| a == b).map(|(_, count)| count).sum();
        100.0 * repeats as f64 / self.bigrams.values().sum::<u64>().max(1) as f64
    }

    /// The most frequent pairs, and how often each comes.
    pub fn top_bigrams(&self, count: usize) -> Vec<((u16, u16), u64)> {
        let mut all: Vec<_> = self.bigrams.iter().map(|(&pair, &count)| (pair, count)).collect();
        all.sort_by_key(|&(pair, count)| (std::cmp::Reverse(count), pair));
        all.truncate(count);
        all
    }
}

/// Entropy of what comes so often, in bits.
pub fn entropy_bits(counts: impl IntoIterator<Item = u64>) -> f64 {
    // H = log2(n) - sum(c log2 c) / n: one pass.
    let (mut total, mut weighted) = (0_u64, 0.0);
    for count in counts.into_iter().filter(|&count| count > 0) {
        total += count;
        weighted += count as f64 * (count as f64).log2();
    }
    if total == 0 { 0.0 } else { ((total as f64).log2() - weighted / total as f64).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_are_those_of_the_frequencies() {
        for (counts, bits) in
            [(vec![], 0.0), (vec![7], 0.0), (vec![5, 5, 0], 1.0), (vec![1; 1024], 10.0), (vec![2, 1, 1], 1.5)]
        {
            let found = entropy_bits(counts.iter().copied());
            assert!((found - bits).abs() < 1e-9, "{counts:?}: {found}");
        }
    }

    #[test]
    fn pairs_are_counted_where_a_token_has_one_before_it() {
        let mut codes = CodeUse::new(4);
        let mut last = None;
        for token in [0, 1, 0, 1, 1, 0] {
            codes.add(last, token);
            last = Some(token);
        }
        assert_eq!((codes.dead(), codes.used(), codes.different_bigrams()), (vec![2, 3], 2, 3));
        assert_eq!(codes.top_bigrams(2), [((0, 1), 2), ((1, 0), 2)]);
        assert!((codes.repeat_percent() - 20.0).abs() < 1e-9);
        // After 0 always 1; after 1 it is 0, 1, 0.
        let expected = 0.6 * entropy_bits([2, 1]);
        assert!((codes.next_entropy_bits() - expected).abs() < 1e-9, "{}", codes.next_entropy_bits());
    }
}

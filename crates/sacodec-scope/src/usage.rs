//! Which entries of the codebooks are used, over the last minute.

use std::collections::VecDeque;

use sacodec_token::{FRAME_RATE_HZ, TokenFrame, TokenStream};

/// Frames that are remembered: a minute.
const FRAMES: usize = 60 * FRAME_RATE_HZ as usize;

/// How well one codebook is used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UsageReading {
    /// Entries of the codebook.
    pub entries: usize,
    /// Entries that did not occur.
    pub dead: usize,
    /// Entropy of the codes in bits for each frame (Shannon 1948, from the counts).
    pub entropy_bits: f32,
}

/// Counts of both codebooks over the last minute of the first coded channel.
#[derive(Default)]
pub struct Usage {
    frames: VecDeque<TokenFrame>,
    counts: [Vec<u32>; 2],
    /// What the codes belong to.
    pack: u64,
}

impl Usage {
    /// A coded frame. Another `pack` than before begins anew: its codes mean something else.
    pub fn push(&mut self, frame: TokenFrame, pack: u64, sizes: [usize; 2]) {
        let is_other = std::mem::replace(&mut self.pack, pack) != pack;
        if is_other || self.counts.iter().map(Vec::len).ne(sizes) {
            self.frames.clear();
            self.counts = sizes.map(|size| vec![0; size]);
        }
        if self.frames.len() == FRAMES
            && let Some(oldest) = self.frames.pop_front()
        {
            self.add(oldest, u32::MAX);
        }
        self.add(frame, 1);
        self.frames.push_back(frame);
    }

    fn add(&mut self, frame: TokenFrame, step: u32) {
        for (counts, stream) in self.counts.iter_mut().zip(TokenStream::ALL) {
            if let Some(count) = counts.get_mut(usize::from(frame.get(stream))) {
                *count = count.wrapping_add(step);
            }
        }
    }

    /// Frames that are counted.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// How often each entry of the stream's codebook occurred.
    pub fn counts(&self, stream: TokenStream) -> &[u32] {
        &self.counts[stream.index()]
    }

    /// Numbers of the stream's codebook.
    pub fn reading(&self, stream: TokenStream) -> UsageReading {
        let counts = self.counts(stream);
        let total = self.frames.len() as f32;
        let bits = |&count: &u32| {
            let share = count as f32 / total;
            if count == 0 { 0.0 } else { -share * share.log2() }
        };
        UsageReading {
            entries: counts.len(),
            dead: counts.iter().filter(|&&count| count == 0).count(),
            entropy_bits: counts.iter().map(bits).sum(),
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.counts.iter_mut().for_each(|counts| counts.fill(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_and_dead_entries_are_those_of_the_last_minute() {
        let mut usage = Usage::default();
        let frame = |semantic, acoustic| TokenFrame { semantic, acoustic };
        (0..100).for_each(|_| usage.push(frame(7, 3), 1, [16, 8]));
        // Four semantic codes evenly, one acoustic code: 2 bits and 0 bits.
        (0..FRAMES as u16).for_each(|i| usage.push(frame(i % 4, 5), 1, [16, 8]));
        let [semantic, acoustic] = TokenStream::ALL.map(|stream| usage.reading(stream));
        assert!((semantic.entropy_bits - 2.0).abs() < 1e-4, "{semantic:?}");
        assert_eq!((semantic.dead, semantic.entries), (12, 16), "code 7 is more than a minute ago");
        assert_eq!((acoustic.dead, acoustic.entropy_bits), (7, 0.0));
        assert_eq!(usage.frames(), FRAMES);
        usage.push(frame(0, 0), 2, [16, 8]);
        assert_eq!(usage.frames(), 1, "another pack of the same sizes begins anew");
        usage.push(frame(0, 0), 3, [32, 8]);
        assert_eq!(usage.frames(), 1, "another codebook begins anew");
        usage.push(frame(1000, 2), 3, [32, 8]);
        assert_eq!(
            usage.counts(TokenStream::Semantic).len(),
            32,
            "a code beyond the codebook is not counted"
        );
    }
}

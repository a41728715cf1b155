//! What is left of damaged audio: silence stands for samples that are missing, and their places are told.

use std::ops::Range;

/// Longest stretch that is filled. What claims more is not damage but another file.
const MAX_SECONDS: u64 = 600;
/// So much silence is given at once.
const BLOCK_SAMPLES: u64 = 4096;

/// Whether missing samples are an error or silence, and which ones are missing.
#[derive(Debug, Default)]
pub struct Salvage {
    is_on: bool,
    missing: Vec<Range<u64>>,
}

impl Salvage {
    /// Whether missing samples are filled.
    pub fn new(is_on: bool) -> Self {
        Self { is_on, missing: Vec::new() }
    }

    /// Whether samples up to `end` may be filled, of which `begin` is the first.
    pub fn can_fill(&self, begin: u64, end: u64, rate_hz: u32) -> bool {
        self.is_on && begin < end && end - begin <= MAX_SECONDS * u64::from(rate_hz)
    }

    /// Silence from `begin` on, at most up to `end`: how many samples of every channel were appended.
    pub fn fill(&mut self, begin: u64, end: u64, out: &mut [Vec<f32>]) -> u64 {
        let count = (end - begin).min(BLOCK_SAMPLES);
        out.iter_mut().for_each(|channel| channel.resize(channel.len() + count as usize, 0.0));
        match self.missing.last_mut() {
            Some(last) if last.end == begin => last.end += count,
            _ => self.missing.push(begin..begin + count),
        }
        count
    }

    /// Samples that are missing so far, in order.
    pub fn missing(&self) -> &[Range<u64>] {
        &self.missing
    }
}

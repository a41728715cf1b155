//! What of the audio enters the codec: its numbers, no louder than the codec bears, of the channels that
//! are coded. The engine, the encoder and files go through these lines, so that their tokens are equal.

use super::monitor::Channels;

/// Nothing louder than this enters the codec: 24 dB above full scale. Far above it the
/// energies inside the encoder leave the range of f32.
const CODEC_LIMIT: f32 = 16.0;
const SIGN_BIT: u32 = 1 << 31;

/// Replaces NaN, infinities and denormals by zero.
///
/// # Real-time
/// Never allocates, locks or waits.
#[inline]
pub fn clean(sample: f32) -> f32 {
    if sample.is_normal() {
        return sample;
    }
    // By its bits: with denormals flushed, comparing one with zero would call it zero.
    f32::from_bits(sample.to_bits() & SIGN_BIT)
}

/// A clean sample, no louder than the codec bears.
///
/// # Real-time
/// Never allocates, locks or waits.
#[inline]
pub fn limit(sample: f32) -> f32 {
    sample.clamp(-CODEC_LIMIT, CODEC_LIMIT)
}

/// A sample of the first coded channel: the weighted sum of clean samples of every channel.
///
/// # Real-time
/// Never allocates, locks or waits.
#[inline]
pub fn mix(weighted: impl IntoIterator<Item = (f32, f32)>) -> f32 {
    weighted.into_iter().map(|(weight, sample)| weight * limit(sample)).sum()
}

impl Channels {
    /// Weight of a channel, counted from 0, in the first coded channel of audio of so many channels.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn weight(self, channel: usize, of: usize) -> f32 {
        let only = |coded: usize| f32::from(u8::from(channel == coded.min(of - 1)));
        match self {
            Self::MonoSum => 1.0 / of as f32,
            Self::Left | Self::DualMono => only(0),
            Self::Right => only(1),
        }
    }
}

/// Cleans and mixes audio of any number of channels as the engine does its two: for files.
#[derive(Debug, Clone)]
pub struct ChannelMixer {
    channels: Channels,
    nonfinite_samples: u64,
}

impl ChannelMixer {
    /// A mixer of what is coded; [`Channels::DualMono`] codes every channel for itself.
    pub fn new(channels: Channels) -> Self {
        Self { channels, nonfinite_samples: 0 }
    }

    /// Channels that are coded of audio of so many channels.
    pub fn coded_channels(&self, channels: usize) -> usize {
        if self.channels == Channels::DualMono { channels } else { 1 }
    }

    /// Whether a channel, counted from 0, of audio of so many channels is coded, alone or with others.
    pub fn hears(&self, channel: usize, of: usize) -> bool {
        self.channels == Channels::DualMono || self.channels.weight(channel, of) != 0.0
    }

    /// Samples that were NaN or infinite and were taken as zero.
    pub fn nonfinite_samples(&self) -> u64 {
        self.nonfinite_samples
    }

    /// The coded channels of a block, whose channels are of one length and are cleaned in place.
    pub fn mix(&mut self, block: &mut [Vec<f32>]) -> Vec<Vec<f32>> {
        for sample in block.iter_mut().flatten() {
            self.nonfinite_samples += u64::from(!sample.is_finite());
            *sample = clean(*sample);
        }
        if self.channels == Channels::DualMono {
            return block.to_vec();
        }
        let weights: Vec<f32> = (0..block.len()).map(|i| self.channels.weight(i, block.len())).collect();
        let length = block.iter().map(Vec::len).min().unwrap_or(0);
        let sample =
            |i: usize| mix(weights.iter().zip(&*block).map(|(&weight, channel)| (weight, channel[i])));
        vec![(0..length).map(sample).collect()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_cleaned_and_limited_before_they_are_mixed() {
        let (nan, infinity, denormal) = (f32::NAN, f32::INFINITY, f32::MIN_POSITIVE / 2.0);
        let cases: [(Channels, &[f32], &[f32]); 8] = [
            (Channels::MonoSum, &[0.5, nan], &[0.25]),
            (Channels::MonoSum, &[infinity, 0.5, -infinity, 0.5], &[0.25]),
            (Channels::MonoSum, &[1e9, 0.0], &[8.0]),
            (Channels::Left, &[0.5, nan, infinity], &[0.5]),
            (Channels::Right, &[nan, 0.5, infinity], &[0.5]),
            (Channels::Right, &[0.5], &[0.5]),
            (Channels::DualMono, &[0.5, nan, -infinity], &[0.5, 0.0, 0.0]),
            (Channels::DualMono, &[denormal, -0.5], &[0.0, -0.5]),
        ];
        for (channels, audio, coded) in cases {
            let mut mixer = ChannelMixer::new(channels);
            let mut block: Vec<Vec<f32>> = audio.iter().map(|&sample| vec![sample; 3]).collect();
            let mixed = mixer.mix(&mut block);
            assert_eq!(mixed.len(), mixer.coded_channels(audio.len()), "{channels:?} of {audio:?}");
            let expected: Vec<Vec<f32>> = coded.iter().map(|&sample| vec![sample; 3]).collect();
            assert_eq!(mixed, expected, "{channels:?} of {audio:?}");
            assert!(block.iter().flatten().all(|sample| sample.is_finite()), "{channels:?} of {audio:?}");
            let wrong = audio.iter().filter(|sample| !sample.is_finite()).count() as u64;
            assert_eq!(mixer.nonfinite_samples(), 3 * wrong, "{channels:?} of {audio:?}");
        }
    }
}

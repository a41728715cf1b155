//! Choices that several commands offer.

use clap::ValueEnum;

use sacodec_codec::StreamGain;
use sacodec_engine::{Channels, LossyStreams};
use sacodec_take::ChannelMode;

/// Which channels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChannelsArg {
    /// Each channel for itself.
    Each,
    /// The mean of all channels, written to every channel.
    Sum,
    /// The first channel, written to every channel.
    Left,
    /// The second channel, written to every channel.
    Right,
}

/// Which token streams are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StreamsArg {
    /// Semantic and acoustic.
    Both,
    /// The linguistic stream alone.
    Semantic,
    /// The residual stream alone.
    Acoustic,
}

impl ChannelsArg {
    /// The same for the mixer.
    pub fn mixed(self) -> Channels {
        match self {
            Self::Each => Channels::DualMono,
            Self::Sum => Channels::MonoSum,
            Self::Left => Channels::Left,
            Self::Right => Channels::Right,
        }
    }
}

impl From<ChannelsArg> for ChannelMode {
    fn from(channels: ChannelsArg) -> Self {
        match channels {
            ChannelsArg::Each => Self::Each,
            ChannelsArg::Sum => Self::Sum,
            ChannelsArg::Left => Self::Left,
            ChannelsArg::Right => Self::Right,
        }
    }
}

impl StreamsArg {
    /// How strongly each stream enters the decoder.
    pub fn gain(self) -> StreamGain {
        match self {
            Self::Both => StreamGain::BOTH,
            Self::Semantic => StreamGain::SEMANTIC_ONLY,
            Self::Acoustic => StreamGain::ACOUSTIC_ONLY,
        }
    }

    /// The same as streams that can be lost.
    pub fn lossy(self) -> LossyStreams {
        match self {
            Self::Both => LossyStreams::Both,
            Self::Semantic => LossyStreams::Semantic,
            Self::Acoustic => LossyStreams::Acoustic,
        }
    }
}

//! The header of a take: what coded it. JSON, so that later versions can add fields.

use sacodec_token::{sha256_from_hex, token_bits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::TakeError;

/// Most coded channels of a take.
pub const MAX_CHANNELS: usize = 16;
/// Largest codebook: 65535 stands for a missing token in `.npy`.
const MAX_CODEBOOK: usize = u16::MAX as usize;
const MAX_HOP_SAMPLES: u32 = 1 << 16;
/// What a DAW or a recorder can run at, in Hz.
const RATES_HZ: std::ops::RangeInclusive<f64> = 1.0..=1e8;

/// The model pack that made the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackId {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its weights, in hexadecimal digits: `CodecModel::sha256`.
    pub sha256: String,
}

/// Sizes of both codebooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodebookSizes {
    /// Entries of the semantic codebook.
    pub semantic: usize,
    /// Entries of the acoustic codebook.
    pub acoustic: usize,
}

/// The file that a take was coded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, without its folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// What the coded channels are of the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelMode {
    /// The audio's one channel.
    Mono,
    /// The mean of all channels.
    Sum,
    /// The first channel of several.
    Left,
    /// The second channel.
    Right,
    /// Each channel for itself.
    Each,
}

impl ChannelMode {
    /// Every mode of this version.
    const ALL: [Self; 5] = [Self::Mono, Self::Sum, Self::Left, Self::Right, Self::Each];

    /// The text that a header has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mono => "mono",
            Self::Sum => "sum",
            Self::Left => "left",
            Self::Right => "right",
            Self::Each => "each",
        }
    }
}

/// A header's text for what the coded channels are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ChannelModeText {
    /// A mode of this version.
    Known(ChannelMode),
    /// A mode of a later version: kept, and written again.
    Other(String),
}

impl From<ChannelMode> for ChannelModeText {
    fn from(mode: ChannelMode) -> Self {
        Self::Known(mode)
    }
}

impl From<String> for ChannelModeText {
    fn from(text: String) -> Self {
        let known = ChannelMode::ALL.into_iter().find(|mode| mode.name() == text);
        known.map_or(Self::Other(text), Self::Known)
    }
}

impl From<ChannelModeText> for String {
    fn from(text: ChannelModeText) -> Self {
        match text {
            ChannelModeText::Known(mode) => mode.name().to_owned(),
            ChannelModeText::Other(text) => text,
        }
    }
}

/// The header of a take. See `docs/sac-format.md` for every field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The model pack.
    pub pack: PackId,
    /// Rate of the codec, in Hz.
    pub codec_rate_hz: u32,
    /// Samples of a frame at the codec's rate.
    pub hop_samples: u32,
    /// Sizes of the codebooks.
    pub codebooks: CodebookSizes,
    /// Coded channels.
    pub channels: usize,
    /// Rate of the audio that was coded, in Hz.
    pub host_rate_hz: f64,
    /// What the channels are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_mode: Option<ChannelModeText>,
    /// Reported latency in host samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_samples: Option<u64>,
    /// Frames coded before the first one since the codec had zero states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_frame: Option<u64>,
    /// Place of the first frame on the host's timeline, in host samples.
    #[serde(default)]
    pub first_sample: Option<f64>,
    /// Tempo at the first frame, in beats per minute.
    #[serde(default)]
    pub tempo_bpm: Option<f64>,
    /// Name of the host's track.
    #[serde(default)]
    pub track: Option<String>,
    /// The file that it was coded from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// When the take began, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// What wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// What ran the graphs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference: Option<String>,
    /// Instruction sets of the machine that coded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Vec<String>>,
    /// Fields that this version does not know: kept, and written again.
    #[serde(flatten)]
    pub further: Map<String, Value>,
}

impl Header {
    /// Host samples of one frame; a fraction at rates where it is not a whole number.
    pub fn frame_samples(&self) -> f64 {
        f64::from(self.hop_samples) * self.host_rate_hz / f64::from(self.codec_rate_hz)
    }

    /// Frames a second.
    pub fn frame_rate_hz(&self) -> f64 {
        f64::from(self.codec_rate_hz) / f64::from(self.hop_samples)
    }

    /// Bits of a semantic and of an acoustic token.
    pub fn token_bits(&self) -> (u32, u32) {
        (token_bits(self.codebooks.semantic), token_bits(self.codebooks.acoustic))
    }

    /// Checks what a reader computes with.
    ///
    /// # Errors
    /// [`TakeError::Field`] naming the field.
    pub fn check(&self) -> Result<(), TakeError> {
        let wrong = |field, expected| Err(TakeError::Field { field, expected });
        if !(1..=MAX_CHANNELS).contains(&self.channels) {
            return wrong("channels", "1 to 16");
        }
        if ![self.codebooks.semantic, self.codebooks.acoustic].iter().all(|s| (2..=MAX_CODEBOOK).contains(s))
        {
            return wrong("codebooks", "sizes of 2 to 65535");
        }
        if !RATES_HZ.contains(&self.host_rate_hz) || !RATES_HZ.contains(&f64::from(self.codec_rate_hz)) {
            return wrong("host_rate_hz or codec_rate_hz", "a sample rate in Hz");
        }
        if !(1..=MAX_HOP_SAMPLES).contains(&self.hop_samples) {
            return wrong("hop_samples", "1 to 65536");
        }
        if sha256_from_hex(&self.pack.sha256).is_none() {
            return wrong("pack.sha256", "64 hexadecimal digits");
        }
        Ok(())
    }
}

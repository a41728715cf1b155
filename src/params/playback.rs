//! Parameters of what is sent to the decoder: tokens of the input, or of a take.

use std::sync::Arc;

use nice_plug::prelude::*;

use super::{Visitor, switch};
use sacodec_engine::{Playback, TokenSource};
use sacodec_token::FRAME_RATE_HZ;

/// Furthest that a take is shifted: a minute.
const MAX_SHIFT_FRAMES: i32 = 60 * FRAME_RATE_HZ as i32;

/// Where tokens come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum SourceChoice {
    /// What is coded of the input.
    #[id = "input"]
    Input,
    /// A take.
    #[id = "take"]
    Take,
    /// The semantic stream of a take, the acoustic one of the input.
    #[id = "semantic"]
    #[name = "Take semantic"]
    TakeSemantic,
    /// The acoustic stream of a take, the semantic one of the input.
    #[id = "acoustic"]
    #[name = "Take acoustic"]
    TakeAcoustic,
}

/// What is sent to the decoder.
#[derive(Params)]
pub struct PlaybackParams {
    /// Where tokens come from.
    #[id = "source"]
    pub source: EnumParam<SourceChoice>,
    /// So many frames later than it was recorded a take is played.
    #[id = "shift"]
    pub shift: IntParam,
    /// The last tokens again, as long as it is on.
    #[id = "freeze"]
    pub freeze: BoolParam,
}

impl Default for PlaybackParams {
    fn default() -> Self {
        let range = IntRange::Linear { min: -MAX_SHIFT_FRAMES, max: MAX_SHIFT_FRAMES };
        Self {
            source: EnumParam::new("Token source", SourceChoice::Input),
            shift: IntParam::new("Take shift", 0, range)
                .with_value_to_string(Arc::new(|frames| {
                    format!("{frames} frame{}", if frames.abs() == 1 { "" } else { "s" })
                }))
                .with_string_to_value(Arc::new(|text| text.split_whitespace().next()?.parse().ok())),
            freeze: switch("Freeze"),
        }
    }
}

impl PlaybackParams {
    /// How many they are.
    pub const COUNT: usize = 3;

    /// Shows every parameter to `visitor`, with its id.
    pub fn visit(&self, visitor: &mut impl Visitor) {
        visitor.visit("source", &self.source);
        visitor.visit("shift", &self.shift);
        visitor.visit("freeze", &self.freeze);
    }

    /// What the engine shall send. A take has places on the timeline: while the host does not play, the input is heard.
    ///
    /// # Real-time
    /// Reads atomics.
    pub fn playback(&self, playing: bool) -> Playback {
        Playback {
            source: match self.source.value() {
                _ if !playing => TokenSource::Input,
                SourceChoice::Input => TokenSource::Input,
                SourceChoice::Take => TokenSource::Take,
                SourceChoice::TakeSemantic => TokenSource::TakeSemantic,
                SourceChoice::TakeAcoustic => TokenSource::TakeAcoustic,
            },
            shift_frames: self.shift.value(),
            freeze: self.freeze.value(),
        }
    }

    /// Where tokens come from, in words; empty where they are those of the input. `take` is the path of the take.
    pub fn in_words(&self, take: &str) -> String {
        let Self { source, shift, freeze } = self;
        let mut words = match source.value() {
            SourceChoice::Input => String::new(),
            _ => format!("{source} {take}, shifted by {shift}"),
        };
        if freeze.value() {
            words += if words.is_empty() { "frozen" } else { ", frozen" };
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_take_is_played_while_the_host_plays_and_freezing_is_for_always() {
        let params = PlaybackParams {
            source: EnumParam::new("Token source", SourceChoice::TakeAcoustic),
            freeze: BoolParam::new("Freeze", true),
            ..PlaybackParams::default()
        };
        let expected = Playback { source: TokenSource::TakeAcoustic, shift_frames: 0, freeze: true };
        assert_eq!(params.playback(true), expected);
        assert_eq!(params.playback(false), Playback { source: TokenSource::Input, ..expected });
        assert_eq!(params.in_words("a.sac"), "Take acoustic a.sac, shifted by 0 frames, frozen");
        assert_eq!(PlaybackParams::default().in_words("a.sac"), "");
    }
}

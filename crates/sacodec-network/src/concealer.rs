//! What the decoder gets where tokens do not arrive.

use super::loss::LostStreams;
use sacodec_token::{StreamGain, TokenFrame, TokenStream};

/// How lost tokens are concealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Concealment {
    /// A frame is silent unless all of it arrives.
    Silence,
    /// The last tokens that arrived are repeated, however long.
    Repeat,
    /// The last tokens that arrived are repeated and fade: a lost acoustic stream at once, the level after 0.4 s
    /// without a semantic token.
    #[default]
    Fade,
}

/// Gain of the acoustic stream from one lost frame to the next: what is left is the semantic stream, which says less of
/// how the voice sounded.
const ACOUSTIC_DECAY: f32 = 0.9;
/// So long a voice is continued at its level without a semantic token, 0.4 s: to fade sooner is heard as worse than any
/// gap that ends by then.
const HELD_FRAMES: u32 = 30;
/// From then on its level falls by a decibel with each frame.
const LEVEL_DECAY: f32 = 0.891_250_94;
/// No gain falls further than this many frames take it.
const MOST_FRAMES: u32 = 1000;

/// What the decoder gets of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// The semantic token that it gets, where that is not the frame's own.
    pub semantic: Option<u16>,
    /// The acoustic token that it gets, where that is not the frame's own.
    pub acoustic: Option<u16>,
    streams: StreamGain,
    /// Gain of the decoded hop at its beginning and at its end.
    level: [f32; 2],
}

impl Heard {
    /// The frame as it was coded.
    pub const AS_CODED: Self =
        Self { semantic: None, acoustic: None, streams: StreamGain::BOTH, level: [1.0; 2] };

    /// How strongly each stream enters the decoder, where it would be `wanted` if all arrived.
    pub fn gain(&self, wanted: StreamGain) -> StreamGain {
        StreamGain {
            semantic: wanted.semantic * self.streams.semantic,
            acoustic: wanted.acoustic * self.streams.acoustic,
        }
    }

    /// Fades the decoded hop in place.
    pub fn fade(&self, hop: &mut [f32]) {
        let [from, to] = self.level;
        if self.level == [1.0; 2] {
            return;
        }
        let step = (to - from) / hop.len() as f32;
        hop.iter_mut().zip(1_u16..).for_each(|(sample, n)| *sample *= from + f32::from(n) * step);
    }
}

/// What is known of a stream.
#[derive(Debug, Clone, Copy, Default)]
struct Past {
    /// The last token that arrived.
    last: Option<u16>,
    /// Frames since then.
    missing_frames: u32,
}

impl Past {
    /// Whether there is nothing to give: no token arrives, and none did before.
    fn is_unknown(&self) -> bool {
        self.missing_frames > 0 && self.last.is_none()
    }
}

/// Follows the tokens of one channel.
///
/// For each frame, [`Concealer::next`] is called before it is coded, and [`Concealer::sent`] when its tokens are known.
///
/// # Real-time
/// It never allocates, locks or waits.
#[derive(Debug, Default)]
pub struct Concealer {
    past: [Past; 2],
    lost: [bool; 2],
    /// The level at which the last frame ended; `None` before the first one.
    level: Option<f32>,
}

impl Concealer {
    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// What the decoder gets of the next frame, of which `lost` does not arrive.
    pub fn next(&mut self, lost: LostStreams, how: Concealment) -> Heard {
        self.lost = TokenStream::ALL.map(|stream| lost.get(stream));
        let mut instead = [None; 2];
        for ((past, &lost), instead) in self.past.iter_mut().zip(&self.lost).zip(&mut instead) {
            past.missing_frames = if lost { (past.missing_frames + 1).min(MOST_FRAMES) } else { 0 };
            *instead = lost.then(|| past.last.unwrap_or_default());
        }
        let [semantic, acoustic] = instead;
        let streams = StreamGain { acoustic: self.acoustic_gain(how), ..StreamGain::BOTH };
        let level = self.wanted_level(how);
        let before = self.level.replace(level).unwrap_or(level);
        Heard { semantic, acoustic, streams, level: [before, level] }
    }

    /// How strongly the acoustic stream enters the decoder.
    fn acoustic_gain(&self, how: Concealment) -> f32 {
        let [semantic, acoustic] = &self.past;
        match how {
            // A voice without a sound of its own yet: the semantic stream alone.
            _ if acoustic.is_unknown() && !semantic.is_unknown() => 0.0,
            Concealment::Fade => ACOUSTIC_DECAY.powi(acoustic.missing_frames as i32),
            Concealment::Silence | Concealment::Repeat => 1.0,
        }
    }

    /// The level at which the frame shall end.
    fn wanted_level(&self, how: Concealment) -> f32 {
        let [semantic, _] = &self.past;
        match how {
            // Before anything was said there is nothing to continue.
            _ if semantic.is_unknown() => 0.0,
            Concealment::Silence if self.lost.contains(&true) => 0.0,
            // A voice that goes on for ever is nobody's, whatever its acoustic stream does meanwhile.
            Concealment::Fade => LEVEL_DECAY.powi(semantic.missing_frames.saturating_sub(HELD_FRAMES) as i32),
            Concealment::Silence | Concealment::Repeat => 1.0,
        }
    }

    /// The tokens that were sent of the frame that [`Concealer::next`] was called for: those that arrive are kept.
    pub fn sent(&mut self, tokens: TokenFrame) {
        for stream in TokenStream::ALL.into_iter().filter(|stream| !self.lost[stream.index()]) {
            self.past[stream.index()].last = Some(tokens.get(stream));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAYS: [Concealment; 3] = [Concealment::Silence, Concealment::Repeat, Concealment::Fade];
    const SEMANTIC: LostStreams = LostStreams { semantic: true, acoustic: false };
    const ACOUSTIC: LostStreams = LostStreams { semantic: false, acoustic: true };

    fn frame(n: u16) -> TokenFrame {
        TokenFrame { semantic: n, acoustic: 100 + n }
    }

    /// What the decoder gets of frames, each with its own tokens.
    fn heard(lost: &[LostStreams], how: Concealment) -> Vec<Heard> {
        let mut concealer = Concealer::default();
        let each = lost.iter().zip(0..).map(|(&lost, n)| {
            let heard = concealer.next(lost, how);
            concealer.sent(frame(n));
            heard
        });
        each.collect()
    }

    fn level_db(heard: &Heard) -> f32 {
        20.0 * heard.level[1].log10()
    }

    #[test]
    fn a_frame_that_arrives_is_as_it_was_coded() {
        for how in WAYS {
            assert_eq!(heard(&[LostStreams::NONE; 3], how), [Heard::AS_CODED; 3]);
        }
    }

    #[test]
    fn lost_tokens_are_the_last_that_arrived_of_their_stream() {
        let lost = [LostStreams::NONE, LostStreams::BOTH, SEMANTIC, LostStreams::BOTH, LostStreams::NONE];
        for how in WAYS {
            let found: Vec<_> =
                heard(&lost, how).iter().map(|heard| (heard.semantic, heard.acoustic)).collect();
            let expected =
                [(None, None), (Some(0), Some(100)), (Some(0), None), (Some(0), Some(102)), (None, None)];
            assert_eq!(found, expected, "{how:?}");
        }
    }

    #[test]
    fn fading_takes_the_acoustic_stream_first_and_the_level_of_long_gaps_later() {
        let lost = [&[LostStreams::NONE][..], &[LostStreams::BOTH; 60], &[LostStreams::NONE]].concat();
        let heard = heard(&lost, Concealment::Fade);
        let gain = |n: usize| heard[n].gain(StreamGain::BOTH);
        assert_eq!(gain(0), StreamGain::BOTH);
        assert!((gain(1).acoustic - 0.9).abs() < 1e-6 && (gain(3).acoustic - 0.729).abs() < 1e-6);
        assert!(gain(60).acoustic < 0.002 && gain(60).semantic == 1.0);
        assert!(level_db(&heard[30]).abs() < 1e-3, "held");
        assert!((level_db(&heard[31]) + 1.0).abs() < 1e-3 && (level_db(&heard[60]) + 30.0).abs() < 1e-2);
        assert_eq!(heard[61].level[0], heard[60].level[1], "it comes back over a hop");
        assert_eq!((heard[61].level[1], gain(61)), (1.0, StreamGain::BOTH));
    }

    #[test]
    fn the_level_of_silence_changes_over_a_hop_and_where_it_is_left_to_itself_stays() {
        let lost = [LostStreams::NONE, LostStreams::BOTH, SEMANTIC, LostStreams::NONE, LostStreams::NONE];
        let levels: Vec<_> = heard(&lost, Concealment::Silence).iter().map(|heard| heard.level).collect();
        assert_eq!(levels, [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        let mut hop = [1.0; 4];
        heard(&lost, Concealment::Silence)[1].fade(&mut hop);
        assert_eq!(hop, [0.75, 0.5, 0.25, 0.0]);
    }

    #[test]
    fn fading_takes_the_level_of_a_voice_whose_semantic_stream_stays_away() {
        let lost = [&[LostStreams::NONE][..], &[SEMANTIC; 100], &[LostStreams::NONE]].concat();
        let (faded, repeated) = (heard(&lost, Concealment::Fade), heard(&lost, Concealment::Repeat));
        assert_eq!(faded[..31], repeated[..31], "held");
        assert!((level_db(&faded[31]) + 1.0).abs() < 1e-3 && (level_db(&faded[100]) + 70.0).abs() < 1e-2);
        assert!(repeated.iter().all(|heard| heard.level == [1.0; 2]));
        assert!(faded.iter().all(|heard| heard.gain(StreamGain::BOTH) == StreamGain::BOTH));
        assert_eq!(faded[101].level, [faded[100].level[1], 1.0], "it comes back over a hop");
    }

    #[test]
    fn a_semantic_stream_that_arrives_keeps_its_level() {
        let lost = [&[LostStreams::NONE][..], &[ACOUSTIC; 100]].concat();
        for how in [Concealment::Repeat, Concealment::Fade] {
            assert!(heard(&lost, how).iter().all(|heard| heard.level == [1.0; 2]), "{how:?}");
        }
    }

    #[test]
    fn before_a_semantic_token_arrived_there_is_silence_from_the_first_sample_on() {
        for how in WAYS {
            let heard = heard(&[LostStreams::BOTH, SEMANTIC, LostStreams::NONE], how);
            let levels: Vec<_> = heard.iter().map(|heard| heard.level).collect();
            assert_eq!(levels, [[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]], "{how:?}");
        }
    }

    #[test]
    fn before_an_acoustic_token_arrived_the_semantic_stream_is_heard_alone() {
        for how in [Concealment::Repeat, Concealment::Fade] {
            let heard = heard(&[ACOUSTIC, ACOUSTIC, LostStreams::BOTH, LostStreams::NONE], how);
            assert!(heard.iter().all(|heard| heard.level == [1.0; 2]), "{how:?}");
            let gains: Vec<_> = heard.iter().map(|heard| heard.gain(StreamGain::BOTH)).collect();
            let alone = StreamGain::SEMANTIC_ONLY;
            assert_eq!(gains, [alone, alone, alone, StreamGain::BOTH], "{how:?}");
        }
    }

    #[test]
    fn a_loss_without_end_does_no_harm() {
        for how in WAYS {
            let mut concealer = Concealer::default();
            concealer.next(LostStreams::NONE, how);
            concealer.sent(frame(1));
            for _ in 0..100_000 {
                let heard = concealer.next(LostStreams::BOTH, how);
                assert!(heard.level.iter().all(|level| level.is_finite()), "{how:?}");
            }
        }
    }
}

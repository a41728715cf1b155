//! A take in place of what is coded: which tokens are sent, and where the codec begins afresh for it.

use std::sync::Arc;

use super::latency::Timing;
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_network::LostStreams;
use sacodec_token::{TokenStream, TokenTrack, heard_frames};

/// How far a stretch may be from the grid of a pass and be on it: places are rounded to samples at some rates.
const GRID_TOLERANCE_SAMPLES: f64 = 1.5;

/// Where the tokens come from that are sent to the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenSource {
    /// What is coded of the input.
    #[default]
    Input,
    /// A take, where it has frames; elsewhere the input.
    Take,
    /// As `Take`, with the acoustic stream of the input.
    TakeSemantic,
    /// As `Take`, with the semantic stream of the input.
    TakeAcoustic,
}

impl TokenSource {
    /// Whether a stream comes from the take.
    fn is_of_take(self, stream: TokenStream) -> bool {
        match self {
            Self::Input => false,
            Self::Take => true,
            Self::TakeSemantic => stream == TokenStream::Semantic,
            Self::TakeAcoustic => stream == TokenStream::Acoustic,
        }
    }
}

/// What is sent to the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Playback {
    /// Where tokens come from.
    pub source: TokenSource,
    /// So many frames later than it was recorded a take is played.
    pub shift_frames: i32,
    /// The tokens of the frame before are sent again, whatever comes.
    pub freeze: bool,
}

/// What of a frame is sent in place of what is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// The token of each stream, in the order of [`TokenStream::ALL`]; `None` for one that is sent as it is coded.
    pub tokens: [Option<u16>; 2],
    /// Streams that the take has not: they do not arrive.
    pub missing: LostStreams,
}

/// Plays a take by its places on the timeline.
#[derive(Debug, Default)]
pub struct Player {
    /// What is played.
    pub track: Option<Arc<TokenTrack>>,
    /// How it is played.
    pub playback: Playback,
}

impl Player {
    /// The track, if it is to be heard and `model` made it.
    fn track_of(&self, model: &CodecModel) -> Option<&TokenTrack> {
        let is_heard = self.playback.source != TokenSource::Input;
        self.track.as_deref().filter(|track| is_heard && track.pack_sha256() == model.sha256_bytes())
    }

    /// Where a place is found in the track.
    fn in_track(&self, place_frames: f64) -> f64 {
        place_frames - f64::from(self.playback.shift_frames)
    }

    /// What is sent of the frame of `channel` that begins at `place_frames` of the timeline; `None` for one that has no
    /// place there.
    ///
    /// # Real-time
    /// A binary search; never allocates, locks or waits.
    pub fn frame(&self, model: &CodecModel, place_frames: Option<f64>, channel: usize) -> Sent {
        let found = self.track_of(model).zip(place_frames);
        let Some(found) = found.and_then(|(track, place)| track.frame(self.in_track(place), channel)) else {
            return Sent::default();
        };
        let of_take = |stream| self.playback.source.is_of_take(stream);
        let token = |tokens: TokenFrame, stream| of_take(stream).then(|| tokens.get(stream));
        match found {
            Some(tokens) => {
                Sent { tokens: TokenStream::ALL.map(|stream| token(tokens, stream)), ..Sent::default() }
            }
            None => {
                let [semantic, acoustic] = TokenStream::ALL.map(of_take);
                Sent { missing: LostStreams { semantic, acoustic }, ..Sent::default() }
            }
        }
    }

    /// A place of the timeline at which a frame begins of what is played at `position_samples`, in host samples: 0 where
    /// nothing is, and where that stands on the grid of the timeline.
    ///
    /// # Real-time
    /// A binary search; never allocates, locks or waits.
    pub fn grid_samples(&self, model: &CodecModel, position_samples: f64, timing: &Timing) -> f64 {
        let Some(track) = self.track_of(model) else { return 0.0 };
        let frame_samples = timing.frame_start_samples(1);
        let place = self.in_track(position_samples / frame_samples);
        // One that begins right here, inside its first frame, or just before that.
        let begins = track.from(place - 0.01).first().filter(|next| heard_frames(next) <= place + 0.01);
        let played = begins.or_else(|| track.stretch_at(place - 0.5)).map(|stretch| stretch.begin_frames);
        let off_grid =
            played.filter(|begin| (begin - begin.round()).abs() * frame_samples > GRID_TOLERANCE_SAMPLES);
        off_grid.map_or(0.0, |begin| (begin + f64::from(self.playback.shift_frames)) * frame_samples)
    }

    /// The next position of the timeline, `position_samples` or after it, at which the codec is to begin afresh, so that
    /// what is played there sounds as it was recorded: in whole host samples. Frames of the pass under way begin
    /// `pass_off_frames` after whole ones.
    ///
    /// # Real-time
    /// A binary search, and the stretches of a few frames; never allocates, locks or waits.
    pub fn next_begin_samples(
        &self,
        model: &CodecModel,
        position_samples: f64,
        pass_off_frames: f64,
        timing: &Timing,
    ) -> Option<f64> {
        let track = self.track_of(model)?;
        let frame_samples = timing.frame_start_samples(1);
        let place = self.in_track(position_samples / frame_samples);
        let first = track.from(place - 0.01);
        // What is further away is looked for when it is near.
        let near = first.iter().take(NEAR_STRETCHES).filter(|stretch| {
            let off = stretch.begin_frames - pass_off_frames;
            stretch.fresh_frames.is_some()
                || (off - off.round()).abs() * frame_samples > GRID_TOLERANCE_SAMPLES
        });
        near.map(|stretch| {
            let heard = heard_frames(stretch) + f64::from(self.playback.shift_frames);
            (heard * frame_samples).round()
        })
        .find(|&begin| begin >= position_samples)
    }
}

/// Stretches that are looked at for the next beginning. Those that need none are as long as a frame at least.
const NEAR_STRETCHES: usize = 4;

//! A take in place of the input, on the command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;

use crate::choices::StreamsArg;
use crate::console::complain;
use crate::error::CliError;
use crate::standard::input_name;
use crate::take::{losses, open_take};
use sacodec_codec::CodecModel;
use sacodec_engine::{Playback, TokenSource, TokenTrack};
use sacodec_take::decode::check_pack;

/// What is played in place of the input.
#[derive(Debug, ClapArgs)]
pub struct PlayArgs {
    /// Play the tokens of a take in place of those of the input, at its places on the timeline: the file begins at 0.
    #[arg(long, value_name = "TAKE")]
    play: Option<PathBuf>,
    /// The token streams that are of the take; another one is of the input.
    #[arg(long, value_enum, value_name = "STREAMS", default_value_t = StreamsArg::Both, requires = "play")]
    played: StreamsArg,
    /// Play the take so many frames later, of 13.3 ms each; less than 0: sooner.
    #[arg(long, value_name = "FRAMES", default_value_t = 0, requires = "play", allow_hyphen_values = true,
        value_parser = parse_shift)]
    shift: i32,
}

fn parse_shift(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| "give a whole number of frames: 75 are a second".to_owned())
}

/// A take that is played.
pub struct Played {
    pub playback: Playback,
    track: TokenTrack,
    /// Nothing of the take is missing, and it was finished.
    pub is_whole: bool,
}

impl PlayArgs {
    /// The take that is to be played by `model`, if any.
    ///
    /// # Errors
    /// Where it cannot be read, or another pack made it.
    pub fn read(&self, model: &CodecModel) -> Result<Option<Played>, CliError> {
        let Some(path) = &self.play else { return Ok(None) };
        let take = open_take(path)?;
        check_pack(&take, model).map_err(|source| CliError::Play { path: input_name(path), source })?;
        let losses = losses(&take);
        if let Some(losses) = &losses {
            complain(format_args!(
                "sacodec: {}: {losses}: what is missing is concealed, and the input is heard where the take has ended",
                path.display()
            ));
        }
        let source = match self.played {
            StreamsArg::Both => TokenSource::Take,
            StreamsArg::Semantic => TokenSource::TakeSemantic,
            StreamsArg::Acoustic => TokenSource::TakeAcoustic,
        };
        let playback = Playback { source, shift_frames: self.shift, freeze: false };
        Ok(Some(Played { playback, track: take.track(), is_whole: losses.is_none() }))
    }

    /// That nothing of the take would be heard.
    pub fn unheard(&self, played: &Played, model: &CodecModel) -> CliError {
        let path = self.play.as_deref().map(input_name).unwrap_or_default();
        CliError::Unheard { path, why: played.why_unheard(model.info().frame_rate_hz()) }
    }
}

impl Played {
    /// What the engine of a channel plays.
    pub fn of_channel(&self, channel: usize) -> Arc<TokenTrack> {
        Arc::new(self.track.of_channel(channel))
    }

    /// Why nothing of it would be heard, with what to do.
    fn why_unheard(&self, frame_rate_hz: f64) -> String {
        let Some((begin, end)) = self.track.span_frames() else {
            return "it has no frames".to_owned();
        };
        let shift = f64::from(self.playback.shift_frames);
        let [begin_s, end_s] = [begin, end].map(|place| (place + shift) / frame_rate_hz);
        format!(
            "it is from {begin_s:.2} to {end_s:.2} s, and no frame of the file is there. To begin with it, give --shift {}",
            -(begin.floor() as i64)
        )
    }
}

//! Takes back to audio: as long as what they were coded from, and aligned to it.

use std::sync::Arc;

use thiserror::Error;

use super::anchor::Anchor;
use super::format::GapReason;
use super::header::PackId;
use super::reader::Take;
use sacodec_codec::CodecModel;
use sacodec_engine::{Concealment, EngineError, Scheduling, Timing, TokenDecoder, silence_before};
use sacodec_token::{StreamGain, TokenFrame};

/// Frames that are decoded after the last one, so that its end comes out of the decoder.
const TAIL_FRAMES: usize = 8;

/// Why a take could not be decoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Another model than the take's.
    #[error("the take was coded with the pack {found} ({}…), not with {given}: give that pack", &.sha256[..12])]
    OtherPack {
        /// Name and version in the take.
        found: String,
        /// Its weights.
        sha256: String,
        /// Name and version of the pack at hand.
        given: String,
    },
    /// The decoder.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// How a take is decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decoding {
    /// What of the token streams is decoded.
    pub streams: StreamGain,
    /// Sample rate of the audio, in Hz.
    pub rate_hz: f64,
    /// How missing frames are concealed; without it they are silent. Frames that the codec failed on always are, as
    /// they were when they were coded.
    pub concealment: Option<Concealment>,
}

impl Decoding {
    /// Both streams at the rate of the audio that `take` was coded from, silence where frames are missing.
    pub fn of(take: &Take) -> Self {
        Self { streams: StreamGain::BOTH, rate_hz: take.header.host_rate_hz, concealment: None }
    }
}

/// Decodes `take`: as long as the audio it was coded from, and aligned to it. `sink` gets the samples of every channel piece by piece.
///
/// # Errors
/// [`DecodeError`], or as `sink`.
pub fn decode_take<E: From<DecodeError>>(
    take: &Take,
    model: &Arc<CodecModel>,
    decoding: Decoding,
    mut sink: impl FnMut(&[Vec<f32>]) -> Result<(), E>,
) -> Result<(), E> {
    check_pack(take, model)?;
    let header = &take.header;
    let scale = decoding.rate_hz / header.host_rate_hz;
    let frame_samples = header.frame_samples();
    let stretch_samples = f64::from(take.frames()) * frame_samples;
    let length = take.footer.as_ref().and_then(|f| f.length_samples).map_or(stretch_samples, |l| l as f64);
    let mut decoder = Decoder::new(take, model, decoding)?;
    let mut reasons = take.missing().into_iter().peekable();
    // Where a frame begins inside a sample, only this tells how much of one.
    let timing = Timing::new(header.host_rate_hz, Scheduling::Burst, model.info());
    let first_frame_samples = timing.map_or(take.first_stream_samples(), |timing| timing.first_frame_samples);
    let heard_in_frame_samples = |anchor: &Anchor| {
        anchor.pass_samples.map_or(0.0, |heard| heard - (anchor.stream_samples - first_frame_samples))
    };
    if let Some(first) = take.anchors.iter().rfind(|anchor| anchor.codec_reset && anchor.index == 0)
        && let Some(heard_samples) = first.pass_samples
    {
        decoder.begin_stretch(heard_in_frame_samples(first) * scale, frame_samples * scale)?;
        // The audio begins with the first frame, not with what is heard in it.
        let early = (decoder.left_out_samples as f64 - heard_samples * scale).round();
        decoder.left_out_samples = early.clamp(0.0, 4.0 * frame_samples * scale) as usize;
    }
    let mut anchors = take.anchors.iter().filter(|a| a.codec_reset && a.index > 0).peekable();
    for (index, tokens) in (0_u32..).zip(take.iter()) {
        let mut reset = None;
        while let Some(anchor) = anchors.next_if(|anchor| anchor.index <= index) {
            reset = Some(anchor);
        }
        if let Some(anchor) = reset {
            // The stretch before it ended where this one began, inside a frame of both.
            let begin_samples = anchor.stream_samples - take.first_stream_samples();
            let heard_samples = anchor.pass_samples.unwrap_or(begin_samples);
            decoder.end_stretch(heard_samples * scale, frame_samples * scale, &mut sink)?;
            decoder.begin_stretch(heard_in_frame_samples(anchor) * scale, frame_samples * scale)?;
        }
        while reasons.next_if(|gap| gap.index + gap.count <= index).is_some() {}
        let failed = reasons.peek().is_some_and(|gap| gap.reason == GapReason::CodecFailed);
        decoder.frame(tokens, tokens.is_none() && failed)?;
        decoder.give(&mut sink)?;
    }
    decoder.end_stretch(length * scale, frame_samples * scale, &mut sink)
}

/// Whether `model` is the one that `take` was coded with.
///
/// # Errors
/// [`DecodeError::OtherPack`].
pub fn check_pack(take: &Take, model: &CodecModel) -> Result<(), DecodeError> {
    let given = PackId::of(model);
    let found = &take.header.pack;
    if !found.sha256.eq_ignore_ascii_case(&given.sha256) || !take.header.fits(model.info()) {
        return Err(DecodeError::OtherPack {
            found: format!("{} {}", found.name, found.version),
            sha256: found.sha256.clone(),
            given: format!("{} {}", given.name, given.version),
        });
    }
    Ok(())
}

/// A decoder for each channel, and how far they are.
struct Decoder {
    channels: Vec<TokenDecoder>,
    /// The last frame of each channel: its tokens, if it was there.
    last: Vec<Option<TokenFrame>>,
    /// The codec failed on it.
    last_failed: bool,
    /// How the frame is concealed that is missing.
    concealment: Option<Concealment>,
    ready: Vec<Vec<f32>>,
    given_samples: u64,
    /// Samples at the beginning of a stretch in whose place the end of the one before was given.
    left_out_samples: usize,
}

impl Decoder {
    fn new(take: &Take, model: &Arc<CodecModel>, decoding: Decoding) -> Result<Self, DecodeError> {
        let count = take.header.channels;
        let Decoding { streams, rate_hz, concealment } = decoding;
        let channels = (0..count).map(|_| TokenDecoder::new(model, rate_hz, streams));
        Ok(Self {
            channels: channels.collect::<Result<_, _>>()?,
            last: vec![None; count],
            last_failed: false,
            concealment,
            ready: vec![Vec::new(); count],
            given_samples: 0,
            left_out_samples: 0,
        })
    }

    fn frame(&mut self, tokens: Option<&[TokenFrame]>, failed: bool) -> Result<(), DecodeError> {
        self.last_failed = failed;
        for (i, last) in self.last.iter_mut().enumerate() {
            *last = tokens.map(|t| t[i]);
        }
        self.last_frame()?;
        if failed {
            self.channels.iter_mut().for_each(TokenDecoder::reset_codec);
        }
        Ok(())
    }

    /// Decodes or conceals the last frame, be it again.
    fn last_frame(&mut self) -> Result<(), DecodeError> {
        let concealment = self.concealment.filter(|_| !self.last_failed);
        for ((decoder, &last), ready) in self.channels.iter_mut().zip(&self.last).zip(&mut self.ready) {
            match concealment.filter(|_| last.is_none()) {
                Some(concealment) => decoder.conceal(concealment, ready)?,
                None => decoder.frame(last, ready)?,
            }
        }
        Ok(())
    }

    fn give<E>(&mut self, sink: &mut impl FnMut(&[Vec<f32>]) -> Result<(), E>) -> Result<(), E> {
        let left_out = self.left_out_samples.min(self.ready[0].len());
        self.left_out_samples -= left_out;
        self.ready.iter_mut().for_each(|channel| drop(channel.drain(..left_out)));
        self.given_samples += self.ready[0].len() as u64;
        sink(&self.ready)?;
        self.ready.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    /// Begins a stretch that is heard `heard_samples` after its first frame begins: what lies before is left out.
    fn begin_stretch(&mut self, heard_samples: f64, frame_samples: f64) -> Result<(), DecodeError> {
        let heard_samples = heard_samples.clamp(-frame_samples, frame_samples);
        let (hops, silence) = silence_before(heard_samples, frame_samples);
        for (decoder, ready) in self.channels.iter_mut().zip(&mut self.ready) {
            (0..hops).try_for_each(|_| decoder.frame(None, ready))?;
        }
        self.left_out_samples = silence;
        Ok(())
    }

    /// Fills up to the sample `end` of the output and begins anew there. The end of the last frame
    /// comes out with frames after it: its own again, for want of others, or concealed as it was.
    fn end_stretch<E: From<DecodeError>>(
        &mut self,
        end: f64,
        frame_samples: f64,
        sink: &mut impl FnMut(&[Vec<f32>]) -> Result<(), E>,
    ) -> Result<(), E> {
        // No sound take misses more here: what a damaged one says is not believed.
        let most = (TAIL_FRAMES as f64 * frame_samples) as u64;
        let missing = (end.round() as u64).saturating_sub(self.given_samples).min(most) as usize;
        let missing = missing + self.left_out_samples;
        for _ in 0..TAIL_FRAMES {
            if self.ready[0].len() >= missing {
                break;
            }
            self.last_frame()?;
        }
        self.ready.iter_mut().for_each(|channel| channel.resize(missing, 0.0));
        self.give(sink)?;
        self.left_out_samples = 0;
        self.channels.iter_mut().for_each(TokenDecoder::reset);
        Ok(())
    }
}

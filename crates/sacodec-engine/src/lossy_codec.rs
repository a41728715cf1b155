//! One channel of the codec, and what happens to its tokens on their way to the decoder.

use std::sync::Arc;

use super::monitor::Controls;
use super::player::Sent;
use super::schedule::limit_decoded;
use sacodec_codec::{CodecError, CodecModel, FrameCodec, StreamGain, TokenFrame};
use sacodec_network::{Concealer, Concealment, Heard, LostStreams};
use sacodec_token::TokenStream;

/// A frame codec whose decoder gets what arrives.
#[derive(Debug)]
pub struct LossyCodec {
    codec: FrameCodec,
    concealer: Concealer,
    /// What the decoder gets of the frame under way.
    heard: Heard,
    /// What does not arrive of it.
    lost: LostStreams,
    /// What is sent of it in place of what is coded.
    instead: [Option<u16>; 2],
    /// What was sent of the frame before.
    last_sent: Option<TokenFrame>,
}

impl LossyCodec {
    /// A channel with zero states.
    pub fn new(model: &Arc<CodecModel>) -> Result<Self, CodecError> {
        Ok(Self {
            codec: FrameCodec::new(model)?,
            concealer: Concealer::default(),
            heard: Heard::AS_CODED,
            lost: LostStreams::NONE,
            instead: [None; 2],
            last_sent: None,
        })
    }

    pub fn model(&self) -> &Arc<CodecModel> {
        self.codec.model()
    }

    pub fn reset(&mut self) {
        self.codec.reset();
        self.concealer.reset();
        self.last_sent = None;
    }

    /// Starts a frame of which `sent` is sent in place of what is coded, or, to `freeze`, what was sent last. `lost` of
    /// it does not arrive. One that cannot begin leaves no frame under way, and [`LossyCodec::finish`] fails.
    pub fn begin(&mut self, hop: &[f32], controls: &Controls, sent: Sent, lost: LostStreams, freeze: bool) {
        let frozen = self.last_sent.filter(|_| freeze);
        let missing = if frozen.is_some() { LostStreams::NONE } else { sent.missing };
        self.lost = lost.with(missing);
        self.heard = self.concealer.next(self.lost, controls.network.concealment);
        let heard = [self.heard.semantic, self.heard.acoustic];
        self.instead = TokenStream::ALL.map(|stream| match frozen {
            Some(tokens) => Some(tokens.get(stream)),
            // Nothing was sent: what is heard in its place counts as that.
            None if missing.get(stream) => heard[stream.index()],
            None => sent.tokens[stream.index()],
        });
        let [semantic, acoustic] = [0, 1].map(|stream| heard[stream].or(self.instead[stream]));
        if self.codec.begin(hop, self.heard.gain(controls.streams)).is_ok()
            && self.codec.decode_instead(semantic, acoustic).is_err()
        {
            // A take that says of itself what is not so: the frame is sent as it is coded.
            self.instead = [None; 2];
        }
    }

    /// What of the frame does not arrive that began last.
    pub fn lost(&self) -> LostStreams {
        self.lost
    }

    /// Streams of it that are sent in place of what is coded, in the order of [`TokenStream::ALL`].
    pub fn played(&self) -> [bool; 2] {
        self.instead.map(|token| token.is_some())
    }

    /// Works on the frame under way until about `share` of it is done.
    pub fn advance(&mut self, share: f32) {
        // What fails here fails in `finish`.
        let _ = self.codec.advance(share);
    }

    /// Completes the frame under way into `out`; gives the tokens that were sent. Where it fails, the codec has begun
    /// anew and the hop is silent.
    pub fn finish(&mut self, out: &mut [f32]) -> Option<TokenFrame> {
        let coded = self.codec.finish(out).ok().filter(|_| limit_decoded(out));
        let [semantic, acoustic] = self.instead;
        let tokens = coded.map(|coded| TokenFrame {
            semantic: semantic.unwrap_or(coded.semantic),
            acoustic: acoustic.unwrap_or(coded.acoustic),
        });
        match tokens {
            Some(tokens) => {
                self.heard.fade(out);
                self.concealer.sent(tokens);
                self.last_sent = Some(tokens);
            }
            None => {
                self.reset();
                out.fill(0.0);
            }
        }
        tokens
    }

    /// Decodes the tokens of a frame of which `lost` does not arrive.
    pub fn decode(
        &mut self,
        tokens: TokenFrame,
        gain: StreamGain,
        lost: LostStreams,
        concealment: Concealment,
        out: &mut [f32],
    ) -> Result<(), CodecError> {
        let heard = self.concealer.next(lost, concealment);
        let decoded = TokenFrame {
            semantic: heard.semantic.unwrap_or(tokens.semantic),
            acoustic: heard.acoustic.unwrap_or(tokens.acoustic),
        };
        self.codec.decode_step(decoded, heard.gain(gain), out)?;
        if !limit_decoded(out) {
            return Err(CodecError::NotFinite);
        }
        heard.fade(out);
        self.concealer.sent(tokens);
        Ok(())
    }
}

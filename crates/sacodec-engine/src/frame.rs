//! A coded frame, and where it stands in the stream.

use std::sync::Arc;

use super::latency::Timing;
use sacodec_codec::{CodecModel, TokenFrame};

/// Where a frame stands, in host samples since the engine was made or last reset.
///
/// A pass is what is coded from one fresh start of the codec to the next, see
/// [`Engine::begin_at`](super::Engine::begin_at). It begins on the grid of the host's timeline, so its first frame
/// may begin a little before what is heard in it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FramePlace {
    /// Where the frame begins, framing alone: the place that it is named after. A fraction at rates where a hop is
    /// not a whole number of samples, and exact where it is.
    pub start_samples: f64,
    /// The first sample of its pass that was heard. What the host said before it is about another pass.
    pub pass_samples: f64,
}

impl FramePlace {
    /// Where frame `index` stands if the codec never begins afresh.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn of(index: u64, timing: &Timing) -> Self {
        Self { start_samples: timing.frame_start_samples(index), pass_samples: 0.0 }
    }
}

/// A coded frame of every channel, as it leaves the quantizer.
#[derive(Debug, Clone, Copy)]
pub struct CodedFrame<'a> {
    /// Number of the frame, counted from where the codec last began afresh.
    pub index: u64,
    /// Where it stands.
    pub place: FramePlace,
    /// The model that it was coded with.
    pub model: &'a Arc<CodecModel>,
    /// A codec failed on it, or gave what is not finite: it is silent, its tokens mean nothing.
    pub failed: bool,
    pub(super) tokens: [TokenFrame; 2],
    pub(super) channels: usize,
}

impl<'a> CodedFrame<'a> {
    /// A frame of one or two channels; further ones are left out.
    pub fn new(
        index: u64,
        place: FramePlace,
        model: &'a Arc<CodecModel>,
        tokens: &[TokenFrame],
        failed: bool,
    ) -> Self {
        let channels = tokens.len().min(2);
        let tokens = std::array::from_fn(|i| tokens.get(i).copied().unwrap_or_default());
        Self { index, place, model, failed, tokens, channels }
    }

    /// The tokens of each coded channel: one, or two in dual mono.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn tokens(&self) -> &[TokenFrame] {
        &self.tokens[..self.channels]
    }
}

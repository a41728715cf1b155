//! A coded frame, and where it stands in the stream.

use std::sync::Arc;

use super::latency::Timing;
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_network::LostStreams;

/// Where a frame stands, in host samples since the engine was made or last reset.
///
/// A pass is what is coded from one fresh start of the codec to the next, see
/// [`Engine::begin_at`](super::Engine::begin_at). It begins on the grid of the host's timeline, so its first frame
/// may be named after a place a little before what is heard in it, or up to a millisecond after it, since the resampler
/// looks ahead.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FramePlace {
    /// Where the frame begins, framing alone: the place that it is named after. A fraction at rates where a hop is
    /// not a whole number of samples, and exact where it is.
    pub start_samples: f64,
    /// The first sample of its pass that was heard. What the host said before it is about another pass.
    pub pass_samples: f64,
}

/// The silence before a pass whose first sample is heard `heard_samples` after its first frame begins: how many hops
/// of it are not coded, and its length in samples, which is whole. A hop is `hop_samples` long.
///
/// ```
/// use sacodec_engine::silence_before;
/// assert_eq!(silence_before(100.0, 640.0), (0, 100));
/// // The frame begins after the pass: a hop of silence came before it.
/// assert_eq!(silence_before(-10.0, 640.0), (1, 630));
/// // At 16 kHz three hops are a whole number of samples.
/// assert_eq!(silence_before(100.0 - 1280.0 / 3.0 + 640.0 / 3.0, 640.0 / 3.0), (1, 100));
/// ```
pub fn silence_before(heard_samples: f64, hop_samples: f64) -> (u32, usize) {
    let silence = |hops: u32| heard_samples + f64::from(hops) * hop_samples;
    let fits = |hops: &u32| silence(*hops) > -0.01 && (silence(*hops) - silence(*hops).round()).abs() < 0.01;
    let hops = (0..=3).find(fits).unwrap_or(u32::from(heard_samples < 0.0));
    (hops, silence(hops).round().clamp(0.0, 3.0 * hop_samples) as usize)
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
    /// What of its tokens did not arrive at the decoder, in every channel. [`CodedFrame::tokens`] are those that were
    /// sent.
    pub lost: LostStreams,
    /// Streams whose tokens were not coded of the input but played from a take or frozen, in the order of
    /// [`TokenStream::ALL`](sacodec_codec::TokenStream::ALL).
    pub played: [bool; 2],
    pub(super) tokens: [TokenFrame; 2],
    pub(super) channels: usize,
}

impl<'a> CodedFrame<'a> {
    /// A frame of one or two channels that arrives; further ones are left out.
    pub fn new(
        index: u64,
        place: FramePlace,
        model: &'a Arc<CodecModel>,
        tokens: &[TokenFrame],
        failed: bool,
    ) -> Self {
        let channels = tokens.len().min(2);
        let tokens = std::array::from_fn(|i| tokens.get(i).copied().unwrap_or_default());
        Self { index, place, model, failed, lost: LostStreams::NONE, played: [false; 2], tokens, channels }
    }

    /// The tokens of each coded channel, as they were sent, be it in place of those that were coded: one, or two in dual
    /// mono.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn tokens(&self) -> &[TokenFrame] {
        &self.tokens[..self.channels]
    }
}

//! Frame jobs: what is coded when a hop is complete, and how the work is spread over callbacks.

use std::sync::Arc;

use super::resample::CHUNK_SAMPLES;
use super::stream::Stream;
use sacodec_codec::{CodecError, CodecModel, FrameCodec, StreamGain, TokenFrame};

/// When a frame is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Scheduling {
    /// Evenly over the callbacks until the next hop is complete. One hop more latency.
    #[default]
    Spread,
    /// At once when its hop is complete: lowest latency, for blocks of a hop or more.
    Burst,
}

/// A coded frame of every stream, as it leaves the quantizer.
#[derive(Debug, Clone, Copy)]
pub struct CodedFrame<'a> {
    /// Number of the frame, counted from the engine's last reset.
    pub index: u64,
    /// The model that it was coded with.
    pub model: &'a Arc<CodecModel>,
    /// A codec failed on it, or gave what is not finite: it is silent, its tokens mean nothing.
    pub failed: bool,
    tokens: [TokenFrame; 2],
    streams: usize,
}

impl<'a> CodedFrame<'a> {
    /// A frame of one or two streams; further ones are left out.
    pub fn new(index: u64, model: &'a Arc<CodecModel>, tokens: &[TokenFrame], failed: bool) -> Self {
        let streams = tokens.len().min(2);
        let tokens = std::array::from_fn(|i| tokens.get(i).copied().unwrap_or_default());
        Self { index, model, failed, tokens, streams }
    }

    /// The tokens of each coded stream: one, or two in dual mono.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn tokens(&self) -> &[TokenFrame] {
        &self.tokens[..self.streams]
    }
}

/// The codecs of both streams, made off the audio thread.
#[derive(Debug)]
pub struct CodecSet {
    pub(super) codecs: [FrameCodec; 2],
}

impl CodecSet {
    /// Two channels of `model` with zero states.
    ///
    /// # Errors
    /// As [`FrameCodec::new`].
    pub fn new(model: &Arc<CodecModel>) -> Result<Self, CodecError> {
        Ok(Self { codecs: [FrameCodec::new(model)?, FrameCodec::new(model)?] })
    }

    /// The model both run.
    pub fn model(&self) -> &Arc<CodecModel> {
        self.codecs[0].model()
    }
}

/// How much was done and what went wrong, since the engine was made. A reset keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobStats {
    /// Frames coded.
    pub frames: u64,
    /// Frames that a codec failed on or that were not finite: they are silent.
    pub failed_frames: u64,
}

/// Runs the frame jobs of all streams: the current codecs and, for one hop, the incoming ones.
pub struct Jobs {
    current: Box<CodecSet>,
    incoming: Option<Box<CodecSet>>,
    retired: Option<Box<CodecSet>>,
    /// The job under way: which streams are coded.
    coding: Option<[bool; 2]>,
    /// The job under way also runs the incoming codecs.
    fading: bool,
    was_coding: [bool; 2],
    decoded: Vec<f32>,
    faded: Vec<f32>,
    index: u64,
    pub stats: JobStats,
}

impl Jobs {
    pub fn new(codecs: Box<CodecSet>) -> Self {
        let hop = codecs.model().info().hop_samples;
        Self {
            current: codecs,
            incoming: None,
            retired: None,
            coding: None,
            fading: false,
            was_coding: [false; 2],
            decoded: vec![0.0; hop],
            faded: vec![0.0; hop],
            index: 0,
            stats: JobStats::default(),
        }
    }

    pub fn model(&self) -> &Arc<CodecModel> {
        self.current.model()
    }

    /// Whether a swap is waiting, under way, or not yet collected.
    pub fn is_swapping(&self) -> bool {
        self.incoming.is_some() || self.retired.is_some()
    }

    /// Lets `codecs` take over at the next hop.
    pub fn swap(&mut self, codecs: Box<CodecSet>) {
        self.incoming = Some(codecs);
    }

    /// The codecs that were replaced, to be dropped elsewhere.
    pub fn take_retired(&mut self) -> Option<Box<CodecSet>> {
        self.retired.take()
    }

    /// # Real-time
    /// Frees states to the pool.
    pub fn reset(&mut self) {
        for set in [Some(&mut self.current), self.incoming.as_mut()].into_iter().flatten() {
            set.codecs.iter_mut().for_each(FrameCodec::reset);
        }
        self.coding = None;
        self.fading = false;
        self.was_coding = [false; 2];
        self.index = 0;
    }

    /// Starts the job of the hop that every stream has complete.
    pub fn begin(&mut self, streams: &mut [Stream], gain: StreamGain) {
        let coding = std::array::from_fn(|i| streams.get(i).is_some_and(|s| s.wanted));
        self.fading = self.incoming.is_some();
        for (i, stream) in streams.iter_mut().enumerate() {
            let hop = stream.take_hop();
            if !coding[i] {
                continue;
            }
            if !self.was_coding[i] {
                self.current.codecs[i].reset();
            }
            // A failed begin leaves no frame under way: `finish` counts it.
            let _ = self.current.codecs[i].begin(hop, gain);
            if let Some(incoming) = &mut self.incoming {
                let _ = incoming.codecs[i].begin(hop, gain);
            }
        }
        self.was_coding = coding;
        self.coding = Some(coding);
    }

    /// Works on the job until `share` of it is done.
    pub fn advance(&mut self, share: f32) {
        let Some(coding) = self.coding else { return };
        let sets = 1 + usize::from(self.fading);
        let active = coding.iter().filter(|&&c| c).count() * sets;
        let mut due = share * active as f32;
        let incoming = self.incoming.as_mut().filter(|_| self.fading);
        let codecs = [Some(&mut self.current), incoming];
        for set in codecs.into_iter().flatten() {
            for (codec, _) in set.codecs.iter_mut().zip(coding).filter(|(_, coded)| *coded) {
                if due > 0.0 {
                    let _ = codec.advance(due);
                }
                due -= 1.0;
            }
        }
    }

    /// Completes the job: decoded hops to the streams, tokens to `sink`. `true` where other codecs have
    /// taken over with it.
    pub fn finish(&mut self, streams: &mut [Stream], sink: &mut dyn FnMut(CodedFrame)) -> bool {
        let Some(coding) = self.coding.take() else { return false };
        let mut tokens = [TokenFrame::default(); 2];
        let mut failed = false;
        for (i, stream) in streams.iter_mut().enumerate() {
            if !coding[i] {
                self.decoded.fill(0.0);
            } else {
                let coded = self.finish_stream(i);
                self.stats.frames += 1;
                self.stats.failed_frames += u64::from(coded.is_none());
                failed |= coded.is_none();
                tokens[i] = coded.unwrap_or_default();
            }
            for chunk in self.decoded.as_chunks::<CHUNK_SAMPLES>().0 {
                stream.push_decoded(chunk);
            }
        }
        let index = self.index;
        self.index += 1;
        let has_swapped = std::mem::take(&mut self.fading);
        if has_swapped && let Some(incoming) = self.incoming.take() {
            self.retired = Some(std::mem::replace(&mut self.current, incoming));
        }
        // During a fade the tokens are the incoming codecs', which are the current ones by now.
        let streams = 1 + usize::from(coding[1]);
        sink(CodedFrame { index, model: self.current.model(), failed, tokens, streams });
        has_swapped
    }

    /// Completes one stream's frame into `decoded`; silence where it fails.
    fn finish_stream(&mut self, i: usize) -> Option<TokenFrame> {
        let tokens = finish_codec(&mut self.current.codecs[i], &mut self.decoded);
        let Some(incoming) = self.incoming.as_mut().filter(|_| self.fading) else { return tokens };
        let tokens = finish_codec(&mut incoming.codecs[i], &mut self.faded);
        let step = 1.0 / self.decoded.len() as f32;
        for (n, (old, new)) in self.decoded.iter_mut().zip(&self.faded).enumerate() {
            *old += (n + 1) as f32 * step * (new - *old);
        }
        tokens
    }
}

/// Nothing decoded is louder than full scale. A decoder that hears one stream alone may give 30 dB
/// more than it was trained to, and somebody is wearing headphones.
const DECODED_LIMIT: f32 = 1.0;

/// Keeps a decoded hop to full scale; `false` where it is not finite.
pub fn limit_decoded(out: &mut [f32]) -> bool {
    let finite = out.iter().all(|s| s.is_finite());
    out.iter_mut().for_each(|s| *s = s.clamp(-DECODED_LIMIT, DECODED_LIMIT));
    finite
}

fn finish_codec(codec: &mut FrameCodec, out: &mut [f32]) -> Option<TokenFrame> {
    let tokens = codec.finish(out).ok().filter(|_| limit_decoded(out));
    if tokens.is_none() {
        codec.reset();
        out.fill(0.0);
    }
    tokens
}

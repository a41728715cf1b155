//! One channel of the codec: a hop of samples → tokens → a hop of samples, whole or in slices.

use std::sync::Arc;

use tract_onnx::prelude::*;

use super::error::CodecError;
use super::frame::{FrameGraphs, check_token, graph_error, guarded, runs, tokens_of};
use super::graph::GraphRun;
use super::model::CodecModel;
use sacodec_token::{StreamGain, TokenFrame, TokenStream};

/// How far the frame under way has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Graph(usize),
    /// Tokens are known, the decoder has not begun.
    Coded,
    Done,
}

/// The state of one coded channel. Deterministic: the same hops since the state was
/// made or last reset give the same tokens and samples, however the frames are sliced.
///
/// A frame is coded either at once ([`step`](Self::step), [`encode_step`](Self::encode_step),
/// [`decode_step`](Self::decode_step)) or in slices ([`begin`](Self::begin),
/// [`advance`](Self::advance), [`finish`](Self::finish)).
///
/// # Real-time
/// Stepping never locks and does no I/O, but the inference library allocates: call it inside
/// `RtPool::scope` of `sacodec-rt`, and then nothing reaches the system. The first
/// frame of each thread makes thread-local blocks. After an error the codec has been reset.
#[derive(Debug)]
pub struct FrameCodec {
    model: Arc<CodecModel>,
    runs: [GraphRun; 3],
    /// Cost of the frame before each graph and each node, as a share of the whole: ascending.
    schedule: Arc<[Vec<f32>; 3]>,
    stage: Stage,
    gain: StreamGain,
    tokens: TokenFrame,
    /// What the decoder gets instead of a stream's token.
    instead: [Option<u16>; 2],
    audio: Option<TValue>,
}

impl FrameCodec {
    /// A channel with zero states. Allocates; weights stay in `model`.
    ///
    /// # Errors
    /// [`CodecError::Graph`] where the inference library cannot make a state.
    pub fn new(model: &Arc<CodecModel>) -> Result<Self, CodecError> {
        Ok(Self {
            runs: runs(&model.graphs)?,
            schedule: Arc::new(schedule(&model.graphs)),
            model: model.clone(),
            stage: Stage::Idle,
            gain: StreamGain::BOTH,
            tokens: TokenFrame::default(),
            instead: [None; 2],
            audio: None,
        })
    }

    /// The model this channel runs.
    pub fn model(&self) -> &Arc<CodecModel> {
        &self.model
    }

    /// Zero states, as new; a frame under way is dropped.
    ///
    /// # Real-time
    /// Allocates nothing; frees the states to the pool they came from.
    pub fn reset(&mut self) {
        self.stage = Stage::Idle;
        self.audio = None;
        self.tokens = TokenFrame::default();
        for run in &mut self.runs {
            // Dropping values cannot fail; tract's signature says that it might.
            let _ = run.reset();
        }
    }

    /// Codes one hop: `hop` and `out` are `[hop_samples]`. `out` is `delay_samples` late.
    ///
    /// # Errors
    /// [`CodecError::HopLength`]; [`CodecError::Graph`] if a graph fails.
    ///
    /// # Real-time
    /// A whole frame of work. See [`FrameCodec`].
    pub fn step(&mut self, hop: &[f32], gain: StreamGain, out: &mut [f32]) -> Result<TokenFrame, CodecError> {
        self.check_hop(out.len())?;
        self.begin(hop, gain)?;
        self.finish(out)
    }

    /// Encodes one hop of `[hop_samples]`; the decoder's state stays as it is.
    ///
    /// # Errors
    /// As [`FrameCodec::step`].
    ///
    /// # Real-time
    /// Somewhat less than half a frame of work. See [`FrameCodec`].
    pub fn encode_step(&mut self, hop: &[f32]) -> Result<TokenFrame, CodecError> {
        self.begin(hop, StreamGain::BOTH)?;
        self.guarded(|codec| {
            while codec.stage != Stage::Coded {
                codec.step_node()?;
            }
            Ok(())
        })?;
        self.stage = Stage::Idle;
        Ok(self.tokens)
    }

    /// Decodes one frame into `out`, `[hop_samples]`; the encoder's state stays as it is.
    ///
    /// # Errors
    /// [`CodecError::Token`] for a token outside its codebook, else as [`FrameCodec::step`].
    ///
    /// # Real-time
    /// Somewhat more than half a frame of work. See [`FrameCodec`].
    pub fn decode_step(
        &mut self,
        tokens: TokenFrame,
        gain: StreamGain,
        out: &mut [f32],
    ) -> Result<(), CodecError> {
        self.check_hop(out.len())?;
        for stream in TokenStream::ALL {
            check_token(self.model.info(), stream, tokens.get(stream).into())?;
        }
        self.tokens = tokens;
        self.instead = [None; 2];
        self.gain = gain;
        self.guarded(|codec| {
            codec.begin_decoder()?;
            while codec.stage != Stage::Done {
                codec.step_node()?;
            }
            Ok(())
        })?;
        self.finish(out).map(drop)
    }

    /// Starts a frame: `hop` is `[hop_samples]`. A frame still under way is an error of the
    /// caller's and is lost.
    ///
    /// # Errors
    /// [`CodecError::HopLength`], [`CodecError::Graph`].
    ///
    /// # Real-time
    /// Copies the hop. See [`FrameCodec`].
    pub fn begin(&mut self, hop: &[f32], gain: StreamGain) -> Result<(), CodecError> {
        self.check_hop(hop.len())?;
        self.gain = gain;
        self.instead = [None; 2];
        self.guarded(|codec| {
            let audio = Tensor::from_shape(&[1, hop.len()], hop)?.into_tvalue();
            codec.runs[0].begin([audio])?;
            codec.stage = Stage::Graph(0);
            Ok(())
        })
    }

    /// Lets the decoder get other tokens than those that are coded, in the frame that [`begin`](Self::begin) began:
    /// `None` for a stream that it gets as coded. To be called before the frame is worked on.
    ///
    /// # Errors
    /// [`CodecError::Token`] for a token outside its codebook: the decoder then gets what is coded.
    ///
    /// # Real-time
    /// Never allocates, locks or waits; the error allocates.
    pub fn decode_instead(&mut self, semantic: Option<u16>, acoustic: Option<u16>) -> Result<(), CodecError> {
        let instead = [semantic, acoustic];
        for (stream, token) in TokenStream::ALL.into_iter().zip(instead) {
            if let Some(token) = token {
                check_token(self.model.info(), stream, token.into())?;
            }
        }
        self.instead = instead;
        Ok(())
    }

    /// Works on the frame under way until about `share` of its cost is done (`1.0`: all of it).
    ///
    /// # Errors
    /// [`CodecError::NoFrame`], [`CodecError::Graph`].
    ///
    /// # Real-time
    /// The nodes that the share pays for. See [`FrameCodec`].
    pub fn advance(&mut self, share: f32) -> Result<(), CodecError> {
        if self.stage == Stage::Idle {
            return Err(CodecError::NoFrame);
        }
        self.guarded(|codec| {
            while codec.due() <= share && codec.stage != Stage::Done {
                codec.step_node()?;
            }
            Ok(())
        })
    }

    /// Completes the frame under way into `out`, `[hop_samples]`.
    ///
    /// # Errors
    /// [`CodecError::NoFrame`], [`CodecError::HopLength`], [`CodecError::Graph`].
    ///
    /// # Real-time
    /// Whatever [`advance`](Self::advance) left to do. See [`FrameCodec`].
    pub fn finish(&mut self, out: &mut [f32]) -> Result<TokenFrame, CodecError> {
        self.check_hop(out.len())?;
        self.advance(f32::INFINITY)?;
        self.stage = Stage::Idle;
        let audio = self.audio.take().ok_or(CodecError::NoFrame)?;
        let view = audio.to_plain_array_view::<f32>().map_err(|error| graph_error(2, &error))?;
        out.iter_mut().zip(view.iter()).for_each(|(o, &s)| *o = s);
        Ok(self.tokens)
    }

    fn check_hop(&self, found: usize) -> Result<(), CodecError> {
        let expected = self.model.info().hop_samples;
        if found == expected { Ok(()) } else { Err(CodecError::HopLength { found, expected }) }
    }

    /// Runs `work`; a failure or a panic inside it becomes an error and resets the codec.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> TractResult<()>) -> Result<(), CodecError> {
        guarded(|| work(self)).map_err(|error| {
            let graph = if let Stage::Graph(graph) = self.stage { graph } else { 0 };
            self.reset();
            graph_error(graph, &error)
        })
    }

    /// The share of the frame's cost at which the next node is due.
    fn due(&self) -> f32 {
        match self.stage {
            Stage::Graph(graph) => self.schedule[graph].get(self.runs[graph].done()).copied().unwrap_or(0.0),
            _ => 0.0,
        }
    }

    fn step_node(&mut self) -> TractResult<()> {
        let graph = match self.stage {
            Stage::Graph(graph) => graph,
            Stage::Coded => return self.begin_decoder(),
            Stage::Idle | Stage::Done => return Ok(()),
        };
        if self.runs[graph].step()? {
            return Ok(());
        }
        match graph {
            0 => {
                let latent = self.runs[0].finish::<1>()?;
                self.runs[1].begin(latent)?;
                self.stage = Stage::Graph(1);
            }
            1 => {
                self.tokens = tokens_of(self.model.info(), &self.runs[1].finish::<2>()?)?;
                self.stage = Stage::Coded;
            }
            _ => {
                let [audio] = self.runs[2].finish::<1>()?;
                self.audio = Some(audio);
                self.stage = Stage::Done;
            }
        }
        Ok(())
    }

    fn begin_decoder(&mut self) -> TractResult<()> {
        let token = |t: u16| Tensor::from_shape(&[1, 1], &[i64::from(t)]).map(Tensor::into_tvalue);
        let gain = Tensor::from_shape(&[2], &[self.gain.semantic, self.gain.acoustic])?.into_tvalue();
        let [semantic, acoustic] = TokenStream::ALL
            .map(|stream| token(self.instead[stream.index()].unwrap_or(self.tokens.get(stream))));
        self.runs[2].begin([semantic?, acoustic?, gain])?;
        self.stage = Stage::Graph(2);
        Ok(())
    }
}

/// The share of the frame's cost at which each node is due: the cost up to its middle, so that
/// rounding to whole nodes errs to both sides alike.
fn schedule(graphs: &FrameGraphs) -> [Vec<f32>; 3] {
    shares(graphs.each_ref().map(|graph| &graph.cost_s[..]))
}

fn shares(costs_s: [&[f32]; 3]) -> [Vec<f32>; 3] {
    // A clock too coarse for a node says that it costs nothing.
    let at_least = |cost: f32| cost.max(1e-9);
    let total: f32 = costs_s.iter().flat_map(|costs| costs.iter()).map(|&cost| at_least(cost)).sum();
    let mut before = 0.0;
    costs_s.map(|costs| {
        let due = |&cost: &f32| {
            let middle = before + 0.5 * at_least(cost);
            before += at_least(cost);
            middle / total
        };
        costs.iter().map(due).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_due_in_order_and_within_the_frame_whatever_the_clock_says() {
        for costs in [[&[0.0, 0.0][..], &[0.0], &[]], [&[1e-3, 0.0], &[2e-6], &[5e-4, 1e-3]]] {
            let due: Vec<f32> = shares(costs).concat();
            assert!(due.iter().all(|share| (0.0..=1.0).contains(share)), "{due:?}");
            assert!(due.is_sorted(), "{due:?}");
        }
    }
}

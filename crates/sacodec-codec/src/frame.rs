//! A frame's three graphs and its two tokens: what the codec and the trial run share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::format_err;
use tract_onnx::tract_core::tract_linalg::multithread::{Executor, multithread_tract_scope};

use super::error::CodecError;
use super::graph::{GraphRun, StreamGraph};
use super::manifest::{GRAPH_NAMES, PackInfo};
use sacodec_token::{TokenFrame, TokenStream};

/// Encoder, quantizer and decoder, in the order of [`GRAPH_NAMES`].
pub type FrameGraphs = [Arc<StreamGraph>; 3];

/// A run of each graph, with zero states.
pub fn runs(graphs: &FrameGraphs) -> Result<[GraphRun; 3], CodecError> {
    let run = |at: usize| GraphRun::new(&graphs[at]).map_err(|error| graph_error(at, &error));
    Ok([run(0)?, run(1)?, run(2)?])
}

/// Runs `work` with the inference library held to this thread; a panic inside it becomes an error.
pub fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> TractResult<T> {
    let single = || multithread_tract_scope(Executor::SingleThread, work);
    catch_unwind(AssertUnwindSafe(single)).unwrap_or_else(|_| Err(format_err!("it panicked")))
}

/// What the inference library said of the graph at this place of [`GRAPH_NAMES`].
pub fn graph_error(at: usize, error: &TractError) -> CodecError {
    CodecError::Graph { graph: GRAPH_NAMES[at], reason: format!("{error:#}") }
}

fn token_of(value: &TValue) -> TractResult<i64> {
    let view = value.to_plain_array_view::<i64>()?;
    view.iter().next().copied().ok_or_else(|| format_err!("no token"))
}

/// The token that was found, if it is in its codebook.
pub fn check_token(info: &PackInfo, stream: TokenStream, found: i64) -> Result<u16, CodecError> {
    let size = info.codebook(stream).size;
    let token = u16::try_from(found).ok().filter(|&token| usize::from(token) < size);
    token.ok_or(CodecError::Token { stream: stream.name(), found, size })
}

/// What the quantizer gave, in the order of [`TokenStream::ALL`].
pub fn tokens_of(info: &PackInfo, given: &[TValue; 2]) -> TractResult<TokenFrame> {
    let [semantic, acoustic] = TokenStream::ALL.map(|stream| -> TractResult<u16> {
        Ok(check_token(info, stream, token_of(&given[stream.index()])?)?)
    });
    Ok(TokenFrame::from([semantic?, acoustic?]))
}

//! What a frame of a graph costs at least, counted before anything is computed.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_core::ops::konst::Const;

/// More than any machine computes in the time of many frames.
pub const MAX_MULTIPLY_ADDS: usize = 1 << 31;
/// More than what any codec of a frame keeps.
pub const MAX_LIVE_BYTES: usize = 64 << 20;

/// The cost of one frame of a graph, or of all graphs of a pack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameCost {
    /// Products and sums; an operation on an element counts as one.
    pub multiply_adds: usize,
    /// The most bytes of states and intermediate results that are kept at one time, weights left out.
    pub live_bytes: usize,
}

impl FrameCost {
    /// Of a model whose shapes are all fixed and bounded.
    pub fn of(model: &TypedModel) -> TractResult<Self> {
        Ok(Self { multiply_adds: multiply_adds(model)?, live_bytes: live_bytes(model)? })
    }

    /// Of two graphs, each of which keeps its own.
    pub fn and(self, other: Self) -> Self {
        Self {
            multiply_adds: self.multiply_adds.saturating_add(other.multiply_adds),
            live_bytes: self.live_bytes.saturating_add(other.live_bytes),
        }
    }
}

fn multiply_adds(model: &TypedModel) -> TractResult<usize> {
    let mut sum = 0_usize;
    for node in model.nodes().iter().filter(|node| !node.op_is::<Const>()) {
        let inputs = model.node_input_facts(node.id)?;
        let counted = node.op.cost(&inputs)?.into_iter().filter(|(cost, _)| cost.is_compute());
        let counted = counted.map(|(_, count)| count.to_usize().unwrap_or(usize::MAX));
        // Not all operators count: each reads or writes its elements once at least.
        let facts = inputs.iter().copied().filter(|fact| fact.konst.is_none());
        let touched = facts.chain(node.outputs.iter().map(|out| &out.fact)).map(elements).max().unwrap_or(0);
        sum = sum.saturating_add(counted.fold(0, usize::saturating_add).max(touched));
    }
    Ok(sum)
}

fn live_bytes(model: &TypedModel) -> TractResult<usize> {
    let order = model.eval_order()?;
    let bytes = |node: usize| -> usize {
        let node = model.node(node);
        let all =
            node.outputs.iter().map(|out| elements(&out.fact).saturating_mul(out.fact.datum_type.size_of()));
        if node.op_is::<Const>() { 0 } else { all.fold(0, usize::saturating_add) }
    };
    let mut last_read = vec![None; model.nodes().len()];
    for (at, &node) in order.iter().enumerate() {
        model.node(node).inputs.iter().for_each(|input| last_read[input.node] = Some(at));
    }
    model.output_outlets()?.iter().for_each(|output| last_read[output.node] = None);
    let (mut live, mut most) = (0_usize, 0);
    for (at, &node) in order.iter().enumerate() {
        live = live.saturating_add(bytes(node));
        most = most.max(live);
        let mut read: Vec<usize> = model.node(node).inputs.iter().map(|input| input.node).collect();
        read.sort_unstable();
        read.dedup();
        let ended = read.into_iter().filter(|&read| last_read[read] == Some(at));
        live = ended.fold(live, |live, read| live.saturating_sub(bytes(read)));
    }
    Ok(most)
}

fn elements(fact: &TypedFact) -> usize {
    let dims = fact.shape.as_concrete().unwrap_or(&[usize::MAX]);
    dims.iter().fold(1, |product: usize, &dim| product.saturating_mul(dim))
}

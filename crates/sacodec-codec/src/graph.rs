//! One streaming graph: a compiled plan shared by all channels, and a channel's run of it with
//! explicit states, node by node.

use std::fmt;
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{TypedSimplePlan, TypedSimpleState, format_err};
use tract_onnx::tract_core::ops::konst::Const;

use super::frame_cost::FrameCost;
use super::inspect::Ports;

/// A compiled graph. Weights live here, once for a process.
pub struct StreamGraph {
    plan: Arc<TypedSimplePlan>,
    ports: Ports,
    /// A zero tensor for each state, shared by all runs.
    zeros: Vec<TValue>,
    steps: Vec<Step>,
    /// What a frame costs, counted.
    pub(super) cost: FrameCost,
    /// Seconds that each step took in the trial run.
    pub(super) cost_s: Vec<f32>,
}

impl fmt::Debug for StreamGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamGraph").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}

/// A node to compute and the nodes whose values nobody reads after it.
#[derive(Debug)]
struct Step {
    node: usize,
    flush: Box<[usize]>,
}

impl StreamGraph {
    pub fn new(plan: Arc<TypedSimplePlan>, ports: Ports, cost: FrameCost) -> TractResult<Self> {
        let zeros = ports
            .states
            .iter()
            .map(|s| Ok(Tensor::zero::<f32>(&s.shape)?.into_tvalue()))
            .collect::<TractResult<Vec<_>>>()?;
        let steps = steps(&plan);
        Ok(Self { plan, ports, zeros, cost, cost_s: vec![1.0; steps.len()], steps })
    }

    /// Hops of `hop_samples` that the states of format 1 reach back: `[1, frames, channels]` or
    /// `[1, samples]` each, one after the other. A recurrent state `[1, 1, channels]` counts as one hop.
    pub fn memory_hops(&self, hop_samples: usize) -> usize {
        let hops = |shape: &[usize]| match shape {
            [_, frames, _] => *frames,
            [_, samples] => samples.div_ceil(hop_samples),
            _ => 1,
        };
        self.ports.states.iter().map(|state| hops(&state.shape)).sum()
    }

    /// Number of nodes that a frame computes.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }
}

/// The plan's order with flush lists of our own: the plan's are private.
fn steps(plan: &TypedSimplePlan) -> Vec<Step> {
    let model = plan.model();
    let order = plan.order_without_consts();
    let kept: Vec<usize> = model.outputs.iter().map(|o| o.node).collect();
    let mut last_reader: Vec<Option<usize>> = vec![None; model.nodes().len()];
    for (at, &node) in order.iter().enumerate() {
        for input in &model.node(node).inputs {
            last_reader[input.node] = Some(at);
        }
    }
    let mut flush: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for (node, reader) in last_reader.iter().enumerate() {
        if let Some(at) = reader
            && !kept.contains(&node)
            && !model.node(node).op_is::<Const>()
        {
            flush[*at].push(node);
        }
    }
    order.iter().zip(flush).map(|(&node, flush)| Step { node, flush: flush.into() }).collect()
}

/// One channel's run of a [`StreamGraph`]: the states between frames and the frame under way.
#[derive(Debug)]
pub struct GraphRun {
    graph: Arc<StreamGraph>,
    run: TypedSimpleState,
    states: Vec<TValue>,
    next: usize,
}

impl GraphRun {
    /// Allocates the run; not for the audio thread.
    pub fn new(graph: &Arc<StreamGraph>) -> TractResult<Self> {
        Ok(Self {
            graph: graph.clone(),
            run: graph.plan.spawn()?,
            states: graph.zeros.clone(),
            next: graph.steps.len(),
        })
    }

    /// Zero states, no frame under way.
    ///
    /// # Real-time
    /// Shares the zero tensors; frees the old states to wherever they came from.
    pub fn reset(&mut self) -> TractResult<()> {
        self.states.clone_from_slice(&self.graph.zeros);
        self.next = self.graph.steps.len();
        // Before its first frame tract has no values to clear, and would look for them.
        if self.run.turn_state.values.is_empty() { Ok(()) } else { self.run.reset_turn() }
    }

    /// Starts a frame with `inputs` in the order the ports were asked for.
    ///
    /// # Real-time
    /// Allocates (from the pool, inside a realtime scope).
    pub fn begin<const N: usize>(&mut self, inputs: [TValue; N]) -> TractResult<()> {
        self.next = 0;
        for (&at, value) in self.graph.ports.inputs.iter().zip(inputs) {
            self.run.set_input(at, value)?;
        }
        for (port, state) in self.graph.ports.states.iter().zip(&self.states) {
            self.run.set_input(port.input, state.clone())?;
        }
        // While the frame runs, the graph alone holds its states, so that it can work in place.
        self.states.clone_from_slice(&self.graph.zeros);
        Ok(())
    }

    /// Computes the next node; `false` when all are done.
    ///
    /// # Real-time
    /// Bounded by the most expensive node. Allocates (from the pool, inside a realtime scope).
    pub fn step(&mut self) -> TractResult<bool> {
        let Some(step) = self.graph.steps.get(self.next) else { return Ok(false) };
        let inputs = self.run.prepare_inputs(step.node)?;
        for &dead in &step.flush {
            self.run.turn_state.values[dead] = None;
        }
        self.run.compute_one_with_inputs(step.node, inputs)?;
        self.next += 1;
        Ok(true)
    }

    /// How many nodes of the frame are done.
    pub fn done(&self) -> usize {
        self.next
    }

    /// Ends the frame: keeps the states, gives the outputs in the order the ports were asked for.
    ///
    /// # Real-time
    /// As [`GraphRun::step`].
    pub fn finish<const N: usize>(&mut self) -> TractResult<[TValue; N]> {
        while self.step()? {}
        for (port, state) in self.graph.ports.states.iter().zip(&mut self.states) {
            *state = self.run.output(port.output)?.clone();
        }
        let mut outputs: TVec<TValue> = tvec![];
        for &port in &self.graph.ports.outputs {
            outputs.push(self.run.output(port)?.clone());
        }
        self.run.reset_turn()?;
        <[TValue; N]>::try_from(outputs.into_vec())
            .map_err(|o| format_err!("{} outputs, expected {N}", o.len()))
    }
}

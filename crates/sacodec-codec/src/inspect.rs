//! Looks at an ONNX graph before the inference library sees it: bounded, of known operators,
//! with the inputs, outputs and state pairs of format 1.

use std::collections::HashSet;

use thiserror::Error;
use tract_onnx::pb::{
    GraphProto, ModelProto, TensorProto, ValueInfoProto, tensor_proto::DataType,
    tensor_shape_proto::dimension, type_proto,
};

/// Operators a pack may use. All are stateless and none makes an output larger than broadcasting
/// its inputs does; anything that loops, reads files or sizes its output by data is left out.
const OPERATORS: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "ArgMax",
    "ArgMin",
    "Cast",
    "Ceil",
    "Clip",
    "Concat",
    "Cos",
    "Div",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "Gather",
    "Gelu",
    "Gemm",
    "Greater",
    "Identity",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "Log",
    "MatMul",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Pow",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Round",
    "Sigmoid",
    "Sign",
    "Sin",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Where",
];
/// Operators that may work on constants alone: they keep the size.
const CONSTANT_OPERATORS: &[&str] = &["Cast", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"];

const MAX_NODES: usize = 20_000;
const MAX_STATES: usize = 256;
/// Largest tensor that may appear while a graph runs, and largest weight.
pub const MAX_ELEMENTS: usize = 1 << 26;
const MAX_STATE_ELEMENTS: usize = 1 << 20;

/// What is wrong with a graph of a pack. Each message names the graph's file and what is expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The bytes are not an ONNX model.
    #[error("{file} is not an ONNX graph: {reason}")]
    Syntax {
        /// The graph's file.
        file: String,
        /// What the reader said.
        reason: String,
    },
    /// The graph is larger than a codec's can be.
    #[error("{file} has {found} {what}, at most {limit} are accepted: export a smaller graph")]
    Bound {
        /// The graph's file.
        file: String,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// An operator that packs may not use.
    #[error("{file} uses the operator {operator} ({reason}): export with the operators of pack format 1")]
    Operator {
        /// The graph's file.
        file: String,
        /// ONNX name of the operator.
        operator: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// Weights outside the file or of impossible size.
    #[error("{file}: the weight {weight} {reason}")]
    Weight {
        /// The graph's file.
        file: String,
        /// Name of the initialiser.
        weight: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An input or output that format 1 asks for is missing or different.
    #[error("{file}: {port} is {found}, expected {expected}")]
    Port {
        /// The graph's file.
        file: String,
        /// Name of the input or output.
        port: String,
        /// What was found there.
        found: String,
        /// What format 1 asks for.
        expected: String,
    },
    /// A state without its other half.
    #[error(
        "{file}: state {state} has no matching {missing}: every state is an input `name` and an output `name_out`"
    )]
    StatePair {
        /// The graph's file.
        file: String,
        /// Name of the state.
        state: String,
        /// Which half is missing.
        missing: &'static str,
    },
    /// The inference library refused the graph.
    #[error("{file} cannot be run: {reason}")]
    Compile {
        /// The graph's file.
        file: String,
        /// What the library said.
        reason: String,
    },
    /// A trial run gave something a codec does not give.
    #[error("{file} failed its trial run: {reason}")]
    Trial {
        /// The graph's file.
        file: String,
        /// What went wrong.
        reason: String,
    },
}

/// Element type of an input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// 32-bit float.
    F32,
    /// 64-bit integer.
    I64,
}

/// A state: the positions of its two ends among the graph's inputs and outputs, and its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePort {
    pub input: usize,
    pub output: usize,
    pub shape: Vec<usize>,
}

/// Where everything is in a graph that passed the inspection.
#[derive(Debug)]
pub struct Ports {
    /// Position of each asked-for input among the graph's inputs.
    pub inputs: Vec<usize>,
    /// Position of each asked-for output among the graph's outputs.
    pub outputs: Vec<usize>,
    /// Every state.
    pub states: Vec<StatePort>,
}

/// Checks `model` against the ports that format 1 asks for.
pub fn inspect(
    file: &str,
    model: &ModelProto,
    inputs: &[PortWithShape],
    outputs: &[PortWithShape],
) -> Result<Ports, GraphError> {
    let graph = model
        .graph
        .as_ref()
        .ok_or_else(|| GraphError::Syntax { file: file.into(), reason: "it holds no graph".into() })?;
    bound(file, "nodes", graph.node.len(), MAX_NODES)?;
    bound(file, "inputs", graph.input.len(), MAX_STATES)?;
    bound(file, "outputs", graph.output.len(), MAX_STATES)?;
    check_weights(file, graph)?;
    check_operators(file, graph)?;
    find_ports(file, graph, inputs, outputs)
}

/// A port with a shape that is known only from the manifest.
pub type PortWithShape = (&'static str, Element, Vec<usize>);

fn bound(file: &str, what: &'static str, found: usize, limit: usize) -> Result<(), GraphError> {
    if found <= limit { Ok(()) } else { Err(GraphError::Bound { file: file.into(), what, found, limit }) }
}

fn check_weights(file: &str, graph: &GraphProto) -> Result<(), GraphError> {
    let wrong = |weight: &TensorProto, reason: String| GraphError::Weight {
        file: file.into(),
        weight: weight.name.chars().take(80).collect(),
        reason,
    };
    if !graph.sparse_initializer.is_empty() {
        return Err(GraphError::Weight {
            file: file.into(),
            weight: "list".into(),
            reason: "is sparse: store it dense".into(),
        });
    }
    for weight in &graph.initializer {
        if !weight.external_data.is_empty() || weight.data_location.is_some_and(|l| l != 0) {
            return Err(wrong(weight, "lies outside the file: store all weights inside it".into()));
        }
        let elements = elements(&weight.dims)
            .ok_or_else(|| wrong(weight, format!("has the shape {:?}", weight.dims)))?;
        let (item_bytes, typed) = match DataType::try_from(weight.data_type) {
            Ok(DataType::Float) => (4, weight.float_data.len()),
            Ok(DataType::Float16) => (2, weight.int32_data.len()),
            Ok(DataType::Int64) => (8, weight.int64_data.len()),
            Ok(DataType::Int32) => (4, weight.int32_data.len()),
            Ok(DataType::Bool) => (1, weight.int32_data.len()),
            other => {
                return Err(wrong(weight, format!("has the type {other:?}: use f32, f16, i64, i32 or bool")));
            }
        };
        if weight.raw_data.len() != elements * item_bytes && typed != elements {
            return Err(wrong(
                weight,
                format!("has the shape {:?} but {} bytes", weight.dims, weight.raw_data.len()),
            ));
        }
    }
    Ok(())
}

fn elements(dims: &[i64]) -> Option<usize> {
    dims.iter()
        .try_fold(1_usize, |n, &d| usize::try_from(d).ok().and_then(|d| n.checked_mul(d)))
        .filter(|&n| n <= MAX_ELEMENTS)
}

fn check_operators(file: &str, graph: &GraphProto) -> Result<(), GraphError> {
    let mut constant: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    for node in &graph.node {
        let refuse = |reason| {
            Err(GraphError::Operator {
                file: file.into(),
                operator: node.op_type.chars().take(80).collect(),
                reason,
            })
        };
        if !matches!(node.domain.as_str(), "" | "ai.onnx") || !OPERATORS.contains(&node.op_type.as_str()) {
            return refuse("not among the accepted ones");
        }
        if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty() || a.t.is_some()) {
            return refuse("with a graph or tensor attribute");
        }
        if node.input.iter().all(|i| i.is_empty() || constant.contains(i.as_str())) {
            if !CONSTANT_OPERATORS.contains(&node.op_type.as_str()) {
                return refuse("of constants: store its result");
            }
            constant.extend(node.output.iter().map(String::as_str));
        }
    }
    Ok(())
}

fn find_ports(
    file: &str,
    graph: &GraphProto,
    inputs: &[PortWithShape],
    outputs: &[PortWithShape],
) -> Result<Ports, GraphError> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    if let Some(shadowed) = graph.input.iter().find(|i| weights.contains(i.name.as_str())) {
        return Err(port_error(
            file,
            &shadowed.name,
            "an input with a stored value".into(),
            "a plain input".into(),
        ));
    }
    let found_inputs = locate(file, &graph.input, inputs)?;
    let found_outputs = locate(file, &graph.output, outputs)?;
    let mut states = Vec::new();
    for (input, port) in graph.input.iter().enumerate().filter(|(i, _)| !found_inputs.contains(i)) {
        states.push(find_state(file, graph, input, port)?);
    }
    for (at, port) in graph.output.iter().enumerate() {
        if !found_outputs.contains(&at) && !states.iter().any(|s| s.output == at) {
            return Err(GraphError::StatePair {
                file: file.into(),
                state: port.name.clone(),
                missing: "input",
            });
        }
    }
    Ok(Ports { inputs: found_inputs, outputs: found_outputs, states })
}

/// Positions of the `wanted` ports among those that are there.
fn locate(file: &str, ports: &[ValueInfoProto], wanted: &[PortWithShape]) -> Result<Vec<usize>, GraphError> {
    let position = |(name, element, shape): &PortWithShape| {
        let expected = || format!("{element:?} {shape:?}");
        let at = ports
            .iter()
            .position(|p| p.name == *name)
            .ok_or_else(|| port_error(file, name, "missing".into(), expected()))?;
        match tensor_of(&ports[at]) {
            Some((e, s)) if e == *element && s == *shape => Ok(at),
            Some((e, s)) => Err(port_error(file, name, format!("{e:?} {s:?}"), expected())),
            None => Err(port_error(file, name, "of unknown type or shape".into(), expected())),
        }
    };
    wanted.iter().map(position).collect()
}

/// The state that begins in the input `port` and ends in the output of its name and `_out`.
fn find_state(
    file: &str,
    graph: &GraphProto,
    input: usize,
    port: &ValueInfoProto,
) -> Result<StatePort, GraphError> {
    let out = format!("{}_out", port.name);
    let output = graph.output.iter().position(|o| o.name == out).ok_or_else(|| GraphError::StatePair {
        file: file.into(),
        state: port.name.clone(),
        missing: "output",
    })?;
    let shape = state_shape(file, port)?;
    let out_shape = state_shape(file, &graph.output[output])?;
    if shape != out_shape {
        let (found, expected) = (format!("{out_shape:?}"), format!("{shape:?} like its input"));
        return Err(port_error(file, &out, found, expected));
    }
    Ok(StatePort { input, output, shape })
}

/// The shape of one end of a state: fixed, and not too large.
fn state_shape(file: &str, port: &ValueInfoProto) -> Result<Vec<usize>, GraphError> {
    match tensor_of(port) {
        Some((Element::F32, shape)) if shape.iter().product::<usize>() <= MAX_STATE_ELEMENTS => Ok(shape),
        other => {
            let expected = "F32 of a fixed shape, at most 1048576 elements".into();
            Err(port_error(file, &port.name, format!("{other:?}"), expected))
        }
    }
}

fn port_error(file: &str, port: &str, found: String, expected: String) -> GraphError {
    GraphError::Port { file: file.into(), port: port.chars().take(80).collect(), found, expected }
}

/// Element type and fixed shape of a port.
fn tensor_of(port: &ValueInfoProto) -> Option<(Element, Vec<usize>)> {
    let Some(type_proto::Value::TensorType(tensor)) = port.r#type.as_ref()?.value.as_ref() else {
        return None;
    };
    let element = match DataType::try_from(tensor.elem_type) {
        Ok(DataType::Float) => Element::F32,
        Ok(DataType::Int64) => Element::I64,
        _ => return None,
    };
    let dims = tensor.shape.as_ref()?.dim.iter().map(|d| match d.value {
        Some(dimension::Value::DimValue(v)) => Some(v),
        _ => None,
    });
    let dims: Option<Vec<i64>> = dims.collect();
    let dims = dims?;
    elements(&dims)?;
    Some((element, dims.iter().map(|&d| d as usize).collect()))
}

//! Looks at an ONNX graph before the inference library sees it: bounded, of known operators,
//! with the inputs, outputs and state pairs of format 1.

use std::collections::HashSet;

use super::graph_error::{GraphError, bound};
use super::nodes::{check_nodes, elements};
use tract_onnx::pb::{
    GraphProto, ModelProto, ValueInfoProto, tensor_proto::DataType, tensor_shape_proto::dimension, type_proto,
};

const MAX_STATES: usize = 256;
const MAX_STATE_ELEMENTS: usize = 1 << 20;

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
    /// Bytes of weights and of the constants that are made of them.
    pub constant_bytes: usize,
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
    bound(file, "inputs", graph.input.len(), MAX_STATES)?;
    bound(file, "outputs", graph.output.len(), MAX_STATES)?;
    let constant_bytes = check_nodes(file, graph)?;
    let ports = find_ports(file, graph, inputs, outputs)?;
    Ok(Ports { constant_bytes, ..ports })
}

/// A port with a shape that is known only from the manifest.
pub type PortWithShape = (&'static str, Element, Vec<usize>);

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
    Ok(Ports { inputs: found_inputs, outputs: found_outputs, states, constant_bytes: 0 })
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

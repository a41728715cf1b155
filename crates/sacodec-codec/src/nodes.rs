//! Weights and nodes of an ONNX graph, before the inference library sees them: known operators, and nothing that
//! grows while the graph is read.

use std::collections::HashMap;

use tract_onnx::pb::{
    GraphProto, NodeProto, TensorProto, ValueInfoProto, tensor_proto::DataType, type_proto,
};

use super::graph_error::{GraphError, bound};

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
    "ReduceMax",
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
/// Operators whose further inputs say shapes, axes or places: few numbers, and constant ones.
const SHAPED_OPERATORS: &[&str] =
    &["ReduceMax", "ReduceMean", "ReduceSum", "Reshape", "Slice", "Split", "Squeeze", "Unsqueeze"];

/// Largest tensor that may appear while a graph runs, and largest weight.
pub const MAX_ELEMENTS: usize = 1 << 26;
/// The library compares each node with all before it while it reads a graph.
const MAX_NODES: usize = 2048;
const MAX_PORTS_OF_NODE: usize = 64;
const MAX_ATTRIBUTE_ITEMS: usize = 64;
/// Dimensions of one tensor.
const MAX_RANK: usize = 8;
/// Weights, and what is made of them before the first frame.
const MAX_CONSTANT_BYTES: usize = 1 << 30;

/// What is known of a value before any shape is worked out.
#[derive(Debug, Clone, Copy)]
struct Value {
    /// The most dimensions that it can have.
    rank: usize,
    /// Its size, if it is known before the first frame.
    constant: Option<Constant>,
}

#[derive(Debug, Clone, Copy)]
struct Constant {
    elements: usize,
    item_bytes: usize,
    /// A whole number of one byte, which is widened before anything computes with it.
    is_byte: bool,
}

impl Constant {
    fn bytes(self) -> usize {
        self.elements.saturating_mul(self.item_bytes)
    }
}

/// Checks all weights and nodes of `graph` -> bytes of weights and of the constants that are made of them.
pub fn check_nodes(file: &str, graph: &GraphProto) -> Result<usize, GraphError> {
    bound(file, "nodes", graph.node.len(), MAX_NODES)?;
    bound(file, "weights", graph.initializer.len(), MAX_NODES)?;
    let mut values = Values { file, known: HashMap::new(), constant_bytes: 0 };
    for port in &graph.input {
        values.add(&port.name, Value { rank: rank(port), constant: None })?;
    }
    values.add_weights(graph)?;
    for node in &graph.node {
        values.add_node(node)?;
    }
    Ok(values.constant_bytes)
}

/// The values that the nodes so far give.
struct Values<'a> {
    file: &'a str,
    known: HashMap<&'a str, Value>,
    constant_bytes: usize,
}

impl<'a> Values<'a> {
    fn add(&mut self, name: &'a str, value: Value) -> Result<(), GraphError> {
        bound(self.file, "dimensions in one tensor", value.rank, MAX_RANK)?;
        self.constant_bytes = self.constant_bytes.saturating_add(value.constant.map_or(0, Constant::bytes));
        bound(self.file, "bytes of constants", self.constant_bytes, MAX_CONSTANT_BYTES)?;
        if self.known.insert(name, value).is_some() {
            let (file, name) = (self.file.into(), name.chars().take(80).collect());
            return Err(GraphError::TwoOfOneName { file, name });
        }
        Ok(())
    }

    fn add_weights(&mut self, graph: &'a GraphProto) -> Result<(), GraphError> {
        if !graph.sparse_initializer.is_empty() {
            return Err(self.wrong_weight("list", "is sparse: store it dense".into()));
        }
        for weight in &graph.initializer {
            let constant = weight_size(weight).map_err(|reason| self.wrong_weight(&weight.name, reason))?;
            self.add(&weight.name, Value { rank: weight.dims.len(), constant: Some(constant) })?;
        }
        Ok(())
    }

    fn add_node(&mut self, node: &'a NodeProto) -> Result<(), GraphError> {
        let value = self.check_node(node).map_err(|reason| GraphError::Operator {
            file: self.file.into(),
            operator: node.op_type.chars().take(80).collect(),
            reason,
        })?;
        node.output.iter().filter(|name| !name.is_empty()).try_for_each(|name| self.add(name, value))
    }

    /// What a node gives, or why it is refused.
    fn check_node(&self, node: &NodeProto) -> Result<Value, &'static str> {
        let kind = node.op_type.as_str();
        if !matches!(node.domain.as_str(), "" | "ai.onnx") || !OPERATORS.contains(&kind) {
            return Err("not among the accepted ones");
        }
        if node.input.len().max(node.output.len()) > MAX_PORTS_OF_NODE {
            return Err("with more than 64 inputs or outputs");
        }
        check_attributes(node)?;
        let inputs = node.input.iter().filter(|name| !name.is_empty());
        let inputs: Option<Vec<Value>> = inputs.map(|name| self.known.get(name.as_str()).copied()).collect();
        let inputs = inputs.ok_or("of something that no node before it gives: sort the nodes")?;
        let Some((first, others)) = inputs.split_first() else { return Err("without inputs") };
        if kind != "Cast"
            && inputs.iter().any(|input| input.constant.is_some_and(|constant| constant.is_byte))
        {
            return Err("of weights of the type i8: cast them first");
        }
        let numbers = others.iter().map(|other| other.constant.map(|constant| constant.elements));
        if SHAPED_OPERATORS.contains(&kind)
            && numbers.clone().any(|count| count.is_none_or(|count| count > MAX_PORTS_OF_NODE))
        {
            return Err("with a shape, axes or places that are not a few constants");
        }
        let given = numbers.flatten().next().unwrap_or(0);
        let rank = match kind {
            "Reshape" => given,
            "Unsqueeze" => first.rank + given.max(axes(node)),
            "Gather" => (first.rank + others.first().map_or(0, |index| index.rank)).saturating_sub(1),
            _ => inputs.iter().map(|input| input.rank).max().unwrap_or(0),
        };
        let constant = first.constant.filter(|_| inputs.iter().all(|input| input.constant.is_some()));
        let constant = match constant {
            Some(_) if !CONSTANT_OPERATORS.contains(&kind) => {
                return Err("of constants: store its result");
            }
            Some(constant) if kind == "Cast" => {
                Some(Constant { item_bytes: cast_item_bytes(node)?, is_byte: false, ..constant })
            }
            other => other,
        };
        Ok(Value { rank, constant })
    }

    fn wrong_weight(&self, weight: &str, reason: String) -> GraphError {
        GraphError::Weight { file: self.file.into(), weight: weight.chars().take(80).collect(), reason }
    }
}

/// Elements of a tensor of these dimensions, if there can be one.
pub fn elements(dims: &[i64]) -> Option<usize> {
    dims.iter()
        .try_fold(1_usize, |n, &d| usize::try_from(d).ok().and_then(|d| n.checked_mul(d)))
        .filter(|&n| n <= MAX_ELEMENTS)
}

/// Dimensions of an input, which are checked later.
fn rank(port: &ValueInfoProto) -> usize {
    match port.r#type.as_ref().and_then(|kind| kind.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => {
            tensor.shape.as_ref().map_or(0, |shape| shape.dim.len())
        }
        _ => 0,
    }
}

/// Elements of a weight and their size, or what is wrong with it.
fn weight_size(weight: &TensorProto) -> Result<Constant, String> {
    if !weight.external_data.is_empty() || weight.data_location.is_some_and(|l| l != 0) {
        return Err("lies outside the file: store all weights inside it".into());
    }
    let elements = elements(&weight.dims).ok_or_else(|| format!("has the shape {:?}", weight.dims))?;
    let is_byte = weight.data_type == DataType::Int8 as i32;
    let item_bytes = item_bytes(weight.data_type).or(is_byte.then_some(1)).ok_or_else(|| {
        let found = DataType::try_from(weight.data_type);
        format!("has the type {found:?}: use f32, f16, i64, i32, i8 or bool")
    })?;
    let typed = weight.float_data.len() + weight.int32_data.len() + weight.int64_data.len();
    let raw = weight.raw_data.len();
    let is_whole = if typed == 0 { raw == elements * item_bytes } else { raw == 0 && typed == elements };
    if !is_whole {
        return Err(format!("has the shape {:?} but {raw} bytes and {typed} elements", weight.dims));
    }
    // Whoever reads it would take the byte for a `bool`, which can be nothing else.
    if weight.data_type == DataType::Bool as i32 && weight.raw_data.iter().any(|&byte| byte > 1) {
        return Err("is of type bool and has a byte that is neither 0 nor 1".into());
    }
    Ok(Constant { elements, item_bytes, is_byte })
}

/// Bytes of an element of a type that packs may use.
fn item_bytes(data_type: i32) -> Option<usize> {
    match DataType::try_from(data_type).ok()? {
        DataType::Float | DataType::Int32 => Some(4),
        DataType::Float16 => Some(2),
        DataType::Int64 => Some(8),
        DataType::Bool => Some(1),
        _ => None,
    }
}

fn check_attributes(node: &NodeProto) -> Result<(), &'static str> {
    for attribute in &node.attribute {
        if attribute.g.is_some() || !attribute.graphs.is_empty() || attribute.t.is_some() {
            return Err("with a graph or tensor attribute");
        }
        let items = [attribute.ints.len(), attribute.floats.len(), attribute.strings.len()];
        if items.into_iter().any(|count| count > MAX_ATTRIBUTE_ITEMS) {
            return Err("with an attribute of more than 64 items");
        }
        // The library counts from the axis that a node names up to the last one.
        let is_axis = matches!(attribute.name.as_str(), "axis" | "axes" | "perm");
        let limit = if is_axis { MAX_RANK } else { MAX_ELEMENTS } as u64;
        if attribute.ints.iter().chain([&attribute.i]).any(|number| number.unsigned_abs() > limit) {
            return Err("with an attribute that no tensor of a pack has use for");
        }
    }
    if node.op_type == "Cast" {
        cast_item_bytes(node)?;
    }
    Ok(())
}

/// Bytes of an element of what a cast makes.
fn cast_item_bytes(node: &NodeProto) -> Result<usize, &'static str> {
    let to = node.attribute.iter().find(|attribute| attribute.name == "to");
    let to = to.and_then(|to| i32::try_from(to.i).ok()).and_then(item_bytes);
    to.ok_or("to another type than f32, f16, i64, i32 or bool")
}

fn axes(node: &NodeProto) -> usize {
    node.attribute.iter().filter(|a| a.name == "axes").map(|axes| axes.ints.len()).max().unwrap_or(0)
}

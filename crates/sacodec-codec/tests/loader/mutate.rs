//! Damage that keeps the form of a pack: the loader is to see more than its first check.

use fastrand::Rng;
use prost::Message;
use serde_json::Value;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

use super::tiny::{F16, F32, GRAPHS, I64, INT8, Pack, node, numbers, port, weight};

/// Operators that a graph may use and some that it may not.
const OPERATORS: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "ArgMax",
    "ArgMin",
    "Cast",
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
    "Expand",
    "Loop",
    "ConstantOfShape",
    "LSTM",
];
const ATTRIBUTES: &[&str] = &[
    "axis",
    "axes",
    "keepdims",
    "perm",
    "to",
    "epsilon",
    "alpha",
    "transA",
    "transB",
    "split",
    "num_outputs",
];

/// Changes a pack in one to four places.
pub fn mutate(pack: &mut Pack, random: &mut Rng) {
    for _ in 0..random.usize(1..=4) {
        if random.usize(..8) == 0 {
            mutate_manifest(&mut pack.manifest, random);
            continue;
        }
        let at = random.usize(..3);
        if let Some(graph) = &mut pack.graphs[at].graph {
            mutate_graph(graph, random);
        }
        if random.usize(..12) == 0 {
            let mut bytes = pack.damaged[at].take().unwrap_or_else(|| pack.graphs[at].encode_to_vec());
            damage(&mut bytes, random);
            pack.damaged[at] = Some(bytes);
        }
    }
}

fn mutate_manifest(manifest: &mut Value, random: &mut Rng) {
    let mut fields: Vec<String> = [
        "format",
        "name",
        "version",
        "sample_rate_hz",
        "hop_samples",
        "delay_samples",
        "latent_size",
        "weights",
        "licence",
        "codebooks",
        "codebooks/semantic/size",
        "codebooks/acoustic/size",
        "codebooks/acoustic/frozen",
    ]
    .map(|field| format!("/{field}"))
    .into();
    fields.extend(GRAPHS.map(|graph| format!("/graphs/{graph}/file")));
    let Some(field) = manifest.pointer_mut(&fields[random.usize(..fields.len())]) else { return };
    *field = match random.usize(..9) {
        0 => Value::Null,
        1 => Value::from(-1),
        2 => Value::from(u64::MAX),
        3 => Value::from(["f32", "int8"][random.usize(..2)]),
        4 => Value::from("quantizer.onnx"),
        5 => Value::from("../decoder.onnx"),
        6 => Value::from(vec![1; 100]),
        7 => Value::from(1e300),
        _ => Value::from(small(random)),
    };
}

fn mutate_graph(graph: &mut GraphProto, random: &mut Rng) {
    match random.usize(..20) {
        0..6 => mutate_nodes(graph, random),
        6..10 => mutate_attribute(graph, random),
        10..13 => mutate_weight(graph, random),
        13..15 => mutate_port(graph, random),
        15 => add_info(graph, random),
        _ => grow(graph, random),
    }
}

/// A number at a border, or a small one.
fn small(random: &mut Rng) -> i64 {
    let borders = [0, 1, -1, 2, 3, 4, 5, 6, 7, 8, 320, 65_535, 65_536, i64::MAX, i64::MIN, 1 << 31, 1 << 32];
    borders[random.usize(..borders.len())]
}

fn pick<'a, T>(items: &'a mut [T], random: &mut Rng) -> Option<&'a mut T> {
    if items.is_empty() { None } else { Some(&mut items[random.usize(..items.len())]) }
}

/// The name of any value of the graph.
fn any_value(graph: &GraphProto, random: &mut Rng) -> String {
    let given = graph.node.iter().flat_map(|node| &node.output);
    let weights = graph.initializer.iter().map(|weight| &weight.name);
    let names: Vec<&String> = given.chain(graph.input.iter().map(|port| &port.name)).chain(weights).collect();
    if names.is_empty() { "nothing".into() } else { names[random.usize(..names.len())].clone() }
}

fn mutate_nodes(graph: &mut GraphProto, random: &mut Rng) {
    let value = any_value(graph, random);
    let (first, second) = (random.usize(..graph.node.len().max(1)), random.usize(..graph.node.len().max(1)));
    if graph.node.is_empty() {
        return;
    }
    let changed: &mut NodeProto = &mut graph.node[first];
    match random.usize(..10) {
        0 => drop(graph.node.remove(first)),
        1 => graph.node.swap(first, second),
        2 => changed.op_type = OPERATORS[random.usize(..OPERATORS.len())].into(),
        3 | 4 => {
            if let Some(input) = pick(&mut changed.input, random) {
                *input = value;
            }
        }
        5 => changed.input.push(value),
        6 => drop(changed.input.pop()),
        7 => changed.output.push(format!("{value}.more")),
        8 => changed.input.iter_mut().take(1).for_each(String::clear),
        // Something between a value and whoever reads it.
        _ => {
            let (kind, between) = (OPERATORS[random.usize(..OPERATORS.len())], format!("{value}.{first}"));
            graph.node[first..]
                .iter_mut()
                .flat_map(|node| &mut node.input)
                .filter(|input| **input == value)
                .for_each(|input| input.clone_from(&between));
            let other = any_value(graph, random);
            let inputs = if random.bool() { vec![&*value] } else { vec![&*value, &*other] };
            graph.node.insert(first, node(kind, &inputs, &between));
        }
    }
}

fn mutate_attribute(graph: &mut GraphProto, random: &mut Rng) {
    let Some(changed) = pick(&mut graph.node, random) else { return };
    let name = ATTRIBUTES[random.usize(..ATTRIBUTES.len())];
    let Some(attribute) = pick(&mut changed.attribute, random).filter(|_| random.bool()) else {
        let ints = (0..random.usize(..4)).map(|_| small(random)).collect();
        let (r#type, i) = (if random.bool() { 2 } else { 7 }, small(random));
        changed.attribute.retain(|attribute| attribute.name != name);
        changed.attribute.push(AttributeProto {
            name: name.into(),
            r#type,
            i,
            ints,
            ..AttributeProto::default()
        });
        return;
    };
    match random.usize(..5) {
        0 => attribute.i = small(random),
        1 => attribute.ints.push(small(random)),
        2 => attribute.f = [f32::NAN, f32::INFINITY, -1.0, 0.0][random.usize(..4)],
        3 => attribute.r#type = random.i32(..12),
        _ => attribute.name = name.into(),
    }
}

fn mutate_weight(graph: &mut GraphProto, random: &mut Rng) {
    let at = random.usize(..graph.initializer.len().max(1));
    let Some(changed) = graph.initializer.get_mut(at) else { return };
    match random.usize(..8) {
        // Another shape, and as many bytes as it has.
        0..3 => {
            let mut dims = changed.dims.clone();
            match random.usize(..4) {
                0 => dims.push(random.i64(0..3)),
                1 => drop(dims.pop()),
                2 => dims.reverse(),
                _ => dims.iter_mut().skip(random.usize(..3)).take(1).for_each(|dim| *dim = random.i64(0..40)),
            }
            if dims.iter().product::<i64>() <= 1 << 16 {
                *changed = resized(changed, changed.data_type, &dims);
            }
        }
        3 => {
            *changed =
                resized(changed, [F32, I64, F16, INT8, 9, 6, 11][random.usize(..7)], &changed.dims.clone())
        }
        4 => changed.dims.iter_mut().take(1).for_each(|dim| *dim = small(random)),
        5 => {
            let word = [f32::NAN, f32::INFINITY, 3e38, 1e-45, 0.0][random.usize(..5)].to_le_bytes();
            changed.raw_data.iter_mut().zip(word.iter().cycle()).for_each(|(byte, new)| *byte = *new);
        }
        6 => {
            let word = small(random).to_le_bytes();
            changed.raw_data.iter_mut().zip(word.iter().cycle()).for_each(|(byte, new)| *byte = *new);
        }
        _ => drop(graph.initializer.remove(at)),
    }
}

fn resized(old: &TensorProto, data_type: i32, dims: &[i64]) -> TensorProto {
    let item_bytes = match data_type {
        I64 | 11 => 8,
        F16 => 2,
        9 | INT8 => 1,
        _ => 4,
    };
    let bytes = dims.iter().product::<i64>() as usize * item_bytes;
    let raw_data = if data_type == 9 {
        vec![1; bytes]
    } else {
        old.raw_data.iter().copied().cycle().take(if old.raw_data.is_empty() { 0 } else { bytes }).collect()
    };
    TensorProto { dims: dims.into(), data_type, raw_data, ..old.clone() }
}

fn mutate_port(graph: &mut GraphProto, random: &mut Rng) {
    let at = random.usize(..graph.input.len().max(1));
    let Some(changed) = graph.input.get_mut(at) else { return };
    match random.usize(..5) {
        0 => changed.name.push('x'),
        1 => drop(graph.input.remove(at)),
        2 => graph.output.extend(graph.output.first().cloned()),
        3 => {
            let state = ["memory", "tail", "more"][random.usize(..3)];
            graph.input.push(port(state, F32, &[1, random.i64(0..9)]));
        }
        // The same of both ends of a state.
        _ => {
            let (place, size) = (random.usize(..3), small(random));
            let out = format!("{}_out", changed.name);
            resize(changed, place, size);
            graph
                .output
                .iter_mut()
                .filter(|port| port.name == out)
                .for_each(|port| resize(port, place, size));
        }
    }
}

fn resize(port: &mut ValueInfoProto, place: usize, size: i64) {
    let kind = port.r#type.as_mut().and_then(|kind| kind.value.as_mut());
    let Some(type_proto::Value::TensorType(tensor)) = kind else { return };
    if let Some(dim) = tensor.shape.as_mut().and_then(|shape| shape.dim.get_mut(place)) {
        dim.value = Some(dimension::Value::DimValue(size));
    }
}

/// What the file says of a value on the way.
fn add_info(graph: &mut GraphProto, random: &mut Rng) {
    let mut info = port(&any_value(graph, random), F32, &[small(random), 4]);
    let depth = random.usize(1..20_000);
    let text = format!("{}n{}", "(".repeat(depth), ")".repeat(depth));
    if let Some(type_proto::Value::TensorType(tensor)) =
        info.r#type.as_mut().and_then(|kind| kind.value.as_mut())
    {
        let dim = Dimension { value: Some(dimension::Value::DimParam(text)), ..Dimension::default() };
        tensor.shape.as_mut().unwrap().dim.push(dim);
    }
    graph.value_info.push(info);
}

/// Nodes that multiply what they are given, again and again, read by whoever read the value before.
fn grow(graph: &mut GraphProto, random: &mut Rng) {
    if graph.node.is_empty() {
        return;
    }
    let before = random.usize(..graph.node.len());
    let Some(value) = graph.node[before].input.first().cloned() else { return };
    let kind = ["Concat", "Gather", "Unsqueeze", "Add", "MatMul", "Tanh", "Cast", "Mul"][random.usize(..8)];
    // More than a graph may have, but seldom: such a graph takes seconds.
    let most = if random.usize(..40) == 0 { 4000 } else { [3, 12, 70, 300][random.usize(..4)] };
    let count = random.usize(1..=most);
    let helper = format!("grow{before}.{count}");
    graph.initializer.push(match kind {
        "Unsqueeze" => numbers(&helper, &[0]),
        "Gather" => numbers(&helper, &vec![0; random.usize(1..40)]),
        "MatMul" => weight(&helper, F32, &[random.i64(1..9), random.i64(1..900)]),
        _ => weight(&helper, F32, &[random.i64(1..900), 1, 1]),
    });
    let mut last = value.clone();
    let mut added = Vec::new();
    for at in 0..count {
        let next = format!("{helper}.{at}");
        let inputs = match kind {
            "Tanh" | "Cast" => vec![&*last],
            "Concat" => vec![&*last, &*last],
            "Gather" if random.bool() => vec![&*last, &*last],
            _ => vec![&*last, &*helper],
        };
        let mut one = node(kind, &inputs, &next);
        let attribute = if kind == "Cast" { ("to", 1) } else { ("axis", 0) };
        if matches!(kind, "Concat" | "Gather" | "Cast") {
            let (name, i) = attribute;
            one.attribute.push(AttributeProto {
                name: name.into(),
                r#type: 2,
                i,
                ..AttributeProto::default()
            });
        }
        added.push(one);
        last = next;
    }
    graph.node[before].input[0] = last;
    graph.node.splice(before..before, added);
}

/// Bits, pieces lost or doubled, words that may be lengths.
fn damage(bytes: &mut Vec<u8>, random: &mut Rng) {
    if bytes.is_empty() {
        return;
    }
    let at = random.usize(..bytes.len());
    let end = (at + random.usize(1..60)).min(bytes.len());
    match random.usize(..6) {
        0 => bytes[at] ^= 1 << random.usize(..8),
        1 => bytes[at] = random.u8(..),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => bytes[at..end].fill(0xFF),
    }
}

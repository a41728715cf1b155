//! The smallest pack that uses what packs use: states, look-ups, products, f16 weights, slices and sums.

use std::fs;
use std::path::Path;

use prost::Message;
use serde_json::{Value, json};
use sha2::Digest;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};

pub const F32: i32 = 1;
pub const I64: i32 = 7;
pub const F16: i32 = 10;
pub const INT8: i32 = 3;
pub const GRAPHS: [&str; 3] = ["encoder", "quantizer", "decoder"];

/// A pack in memory, to be changed and written.
#[derive(Clone)]
pub struct Pack {
    pub manifest: Value,
    pub graphs: [ModelProto; 3],
    /// The bytes of a graph that are no longer what its model encodes to.
    pub damaged: [Option<Vec<u8>>; 3],
}

impl Pack {
    pub fn new() -> Self {
        let manifest = json!({
            "format": 1, "name": "tiny", "version": "1.0.0", "sample_rate_hz": 24_000, "hop_samples": 320,
            "delay_samples": 320, "latent_size": 4, "weights": "f16", "licence": "MIT",
            "codebooks": {
                "semantic": { "size": 5, "frozen": "none" }, "acoustic": { "size": 3, "frozen": "none" },
            },
            "graphs": {
                "encoder": { "file": "encoder.onnx", "sha256": "" },
                "quantizer": { "file": "quantizer.onnx", "sha256": "" },
                "decoder": { "file": "decoder.onnx", "sha256": "" },
            },
        });
        Self { manifest, graphs: [encoder(), quantizer(), decoder()], damaged: [const { None }; 3] }
    }

    /// Writes the pack with the digests that its graphs have.
    pub fn write(&self, folder: &Path) {
        let mut manifest = self.manifest.clone();
        for (name, (model, damaged)) in GRAPHS.iter().zip(self.graphs.iter().zip(&self.damaged)) {
            let bytes = damaged.clone().unwrap_or_else(|| model.encode_to_vec());
            let digest: String = sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
            if let Some(entry) = manifest.pointer_mut(&format!("/graphs/{name}/sha256")) {
                *entry = Value::from(digest);
            }
            fs::write(folder.join(format!("{name}.onnx")), bytes).unwrap();
        }
        fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    }
}

pub fn port(name: &str, elem_type: i32, dims: &[i64]) -> ValueInfoProto {
    let dim = |&dim: &i64| Dimension { value: Some(dimension::Value::DimValue(dim)), ..Dimension::default() };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let value = Some(type_proto::Value::TensorType(type_proto::Tensor { elem_type, shape }));
    let r#type = Some(TypeProto { value, ..TypeProto::default() });
    ValueInfoProto { name: name.into(), r#type, ..ValueInfoProto::default() }
}

/// Weights of small numbers that f16 holds.
pub fn weight(name: &str, data_type: i32, dims: &[i64]) -> TensorProto {
    let count = dims.iter().product::<i64>() as usize;
    let number = |at: usize| ((at * 7919 + name.len()) % 17) as f32 / 16.0 - 0.5;
    let raw_data = match data_type {
        // The bits of 0.5, 0.25 and the like.
        F16 => (0..count).flat_map(|at| (0x3800_u16 - 0x400 * (at % 3) as u16).to_le_bytes()).collect(),
        INT8 => (0..count).map(|at| (at * 7919 % 255) as u8).collect(),
        _ => (0..count).flat_map(|at| number(at).to_le_bytes()).collect(),
    };
    TensorProto { name: name.into(), dims: dims.into(), data_type, raw_data, ..TensorProto::default() }
}

pub fn numbers(name: &str, values: &[i64]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dims = vec![values.len() as i64];
    TensorProto { name: name.into(), dims, data_type: I64, raw_data, ..TensorProto::default() }
}

pub fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: kind.into(),
        input: inputs.iter().map(|&input| input.into()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

fn with(mut node: NodeProto, attributes: &[(&str, i64)]) -> NodeProto {
    let attribute = |&(name, i): &(&str, i64)| AttributeProto {
        name: name.into(),
        r#type: 2,
        i,
        ..AttributeProto::default()
    };
    node.attribute = attributes.iter().map(attribute).collect();
    node
}

fn model(
    input: Vec<ValueInfoProto>,
    initializer: Vec<TensorProto>,
    node: Vec<NodeProto>,
    output: Vec<ValueInfoProto>,
) -> ModelProto {
    let graph = GraphProto { name: "tiny".into(), node, initializer, input, output, ..GraphProto::default() };
    let opset_import = vec![OperatorSetIdProto { version: 18, ..OperatorSetIdProto::default() }];
    ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..ModelProto::default() }
}

fn encoder() -> ModelProto {
    model(
        vec![port("audio", F32, &[1, 320]), port("memory", F32, &[1, 8])],
        vec![
            weight("listen", F32, &[320, 8]),
            weight("half", F32, &[1]),
            weight("scale", F32, &[8]),
            weight("narrow", F32, &[8, 4]),
            numbers("first", &[0]),
        ],
        vec![
            node("MatMul", &["audio", "listen"], "heard"),
            node("Add", &["heard", "memory"], "both"),
            node("Mul", &["both", "half"], "memory_out"),
            with(node("LayerNormalization", &["both", "scale"], "even"), &[("axis", -1)]),
            node("Tanh", &["even"], "bent"),
            node("MatMul", &["bent", "narrow"], "row"),
            node("Unsqueeze", &["row", "first"], "latent"),
        ],
        vec![port("latent", F32, &[1, 1, 4]), port("memory_out", F32, &[1, 8])],
    )
}

fn quantizer() -> ModelProto {
    let nearest = [("axis", -1), ("keepdims", 0)];
    model(
        vec![port("latent", F32, &[1, 1, 4]), port("errors", F32, &[1, 1, 4])],
        vec![
            weight("code", INT8, &[4, 5]),
            weight("entries", F32, &[5, 4]),
            weight("rest", F32, &[4, 3]),
            numbers("across", &[2]),
        ],
        vec![
            node("Sub", &["latent", "errors"], "shaped"),
            with(node("Cast", &["code"], "code32"), &[("to", 1)]),
            node("MatMul", &["shaped", "code32"], "near"),
            with(node("ArgMax", &["near"], "semantic"), &nearest),
            node("Gather", &["entries", "semantic"], "entry"),
            node("Sub", &["shaped", "entry"], "left"),
            node("MatMul", &["left", "rest"], "nearer"),
            with(node("ArgMax", &["nearer"], "acoustic"), &nearest),
            with(node("ReduceMax", &["nearer", "across"], "most"), &[("keepdims", 1)]),
            node("Sub", &["most", "left"], "errors_out"),
        ],
        vec![
            port("semantic", I64, &[1, 1]),
            port("acoustic", I64, &[1, 1]),
            port("errors_out", F32, &[1, 1, 4]),
        ],
    )
}

fn decoder() -> ModelProto {
    model(
        vec![
            port("semantic", I64, &[1, 1]),
            port("acoustic", I64, &[1, 1]),
            port("stream_gain", F32, &[2]),
            port("tail", F32, &[1, 3, 6]),
        ],
        vec![
            weight("coarse", F32, &[5, 6]),
            weight("fine", F32, &[3, 6]),
            weight("kernel", F32, &[1, 4, 6]),
            weight("speak16", F16, &[6, 320]),
            numbers("zero", &[0]),
            numbers("one", &[1]),
            numbers("two", &[2]),
            numbers("four", &[4]),
            numbers("hop", &[1, 320]),
        ],
        vec![
            node("Slice", &["stream_gain", "zero", "one", "zero"], "gain1"),
            node("Slice", &["stream_gain", "one", "two", "zero"], "gain2"),
            node("Gather", &["coarse", "semantic"], "said1"),
            node("Gather", &["fine", "acoustic"], "said2"),
            node("Mul", &["said1", "gain1"], "loud1"),
            node("Mul", &["said2", "gain2"], "loud2"),
            node("Add", &["loud1", "loud2"], "frame"),
            with(node("Concat", &["tail", "frame"], "long"), &[("axis", 1)]),
            node("Slice", &["long", "one", "four", "one"], "tail_out"),
            node("Mul", &["long", "kernel"], "weighed"),
            with(node("ReduceSum", &["weighed", "one"], "sum"), &[("keepdims", 1)]),
            with(node("Cast", &["speak16"], "speak"), &[("to", 1)]),
            node("MatMul", &["sum", "speak"], "spoken"),
            node("Reshape", &["spoken", "hop"], "flat"),
            node("Tanh", &["flat"], "audio"),
        ],
        vec![port("audio", F32, &[1, 320]), port("tail_out", F32, &[1, 3, 6])],
    )
}

//! ONNX bytes → a plan that tract runs: parsed, inspected, optimised, narrow weights kept narrow.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::Gather;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::konst::Const;

use super::dense::with_dense_products;
use super::dft::{BasisTolerance, with_fast_transforms};
use super::frame_cost::{FrameCost, MAX_LIVE_BYTES, MAX_MULTIPLY_ADDS};
use super::graph::StreamGraph;
use super::graph_error::{GraphError, bound};
use super::inspect::{PortWithShape, inspect};
use super::manifest::Weights;
use super::memory::check_memory;
use super::nodes::MAX_ELEMENTS;
use super::wire::structure_bytes;

/// Largest part of a graph's file that is not raw data of weights: decoded, two bytes can take some 300.
const MAX_STRUCTURE_BYTES: usize = 1 << 20;
/// What a byte of the file takes while it is decoded: the copy that is read, and the one that is kept.
const DECODED_COPIES: usize = 2;
/// What a byte of constants takes while the library optimises the graph, beside the file.
const OPTIMISED_COPIES: usize = 3;

/// Tables smaller than this stay f32: converting them buys nothing.
const MIN_HALF_ELEMENTS: usize = 1024;

/// Compiles the graph in `bytes`, whose ports must be `inputs` and `outputs` besides its states.
/// `tolerance` says which Fourier bases may be replaced by a transform.
pub fn compile(
    file: &str,
    bytes: &[u8],
    inputs: &[PortWithShape],
    outputs: &[PortWithShape],
    weights: Weights,
    tolerance: BasisTolerance,
) -> Result<StreamGraph, GraphError> {
    let refused = |reason: String| GraphError::Compile { file: file.into(), reason };
    let whole = || -> Result<StreamGraph, GraphError> {
        let structure = structure_bytes(bytes)
            .ok_or_else(|| GraphError::Syntax { file: file.into(), reason: "lengths do not match".into() })?;
        bound(file, "bytes beside the raw data of weights", structure, MAX_STRUCTURE_BYTES)?;
        check_memory(file, DECODED_COPIES * bytes.len())?;
        // What the file says of shapes on the way is not needed, and not believed.
        let onnx = tract_onnx::onnx().with_ignore_value_info(true);
        let proto = onnx
            .proto_model_for_read(&mut &*bytes)
            .map_err(|e| GraphError::Syntax { file: file.into(), reason: format!("{e:#}") })?;
        let ports = inspect(file, &proto, inputs, outputs)?;
        check_memory(file, OPTIMISED_COPIES * ports.constant_bytes)?;
        let model = onnx
            .model_for_proto_model(&proto)
            .and_then(|m| m.into_typed())
            .map_err(|e| refused(format!("{e:#}")))?;
        drop(proto);
        check_sizes(file, &model)?;
        let cost = FrameCost::of(&model).map_err(|e| refused(format!("{e:#}")))?;
        bound(file, "multiply-adds in a frame", cost.multiply_adds, MAX_MULTIPLY_ADDS)?;
        bound(file, "bytes of states and results in a frame", cost.live_bytes, MAX_LIVE_BYTES)?;
        let plan = optimised(model, weights, tolerance).map_err(|e| refused(format!("{e:#}")))?;
        StreamGraph::new(plan, ports, cost).map_err(|e| refused(format!("{e:#}")))
    };
    // tract panics on some graphs that make no sense. The panic is caught here, so that the pack is
    // refused and the host keeps running. Panics while a frame runs are caught in `frame_codec.rs`.
    catch_unwind(AssertUnwindSafe(whole))
        .unwrap_or_else(|_| Err(refused("the inference library gave up on it".into())))
}

/// Every tensor of the graph has a known, bounded size before anything is computed.
fn check_sizes(file: &str, model: &TypedModel) -> Result<(), GraphError> {
    for node in model.nodes() {
        for outlet in &node.outputs {
            let elements = outlet
                .fact
                .shape
                .as_concrete()
                .and_then(|dims| dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)));
            match elements {
                Some(found) => bound(file, "elements in one tensor", found, MAX_ELEMENTS)?,
                None => {
                    let reason = format!("the shape of {} is not fixed", node.name);
                    return Err(GraphError::Compile { file: file.into(), reason });
                }
            }
        }
    }
    Ok(())
}

fn optimised(
    model: TypedModel,
    weights: Weights,
    tolerance: BasisTolerance,
) -> TractResult<Arc<TypedSimplePlan>> {
    let model = with_fast_transforms(model, tolerance)?;
    let mut model = with_dense_products(model.into_decluttered()?)?;
    if weights != Weights::F32 {
        model = with_half_weights(model)?;
    }
    TypedSimplePlan::new(model.into_optimized()?)
}

/// Puts constants that f16 holds exactly on the inputs of products and look-ups at f16, where
/// tract's kernels read them as they are: half the bytes a frame reads. Decluttering has folded
/// the file's own f16 → f32 casts; this undoes it without changing a value.
fn with_half_weights(mut model: TypedModel) -> TractResult<TypedModel> {
    let readers: Vec<(usize, usize)> = model
        .nodes()
        .iter()
        .filter_map(|node| {
            let slot = if node.op_is::<EinSum>() {
                node.inputs.iter().position(|i| model.node(i.node).op_is::<Const>())?
            } else if node.op_is::<Gather>() {
                0
            } else {
                return None;
            };
            Some((node.id, slot))
        })
        .collect();
    for (reader, slot) in readers {
        let source = model.node(reader).inputs[slot];
        let Some(half) = model.node(source.node).op_as::<Const>().and_then(|c| exact_half(c.val())) else {
            continue;
        };
        let name = format!("{}.f16.{reader}", model.node(source.node).name);
        let half = model.add_const(name, half)?;
        if model.node(reader).op_is::<EinSum>() {
            model.add_edge(half, InletId::new(reader, slot))?;
        } else {
            cast_after_gather(&mut model, reader, half)?;
        }
    }
    model.into_compact()
}

/// Looks up in the f16 table and widens the row that was found.
fn cast_after_gather(model: &mut TypedModel, gather: usize, half: OutletId) -> TractResult<()> {
    let node = model.node(gather).clone();
    let mut patch = TypedModelPatch::new("f16 table");
    let table = patch.tap_model(model, half)?;
    let index = patch.tap_model(model, node.inputs[1])?;
    let found = patch.wire_node(format!("{}.f16", node.name), node.op.clone(), &[table, index])?;
    let wide = patch.wire_node(format!("{}.f32", node.name), Cast::new(f32::datum_type()), &found)?;
    patch.shunt_outside(model, node.id.into(), wide[0])?;
    patch.apply(model)
}

/// The tensor at f16 if that loses nothing.
fn exact_half(tensor: &Arc<Tensor>) -> Option<Arc<Tensor>> {
    if tensor.datum_type() != f32::datum_type() || tensor.len() < MIN_HALF_ELEMENTS {
        return None;
    }
    let half = tensor.cast_to::<f16>().ok()?.into_owned();
    let same = half.cast_to::<f32>().ok()?.as_ref() == tensor.as_ref();
    same.then(|| Arc::new(half))
}

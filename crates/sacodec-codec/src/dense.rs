//! The product of one frame with a constant matrix: nearly all that a frame costs.
//!
//! A frame reads every weight once, so the product is a matter of memory bandwidth. tract packs
//! the frame and runs a general kernel; here panels of weights of one, two or four bytes are read
//! straight through, one line of memory after the other, and widened in registers. Used where the
//! processor has AVX2, FMA and F16C, wider where it has AVX-512; elsewhere tract's own kernels stay in place.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::math::{Add, Mul};

/// Rows of a panel: a column of it is one line of memory at f16. Rows are padded to a multiple.
const PANEL_ROWS: usize = 32;
/// Steps of a row's largest weight where a pack stores a row as whole numbers of one byte.
const STEPS: f32 = 127.0;

/// `y = W x (+ b)` for one frame: `x` holds `columns` elements, `y` has the op's shape.
#[derive(Debug, Clone)]
struct Dense {
    weights: Arc<Matrix>,
    bias: Option<Arc<Tensor>>,
    shape: TVec<usize>,
}

/// A matrix by panels of [`PANEL_ROWS`] rows, each column by column.
struct Matrix {
    rows: usize,
    columns: usize,
    values: Values,
}

enum Values {
    /// Whole numbers, and by row what one of them stands for.
    Byte {
        steps: Box<[i8]>,
        scales: Box<[f32]>,
    },
    /// Bits of IEEE half precision.
    Half(Box<[u16]>),
    Single(Box<[f32]>),
}

impl std::fmt::Debug for Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {}", self.rows, self.columns)
    }
}

impl PartialEq for Dense {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.weights, &other.weights) && self.bias == other.bias && self.shape == other.shape
    }
}

impl Eq for Dense {}

impl Op for Dense {
    fn name(&self) -> StaticName {
        "Dense".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Dense {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = args_1!(inputs);
        let view = input.try_as_plain_ram()?;
        let x = view.as_slice::<f32>()?;
        ensure!(
            x.len() == self.weights.columns,
            "{} columns, {} weights a row",
            x.len(),
            self.weights.columns
        );
        let mut out = Tensor::zero::<f32>(&self.shape)?;
        {
            let mut view = out.try_as_plain_ram_mut()?;
            let y = view.as_slice_mut::<f32>()?;
            self.weights.multiply(x, y);
            if let Some(bias) = &self.bias {
                let bias = bias.try_as_plain_ram()?;
                y.iter_mut().zip(bias.as_slice::<f32>()?).for_each(|(y, b)| *y += b);
            }
        }
        Ok(tvec![out.into_tvalue()])
    }
}

impl TypedOp for Dense {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec![f32::fact(&self.shape)])
    }

    as_op!();
}

/// Replaces every product of a frame with a constant matrix, a scale of its rows that follows it where the matrix is of
/// bytes, and the bias that is added after it.
pub fn with_dense_products(mut model: TypedModel) -> TractResult<TypedModel> {
    if !kernel::is_available() {
        return Ok(model);
    }
    let products: Vec<usize> = model.nodes().iter().filter(|n| n.op_is::<EinSum>()).map(|n| n.id).collect();
    for product in products {
        replace(&mut model, product)?;
    }
    model.into_compact()
}

fn replace(model: &mut TypedModel, product: usize) -> TractResult<()> {
    let node = model.node(product).clone();
    let Some((slot, mut weights)) = constant_matrix(model, &node)? else { return Ok(()) };
    let frame = node.inputs[1 - slot];
    let columns = elements(model.outlet_fact(frame)?);
    if columns != Some(weights.columns)
        || elements(&node.outputs[0].fact) != Some(weights.rows)
        || model.outlet_fact(frame)?.datum_type != f32::datum_type()
    {
        return Ok(());
    }
    let mut last = product;
    // As the exporter writes it. Two scales could be too small or too large together.
    if let Values::Byte { scales, .. } = &mut weights.values
        && scales.iter().all(|&scale| scale == 1.0)
        && let Some((id, by_row)) = by_row_after::<Mul>(model, last, weights.rows)
    {
        let by_row = by_row.try_as_plain_ram()?;
        scales.copy_from_slice(by_row.as_slice::<f32>()?);
        last = id;
    }
    let bias = by_row_after::<Add>(model, last, weights.rows).map(|(id, bias)| {
        last = id;
        bias
    });
    let shape = model.node(last).outputs[0].fact.shape.as_concrete().map(TVec::from);
    let Some(shape) = shape else { return Ok(()) };
    let mut patch = TypedModelPatch::new("dense product");
    let input = patch.tap_model(model, frame)?;
    let dense = Dense { weights: Arc::new(weights), bias, shape };
    let wire = patch.wire_node(format!("{}.dense", node.name), dense, &[input])?;
    patch.shunt_outside(model, last.into(), wire[0])?;
    patch.apply(model)
}

fn elements(fact: &TypedFact) -> Option<usize> {
    fact.shape.as_concrete().map(|shape| shape.iter().product())
}

/// The constant operand of a product, by rows of the output, and its slot. None of few rows, which would be mostly padding.
fn constant_matrix(model: &TypedModel, node: &TypedNode) -> TractResult<Option<(usize, Matrix)>> {
    let Some(op) = node.op_as::<EinSum>() else { return Ok(None) };
    if node.inputs.len() != 2 || op.q_params.is_some() {
        return Ok(None);
    }
    let constant = |slot: usize| model.node(node.inputs[slot].node).op_as::<Const>().map(|c| c.val().clone());
    let Some((slot, tensor)) = (0..2).find_map(|slot| constant(slot).map(|t| (slot, t))) else {
        return Ok(None);
    };
    if tensor.datum_type() != f32::datum_type() || tensor.shape().iter().filter(|&&d| d > 1).count() > 2 {
        return Ok(None);
    }
    // The summed axis is in both operands and not in the output; the rows' in one and the output.
    let (mut sum_stride, mut row_stride, mut columns, mut count) = (0, 0, 1, 1);
    for axis in op.axes.iter_all_axes() {
        let [position] = axis.inputs[slot][..] else { continue };
        let size = tensor.shape()[position];
        if size == 1 {
            continue;
        }
        let stride = tensor.strides()[position] as usize;
        let in_frame = !axis.inputs[1 - slot].is_empty();
        let in_output = !axis.outputs[0].is_empty();
        match (in_frame, in_output) {
            (true, false) if columns == 1 => (sum_stride, columns) = (stride, size),
            (false, true) if count == 1 => (row_stride, count) = (stride, size),
            _ => return Ok(None),
        }
    }
    if count < PANEL_ROWS / 2 {
        return Ok(None);
    }
    let view = tensor.try_as_plain_ram()?;
    let values = view.as_slice::<f32>()?;
    let value = |row: usize, column: usize| values[row * row_stride + column * sum_stride];
    Ok(Some((slot, Matrix::new(count, columns, value))))
}

/// What multiplies or adds a constant number to each row after `node`, and nothing else reads `node`: its id and the constant.
fn by_row_after<O: BinMiniOp>(model: &TypedModel, node: usize, rows: usize) -> Option<(usize, Arc<Tensor>)> {
    let [next] = model.node(node).outputs[0].successors[..] else { return None };
    if model.outputs.iter().any(|o| o.node == node) {
        return None;
    }
    let after = model.node(next.node);
    after.op_as::<TypedBinOp>().filter(|op| op.0.is::<O>())?;
    let other = after.inputs[1 - next.slot];
    let constant = model.node(other.node).op_as::<Const>()?.val().clone();
    let is_by_row = constant.len() == rows && constant.datum_type() == f32::datum_type();
    // A column of numbers would make a matrix of the row.
    (is_by_row && elements(&after.outputs[0].fact) == Some(rows)).then_some((after.id, constant))
}

impl Matrix {
    /// The matrix of these values, in as few bytes as lose nothing.
    fn new(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let values = if let Some(scales) = byte_scales(rows, columns, &value) {
            let step = |row: usize, column| (value(row, column) / scales[row]).round() as i8;
            Values::Byte { steps: panels(rows, columns, step), scales: scales.into() }
        } else if (0..rows).all(|row| (0..columns).all(|column| is_half(value(row, column)))) {
            Values::Half(panels(rows, columns, |row, column| f16::from_f32(value(row, column)).to_bits()))
        } else {
            Values::Single(panels(rows, columns, value))
        };
        Self { rows, columns, values }
    }

    /// `x` is `[columns]`, `y` is `[rows]`.
    fn multiply(&self, x: &[f32], y: &mut [f32]) {
        self.multiply_by(kernel::is_wide(), x, y);
    }

    fn multiply_by(&self, is_wide: bool, x: &[f32], y: &mut [f32]) {
        assert!(x.len() == self.columns && y.len() == self.rows);
        match &self.values {
            Values::Byte { steps, scales } => {
                kernel::multiply(steps, x, y, is_wide);
                y.iter_mut().zip(scales).for_each(|(y, scale)| *y *= scale);
            }
            Values::Half(panels) => kernel::multiply(panels, x, y, is_wide),
            Values::Single(panels) => kernel::multiply(panels, x, y, is_wide),
        }
    }
}

/// Values by panels of [`PANEL_ROWS`] rows, each column by column, padded with zeros.
fn panels<T: Clone + Default>(rows: usize, columns: usize, value: impl Fn(usize, usize) -> T) -> Box<[T]> {
    let places = (0..rows.div_ceil(PANEL_ROWS)).flat_map(|panel| {
        let panel_rows = panel * PANEL_ROWS..(panel + 1) * PANEL_ROWS;
        (0..columns).flat_map(move |column| panel_rows.clone().map(move |row| (row, column)))
    });
    places.map(|(row, column)| if row < rows { value(row, column) } else { T::default() }).collect()
}

fn is_half(value: f32) -> bool {
    f16::from_f32(value).to_f32() == value
}

/// For each row the scale of which every value is a whole multiple, [`STEPS`] of them at most; none where that does not
/// give every value to the bit. The scale is 1 where all values are whole.
fn byte_scales(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Option<Vec<f32>> {
    let is_multiple = |v: f32, scale: f32| {
        let steps = (v / scale).round();
        steps.abs() <= STEPS && steps * scale == v
    };
    let is_row_of = |row, scale| (0..columns).all(|column| is_multiple(value(row, column), scale));
    if (0..rows).all(|row| is_row_of(row, 1.0)) {
        return Some(vec![1.0; rows]);
    }
    let scale_of = |row| {
        let largest = (0..columns).map(|column| value(row, column).abs()).fold(0.0, f32::max);
        // A row of zeros has no largest weight, and any scale.
        let scale = if largest == 0.0 { 1.0 } else { largest / STEPS };
        (scale.is_normal() && is_row_of(row, scale)).then_some(scale)
    };
    (0..rows).map(scale_of).collect()
}

#[cfg(target_arch = "x86_64")]
mod kernel;

#[cfg(not(target_arch = "x86_64"))]
mod kernel {
    //! No kernel of our own: tract's stay in place.

    pub fn is_available() -> bool {
        false
    }

    pub fn is_wide() -> bool {
        false
    }

    pub fn multiply<W>(_: &[W], _: &[f32], _: &mut [f32], _: bool) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of whole numbers, the largest 127, times a scale of few bits; one row is zero.
    fn bytes(rows: usize, columns: usize, random: &mut fastrand::Rng) -> Vec<f32> {
        let row = |row: usize, random: &mut fastrand::Rng| -> Vec<f32> {
            let scale = if row == 1 { 0.0 } else { random.u32(1..1 << 16) as f32 * 2.0_f32.powi(-24) };
            let largest = random.usize(..columns);
            let step = |column, random: &mut fastrand::Rng| {
                if column == largest { -127 } else { random.i32(-127..=127) }
            };
            (0..columns).map(|column| scale * step(column, random) as f32).collect()
        };
        (0..rows).flat_map(|n| row(n, random)).collect()
    }

    #[test]
    fn products_of_every_size_are_those_of_a_plain_loop() {
        if !kernel::is_available() {
            return; // tract's kernels are used, and tested by tract
        }
        let mut random = fastrand::Rng::with_seed(1);
        for (rows, columns) in [(1_usize, 1_usize), (3, 16), (32, 64), (33, 7), (130, 1026), (965, 320)] {
            let mut next = || 2.0 * random.f32() - 1.0;
            let x: Vec<f32> = (0..columns).map(|_| next()).collect();
            let single: Vec<f32> = (0..rows * columns).map(|_| next()).collect();
            let half: Vec<f32> = single.iter().map(|&w| f16::from_f32(w).to_f32()).collect();
            let byte = bytes(rows, columns, &mut random);
            for (weights, bytes_a_weight) in [(single, 4), (half, 2), (byte, 1)] {
                let matrix = Matrix::new(rows, columns, |r, c| weights[r * columns + c]);
                let found = match matrix.values {
                    Values::Byte { .. } => 1,
                    Values::Half(_) => 2,
                    Values::Single(_) => 4,
                };
                // A single number may happen to be 127 steps.
                assert!(
                    found == bytes_a_weight || columns == 1,
                    "{rows} × {columns}: {found} bytes a weight"
                );
                let mut y = vec![f32::NAN; rows];
                matrix.multiply(&x, &mut y);
                let mut narrow = vec![f32::NAN; rows];
                matrix.multiply_by(false, &x, &mut narrow);
                assert_eq!(y, narrow, "{rows} × {columns}: wider registers give other bits");
                for (row, y) in weights.chunks_exact(columns).zip(&y) {
                    let expected: f64 = row.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                    assert!(
                        (f64::from(*y) - expected).abs() < 1e-4,
                        "{rows} × {columns}: {y} instead of {expected}"
                    );
                }
            }
        }
    }

    /// A product of a frame of 64 with whole numbers, a scale for each of 40 rows, and a bias.
    fn scaled_product(steps: Vec<f32>, scales: Vec<f32>, bias: Vec<f32>) -> TractResult<TypedModel> {
        let mut model = TypedModel::default();
        let constant = |values: Vec<f32>, shape: &[usize]| Tensor::from_shape(shape, &values);
        let x = model.add_source("x", f32::fact([1, 1, 64]))?;
        let w = model.add_const("w", constant(steps, &[64, 40])?)?;
        let scales = model.add_const("scales", constant(scales, &[1, 1, 40])?)?;
        let bias = model.add_const("bias", constant(bias, &[1, 1, 40])?)?;
        let product = EinSum::new("abk,kn->abn".parse()?, f32::datum_type());
        let y = model.wire_node("product", product, &[x, w])?;
        let y = model.wire_node("scaled", tract_onnx::tract_core::ops::math::mul(), &[y[0], scales])?;
        let y = model.wire_node("y", tract_onnx::tract_core::ops::math::add(), &[y[0], bias])?;
        model.select_output_outlets(&y)?;
        Ok(model)
    }

    #[test]
    fn what_bytes_do_not_hold_to_the_bit_is_not_stored_in_them() {
        let bytes_hold = |values: &[f32]| byte_scales(1, values.len(), |_, column| values[column]).is_some();
        let tiny = f32::from_bits(1);
        assert!(
            bytes_hold(&[0.0, -0.0])
                && bytes_hold(&[3.0, -100.0, 0.0])
                && bytes_hold(&[0.25 * 127.0, 0.5, -30.0])
        );
        assert!(!bytes_hold(&[1.0, 0.013]), "between two steps");
        assert!(!bytes_hold(&[180.0 * tiny, 3.0 * tiny]), "more steps than a byte has");
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(!bytes_hold(&[1.0, bad]), "{bad}");
        }
    }

    #[test]
    fn a_column_that_follows_a_product_is_not_taken_for_its_bias() -> TractResult<()> {
        let mut model = TypedModel::default();
        let x = model.add_source("x", f32::fact([1, 1, 64]))?;
        let w = model.add_const("w", Tensor::from_shape(&[64, 40], &[0.3_f32; 64 * 40])?)?;
        let column = model.add_const("column", Tensor::from_shape(&[1, 40, 1], &[1.0_f32; 40])?)?;
        let product = EinSum::new("abk,kn->abn".parse()?, f32::datum_type());
        let y = model.wire_node("product", product, &[x, w])?;
        let y = model.wire_node("y", tract_onnx::tract_core::ops::math::add(), &[y[0], column])?;
        model.select_output_outlets(&y)?;
        let found = with_dense_products(model)?
            .into_runnable()?
            .run(tvec![Tensor::zero::<f32>(&[1, 1, 64])?.into_tvalue()])?;
        assert_eq!(found[0].shape(), [1, 40, 40]);
        Ok(())
    }

    #[test]
    fn a_product_with_bytes_its_scale_and_its_bias_are_one_node() -> TractResult<()> {
        if !kernel::is_available() {
            return Ok(());
        }
        let mut random = fastrand::Rng::with_seed(2);
        let mut step = || random.i32(-127..=127) as f32;
        let mut steps: Vec<f32> = (0..64 * 40).map(|_| step()).collect();
        steps[..40].fill(127.0);
        let scales: Vec<f32> = (1..=40).map(|row| 0.001 * row as f32).collect();
        let bias: Vec<f32> = (0..40).map(|row| row as f32 - 20.0).collect();
        let x: Vec<f32> = (0..64).map(|column| (column as f32 * 0.7).sin()).collect();
        let model = with_dense_products(scaled_product(steps.clone(), scales.clone(), bias.clone())?)?;
        let ops: Vec<String> = model.nodes().iter().map(|node| node.op.name().to_string()).collect();
        assert_eq!(ops, ["Source", "Dense"]);
        let is_byte = |node: &TypedNode| {
            node.op_as::<Dense>().is_some_and(|dense| matches!(dense.weights.values, Values::Byte { .. }))
        };
        assert!(model.nodes().iter().any(is_byte), "the weights are wider than they must be");
        let found = model.into_runnable()?.run(tvec![Tensor::from_shape(&[1, 1, 64], &x)?.into_tvalue()])?;
        let found = found[0].try_as_plain_ram()?;
        for (row, y) in found.as_slice::<f32>()?.iter().enumerate() {
            let sum: f64 = (0..64).map(|k| f64::from(steps[k * 40 + row]) * f64::from(x[k])).sum();
            let expected = sum * f64::from(scales[row]) + f64::from(bias[row]);
            assert!((f64::from(*y) - expected).abs() < 1e-4, "row {row}: {y} instead of {expected}");
        }
        Ok(())
    }
}

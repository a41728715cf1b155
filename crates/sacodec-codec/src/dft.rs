//! Fourier transforms, found where a graph writes them as dense matrices.
//!
//! ONNX has no real transform that packs may rely on, so encoder and decoder multiply by the basis:
//! `N (N + 2)` weights, or half of them where a graph first folds the frame into its even and its odd
//! part. A matrix that is a window times such a basis, to within a tolerance, is replaced by the window
//! and a fast transform.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::konst::Const;

/// Shorter transforms are left alone.
const MIN_LENGTH: usize = 64;

/// How far the elements of a matrix may be from those of the exact basis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BasisTolerance {
    /// The rounding of f32. Before tokens are chosen: a basis rounded to f16 has errors that the
    /// pack's tokens depend on in quiet passages (1.3 % of the starter pack's on our clip), so it
    /// is kept as it is.
    Single,
    /// The rounding of f16. Behind the tokens: the sound may be finer than the pack.
    Half,
}

impl BasisTolerance {
    /// Largest deviation relative to the window's value.
    fn relative(self) -> f64 {
        match self {
            Self::Single => 1e-6,
            Self::Half => 6e-4,
        }
    }
}

/// `[1, N]` → real parts, then imaginary parts of bins `0..=N/2`: `[1, N + 2]`.
#[derive(Clone)]
struct Forward {
    window: Arc<[f32]>,
    transform: Arc<dyn RealToComplex<f32>>,
    shape: TVec<usize>,
}

/// Real parts, then imaginary parts of bins `0..=N/2`, `[1, N + 2]` → `[1, N]`.
#[derive(Clone)]
struct Inverse {
    window: Arc<[f32]>,
    transform: Arc<dyn ComplexToReal<f32>>,
    shape: TVec<usize>,
}

/// Part of a frame of `2 M` samples that is even (`[1, M + 1]`) or odd (`[1, M - 1]`) around its middle →
/// as many real or imaginary parts. With other weights the same is the way back.
#[derive(Clone)]
struct Folded {
    window: Arc<[f32]>,
    transform: Arc<dyn RealToComplex<f32>>,
    is_odd: bool,
    shape: TVec<usize>,
}

impl Folded {
    fn run(&self, x: &[f32], y: &mut [f32]) -> TractResult<()> {
        ensure!(x.len() == self.window.len() && y.len() == self.window.len());
        let mut frame = self.transform.make_input_vec();
        let (length, middle) = (frame.len(), frame.len() / 2);
        let first = usize::from(self.is_odd);
        for (n, (x, w)) in x.iter().zip(&*self.window).enumerate().map(|(i, part)| (i + first, part)) {
            let half = if n % middle == 0 { x * w } else { 0.5 * x * w };
            frame[(length - n) % length] = if self.is_odd { -half } else { half };
            frame[n] = half;
        }
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        self.transform.process_with_scratch(&mut frame, &mut spectrum, &mut scratch)?;
        for (y, bin) in y.iter_mut().zip(&spectrum[first..]) {
            *y = if self.is_odd { bin.im } else { bin.re };
        }
        Ok(())
    }
}

impl Forward {
    fn run(&self, x: &[f32], y: &mut [f32]) -> TractResult<()> {
        let bins = self.window.len() / 2 + 1;
        ensure!(x.len() == self.window.len() && y.len() == 2 * bins);
        let mut frame: Vec<f32> = x.iter().zip(&*self.window).map(|(x, w)| x * w).collect();
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        self.transform.process_with_scratch(&mut frame, &mut spectrum, &mut scratch)?;
        for (k, bin) in spectrum.iter().enumerate() {
            (y[k], y[bins + k]) = (bin.re, bin.im);
        }
        Ok(())
    }
}

impl Inverse {
    fn run(&self, x: &[f32], y: &mut [f32]) -> TractResult<()> {
        let bins = self.window.len() / 2 + 1;
        ensure!(x.len() == 2 * bins && y.len() == self.window.len());
        let mut spectrum: Vec<Complex<f32>> = (0..bins).map(|k| Complex::new(x[k], x[bins + k])).collect();
        // The sines of these two are zero; the transform insists.
        (spectrum[0].im, spectrum[bins - 1].im) = (0.0, 0.0);
        let mut scratch = self.transform.make_scratch_vec();
        self.transform.process_with_scratch(&mut spectrum, y, &mut scratch)?;
        y.iter_mut().zip(&*self.window).for_each(|(y, w)| *y *= w);
        Ok(())
    }
}

/// What both directions are to tract.
macro_rules! transform_op {
    ($op:ident) => {
        impl std::fmt::Debug for $op {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($op), self.window.len())
            }
        }

        impl PartialEq for $op {
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.window, &other.window) && self.shape == other.shape
            }
        }

        impl Eq for $op {}

        impl Op for $op {
            fn name(&self) -> StaticName {
                concat!("Dft", stringify!($op)).into()
            }

            op_as_typed_op!();
        }

        impl EvalOp for $op {
            op_out_of_plan!();

            fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
                let input = args_1!(inputs);
                let mut out = Tensor::zero::<f32>(&self.shape)?;
                self.run(input.try_as_plain_ram()?.as_slice()?, out.try_as_plain_ram_mut()?.as_slice_mut()?)?;
                Ok(tvec![out.into_tvalue()])
            }
        }

        impl TypedOp for $op {
            fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
                Ok(tvec![f32::fact(&self.shape)])
            }

            as_op!();
        }
    };
}

transform_op!(Forward);
transform_op!(Inverse);
transform_op!(Folded);

/// Replaces every product with a windowed Fourier basis by a fast transform.
pub fn with_fast_transforms(mut model: TypedModel, tolerance: BasisTolerance) -> TractResult<TypedModel> {
    let products: Vec<usize> = model.nodes().iter().filter(|n| n.op_is::<EinSum>()).map(|n| n.id).collect();
    for product in products {
        replace(&mut model, product, tolerance)?;
    }
    model.into_compact()
}

fn replace(model: &mut TypedModel, product: usize, tolerance: BasisTolerance) -> TractResult<()> {
    let node = model.node(product).clone();
    let Some(matrix) = constant_basis(model, &node)? else { return Ok(()) };
    let &[rows, columns] = matrix.shape() else { return Ok(()) };
    let frame = model.outlet_fact(node.inputs[0])?.clone();
    let shape = node.outputs[0].fact.shape.as_concrete().map(TVec::from);
    let (Some(shape), Some(input)) = (shape, frame.shape.as_concrete()) else { return Ok(()) };
    let is_one_frame = input.iter().product::<usize>() == rows && shape.iter().product::<usize>() == columns;
    if !is_one_frame || frame.datum_type != f32::datum_type() {
        return Ok(());
    }
    let view = matrix.try_as_plain_ram()?;
    let values = view.as_slice::<f32>()?;
    let length = rows.min(columns);
    let mut planner = RealFftPlanner::<f32>::new();
    let element = |n: usize, k: usize| f64::from(values[n * columns + k]);
    let op: Box<dyn TypedOp> = if rows == columns {
        let fitted = [false, true].map(|is_odd| (is_odd, folded_window_of(rows, is_odd, tolerance, element)));
        let Some((is_odd, Some(window))) = fitted.into_iter().find(|(_, window)| window.is_some()) else {
            return Ok(());
        };
        let transform = planner.plan_fft_forward(folded_length(rows, is_odd));
        Box::new(Folded { window, transform, is_odd, shape })
    } else if rows + 2 == columns {
        let Some(window) = window_of(length, tolerance, element) else { return Ok(()) };
        Box::new(Forward { window, transform: planner.plan_fft_forward(length), shape })
    } else {
        // Each bin but the first and the last counts for its mirror image too.
        let once = |k: usize| if k.is_multiple_of(length / 2) { 1.0 } else { 0.5 };
        let bins = length / 2 + 1;
        let element = |n: usize, k: usize| once(k % bins) * f64::from(values[k * columns + n]);
        let Some(window) = window_of(length, tolerance, element) else { return Ok(()) };
        Box::new(Inverse { window, transform: planner.plan_fft_inverse(length), shape })
    };
    let mut patch = TypedModelPatch::new("fast transform");
    let input = patch.tap_model(model, node.inputs[0])?;
    let wire = patch.wire_node(format!("{}.fft", node.name), op, &[input])?;
    patch.shunt_outside(model, node.id.into(), wire[0])?;
    patch.apply(model)
}

/// The right-hand operand `[k, n]` of a product `… k, k n → … n`, if it is a constant of the
/// shape of a basis.
fn constant_basis(model: &TypedModel, node: &TypedNode) -> TractResult<Option<Tensor>> {
    let (Some(op), &[_, right]) = (node.op_as::<EinSum>(), &node.inputs[..]) else { return Ok(None) };
    let mut source = model.node(right.node);
    if source.op_is::<Cast>() {
        source = model.node(source.inputs[0].node);
    }
    let Some(constant) = source.op_as::<Const>().map(|c| c.val()) else { return Ok(None) };
    let &[rows, columns] = constant.shape() else { return Ok(None) };
    let length = rows.min(columns);
    let is_whole = rows.abs_diff(columns) == 2 && length % 2 == 0 && length >= MIN_LENGTH;
    let is_folded = rows == columns && 2 * length >= MIN_LENGTH;
    if !is_whole && !is_folded {
        return Ok(None);
    }
    let summed = |position: usize| {
        let axis = op.axes.iter_all_axes().find(|a| a.inputs[1].contains(&position));
        axis.map(|a| (!a.inputs[0].is_empty(), !a.outputs[0].is_empty()))
    };
    if summed(0) != Some((true, false)) || summed(1) != Some((false, true)) {
        return Ok(None);
    }
    Ok(Some(constant.cast_to::<f32>()?.into_owned()))
}

/// The window `w` if `element(n, k)` is `w[n] cos(2π n k / N)` for the first `N/2 + 1` columns and
/// `-w[n] sin(2π n k / N)` for the others.
fn window_of(
    length: usize,
    tolerance: BasisTolerance,
    element: impl Fn(usize, usize) -> f64,
) -> Option<Arc<[f32]>> {
    let bins = length / 2 + 1;
    let turn = turn_of(length);
    let basis = |n: usize, k: usize| {
        let (cos, minus_sin) = turn[n * (k % bins) % length];
        if k < bins { cos } else { minus_sin }
    };
    row_weights((length, 2 * bins), tolerance, element, basis)
}

/// Samples of the frame whose even or odd part has `size` elements.
fn folded_length(size: usize, is_odd: bool) -> usize {
    if is_odd { 2 * (size + 1) } else { 2 * (size - 1) }
}

/// The window `w` if `element(n, k)` is `w[n] cos(π n k / M)` for `n` and `k` from 0 to `M`, or where it is
/// odd `-w[n] sin(π n k / M)` for both from 1 to `M - 1`.
fn folded_window_of(
    size: usize,
    is_odd: bool,
    tolerance: BasisTolerance,
    element: impl Fn(usize, usize) -> f64,
) -> Option<Arc<[f32]>> {
    let length = folded_length(size, is_odd);
    let turn = turn_of(length);
    row_weights((size, size), tolerance, element, |n, k| {
        if is_odd { turn[(n + 1) * (k + 1) % length].1 } else { turn[n * k % length].0 }
    })
}

/// `(cos, -sin)` of every `1 / length` of a turn.
fn turn_of(length: usize) -> Vec<(f64, f64)> {
    let angles = (0..length).map(|i| i as f64 * TAU / length as f64);
    angles.map(|angle| (angle.cos(), -angle.sin())).collect()
}

/// `w` if `element(n, k)` is `w[n] basis(n, k)`. Fitted over a whole row, it is finer than an element.
fn row_weights(
    (rows, columns): (usize, usize),
    tolerance: BasisTolerance,
    element: impl Fn(usize, usize) -> f64,
    basis: impl Fn(usize, usize) -> f64,
) -> Option<Arc<[f32]>> {
    let weight = |n: usize| {
        let energy: f64 = (0..columns).map(|k| basis(n, k).powi(2)).sum();
        let w = (0..columns).map(|k| element(n, k) * basis(n, k)).sum::<f64>() / energy;
        let bound = tolerance.relative() * w.abs() + 1e-7;
        let fits = (0..columns).all(|k| (element(n, k) - w * basis(n, k)).abs() <= bound);
        fits.then_some(w as f32)
    };
    (0..rows).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(window: &[f64], n: usize, k: usize) -> f64 {
        let (length, bins) = (window.len(), window.len() / 2 + 1);
        let angle = TAU * (n * (k % bins)) as f64 / length as f64;
        let exact = window[n] * if k < bins { angle.cos() } else { -angle.sin() };
        f16::from_f64(exact).to_f64()
    }

    #[test]
    fn a_rounded_basis_is_recognised_and_anything_else_is_not() {
        let window: Vec<f64> =
            (0..128).map(|n| (0.5 - 0.5 * (TAU * n as f64 / 128.0).cos()) / 10.0).collect();
        let half = BasisTolerance::Half;
        let found = window_of(128, half, |n, k| element(&window, n, k)).expect("it is a basis");
        let worst = found.iter().zip(&window).map(|(f, w)| (f64::from(*f) - w).abs()).fold(0.0, f64::max);
        // Half a step of f16 at the window's top.
        assert!(worst < 3.1e-5, "the window is off by {worst}");
        let spoilt = |n: usize, k: usize| element(&window, n, k) + if (n, k) == (64, 9) { 1e-3 } else { 0.0 };
        assert!(window_of(128, half, spoilt).is_none(), "one wrong element must be noticed");
        let single = window_of(128, BasisTolerance::Single, |n, k| element(&window, n, k));
        assert!(single.is_none(), "f16 is not exact enough before the tokens");
    }

    #[test]
    fn both_directions_are_the_matrices_they_stand_for() {
        let length = 640;
        let bins = length / 2 + 1;
        let window: Vec<f64> =
            (0..length).map(|n| (std::f64::consts::PI * (n as f64 + 0.5) / 640.0).sin()).collect();
        let single: Arc<[f32]> = window.iter().map(|&w| w as f32).collect();
        let mut planner = RealFftPlanner::<f32>::new();
        let forward =
            Forward { window: single.clone(), transform: planner.plan_fft_forward(length), shape: tvec![] };
        let inverse = Inverse { window: single, transform: planner.plan_fft_inverse(length), shape: tvec![] };
        let exact = |n: usize, k: usize| {
            let angle = TAU * (n * (k % bins)) as f64 / length as f64;
            window[n] * if k < bins { angle.cos() } else { -angle.sin() }
        };
        let x: Vec<f32> = (0..length).map(|n| ((n * n) as f32 * 0.37).sin()).collect();
        let mut y = vec![0.0; 2 * bins];
        forward.run(&x, &mut y).unwrap();
        for (k, &y) in y.iter().enumerate() {
            let expected: f64 = x.iter().enumerate().map(|(n, &x)| f64::from(x) * exact(n, k)).sum();
            assert!((f64::from(y) - expected).abs() < 1e-3, "bin {k}: {y} instead of {expected}");
        }
        let mut back = vec![0.0; length];
        inverse.run(&y, &mut back).unwrap();
        for (n, &out) in back.iter().enumerate() {
            let twice = |k: usize| if (k % bins).is_multiple_of(length / 2) { 1.0 } else { 2.0 };
            let expected: f64 =
                y.iter().enumerate().map(|(k, &y)| f64::from(y) * twice(k) * exact(n, k)).sum();
            assert!((f64::from(out) - expected).abs() < 2e-2, "sample {n}: {out} instead of {expected}");
        }
    }

    #[test]
    fn folded_bases_are_recognised_and_are_the_matrices_they_stand_for() {
        let weight = |n: usize| 0.02 * (1.0 + (n % 7) as f64);
        for (size, is_odd) in [(33, false), (31, true), (321, false), (319, true), (64, false)] {
            let length = folded_length(size, is_odd);
            let first = usize::from(is_odd);
            let exact = |n: usize, k: usize| {
                let angle = TAU * ((n + first) * (k + first)) as f64 / length as f64;
                weight(n) * if is_odd { -angle.sin() } else { angle.cos() }
            };
            let single = |n: usize, k: usize| f64::from(exact(n, k) as f32);
            let found = |odd| folded_window_of(size, odd, BasisTolerance::Single, single);
            assert!(found(!is_odd).is_none(), "{size}: even is not odd");
            let window = found(is_odd).unwrap_or_else(|| panic!("{size}, odd {is_odd}: it is a basis"));
            let transform = RealFftPlanner::<f32>::new().plan_fft_forward(length);
            let folded = Folded { window, transform, is_odd, shape: tvec![] };
            let x: Vec<f32> = (0..size).map(|n| ((n * n) as f32 * 0.37).sin()).collect();
            let mut y = vec![0.0; size];
            folded.run(&x, &mut y).unwrap();
            for (k, &y) in y.iter().enumerate() {
                let expected: f64 = x.iter().enumerate().map(|(n, &x)| f64::from(x) * exact(n, k)).sum();
                assert!((f64::from(y) - expected).abs() < 1e-4, "{size}, bin {k}: {y} instead of {expected}");
            }
            let spoilt = |n: usize, k: usize| single(n, k) + if (n, k) == (9, 5) { 1e-3 } else { 0.0 };
            assert!(folded_window_of(size, is_odd, BasisTolerance::Half, spoilt).is_none());
        }
    }

    #[test]
    fn the_shipped_packs_transforms_are_all_found() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/live");
        for (file, tolerance, expected) in
            // Two analyses; there and back.
            [("encoder.onnx", BasisTolerance::Single, 4), ("decoder.onnx", BasisTolerance::Half, 4)]
        {
            let model = tract_onnx::onnx().model_for_path(folder.join(file)).unwrap().into_typed().unwrap();
            let model = with_fast_transforms(model, tolerance).unwrap();
            let found = model.nodes().iter().filter(|n| n.op.name().starts_with("Dft")).count();
            assert_eq!(found, expected, "{file}: fast transforms, two for each way");
        }
    }
}

//! Panels times vector, eight rows at a time with AVX2, FMA and F16C, or sixteen with AVX-512. Each row is summed in the
//! same order by both, so that they give the same bits.

use std::arch::x86_64::*;

use super::PANEL_ROWS;

pub fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

pub fn is_wide() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// A weight that eight or sixteen of can be loaded as f32.
pub trait Weight: Copy {
    /// # Safety
    /// `weights` points to eight, and the processor has the features of [`is_available`].
    unsafe fn load_8(weights: *const Self) -> __m256;

    /// # Safety
    /// `weights` points to sixteen, and the processor has the feature of [`is_wide`].
    unsafe fn load_16(weights: *const Self) -> __m512;
}

// The loads need no alignment.
impl Weight for i8 {
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load_8(weights: *const Self) -> __m256 {
        // SAFETY: the caller's.
        let eight = unsafe { _mm_loadl_epi64(weights.cast()) };
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_16(weights: *const Self) -> __m512 {
        // SAFETY: the caller's.
        let sixteen = unsafe { _mm_loadu_si128(weights.cast()) };
        _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(sixteen))
    }
}

impl Weight for u16 {
    #[inline]
    #[target_feature(enable = "avx,f16c")]
    unsafe fn load_8(weights: *const Self) -> __m256 {
        // SAFETY: the caller's.
        _mm256_cvtph_ps(unsafe { _mm_loadu_si128(weights.cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_16(weights: *const Self) -> __m512 {
        // SAFETY: the caller's.
        _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(weights.cast()) })
    }
}

impl Weight for f32 {
    #[inline]
    #[target_feature(enable = "avx")]
    unsafe fn load_8(weights: *const Self) -> __m256 {
        // SAFETY: the caller's.
        unsafe { _mm256_loadu_ps(weights) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_16(weights: *const Self) -> __m512 {
        // SAFETY: the caller's.
        unsafe { _mm512_loadu_ps(weights) }
    }
}

/// `panels` holds the panels of a matrix of `y.len()` rows and `x.len()` columns.
pub fn multiply<W: Weight>(panels: &[W], x: &[f32], y: &mut [f32], is_wide: bool) {
    let count = y.len().div_ceil(PANEL_ROWS);
    assert!(is_available() && (!is_wide || self::is_wide()));
    assert!(panels.len() == count * PANEL_ROWS * x.len());
    let panel = if is_wide { panel_wide::<W> } else { panel::<W> };
    for (n, y) in y.chunks_mut(PANEL_ROWS).enumerate() {
        // SAFETY: the features are there; panel `n` lies inside, all asserted above.
        let sums = unsafe { panel(panels.as_ptr().add(n * PANEL_ROWS * x.len()), x) };
        y.copy_from_slice(&sums[..y.len()]);
    }
}

/// The product of one panel. Even and odd columns are summed apart, so that no sum waits for
/// the one before.
macro_rules! panel {
    ($name:ident, $features:literal, $lanes:literal, $zero:ident, $all:ident, $load:ident, $fmadd:ident, $add:ident, $store:ident) => {
        /// # Safety
        /// `weights` points to a panel of `x.len()` columns, and the processor has the features that are enabled here.
        #[target_feature(enable = $features)]
        unsafe fn $name<W: Weight>(mut weights: *const W, x: &[f32]) -> [f32; PANEL_ROWS] {
            const LANES: usize = $lanes;
            const SUMS: usize = PANEL_ROWS / LANES;
            let mut even = [$zero(); SUMS];
            let mut odd = [$zero(); SUMS];
            let (pairs, rest) = x.as_chunks::<2>();
            for [x0, x1] in pairs {
                let (x0, x1) = ($all(*x0), $all(*x1));
                for lane in 0..SUMS {
                    // SAFETY: two columns are left.
                    unsafe {
                        even[lane] = $fmadd(W::$load(weights.add(lane * LANES)), x0, even[lane]);
                        odd[lane] = $fmadd(W::$load(weights.add(PANEL_ROWS + lane * LANES)), x1, odd[lane]);
                    }
                }
                // SAFETY: at most one past the last column.
                weights = unsafe { weights.add(2 * PANEL_ROWS) };
            }
            if let [x0] = rest {
                let x0 = $all(*x0);
                for (lane, sum) in even.iter_mut().enumerate() {
                    // SAFETY: one column is left.
                    *sum = $fmadd(unsafe { W::$load(weights.add(lane * LANES)) }, x0, *sum);
                }
            }
            let mut out = [0.0; PANEL_ROWS];
            for (lane, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                // SAFETY: `out` holds as many as are stored.
                unsafe { $store(out.as_mut_ptr(), $add(even[lane], odd[lane])) };
            }
            out
        }
    };
}

panel!(
    panel,
    "avx2,fma,f16c",
    8,
    _mm256_setzero_ps,
    _mm256_set1_ps,
    load_8,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_storeu_ps
);
panel!(
    panel_wide,
    "avx512f",
    16,
    _mm512_setzero_ps,
    _mm512_set1_ps,
    load_16,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_storeu_ps
);

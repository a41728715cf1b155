//! Numbers too small to matter, and too slow to bear: denormals become zero on the audio thread.

/// Runs `f` with denormal results and operands taken as zero; afterwards all is as it was, after
/// a panic of `f`, too.
///
/// On x86_64 (FTZ and DAZ) and on aarch64 (FZ: `f32` and `f64`; half precision keeps its denormals,
/// which small `f16` weights need). Elsewhere it just calls `f`.
///
/// # Real-time
/// Allocates, locks, waits: never. Cost: some nanoseconds.
pub fn without_denormals<R>(f: impl FnOnce() -> R) -> R {
    let _guard = Guard::new();
    // Not inlined, so that no arithmetic moves across the switch: to the compiler, arithmetic
    // does not depend on the control register.
    called(f)
}

/// Whether this thread takes denormals as zero just now, found out by computing with some.
///
/// # Real-time
/// Allocates, locks, waits: never. Cost: two multiplications.
pub fn denormals_are_flushed() -> bool {
    use std::hint::black_box;
    let denormal_result = black_box(f32::MIN_POSITIVE) * black_box(0.5);
    let denormal_operand = black_box(f32::from_bits(1)) * black_box(f32::MAX);
    // By bits: a comparison would take denormals as zero as well.
    black_box(denormal_result).to_bits() == 0 && black_box(denormal_operand).to_bits() == 0
}

#[inline(never)]
fn called<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// The control register as it was. Stays on its thread.
struct Guard {
    control: control::Register,
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Guard {
    fn new() -> Self {
        let control = control::read();
        control::write(control | control::FLUSH);
        Self { control, _not_send: std::marker::PhantomData }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        control::write(self.control);
    }
}

// SAFETY, of all the assembly below: it reads or writes the floating-point control register of
// this thread and its own stack slot, nothing else. Only the bits that flush denormals change:
// rounding stays, exceptions stay masked. Strictly, the language leaves code undefined that runs
// under another setting than the default (see `_mm_setcsr`), because the compiler computes and
// reorders as if under the default. In practice a result differs by a denormal, which is what is
// asked for; most hosts set these bits on their audio threads before they call us. No memory
// safety hangs on it: the bits neither trap nor touch integers or normal numbers. The guard
// brings the setting back before the caller continues.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod control {
    use std::arch::asm;

    pub(super) type Register = u32;
    /// Flush to zero (results) and denormals are zero (operands).
    pub(super) const FLUSH: Register = 1 << 15 | 1 << 6;

    pub(super) fn read() -> Register {
        let mut value: Register = 0;
        // SAFETY: see above; writes four bytes to `value`.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        value
    }

    pub(super) fn write(value: Register) {
        // SAFETY: see above; reads four bytes from `value`, which has no reserved bit set, since
        // it came from the register but for two bits that every x86_64 has.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, readonly)) };
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod control {
    use std::arch::asm;

    pub(super) type Register = u64;
    /// Flush to zero, operands and results.
    pub(super) const FLUSH: Register = 1 << 24;

    pub(super) fn read() -> Register {
        let value;
        // SAFETY: see above.
        unsafe { asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }

    pub(super) fn write(value: Register) {
        // SAFETY: see above. Without `nomem`: memory accesses stay on their side of it.
        unsafe { asm!("msr fpcr, {}", in(reg) value, options(nostack)) };
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod control {
    pub(super) type Register = u32;
    pub(super) const FLUSH: Register = 0;

    pub(super) fn read() -> Register {
        0
    }

    pub(super) fn write(_: Register) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPPORTED: bool = control::FLUSH != 0;

    #[test]
    fn denormals_are_flushed_inside_only() {
        assert!(!denormals_are_flushed());
        assert_eq!(without_denormals(denormals_are_flushed), SUPPORTED);
        assert!(!denormals_are_flushed());
    }

    #[test]
    fn an_inner_guard_leaves_the_outer_one_alone() {
        without_denormals(|| {
            without_denormals(|| ());
            assert_eq!(denormals_are_flushed(), SUPPORTED);
        });
    }

    #[test]
    fn a_panic_brings_denormals_back() {
        let caught = std::panic::catch_unwind(|| without_denormals(|| panic!("on purpose")));
        assert!(caught.is_err());
        assert!(!denormals_are_flushed());
    }

    #[test]
    fn other_threads_keep_their_denormals() {
        without_denormals(|| {
            std::thread::scope(|s| {
                // Threads of Linux and macOS start with the default, not with their parent's.
                s.spawn(|| without_denormals(|| ()));
            });
            assert_eq!(denormals_are_flushed(), SUPPORTED);
        });
    }

    #[test]
    fn what_f_returns_is_returned() {
        assert_eq!(without_denormals(|| 1.5_f32 + 2.0), 3.5);
    }
}

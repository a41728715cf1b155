//! What the pools did, in numbers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A snapshot of one pool's counters, or of the process's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtCounters {
    /// Allocations and reallocations served from a pool.
    pub served: u64,
    /// Bytes asked for and not yet back in the pool. Blocks freed by other threads count until
    /// a scope took them back.
    pub bytes_live: usize,
    /// Highest `bytes_live` so far. In the process's counters: the highest of any one pool, since
    /// that is what has to fit.
    pub peak_bytes_live: usize,
    /// Requests made inside a scope that went to the system, because the pool was full or the
    /// request too large. Not real-time; 0 when all is well.
    pub passed_on: u64,
    /// Blocks of the system that were freed or replaced inside a scope. Not real-time either.
    pub system_frees: u64,
    /// Scopes that ran without their pool, because a thread was inside already.
    pub contended_scopes: u64,
}

impl RtCounters {
    /// What is left of handles that are gone: their highest peak.
    pub(super) fn of_retired() -> Self {
        Self { peak_bytes_live: RETIRED_PEAK.load(Relaxed), ..Self::default() }
    }

    /// These and another pool's, together.
    pub(super) fn plus(self, one: Self) -> Self {
        Self {
            served: self.served + one.served,
            bytes_live: self.bytes_live + one.bytes_live,
            peak_bytes_live: self.peak_bytes_live.max(one.peak_bytes_live),
            passed_on: self.passed_on + one.passed_on,
            system_frees: self.system_frees + one.system_frees,
            contended_scopes: self.contended_scopes + one.contended_scopes,
        }
    }
}

/// The highest peak among handles that are gone.
static RETIRED_PEAK: AtomicUsize = AtomicUsize::new(0);

/// The counters in a region. All but `contended_scopes` have one writer, the thread inside, and
/// need no locked instruction.
pub(super) struct RegionCounters {
    served: AtomicU64,
    bytes_live: AtomicUsize,
    peak_bytes_live: AtomicUsize,
    passed_on: AtomicU64,
    system_frees: AtomicU64,
    contended_scopes: AtomicU64,
}

impl RegionCounters {
    pub(super) const fn new() -> Self {
        Self {
            served: AtomicU64::new(0),
            bytes_live: AtomicUsize::new(0),
            peak_bytes_live: AtomicUsize::new(0),
            passed_on: AtomicU64::new(0),
            system_frees: AtomicU64::new(0),
            contended_scopes: AtomicU64::new(0),
        }
    }

    /// A block of `new_bytes` was given out, in place of one of `old_bytes`.
    pub(super) fn served(&self, old_bytes: usize, new_bytes: usize) {
        increment(&self.served);
        let live = self.bytes_live.load(Relaxed).wrapping_sub(old_bytes).wrapping_add(new_bytes);
        self.bytes_live.store(live, Relaxed);
        if live > self.peak_bytes_live.load(Relaxed) {
            self.peak_bytes_live.store(live, Relaxed);
        }
    }

    /// Blocks of so many bytes are back in the pool.
    pub(super) fn freed(&self, bytes: usize) {
        self.bytes_live.store(self.bytes_live.load(Relaxed).wrapping_sub(bytes), Relaxed);
    }

    pub(super) fn passed_on(&self) {
        increment(&self.passed_on);
    }

    pub(super) fn system_free(&self) {
        increment(&self.system_frees);
    }

    /// From any thread.
    pub(super) fn contended(&self) {
        self.contended_scopes.fetch_add(1, Relaxed);
    }

    pub(super) fn bytes_live(&self) -> usize {
        self.bytes_live.load(Relaxed)
    }

    /// A new handle begins, with a peak of its own.
    pub(super) fn restart_peak(&self) {
        RETIRED_PEAK.fetch_max(self.peak_bytes_live.load(Relaxed), Relaxed);
        self.peak_bytes_live.store(self.bytes_live(), Relaxed);
    }

    pub(super) fn snapshot(&self) -> RtCounters {
        RtCounters {
            served: self.served.load(Relaxed),
            bytes_live: self.bytes_live(),
            peak_bytes_live: self.peak_bytes_live.load(Relaxed),
            passed_on: self.passed_on.load(Relaxed),
            system_frees: self.system_frees.load(Relaxed),
            contended_scopes: self.contended_scopes.load(Relaxed),
        }
    }
}

/// For counters with a single writer.
fn increment(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
}

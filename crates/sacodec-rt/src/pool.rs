//! The handle of a pool, and the scope in which a thread is served from it.

use thiserror::Error;

use super::allocator::ScopeGuard;
use super::counters::RtCounters;
use super::region::{POOL_BYTES, RegionPtr};
use super::registry::{self, MAX_POOLS};

/// A pool that still has more than this in use is left alone as long as a fresh one can be had.
const REUSABLE_BYTES_LIVE: usize = POOL_BYTES / 8;

/// Why there is no pool.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolError {
    /// The process holds all the pools it can have.
    #[error("all {max} real-time memory pools are in use; remove an instance of the plugin")]
    TooMany {
        /// How many there can be.
        max: usize,
    },
    /// The system has no memory.
    #[error("the system has no {bytes} bytes for a real-time memory pool; free some memory")]
    OutOfMemory {
        /// What was asked for.
        bytes: usize,
    },
}

/// The counters of all pools together.
///
/// # Real-time
/// Allocates, locks, waits: never. Cost: a few microseconds, so better asked elsewhere.
pub fn counters() -> RtCounters {
    let pools = registry::all().map(|region| region.shared().counters.snapshot());
    pools.fold(RtCounters::of_retired(), RtCounters::plus)
}

/// Memory for one audio thread at a time. What it holds when dropped stays valid.
#[derive(Debug)]
pub struct RtPool {
    region: RegionPtr,
    /// The counters when this handle began: pools are reused, and counters never go back.
    at_start: RtCounters,
}

impl RtPool {
    /// Takes a pool that no handle uses, or a new one from the system.
    ///
    /// Not real-time: allocates and touches [`POOL_BYTES`].
    pub fn new() -> Result<Self, PoolError> {
        if let Some(pool) = Self::reuse(REUSABLE_BYTES_LIVE) {
            return Ok(pool);
        }
        if !registry::reserve() {
            return Self::reuse(usize::MAX).ok_or(PoolError::TooMany { max: MAX_POOLS });
        }
        let Some(region) = RegionPtr::allocate() else {
            registry::cancel();
            return Err(PoolError::OutOfMemory { bytes: POOL_BYTES });
        };
        registry::insert(region);
        Ok(Self { region, at_start: RtCounters::default() })
    }

    /// Runs `f` with the global allocator on this pool, for this thread.
    ///
    /// One thread at a time can be inside. If one is already, `f` runs as if there were no scope,
    /// and that is counted. A scope within a scope of the same pool stays inside. The scope of
    /// another pool takes over until it ends. A panic of `f` leaves the scope, too.
    ///
    /// # Real-time
    /// Allocates, locks, waits: never. Cost: two atomic operations, and taking back what other
    /// threads freed, [`DRAIN_AT_ENTRY`](super::DRAIN_AT_ENTRY) blocks at most.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _guard = ScopeGuard::enter(self.region);
        f()
    }

    /// What this pool did since this handle was made.
    ///
    /// # Real-time
    /// Allocates, locks, waits: never. Cost: a few loads.
    pub fn counters(&self) -> RtCounters {
        let now = self.region.shared().counters.snapshot();
        RtCounters {
            served: now.served - self.at_start.served,
            passed_on: now.passed_on - self.at_start.passed_on,
            system_frees: now.system_frees - self.at_start.system_frees,
            contended_scopes: now.contended_scopes - self.at_start.contended_scopes,
            ..now
        }
    }

    /// A pool without a handle and with at most so many bytes in use.
    fn reuse(max_bytes_live: usize) -> Option<Self> {
        registry::all().filter(|region| region.try_lease()).find_map(|region| {
            let counters = &region.shared().counters;
            // Scopes borrow a handle and there is none, so nobody is inside.
            if let Some(mut inside) = region.try_enter() {
                inside.drain(usize::MAX);
                counters.restart_peak();
                // SAFETY: entered above.
                unsafe { region.leave() };
            }
            if counters.bytes_live() > max_bytes_live {
                region.end_lease();
                return None;
            }
            Some(Self { region, at_start: counters.snapshot() })
        })
    }

    #[cfg(test)]
    pub(super) fn region(&self) -> RegionPtr {
        self.region
    }
}

impl Drop for RtPool {
    fn drop(&mut self) {
        self.region.end_lease();
    }
}

//! Where the regions are: from an address to its region in constant time, without a lock.
//!
//! An open-addressing table keyed by the upper bits of the address. Regions are added and never
//! removed, so a probe that meets an empty slot is done. Orderings may be weak: who holds a block
//! got it from somebody who saw the region registered.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::region::{POOL_BYTES, Region, RegionPtr};

/// How many pools a process can have.
pub const MAX_POOLS: usize = 1024;

/// A quarter full at most, so that probes are short.
const SLOTS: usize = 4 * MAX_POOLS;

static TABLE: [AtomicPtr<Region>; SLOTS] = [const { AtomicPtr::new(ptr::null_mut()) }; SLOTS];
/// Regions registered or about to be.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// The lowest address of any region; with `HIGHEST` it spares most of the process the table.
static LOWEST: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The last address of any region.
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

/// The region that the address lies in.
#[inline]
pub(super) fn find(addr: usize) -> Option<RegionPtr> {
    if addr < LOWEST.load(Ordering::Relaxed) || addr > HIGHEST.load(Ordering::Relaxed) {
        return None;
    }
    let key = RegionPtr::key_of(addr);
    let mut slot = slot_of(key);
    loop {
        let region = at(slot)?;
        if region.contains(addr) {
            return Some(region);
        }
        slot = (slot + 1) % SLOTS;
    }
}

/// All regions, in no order.
pub(super) fn all() -> impl Iterator<Item = RegionPtr> {
    (0..SLOTS).filter_map(at)
}

/// Reserves a place for one more region. False: there are [`MAX_POOLS`].
pub(super) fn reserve() -> bool {
    reserve_in(&COUNT)
}

/// Gives a reserved place back.
pub(super) fn cancel() {
    COUNT.fetch_sub(1, Ordering::Relaxed);
}

/// Registers a region, for ever. A place must have been reserved.
pub(super) fn insert(region: RegionPtr) {
    let base = region.as_ptr().addr().get();
    LOWEST.fetch_min(base, Ordering::Relaxed);
    HIGHEST.fetch_max(base + (POOL_BYTES - 1), Ordering::Relaxed);
    let new = region.as_ptr().as_ptr();
    let mut slot = slot_of(RegionPtr::key_of(base));
    // Ends, because reservations leave most slots empty.
    while TABLE[slot].compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Relaxed).is_err() {
        slot = (slot + 1) % SLOTS;
    }
}

fn reserve_in(count: &AtomicUsize) -> bool {
    let one_more = |count: usize| (count < MAX_POOLS).then_some(count + 1);
    count.try_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
}

fn at(slot: usize) -> Option<RegionPtr> {
    let region = NonNull::new(TABLE[slot].load(Ordering::Acquire))?;
    // SAFETY: `insert` is the only writer of the table.
    Some(unsafe { RegionPtr::from_ptr(region) })
}

fn slot_of(key: usize) -> usize {
    // Fibonacci hashing: neighbouring regions, the usual case, spread over the table.
    const RATIO: usize = 0x9E37_79B9_7F4A_7C15_u64 as usize;
    key.wrapping_mul(RATIO) >> (usize::BITS - SLOTS.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_end_at_max_pools() {
        let count = AtomicUsize::new(MAX_POOLS - 1);
        assert!(reserve_in(&count));
        assert!(!reserve_in(&count));
        assert_eq!(count.into_inner(), MAX_POOLS);
    }

    #[test]
    fn every_key_has_a_slot() {
        for key in [0, 1, 2, usize::MAX >> 22, usize::MAX] {
            assert!(slot_of(key) < SLOTS);
        }
    }

    #[test]
    fn addresses_that_are_nobodys_are_nobodys() {
        let local = 0_u8;
        for addr in [0, 1, usize::MAX, (&raw const local).addr()] {
            assert!(find(addr).is_none());
        }
    }
}

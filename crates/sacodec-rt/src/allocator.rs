//! The global allocator: who is served from where, and where a freed block goes.
//!
//! Nothing here may allocate, panic or lock. The thread-local is initialised by the compiler and
//! has no destructor, so that touching it registers nothing with the system.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use super::region::{Inside, RegionPtr};
use super::registry;

thread_local! {
    /// The region this thread is inside of: set between its `try_enter` and its `leave`.
    static CURRENT: Cell<Option<RegionPtr>> = const { Cell::new(None) };
}

/// Whether this thread is inside the scope of a pool.
///
/// # Real-time
/// Allocates, locks, waits: never. Cost: one load.
pub fn in_scope() -> bool {
    CURRENT.get().is_some()
}

#[inline]
fn current() -> Option<Inside> {
    let region = CURRENT.get()?;
    // SAFETY: `CURRENT` holds a region only while this thread is inside of it.
    Some(unsafe { region.inside() })
}

/// A stay of this thread in a region; ends on drop, so on unwinding as well.
pub(super) struct ScopeGuard {
    entered: RegionPtr,
    previous: Option<RegionPtr>,
}

impl ScopeGuard {
    /// `None` if there is nothing to leave: the thread is inside already, or another one is.
    pub(super) fn enter(region: RegionPtr) -> Option<Self> {
        if CURRENT.get() == Some(region) {
            return None;
        }
        let Some(mut inside) = region.try_enter() else {
            region.shared().counters.contended();
            return None;
        };
        inside.drain(super::DRAIN_AT_ENTRY);
        Some(Self { entered: region, previous: CURRENT.replace(Some(region)) })
    }
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        CURRENT.set(self.previous);
        // SAFETY: `enter` entered, on this thread: the guard is never moved to another one. Each
        // `Inside` made since lived within a call of the allocator.
        unsafe { self.entered.leave() };
    }
}

/// Serves threads inside the scope of an [`RtPool`](super::RtPool) from that pool and all others
/// from the system. Blocks may be freed and resized by any thread.
///
/// # Real-time
/// Inside a scope: allocates, locks, waits: never; constant time, plus the copy where a block
/// moves. Unless the pool is full, or the block is one of the system's: see the counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct RtAllocator;

// SAFETY: blocks come from the system or from a region and go back to where their address says
// they came from. A region hands a block out once until it is freed, keeps the alignment, and
// outlives all its blocks. Nothing here unwinds.
unsafe impl GlobalAlloc for RtAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match serve(layout) {
            Some(block) => block.as_ptr(),
            // SAFETY: the caller's contract is the system's.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match serve(layout) {
            Some(block) => {
                // SAFETY: the block is ours and that large.
                unsafe { block.write_bytes(0, layout.size()) };
                block.as_ptr()
            }
            // SAFETY: the caller's contract is the system's.
            None => unsafe { System.alloc_zeroed(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is that of either, and the address tells which.
        unsafe {
            match origin(block) {
                Origin::Here(mut inside, block) => inside.deallocate(block, layout),
                Origin::Elsewhere(region, block) => region.free_from_elsewhere(block, layout),
                Origin::System(inside) => {
                    if let Some(inside) = inside {
                        inside.counters().system_free();
                    }
                    System.dealloc(block, layout);
                }
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's contract is that of either, and the address tells which. `new` is
        // valid by that contract. A block that moves is copied before it is freed.
        unsafe {
            let new = Layout::from_size_align_unchecked(new_size, layout.align());
            match origin(block) {
                Origin::Here(mut inside, block) => {
                    if let Some(moved) = inside.reallocate(block, layout, new_size) {
                        return moved.as_ptr();
                    }
                    inside.counters().passed_on();
                    let moved = copied(block.as_ptr(), layout, System.alloc(new), new);
                    if !moved.is_null() {
                        inside.deallocate(block, layout);
                    }
                    moved
                }
                Origin::Elsewhere(region, block) => {
                    let moved = copied(block.as_ptr(), layout, self.alloc(new), new);
                    if !moved.is_null() {
                        region.free_from_elsewhere(block, layout);
                    }
                    moved
                }
                Origin::System(None) => System.realloc(block, layout, new_size),
                Origin::System(Some(inside)) => match serve(new) {
                    // Into the pool, so that it is the last time.
                    Some(moved) => {
                        let moved = copied(block, layout, moved.as_ptr(), new);
                        inside.counters().system_free();
                        System.dealloc(block, layout);
                        moved
                    }
                    None => System.realloc(block, layout, new_size),
                },
            }
        }
    }
}

/// A block from the pool this thread is inside of, if it is and there is one. Counts if not.
#[inline]
fn serve(layout: Layout) -> Option<NonNull<u8>> {
    let mut inside = current()?;
    let block = inside.allocate(layout);
    if block.is_none() {
        inside.counters().passed_on();
    }
    block
}

/// Where a block came from, seen from this thread.
enum Origin {
    /// The pool this thread is inside of.
    Here(Inside, NonNull<u8>),
    /// A pool this thread is not inside of.
    Elsewhere(RegionPtr, NonNull<u8>),
    /// The system; with the pool this thread is inside of, if it is.
    System(Option<Inside>),
}

#[inline]
fn origin(block: *mut u8) -> Origin {
    let current = current();
    let Some(block) = NonNull::new(block) else {
        return Origin::System(current);
    };
    let addr = block.addr().get();
    match current {
        Some(inside) if inside.contains(addr) => Origin::Here(inside, block),
        current => match registry::find(addr) {
            Some(region) => Origin::Elsewhere(region, block),
            None => Origin::System(current),
        },
    }
}

/// Copies what fits of a block into a new one, which may be null, and gives the new one back.
///
/// # Safety
/// Both are blocks of their layouts, and they do not overlap.
unsafe fn copied(old: *mut u8, old_layout: Layout, new: *mut u8, new_layout: Layout) -> *mut u8 {
    if !new.is_null() {
        // SAFETY: the caller's.
        unsafe { ptr::copy_nonoverlapping(old, new, old_layout.size().min(new_layout.size())) };
    }
    new
}

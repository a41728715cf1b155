//! One pool in memory: an aligned region whose first bytes describe it and whose rest is served.
//!
//! The description has two halves. What any thread may read or write (`busy`, `leased`, the list
//! of blocks freed elsewhere, the counters) is atomic. The TLSF state sits in an [`UnsafeCell`]
//! and belongs to the thread that holds `busy`; no `&mut` ever covers anything else.
//!
//! Provenance: every pointer into a region is made from the pointer that the system gave for the
//! whole of it ([`RegionPtr::at`]). A pointer handed to `dealloc` may cover no more than its own
//! block, and the allocator must reach the header before it.
//!
//! Miri finds nothing in the tests of this module, under Tree Borrows and strict provenance. As
//! the global allocator it objects, as to every allocator written in Rust that reuses freed
//! bytes, where a function drops a `Box` it was passed: the box counts as borrowed until the
//! function returns. Whether an allocator may write there is an open question of the language; the
//! compiler keeps the call to the allocator opaque, and nobody reads the block any more. So test
//! that case without a borrow model (`-Zmiri-disable-stacked-borrows`).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crossbeam::utils::CachePadded;
use rlsf::{GRANULARITY, Tlsf};

use super::counters::RegionCounters;

/// Miri checks every byte of a region many times over, so there it is small.
const POOL_BITS: u32 = if cfg!(miri) { 19 } else { 22 };

/// Size and alignment of a pool in bytes.
///
/// A mono frame of a 16-million-parameter codec needs at most 1.3 MB at once; this leaves room for
/// two channels and for the overlap of two models while one replaces the other.
pub const POOL_BYTES: usize = 1 << POOL_BITS;

/// Upper bound of the blocks that entering a scope takes back from other threads.
///
/// Bounds the cost of entry: without it, a whole model dropped elsewhere would be paid for by one
/// callback.
pub const DRAIN_AT_ENTRY: usize = if cfg!(miri) { 32 } else { 1024 };

/// First level of TLSF: just enough size classes for a block as large as the region.
const FIRST_LEVEL: usize = (POOL_BITS - GRANULARITY.trailing_zeros()) as usize;
/// Second level: 32 steps an octave, so that rounding up wastes 3 % at most.
const SECOND_LEVEL: usize = 32;
/// The least page size of the platforms we know; touching more often than needed is harmless.
const PAGE_BYTES: usize = 4096;

/// What is written into a block freed elsewhere, until its owner takes it back.
struct FreedBlock {
    next: *mut FreedBlock,
    /// `size << ALIGN_LOG2_BITS | log2(align)` of the layout it was freed with.
    layout: usize,
}

const ALIGN_LOG2_BITS: u32 = 6;

// TLSF places payloads at multiples of half its granularity and leaves at least as many bytes,
// so a `FreedBlock` always fits (for the one exception see `padded`).
const _: () = assert!(size_of::<FreedBlock>() <= GRANULARITY / 2);
const _: () = assert!(align_of::<FreedBlock>() <= GRANULARITY / 2);
const _: () = assert!(POOL_BITS + ALIGN_LOG2_BITS <= usize::BITS);

/// The state that belongs to the thread inside the region.
struct Owned {
    tlsf: Tlsf<'static, u32, u32, FIRST_LEVEL, SECOND_LEVEL>,
    /// Blocks taken from `Region::freed_elsewhere` that are still to be freed.
    pending: *mut FreedBlock,
}

/// The description at the start of a region. Lives as long as the process.
pub(super) struct Region {
    owned: CachePadded<UnsafeCell<Owned>>,
    /// Written by the thread inside only, except for its count of contended scopes.
    pub(super) counters: RegionCounters,
    /// Blocks freed by threads that are not inside: pushed one by one, taken all at once.
    freed_elsewhere: CachePadded<AtomicPtr<FreedBlock>>,
    /// A thread is inside.
    busy: CachePadded<AtomicBool>,
    /// A handle exists.
    leased: AtomicBool,
}

/// A region, by the pointer that covers all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegionPtr(NonNull<Region>);

// SAFETY: a region is never unmapped, its fields are atomics, and `owned` is reached through
// `Inside` only, which one thread at a time can have.
unsafe impl Send for RegionPtr {}
// SAFETY: as above; `RegionPtr` is `Copy`, so sharing and sending are the same.
unsafe impl Sync for RegionPtr {}

impl RegionPtr {
    /// Takes a region from the system and touches every page of it. `None`: out of memory.
    pub(super) fn allocate() -> Option<Self> {
        const LAYOUT: Layout = match Layout::from_size_align(POOL_BYTES, POOL_BYTES) {
            Ok(layout) => layout,
            Err(_) => panic!("the size is a power of two"),
        };
        // SAFETY: the size is not zero.
        let base = NonNull::new(unsafe { System.alloc(LAYOUT) })?;
        for offset in (0..POOL_BYTES).step_by(PAGE_BYTES) {
            // SAFETY: inside the allocation, which nobody else knows yet. Volatile, because the
            // store has no other purpose than to make the page resident.
            unsafe { base.as_ptr().add(offset).write_volatile(0) };
        }
        let region = base.cast::<Region>();
        // SAFETY: the allocation is aligned to far more than a `Region` asks for and larger; the
        // slice is the rest of it, which the region owns from here on and for ever.
        unsafe {
            region.write(Region {
                owned: CachePadded::new(UnsafeCell::new(Owned {
                    tlsf: Tlsf::new(),
                    pending: ptr::null_mut(),
                })),
                counters: RegionCounters::new(),
                freed_elsewhere: CachePadded::new(AtomicPtr::new(ptr::null_mut())),
                busy: CachePadded::new(AtomicBool::new(false)),
                leased: AtomicBool::new(true),
            });
            let rest = base.add(size_of::<Region>());
            let owned = &mut *(*region.as_ptr()).owned.get();
            owned
                .tlsf
                .insert_free_block_ptr(NonNull::slice_from_raw_parts(rest, POOL_BYTES - size_of::<Region>()));
        }
        Some(Self(region))
    }

    /// A region out of a table that holds whole-region pointers only.
    ///
    /// # Safety
    /// `region` came from [`RegionPtr::as_ptr`].
    pub(super) unsafe fn from_ptr(region: NonNull<Region>) -> Self {
        Self(region)
    }

    pub(super) fn as_ptr(self) -> NonNull<Region> {
        self.0
    }

    /// The half of the description that any thread may use.
    pub(super) fn shared(self) -> &'static Region {
        // SAFETY: initialised in `allocate`, never unmapped; all that changes in it is atomic or
        // in an `UnsafeCell`.
        unsafe { self.0.as_ref() }
    }

    /// The number that all addresses in a region share and no other address has.
    pub(super) fn key_of(addr: usize) -> usize {
        addr >> POOL_BITS
    }

    pub(super) fn contains(self, addr: usize) -> bool {
        Self::key_of(addr) == Self::key_of(self.0.addr().get())
    }

    /// The address as a pointer that may reach the whole region.
    fn at(self, block: NonNull<u8>) -> NonNull<u8> {
        self.0.cast::<u8>().with_addr(block.addr())
    }

    /// Enters the region, unless a thread is inside already.
    pub(super) fn try_enter(self) -> Option<Inside> {
        if self.shared().busy.swap(true, Ordering::Acquire) {
            return None;
        }
        Some(Inside { region: self, not_send: PhantomData })
    }

    /// Lets the next thread in.
    ///
    /// # Safety
    /// The calling thread entered by `try_enter` and has no [`Inside`] of it any more.
    pub(super) unsafe fn leave(self) {
        self.shared().busy.store(false, Ordering::Release);
    }

    /// What [`RegionPtr::try_enter`] gave, again.
    ///
    /// # Safety
    /// The calling thread is between `try_enter` and `leave`.
    pub(super) unsafe fn inside(self) -> Inside {
        Inside { region: self, not_send: PhantomData }
    }

    /// For tests that look at the inside without a scope.
    #[cfg(test)]
    pub(super) fn try_enter_for_test<R>(self, f: impl FnOnce(&mut Inside) -> R) -> R {
        let result = f(&mut self.try_enter().expect("nobody is inside"));
        // SAFETY: entered above; `f` did not keep the `Inside`.
        unsafe { self.leave() };
        result
    }

    /// Makes the region the caller's, unless a handle has it.
    pub(super) fn try_lease(self) -> bool {
        !self.shared().leased.swap(true, Ordering::Acquire)
    }

    /// Gives the region to the next handle.
    pub(super) fn end_lease(self) {
        self.shared().leased.store(false, Ordering::Release);
    }

    /// Frees a block from a thread that is not inside. Lock-free.
    ///
    /// # Safety
    /// As for `GlobalAlloc::dealloc`; the block is one of this region's.
    pub(super) unsafe fn free_from_elsewhere(self, block: NonNull<u8>, layout: Layout) {
        let node = self.at(block).cast::<FreedBlock>().as_ptr();
        let list = &self.shared().freed_elsewhere;
        let mut first = list.load(Ordering::Relaxed);
        loop {
            let packed = layout.size() << ALIGN_LOG2_BITS | layout.align().trailing_zeros() as usize;
            // SAFETY: the block is ours until the exchange succeeds, aligned and large enough
            // for a `FreedBlock` (see there). The thread inside reads and writes the header
            // before the block at most, never the block itself.
            unsafe { node.write(FreedBlock { next: first, layout: packed }) };
            // Release: what this thread did to the block comes before its reuse. Nodes leave the
            // list only all together, so a recurring `first` is harmless.
            match list.compare_exchange_weak(first, node, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }
}

/// Proof that this thread is inside a region; what the owner may do.
pub(super) struct Inside {
    region: RegionPtr,
    not_send: PhantomData<*const ()>,
}

impl Inside {
    pub(super) fn contains(&self, addr: usize) -> bool {
        self.region.contains(addr)
    }

    pub(super) fn counters(&self) -> &'static RegionCounters {
        &self.region.shared().counters
    }

    /// The owner's state.
    fn owned(&mut self) -> &mut Owned {
        // SAFETY: `Inside` exists on the thread that holds `busy` only, so no other thread is
        // here. Nor is another call on this thread: the reference never leaves the methods
        // below, and while it lives they call nothing that could come back to the allocator.
        unsafe { &mut *self.region.shared().owned.get() }
    }

    /// A block from the pool, or `None` if none is free that is large enough.
    pub(super) fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let padded = padded(layout)?;
        let mut block = self.owned().tlsf.allocate(padded);
        if block.is_none() && self.drain(usize::MAX) {
            block = self.owned().tlsf.allocate(padded);
        }
        if block.is_some() {
            self.counters().served(0, layout.size());
        }
        block
    }

    /// Frees a block at once.
    ///
    /// # Safety
    /// As for `GlobalAlloc::dealloc`; the block is one of this region's.
    pub(super) unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        let block = self.region.at(block);
        // SAFETY: passed on to the caller; the pointer covers the header too.
        unsafe { self.owned().tlsf.deallocate(block, layout.align()) };
        self.counters().freed(layout.size());
    }

    /// Resizes a block, in place where possible. `None`: it is as it was.
    ///
    /// # Safety
    /// As for `GlobalAlloc::realloc`; the block is one of this region's.
    pub(super) unsafe fn reallocate(
        &mut self,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let new_layout = padded(Layout::from_size_align(new_size, layout.align()).ok()?)?;
        let block = self.region.at(block);
        // SAFETY: passed on to the caller; the pointer covers the header too.
        let mut moved = unsafe { self.owned().tlsf.reallocate(block, new_layout) };
        if moved.is_none() && self.drain(usize::MAX) {
            // SAFETY: as above; the failed attempt left the block alone, and draining frees
            // other blocks.
            moved = unsafe { self.owned().tlsf.reallocate(block, new_layout) };
        }
        if moved.is_some() {
            self.counters().served(layout.size(), new_size);
        }
        moved
    }

    /// Takes back up to `limit` blocks that were freed elsewhere. True if there were any.
    pub(super) fn drain(&mut self, limit: usize) -> bool {
        let mut freed_bytes = 0;
        let mut freed = 0;
        let list = &self.region.shared().freed_elsewhere;
        let owned = self.owned();
        while freed < limit {
            if owned.pending.is_null() {
                // The plain load keeps the usual case, an empty list, free of a locked exchange.
                if list.load(Ordering::Relaxed).is_null() {
                    break;
                }
                owned.pending = list.swap(ptr::null_mut(), Ordering::Acquire);
            }
            let node = owned.pending;
            // SAFETY: nodes are written before they are published, which the acquiring swap
            // above saw, and since then they are ours.
            let FreedBlock { next, layout } = unsafe { node.read() };
            owned.pending = next;
            let align = 1 << (layout & ((1 << ALIGN_LOG2_BITS) - 1));
            // SAFETY: a block of this region, freed once, by a pointer made by `at`, with the
            // alignment it was allocated with. It is not null.
            unsafe { owned.tlsf.deallocate(NonNull::new_unchecked(node.cast()), align) };
            freed_bytes += layout >> ALIGN_LOG2_BITS;
            freed += 1;
        }
        self.counters().freed(freed_bytes);
        freed > 0
    }
}

/// The layout to ask TLSF for: it gives an over-aligned block of no size no bytes at all, and a
/// [`FreedBlock`] must fit. `None` if no such layout exists.
fn padded(layout: Layout) -> Option<Layout> {
    Layout::from_size_align(layout.size().max(size_of::<FreedBlock>()), layout.align()).ok()
}

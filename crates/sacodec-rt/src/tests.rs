//! The allocator against models of what it should do, with and without being the global one.

use std::alloc::{GlobalAlloc, Layout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Barrier;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use super::*;

/// The tests call it directly, so they do not depend on what the crate's global allocator is.
static ALLOCATOR: RtAllocator = RtAllocator;

/// So many bytes at either end of a block are checked.
const ENDS: usize = 16;

/// A block that knows what it holds. Frees itself wherever it is dropped.
struct Block {
    ptr: NonNull<u8>,
    layout: Layout,
    seed: u64,
}

// SAFETY: it owns its bytes.
unsafe impl Send for Block {}

impl Block {
    fn new(size: usize, align: usize, seed: u64) -> Self {
        let layout = Layout::from_size_align(size, align).unwrap();
        // SAFETY: `RtAllocator` allows a size of zero.
        let ptr = NonNull::new(unsafe { ALLOCATOR.alloc(layout) }).unwrap();
        assert_eq!(ptr.addr().get() % align, 0);
        let mut block = Self { ptr, layout, seed };
        block.fill();
        block
    }

    fn byte(&self, index: usize) -> u8 {
        (self.seed.wrapping_add(index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
    }

    fn checked_indices(&self) -> impl Iterator<Item = usize> + use<> {
        let size = self.layout.size();
        (0..size.min(ENDS)).chain(size.saturating_sub(ENDS).max(ENDS)..size)
    }

    fn fill(&mut self) {
        for index in self.checked_indices() {
            // SAFETY: inside the block.
            unsafe { self.ptr.add(index).write(self.byte(index)) };
        }
    }

    fn check(&self) {
        for index in self.checked_indices() {
            // SAFETY: inside the block, and written by `fill`.
            assert_eq!(unsafe { self.ptr.add(index).read() }, self.byte(index));
        }
    }

    fn resize(&mut self, new_size: usize) {
        self.check();
        let old_size = self.layout.size();
        // SAFETY: ours, with this layout.
        let moved = unsafe { ALLOCATOR.realloc(self.ptr.as_ptr(), self.layout, new_size) };
        self.ptr = NonNull::new(moved).unwrap();
        self.layout = Layout::from_size_align(new_size, self.layout.align()).unwrap();
        for index in 0..old_size.min(new_size).min(ENDS) {
            // SAFETY: inside the block, and written by `fill` before it moved.
            assert_eq!(unsafe { self.ptr.add(index).read() }, self.byte(index));
        }
        self.fill();
    }

    fn is_in(&self, pool: &RtPool) -> bool {
        pool.region().contains(self.ptr.addr().get())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.check();
        }
        // SAFETY: ours, with this layout.
        unsafe { ALLOCATOR.dealloc(self.ptr.as_ptr(), self.layout) };
    }
}

struct Random(fastrand::Rng);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    /// Small sizes often, large ones sometimes, zero now and then.
    fn size(&mut self) -> usize {
        let bits = self.below(rounds(15, 11));
        self.below(1 << bits)
    }

    fn align(&mut self) -> usize {
        if self.below(4) > 0 { 8 } else { 1 << self.below(13) }
    }
}

fn rounds(native: usize, miri: usize) -> usize {
    if cfg!(miri) { miri } else { native }
}

/// A pool with nothing in it. Where ours is the global allocator, a used one may hold what the
/// standard library keeps for ever, for example the symbols of a backtrace.
fn empty_pool() -> RtPool {
    let mut used = Vec::new();
    loop {
        let pool = RtPool::new().unwrap();
        if pool.counters().bytes_live == 0 {
            return pool;
        }
        used.push(pool);
    }
}

/// What is in the pool must be free again, in one piece.
fn assert_empty(pool: &RtPool) {
    // A thread that was started inside a scope may free its own things after it was joined.
    for _ in 0..1000 {
        pool.region().try_enter_for_test(|inside| inside.drain(usize::MAX));
        if pool.counters().bytes_live == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(pool.counters().bytes_live, 0);
    let before = pool.counters().passed_on;
    pool.scope(|| assert!(Block::new(POOL_BYTES / 32 * 31, 8, 0).is_in(pool)));
    assert_eq!(pool.counters().passed_on, before);
}

#[test]
fn handles_go_anywhere() {
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<RtPool>();
    send_and_sync::<PoolError>();
}

#[test]
fn random_requests_keep_their_contents() {
    for (seed, outside_one_in) in [(1, usize::MAX), (2, 3), (3, 50)] {
        let pool = empty_pool();
        let mut random = Random(fastrand::Rng::with_seed(seed));
        let mut blocks: Vec<Block> = Vec::with_capacity(512);
        for round in 0..rounds(100_000, 300) {
            let mut act = || match random.below(4) {
                0 | 1 if blocks.len() < 256 => {
                    blocks.push(Block::new(random.size(), random.align(), round as u64));
                }
                2 if !blocks.is_empty() => {
                    let index = random.below(blocks.len());
                    blocks[index].resize(random.size());
                }
                _ if !blocks.is_empty() => {
                    drop(blocks.swap_remove(random.below(blocks.len())));
                }
                _ => {}
            };
            if round % outside_one_in == 1 { act() } else { pool.scope(act) }
        }
        assert!(pool.counters().served > rounds(30_000, 90) as u64);
        assert_eq!(pool.counters().passed_on, 0);
        blocks.iter().for_each(Block::check);
        drop(blocks);
        assert_empty(&pool);
    }
}

#[test]
fn blocks_freed_by_other_threads_come_back() {
    const BATCH: usize = if cfg!(miri) { 16 } else { 256 };
    let batches = rounds(8_000, 8);
    let pool = empty_pool();
    let other_pool = empty_pool();
    thread::scope(|s| {
        let channels: Vec<_> = [false, true]
            .into_iter()
            .map(|in_other_scope| {
                let (send, receive) = sync_channel::<Vec<Block>>(4);
                let other_pool = &other_pool;
                s.spawn(move || {
                    for mut batch in receive {
                        if in_other_scope {
                            other_pool.scope(|| batch.clear());
                        } else {
                            batch.clear();
                        }
                    }
                });
                send
            })
            .collect();
        let mut random = Random(fastrand::Rng::with_seed(4));
        for number in 0..batches {
            let mut batch = Vec::with_capacity(BATCH);
            pool.scope(|| {
                for index in 0..BATCH {
                    let seed = (number * BATCH + index) as u64;
                    batch.push(Block::new(random.below(256), random.align().min(256), seed));
                }
                // Frees by the owner in between, so that neighbours merge while others free.
                batch.retain(|block| block.seed % 7 != 0);
            });
            channels[number % 2].send(batch).unwrap();
        }
    });
    assert_eq!(pool.counters().served, (batches * BATCH) as u64);
    assert_eq!(pool.counters().passed_on, 0);
    assert_eq!(other_pool.counters().system_frees, 0);
    assert_empty(&pool);
}

#[test]
fn entering_takes_back_a_bounded_number_of_blocks() {
    let count = DRAIN_AT_ENTRY * 2 + 10;
    let pool = empty_pool();
    let mut blocks = Vec::with_capacity(count);
    pool.scope(|| blocks.extend((0..count).map(|seed| Block::new(16, 8, seed as u64))));
    drop(blocks);
    assert_eq!(pool.counters().bytes_live, 16 * count);
    for left in [DRAIN_AT_ENTRY + 10, 10, 0] {
        pool.scope(|| ());
        assert_eq!(pool.counters().bytes_live, 16 * left);
    }
    assert_empty(&pool);
}

#[test]
fn a_full_pool_is_counted_and_recovers() {
    const SIZE: usize = POOL_BYTES / 70;
    let pool = empty_pool();
    let mut blocks = Vec::with_capacity(100);
    pool.scope(|| {
        while pool.counters().passed_on < 3 {
            blocks.push(Block::new(SIZE, 8, 5));
        }
    });
    let (inside, outside): (Vec<_>, Vec<_>) = blocks.drain(..).partition(|b| b.is_in(&pool));
    assert_eq!(outside.len(), 3);
    assert!(inside.len() * SIZE > POOL_BYTES * 9 / 10);
    assert_eq!(pool.counters().bytes_live, inside.len() * SIZE);
    assert_eq!(pool.counters().peak_bytes_live, inside.len() * SIZE);
    assert!(counters().peak_bytes_live >= inside.len() * SIZE);

    // Growing a block passes it on, too, with what it holds.
    let mut inside = inside;
    pool.scope(|| inside[0].resize(SIZE * 2));
    assert!(!inside[0].is_in(&pool));
    assert_eq!(pool.counters().passed_on, 4);

    // What others free while we are inside is found before a request is given up.
    blocks.extend(inside);
    let large = pool.scope(|| {
        thread::scope(|s| {
            s.spawn(|| blocks.clear());
        });
        let before = pool.counters().passed_on;
        let large = Block::new(SIZE * 4, 8, 6);
        assert_eq!(pool.counters().passed_on, before);
        large
    });
    assert!(large.is_in(&pool));
    drop((large, outside));
    assert_empty(&pool);
}

#[test]
fn requests_that_can_never_fit_are_passed_on() {
    let pool = empty_pool();
    pool.scope(|| {
        for (size, align) in [(POOL_BYTES, 8), (POOL_BYTES - 64, 8), (1, POOL_BYTES)] {
            assert!(!Block::new(size, align, 8).is_in(&pool));
        }
    });
    assert_eq!(pool.counters().passed_on, 3);
    assert_eq!(pool.counters().system_frees, 3);
    assert_empty(&pool);
}

#[test]
fn every_alignment_and_no_size_at_all() {
    let pool = empty_pool();
    for freed_inside in [true, false] {
        for align_bits in 0..=16 {
            for size in [0, 1, 15, 16, 17, 1000] {
                let make = || Block::new(size, 1 << align_bits, 9);
                if freed_inside {
                    pool.scope(|| (make(), make()).0.resize(size / 2));
                } else {
                    let blocks = pool.scope(|| (make(), make()));
                    assert!(blocks.0.is_in(&pool) && blocks.1.is_in(&pool));
                }
            }
        }
    }
    assert_empty(&pool);
}

#[test]
fn zeroed_blocks_are_zero() {
    let pool = empty_pool();
    let layout = Layout::from_size_align(1000, 8).unwrap();
    pool.scope(|| {
        drop(Block::new(1000, 8, 10));
        // SAFETY: the size is not zero; read and freed as it was allocated.
        unsafe {
            let block = ALLOCATOR.alloc_zeroed(layout);
            let bytes = std::slice::from_raw_parts(block, layout.size());
            assert!(bytes.iter().all(|byte| *byte == 0));
            ALLOCATOR.dealloc(block, layout);
        }
    });
    assert_empty(&pool);
}

#[test]
fn blocks_that_grow_elsewhere_move_there() {
    let (pool, other) = (empty_pool(), empty_pool());
    let mut block = Block::new(100, 8, 11);
    pool.scope(|| block.resize(200));
    assert!(block.is_in(&pool));
    assert_eq!(pool.counters().system_frees, 1);
    other.scope(|| block.resize(300));
    assert!(block.is_in(&other));
    block.resize(400);
    assert!(!block.is_in(&pool) && !block.is_in(&other));
    pool.scope(|| drop(block));
    assert_eq!(pool.counters().system_frees, 2);
    assert_empty(&pool);
    assert_empty(&other);
}

#[test]
fn pools_of_dropped_handles_are_used_again() {
    // Tests beside this one may take the pool first, so it may need some tries.
    let again = (0..1000).any(|_| {
        let pool = empty_pool();
        let survivor = pool.scope(|| Block::new(1000, 8, 12));
        let region = pool.region();
        drop(pool);
        let pool = RtPool::new().unwrap();
        let again = pool.region() == region;
        if again {
            let live = RtCounters { bytes_live: 1000, peak_bytes_live: 1000, ..Default::default() };
            assert_eq!(pool.counters(), live);
        }
        drop(survivor);
        again
    });
    assert!(again);
}

#[test]
fn a_crowded_pool_is_not_used_again() {
    let pool = empty_pool();
    let region = pool.region();
    let crowd = pool.scope(|| Block::new(POOL_BYTES / 2, 8, 13));
    drop(pool);
    assert_ne!(RtPool::new().unwrap().region(), region);
    drop(crowd);
}

#[test]
fn a_second_thread_runs_without_the_pool() {
    let pool = empty_pool();
    let meet = Barrier::new(2);
    thread::scope(|s| {
        s.spawn(|| {
            pool.scope(|| {
                meet.wait();
                meet.wait();
                assert!(Block::new(10, 8, 14).is_in(&pool));
            });
        });
        meet.wait();
        pool.scope(|| {
            assert!(!in_scope());
            assert!(!Block::new(10, 8, 15).is_in(&pool));
        });
        meet.wait();
    });
    assert_eq!(pool.counters().contended_scopes, 1);
    assert!(counters().contended_scopes >= 1);
    pool.scope(|| assert!(in_scope()));
    assert_eq!(pool.counters().contended_scopes, 1);
    assert_empty(&pool);
}

#[test]
fn a_nested_scope_stays_inside() {
    let pool = empty_pool();
    pool.scope(|| {
        pool.scope(|| assert!(Block::new(10, 8, 16).is_in(&pool)));
        assert!(in_scope());
        assert!(Block::new(10, 8, 17).is_in(&pool));
    });
    assert!(!in_scope());
    assert_eq!(pool.counters().contended_scopes, 0);
    assert_empty(&pool);
}

#[test]
fn the_scope_of_another_pool_takes_over() {
    let (outer, inner) = (empty_pool(), empty_pool());
    outer.scope(|| {
        let block = Block::new(10, 8, 18);
        inner.scope(|| {
            drop(block);
            assert!(Block::new(10, 8, 19).is_in(&inner));
            // Busy, though with this very thread: it stays where it is.
            outer.scope(|| assert!(Block::new(10, 8, 20).is_in(&inner)));
        });
        assert!(Block::new(10, 8, 21).is_in(&outer));
    });
    assert_eq!(outer.counters().contended_scopes, 1);
    assert_empty(&outer);
    assert_empty(&inner);
}

#[test]
fn a_panic_leaves_the_scope() {
    let pool = empty_pool();
    let caught = catch_unwind(AssertUnwindSafe(|| pool.scope(|| panic!("on purpose"))));
    assert!(caught.is_err());
    drop(caught);
    assert!(!in_scope());
    pool.scope(|| assert!(Block::new(10, 8, 22).is_in(&pool)));
    assert_eq!(pool.counters().contended_scopes, 0);
}

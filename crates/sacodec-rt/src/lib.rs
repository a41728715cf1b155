//! What makes the audio thread safe: a memory pool for it, and freedom from denormals.
//!
//! The inference library that the codec uses allocates several hundred times a frame. Instead of
//! forbidding that, we serve it: [`RtAllocator`] is the global allocator of the plugin library,
//! and a thread inside [`RtPool::scope`] gets its memory from a pool that was allocated and
//! touched beforehand. Everybody else gets it from the system, as ever.
//!
//! ```text
//! #[global_allocator]
//! static ALLOCATOR: RtAllocator = RtAllocator;
//!
//! let pool = RtPool::new()?;                              // when the host activates us
//! pool.scope(|| without_denormals(|| engine.process(io))) // on the audio thread
//! ```
//!
//! # What allocates when
//! - [`RtPool::new`] takes [`POOL_BYTES`] from the system, or reuses the pool of a dropped handle.
//!   Call it where the host allows allocation.
//! - Inside a scope, requests are served by a TLSF allocator in constant time: no lock, no system
//!   call. Growing a block in place is constant too; moving it costs the copy.
//! - A block may be freed by any thread, in or outside a scope. The address tells where it came
//!   from. A block freed elsewhere than in its pool's scope waits on a lock-free list of the pool,
//!   which the next scope empties: [`DRAIN_AT_ENTRY`] blocks at most at entry, all of them before
//!   a request is given up.
//!
//! # What happens when the pool is full
//! The request is passed on to the system: correct, but not real-time, and counted in
//! [`RtCounters::passed_on`], which must stay 0 in every test of the product. The pool recovers as
//! soon as blocks come back. Requests that could never fit take the same way.
//!
//! # What happens when two threads enter one pool
//! The second runs without the pool and is counted in [`RtCounters::contended_scopes`]. It never
//! waits. A scope nested in a scope of the same pool stays inside.
//!
//! # What it cannot do
//! - A block that was allocated outside and is freed inside a scope goes back to the system, there
//!   and then ([`RtCounters::system_frees`]). Drop such things elsewhere.
//! - Memory is never given back: blocks may outlive every handle (scratch kept in thread-locals
//!   of libraries does), so the pool of a dropped handle is kept for the next one.
//! - C code and system calls do not pass through here; neither does the block of thread-locals that
//!   the dynamic linker allocates when a thread touches a loaded library for the first time.
//!   Where a host lets you, run one scope on a thread before its deadline counts.
//! - At most [`MAX_POOLS`] pools exist in a process.

mod allocator;
mod counters;
mod denormals;
mod pool;
mod region;
mod registry;
#[cfg(test)]
mod tests;

pub use allocator::{RtAllocator, in_scope};
pub use counters::RtCounters;
pub use denormals::{denormals_are_flushed, without_denormals};
pub use pool::{PoolError, RtPool, counters};
pub use region::{DRAIN_AT_ENTRY, POOL_BYTES};
pub use registry::MAX_POOLS;

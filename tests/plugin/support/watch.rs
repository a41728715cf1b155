//! Counts what an audio thread asks the system for.

use sacodec_rt::{RtCounters, RtPool, counters};

/// Whatever the plugin asks for outside its own pool is served, and counted, by this one.
pub struct Watch {
    pool: RtPool,
    forgiven: u64,
}

/// What was asked for under watch.
pub struct Asked {
    requests: u64,
    /// The watch itself had no room for so many.
    passed_on: u64,
}

impl Watch {
    pub fn new() -> Self {
        Self { pool: RtPool::new().unwrap(), forgiven: 0 }
    }

    /// Runs what the audio thread does.
    pub fn over<R>(&self, work: impl FnOnce() -> R) -> R {
        self.pool.scope(work)
    }

    /// What was asked for so far does not count: a thread makes blocks of its own when it begins.
    pub fn forgive(&mut self) {
        self.forgiven = self.pool.counters().served;
    }

    pub fn asked(&self) -> Asked {
        let all = self.pool.counters();
        Asked { requests: all.served - self.forgiven, passed_on: all.passed_on }
    }
}

impl Asked {
    /// Fails where anything was, or where the process's pools served fewer requests than `fewest_served` since `before`.
    #[track_caller]
    pub fn was_nothing_since(&self, before: RtCounters, fewest_served: u64) {
        let after = counters();
        let served = after.served - before.served;
        println!("{served} requests served from pools, peak {} bytes", after.peak_bytes_live);
        assert!(served > fewest_served, "the pools were not in use: nothing was tested");
        assert_eq!(after.passed_on - before.passed_on, 0, "requests passed on to the system");
        assert_eq!(after.contended_scopes - before.contended_scopes, 0, "two threads in one pool");
        assert_eq!(self.passed_on, 0, "the watching pool was too small");
        assert_eq!(self.requests, 0, "requests by the audio thread outside the engine's pool");
    }
}

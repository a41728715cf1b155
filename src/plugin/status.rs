//! What the audio thread and the pack loader tell the editor.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use atomic_float::{AtomicF32, AtomicF64};

use crate::take::{TakeStatus, TakeWatch};

/// The pack in words. Never touched by the audio thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackStatus {
    /// Name and version of the pack in use, or on its way.
    pub name: String,
    /// Why the chosen pack is not in use.
    pub error: Option<String>,
}

/// Shared by one plugin instance and its editor.
#[derive(Default)]
pub struct Status {
    latency_samples: AtomicU32,
    rate_hz: AtomicF64,
    load: AtomicF32,
    nonfinite_samples: AtomicU64,
    pack: Mutex<PackStatus>,
    track: Mutex<Option<String>>,
    takes: Mutex<Option<TakeWatch>>,
    /// Why there is nothing to watch.
    recording_error: Mutex<Option<String>>,
}

impl Status {
    /// Called on activation.
    pub fn set_timing(&self, latency_samples: u32, rate_hz: f64) {
        self.latency_samples.store(latency_samples, Relaxed);
        self.rate_hz.store(rate_hz, Relaxed);
    }

    /// The reported latency in host samples and the host's rate in Hz; zeros before activation.
    pub fn timing(&self) -> (u32, f64) {
        (self.latency_samples.load(Relaxed), self.rate_hz.load(Relaxed))
    }

    /// Share of the block's duration that the last callbacks took, smoothed over about a second.
    ///
    /// # Real-time
    /// Atomics only.
    pub fn add_load(&self, busy_s: f64, block_s: f64) {
        let pull = (block_s as f32).min(1.0);
        let old = self.load.load(Relaxed);
        let now = (busy_s / block_s.max(1e-9)) as f32;
        self.load.store(old + pull * (now - old), Relaxed);
    }

    /// See [`Status::add_load`]. Only measured while the editor is open.
    pub fn load(&self) -> f32 {
        self.load.load(Relaxed)
    }

    /// Input samples that were NaN or infinite.
    ///
    /// # Real-time
    /// Atomics only.
    pub fn set_nonfinite(&self, samples: u64) {
        self.nonfinite_samples.store(samples, Relaxed);
    }

    /// See [`Status::set_nonfinite`].
    pub fn nonfinite(&self) -> u64 {
        self.nonfinite_samples.load(Relaxed)
    }

    /// Changes what is said of the pack. Locks: not for the audio thread.
    pub fn set_pack(&self, change: impl FnOnce(&mut PackStatus)) {
        change(&mut lock(&self.pack));
    }

    /// What is said of the pack. Locks: not for the audio thread.
    pub fn pack(&self) -> PackStatus {
        lock(&self.pack).clone()
    }

    /// The host told the track's name. Locks: not for the audio thread.
    pub fn set_track(&self, name: &str) {
        let name = Some(name.trim()).filter(|name| !name.is_empty());
        *lock(&self.track) = name.map(str::to_owned);
    }

    /// Name of the host's track, where it told one. Locks: not for the audio thread.
    pub fn track(&self) -> Option<String> {
        lock(&self.track).clone()
    }

    /// Takes can be recorded from now on. Locks: not for the audio thread.
    pub fn set_takes(&self, takes: TakeWatch) {
        *lock(&self.takes) = Some(takes);
        *lock(&self.recording_error) = None;
    }

    /// Takes cannot be recorded. Locks: not for the audio thread.
    pub fn set_recording_error(&self, error: String) {
        *lock(&self.recording_error) = Some(error);
    }

    /// How recording goes. Locks: not for the audio thread.
    pub fn takes(&self) -> TakeStatus {
        let watch = lock(&self.takes).clone();
        let mut status = watch.map(|watch| watch.status()).unwrap_or_default();
        if let Some(error) = lock(&self.recording_error).clone() {
            status.problem = Some(error);
        }
        status
    }
}

/// A lock whose holder panicked still holds plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What the audio thread, the pack loader and the take writer tell the editor, and it them.

mod facts;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use atomic_float::{AtomicF32, AtomicF64};
use parking_lot::Mutex;

use super::chosen_file::FileStatus;
use sacodec_codec::PackInfo;
use sacodec_engine::{Audition, Engine};
use sacodec_network::LossTrace;
use sacodec_take::{TakeStatus, TakeWatch};
use sacodec_token::TokenTrack;

pub use facts::{Facts, PackStatus};

/// Shared by one plugin instance and its editor.
#[derive(Default)]
pub struct Status {
    latency_samples: AtomicU32,
    rate_hz: AtomicF64,
    nonfinite_samples: AtomicU64,
    failed_frames: AtomicU64,
    lost_frames: AtomicU64,
    underruns: AtomicU64,
    engine_errors: AtomicU64,
    /// The pack that plays, by [`CodecModel::key`](sacodec_codec::CodecModel::key); 0 before activation.
    playing_pack: AtomicU64,
    /// What was chosen plays only after a restart.
    awaits_restart: AtomicBool,
    /// The user wants the host to be asked for a restart again.
    is_restart_wanted: AtomicBool,
    match_coded_db: AtomicF32,
    match_difference_db: AtomicF32,
    is_match_settled: AtomicBool,
    audition: AtomicU64,
    pack: Mutex<PackStatus>,
    /// What is said of the loss trace.
    pub(crate) trace: Mutex<FileStatus<LossTrace>>,
    /// What is said of the take that is played.
    pub(crate) played: Mutex<FileStatus<TokenTrack>>,
    /// The packs that were loaded last, the newest one at the end: one of them plays.
    loaded: Mutex<VecDeque<LoadedPack>>,
    track: Mutex<Option<String>>,
    takes: Mutex<Option<TakeWatch>>,
    /// Why there is nothing to watch.
    recording_error: Mutex<Option<String>>,
    /// Something that is shown has changed.
    has_changed: AtomicBool,
    /// The instance is being destroyed.
    is_gone: AtomicBool,
}

/// Packs that are remembered: what plays, and choices that wait for a restart.
const LOADED_PACKS: usize = 8;

/// A pack that was loaded, in words.
#[derive(Debug, Clone)]
pub struct LoadedPack {
    /// See [`CodecModel::key`](sacodec_codec::CodecModel::key).
    pub key: u64,
    /// See [`CodecModel::sha256_bytes`](sacodec_codec::CodecModel::sha256_bytes).
    pub sha256: [u8; 32],
    /// What it is.
    pub info: PackInfo,
    /// What its makers say of it, Markdown.
    pub card: Option<String>,
}

/// No listening test, as stored in an atomic: else bit 0 is set, bit 1 tells whether it is coded, the
/// turn follows.
const NO_AUDITION: u64 = 0;

impl Status {
    /// Something that is shown has changed.
    ///
    /// # Real-time
    /// An atomic store.
    pub fn set_changed(&self) {
        self.has_changed.store(true, Relaxed);
    }

    /// The instance is being destroyed: the host is not to be called any more.
    pub fn set_gone(&self) {
        self.is_gone.store(true, Relaxed);
    }

    /// Whether the host may still be called.
    pub fn is_alive(&self) -> bool {
        !self.is_gone.load(Relaxed)
    }

    /// Whether something has changed since the last call.
    pub fn take_changed(&self) -> bool {
        self.has_changed.swap(false, Relaxed)
    }

    /// Everything the editor is told, apart from takes' settings.
    pub fn facts(&self) -> Facts {
        let (latency_samples, rate_hz) = self.timing();
        Facts {
            latency_samples,
            rate_hz,
            nonfinite_samples: self.nonfinite_samples.load(Relaxed),
            failed_frames: self.failed_frames.load(Relaxed),
            lost_frames: self.lost_frames.load(Relaxed),
            underruns: self.underruns.load(Relaxed),
            engine_errors: self.engine_errors.load(Relaxed),
            awaits_restart: self.awaits_restart.load(Relaxed),
            match_gains_db: Some((self.match_coded_db.load(Relaxed), self.match_difference_db.load(Relaxed))),
            is_match_settled: self.is_match_settled.load(Relaxed),
            trace: self.trace.lock().clone(),
            played: self.played.lock().clone(),
            pack: self.pack(),
            takes: self.takes(),
            track: self.track(),
            ..Facts::default()
        }
    }

    /// What a listening test lets be heard instead of what Listen says; `None` while there is no test.
    pub fn set_audition(&self, audition: Option<Audition>) {
        let code = audition.map_or(NO_AUDITION, |a| (u64::from(a.turn) << 2) | u64::from(a.coded) << 1 | 1);
        self.audition.store(code, Relaxed);
    }

    /// See [`Status::set_audition`].
    ///
    /// # Real-time
    /// An atomic load.
    pub fn audition(&self) -> Option<Audition> {
        let code = self.audition.load(Relaxed);
        (code != NO_AUDITION).then_some(Audition { coded: code & 2 != 0, turn: (code >> 2) as u32 })
    }

    /// What the engine plays, what it counts, and how it matches levels.
    ///
    /// # Real-time
    /// Atomics only.
    pub fn set_engine(&self, engine: &Engine) {
        let (stats, match_gains_db) = (engine.stats(), engine.match_gains_db());
        self.nonfinite_samples.store(stats.nonfinite_samples, Relaxed);
        self.failed_frames.store(stats.failed_frames, Relaxed);
        self.lost_frames.store(stats.lost_frames, Relaxed);
        self.underruns.store(stats.underruns, Relaxed);
        self.engine_errors.store(stats.errors, Relaxed);
        self.playing_pack.store(engine.model().key(), Relaxed);
        self.match_coded_db.store(match_gains_db.0, Relaxed);
        self.match_difference_db.store(match_gains_db.1, Relaxed);
        self.is_match_settled.store(engine.is_match_settled(), Relaxed);
    }

    /// Whether what was chosen plays only after a restart.
    ///
    /// # Real-time
    /// Atomics only.
    pub fn set_awaits_restart(&self, awaits: bool) {
        if self.awaits_restart.swap(awaits, Relaxed) != awaits {
            self.set_changed();
        }
    }

    /// The user wants the host to be asked for a restart again.
    pub fn want_restart(&self) {
        self.is_restart_wanted.store(true, Relaxed);
    }

    /// Whether the user has wanted that since the last call.
    ///
    /// # Real-time
    /// An atomic swap.
    pub fn take_restart_wanted(&self) -> bool {
        self.is_restart_wanted.swap(false, Relaxed)
    }

    /// A pack was loaded: it plays, or will. Locks: not for the audio thread.
    pub fn add_loaded(&self, pack: LoadedPack) {
        let playing = self.playing_pack.load(Relaxed);
        let mut loaded = self.loaded.lock();
        loaded.retain(|known| known.key != pack.key);
        if loaded.len() >= LOADED_PACKS
            && let Some(oldest) = loaded.iter().position(|known| known.key != playing)
        {
            loaded.remove(oldest);
        }
        loaded.push_back(pack);
    }

    /// Called on activation.
    pub fn set_timing(&self, latency_samples: u32, rate_hz: f64) {
        self.latency_samples.store(latency_samples, Relaxed);
        self.rate_hz.store(rate_hz, Relaxed);
    }

    /// The reported latency in host samples and the host's rate in Hz; zeros before activation.
    pub fn timing(&self) -> (u32, f64) {
        (self.latency_samples.load(Relaxed), self.rate_hz.load(Relaxed))
    }

    /// Changes what is said of the pack. Locks: not for the audio thread.
    pub fn set_pack(&self, change: impl FnOnce(&mut PackStatus)) {
        change(&mut self.pack.lock());
        self.set_changed();
    }

    /// What is said of the pack: the one that plays is named, and the one that does not yet. Locks: not for the
    /// audio thread.
    pub fn pack(&self) -> PackStatus {
        let mut status = self.pack.lock().clone();
        let loaded = self.loaded.lock();
        let playing = self.playing_pack.load(Relaxed);
        let newest = loaded.back();
        if let Some(shown) = loaded.iter().find(|pack| pack.key == playing).or(newest) {
            status.name = shown.info.title();
            status.info = Some(shown.info.clone());
            status.sha256 = Some(shown.sha256);
            status.card = shown.card.clone();
            status.next = newest.filter(|newest| newest.key != shown.key).map(|newest| newest.info.title());
        }
        status
    }

    /// The host told the track's name: takes that began before keep the old one. Locks and may wait:
    /// not for the audio thread.
    pub fn set_track(&self, name: &str) {
        let name = Some(name.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
        if name != self.track() {
            self.catch_up_takes();
            *self.track.lock() = name;
            self.set_changed();
        }
    }

    /// To be called before something changes that names takes, see [`TakeWatch::catch_up`].
    pub fn catch_up_takes(&self) {
        let takes = self.takes.lock().clone();
        if let Some(takes) = takes {
            takes.catch_up();
        }
    }

    /// Name of the host's track, where it told one. Locks: not for the audio thread.
    pub fn track(&self) -> Option<String> {
        self.track.lock().clone()
    }

    /// Takes can be recorded from now on. Locks: not for the audio thread.
    pub fn set_takes(&self, takes: TakeWatch) {
        *self.takes.lock() = Some(takes);
        *self.recording_error.lock() = None;
    }

    /// Takes cannot be recorded. Locks: not for the audio thread.
    pub fn set_recording_error(&self, error: String) {
        *self.recording_error.lock() = Some(error);
    }

    /// How recording goes. Locks: not for the audio thread.
    pub fn takes(&self) -> TakeStatus {
        let watch = self.takes.lock().clone();
        let mut status = watch.map(|watch| watch.status()).unwrap_or_default();
        if let Some(error) = self.recording_error.lock().clone() {
            status.problem = Some(error);
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sacodec_codec::CodecModel;
    use sacodec_engine::{EngineConfig, Scheduling};

    #[test]
    fn the_pack_that_plays_is_named_and_so_is_the_one_that_waits() {
        let model = CodecModel::embedded().unwrap();
        let (key, info) = (model.key(), model.info().clone());
        let status = Status::default();
        status.add_loaded(LoadedPack { key, sha256: [0; 32], info: info.clone(), card: None });
        assert_eq!((status.pack().name, status.pack().next), (info.title(), None), "before activation");
        let config = EngineConfig { rate_hz: 48_000.0, channels: 1, scheduling: Scheduling::Spread };
        status.set_engine(&Engine::new(&model, config).unwrap());
        // Far more than are remembered: what plays is not forgotten.
        for version in 0..20 {
            let other = PackInfo { version: format!("99.{version}"), ..info.clone() };
            let (sha256, card) = ([1; 32], Some("another".to_owned()));
            status.add_loaded(LoadedPack { key: key ^ (version + 1), sha256, info: other, card });
            let pack = status.pack();
            assert_eq!(
                (pack.name, pack.sha256, pack.card),
                (info.title(), Some([0; 32]), None),
                "what plays"
            );
            assert_eq!(pack.next, Some(format!("{} 99.{version}", info.name)), "what was chosen since");
        }
        status.add_loaded(LoadedPack { key, sha256: [0; 32], info: info.clone(), card: None });
        assert_eq!(status.pack().next, None, "what plays was chosen again");
    }
}

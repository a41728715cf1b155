//! Loads model packs off the audio thread and hands them over.
//!
//! One short-lived thread for each choice: it loads, offers the codecs to the audio thread, waits
//! for the old ones to come back, drops them and ends. The framework's background tasks are not
//! used: their one thread for all instances does not survive the death of one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;

use super::offers::{OfferLink, Offers, offers};
use super::status::{LoadedPack, Status};
use sacodec_codec::{CodecError, CodecModel, LoadError, ModelPack};
use sacodec_engine::CodecSet;
use sacodec_rt::POOL_BYTES;

/// A pack may take so much of a core for one channel, by its trial run: with more, no block would be ready in time.
const MAX_CORE_SHARE: f64 = 0.9;
/// Channels that one memory pool holds: two of each pass and two passes, of the pack that ends and the one that begins.
const CHANNELS_IN_POOL: usize = 8;
/// How often a loader thread looks for the old codecs, and how long at most.
const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an instance that is removed waits for its loaders.
const CLOSING_PATIENCE: Duration = Duration::from_secs(1);

/// The pack that was chosen, persisted as its folder, and the machinery that brings it in.
pub struct PackChoice {
    shared: Arc<Shared>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    /// Folder of the chosen pack; empty for the embedded one.
    folder: Mutex<String>,
    /// Counts the choices, so that a slow load does not win over a later one.
    choice: AtomicU64,
    /// The newest model that loaded, and the choice that brought it.
    model: Mutex<Option<(u64, Arc<CodecModel>)>>,
    /// The choice that the last activation used. Held while codecs are offered or withdrawn, so that
    /// a load that ends late does not restart what an activation has already brought in.
    activated: Mutex<Option<u64>>,
    /// To the audio thread and back.
    codecs: Offers<CodecSet>,
    closing: AtomicBool,
    status: Arc<Status>,
}

impl PackChoice {
    /// The embedded pack, not yet loaded, and the end for the audio thread.
    pub fn new(status: Arc<Status>) -> (Self, OfferLink<CodecSet>) {
        let (codecs, link) = offers();
        let shared = Shared {
            folder: Mutex::default(),
            choice: AtomicU64::new(0),
            model: Mutex::default(),
            activated: Mutex::default(),
            codecs,
            closing: AtomicBool::new(false),
            status,
        };
        (Self { shared: Arc::new(shared), workers: Mutex::default() }, link)
    }

    /// Chooses the pack in `folder` (empty: the embedded one) and loads it in the background, again if it
    /// was refused before. The codecs in use stay until it is ready, and for good if it is refused.
    pub fn choose(&self, folder: &str) {
        let choice = {
            let mut chosen = self.shared.folder.lock();
            if *chosen == folder && self.shared.status.pack().error.is_none() {
                return;
            }
            folder.clone_into(&mut chosen);
            // Counted under the lock: the last folder that was saved is the last choice.
            self.shared.choice.fetch_add(1, Ordering::SeqCst) + 1
        };
        self.shared.status.set_pack(|p| {
            p.is_loading = true;
            p.error = None;
            folder.clone_into(&mut p.folder);
        });
        let (shared, folder) = (self.shared.clone(), folder.to_owned());
        let worker = std::thread::Builder::new()
            .name("sacodec-pack".into())
            .spawn(move || shared.work(choice, &folder));
        match worker {
            Ok(worker) => {
                let mut workers = self.workers.lock();
                workers.retain(|w| !w.is_finished());
                workers.push(worker);
            }
            Err(error) => self.shared.status.set_pack(|p| {
                p.is_loading = false;
                p.error = Some(format!("no thread to load the pack: {error}"));
            }),
        }
    }

    /// Codecs of the chosen pack for an activation; waits for a load under way. Falls back to the
    /// embedded pack where the chosen one is refused.
    ///
    /// # Errors
    /// Where not even the embedded pack can be used.
    pub fn codecs(&self) -> Result<Box<CodecSet>, LoadOrCodecError> {
        let shared = &self.shared;
        shared.codecs.drop_retired();
        let (choice, folder) = {
            let folder = shared.folder.lock();
            (shared.choice.load(Ordering::SeqCst), folder.clone())
        };
        let is_current = |model: &Option<(u64, _)>| model.as_ref().is_some_and(|(by, _)| *by == choice);
        if !is_current(&shared.model.lock()) {
            shared.load(choice, &folder);
        }
        let model = shared.model.lock().as_ref().map(|(_, model)| model.clone());
        let model = match model {
            Some(model) => model,
            None => shared.keep(choice, CodecModel::embedded()?, Some(ModelPack::embedded_card()), true),
        };
        let mut activated = shared.activated.lock();
        *activated = Some(choice);
        // Whatever was on its way is not newer than what is made here.
        shared.codecs.withdraw();
        drop(activated);
        Ok(Box::new(CodecSet::new(&model)?))
    }
}

/// Why no codec could be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadOrCodecError {
    /// The pack.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The state.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Why a chosen pack is not used.
#[derive(Debug, thiserror::Error)]
enum RefusedPack {
    /// It could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No audio thread of this machine can run it.
    #[error(
        "the pack {title} needs {percent:.0} % of a core here, more than the {limit_percent:.0} % that an audio thread \
         can give it: choose a smaller pack, or code files with the command `sacodec`"
    )]
    TooHeavy {
        /// Name and version.
        title: String,
        /// Of a core, for one channel.
        percent: f64,
        /// The most that is let through.
        limit_percent: f64,
    },
    /// The memory of the audio thread has no room for it.
    #[error(
        "the pack {title} keeps {kilobytes} kB for each channel, more than the {limit_kilobytes} kB that the audio \
         thread has room for: choose a smaller pack, or code files with the command `sacodec`"
    )]
    TooLarge {
        /// Name and version.
        title: String,
        /// States and intermediate results of one channel.
        kilobytes: usize,
        /// The most that is let through.
        limit_kilobytes: usize,
    },
}

/// Refuses what no audio thread can run in time, or has no room for.
fn check_load(title: &str, core_share: f64, live_bytes: usize) -> Result<(), RefusedPack> {
    let title = title.to_owned();
    if core_share > MAX_CORE_SHARE {
        let (percent, limit_percent) = (100.0 * core_share, 100.0 * MAX_CORE_SHARE);
        return Err(RefusedPack::TooHeavy { title, percent, limit_percent });
    }
    let limit_bytes = POOL_BYTES / CHANNELS_IN_POOL;
    if live_bytes > limit_bytes {
        let (kilobytes, limit_kilobytes) = (live_bytes / 1000, limit_bytes / 1000);
        return Err(RefusedPack::TooLarge { title, kilobytes, limit_kilobytes });
    }
    Ok(())
}

impl Shared {
    /// Body of a loader thread.
    fn work(&self, choice: u64, folder: &str) {
        let Some(model) = self.load(choice, folder) else { return };
        let codecs = match CodecSet::new(&model) {
            Ok(codecs) => Box::new(codecs),
            Err(error) => return self.refuse(choice, &error),
        };
        {
            let activated = self.activated.lock();
            if self.choice.load(Ordering::SeqCst) != choice || *activated == Some(choice) {
                return;
            }
            self.codecs.offer(codecs);
        }
        // The audio thread may not run at all: then the codecs wait where they are until the next
        // choice, the next activation or the instance's end drops them.
        let start = Instant::now();
        while !self.closing.load(Ordering::Relaxed)
            && self.choice.load(Ordering::SeqCst) == choice
            && start.elapsed() < PATIENCE
        {
            // Not the first alone: those of an earlier choice may still be on their way.
            self.codecs.drop_retired();
            std::thread::sleep(POLL);
        }
        self.codecs.drop_retired();
    }

    /// Loads a pack and says how it went. Models are shared, so loading twice costs the file only.
    fn load(&self, choice: u64, folder: &str) -> Option<Arc<CodecModel>> {
        let loaded = match folder {
            "" => CodecModel::embedded().map(|model| (model, Some(ModelPack::embedded_card().to_owned()))),
            _ => ModelPack::from_folder(Path::new(folder))
                .map_err(LoadError::from)
                .and_then(|pack| Ok((CodecModel::load(&pack)?, pack.card().map(str::to_owned)))),
        };
        if self.choice.load(Ordering::SeqCst) != choice {
            return None;
        }
        let checked = loaded.map_err(RefusedPack::from).and_then(|(model, card)| {
            check_load(&model.info().title(), model.core_share(), model.live_bytes())?;
            Ok((model, card))
        });
        match checked {
            Ok((model, card)) => Some(self.keep(choice, model, card.as_deref(), false)),
            Err(error) => {
                self.refuse(choice, &error);
                None
            }
        }
    }

    /// Says why the pack of a choice is not used, unless another one was made meanwhile.
    fn refuse(&self, choice: u64, error: &dyn std::error::Error) {
        self.status.set_pack(|p| {
            if self.choice.load(Ordering::SeqCst) == choice {
                p.is_loading = false;
                p.error = Some(error.to_string());
            }
        });
    }

    /// Remembers a model; as a fallback it leaves the error of the chosen pack on show.
    fn keep(
        &self,
        choice: u64,
        model: Arc<CodecModel>,
        card: Option<&str>,
        is_fallback: bool,
    ) -> Arc<CodecModel> {
        let mut newest = self.model.lock();
        // Looked at under the lock: a slow load must not replace what a later choice has brought meanwhile.
        if newest.as_ref().is_some_and(|(by, _)| *by > choice) {
            return model;
        }
        *newest = Some((choice, model.clone()));
        let (key, sha256, info) = (model.key(), *model.sha256_bytes(), model.info().clone());
        self.status.add_loaded(LoadedPack { key, sha256, info, card: card.map(str::to_owned) });
        // The embedded pack plays while the chosen one is still loaded, or after it was refused.
        if !is_fallback && self.choice.load(Ordering::SeqCst) == choice {
            self.status.set_pack(|p| {
                p.is_loading = false;
                p.error = None;
            });
        }
        self.status.set_changed();
        model
    }
}

impl Drop for PackChoice {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        let start = Instant::now();
        for worker in self.workers.lock().drain(..) {
            // The host stands still meanwhile. A loader that compiles a large pack is left to itself: the library
            // stays in memory.
            while !worker.is_finished() && start.elapsed() < CLOSING_PATIENCE {
                std::thread::sleep(Duration::from_millis(1));
            }
            // Elsewhere the system may unload the code that the thread runs.
            if worker.is_finished() || !cfg!(target_os = "linux") {
                // A panic in a loader thread has been reported by its own hook; nothing is left to do.
                let _ = worker.join();
            }
        }
    }
}

impl<'a> PersistentField<'a, String> for PackChoice {
    fn set(&self, folder: String) {
        self.choose(&folder);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.shared.folder.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sacodec_codec::PackError;

    #[test]
    fn a_load_that_ends_after_a_later_one_replaces_nothing_that_is_shown_or_used() {
        let status = Arc::<Status>::default();
        let (packs, _link) = PackChoice::new(status.clone());
        let embedded = CodecModel::embedded().unwrap();
        let folder = sacodec_testing::other_pack();
        let other = CodecModel::load(&ModelPack::from_folder(folder.path()).unwrap()).unwrap();
        packs.shared.choice.store(2, Ordering::SeqCst);
        packs.shared.keep(2, other.clone(), None, false);
        packs.shared.keep(1, embedded, None, false);
        let newest = packs.shared.model.lock().clone();
        assert!(newest.is_some_and(|(by, model)| by == 2 && Arc::ptr_eq(&model, &other)), "what is used");
        assert_eq!(status.pack().name, "live 99.0", "what is shown");
        packs.shared.refuse(1, &PackError::TooLarge { file: "old".to_owned(), limit_bytes: 1 });
        assert_eq!(status.pack().error, None, "what is said of an earlier choice");
    }

    #[test]
    fn a_pack_that_no_audio_thread_can_run_is_refused_with_its_figure() {
        let error = check_load("large 1.0.0", 2.4, 0).unwrap_err().to_string();
        assert!(error.contains("large 1.0.0 needs 240 % of a core"), "{error}");
        let error = check_load("wide 1.0.0", 0.1, 3_000_000).unwrap_err().to_string();
        assert!(error.contains("wide 1.0.0 keeps 3000 kB"), "{error}");
        assert!(check_load("live 0.5.0", 0.5, CodecModel::embedded().unwrap().live_bytes()).is_ok());
    }

    #[test]
    fn the_embedded_pack_in_place_of_another_does_not_end_its_loading() {
        let status = Arc::<Status>::default();
        let (packs, _link) = PackChoice::new(status.clone());
        status.set_pack(|p| p.is_loading = true);
        packs.shared.keep(0, CodecModel::embedded().unwrap(), None, true);
        assert!(status.pack().is_loading, "the chosen pack is still loaded");
    }
}

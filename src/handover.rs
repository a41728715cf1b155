//! Another engine while sound runs: for hosts that do not restart a plugin whose latency changes.
//!
//! The audio thread asks, a thread of this module builds, and the audio thread lets the new engine take over.
//! A bounce must be of one engine, and VST3 hosts do not reliably say that they bounce: so an engine is only handed
//! over while sound is asked for as fast as it is heard.

mod pace;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use pace::Pace;

use super::status::Status;
use sacodec_codec::CodecModel;
use sacodec_engine::{CodecSet, Engine, EngineConfig, EngineError, EngineRelay, Scheduling};

/// How often the thread looks.
const POLL: Duration = Duration::from_millis(50);
/// Engines on their way to or from the audio thread: the one that was asked for, and one of an activation before.
const ENGINES: usize = 2;

/// What the audio thread wants.
struct Request {
    what: Wanted,
    config: EngineConfig,
    activation: u64,
}

enum Wanted {
    /// An engine for codecs of a pack with another delay.
    With(Box<CodecSet>),
    /// An engine for the pack that plays.
    Of(Arc<CodecModel>),
    /// This one, once sound runs in real time again.
    Waits(Box<Engine>),
}

/// An engine and the activation that it was built for.
type Built = (u64, Box<Engine>);

#[derive(Default)]
struct Shared {
    /// Counts activations: what was built for an earlier one is thrown away.
    activation: AtomicU64,
    /// The activation of which what was asked for cannot be built; 0: none.
    refused: AtomicU64,
    /// Samples that the host has asked for.
    samples: AtomicU64,
    is_closing: AtomicBool,
}

/// The audio thread's end, and the thread that builds.
pub struct Handover {
    shared: Arc<Shared>,
    requests: HeapProd<Request>,
    engines: HeapCons<Built>,
    retired: HeapProd<Box<Engine>>,
    /// Codecs of a pack that only an engine of its own can play.
    codecs: Option<Box<CodecSet>>,
    /// An engine is being built.
    is_requested: bool,
    /// Of a pack that is not wanted any more.
    is_stale: bool,
    /// What cannot be built, until something else is wanted.
    refused: Option<EngineConfig>,
    thread: Option<JoinHandle<()>>,
}

impl Handover {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn spawn(status: Arc<Status>) -> std::io::Result<Self> {
        let (mut handover, builder) = Self::ends(status);
        let thread = std::thread::Builder::new().name("sacodec-engine".into()).spawn(|| builder.work())?;
        handover.thread = Some(thread);
        Ok(handover)
    }

    /// Both ends, without the thread.
    fn ends(status: Arc<Status>) -> (Self, Builder) {
        let (requests, asked) = HeapRb::new(1).split();
        let (built, engines) = HeapRb::new(ENGINES).split();
        let (retired, old) = HeapRb::new(ENGINES).split();
        let shared = Arc::new(Shared::default());
        let builder =
            Builder { shared: shared.clone(), asked, built, old, ready: None, pace: Pace::new(0), status };
        let handover = Self {
            shared,
            requests,
            engines,
            retired,
            codecs: None,
            is_requested: false,
            is_stale: false,
            refused: None,
            thread: None,
        };
        (handover, builder)
    }

    /// The host activates the plugin anew, with an engine as it is wanted.
    pub fn activate(&mut self) {
        self.shared.activation.fetch_add(1, Relaxed);
        while self.engines.try_pop().is_some() {}
        (self.codecs, self.refused) = (None, None);
        (self.is_requested, self.is_stale) = (false, false);
    }

    /// The host resets: an engine that was on its way in, see [`EngineRelay::reset`], waits until sound runs in real time
    /// again.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn wait_again(&mut self, engine: Box<Engine>) {
        let config = engine.config();
        // There is room: what it was asked for by has been taken.
        self.request(Wanted::Waits(engine), config);
    }

    /// Codecs were chosen that the engine which plays cannot take over. Gives those back that are not wanted any more.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn choose(&mut self, codecs: Box<CodecSet>) -> Option<Box<CodecSet>> {
        self.is_stale = self.is_requested;
        self.refused = None;
        self.codecs.replace(codecs)
    }

    /// The engine that plays has the chosen pack. Gives codecs back that are not wanted any more.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn keep(&mut self) -> Option<Box<CodecSet>> {
        self.is_stale = self.is_requested;
        self.codecs.take()
    }

    /// Before a block of `samples` samples: asks for another engine where what plays is not what is wanted, and lets one
    /// that has come take over. `position_samples`: see [`EngineRelay::hand_over`].
    ///
    /// # Real-time
    /// As [`Engine::begin_at`] where an engine comes, else atomics.
    pub fn begin_block(
        &mut self,
        relay: &mut EngineRelay,
        scheduling: Scheduling,
        samples: usize,
        position_samples: Option<f64>,
    ) {
        self.shared.samples.fetch_add(samples as u64, Relaxed);
        if self.retired.vacant_len() > 0
            && let Some(engine) = relay.take_retired()
        {
            let _ = self.retired.try_push(engine);
        }
        // Another one has room to go back.
        if !relay.is_handing_over()
            && self.retired.vacant_len() == ENGINES
            && let Some((activation, engine)) = self.engines.try_pop()
        {
            // One that came in the very moment of an activation is of the one before, and not what was asked for since.
            let is_awaited = activation == self.shared.activation.load(Relaxed);
            let is_wanted = is_awaited && !self.is_stale;
            if is_awaited {
                (self.is_requested, self.is_stale) = (false, false);
            }
            let config = EngineConfig { scheduling, ..engine.config() };
            let given_back = if is_wanted && config == engine.config() {
                relay.hand_over(engine, position_samples).err().map(|(engine, _)| engine)
            } else {
                if is_wanted && self.codecs.is_none() && !Arc::ptr_eq(engine.model(), relay.engine().model())
                {
                    // Scheduling was chosen anew while it was built: its pack still is what is wanted.
                    self.request(Wanted::Of(engine.model().clone()), config);
                }
                Some(engine)
            };
            if let Some(engine) = given_back {
                let _ = self.retired.try_push(engine);
            }
        }
        self.ask(relay, EngineConfig { scheduling, ..relay.engine().config() });
    }

    /// Asks for another engine where what plays is not what is wanted.
    fn ask(&mut self, relay: &EngineRelay, config: EngineConfig) {
        let activation = self.shared.activation.load(Relaxed);
        if self.is_requested && self.shared.refused.swap(0, Relaxed) == activation {
            self.is_requested = false;
            self.refused = Some(config);
        }
        let is_other = config != relay.engine().config();
        if !is_other {
            self.refused = None;
        }
        let is_wanted = self.codecs.is_some() || (is_other && self.refused != Some(config));
        // Codecs that are on their way into the engine that plays would be left behind with it.
        let is_settled = !relay.is_handing_over() && !relay.engine().is_swapping();
        if is_wanted && is_settled && !self.is_requested && self.requests.vacant_len() > 0 {
            let what = match self.codecs.take() {
                Some(codecs) => Wanted::With(codecs),
                None => Wanted::Of(relay.engine().model().clone()),
            };
            self.request(what, config);
        }
    }

    fn request(&mut self, what: Wanted, config: EngineConfig) {
        let activation = self.shared.activation.load(Relaxed);
        self.is_requested = self.requests.try_push(Request { what, config, activation }).is_ok();
    }

    /// Whether something else is wanted than what plays, as far as packs go.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_under_way(&self) -> bool {
        self.codecs.is_some() || self.is_requested
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there has been reported by its own hook; nothing is left to do.
            let _ = thread.join();
        }
    }
}

/// The thread's end.
struct Builder {
    shared: Arc<Shared>,
    asked: HeapCons<Request>,
    built: HeapProd<Built>,
    old: HeapCons<Box<Engine>>,
    /// Waits until sound runs in real time.
    ready: Option<Built>,
    pace: Pace,
    status: Arc<Status>,
}

impl Builder {
    fn work(mut self) {
        while !self.shared.is_closing.load(Relaxed) {
            while self.old.try_pop().is_some() {}
            if let Some(Request { what, config, activation }) = self.asked.try_pop() {
                match build(what, config) {
                    Ok(engine) => self.ready = Some((activation, engine)),
                    Err(error) => self.refuse(activation, &error),
                }
                self.pace = Pace::new(self.shared.samples.load(Relaxed));
            }
            self.deliver();
            std::thread::park_timeout(POLL);
        }
    }

    /// What plays goes on.
    fn refuse(&self, activation: u64, error: &EngineError) {
        self.status.set_pack(|pack| {
            pack.error = Some(format!(
                "what was chosen cannot take over while sound runs ({error}): let the host restart the plugin"
            ));
        });
        self.shared.refused.store(activation, Relaxed);
    }

    fn deliver(&mut self) {
        let Some((activation, engine)) = &self.ready else { return };
        if *activation != self.shared.activation.load(Relaxed) {
            self.ready = None;
            return;
        }
        let rate_hz = engine.config().rate_hz;
        if self.pace.is_real_time(self.shared.samples.load(Relaxed), rate_hz, Instant::now())
            && let Some(built) = self.ready.take()
        {
            // There is room for it and for one of an activation before.
            let _ = self.built.try_push(built);
        }
    }
}

fn build(what: Wanted, config: EngineConfig) -> Result<Box<Engine>, EngineError> {
    let codecs = match what {
        Wanted::With(codecs) => codecs,
        Wanted::Of(model) => Box::new(CodecSet::new(&model)?),
        Wanted::Waits(engine) => return Ok(engine),
    };
    Ok(Box::new(Engine::with_codecs(codecs, config)?))
}

#[cfg(test)]
mod tests {
    use super::pace::{EVEN_WINDOWS, WINDOW};
    use super::*;
    use sacodec_codec::ModelPack;
    use sacodec_engine::{CodedFrame, Controls};

    /// A host that asks for sound as fast as it is heard.
    struct Host {
        relay: EngineRelay,
        handover: Handover,
        scheduling: Scheduling,
        played: usize,
        began: Instant,
    }

    struct Nobody;

    impl sacodec_engine::Observer for Nobody {
        fn frame(&mut self, _: CodedFrame) {}
    }

    impl Host {
        fn new() -> Self {
            let config = EngineConfig { rate_hz: 48_000.0, channels: 1, scheduling: Scheduling::Spread };
            let engine = Engine::new(&CodecModel::embedded().unwrap(), config).unwrap();
            let mut handover = Handover::spawn(Arc::default()).unwrap();
            handover.activate();
            let relay = EngineRelay::new(engine);
            Self { relay, handover, scheduling: Scheduling::Spread, played: 0, began: Instant::now() }
        }

        /// Plays a block of 10 ms; `true` where another engine is heard from it on.
        fn play(&mut self) -> bool {
            let due = self.began + Duration::from_millis(10) * self.played as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.played += 1;
            self.block()
        }

        fn block(&mut self) -> bool {
            let has_changed = self.relay.complete();
            self.handover.begin_block(&mut self.relay, self.scheduling, 480, None);
            self.relay.process_observed(&mut [&mut [0.1; 480]], &Controls::default(), &mut Nobody);
            self.relay.engine_mut().take_retired();
            has_changed
        }

        /// A bounce in which nothing is handed over, of a codec that takes no time: the machine may be busy.
        fn bounce(&mut self) {
            let start = Instant::now();
            while start.elapsed() < WINDOW * (EVEN_WINDOWS + 3) {
                self.handover.begin_block(&mut self.relay, self.scheduling, 480, None);
                assert!(!self.relay.is_handing_over(), "handed over in a bounce");
                std::thread::sleep(Duration::from_millis(1));
            }
            (self.began, self.played) = (Instant::now(), 0);
        }

        /// Plays until another engine is heard; false after a minute.
        fn plays_another(&mut self) -> bool {
            (0..6000).any(|_| self.play())
        }
    }

    #[test]
    fn another_scheduling_plays_after_a_moment_of_sound_that_is_heard_and_never_in_a_bounce() {
        let mut host = Host::new();
        host.scheduling = Scheduling::Burst;
        host.bounce();
        assert!(host.plays_another(), "nothing was handed over in a minute");
        assert_eq!(host.relay.engine().config().scheduling, Scheduling::Burst);
        assert!(!host.handover.is_under_way() && (0..200).all(|_| !host.play()), "one was enough");
    }

    #[test]
    fn a_scheduling_that_is_taken_back_in_time_never_plays_and_a_pack_that_came_with_it_does() {
        let folder =
            sacodec_testing::pack_that_says("delay_samples", |own| (own.as_u64().unwrap() + 960).into());
        let other = CodecModel::load(&ModelPack::from_folder(folder.path()).unwrap()).unwrap();
        for with_pack in [false, true] {
            let mut host = Host::new();
            if with_pack {
                assert!(host.handover.choose(Box::new(CodecSet::new(&other).unwrap())).is_none());
            }
            host.scheduling = Scheduling::Burst;
            host.play();
            host.scheduling = Scheduling::Spread;
            let mut changes = 0;
            for _ in 0..6000 {
                if !host.handover.is_under_way() && !host.relay.is_handing_over() {
                    break;
                }
                changes += u32::from(host.play());
                assert_eq!(host.relay.engine().config().scheduling, Scheduling::Spread, "it was taken back");
            }
            assert!(!host.handover.is_under_way(), "it did not come back in a minute");
            assert_eq!(changes, u32::from(with_pack), "with a pack: {with_pack}");
            assert_eq!(Arc::ptr_eq(host.relay.engine().model(), &other), with_pack);
        }
    }

    #[test]
    fn an_engine_that_comes_in_the_moment_of_an_activation_goes_back_and_the_one_asked_for_plays() {
        let config = EngineConfig { rate_hz: 48_000.0, channels: 1, scheduling: Scheduling::Spread };
        let burst = EngineConfig { scheduling: Scheduling::Burst, ..config };
        let model = CodecModel::embedded().unwrap();
        let engine = |config| Box::new(Engine::new(&model, config).unwrap());
        let (mut handover, mut builder) = Handover::ends(Arc::default());
        let mut relay = EngineRelay::new(*engine(config));
        handover.activate();
        handover.begin_block(&mut relay, Scheduling::Burst, 480, None);
        let first = builder.asked.try_pop().expect("Burst is asked for").activation;
        // The thread has looked at the activation's number, and pushes after the next activation has begun.
        handover.activate();
        assert!(builder.built.try_push((first, engine(burst))).is_ok());
        handover.begin_block(&mut relay, Scheduling::Burst, 480, None);
        assert!(!relay.is_handing_over(), "an engine of the activation before");
        assert!(builder.old.try_pop().is_some(), "it goes back");
        let second = builder.asked.try_pop().expect("Burst is asked for again").activation;
        assert!(handover.is_under_way() && second != first);
        assert!(builder.built.try_push((second, engine(burst))).is_ok());
        handover.begin_block(&mut relay, Scheduling::Burst, 480, None);
        assert!(relay.is_handing_over() && !handover.is_under_way());
    }

    #[test]
    fn a_pack_that_is_just_taking_over_plays_on_with_another_scheduling() {
        let folder = sacodec_testing::other_pack();
        let other = CodecModel::load(&ModelPack::from_folder(folder.path()).unwrap()).unwrap();
        let mut host = Host::new();
        assert!(host.relay.engine_mut().swap(Box::new(CodecSet::new(&other).unwrap())).is_ok());
        host.scheduling = Scheduling::Burst;
        assert!(host.plays_another(), "nothing was handed over in a minute");
        assert!(Arc::ptr_eq(host.relay.engine().model(), &other), "the pack before plays again");
    }

    #[test]
    fn what_cannot_be_built_is_said_and_asked_for_again_only_after_another_choice() {
        let status = Arc::<Status>::default();
        let (mut handover, mut builder) = Handover::ends(status.clone());
        let config = EngineConfig { rate_hz: 48_000.0, channels: 1, scheduling: Scheduling::Spread };
        let mut relay = EngineRelay::new(Engine::new(&CodecModel::embedded().unwrap(), config).unwrap());
        handover.activate();
        let mut asks = |handover: &mut Handover, scheduling| {
            handover.begin_block(&mut relay, scheduling, 480, None);
            builder.asked.try_pop().map(|request| {
                builder.refuse(request.activation, &EngineError::HandingOver);
            })
        };
        assert!(asks(&mut handover, Scheduling::Burst).is_some());
        assert!(asks(&mut handover, Scheduling::Burst).is_none(), "it would be refused for ever");
        assert!(status.pack().error.unwrap().contains("let the host restart the plugin"));
        assert!(!handover.is_under_way(), "nothing is");
        assert!(asks(&mut handover, Scheduling::Spread).is_none(), "that is what plays");
        assert!(asks(&mut handover, Scheduling::Burst).is_some(), "it is chosen again");
    }

    #[test]
    fn a_reset_lets_what_is_on_its_way_in_wait_until_sound_is_heard_again() {
        let mut host = Host::new();
        host.scheduling = Scheduling::Burst;
        while !host.relay.is_handing_over() {
            host.play();
        }
        let engine = host.relay.reset().expect("it is on its way in");
        host.handover.wait_again(engine);
        host.bounce();
        assert!(host.plays_another(), "nothing was handed over in a minute");
    }

    #[test]
    fn a_pack_with_another_delay_plays_after_a_moment_and_one_that_was_given_up_does_not() {
        let folder =
            sacodec_testing::pack_that_says("delay_samples", |own| (own.as_u64().unwrap() + 960).into());
        let other = CodecModel::load(&ModelPack::from_folder(folder.path()).unwrap()).unwrap();
        let mut host = Host::new();
        let codecs = || Box::new(CodecSet::new(&other).unwrap());
        assert!(host.handover.choose(codecs()).is_none());
        host.play();
        // What plays was chosen again while the other one is on its way.
        assert!(host.handover.keep().is_none() && host.handover.is_under_way());
        let mut blocks = 0;
        while host.handover.is_under_way() && blocks < 6000 {
            assert!(!host.play() && !host.relay.is_handing_over(), "a pack that is not wanted any more");
            blocks += 1;
        }
        assert!(!host.handover.is_under_way(), "it did not come back in a minute");
        assert!(host.handover.choose(codecs()).is_none());
        assert!(host.handover.choose(codecs()).is_some(), "codecs that a later choice replaces go back");
        assert!(host.plays_another(), "nothing was handed over in a minute");
        assert!(Arc::ptr_eq(host.relay.engine().model(), &other));
    }
}

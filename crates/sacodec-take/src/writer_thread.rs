//! The writer thread: takes what the recorder hands over, and gets it to a disk whatever happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use ringbuf::HeapCons;
use ringbuf::traits::{Consumer, Observer};

use super::disk::{Disk, SystemDisk};
use super::recorder::{Recorder, RecorderCounts, RecorderEvent, channel};
use super::settings::Destination;
use super::status::TakeStatus;
use super::unfinished::UnfinishedTake;

/// How often the thread looks for events while a take is open, and otherwise.
const BUSY_POLL: Duration = Duration::from_millis(10);
const IDLE_POLL: Duration = Duration::from_millis(100);
/// How long an instance that is removed waits for its exports and its disk: the host stands still meanwhile.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(1);
/// Whether threads may outlive their instance: where the library stays loaded for good.
const MAY_OUTLIVE: bool = cfg!(target_os = "linux");
/// How long [`TakeWatch::catch_up`] waits for a thread that a hanging disk holds.
const CATCH_UP: Duration = Duration::from_secs(1);

/// What the thread asks its owner for when a take begins.
pub trait TakeSource: Send + Sync + 'static {
    /// Where takes go now.
    fn destination(&self) -> Destination;
    /// The name of the host's track, where it is known.
    fn track(&self) -> Option<String>;
}

/// The writer thread of one instance.
///
/// Dropping it closes the take and waits a second at most for exports and disk. On Linux, where the library stays
/// loaded, what takes longer goes on without the instance. Elsewhere exports are then given up and leave nothing (the
/// take itself is whole, and `sacodec convert` makes them), and a disk that hangs is waited for.
pub struct TakeThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    status: Mutex<TakeStatus>,
    counts: Arc<RecorderCounts>,
    orders: Mutex<Orders>,
    wake: Condvar,
    caught_up: Condvar,
    /// Exports under way are to be given up.
    are_exports_given_up: AtomicBool,
}

/// What the thread is asked for, and what it has done of it.
#[derive(Default)]
struct Orders {
    closing: bool,
    /// The thread has nothing left to do.
    finished: bool,
    /// Calls of [`TakeWatch::catch_up`]: how many there were, and how many are answered.
    asked: u64,
    answered: u64,
}

impl TakeThread {
    /// Starts the thread; the recorder is for the audio thread.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn spawn(source: impl TakeSource) -> std::io::Result<(Recorder, Self)> {
        Self::spawn_on(Arc::new(SystemDisk), source)
    }

    /// As [`TakeThread::spawn`], on another disk.
    ///
    /// # Errors
    /// As [`TakeThread::spawn`].
    pub fn spawn_on(disk: Arc<dyn Disk>, source: impl TakeSource) -> std::io::Result<(Recorder, Self)> {
        let counts = Arc::new(RecorderCounts::default());
        let (recorder, events) = channel(counts.clone());
        Ok((recorder, Self::start(disk, source, counts, events)?))
    }

    pub(super) fn start(
        disk: Arc<dyn Disk>,
        source: impl TakeSource,
        counts: Arc<RecorderCounts>,
        events: HeapCons<RecorderEvent>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            status: Mutex::default(),
            counts,
            orders: Mutex::default(),
            wake: Condvar::new(),
            caught_up: Condvar::new(),
            are_exports_given_up: AtomicBool::new(false),
        });
        let worker =
            Worker { shared: shared.clone(), disk, source, events, unfinished: None, exports: Vec::new() };
        let thread = std::thread::Builder::new().name("sacodec-take".into()).spawn(move || worker.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A handle that tells how recording goes.
    pub fn watch(&self) -> TakeWatch {
        TakeWatch(self.shared.clone())
    }
}

/// Tells how recording goes; may outlive the thread.
#[derive(Clone)]
pub struct TakeWatch(Arc<Shared>);

impl TakeWatch {
    /// How recording goes. Locks: not for the audio thread.
    pub fn status(&self) -> TakeStatus {
        let mut status = self.0.status.lock().clone();
        status.lost_frames += self.0.counts.lost_frames.load(Relaxed);
        status
    }

    /// Returns when the thread knows of all that was recorded before the call: to be called before what
    /// [`TakeSource`] says changes, so that a take is named by what held when it began. Waits a second
    /// at most, where a disk hangs. Locks and waits: not for the audio thread.
    pub fn catch_up(&self) {
        let mut orders = self.0.orders.lock();
        orders.asked += 1;
        let mine = orders.asked;
        self.0.wake.notify_all();
        // Whether it came or not, the caller continues.
        self.0.caught_up.wait_while_for(&mut orders, |orders| orders.answered < mine, CATCH_UP);
    }
}

impl Drop for TakeThread {
    fn drop(&mut self) {
        let mut orders = self.shared.orders.lock();
        orders.closing = true;
        self.shared.wake.notify_all();
        self.shared.caught_up.wait_while_for(&mut orders, |orders| !orders.finished, REMOVAL_PATIENCE);
        let is_finished = orders.finished;
        drop(orders);
        self.shared.are_exports_given_up.store(!is_finished && !MAY_OUTLIVE, Relaxed);
        if let Some(thread) = self.thread.take().filter(|_| is_finished || !MAY_OUTLIVE) {
            // A panic in it has been reported by its own hook; nothing is left to do.
            let _ = thread.join();
        }
    }
}

struct Worker<S> {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    source: S,
    events: HeapCons<RecorderEvent>,
    unfinished: Option<UnfinishedTake>,
    exports: Vec<JoinHandle<()>>,
}

impl<S: TakeSource> Worker<S> {
    fn run(mut self) {
        loop {
            // Read before the ring: what was pushed before closing, or before it was asked for, is seen.
            let (closing, asked) = {
                let orders = self.shared.orders.lock();
                (orders.closing, orders.asked)
            };
            // No more than the ring holds: a bounce may fill it as fast as it is emptied.
            for _ in 0..self.events.capacity().get() {
                let Some(event) = self.events.try_pop() else { break };
                self.take(event);
            }
            self.answer(asked);
            if let Some(take) = &mut self.unfinished {
                take.write(&*self.disk);
                let status = take.status();
                self.shared.status.lock().now(status);
            }
            if closing && self.events.is_empty() {
                break;
            }
            let poll = if self.unfinished.is_some() { BUSY_POLL } else { IDLE_POLL };
            let mut orders = self.shared.orders.lock();
            if !orders.closing && orders.asked == orders.answered {
                // Woken early or late makes no difference.
                self.shared.wake.wait_for(&mut orders, poll);
            }
        }
        self.answer(u64::MAX);
        // Only where the plugin was not deactivated before it went.
        self.close("plugin removed", None);
        self.exports.drain(..).for_each(|export| drop(export.join()));
        self.shared.orders.lock().finished = true;
        self.shared.caught_up.notify_all();
    }

    /// Lets the calls of `catch_up` up to this one return.
    fn answer(&self, asked: u64) {
        let mut orders = self.shared.orders.lock();
        if orders.answered != asked {
            orders.answered = asked;
            self.shared.caught_up.notify_all();
        }
    }

    fn take(&mut self, event: RecorderEvent) {
        match event {
            RecorderEvent::Begin(begin) => {
                self.close("another take began", None);
                match UnfinishedTake::new(&begin, self.source.destination(), self.source.track()) {
                    Ok(take) => self.unfinished = Some(take),
                    Err(error) => self.say(format!("no take could be begun: {error}")),
                }
            }
            RecorderEvent::End { reason, length_samples } => {
                self.close(&reason.to_string(), Some(length_samples));
            }
            event => match self.unfinished.as_mut().map(|take| take.add(&event)) {
                Some(Ok(())) => {}
                // Its take could not be begun, and that was said.
                None => {
                    self.shared.status.lock().lost_frames +=
                        u64::from(matches!(event, RecorderEvent::Frame(_)))
                }
                Some(Err(error)) => {
                    self.shared.status.lock().lost_frames += 1;
                    self.say(format!("a frame could not be recorded: {error}"));
                }
            },
        }
    }

    /// Closes the take, if one is open, and exports it on a thread of its own: decoding takes longer
    /// than the ring lasts.
    fn close(&mut self, reason: &str, length_samples: Option<u64>) {
        let Some(mut take) = self.unfinished.take() else { return };
        // Name and folder are those of its beginning; what a closed take becomes is said now.
        take.export_as(self.source.destination().formats);
        let closed = take.close(&*self.disk, reason, length_samples);
        self.shared.status.lock().end(&closed);
        self.exports.retain(|export| !export.is_finished());
        let Some(exports) = closed.exports else { return };
        let (shared, disk) = (self.shared.clone(), self.disk.clone());
        let run = move || {
            let problems = exports.write(&*disk, &shared.are_exports_given_up);
            if !problems.is_empty() {
                shared.status.lock().last_problem = Some(problems.join("; "));
            }
        };
        match std::thread::Builder::new().name("sacodec-export".into()).spawn(run) {
            Ok(export) => self.exports.push(export),
            Err(error) => {
                self.say(format!("the take was not exported ({error}): use `sacodec convert`"));
            }
        }
    }

    /// Shows what went wrong until a take is closed without a problem.
    fn say(&self, problem: String) {
        self.shared.status.lock().last_problem = Some(problem);
    }
}

#[cfg(test)]
mod tests;

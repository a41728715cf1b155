//! The thread beside the window's own: waits for X11's events of the window.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nice_plug_egui::Key;
use x11rb::connection::Connection;
use x11rb::errors::ConnectionError;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::NotifyDetail;

use super::X11Error;
use super::focus::ClickFocus;
use super::keys::HostKeys;
use super::link::Link;
use super::sight::{Sight, View};

/// From one request for the first frame to the next.
const FIRST_FRAME_INTERVAL: Duration = Duration::from_millis(20);
/// The thread ends within this time, unless the X server hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the window tells the thread. Each comes with a letter through the X server: what was pressed before it
/// is judged by what held before it, as the framework did.
enum Note {
    /// A frame was drawn, and with it the keys that the editor wants, or all, have changed.
    Wanted(Option<Vec<Key>>),
    Clicked,
    End,
}

/// The thread of one open window; dropping it ends it.
pub struct Watcher {
    link: Arc<Link>,
    notes: Sender<Note>,
    /// What was told last; `None` before the first frame.
    wanted: Option<Option<Vec<Key>>>,
    thread: Option<JoinHandle<()>>,
    /// Its other end is gone when the thread has ended.
    ended: Receiver<Infallible>,
}

impl Watcher {
    pub(super) fn start(link: Arc<Link>, told: impl FnMut(View) + Send + 'static) -> Result<Self, X11Error> {
        let (notes, received) = channel();
        let (alive, ended) = channel();
        let (keys, sight) = (HostKeys::new(&link)?, Sight::new(&link)?);
        let mut watch = Watch {
            link: link.clone(),
            notes: received,
            told: Box::new(told),
            keys,
            sight,
            focus: ClickFocus::default(),
            awaits_first_frame: false,
            has_drawn: false,
        };
        let thread = std::thread::Builder::new().name("sacodec-x11".into()).spawn(move || {
            // A server that is gone has closed the window too.
            let _ = watch.run();
            drop(alive);
        })?;
        Ok(Self { link, notes, wanted: None, thread: Some(thread), ended })
    }

    /// See [`WindowSide::frame`](super::WindowSide::frame).
    pub fn frame(&mut self, wanted: Option<Vec<Key>>, is_clicked: bool) {
        if self.wanted.as_ref() != Some(&wanted) {
            self.wanted = Some(wanted.clone());
            self.tell(Note::Wanted(wanted));
        }
        if is_clicked {
            self.tell(Note::Clicked);
        }
    }

    fn tell(&self, note: Note) {
        // A thread that has ended has nothing to do any more.
        if self.notes.send(note).is_ok() {
            let _ = self.link.write_to_self();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.tell(Note::End);
        let has_ended = matches!(self.ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            // A panic there has been reported by its own hook.
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Watch {
    link: Arc<Link>,
    notes: Receiver<Note>,
    told: Box<dyn FnMut(View) + Send>,
    keys: HostKeys,
    focus: ClickFocus,
    sight: Sight,
    awaits_first_frame: bool,
    has_drawn: bool,
}

impl Watch {
    /// Until the window closes.
    fn run(&mut self) -> Result<(), ConnectionError> {
        let link = self.link.clone();
        loop {
            let event = if self.awaits_first_frame {
                let Some(event) = link.connection.poll_for_event()? else {
                    link.answer_first_request()?;
                    std::thread::sleep(FIRST_FRAME_INTERVAL);
                    continue;
                };
                event
            } else {
                link.connection.wait_for_event()?
            };
            let is_open = self.handle(event, &link)?;
            if !is_open {
                return Ok(());
            }
        }
    }

    /// `false` at the end.
    fn handle(&mut self, event: Event, link: &Link) -> Result<bool, ConnectionError> {
        let seen = match event {
            Event::ClientMessage(event) if link.is_letter(&event) => return self.read_note(link),
            Event::DestroyNotify(event) if event.window == link.window => {
                link.set_window_gone();
                return Ok(false);
            }
            Event::KeyPress(event) | Event::KeyRelease(event) => {
                self.keys.forward(event, link)?;
                None
            }
            Event::MappingNotify(_) => {
                self.keys.map_changed(link);
                None
            }
            Event::EnterNotify(event) => {
                self.focus.entered(event.mode);
                None
            }
            Event::LeaveNotify(event) => {
                self.focus.left(event.mode);
                None
            }
            Event::FocusOut(event) if is_own(event.detail) => {
                self.focus.lost(link)?;
                None
            }
            Event::MapNotify(event) => {
                self.awaits_first_frame |= event.window == link.window && !self.has_drawn;
                self.sight.mapped(event.window, link)?
            }
            Event::UnmapNotify(event) => self.sight.mapped(event.window, link)?,
            Event::ReparentNotify(event) => self.sight.moved(event.window, link)?,
            Event::VisibilityNotify(event) => self.sight.covered(event.state, link)?,
            _ => None,
        };
        if let Some(view) = seen {
            (self.told)(view);
        }
        Ok(true)
    }

    fn read_note(&mut self, link: &Link) -> Result<bool, ConnectionError> {
        match self.notes.try_recv() {
            Ok(Note::Wanted(keys)) => {
                self.keys.set_wanted(keys);
                (self.awaits_first_frame, self.has_drawn) = (false, true);
            }
            Ok(Note::Clicked) => self.focus.clicked(link)?,
            Ok(Note::End) => return Ok(false),
            // A letter of somebody else's.
            Err(_) => {}
        }
        Ok(true)
    }
}

/// Whether the keyboard has gone from the window itself. Where the window that it is embedded in has it, the one
/// under the pointer is told too, and is not the one that keys are meant for.
fn is_own(detail: NotifyDetail) -> bool {
    ![NotifyDetail::POINTER, NotifyDetail::POINTER_ROOT, NotifyDetail::NONE].contains(&detail)
}

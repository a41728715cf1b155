//! Whether there is anything to be seen of the window.
//!
//! A host that hides its own window around the editor, rather than close it, tells the editor nothing; nor does
//! X11, unless it is asked about every window around.

use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt, EventMask, MapState, Visibility, Window,
};

use super::link::Link;

/// What is known of a window's place among others.
pub struct Sight {
    /// The window and those around it, from the inside out.
    windows: Vec<Window>,
    is_covered: bool,
    is_seen: bool,
}

impl Sight {
    /// It counts as seen until an event says otherwise.
    pub fn new(link: &Link) -> Result<Self, ConnectionError> {
        let mut sight = Self { windows: vec![link.window], is_covered: false, is_seen: true };
        sight.look_around(link)?;
        Ok(sight)
    }

    /// This window was shown or hidden. Tells, as all methods here, what has changed about being seen.
    pub fn mapped(&mut self, window: Window, link: &Link) -> Result<Option<bool>, ConnectionError> {
        if !self.windows.contains(&window) {
            return Ok(None);
        }
        // Something may lie over it: that is told next.
        self.is_covered = false;
        self.look(link)
    }

    /// This window was put into another one.
    pub fn moved(&mut self, window: Window, link: &Link) -> Result<Option<bool>, ConnectionError> {
        if !self.windows.contains(&window) {
            return Ok(None);
        }
        self.look_around(link)?;
        self.look(link)
    }

    /// Other windows lie over it, or do no more.
    pub fn covered(&mut self, visibility: Visibility, link: &Link) -> Result<Option<bool>, ConnectionError> {
        self.is_covered = visibility == Visibility::FULLY_OBSCURED;
        self.look(link)
    }

    fn look(&mut self, link: &Link) -> Result<Option<bool>, ConnectionError> {
        let attributes = link.connection.get_window_attributes(link.window)?.reply();
        let is_seen = attributes.is_ok_and(|a| a.map_state == MapState::VIEWABLE) && !self.is_covered;
        let has_changed = std::mem::replace(&mut self.is_seen, is_seen) != is_seen;
        Ok(has_changed.then_some(is_seen))
    }

    /// Asks about all windows around.
    fn look_around(&mut self, link: &Link) -> Result<(), ConnectionError> {
        self.windows.truncate(1);
        let mut window = link.window;
        // Each is asked about before it is looked where it is: what happens in between is told.
        while let Ok(tree) = link.connection.query_tree(window)?.reply()
            && tree.parent != tree.root
            && tree.parent != x11rb::NONE
        {
            window = tree.parent;
            let wish = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
            link.connection.change_window_attributes(window, &wish)?;
            self.windows.push(window);
        }
        Ok(())
    }
}

//! Whether there is anything to be seen of the window.
//!
//! A host that hides its own window around the editor, rather than close it, tells the editor nothing; nor does
//! X11, unless it is asked about every window around.

use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt, EventMask, MapState, Visibility, Window,
};

use super::link::Link;

/// What there is to be seen of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Some of it at least.
    Shown,
    /// Nothing: other windows lie over it.
    Covered,
    /// Nothing: it, or one around it, was put away.
    Hidden,
}

/// What is known of a window's place among others.
pub struct Sight {
    /// The window and those around it, from the inside out.
    windows: Vec<Window>,
    is_covered: bool,
    view: View,
}

impl Sight {
    /// It counts as shown until an event says otherwise.
    pub fn new(link: &Link) -> Result<Self, ConnectionError> {
        let mut sight = Self { windows: vec![link.window], is_covered: false, view: View::Shown };
        sight.look_around(link)?;
        Ok(sight)
    }

    /// This window was shown or hidden. Tells, as all methods here, what there is to be seen where that has changed.
    pub fn mapped(&mut self, window: Window, link: &Link) -> Result<Option<View>, ConnectionError> {
        if !self.windows.contains(&window) {
            return Ok(None);
        }
        // Something may lie over it: that is told next.
        self.is_covered = false;
        self.look(link)
    }

    /// This window was put into another one.
    pub fn moved(&mut self, window: Window, link: &Link) -> Result<Option<View>, ConnectionError> {
        if !self.windows.contains(&window) {
            return Ok(None);
        }
        self.look_around(link)?;
        self.look(link)
    }

    /// Other windows lie over it, or do no more.
    pub fn covered(&mut self, visibility: Visibility, link: &Link) -> Result<Option<View>, ConnectionError> {
        self.is_covered = visibility == Visibility::FULLY_OBSCURED;
        self.look(link)
    }

    fn look(&mut self, link: &Link) -> Result<Option<View>, ConnectionError> {
        let attributes = link.connection.get_window_attributes(link.window)?.reply();
        let view = match attributes.is_ok_and(|a| a.map_state == MapState::VIEWABLE) {
            false => View::Hidden,
            true if self.is_covered => View::Covered,
            true => View::Shown,
        };
        let has_changed = std::mem::replace(&mut self.view, view) != view;
        Ok(has_changed.then_some(view))
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

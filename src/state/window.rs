//! How large the window is, and how large what is in it.

use serde::{Deserialize, Serialize};

/// Size of a new window in points.
pub const DEFAULT_SIZE: (f32, f32) = (900.0, 560.0);
/// Smallest size in points.
pub const MIN_SIZE: (f32, f32) = (640.0, 420.0);
/// Smallest scale: of a host that gives less room than the smallest window.
const MIN_ZOOM: f32 = 0.5;
/// Steps of scales between those that are offered, for each 1×.
const ZOOM_STEPS: f32 = 20.0;

/// What a session remembers of the window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowChoice {
    /// Width in points of what is drawn, before the zoom.
    pub width: f32,
    /// Height in points of what is drawn, before the zoom.
    pub height: f32,
    /// Chosen scale on top of the system's.
    pub zoom: f32,
}

impl Default for WindowChoice {
    fn default() -> Self {
        Self { width: DEFAULT_SIZE.0, height: DEFAULT_SIZE.1, zoom: 1.0 }
    }
}

impl WindowChoice {
    /// Within bounds, whatever a session says.
    pub fn sane(self) -> Self {
        let keep = |value: f32, low: f32, high: f32, other: f32| {
            if value.is_finite() { value.clamp(low, high) } else { other }
        };
        Self {
            width: keep(self.width, MIN_SIZE.0, 4096.0, DEFAULT_SIZE.0),
            height: keep(self.height, MIN_SIZE.1, 4096.0, DEFAULT_SIZE.1),
            zoom: keep(self.zoom, 0.5, 3.0, 1.0),
        }
    }

    /// Width and height in points of the system that the chosen scale wants.
    pub fn size(self) -> (f32, f32) {
        (self.width * self.zoom, self.height * self.zoom)
    }

    /// The scale to draw at in a window of this size in points of the system: the chosen one, or the
    /// largest that leaves room for [`MIN_SIZE`], in whole steps, since glyphs are made anew for each.
    pub fn zoom_in(self, width: f32, height: f32) -> f32 {
        let room = (width / MIN_SIZE.0).min(height / MIN_SIZE.1);
        if room >= self.zoom {
            return self.zoom;
        }
        // A little over, or a rounded pixel would cost a step.
        ((room * ZOOM_STEPS + 0.05).floor() / ZOOM_STEPS).max(MIN_ZOOM)
    }

    /// What is remembered of a window that now has this size in points of the system. A window too small
    /// for the chosen scale is remembered as it was: going back to 1× finds its size again.
    pub fn resized(self, width: f32, height: f32) -> Self {
        let (width, height) = (width / self.zoom, height / self.zoom);
        let has_room = width > MIN_SIZE.0 - 1.0 && height > MIN_SIZE.1 - 1.0;
        if has_room { Self { width, height, ..self }.sane() } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_2: WindowChoice = WindowChoice { width: 900.0, height: 560.0, zoom: 2.0 };

    #[test]
    fn a_window_without_room_for_the_chosen_scale_is_drawn_as_large_as_it_fits() {
        for ((width, height), zoom) in [
            ((1800.0, 1120.0), 2.0),
            ((1280.0, 840.0), 2.0),
            ((900.0, 560.0), 1.3),
            ((960.0, 2000.0), 1.5),
            ((4000.0, 420.0), 1.0),
            ((320.0, 420.0), 0.5),
            ((10.0, 10.0), 0.5),
        ] {
            assert_eq!(AT_2.zoom_in(width, height), zoom, "{width} × {height}");
        }
        assert_eq!(WindowChoice::default().zoom_in(5000.0, 5000.0), 1.0, "never larger than chosen");
    }

    #[test]
    fn the_size_is_remembered_where_the_chosen_scale_has_room() {
        assert_eq!(AT_2.resized(1300.0, 900.0), WindowChoice { width: 650.0, height: 450.0, zoom: 2.0 });
        assert_eq!(AT_2.resized(900.0, 560.0), AT_2, "a host that does not grow the window");
        let smallest = AT_2.resized(2.0 * MIN_SIZE.0 - 1.0, 2.0 * MIN_SIZE.1 - 1.0);
        assert_eq!((smallest.width, smallest.height), MIN_SIZE, "a pixel lost to rounding");
    }

    #[test]
    fn a_session_cannot_ask_for_a_window_that_is_of_no_use() {
        let mad = WindowChoice { width: f32::NAN, height: -5.0, zoom: 1e9 }.sane();
        assert_eq!(mad, WindowChoice { width: DEFAULT_SIZE.0, height: MIN_SIZE.1, zoom: 3.0 });
    }
}

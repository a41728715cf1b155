//! What draws the window, and how often it may: without a GPU every pixel costs processor time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use egui_glow::glow::{self, HasContext};

/// Every third frame of the codec, so that the pictures move evenly.
const FRAME_INTERVAL: Duration = Duration::from_millis(40);
/// Every fifth.
const SOFTWARE_INTERVAL: Duration = Duration::from_nanos(66_666_667);
/// In the names, in small letters, of renderers that run on the processor.
const SOFTWARE: [&str; 4] = ["llvmpipe", "softpipe", "swiftshader", "software"];

/// The renderer of one window. Cheap to clone.
#[derive(Clone, Default)]
pub struct Renderer {
    is_software: Arc<AtomicBool>,
}

impl Renderer {
    /// Asks for the renderer's name while the frame in hand is drawn.
    pub fn ask(&self, painter: &egui::Painter) {
        let is_software = self.is_software.clone();
        let ask = move |_: egui::PaintCallbackInfo, painter: &egui_glow::Painter| {
            // SAFETY: egui calls this with the window's context current, on its thread.
            let name = unsafe { painter.gl().get_parameter_string(glow::RENDERER) };
            is_software.store(is_software_name(&name), Relaxed);
        };
        painter.add(egui::PaintCallback {
            rect: painter.clip_rect(),
            callback: Arc::new(egui_glow::CallbackFn::new(ask)),
        });
    }

    /// The least time from one frame to the next.
    pub fn frame_interval(&self) -> Duration {
        if self.is_software.load(Relaxed) { SOFTWARE_INTERVAL } else { FRAME_INTERVAL }
    }
}

fn is_software_name(name: &str) -> bool {
    let name = name.to_lowercase();
    SOFTWARE.iter().any(|software| name.contains(software))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renderers_without_a_gpu_are_known_by_their_names() {
        for name in ["llvmpipe (LLVM 15.0.6, 256 bits)", "softpipe", "Apple Software Renderer"] {
            assert!(is_software_name(name), "{name}");
        }
        for name in
            ["NVIDIA GeForce RTX 3060/PCIe/SSE2", "Mesa Intel(R) UHD Graphics 620 (KBL GT2)", "Apple M2"]
        {
            assert!(!is_software_name(name), "{name}");
        }
    }
}

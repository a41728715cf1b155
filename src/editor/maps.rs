//! Pictures of the codebooks: which entries occur, and how often.

use egui::{Color32, ColorImage, TextureHandle, TextureOptions, Ui};

use super::theme;
use sacodec_scope::Usage;
use sacodec_token::TokenStream;

/// Cells beside each other: the shipped codebooks of 1000 and 1024 are 40 × 25 and 40 × 26.
pub const CELLS_A_ROW: usize = 40;
/// The maps are painted anew after so many frames.
const REFRESH_FRAMES: u64 = 15;

/// The pictures of both codebooks.
#[derive(Default)]
pub struct Maps {
    textures: [Option<TextureHandle>; 2],
    painted_at: Option<u64>,
}

impl Maps {
    /// Forgets the textures, whose context is gone.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The picture of a stream's codebook, once it was painted.
    pub fn texture(&self, stream: TokenStream) -> Option<&TextureHandle> {
        self.textures[stream.index()].as_ref()
    }

    /// Paints both now and then; `frame` counts what was seen of the tokens.
    pub fn update(&mut self, ui: &Ui, usage: &Usage, frame: u64) {
        if self.painted_at.is_some_and(|at| frame.abs_diff(at) < REFRESH_FRAMES && frame >= at) {
            return;
        }
        self.painted_at = Some(frame);
        for (stream, texture) in TokenStream::ALL.into_iter().zip(&mut self.textures) {
            let image = picture(usage.counts(stream));
            match texture {
                Some(texture) => texture.set(image, TextureOptions::NEAREST),
                None => *texture = Some(ui.ctx().load_texture("codebook", image, TextureOptions::NEAREST)),
            }
        }
    }
}

/// A pixel for each entry: dark where it is dead, lighter with every doubling.
fn picture(counts: &[u32]) -> ColorImage {
    let rows = counts.len().div_ceil(CELLS_A_ROW).max(1);
    let mut image = ColorImage::filled([CELLS_A_ROW, rows], theme::BACKGROUND);
    let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    for (pixel, &count) in image.pixels.iter_mut().zip(counts) {
        *pixel = match count {
            0 => Color32::from_rgb(34, 38, 46),
            _ => {
                let share = (1.0 + count as f32).log2() / (1.0 + highest).log2();
                theme::level_color((70.0 + 170.0 * share) as u8)
            }
        };
    }
    image
}

//! A picture with a little text, written as PNG.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result};

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Width of a character with its gap, in pixels.
pub const CHAR_WIDTH: usize = 6;

/// Height of a character, in pixels.
pub const CHAR_HEIGHT: usize = 7;

/// Pixels, from the top left. Drawing outside draws nothing.
pub struct Canvas {
    width: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// A canvas of one colour.
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        Self { width, pixels: vec![colour; width * height] }
    }

    /// Sets a pixel.
    pub fn set(&mut self, x: usize, y: usize, colour: Colour) {
        if x < self.width
            && let Some(pixel) = self.pixels.get_mut(y * self.width + x)
        {
            *pixel = colour;
        }
    }

    /// Writes text with its top left at `x`, `y`. Characters without a shape leave a gap.
    pub fn text(&mut self, x: usize, y: usize, text: &str, colour: Colour) {
        for (index, character) in text.chars().enumerate() {
            for (row, bits) in shape(character).into_iter().enumerate() {
                for column in (0..5).filter(|column| bits & (0b10000 >> column) != 0) {
                    self.set(x + index * CHAR_WIDTH + column, y + row, colour);
                }
            }
        }
    }

    /// Writes text that ends before `x`, around `y`.
    pub fn text_left_of(&mut self, x: usize, y: usize, text: &str, colour: Colour) {
        let width = text.chars().count() * CHAR_WIDTH;
        self.text(x.saturating_sub(width), y.saturating_sub(CHAR_HEIGHT / 2), text, colour);
    }

    /// Writes it as a PNG file.
    pub fn save(&self, path: &Path) -> Result<()> {
        let failed = || format!("could not write {}: check permissions and free space", path.display());
        let file = BufWriter::new(File::create(path).with_context(failed)?);
        let height = self.pixels.len() / self.width.max(1);
        let mut encoder = png::Encoder::new(file, u32::try_from(self.width)?, u32::try_from(height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().with_context(failed)?;
        writer.write_image_data(self.pixels.as_flattened()).with_context(failed)?;
        writer.finish().with_context(failed)
    }
}

/// The seven rows of a character, five bits each: what axes and titles need.
#[rustfmt::skip]
fn shape(character: char) -> [u8; 7] {
    match character {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111],
        '3' => [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        '-' => [0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000],
        'B' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110],
        'H' => [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        'a' => [0b00000, 0b00000, 0b01110, 0b00001, 0b01111, 0b10001, 0b01111],
        'c' => [0b00000, 0b00000, 0b01110, 0b10000, 0b10000, 0b10001, 0b01110],
        'd' => [0b00001, 0b00001, 0b01101, 0b10011, 0b10001, 0b10001, 0b01111],
        'e' => [0b00000, 0b00000, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110],
        'g' => [0b00000, 0b01111, 0b10001, 0b10001, 0b01111, 0b00001, 0b01110],
        'i' => [0b00100, 0b00000, 0b01100, 0b00100, 0b00100, 0b00100, 0b01110],
        'k' => [0b10000, 0b10000, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010],
        'l' => [0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        'n' => [0b00000, 0b00000, 0b10110, 0b11001, 0b10001, 0b10001, 0b10001],
        'o' => [0b00000, 0b00000, 0b01110, 0b10001, 0b10001, 0b10001, 0b01110],
        'r' => [0b00000, 0b00000, 0b10110, 0b11001, 0b10000, 0b10000, 0b10000],
        's' => [0b00000, 0b00000, 0b01110, 0b10000, 0b01110, 0b00001, 0b11110],
        'z' => [0b00000, 0b00000, 0b11111, 0b00010, 0b00100, 0b01000, 0b11111],
        _ => [0; 7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_outside_draws_nothing() {
        let mut canvas = Canvas::new(4, 3, [0; 3]);
        for (x, y) in [(4, 0), (0, 3), (usize::MAX / 8, 1)] {
            canvas.set(x, y, [255; 3]);
        }
        assert!(canvas.pixels.iter().all(|&pixel| pixel == [0; 3]));
        canvas.set(3, 2, [255; 3]);
        assert_eq!(canvas.pixels.last(), Some(&[255; 3]));
    }

    #[test]
    fn all_that_is_written_has_a_shape() {
        for character in "0123456789-kHzdBsoriginalcoded".chars() {
            assert_ne!(shape(character), [0; 7], "{character}");
        }
    }
}

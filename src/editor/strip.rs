//! A texture that grows by a column for every frame, as a ring.

use egui::{Color32, ColorImage, Painter, Rect, TextureHandle, TextureOptions, pos2};

use sacodec_scope::{Column, Columns, SPAN_COLUMNS};

/// What a strip is a picture of.
#[derive(Clone, Copy)]
pub struct Picture {
    /// Tells it from other pictures.
    pub what: u8,
    /// Colours of a column.
    pub height: usize,
    /// How it is enlarged.
    pub options: TextureOptions,
}

/// A picture of all remembered columns, [`SPAN_COLUMNS`] wide. Only new columns are uploaded.
#[derive(Default)]
pub struct Strip {
    texture: Option<TextureHandle>,
    height: usize,
    /// What is painted, and of which clearing; another of either paints all anew.
    painted: (u8, u64),
    written: u64,
}

impl Strip {
    /// Forgets the texture, whose context is gone.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Uploads columns that are new, or all where it is another picture than before. `paint` fills a
    /// column of colours, top first.
    pub fn update(
        &mut self,
        ctx: &egui::Context,
        columns: &Columns,
        picture: Picture,
        paint: impl Fn(&Column, &mut [Color32]),
    ) {
        let Picture { what, height, options } = picture;
        let painted = (what, columns.epoch());
        if self.height != height || self.texture.is_none() {
            let blank = ColorImage::filled([SPAN_COLUMNS, height], Color32::BLACK);
            self.texture = Some(ctx.load_texture("strip", blank, options));
            self.height = height;
            self.written = 0;
        }
        if self.painted != painted {
            self.painted = painted;
            self.written = 0;
        }
        let Some(texture) = &mut self.texture else { return };
        let mut next = self.written.max(columns.written().saturating_sub(SPAN_COLUMNS as u64));
        let mut column_colors = vec![Color32::BLACK; height];
        while next < columns.written() {
            let x = (next % SPAN_COLUMNS as u64) as usize;
            let width = ((columns.written() - next) as usize).min(SPAN_COLUMNS - x);
            let mut image = ColorImage::filled([width, height], Color32::BLACK);
            for i in 0..width {
                let Some(column) = columns.get(next + i as u64) else { continue };
                paint(column, &mut column_colors);
                for (row, color) in column_colors.iter().enumerate() {
                    image.pixels[row * width + i] = *color;
                }
            }
            texture.set_partial([x, 0], image, options);
            next += width as u64;
        }
        self.written = columns.written();
    }

    /// Draws the last `span` columns, the newest at the right edge, and `blank` where there are none yet.
    pub fn draw(&self, painter: &Painter, rect: Rect, span: usize, blank: Color32) {
        let Some(texture) = &self.texture else { return };
        let shown = (span as u64).min(self.written).min(SPAN_COLUMNS as u64 - 1);
        let column_width = rect.width() / span as f32;
        if shown < span as u64 {
            let right = rect.right() - shown as f32 * column_width;
            painter.rect_filled(rect.with_max_x(right), 0.0, blank);
        }
        let mut number = self.written - shown;
        while number < self.written {
            let x = number % SPAN_COLUMNS as u64;
            let width = (self.written - number).min(SPAN_COLUMNS as u64 - x);
            let right = rect.right() - (self.written - number - width) as f32 * column_width;
            let left = right - width as f32 * column_width;
            // Half a texel in, or the ring's newest column would blend with its oldest.
            let u = |texel: f32| texel / SPAN_COLUMNS as f32;
            let (u_left, u_right) = (u(x as f32 + 0.5), u((x + width) as f32 - 0.5));
            let uv = Rect::from_min_max(pos2(u_left, 0.0), pos2(u_right, 1.0));
            let target = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
            painter.image(texture.id(), target, uv, Color32::WHITE);
            number += width;
        }
    }

    /// Where the middle of a column is, if it is in view.
    pub fn x_of(&self, rect: Rect, span: usize, number: u64) -> Option<f32> {
        let back = self.written.checked_sub(number)?;
        let is_shown = (1..=span as u64).contains(&back);
        is_shown.then(|| rect.right() - (back as f32 - 0.5) * rect.width() / span as f32)
    }

    /// Number of the column under a horizontal position.
    pub fn column_at(&self, rect: Rect, span: usize, x: f32) -> Option<u64> {
        let back = ((rect.right() - x) / rect.width() * span as f32).floor();
        (back >= 0.0 && back < span as f32).then(|| self.written.checked_sub(1 + back as u64)).flatten()
    }
}

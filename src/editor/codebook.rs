//! How the codebooks are used over the last minute.

use egui::{Color32, Rect, Sense, Ui, pos2, vec2};

use super::desk::Desk;
use super::maps::CELLS_A_ROW;
use super::theme;
use super::widgets::{caption, fact};
use sacodec_token::TokenStream;

/// Height of a line of text with what is around it.
const LINE_HEIGHT: f32 = 28.0;

/// Draws both maps with entropy, dead codes and the effective bit rate.
pub fn draw(ui: &mut Ui, desk: &mut Desk) {
    let usage = &desk.scope.usage;
    if usage.frames() == 0 {
        caption(ui, "No tokens yet: the maps fill while audio runs.");
        return;
    }
    desk.maps.update(ui, usage, desk.scope.columns.written());
    let frame_rate_hz = 1.0 / desk.scope.column_s();
    let bits: f32 = TokenStream::ALL.into_iter().map(|stream| usage.reading(stream).entropy_bits).sum();
    let of = if desk.scope.coded_channels() > 1 { " (left)" } else { "" };
    let seconds = usage.frames() as f64 / frame_rate_hz;
    fact(
        ui,
        &format!("last {seconds:.0} s"),
        format!("{:.2} kbps effective{of}", f64::from(bits) * frame_rate_hz / 1e3),
        "Entropy of both streams times the frame rate: what an ideal entropy coder would need, each frame \
         for itself. A short stretch shows fewer codes than the language has",
    );
    // Two maps and their two lines fill the rest.
    let map_height = ((ui.available_height() - 2.0 * LINE_HEIGHT) / 2.0).max(30.0);
    for stream in TokenStream::ALL {
        let (name, reading) = (theme::stream_title(stream), usage.reading(stream));
        fact(
            ui,
            name,
            format!("{:.2} bits, {} of {} dead", reading.entropy_bits, reading.dead, reading.entries),
            "Entropy in bits a frame, and entries that did not occur in the last minute",
        );
        let counts = usage.counts(stream);
        let rows = counts.len().div_ceil(CELLS_A_ROW).max(1);
        let cell = ui.available_width() / CELLS_A_ROW as f32;
        let height = map_height.min(rows as f32 * cell);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        if let Some(texture) = desk.maps.texture(stream) {
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), rect, uv, Color32::WHITE);
        }
        if let Some(at) = response.hover_pos() {
            let column = ((at.x - rect.left()) / rect.width() * CELLS_A_ROW as f32) as usize;
            let row = ((at.y - rect.top()) / rect.height() * rows as f32) as usize;
            let code = row * CELLS_A_ROW + column.min(CELLS_A_ROW - 1);
            if let Some(count) = counts.get(code) {
                response.on_hover_text(format!("{name} code {code}: {count} times"));
            }
        }
    }
}

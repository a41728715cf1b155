//! Meters of original, coded and difference.

use egui::{Align2, Rect, Sense, Ui, pos2, vec2};

use super::desk::Desk;
use super::theme;
use super::widgets::db;
use sacodec_scope::{Reading, Signal};

/// Range of the bars.
const LOWEST_DB: f32 = -60.0;
const HIGHEST_DB: f32 = 3.0;
const ROW_HEIGHT: f32 = 42.0;

/// Draws the three meters.
pub fn draw(ui: &mut Ui, desk: &Desk) {
    for (signal, name) in Signal::ALL.into_iter().zip(["In", "Coded", "Difference"]) {
        let reading = desk.scope.meters().map_or(Reading::SILENT, |m| m.reading(signal));
        row(ui, name, &reading);
    }
}

fn row(ui: &mut Ui, name: &str, reading: &Reading) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    let painter = ui.painter_at(rect);
    let small = theme::font(theme::SMALL);
    painter.text(rect.left_top(), Align2::LEFT_TOP, name, theme::font(13.0), theme::TEXT);
    let loudness = format!("{} LUFS", db(reading.loudness_lufs));
    painter.text(rect.right_top(), Align2::RIGHT_TOP, loudness, theme::font(13.0), theme::TEXT);

    let bar = Rect::from_min_size(pos2(rect.left(), rect.top() + 18.0), vec2(rect.width(), 8.0));
    let share = |level_db: f32| ((level_db - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB)).clamp(0.0, 1.0);
    let x = |level_db: f32| bar.left() + share(level_db) * bar.width();
    painter.rect_filled(bar, 2.0, theme::CONTROL);
    let rms = Rect::from_min_max(bar.min, pos2(x(reading.rms_db), bar.bottom()));
    painter.rect_filled(rms, 2.0, theme::ACCENT);
    painter.vline(x(0.0), bar.y_range(), (1.0, theme::LINE));
    if reading.peak_db > LOWEST_DB {
        let color = if reading.peak_db >= 0.0 { theme::ERROR } else { theme::TEXT };
        painter.vline(x(reading.peak_db), bar.y_range(), (2.0, color));
    }

    let below = pos2(rect.left(), bar.bottom() + 1.0);
    let text = format!(
        "peak {}  true {}  RMS {}",
        db(reading.peak_db),
        db(reading.true_peak_db),
        db(reading.rms_db)
    );
    painter.text(below, Align2::LEFT_TOP, text, small.clone(), theme::DIM);
    if reading.clips > 0 {
        let clips = format!("{} clips", reading.clips);
        painter.text(pos2(rect.right(), below.y), Align2::RIGHT_TOP, clips, small, theme::ERROR);
    }
    response.on_hover_text(format!(
        "{name}, before level match and output gain. Bar: RMS over 0.3 s. Line: peak, held 1.5 s. \
         Highest true peak in dBTP since Reset was pressed, or since the sample rate or the channels changed. \
         Loudness of 3 s in LUFS (EBU R 128)."
    ));
}

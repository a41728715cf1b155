//! What this is, the signal path, and the keys.

use egui::{Align2, Pos2, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};

use super::theme;
use super::widgets::caption;

const KEYS: [(&str, &str); 7] = [
    ("1  2  3", "listen to original, coded, difference"),
    ("H", "hold the picture"),
    ("Esc", "back from this page"),
    ("A  X  B", "in a listening test: listen"),
    ("1  2", "in a listening test: X is A, X is B"),
    ("Esc", "in a listening test: give up"),
    ("Enter  Left  Right  Esc", "before one: start, number of trials, back"),
];
const NOTES: [(&str, &str); 9] = [
    (
        "Tokens",
        "75 times a second the codec says what it heard in two numbers: a semantic token, the nearest of 1000 entries anchored to mHuBERT, and an acoustic token for what is left, one of 1024. 20 bits a frame: 1.5 kbps. Nothing else reaches the decoder.",
    ),
    (
        "Difference",
        "Original minus coded, sample by sample. The codec makes the voice anew and does not keep its phase, so the difference is about as loud as the voice even where both sound alike.",
    ),
    (
        "Level match",
        "Brings coded and difference to the loudness of the original (BS.1770, over 3 s), and is held in pauses.",
    ),
    (
        "Takes",
        "Record writes the tokens into a .sac file with their place on the timeline, ready for NumPy, pandas or sacodec decode.",
    ),
    (
        "Latency",
        "Constant for a sample rate and scheduling, reported to the host. Original and coded are aligned to the sample.",
    ),
    (
        "Worst",
        "The moments at which coded is furthest from original, as ears have it. A click on one shows its picture. Save as writes markers for other programs.",
    ),
    (
        "Token source",
        "On the tab Tokens: the decoder gets the tokens of a take in place of those of the input, both streams or one, where the take has them on the timeline. Freeze repeats the frame before. A network's loss comes after that.",
    ),
    (
        "Not speech",
        "A yellow light beside Hold says that the input does not look like one voice (music, noise, two voices), is too low, or is clipped. Point at it to read why.",
    ),
    ("Bounce", "When rendering = Original prints the original whatever you listen to."),
];

/// Draws the page.
pub fn draw(ui: &mut Ui) {
    ui.label(RichText::new("What a neural speech codec does to a voice").size(19.0).strong());
    ui.label(format!("SACodec {}: hear it, see its tokens, take them home.", env!("CARGO_PKG_VERSION")));
    ui.add_space(6.0);
    signal_path(ui);
    ui.add_space(6.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (name, text) in NOTES {
            ui.horizontal_top(|ui| {
                ui.allocate_ui(vec2(92.0, 0.0), |ui| {
                    ui.set_width(92.0);
                    ui.label(RichText::new(name).color(theme::ACCENT).strong());
                });
                ui.add(egui::Label::new(text).wrap());
            });
        }
        ui.add_space(6.0);
        caption(ui, "Keys work after a click into the window. All others go to the host.");
        egui::Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
            for (keys, text) in KEYS {
                ui.label(RichText::new(keys).strong());
                ui.label(text);
                ui.end_row();
            }
        });
    });
}

/// Boxes and lines from the host through the codec and back.
fn signal_path(ui: &mut Ui) {
    const STEPS: [(&str, &str); 6] = [
        ("host", "any rate"),
        ("resample", "24 kHz mono"),
        ("encoder", "causal, 13 ms"),
        ("tokens", "2 × 10 bits"),
        ("decoder", "pulses + noise"),
        ("Listen", "10 ms fades"),
    ];
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 86.0), Sense::hover());
    let painter = ui.painter_at(rect);
    let gap = 18.0;
    let width = (rect.width() - gap * (STEPS.len() - 1) as f32) / STEPS.len() as f32;
    let mut boxes = Vec::new();
    for (i, (name, detail)) in STEPS.into_iter().enumerate() {
        let left = rect.left() + i as f32 * (width + gap);
        let cell = Rect::from_min_size(pos2(left, rect.top() + 4.0), vec2(width, 44.0));
        let is_codec = (2..=4).contains(&i);
        painter.rect_filled(cell, theme::RADIUS, if is_codec { theme::ACCENT } else { theme::CONTROL });
        let color = if is_codec { theme::BACKGROUND } else { theme::TEXT };
        painter.text(cell.center() - vec2(0.0, 8.0), Align2::CENTER_CENTER, name, theme::font(14.0), color);
        painter.text(cell.center() + vec2(0.0, 9.0), Align2::CENTER_CENTER, detail, theme::font(11.0), color);
        boxes.push(cell);
    }
    let arrow = |from: Pos2, to: Pos2| {
        painter.arrow(from, to - from, (1.5, theme::DIM));
    };
    for pair in boxes.windows(2) {
        arrow(pair[0].right_center(), pair[1].left_center());
    }
    // The original goes below, through a delay line.
    let y = rect.bottom() - 14.0;
    let (first, last) = (boxes[0], boxes[boxes.len() - 1]);
    painter.line_segment([first.center_bottom(), pos2(first.center().x, y)], (1.5, theme::DIM));
    painter.line_segment([pos2(first.center().x, y), pos2(last.center().x, y)], (1.5, theme::DIM));
    arrow(pos2(last.center().x, y), last.center_bottom());
    let text = "original, delayed by exactly the same";
    painter.text(pos2(rect.center().x, y + 2.0), Align2::CENTER_TOP, text, theme::font(11.0), theme::DIM);
}

//! The big switch, and what a bounce would get.

use egui::{Align, Layout, RichText, Ui, vec2};
use nice_plug::prelude::Enum;

use super::inputs::Inputs;
use super::theme;
use super::widgets::{segment, set, toggle};
use crate::params::{ListenChoice, RenderChoice, SacodecParams};

const SEGMENTS: [(&str, &str); 3] = [
    ("Original", "What came in, as late as the coded sound. Key 1"),
    ("Coded", "What the codec makes of it. Key 2"),
    ("Difference", "Original minus coded: what the codec changed. Key 3"),
];

/// Draws the switch, level match and the badge of what a bounce prints.
pub fn draw(ui: &mut Ui, inputs: &Inputs) {
    let Inputs { facts, params, setter } = *inputs;
    ui.horizontal(|ui| {
        let is_wide = ui.available_width() > 760.0;
        let size = vec2(if is_wide { 126.0 } else { 98.0 }, 36.0);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            for (index, (label, tip)) in SEGMENTS.into_iter().enumerate() {
                let value = ListenChoice::from_index(index);
                if segment(ui, params.listen.value() == value, label, size, 17.0, tip).clicked() {
                    set(setter, &params.listen, value);
                }
            }
        });
        let tip = "Coded and difference as loud as the original, slowly: a fair comparison, since louder \
                   sounds better";
        toggle(ui, setter, &params.level_match, "Level match", tip);
        if let Some((coded_db, difference_db)) = facts.match_gains_db {
            let text = match params.listen.value() {
                ListenChoice::Difference => format!("{difference_db:+.1} dB"),
                _ => format!("{coded_db:+.1} dB"),
            };
            ui.label(RichText::new(text).color(theme::DIM)).on_hover_text(format!(
                "Gain of the level match: coded {coded_db:+.1} dB, difference {difference_db:+.1} dB"
            ));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| badge(ui, params));
    });
}

/// Says whether a bounce gets what is monitored.
fn badge(ui: &mut Ui, params: &SacodecParams) {
    let is_heard = !params.bypass.value() && params.listen.value() != ListenChoice::Original;
    let (text, color, tip) = match params.when_rendering.value() {
        _ if params.bypass.value() => ("bypassed", theme::DIM, "The input goes through, as late as always"),
        RenderChoice::Original => {
            ("bounce: original", theme::DIM, "When rendering = Original: a bounce gets the original")
        }
        RenderChoice::Coded if is_heard => (
            "bounce prints this",
            theme::WARNING,
            "When rendering = Coded: a bounce gets what you hear now, codec and all. Set When rendering to \
             Original to protect it",
        ),
        RenderChoice::Coded => ("bounce: as heard", theme::DIM, "A bounce gets the original, as heard now"),
    };
    let color_behind = if color == theme::WARNING { theme::BACKGROUND } else { theme::DIM };
    let fill = if color == theme::WARNING { color } else { theme::PANEL };
    egui::Frame::new()
        .fill(fill)
        .corner_radius(theme::RADIUS)
        .inner_margin(egui::Margin::symmetric(8, 4))
        .show(ui, |ui| ui.label(RichText::new(text).color(color_behind).strong()))
        .response
        .on_hover_text(tip);
}

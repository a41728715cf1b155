//! The model pack: which one, its card, and why one was refused.

use egui::{Align, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::desk::Desk;
use super::facts::{Action, Facts, Folder};
use super::theme;
use super::widgets::{caption, problem, segment, tail};
use crate::codec::Weights;

/// Draws the panel.
pub fn draw(ui: &mut Ui, desk: &mut Desk, facts: &Facts, actions: &mut Vec<Action>) {
    let pack = &facts.pack;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "Asks for the folder of a model pack: manifest.json and three ONNX graphs";
            let label = if facts.is_picking { "…" } else { "Choose" };
            if segment(ui, false, label, vec2(0.0, 20.0), 12.0, tip).clicked() && !facts.is_picking {
                actions.push(Action::Pick(Folder::Pack));
            }
            let tip = "The pack that the plugin carries";
            if segment(ui, pack.folder.is_empty(), "Built in", vec2(0.0, 20.0), 12.0, tip).clicked() {
                desk.pack_folder.clear();
                actions.push(Action::ChoosePack(String::new()));
            }
            let edit = TextEdit::singleline(&mut desk.pack_folder).hint_text("folder of a pack");
            let response = ui.add(edit.desired_width(ui.available_width()));
            let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            response.on_hover_text("Folder of a model pack; Enter loads it");
            if is_entered {
                let folder = desk.pack_folder.trim();
                if !folder.is_empty() {
                    actions.push(Action::ChoosePack(folder.to_owned()));
                }
            }
        });
    });
    if !pack.folder.is_empty() {
        caption(ui, &tail(&pack.folder, 42)).on_hover_text(&pack.folder);
    }
    if pack.is_loading {
        ui.label(
            RichText::new("loading: the old pack plays on until this one is ready").color(theme::WARNING),
        );
    }
    if let Some(error) = &pack.error {
        problem(ui, error);
        caption(ui, "The pack below goes on.");
    }
    ui.add_space(2.0);
    card(ui, facts);
}

fn card(ui: &mut Ui, facts: &Facts) {
    let Some(info) = &facts.pack.info else {
        caption(ui, "A pack is loaded when the host starts audio.");
        return;
    };
    ui.label(RichText::new(format!("{} {}", info.name, info.version)).size(16.0).strong());
    let weights = match info.weights {
        Weights::F16 => "half precision",
        Weights::F32 => "single precision",
    };
    caption(ui, &format!("licence {}, weights in {weights}", info.licence));
    caption(
        ui,
        &format!(
            "codebooks {} ({}) and {} ({})",
            info.semantic.size, info.semantic.frozen, info.acoustic.size, info.acoustic.frozen
        ),
    );
    if let Some(steps) = info.training.get("steps").and_then(|steps| steps.as_u64()) {
        caption(ui, &format!("trained for {steps} steps"));
    }
    ui.separator();
    match &facts.pack.card {
        Some(card) => {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| markdown(ui, card));
        }
        None => {
            caption(ui, "The pack has no MODEL_CARD.md: nothing is known of its training and quality.");
        }
    }
}

/// As much Markdown as model cards use: headings, table rows, paragraphs.
fn markdown(ui: &mut Ui, text: &str) {
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        // The window's font has no arrows.
        let plain = line.replace(['`', '*'], "").replace('→', "->");
        if let Some(heading) = plain.strip_prefix('#') {
            ui.add_space(4.0);
            ui.label(RichText::new(heading.trim_start_matches('#').trim()).strong().color(theme::ACCENT));
        } else if plain.starts_with('|') {
            let cells: Vec<&str> =
                plain.trim_matches('|').split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
            let is_rule = cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':')));
            if !is_rule {
                ui.add(egui::Label::new(RichText::new(cells.join("  ·  ")).size(theme::SMALL)).wrap());
            }
        } else {
            ui.add(egui::Label::new(RichText::new(plain).size(theme::SMALL)).wrap());
        }
    }
}

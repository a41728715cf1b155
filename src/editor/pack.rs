//! The model pack: which one, its card, and why one was refused.

use egui::{Align, Layout, RichText, TextEdit, Ui, vec2};

use super::action::{Action, Place};
use super::desk::Desk;
use super::theme;
use super::widgets::{caption, problem, segment, tail};
use crate::status::Facts;
use sacodec_codec::Weights;

/// Draws the panel.
pub fn draw(ui: &mut Ui, desk: &mut Desk, facts: &Facts) -> Vec<Action> {
    let mut actions = Vec::new();
    let pack = &facts.pack;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "Asks for the folder of a model pack: manifest.json and three ONNX graphs";
            let label = if facts.is_picking { "…" } else { "Choose" };
            if segment(ui, false, label, vec2(0.0, 20.0), 12.0, tip).clicked() && !facts.is_picking {
                actions.push(Action::Pick(Place::Pack));
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
    if let Some(next) = pack.next.as_ref().filter(|_| facts.awaits_restart) {
        let text =
            format!("{next} waits for the host to restart the plugin: the pack below plays until then");
        ui.label(RichText::new(text).color(theme::WARNING));
    }
    if let Some(warning) = &facts.pack_warning {
        problem(ui, warning);
    }
    if let Some(error) = &pack.error {
        problem(ui, error);
        caption(ui, "The pack below stays in use.");
    }
    ui.add_space(2.0);
    card(ui, facts);
    actions
}

fn card(ui: &mut Ui, facts: &Facts) {
    let Some(info) = &facts.pack.info else {
        caption(ui, "A pack is loaded when the host starts audio.");
        return;
    };
    ui.label(RichText::new(format!("{} {}", info.name, info.version)).size(16.0).strong());
    let weights = match info.weights {
        Weights::Int8 => "8-bit precision",
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
            markdown(ui, card);
        }
        None => {
            caption(ui, "The pack has no MODEL_CARD.md: nothing is known of its training and quality.");
        }
    }
}

/// As much Markdown as model cards use: headings, tables, paragraphs.
fn markdown(ui: &mut Ui, text: &str) {
    let mut header: Option<Vec<String>> = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            header = None;
            continue;
        }
        // The window's font has no arrows.
        let plain = line.replace(['`', '*'], "").replace('→', "->");
        let cells = table_cells(&plain);
        if cells.is_none() {
            header = None;
        }
        if let Some(heading) = plain.strip_prefix('#') {
            ui.add_space(4.0);
            ui.label(RichText::new(heading.trim_start_matches('#').trim()).strong().color(theme::ACCENT));
        } else if let Some(cells) = cells {
            match &header {
                None => header = Some(cells),
                Some(header) => {
                    if let Some(row) = table_row(header, &cells) {
                        ui.add(egui::Label::new(RichText::new(row).size(theme::SMALL)).wrap());
                    }
                }
            }
        } else {
            ui.add(egui::Label::new(RichText::new(plain).size(theme::SMALL)).wrap());
        }
    }
}

/// The cells of a line that is one of a table.
fn table_cells(line: &str) -> Option<Vec<String>> {
    let inner = line.strip_prefix('|')?;
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    Some(inner.split('|').map(|cell| cell.trim().to_owned()).collect())
}

/// A row in words, each cell with the name of its column: the panel is too narrow for a table. `None` for
/// the rule below the header.
fn table_row(header: &[String], cells: &[String]) -> Option<String> {
    if cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':'))) {
        return None;
    }
    let (first, rest) = cells.split_first()?;
    // A row may have more cells than its header.
    let names = header.iter().skip(1).map(String::as_str).chain(std::iter::repeat(""));
    let named = names.zip(rest).filter(|(_, cell)| !cell.is_empty());
    let named: Vec<String> = named.map(|(name, cell)| format!("{name} {cell}").trim().to_owned()).collect();
    Some(if named.is_empty() { first.clone() } else { format!("{first}: {}", named.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_out_with_the_names_of_its_columns() {
        let lines = [
            "| | PESQ | note |",
            "|---|:--|---|",
            "| ours | 1.49 | |",
            "| Opus | 2.03 | at 6 kbps |",
            "|only|",
            "| more | 1 | 2 | 3 |",
        ];
        let rows: Vec<_> = lines.iter().map(|line| table_cells(line).unwrap()).collect();
        let words: Vec<_> = rows[1..].iter().map(|row| table_row(&rows[0], row)).collect();
        let expected = [
            None,
            Some("ours: PESQ 1.49"),
            Some("Opus: PESQ 2.03, note at 6 kbps"),
            Some("only"),
            Some("more: PESQ 1, note 2, 3"),
        ];
        assert_eq!(words, expected.map(|row| row.map(str::to_owned)));
        assert_eq!(table_cells("no table"), None);
    }
}

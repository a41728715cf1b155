//! Recording takes.

use std::path::PathBuf;

use egui::{Align, Layout, RichText, TextEdit, Ui, vec2};

use super::action::{Action, Place};
use super::desk::Desk;
use super::inputs::Inputs;
use super::theme;
use super::widgets::{Segment, caption, choice, count, problem, segment, set, tail, tail_within};
use crate::status::Facts;
use sacodec_take::settings::{FOLDER_VARIABLE, FORMATS_VARIABLE};
use sacodec_take::{ExportFormat, take_file_name};
use sacodec_token::FRAME_RATE_HZ;

const WHILE: [Segment; 2] = [
    ("Armed", "Records as long as Record is on"),
    ("Playing", "Records while the transport runs: a take ends when it stops"),
];
/// Points of a text field that are not text.
const FIELD_MARGIN: f32 = 20.0;

/// Draws the panel.
pub fn draw(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Vec<Action> {
    let Inputs { facts, params, setter } = *inputs;
    let takes = &facts.takes;
    ui.horizontal(|ui| {
        let on = params.record_tokens.value();
        let fill = if on { theme::ERROR } else { theme::CONTROL };
        let text = RichText::new("Record").size(15.0).color(if on { theme::BACKGROUND } else { theme::TEXT });
        let button = egui::Button::selectable(on, text).fill(fill).min_size(vec2(92.0, 28.0));
        let tip = "Records the tokens into a take. Parameter Record tokens";
        if ui.add(button).on_hover_text(tip).clicked() {
            set(setter, &params.record_tokens, !on);
        }
        choice(ui, setter, &params.record_while, &WHILE);
    });
    state(ui, facts, params.record_tokens.value());
    // What was wrong with the last take may still be.
    let last = takes.last_problem.iter().filter(|last| takes.problem.as_ref() != Some(*last));
    for text in takes.problem.iter().chain(last).chain(&facts.take_warnings) {
        problem(ui, text);
    }
    if takes.lost_frames > 0 {
        problem(ui, &format!("{} did not reach a file", count(takes.lost_frames, "frame")));
    }
    ui.add_space(4.0);
    let wishes = [name(ui, desk, facts), folder(ui, desk, facts), formats(ui, facts), last_take(ui, facts)];
    wishes.into_iter().flatten().collect()
}

fn last_take(ui: &mut Ui, facts: &Facts) -> Option<Action> {
    let last = facts.takes.last.as_ref()?;
    let mut action = None;
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let name = last.file_name().unwrap_or_default().to_string_lossy();
        let tip = "Shows the last take in the system's file manager";
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if segment(ui, false, "Reveal", vec2(0.0, 20.0), 12.0, tip).clicked() {
                action = Some(Action::Reveal(last.clone()));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                caption(ui, "last");
                let shown = tail_within(ui, &name, ui.available_width());
                ui.label(shown).on_hover_text(last.display().to_string());
            });
        });
    });
    action
}

/// Minutes and seconds of a take of so many frames.
pub fn take_length(frames: u64) -> String {
    let seconds = frames as f64 / FRAME_RATE_HZ;
    let minutes = (seconds / 60.0).floor();
    format!("{minutes}:{:04.1}", seconds - 60.0 * minutes)
}

fn state(ui: &mut Ui, facts: &Facts, on: bool) {
    let takes = &facts.takes;
    match &takes.recording {
        Some(path) => {
            let text = format!("{}   {} frames", take_length(takes.frames), takes.frames);
            ui.label(RichText::new(text).size(17.0).color(theme::ERROR));
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ui.label(tail(&name, 34)).on_hover_text(path.display().to_string());
            if takes.waiting_bytes > 0 {
                problem(ui, &format!("{} bytes wait for the disk", takes.waiting_bytes));
            }
        }
        None if on => {
            ui.label(RichText::new("armed: waits for audio, or the transport").color(theme::WARNING));
        }
        None => {
            caption(ui, &format!("{} in this session", count(takes.takes, "take")));
        }
    }
}

fn name(ui: &mut Ui, desk: &mut Desk, facts: &Facts) -> Option<Action> {
    let mut action = None;
    ui.horizontal(|ui| {
        caption(ui, "name");
        let edit = TextEdit::singleline(&mut desk.take_name)
            .hint_text(name_hint(facts))
            .desired_width(f32::INFINITY);
        let tip = "What takes are called; empty: as the track. Date and number are added";
        if ui.add(edit).on_hover_text(tip).lost_focus() {
            action = typed_name(desk, facts);
        }
    });
    action
}

/// What files are called while no name is typed.
fn name_hint(facts: &Facts) -> String {
    take_file_name(facts.track.as_deref().unwrap_or_default())
}

/// What was typed and is not chosen yet.
pub fn typed(desk: &Desk, facts: &Facts) -> impl Iterator<Item = Action> + use<> {
    typed_name(desk, facts).into_iter().chain(typed_folder(desk, facts))
}

fn typed_name(desk: &Desk, facts: &Facts) -> Option<Action> {
    // What was not typed is left alone, spaces at its ends and all.
    if desk.take_name == facts.take_name.as_deref().unwrap_or_default() {
        return None;
    }
    let name = Some(desk.take_name.trim().to_owned()).filter(|name| !name.is_empty());
    (name != facts.take_name).then_some(Action::TakeName(name))
}

fn typed_folder(desk: &Desk, facts: &Facts) -> Option<Action> {
    if desk.take_folder == facts.chosen_take_folder_text() {
        return None;
    }
    let folder = Some(desk.take_folder.trim()).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    (folder != facts.chosen_take_folder).then_some(Action::TakeFolder(folder))
}

fn folder(ui: &mut Ui, desk: &mut Desk, facts: &Facts) -> Option<Action> {
    if facts.is_take_folder_fixed {
        fixed(ui, "folder", &facts.take_folder.display().to_string(), FOLDER_VARIABLE);
        return None;
    }
    let mut action = None;
    ui.horizontal(|ui| {
        caption(ui, "folder");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let label = if facts.is_picking { "…" } else { "Choose" };
            if segment(ui, false, label, vec2(0.0, 20.0), 12.0, "Asks for the folder that takes go to")
                .clicked()
                && !facts.is_picking
            {
                action = Some(Action::Pick(Place::Takes));
            }
            let hint = facts.take_folder.display().to_string();
            let shown = tail_within(ui, &hint, ui.available_width() - FIELD_MARGIN);
            let edit = TextEdit::singleline(&mut desk.take_folder).hint_text(shown);
            let tip = format!("Where takes go; empty: as the machine has it. Now {hint}");
            if ui.add(edit.desired_width(ui.available_width())).on_hover_text(tip).lost_focus() {
                action = typed_folder(desk, facts);
            }
        });
    });
    action
}

/// A setting that the environment has taken out of the user's hands.
fn fixed(ui: &mut Ui, name: &str, value: &str, variable: &str) {
    let tip = format!("{value}: set by the environment variable {variable}");
    caption(ui, &format!("{name}, by {variable}"));
    ui.label(tail_within(ui, value, ui.available_width())).on_hover_text(tip);
}

fn formats(ui: &mut Ui, facts: &Facts) -> Option<Action> {
    if facts.are_take_formats_fixed {
        let names: Vec<_> = facts.take_formats.iter().map(|format| format.extension()).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        fixed(ui, "also as", &names, FORMATS_VARIABLE);
        return None;
    }
    let mut action = None;
    ui.horizontal(|ui| {
        caption(ui, "also as")
            .on_hover_text("A take is always a .sac file; closed takes are exported as these");
        ui.spacing_mut().item_spacing.x = 2.0;
        for format in ExportFormat::ALL {
            let chosen = facts.take_formats.contains(&format);
            let tip = match format {
                ExportFormat::Npy => "NumPy: [frames, channels, 2] of u16",
                ExportFormat::Jsonl => "A line of JSON for each frame, with its place on the timeline",
                ExportFormat::Csv => "A line for each frame and channel, with its place on the timeline",
                ExportFormat::Wav => "The decoded audio, 32-bit float",
            };
            if segment(ui, chosen, format.extension(), vec2(0.0, 20.0), 12.0, tip).clicked() {
                let mut formats = facts.take_formats.clone();
                match chosen {
                    true => formats.retain(|f| *f != format),
                    false => formats.push(format),
                }
                action = Some(Action::TakeFormats(formats));
            }
        }
    });
    action
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_how_files_begin_while_no_name_is_typed() {
        for (track, hint) in [(None, "SACodec"), (Some(" "), "SACodec"), (Some("Lead/Vocal"), "Lead-Vocal")] {
            let facts = Facts { track: track.map(str::to_owned), ..Facts::default() };
            assert_eq!(name_hint(&facts), hint, "{track:?}");
        }
    }
}

//! A file that is named in a field, or asked for by a dialogue.

use egui::{TextEdit, Ui, vec2};

use super::action::{Action, Place};
use super::widgets::{segment, tail_within};

/// What a field is for.
pub struct FileField {
    /// What the dialogue asks for.
    pub place: Place,
    /// What is typed into it, in words.
    pub hint: &'static str,
    /// What the button does.
    pub tip: &'static str,
    /// What is wanted with a path that was entered.
    pub choose: fn(String) -> Action,
}

impl FileField {
    /// Draws the button and the field, whose text is `path`; while it is empty the file that is `chosen` stands in it. While a dialogue `is_picking` there is no other.
    pub fn draw(&self, ui: &mut Ui, path: &mut String, chosen: &str, is_picking: bool) -> Option<Action> {
        let mut action = None;
        ui.horizontal(|ui| {
            let label = if is_picking { "…" } else { "Choose" };
            if segment(ui, false, label, vec2(0.0, 20.0), 12.0, self.tip).clicked() && !is_picking {
                action = Some(Action::Pick(self.place));
            }
            let width = ui.available_width();
            let shown = tail_within(ui, chosen, width - 16.0);
            let hint = if shown.is_empty() { self.hint.to_owned() } else { shown };
            let response = ui.add(TextEdit::singleline(path).hint_text(hint).desired_width(width));
            let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            response.on_hover_text("Enter reads it; empty: none");
            if is_entered {
                action = Some((self.choose)(path.trim().to_owned()));
            }
        });
        action
    }
}

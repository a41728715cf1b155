//! Settings by name, and files of the user's own.

use std::path::{Path, PathBuf};

use egui::{Align, Layout, RichText, TextEdit, Ui, vec2};
use nice_plug::prelude::ParamSetter;

use super::action::{Action, Place};
use super::desk::{Desk, Page};
use super::inputs::Inputs;
use super::widgets::{caption, problem, segment};
use crate::params::SacodecParams;
use crate::presets::{self, FACTORY, PresetError};

/// Saves and loads, and remembers how it went.
#[derive(Default)]
pub struct PresetFile {
    /// In words.
    pub outcome: Option<Result<String, String>>,
    /// A file that was there when it was to be saved: the second time it is replaced.
    replaced_next: Option<PathBuf>,
}

impl PresetFile {
    /// Writes the parameters to `path`.
    pub fn save(&mut self, params: &SacodecParams, path: PathBuf) {
        let replace = self.replaced_next.take().is_some_and(|asked| asked == path);
        let saved = presets::save(params, &path, replace);
        self.outcome = Some(match &saved {
            Ok(()) => Ok(format!("Saved: {}", path.display())),
            Err(error) => Err(error.to_string()),
        });
        self.replaced_next = matches!(saved, Err(PresetError::Exists { .. })).then_some(path);
    }

    /// Sets the parameters as `path` has them.
    pub fn load(&mut self, params: &SacodecParams, setter: &ParamSetter, path: &Path) {
        self.replaced_next = None;
        let loaded = presets::load(params, setter, path);
        self.outcome = Some(match loaded {
            Ok(()) => Ok(format!("Loaded: {}", path.display())),
            Err(error) => Err(error.to_string()),
        });
    }
}

/// Draws the page.
pub fn draw(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Vec<Action> {
    ui.label(RichText::new("Presets").size(19.0).strong());
    ui.label("Each sets the parameters that it is about; all others stay as they are. Bypass is the host's.");
    ui.add_space(8.0);
    for preset in FACTORY {
        ui.horizontal(|ui| {
            if segment(ui, false, preset.name, vec2(120.0, 26.0), 14.0, preset.tip).clicked() {
                preset.apply(inputs.params, inputs.setter);
                desk.turn_to(Page::Main);
            }
            ui.add(egui::Label::new(preset.tip).wrap());
        });
    }
    ui.add_space(10.0);
    let actions = file(ui, desk, inputs).into_iter().collect();
    match &inputs.facts.preset_outcome {
        Some(Ok(text)) => _ = ui.label(text),
        Some(Err(text)) => problem(ui, text),
        None => {}
    }
    actions
}

/// Settings of the user's own: where, save, load.
fn file(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Option<Action> {
    let mut action = None;
    caption(ui, "All parameters as a file of your own: without bypass, pack and folders");
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let path = desk.preset_path.trim();
            let is_named = !path.is_empty();
            let path = PathBuf::from(path);
            ui.add_enabled_ui(is_named, |ui| {
                let tip = "Sets the parameters as they are in the file";
                if segment(ui, false, "Load", vec2(0.0, 20.0), 12.0, tip).clicked() {
                    action = Some(Action::LoadPreset(path.clone()));
                }
                let tip =
                    "Writes all parameters to the file. One that is there is replaced at the second press";
                if segment(ui, false, "Save", vec2(0.0, 20.0), 12.0, tip).clicked() {
                    action = Some(Action::SavePreset(path.clone()));
                }
            });
            let label = if inputs.facts.is_picking { "…" } else { "Choose" };
            let tip = "Asks for the file";
            if segment(ui, false, label, vec2(0.0, 20.0), 12.0, tip).clicked() && !inputs.facts.is_picking {
                action = Some(Action::Pick(Place::Preset));
            }
            let edit = TextEdit::singleline(&mut desk.preset_path).hint_text("/path/to/settings.json");
            ui.add(edit.desired_width(ui.available_width())).on_hover_text("A file of settings, JSON");
        });
    });
    action
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionState;
    use std::sync::Arc;

    #[test]
    fn a_file_that_is_there_is_replaced_when_save_is_pressed_twice_for_it() {
        let params = SacodecParams::new(SessionState::apart(&Arc::default()));
        let (mut file, folder) = (PresetFile::default(), tempfile::tempdir().unwrap());
        let path = |name: &str| folder.path().join(name);
        for name in ["a.json", "b.json"] {
            std::fs::write(path(name), "mine").unwrap();
        }
        let mine = |name: &str| std::fs::read_to_string(path(name)).unwrap() == "mine";
        file.save(&params, path("a.json"));
        assert!(file.outcome.as_ref().is_some_and(Result::is_err) && mine("a.json"));
        file.save(&params, path("b.json"));
        assert!(file.outcome.as_ref().is_some_and(Result::is_err) && mine("b.json"), "pressed once for each");
        file.save(&params, path("b.json"));
        assert!(file.outcome.as_ref().is_some_and(Result::is_ok) && !mine("b.json"));
    }
}

//! What is done of what the user of the window wants.

use std::path::{Path, PathBuf};

use egui::ViewportCommand;

use super::Core;
use crate::editor::action::{Action, Place};
use crate::editor::dialogs::{self, Picked, Picking};
use crate::editor::inputs::Inputs;
use crate::editor::{moments, record};
use crate::state::WindowChoice;
use sacodec_take::settings::SessionChoice;

impl Core {
    /// Takes what was chosen in a dialogue of the system.
    pub(super) fn take_answer(&mut self) {
        let picked = self.picking.as_ref().map(Picking::poll);
        match picked {
            None | Some(Picked::Waiting) => return,
            Some(Picked::Nothing) => {}
            Some(Picked::NotShown(what)) => {
                let text = "the system shows no dialogue for this: type the path".to_owned();
                self.problem = Some((what, text));
            }
            Some(Picked::Chosen(Place::Pack, folder)) => {
                self.desk.pack_folder = folder.display().to_string();
                self.params.session.pack.choose(&self.desk.pack_folder);
            }
            Some(Picked::Chosen(Place::Trace, file)) => {
                self.desk.trace_path = file.display().to_string();
                self.params.session.trace.choose(&self.desk.trace_path);
            }
            Some(Picked::Chosen(Place::Played, file)) => {
                self.desk.played_path = file.display().to_string();
                self.params.session.played.choose(&self.desk.played_path);
            }
            Some(Picked::Chosen(Place::Takes, folder)) => {
                self.change_takes(|choice| choice.folder = Some(folder));
            }
            Some(Picked::Chosen(Place::Preset, file)) => self.desk.preset_path = file.display().to_string(),
        }
        self.picking = None;
    }

    fn change_takes(&self, change: impl FnOnce(&mut SessionChoice)) {
        let mut choice = self.params.session.take_choice();
        change(&mut choice);
        self.status.catch_up_takes();
        self.params.session.set_take_choice(choice);
    }

    /// A name or folder that was typed and not left counts.
    pub(super) fn keep_typed(&mut self) {
        let facts = self.facts();
        for action in record::typed(&self.desk, &facts) {
            self.choose_takes(action);
        }
    }

    fn choose_takes(&self, action: Action) {
        self.change_takes(|choice| match action {
            Action::TakeFolder(folder) => choice.folder = folder,
            Action::TakeName(name) => choice.name = name,
            Action::TakeFormats(formats) => choice.formats = Some(formats),
            _ => {}
        });
    }

    /// Does what the user wants.
    pub(super) fn act(&mut self, ctx: &egui::Context, action: Action, inputs: &Inputs) {
        let facts = inputs.facts;
        use Action::{
            ChoosePack, ChoosePlayed, ChooseTrace, Pick, Reveal, TakeFolder, TakeFormats, TakeName,
        };
        if matches!(
            action,
            ChoosePack(_) | ChoosePlayed(_) | ChooseTrace(_) | Pick(_) | Reveal(_) | TakeFolder(_)
        ) {
            // It is tried otherwise, or again.
            self.problem = None;
        }
        match action {
            ChoosePack(folder) => self.params.session.pack.choose(&folder),
            ChooseTrace(path) => self.params.session.trace.choose(&path),
            ChoosePlayed(path) => self.params.session.played.choose(&path),
            TakeFolder(_) | TakeName(_) | TakeFormats(_) => self.choose_takes(action),
            Action::Zoom(zoom) => {
                let choice = WindowChoice { zoom, ..self.params.session.window() }.sane();
                self.params.session.set_window(choice);
                // As soon as the host has given the room it is used, see `Core::fit`.
                let size = egui::Vec2::from(choice.size()) / ctx.zoom_factor();
                ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
            }
            Action::SavePreset(path) => self.preset_file.save(inputs.params, path),
            Action::LoadPreset(path) => self.preset_file.load(inputs.params, inputs.setter, &path),
            Action::SaveMoments(format) => {
                self.moments_outcome = Some(moments::save(&self.desk, facts, format))
            }
            Action::AskForRestart => self.status.want_restart(),
            Action::TrialsEnded(result) => self.params.session.add_abx_result(result),
            Reveal(path) => {
                if let Err(error) = dialogs::reveal(&path) {
                    self.problem =
                        Some((Place::Takes, format!("{} cannot be shown: {error}", path.display())));
                }
            }
            Pick(what) => {
                let start = match what {
                    Place::Takes => facts.take_folder.clone(),
                    Place::Pack => facts.pack.folder.clone().into(),
                    Place::Preset => folder_of(&self.desk.preset_path),
                    Place::Trace => folder_of(&facts.trace.path),
                    Place::Played if facts.played.path.is_empty() => facts.take_folder.clone(),
                    Place::Played => folder_of(&facts.played.path),
                };
                let status = self.status.clone();
                match Picking::open(what, &start, move || status.set_changed()) {
                    Ok(picking) => self.picking = Some(picking),
                    Err(error) => {
                        self.problem = Some((what, format!("no dialogue: {error}")));
                    }
                }
            }
        }
        ctx.request_repaint();
    }
}

/// The folder of a file, empty for none.
fn folder_of(path: &str) -> PathBuf {
    Path::new(path).parent().map(Into::into).unwrap_or_default()
}

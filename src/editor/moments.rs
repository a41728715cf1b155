//! The worst moments of what was played: a list whose rows show the picture, and files of it.

use std::path::{Path, PathBuf};

use egui::{Align, Align2, Color32, Layout, Painter, Rect, RichText, Sense, Ui, WidgetInfo, vec2};

use super::action::Action;
use super::desk::Desk;
use super::theme;
use super::widgets::{problem, segment, tail_within};
use crate::status::Facts;
use sacodec_moments::{Marker, MarkerFormat, time_code};
use sacodec_take::atomic_file::{AtomicFile, AtomicFileError};
use sacodec_take::take_file_name;

const ROW_HEIGHT: f32 = 18.0;
/// What a score means.
const SCALE: &str = "at 1 the difference is as loud as ordinary speech";
/// Room for the rank and its heading.
const RANK_WIDTH: f32 = 28.0;
/// A day and a name have this many files of moments at most.
const MOST_FILES: u32 = 9999;

/// Draws the panel.
pub fn draw(ui: &mut Ui, desk: &mut Desk, facts: &Facts) -> Vec<Action> {
    if desk.scope.moments().len() == 0 {
        let text = "While sound plays, the moments at which coded is furthest from original, as ears have it, are \
                    listed here. A click on one shows its picture.";
        ui.add(egui::Label::new(text).wrap());
        return Vec::new();
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    let mut actions = Vec::new();
    ui.horizontal(|ui| {
        ui.menu_button(RichText::new("Save as").size(12.0), |ui| actions.extend(formats(ui)))
            .response
            .on_hover_text(format!("Writes the moments to {}", facts.take_folder.display()));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "Forgets the moments. A new list begins when the transport starts, too";
            if segment(ui, false, "Clear", vec2(0.0, 20.0), 12.0, tip).clicked() {
                desk.scope.clear_moments();
            }
        });
    });
    actions.extend(outcome(ui, facts));
    rows(ui, desk);
    actions
}

fn rows(ui: &mut Ui, desk: &mut Desk) {
    let held = desk.scope.held_moment().map(|(number, _)| number);
    let worst = desk.scope.moments().next().map_or(1.0, |moment| moment.score);
    let mut clicked = None;
    headings(ui);
    for (index, moment) in desk.scope.moments().enumerate() {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click());
        let is_held = held == Some(moment.number);
        let (time, score) = (time_code(moment.seconds()), format!("{:.2}", moment.score));
        let painter = ui.painter_at(rect);
        let bar = Rect::from_min_size(rect.min, vec2(rect.width() * moment.score / worst, rect.height()));
        painter.rect_filled(bar, 2.0, theme::CONTROL);
        let color = if is_held || response.hovered() { theme::ACCENT } else { theme::TEXT };
        cells(&painter, rect, [&(index + 1).to_string(), &time, &score], 13.0, color);
        response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, is_held, &time));
        let of = if moment.spot.timeline.is_some() { "timeline" } else { "stream" };
        let response = response.on_hover_text(format!(
            "{time} of the {of}. Score {score}: {SCALE}. A click shows the picture, another the sound that plays"
        ));
        if response.clicked() {
            clicked = Some((moment.number, is_held));
        }
    }
    match clicked {
        Some((_, true)) => desk.scope.hold(false),
        Some((number, false)) => desk.scope.hold_moment(number),
        None => {}
    }
}

/// What the columns are.
fn headings(ui: &mut Ui) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    cells(&ui.painter_at(rect), rect, ["rank", "time", "score"], 11.0, theme::DIM);
    response.on_hover_text(format!("The worst first. Scores: {SCALE}"));
}

/// Rank, time and score of a row, or their headings.
fn cells(painter: &Painter, row: Rect, texts: [&str; 3], size: f32, color: Color32) {
    let (left, right) = (row.left_center(), row.right_center());
    let places = [
        (left + vec2(RANK_WIDTH, 0.0), Align2::RIGHT_CENTER),
        (left + vec2(RANK_WIDTH + 12.0, 0.0), Align2::LEFT_CENTER),
        (right - vec2(5.0, 0.0), Align2::RIGHT_CENTER),
    ];
    for ((place, align), text) in places.into_iter().zip(texts) {
        painter.text(place, align, text, theme::font(size), color);
    }
}

/// What the moments can be saved as.
fn formats(ui: &mut Ui) -> Option<Action> {
    let mut action = None;
    for format in MarkerFormat::ALL {
        let tip = match format {
            MarkerFormat::Csv => "A table",
            MarkerFormat::Audacity => "A label track of Audacity: File, Import, Labels",
            MarkerFormat::Reaper => "Markers of REAPER: Region/Marker Manager, Import",
            MarkerFormat::Audition => "Markers of Adobe Audition: Markers panel, Import",
            MarkerFormat::Json => "A list of objects",
        };
        if ui.button(format.name()).on_hover_text(tip).clicked() {
            action = Some(Action::SaveMoments(format));
        }
    }
    action
}

/// How saving went.
fn outcome(ui: &mut Ui, facts: &Facts) -> Option<Action> {
    let path = match facts.moments_outcome.as_ref()? {
        Ok(path) => path,
        Err(text) => {
            problem(ui, text);
            return None;
        }
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let layout = Layout::right_to_left(Align::Center);
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 22.0), layout, |ui| {
        let tip = "Shows the file in the system's file manager";
        let reveal = segment(ui, false, "Reveal", vec2(0.0, 20.0), 12.0, tip).clicked();
        let shown = tail_within(ui, &name, ui.available_width());
        ui.label(shown).on_hover_text(path.display().to_string());
        reveal.then(|| Action::Reveal(path.clone()))
    })
    .inner
}

/// Writes the moments to the folder of takes, under the name of takes.
///
/// # Errors
/// Why not, in words.
pub fn save(desk: &Desk, facts: &Facts, format: MarkerFormat) -> Result<PathBuf, String> {
    let name = facts.take_name.as_ref().or(facts.track.as_ref()).map_or("", String::as_str);
    let date: String = (desk.clock)().chars().take_while(|c| *c != 'T').collect();
    save_to(&facts.take_folder, name, &date, format, &desk.scope.markers())
}

/// Writes the markers to the first free file of `<name>_<date>_<number>` in `folder`.
///
/// # Errors
/// Why not, in words.
fn save_to(
    folder: &Path,
    name: &str,
    date: &str,
    format: MarkerFormat,
    markers: &[Marker],
) -> Result<PathBuf, String> {
    let failed =
        |path: &Path, error: AtomicFileError| format!("{} could not be written: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|e| failed(folder, AtomicFileError::Io(e)))?;
    let name = take_file_name(name);
    for number in 1..=MOST_FILES {
        let path = folder.join(format!("{name}_{date}_{number:03}.{}", format.extension()));
        let written = AtomicFile::create(&path, false).and_then(|mut file| {
            format.write(markers, &mut file).map_err(AtomicFileError::Io)?;
            file.finish()
        });
        match written {
            Ok(()) => return Ok(path),
            Err(AtomicFileError::Exists) => {}
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Err(format!("{} has {MOST_FILES} files of this name and day: move some away", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_name_of_takes_and_replace_none_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let markers = [Marker { rank: 1, score: 0.5, seconds: 1.5, sample: 72_000 }];
        let save = |format| save_to(&folder, "Lead/Vocal", "2026-11-23", format, &markers).unwrap();
        let paths = [MarkerFormat::Csv, MarkerFormat::Csv, MarkerFormat::Reaper].map(save);
        let names = paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
        assert_eq!(
            names,
            [
                "Lead-Vocal_2026-11-23_001.moments.csv",
                "Lead-Vocal_2026-11-23_002.moments.csv",
                "Lead-Vocal_2026-11-23_001.reaper.csv"
            ]
        );
        let text = std::fs::read_to_string(folder.join(&names[2])).unwrap();
        assert!(text.contains("0:00:01.500"), "{text}");
        std::fs::write(folder.join("file"), "").unwrap();
        let error = save_to(&folder.join("file"), "", "", MarkerFormat::Json, &markers).unwrap_err();
        assert!(error.contains("file could not be written"), "{error}");
    }
}

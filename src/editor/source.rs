//! Where the tokens come from that are decoded: the input, or a take.

use egui::{Label, RichText, Ui};

use super::action::{Action, Place};
use super::desk::Desk;
use super::file_field::FileField;
use super::inputs::Inputs;
use super::record::take_length;
use super::theme;
use super::widgets::{Segment, caption, choice, count, problem, slider, tail, toggle};
use crate::params::SourceChoice;
use crate::status::Facts;
use sacodec_token::{FRAME_RATE_HZ, TokenTrack};

const SOURCES: [Segment; 4] = [
    ("Input", "Tokens are coded of the input"),
    ("Take", "Tokens of a take, at its places on the timeline; elsewhere those of the input"),
    ("Semantic", "The semantic tokens of a take with the acoustic ones of the input"),
    ("Acoustic", "The acoustic tokens of a take with the semantic ones of the input"),
];
const TAKE: FileField = FileField {
    place: Place::Played,
    hint: "path of a take",
    tip: "Asks for a take: a file that ends with .sac",
    choose: Action::ChoosePlayed,
};

/// Draws the panel's part.
pub fn draw(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Vec<Action> {
    let Inputs { facts, params, setter } = *inputs;
    let playback = &params.playback;
    ui.horizontal(|ui| {
        caption(ui, "Tokens from");
        let tip = "Sends the same tokens again and again; where playing starts or jumps, those of the first frame there";
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            toggle(ui, setter, &playback.freeze, "Freeze", tip);
        });
    });
    ui.horizontal(|ui| {
        // Four of them are as wide as the panel where it is narrow.
        ui.spacing_mut().button_padding.x = 5.0;
        choice(ui, setter, &playback.source, &SOURCES);
    });
    if playback.source.value() == SourceChoice::Input {
        return Vec::new();
    }
    let action = TAKE.draw(ui, &mut desk.played_path, &facts.played.path, facts.is_picking);
    for text in facts.played.error.iter().chain(&facts.played_warning) {
        problem(ui, text);
    }
    match &facts.played.content {
        Some(track) => told(ui, track, facts),
        None if facts.played.error.is_some() => drop(caption(ui, "The input is heard.")),
        None if !params.session.played.path().is_empty() => drop(caption(ui, "The take is being read.")),
        None => drop(caption(ui, "No take is chosen: the input is heard.")),
    }
    slider(
        ui,
        setter,
        &playback.shift,
        "Plays it later than it was recorded, or sooner: 75 frames are a second",
    );
    Vec::from_iter(action)
}

/// What a take is, and why it is not heard.
fn told(ui: &mut Ui, track: &TokenTrack, facts: &Facts) {
    let path = &facts.played.path;
    if facts.pack.sha256.is_some_and(|playing| playing != *track.pack_sha256()) {
        let text = format!(
            "It was coded with the pack {}, and {} plays: the input is heard. Choose that pack.",
            track.pack(),
            facts.pack.name
        );
        problem(ui, &text);
    }
    let place = match track.span_frames() {
        Some((begin, _)) => format!(", from {} on", clock(begin)),
        None => String::new(),
    };
    let text = format!("{}: {}{place}", tail(path, 28), take_length(track.frames() as u64));
    let tip = format!("{path}\nIt is heard while the host plays.");
    ui.add(Label::new(text).wrap()).on_hover_text(tip);
    if track.missing_frames() > 0 {
        let text = format!("{} of it are missing", count(track.missing_frames() as u64, "frame"));
        ui.label(RichText::new(text).color(theme::WARNING));
    }
}

/// A place on the timeline in minutes and seconds.
fn clock(frames: f64) -> String {
    let seconds = (frames.abs() / FRAME_RATE_HZ * 100.0).round() / 100.0;
    let minutes = (seconds / 60.0).floor();
    let sign = if frames < 0.0 { "−" } else { "" };
    format!("{sign}{minutes}:{:05.2}", seconds - 60.0 * minutes)
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn places_are_told_in_minutes_and_seconds() {
        let places = [0.0, 75.0 * 61.5, -75.0, 75.0 * 59.999].map(clock);
        assert_eq!(places, ["0:00.00", "1:01.50", "−0:01.00", "1:00.00"]);
    }
}

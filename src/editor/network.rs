//! A lossy network between encoder and decoder: what it loses, and how that is concealed.

use egui::{RichText, Ui};

use super::action::{Action, Place};
use super::desk::Desk;
use super::file_field::FileField;
use super::inputs::Inputs;
use super::theme;
use super::widgets::{Segment, caption, choice, problem, slider, tail};
use crate::params::LossChoice;
use crate::status::Facts;

const LOSS: [Segment; 4] = [
    ("Off", "Nothing is lost"),
    ("Random", "Each packet is lost or not, by itself"),
    ("Bursty", "Packets are lost in bursts: the network is good or bad, and bad it loses every packet"),
    ("Trace", "Packets are lost as a file says: 0 for each that arrives, 1 for each that is lost"),
];
const STREAMS: [Segment; 3] = [
    ("Both", "A packet holds both token streams"),
    ("Semantic", "Semantic tokens are lost, acoustic ones always arrive"),
    ("Acoustic", "Acoustic tokens are lost, semantic ones always arrive"),
];
const CONCEALMENT: [Segment; 3] = [
    ("Silence", "A frame is silent unless all of it arrives"),
    ("Repeat", "The last tokens that arrived, however long"),
    ("Fade", "The last tokens that arrived, ever weaker: the best by measurement"),
];

const TRACE: FileField = FileField {
    place: Place::Trace,
    hint: "path of a trace",
    tip: "Asks for a trace: a text file with 0 or 1 for each packet",
    choose: Action::ChooseTrace,
};

/// Draws the panel's part.
pub fn draw(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Vec<Action> {
    let Inputs { facts, params, setter } = *inputs;
    let network = &params.network;
    let loss = network.loss.value();
    caption(ui, "Lost packets");
    ui.horizontal(|ui| choice(ui, setter, &network.loss, &LOSS));
    let mut actions = Vec::new();
    if loss == LossChoice::Trace {
        actions = trace(ui, desk, facts);
    } else {
        slider(ui, setter, &network.rate, "Share of the packets that are lost");
        slider(ui, setter, &network.mean_burst, "Lost packets in a row, on average. For Bursty");
        slider(ui, setter, &network.seed, "Another seed, another pattern");
    }
    slider(ui, setter, &network.packet, "What is lost at once: frames of 13.3 ms");
    caption(ui, "Lost streams");
    ui.horizontal(|ui| choice(ui, setter, &network.streams, &STREAMS));
    caption(ui, "Concealment");
    ui.horizontal(|ui| choice(ui, setter, &network.concealment, &CONCEALMENT));
    ui.add_space(4.0);
    let (lost, frames) = desk.lost_frames();
    let text = format!("{lost} of {frames} frames in view are lost");
    ui.label(RichText::new(text).color(if lost > 0 { theme::LOST } else { theme::DIM }));
    actions
}

fn trace(ui: &mut Ui, desk: &mut Desk, facts: &Facts) -> Vec<Action> {
    let action = TRACE.draw(ui, &mut desk.trace_path, &facts.trace.path, facts.is_picking);
    let chosen = &facts.trace;
    for text in chosen.error.iter().chain(&facts.trace_warning) {
        problem(ui, text);
    }
    if let Some(trace) = &chosen.content {
        let (packets, lost) = (trace.packets(), trace.lost_packets());
        let percent = 100.0 * lost as f64 / packets as f64;
        let name = tail(&chosen.path, 28);
        let text = format!("{name}: {lost} of {packets} packets are lost, {percent:.1} %");
        ui.add(egui::Label::new(text).wrap()).on_hover_text(&chosen.path);
    } else if chosen.error.is_none() {
        caption(ui, "No trace is chosen: nothing is lost.");
    }
    Vec::from_iter(action)
}

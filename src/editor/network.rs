//! A lossy network between encoder and decoder: what it loses, and how that is concealed.

use egui::{RichText, TextEdit, Ui, vec2};

use super::action::{Action, Place};
use super::desk::Desk;
use super::inputs::Inputs;
use super::theme;
use super::widgets::{Segment, caption, choice, problem, segment, slider, tail};
use crate::params::LossChoice;
use crate::status::{Facts, TraceStatus};

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

/// Draws the panel.
pub fn draw(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Vec<Action> {
    let Inputs { facts, params, setter } = *inputs;
    let network = &params.network;
    let loss = network.loss.value();
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
    let mut actions = Vec::new();
    let TraceStatus { path, packets, lost_packets, error } = &facts.trace;
    ui.horizontal(|ui| {
        let label = if facts.is_picking { "…" } else { "Choose" };
        let tip = "Asks for a trace: a text file with 0 or 1 for each packet";
        if segment(ui, false, label, vec2(0.0, 20.0), 12.0, tip).clicked() && !facts.is_picking {
            actions.push(Action::Pick(Place::Trace));
        }
        let edit = TextEdit::singleline(&mut desk.trace_path).hint_text("path of a trace");
        let response = ui.add(edit.desired_width(ui.available_width()));
        let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        response.on_hover_text("Path of a trace; Enter reads it");
        if is_entered {
            actions.push(Action::ChooseTrace(desk.trace_path.trim().to_owned()));
        }
    });
    for text in error.iter().chain(&facts.trace_warning) {
        problem(ui, text);
    }
    if *packets > 0 {
        let percent = 100.0 * *lost_packets as f64 / *packets as f64;
        let text =
            format!("{}: {lost_packets} of {packets} packets are lost, {percent:.1} %", tail(path, 28));
        ui.add(egui::Label::new(text).wrap()).on_hover_text(path);
    } else if error.is_none() {
        caption(ui, "No trace is chosen: nothing is lost.");
    }
    actions
}

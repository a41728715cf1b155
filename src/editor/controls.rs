//! The rest of the parameters, in a row or two.

use egui::Ui;

use super::inputs::Inputs;
use super::widgets::{Segment, caption, choice, gain, toggle};

const STREAMS: [Segment; 3] = [
    ("Both", "Both token streams are decoded"),
    ("Semantic", "Only the semantic stream, anchored to mHuBERT: speech, less clear"),
    ("Acoustic", "Only the acoustic stream, the residual: loud and strange"),
];
const CHANNELS: [Segment; 4] = [
    ("Sum", "The mean of left and right is coded and heard on both"),
    ("L", "Left is coded and heard on both"),
    ("R", "Right is coded and heard on both"),
    ("Dual", "Left and right are coded each for itself: twice the bits, twice the load"),
];
const RENDERING: [Segment; 2] = [
    ("Coded", "A bounce gets what Listen says"),
    ("Original", "A bounce gets the original, so that a forgotten monitor is not printed"),
];
const SCHEDULING: [Segment; 2] = [
    ("Spread", "A frame is computed evenly over the callbacks"),
    ("Burst", "A frame is computed at once: one hop less latency, for blocks of 10 ms and more. Restarts"),
];

const LOCK: [Segment; 3] = [
    ("Off", "The codec runs on, whatever the transport does: no two passes are alike"),
    ("Start", "The codec begins afresh where playback starts: a bounce from there is what played"),
    ("Jumps", "It begins afresh at loops and jumps too: every pass is alike, and begins a little softly"),
];

/// Below this width the controls take two rows.
const ONE_ROW_WIDTH: f32 = 960.0;

/// The height that the controls take at a width.
pub fn height(width: f32) -> f32 {
    if width > ONE_ROW_WIDTH { 42.0 } else { 84.0 }
}

/// Draws streams, channels, gain, rendering, scheduling, timeline lock and bypass.
pub fn draw(ui: &mut Ui, inputs: &Inputs, gesture: &mut bool) {
    ui.spacing_mut().item_spacing.x = 12.0;
    if ui.available_width() > ONE_ROW_WIDTH {
        ui.horizontal(|ui| {
            sound(ui, inputs, gesture);
            host(ui, inputs);
        });
    } else {
        ui.horizontal(|ui| sound(ui, inputs, gesture));
        ui.horizontal(|ui| host(ui, inputs));
    }
}

fn sound(ui: &mut Ui, inputs: &Inputs, gesture: &mut bool) {
    let Inputs { params, setter, .. } = *inputs;
    group(ui, "Streams", |ui| choice(ui, setter, &params.streams, &STREAMS));
    group(ui, "Channels", |ui| choice(ui, setter, &params.channels, &CHANNELS));
    group(ui, "Output gain", |ui| {
        gain(ui, setter, &params.output_gain, gesture, "On what is heard, not on bypass. Double-click: 0 dB")
    });
}

fn host(ui: &mut Ui, inputs: &Inputs) {
    let Inputs { params, setter, .. } = *inputs;
    group(ui, "When rendering", |ui| choice(ui, setter, &params.when_rendering, &RENDERING));
    group(ui, "Scheduling", |ui| choice(ui, setter, &params.scheduling, &SCHEDULING));
    group(ui, "Timeline lock", |ui| choice(ui, setter, &params.timeline_lock, &LOCK));
    group(ui, "Host", |ui| {
        toggle(ui, setter, &params.bypass, "Bypass", "The input, as late as always, bit for bit");
    });
}

fn group(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        caption(ui, name);
        ui.horizontal(content);
    });
}

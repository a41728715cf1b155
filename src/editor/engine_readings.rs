//! What the engine tells of itself.

use egui::Ui;

use super::desk::Desk;
use super::widgets::{fact, percent};
use crate::status::Facts;

/// Draws load, counts and latency.
pub fn draw(ui: &mut Ui, desk: &mut Desk, facts: &Facts) {
    let load = desk.load();
    fact(ui, "Load, median", percent(load.median), "Half of the last blocks took less of their time");
    fact(ui, "Load, worst", percent(load.worst), "The most that one of the last 4096 blocks took");
    let count = |n: u64| n.to_string();
    fact(
        ui,
        "Muted input samples",
        count(facts.nonfinite_samples),
        "Samples of the input that were NaN or infinite: a plugin before this one is broken if there are any",
    );
    fact(
        ui,
        "Failed frames",
        count(facts.failed_frames),
        "Frames that the codec failed on: they are silent, and gaps in a take",
    );
    if facts.lost_frames > 0 {
        fact(
            ui,
            "Lost frames",
            count(facts.lost_frames),
            "Frames that the network lost which the parameter Loss rehearses: they are concealed",
        );
    }
    fact(
        ui,
        "Dropped snapshots",
        count(facts.dropped_snapshots),
        "Pieces of sound that this window was too slow to take: meters and spectrogram have gaps there, the \
         sound has none",
    );
    fact(
        ui,
        "Late samples",
        count(facts.underruns),
        "Coded samples that were not there in time: none, or the engine is wrong. Please report it",
    );
    fact(
        ui,
        "Engine errors",
        count(facts.engine_errors),
        "Blocks that the engine refused or cut short: none, or the engine is wrong. Please report it",
    );
    if facts.rate_hz > 0.0 {
        fact(ui, "Host rate", format!("{} Hz", facts.rate_hz), "Sample rate of the host");
        let latency = format!("{} samples", facts.latency_samples);
        fact(ui, "Latency", latency, "Constant for a sample rate and scheduling, true to the sample");
    }
}

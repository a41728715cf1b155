//! What the engine tells of itself.

use egui::{Align, Layout, Ui, vec2};

use super::desk::Desk;
use super::widgets::{caption, fact, percent, segment};
use crate::status::Facts;
use sacodec_scope::LoadReading;

/// Something that is read off the engine.
struct Reading {
    name: &'static str,
    /// Its column in a table.
    column: &'static str,
    shown: String,
    /// Its value in a table.
    value: String,
    tip: &'static str,
}

/// Draws load, counts and latency.
pub fn draw(ui: &mut Ui, desk: &mut Desk, facts: &Facts) {
    let readings = readings(desk.load(), facts);
    ui.horizontal(|ui| {
        caption(ui, "since the plugin was added");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "Copies all of this as comma-separated values: a line of names, and one of values";
            if segment(ui, false, "Copy as CSV", vec2(0.0, 20.0), 12.0, tip).clicked() {
                ui.ctx().copy_text(csv(&(desk.clock)(), facts, &readings));
            }
        });
    });
    for reading in &readings {
        // Nothing is lost unless somebody wants it.
        if reading.column != "lost_frames" || facts.lost_frames > 0 {
            fact(ui, reading.name, reading.shown.as_str(), reading.tip);
        }
    }
}

/// All readings, with the host's where there is one.
fn readings(load: LoadReading, facts: &Facts) -> Vec<Reading> {
    let share = |name, column, share: f32, tip| Reading {
        name,
        column,
        shown: percent(share),
        value: share.to_string(),
        tip,
    };
    let count = |name, column, count: u64, tip| Reading {
        name,
        column,
        shown: count.to_string(),
        value: count.to_string(),
        tip,
    };
    let mut readings = vec![
        share("Load, median", "load_median", load.median, "Half of the last blocks took less of their time"),
        share("Load, worst", "load_worst", load.worst, "The most that one of the last 4096 blocks took"),
        count(
            "Muted input samples",
            "muted_input_samples",
            facts.nonfinite_samples,
            "Samples of the input that were NaN or infinite: a plugin before this one is broken if there are any",
        ),
        count(
            "Failed frames",
            "failed_frames",
            facts.failed_frames,
            "Frames that the codec failed on: they are silent, and gaps in a take",
        ),
        count(
            "Lost frames",
            "lost_frames",
            facts.lost_frames,
            "Frames that the network lost which the parameter Loss rehearses, or that a take has not: they are \
             concealed",
        ),
        count(
            "Dropped snapshots",
            "dropped_snapshots",
            facts.dropped_snapshots,
            "Pieces of sound that this window was too slow to take: meters and spectrogram have gaps there, the \
             sound has none",
        ),
        count(
            "Late samples",
            "late_samples",
            facts.underruns,
            "Coded samples that were not there in time: none, or the engine is wrong. Please report it",
        ),
        count(
            "Engine errors",
            "engine_errors",
            facts.engine_errors,
            "Blocks that the engine refused or cut short: none, or the engine is wrong. Please report it",
        ),
    ];
    if facts.rate_hz > 0.0 {
        let (rate, latency) = (facts.rate_hz.to_string(), facts.latency_samples.to_string());
        readings.push(Reading {
            name: "Host rate",
            column: "rate_hz",
            shown: format!("{rate} Hz"),
            value: rate,
            tip: "Sample rate of the host",
        });
        readings.push(Reading {
            name: "Latency",
            column: "latency_samples",
            shown: format!("{latency} samples"),
            value: latency,
            tip: "Constant for a sample rate and scheduling, true to the sample",
        });
    }
    readings
}

/// A line of names and one of values, at this `time`.
fn csv(time: &str, facts: &Facts, readings: &[Reading]) -> String {
    let (names, values): (Vec<_>, Vec<_>) =
        readings.iter().map(|reading| (reading.column, reading.value.as_str())).unzip();
    let pack = facts.pack.name.replace('"', "\"\"");
    format!("time,pack,{}\n{time},\"{pack}\",{}\n", names.join(","), values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_read_is_copied_as_a_table() {
        let mut facts = Facts { lost_frames: 7, underruns: 1, rate_hz: 48_000.0, ..Facts::default() };
        facts.pack.name = "a \"b\" 1".to_owned();
        let load = LoadReading { median: 0.125, worst: 0.5 };
        let text = csv("2026-11-23T12:00:00+00:00", &facts, &readings(load, &facts));
        let expected = "time,pack,load_median,load_worst,muted_input_samples,failed_frames,lost_frames,\
            dropped_snapshots,late_samples,engine_errors,rate_hz,latency_samples\n\
            2026-11-23T12:00:00+00:00,\"a \"\"b\"\" 1\",0.125,0.5,0,0,7,0,1,0,48000,0\n";
        assert_eq!(text, expected);
    }
}

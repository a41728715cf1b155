//! The top line: what runs, how late it is, what it costs, what clipped.

use egui::{Align, Layout, RichText, Sense, Ui, vec2};

use super::action::Action;
use super::desk::{Desk, Page};
use super::record::take_length;
use super::theme;
use super::widgets::{caption, count, percent, segment};
use crate::status::Facts;
use sacodec_scope::{Scope, Signal};

/// Scales that are offered.
const ZOOMS: [(f32, &str); 3] = [(1.0, "1×"), (1.5, "1.5×"), (2.0, "2×")];

/// Draws name, pack, rate, latency, load and clip lights.
pub fn draw(ui: &mut Ui, desk: &mut Desk, facts: &Facts) -> Option<Action> {
    let mut action = None;
    let is_wide = ui.available_width() > 760.0;
    ui.horizontal(|ui| {
        ui.label(RichText::new("SACodec").size(19.0).strong());
        action = pack(ui, facts, desk.scope.coded_channels(), is_wide);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (page, label, tip) in [
                (Page::Help, "?", "What this is, the signal path, and the keys"),
                (Page::ListeningTest, "ABX", "A blind listening test: can you hear the codec?"),
                (
                    Page::Presets,
                    if is_wide { "Presets" } else { "P" },
                    "Settings by name, and files of your own",
                ),
            ] {
                if segment(ui, desk.page == page, label, vec2(26.0, 22.0), 13.0, tip).clicked() {
                    desk.turn_to(if desk.page == page { Page::Main } else { page });
                }
            }
            ui.add_space(4.0);
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.x = 1.0;
                for (factor, label) in ZOOMS.into_iter().rev() {
                    let tip = "Size of the window and all that is in it. A host that keeps the window's size \
                               lets you drag it larger";
                    let is_chosen = (facts.zoom - factor).abs() < 0.01;
                    if segment(ui, is_chosen, label, vec2(0.0, 22.0), 12.0, tip).clicked() {
                        action = Some(Action::Zoom(factor));
                    }
                }
            });
            if is_wide {
                ui.add_space(4.0);
                clip_lights(ui, &mut desk.scope);
            }
        });
    });
    ui.horizontal(|ui| {
        latency(ui, facts);
        // In a narrow window there is room for one of both.
        if is_wide || !recording(ui, facts) {
            let load = desk.load();
            let tip = "Share of the audio callback's time that SACodec takes: half of the blocks need less \
                       (median)";
            caption(ui, &format!("·  load {}", percent(load.median))).on_hover_text(tip);
        }
        if is_wide {
            recording(ui, facts);
        }
        if !is_wide {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                clip_lights(ui, &mut desk.scope);
            });
        }
    });
    action
}

fn pack(ui: &mut Ui, facts: &Facts, channels: u8, is_wide: bool) -> Option<Action> {
    let pack = &facts.pack;
    let name = if pack.name.is_empty() { "no pack yet" } else { &pack.name };
    ui.label(RichText::new(name).color(theme::ACCENT)).on_hover_text("The model pack in use");
    if let Some(info) = &pack.info {
        let kbps = info.bitrate_bps() / 1e3 * f64::from(channels);
        let tip = format!(
            "{} frames a second, {} bits a frame and coded channel",
            info.frame_rate_hz(),
            info.bits_per_frame()
        );
        caption(ui, &format!("{kbps:.1} kbps")).on_hover_text(tip);
    }
    if facts.awaits_restart {
        return restart(ui, pack.next.as_deref(), is_wide);
    }
    if pack.is_loading {
        ui.label(RichText::new("loading another").color(theme::WARNING));
    } else if pack.error.is_some() {
        ui.label(RichText::new("chosen pack refused").color(theme::ERROR))
            .on_hover_text("See the tab Pack for the reason");
    }
    None
}

/// What was chosen plays only after the host has restarted the plugin, which not every host does when it is asked.
fn restart(ui: &mut Ui, next: Option<&str>, is_wide: bool) -> Option<Action> {
    let what = next.map_or_else(|| "another Scheduling".to_owned(), |pack| format!("the pack {pack}"));
    let tip = format!(
        "You chose {what}, which changes the latency. It plays after the host has restarted the plugin. If it does \
         not, switch the plugin or the host's audio off and on"
    );
    let text = if is_wide { "waiting for the host to restart" } else { "waits for a restart" };
    ui.label(RichText::new(text).color(theme::WARNING)).on_hover_text(tip);
    let tip = "Asks the host again to restart the plugin";
    segment(ui, false, "Ask again", vec2(0.0, 18.0), 11.0, tip).clicked().then_some(Action::AskForRestart)
}

fn latency(ui: &mut Ui, facts: &Facts) {
    if facts.rate_hz <= 0.0 {
        caption(ui, "not active: the host has not started audio");
        return;
    }
    let ms = f64::from(facts.latency_samples) / facts.rate_hz * 1e3;
    caption(ui, &format!("latency {} samples, {ms:.1} ms", facts.latency_samples))
        .on_hover_text("Reported to the host, which compensates it");
    let codec_rate_hz = facts.pack.info.as_ref().map(|info| f64::from(info.sample_rate_hz));
    if let Some(codec_rate_hz) = codec_rate_hz.filter(|&rate_hz| rate_hz != facts.rate_hz) {
        let (host, codec) = (khz(facts.rate_hz), khz(codec_rate_hz));
        let tip = format!(
            "The codec runs at {codec} kHz: what is above {} kHz is not coded",
            khz(codec_rate_hz / 2.0)
        );
        caption(ui, &format!("·  resampling {host} to {codec} kHz")).on_hover_text(tip);
    }
}

/// That tokens are being recorded shows whatever panel is open; `true` if anything does.
fn recording(ui: &mut Ui, facts: &Facts) -> bool {
    if facts.takes.recording.is_some() {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 5.0, theme::ERROR);
        let text = format!("recording {}", take_length(facts.takes.frames));
        ui.label(RichText::new(text).size(theme::SMALL).color(theme::ERROR));
    } else if facts.takes.problem.is_some() {
        ui.label(RichText::new("takes: see Record").size(theme::SMALL).color(theme::ERROR));
    }
    facts.takes.recording.is_some() || facts.takes.problem.is_some()
}

/// A rate in kHz with as many digits as it needs.
fn khz(rate_hz: f64) -> String {
    let text = format!("{:.3}", rate_hz / 1e3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Lights that stay on once a sample was at or over full scale, and what puts them out. Right to left.
fn clip_lights(ui: &mut Ui, scope: &mut Scope) {
    let tip = "Forgets clipped samples and highest true peaks";
    if segment(ui, false, "Reset", vec2(0.0, 18.0), 11.0, tip).clicked() {
        scope.reset_peaks();
    }
    for (signal, label) in [(Signal::Coded, "coded"), (Signal::Original, "in")] {
        let clips = scope.meters().map_or(0, |m| m.reading(signal).clips);
        caption(ui, label);
        let (rect, response) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
        let color = if clips > 0 { theme::ERROR } else { theme::CONTROL };
        ui.painter().circle_filled(rect.center(), 5.0, color);
        response.on_hover_text(count(clips, "clipped sample"));
    }
    caption(ui, "clips");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_with_the_digits_they_need() {
        for (rate_hz, words) in
            [(48_000.0, "48"), (44_100.0, "44.1"), (11_025.0, "11.025"), (1234.5678, "1.235")]
        {
            assert_eq!(khz(rate_hz), words);
        }
    }
}

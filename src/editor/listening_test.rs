//! The page of the listening test. While a test runs nothing else is shown.

use egui::{Align, Layout, RichText, Ui, vec2};

use super::abx::Heard;
use super::action::Action;
use super::desk::{Desk, Page};
use super::inputs::Inputs;
use super::theme;
use super::widgets::{caption, count, segment, toggle};
use crate::params::SacodecParams;
use crate::state::{AbxResult, TRIALS};

const IDLE_TEXT: &str = "A is the original, B is coded. In every trial X is one of them, by chance: say which. \
    Let the host loop a passage. Meanwhile Listen is overridden, everything that could tell is hidden, A goes to \
    the channels as B does, and Level match is held: play a few seconds before you start.";
/// Lines that the eye follows.
const IDLE_TEXT_WIDTH: f32 = 620.0;

/// Draws the page.
pub fn draw(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Option<Action> {
    let height = ui.available_height();
    let page = ui.vertical_centered(|ui| {
        ui.add_space((height * 0.06).min(40.0));
        match desk.abx.progress() {
            Some((trial, trials)) => running(ui, desk, (trial, trials)),
            None => {
                idle(ui, desk, inputs);
                None
            }
        }
    });
    page.inner
}

fn running(ui: &mut Ui, desk: &mut Desk, (trial, trials): (usize, usize)) -> Option<Action> {
    ui.label(RichText::new(format!("Trial {} of {trials}", trial + 1)).size(22.0).strong());
    caption(ui, "A is the original, B is coded, X is one of them. Listen as long and as often as you like.");
    ui.add_space(14.0);
    let heard = desk.abx.heard();
    centered_row(ui, "listen", 72.0, |ui| {
        for (which, label, tip) in [
            (Heard::A, "A", "The original. Key A"),
            (Heard::X, "X", "One of both. Key X"),
            (Heard::B, "B", "Coded. Key B"),
        ] {
            if segment(ui, heard == Some(which), label, vec2(120.0, 72.0), 30.0, tip).clicked() {
                desk.abx.hear(which);
            }
        }
    });
    ui.add_space(16.0);
    let mut ended = None;
    centered_row(ui, "answer", 40.0, |ui| {
        for (x_is_b, label, tip) in [
            (false, "X is A", "Answers, and the next trial begins. Key 1"),
            (true, "X is B", "Answers, and the next trial begins. Key 2"),
        ] {
            if segment(ui, false, label, vec2(150.0, 40.0), 17.0, tip).clicked() {
                ended = answer(desk, x_is_b);
            }
        }
    });
    ui.add_space(16.0);
    if segment(ui, false, "Give up", vec2(0.0, 22.0), 12.0, "Ends the test without a result. Key Esc")
        .clicked()
    {
        desk.abx.stop();
    }
    ui.add_space(6.0);
    caption(ui, "Keys: A, X and B listen; 1 says X is A, 2 says X is B; Esc gives up.");
    ended
}

/// Answers the trial, and reports the test where that was the last one.
pub fn answer(desk: &mut Desk, x_is_b: bool) -> Option<Action> {
    let result = AbxResult { time: (desk.clock)(), ..desk.abx.answer(x_is_b)? };
    desk.abx.finished = Some(result.clone());
    Some(Action::TrialsEnded(result))
}

/// Whether a test can begin: not while the gains of Level match are still on their way, where they would
/// be held.
pub fn can_start(inputs: &Inputs) -> bool {
    inputs.facts.is_match_settled || !inputs.params.level_match.value()
}

fn idle(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) {
    let params = inputs.params;
    if desk.abx.was_disturbed {
        let text = "The test was ended: pack, Streams, Channels, Loss, Level match or the host's audio settings changed \
                    meanwhile.";
        ui.label(RichText::new(text).color(theme::WARNING));
        ui.add_space(8.0);
    }
    if let Some(result) = desk.abx.finished.clone() {
        finished(ui, &result);
        ui.add_space(12.0);
    } else {
        ui.label(RichText::new("Can you hear the codec?").size(22.0).strong());
        ui.scope(|ui| {
            ui.set_max_width(IDLE_TEXT_WIDTH.min(ui.available_width()));
            caption(ui, IDLE_TEXT);
        });
        ui.add_space(12.0);
    }
    centered_row(ui, "next", 22.0, |ui| {
        caption(ui, "trials");
        ui.spacing_mut().slider_width = 120.0;
        ui.add(egui::Slider::new(&mut desk.abx.trials, TRIALS))
            .on_hover_text("Trials of the next test. Keys Left and Right");
        let tip = "Original and coded equally loud. Without it loudness alone may tell";
        toggle(ui, inputs.setter, &params.level_match, "Level match", tip);
    });
    if !params.level_match.value() {
        let text = "Level match is off: a difference in loudness alone may tell which is X.";
        ui.label(RichText::new(text).color(theme::WARNING));
    }
    let can_start = can_start(inputs);
    if !can_start {
        let text = "Level match listens: play a few seconds of voice before you start.";
        ui.label(RichText::new(text).color(theme::WARNING));
    }
    ui.add_space(8.0);
    centered_row(ui, "start", 40.0, |ui| {
        let start =
            |ui: &mut Ui| segment(ui, true, "Start", vec2(130.0, 40.0), 17.0, "Begins a new test. Key Enter");
        if ui.add_enabled_ui(can_start, start).inner.clicked() {
            desk.begin_trials(inputs.facts, params);
        }
        if segment(ui, false, "Back", vec2(130.0, 40.0), 17.0, "Back to the spectra. Key Esc").clicked() {
            desk.turn_to(Page::Main);
        }
    });
    history(ui, desk, params);
}

fn finished(ui: &mut Ui, result: &AbxResult) {
    let p = result.p_value();
    ui.label(RichText::new(format!("{} of {} right", result.correct, result.trials)).size(26.0).strong());
    ui.label(RichText::new(format!("p = {p:.4}")).size(17.0).color(theme::ACCENT));
    let words = match p {
        p if p < 0.01 => "You hear the difference: guessing does as well less than once in a hundred tests.",
        p if p < 0.05 => {
            "You probably hear the difference: guessing does as well less than once in twenty tests."
        }
        _ => "This could be guessing. It does not show that there is no difference.",
    };
    ui.label(words);
}

fn history(ui: &mut Ui, desk: &Desk, params: &SacodecParams) {
    let results = params.session.abx_results();
    if results.is_empty() {
        return;
    }
    ui.add_space(12.0);
    centered_row(ui, "history", 20.0, |ui| {
        caption(ui, &format!("{} in this session", count(results.len() as u64, "test")));
        let tip = "Copies all results as comma-separated values";
        if segment(ui, false, "Copy as CSV", vec2(0.0, 20.0), 12.0, tip).clicked() {
            ui.ctx().copy_text(csv(&results));
        }
    });
    let lines = if desk.abx.finished.is_some() { 4 } else { 6 };
    for result in results.iter().rev().take(lines) {
        let day = result.time.split('[').next().unwrap_or_default();
        let level = if result.level_matched { "level matched" } else { "levels as they are" };
        let score = format!("{} of {}, p = {:.4}", result.correct, result.trials, result.p_value());
        let loss = if result.loss.is_empty() { "" } else { "  ·  with loss" };
        let source = if result.source.is_empty() { "" } else { "  ·  played" };
        caption(ui, &format!("{day}  ·  {}  ·  {score}  ·  {level}{loss}{source}", result.pack));
    }
}

fn csv(results: &[AbxResult]) -> String {
    let mut text = String::from("time,pack,trials,correct,p_value,level_matched,streams,loss,source\n");
    for r in results {
        // A session may say anything.
        let texts = [&r.pack, &r.streams, &r.loss, &r.source];
        let [pack, streams, loss, source] = texts.map(|text| text.replace('"', "\"\""));
        text += &format!(
            "{},\"{pack}\",{},{},{},{},\"{streams}\",\"{loss}\",\"{source}\"\n",
            r.time,
            r.trials,
            r.correct,
            r.p_value(),
            r.level_matched,
        );
    }
    text
}

/// A row in the middle, as wide as it was when it was last drawn.
fn centered_row(ui: &mut Ui, name: &str, height: f32, content: impl FnOnce(&mut Ui)) {
    let id = ui.scope_id().with(name);
    let known = ui.data(|data| data.get_temp(id));
    let size = vec2(known.unwrap_or(ui.available_width()), height);
    let row = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        content(ui);
        ui.min_rect().width()
    });
    if known != Some(row.inner) {
        ui.data_mut(|data| data.insert_temp(id, row.inner));
        ui.ctx().request_discard("a row is centred");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_copied_as_a_table() {
        let result = AbxResult {
            time: "2026-11-23T12:00:00+00:00".to_owned(),
            pack: "a \"b\" 1".to_owned(),
            trials: 10,
            correct: 9,
            level_matched: true,
            streams: "Both".to_owned(),
            loss: "Random, 10.0 %".to_owned(),
            source: "Take a.sac".to_owned(),
        };
        let text = csv(&[result]);
        assert_eq!(
            text.lines().nth(1).unwrap(),
            "2026-11-23T12:00:00+00:00,\"a \"\"b\"\" 1\",10,9,0.0107421875,true,\"Both\",\"Random, 10.0 %\",\"Take a.sac\""
        );
    }
}

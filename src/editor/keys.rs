//! Keys of the window. Those that are not ours stay the host's.
//!
//! A key is only taken from the host while something in the window has egui's focus. So a widget without
//! looks has it, whenever no text field does; and it is told to be focused only after a click, which is
//! when the system gives the keyboard to the window.

use egui::{Event, EventFilter, Id, InputState, Key, Modifiers, Sense, Ui};
use nice_plug_egui::Key as HostKey;

use super::abx::Heard;
use super::action::Action;
use super::desk::{Desk, Page};
use super::inputs::Inputs;
use super::listening_test;
use super::widgets::set;
use crate::params::ListenChoice;
use crate::state::TRIALS;

/// The keys that are ours now; all others are the host's. `None` while a text is edited: then all are.
pub fn wanted(ui: &Ui, desk: &Desk) -> Option<Vec<HostKey>> {
    if ui.ctx().text_edit_focused() {
        return None;
    }
    if ui.input(|input| is_shortcut(input.modifiers)) {
        return Some(Vec::new());
    }
    // All keys of a test, running or not: one that is pressed once too often when it begins or ends must do
    // nothing in the host.
    let (letters, others): (&[&str], &[&str]) = match desk.page {
        Page::ListeningTest => {
            (&["a", "b", "x", "A", "B", "X", "1", "2"], &["Enter", "ArrowLeft", "ArrowRight", "Escape"])
        }
        Page::Help | Page::Presets => (&["1", "2", "3", "h", "H"], &["Escape"]),
        Page::Main => (&["1", "2", "3", "h", "H"], &[]),
    };
    let letters = letters.iter().map(|k| HostKey::Character((*k).to_owned()));
    Some(letters.chain(others.iter().filter_map(|k| k.parse().ok())).collect())
}

/// Takes the keys that were pressed. To be called before anything is drawn.
pub fn handle(ui: &mut Ui, desk: &mut Desk, inputs: &Inputs) -> Option<Action> {
    hold_focus(ui);
    if ui.ctx().text_edit_focused() {
        return None;
    }
    let pressed = |key| ui.input_mut(|input| take(input, key));
    if desk.abx.is_running() {
        for (key, heard) in [(Key::A, Heard::A), (Key::B, Heard::B), (Key::X, Heard::X)] {
            if pressed(key) {
                desk.abx.hear(heard);
            }
        }
        // One answer a frame: the next trial has not been heard.
        let answer = [(Key::Num1, false), (Key::Num2, true)].into_iter().find(|(key, _)| pressed(*key));
        let ended = answer.and_then(|(_, x_is_b)| listening_test::answer(desk, x_is_b));
        if pressed(Key::Escape) {
            desk.abx.stop();
        }
        return ended;
    }
    if desk.page == Page::ListeningTest {
        if pressed(Key::Escape) {
            desk.turn_to(Page::Main);
        } else if pressed(Key::Enter) && listening_test::can_start(inputs) {
            desk.begin_trials(inputs.facts, inputs.params);
        }
        for (key, step) in [(Key::ArrowLeft, -1), (Key::ArrowRight, 1)] {
            if pressed(key) {
                let trials = desk.abx.trials.saturating_add_signed(step);
                desk.abx.trials = trials.clamp(*TRIALS.start(), *TRIALS.end());
            }
        }
        return None;
    }
    if matches!(desk.page, Page::Help | Page::Presets) && pressed(Key::Escape) {
        desk.turn_to(Page::Main);
    }
    for (key, listen) in [
        (Key::Num1, ListenChoice::Original),
        (Key::Num2, ListenChoice::Coded),
        (Key::Num3, ListenChoice::Difference),
    ] {
        if pressed(key) {
            set(inputs.setter, &inputs.params.listen, listen);
        }
    }
    if pressed(Key::H) {
        let held = desk.scope.is_held();
        desk.scope.hold(!held);
    }
    None
}

/// Combinations are the host's.
fn is_shortcut(modifiers: Modifiers) -> bool {
    modifiers.ctrl || modifiers.alt || modifiers.command || modifiers.mac_cmd
}

/// Takes a key out of the input; `true` if it was pressed. A key that is held down counts once.
fn take(input: &mut InputState, wanted: Key) -> bool {
    let mut pressed = false;
    input.events.retain(|event| match event {
        Event::Key { key, pressed: true, repeat, modifiers, .. }
            if *key == wanted && !is_shortcut(*modifiers) =>
        {
            pressed |= !repeat;
            false
        }
        _ => true,
    });
    pressed
}

/// Keeps the focus on a widget of nothing, so that Space and Tab press no button of ours.
fn hold_focus(ui: &mut Ui) {
    let id = Id::unique("sacodec keys");
    let response = ui.interact(egui::Rect::NOTHING, id, Sense::focusable_noninteractive());
    let was_clicked = ui.input(|input| input.pointer.any_pressed());
    let is_free = ui.memory(|memory| memory.focused().is_none());
    if is_free && was_clicked {
        response.request_focus();
    }
    let filter = EventFilter { tab: true, horizontal_arrows: true, vertical_arrows: true, escape: true };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
}

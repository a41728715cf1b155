//! How the window is laid out, and which page is drawn where. Knows parameters and plain data, no host and no window.

use egui::{Layout, Rect, Ui, UiBuilder, pos2, vec2};

use super::abx::Conditions;
use super::action::Action;
use super::desk::{Desk, Page, Tab};
use super::inputs::Inputs;
use super::widgets::segment;
use super::{
    codebook, controls, engine_readings, header, help, keys, listen, listening_test, meters, moments,
    network, pack, presets, record, source, spectra, theme,
};

/// Below this height there is no room for meters above the tabs.
const LOW_SIDE: f32 = 260.0;
/// Points beside the label of a tab, where there is room, and where there is little.
const TAB_MARGIN: std::ops::RangeInclusive<f32> = 3.0..=8.0;
/// Points between two tabs.
const TAB_GAP: f32 = 2.0;

impl Desk {
    /// Draws the window. Parameters are set through the inputs; everything else that the user wants is
    /// returned.
    pub fn draw(&mut self, ui: &mut Ui, inputs: &Inputs) -> Vec<Action> {
        self.refresh_load();
        self.abx.check(&Conditions::of(inputs.facts, inputs.params));
        let mut actions = Vec::from_iter(keys::handle(ui, self, inputs));
        // The window is cleared to the background's colour: painting it would cost as much as all the rest
        // where there is no GPU.
        let inside = ui.max_rect().shrink2(vec2(10.0, 8.0));
        if self.abx.is_running() {
            // Nothing that could tell which one X is.
            actions.extend(area(ui, inside, |ui| listening_test::draw(ui, self, inputs)));
            return actions;
        }
        let top = cut(inside, inside.top(), 46.0);
        actions.extend(area(ui, top, |ui| header::draw(ui, self, inputs.facts)));
        let rest = Rect::from_min_max(pos2(inside.left(), top.bottom() + 6.0), inside.max);
        if self.page != Page::Main || self.tab != Tab::Record {
            // The field that it was typed into is gone.
            actions.extend(record::typed(self, inputs.facts));
        }
        match self.page {
            Page::Main => actions.extend(self.draw_main(ui, rest, inputs)),
            Page::ListeningTest => {
                actions.extend(area(ui, rest, |ui| listening_test::draw(ui, self, inputs)))
            }
            Page::Presets => actions.extend(area(ui, rest, |ui| presets::draw(ui, self, inputs))),
            Page::Help => area(ui, rest, help::draw),
        }
        actions
    }

    fn draw_main(&mut self, ui: &mut Ui, rect: Rect, inputs: &Inputs) -> Vec<Action> {
        let listen = cut(rect, rect.top(), 38.0);
        area(ui, listen, |ui| listen::draw(ui, inputs));
        let controls_height = controls::height(rect.width());
        let controls = cut(rect, rect.bottom() - controls_height, controls_height);
        let middle = Rect::from_min_max(
            pos2(rect.left(), listen.bottom() + 8.0),
            pos2(rect.right(), controls.top() - 6.0),
        );
        let side_width = (rect.width() * 0.3).clamp(236.0, 340.0);
        let split = middle.right() - side_width;
        let left = Rect::from_min_max(middle.min, pos2(split - 10.0, middle.bottom()));
        let side = Rect::from_min_max(pos2(split, middle.top()), middle.max);
        area(ui, left, |ui| spectra::draw(ui, self, inputs.facts));
        let actions = area(ui, side, |ui| self.draw_side(ui, inputs));
        area(ui, controls, |ui| controls::draw(ui, inputs, &mut self.gain_gesture));
        actions
    }

    fn draw_side(&mut self, ui: &mut Ui, inputs: &Inputs) -> Vec<Action> {
        // Where it is low, the meters are on the last tab.
        let is_low = ui.available_height() < LOW_SIDE;
        if !is_low {
            meters::draw(ui, self);
            ui.add_space(2.0);
        }
        self.draw_tabs(ui, is_low);
        ui.add_space(2.0);
        let rect = ui.available_rect_before_wrap();
        ui.painter().rect_filled(rect, theme::RADIUS, theme::PANEL);
        area(ui, rect.shrink(8.0), |ui| {
            let scroll = egui::ScrollArea::vertical().id_salt(self.tab as u8).auto_shrink(false);
            scroll.show(ui, |ui| self.draw_tab(ui, inputs, is_low)).inner
        })
    }

    fn draw_tabs(&mut self, ui: &mut Ui, has_meters: bool) {
        let tabs = [
            (Tab::Codes, "Codes", "How the codebooks are used"),
            (Tab::Moments, "Worst", "Moments at which coded is furthest from original"),
            (Tab::Record, "Record", "Takes of tokens"),
            (Tab::Pack, "Pack", "The model pack and its card"),
            (Tab::Network, "Tokens", "Where tokens come from, and what is lost of them on their way"),
            (Tab::Engine, if has_meters { "Meters" } else { "Engine" }, "Levels, load and counts"),
        ];
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = TAB_GAP;
            let width = |label: &str, size: f32| {
                ui.painter().layout_no_wrap(label.to_owned(), theme::font(size), theme::TEXT).size().x
            };
            let margin = |size: f32| {
                let labels: f32 = tabs.iter().map(|(_, label, _)| width(label, size)).sum();
                let free = ui.available_width() - labels - TAB_GAP * (tabs.len() - 1) as f32;
                (free / tabs.len() as f32 / 2.0).floor()
            };
            let fits = |size: &f32| margin(*size) >= *TAB_MARGIN.start();
            let size = [13.0, 12.0].into_iter().find(fits).unwrap_or(11.0);
            ui.spacing_mut().button_padding.x = margin(size).clamp(*TAB_MARGIN.start(), *TAB_MARGIN.end());
            for (tab, label, tip) in tabs {
                if segment(ui, self.tab == tab, label, vec2(0.0, 22.0), size, tip).clicked() {
                    self.tab = tab;
                }
            }
        });
    }

    fn draw_tab(&mut self, ui: &mut Ui, inputs: &Inputs, has_meters: bool) -> Vec<Action> {
        match self.tab {
            Tab::Codes => codebook::draw(ui, self),
            Tab::Record => return record::draw(ui, self, inputs),
            Tab::Pack => return pack::draw(ui, self, inputs.facts),
            Tab::Network => {
                let mut actions = source::draw(ui, self, inputs);
                ui.separator();
                actions.extend(network::draw(ui, self, inputs));
                return actions;
            }
            Tab::Moments => return moments::draw(ui, self, inputs.facts),
            Tab::Engine => {
                if has_meters {
                    meters::draw(ui, self);
                    ui.separator();
                }
                engine_readings::draw(ui, self, inputs.facts);
            }
        }
        Vec::new()
    }
}

/// A strip of `rect` from `top` on.
fn cut(rect: Rect, top: f32, height: f32) -> Rect {
    Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height))
}

/// Draws into a rectangle and nowhere else.
fn area<R>(ui: &mut Ui, rect: Rect, content: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::top_down(egui::Align::Min));
    let mut child = ui.new_child(builder);
    child.set_clip_rect(rect.expand(2.0).intersect(ui.clip_rect()));
    content(&mut child)
}

//! What the panels are made of. Whatever changes a parameter begins and ends a gesture.

use egui::{Button, Response, RichText, Ui, vec2};
use nice_plug::prelude::{BoolParam, Enum, EnumParam, FloatParam, Param, ParamSetter};

use super::theme;

/// Sets a parameter as a gesture of its own.
pub fn set<P: Param>(setter: &ParamSetter, param: &P, value: P::Plain) {
    setter.begin_set_parameter(param);
    setter.set_parameter(param, value);
    setter.end_set_parameter(param);
}

/// One segment of a choice: its label and what it does.
pub type Segment = (&'static str, &'static str);

/// The values of an enum side by side, in the order of its variants.
pub fn choice<T: Enum + PartialEq + Copy + 'static>(
    ui: &mut Ui,
    setter: &ParamSetter,
    param: &EnumParam<T>,
    segments: &[Segment],
) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        for (index, (label, tip)) in segments.iter().enumerate() {
            let value = T::from_index(index);
            if segment(ui, param.value() == value, label, vec2(0.0, 22.0), 13.0, tip).clicked() {
                set(setter, param, value);
            }
        }
    });
}

/// A button that shows whether it is chosen.
pub fn segment(ui: &mut Ui, chosen: bool, label: &str, size: egui::Vec2, font: f32, tip: &str) -> Response {
    let (fill, color) =
        if chosen { (theme::ACCENT, theme::BACKGROUND) } else { (theme::CONTROL, theme::TEXT) };
    let text = RichText::new(label).size(font).color(color);
    ui.add(Button::selectable(chosen, text).fill(fill).min_size(size).corner_radius(theme::RADIUS))
        .on_hover_text(tip)
}

/// A parameter that is on or off.
pub fn toggle(ui: &mut Ui, setter: &ParamSetter, param: &BoolParam, label: &str, tip: &str) -> Response {
    let response = segment(ui, param.value(), label, vec2(0.0, 22.0), 13.0, tip);
    if response.clicked() {
        set(setter, param, !param.value());
    }
    response
}

/// A slider in dB. `gesture` remembers across frames that the host was told of a drag.
pub fn gain(ui: &mut Ui, setter: &ParamSetter, param: &FloatParam, gesture: &mut bool, tip: &str) {
    let mut value = param.value();
    let range = param.preview_plain(0.0)..=param.preview_plain(1.0);
    ui.spacing_mut().slider_width = 84.0;
    let slider = egui::Slider::new(&mut value, range).step_by(0.1).fixed_decimals(1).suffix(" dB");
    let response = ui.add(slider).on_hover_text(tip);
    if response.drag_started() && !*gesture {
        setter.begin_set_parameter(param);
        *gesture = true;
    }
    // The rail itself knows no clicks.
    let primary = egui::PointerButton::Primary;
    let is_reset =
        response.contains_pointer() && ui.input(|input| input.pointer.button_double_clicked(primary));
    if is_reset {
        value = param.default_plain_value();
    }
    if response.changed() || is_reset {
        match *gesture {
            true => setter.set_parameter(param, value),
            false => set(setter, param, value),
        }
    }
    // Also where the slider has moved away under the pointer.
    if *gesture && !response.dragged() {
        end_gain(setter, param, gesture);
    }
}

/// Ends a drag that the host was told of.
pub fn end_gain(setter: &ParamSetter, param: &FloatParam, gesture: &mut bool) {
    if std::mem::take(gesture) {
        setter.end_set_parameter(param);
    }
}

/// A slider for a parameter of any kind, with its name. Each change is a gesture of its own.
pub fn slider<P: Param>(ui: &mut Ui, setter: &ParamSetter, param: &P, tip: &str) {
    let mut share = f64::from(param.unmodulated_normalized_value());
    ui.horizontal(|ui| {
        let name = ui.allocate_ui(vec2(72.0, 20.0), |ui| {
            ui.set_min_width(72.0);
            caption(ui, param.name());
        });
        name.response.on_hover_text(tip);
        // The longest value is about as wide.
        ui.spacing_mut().slider_width = (ui.available_width() - 116.0).clamp(24.0, 120.0);
        let slider = egui::Slider::new(&mut share, 0.0..=1.0)
            .custom_formatter(|share, _| param.normalized_value_to_string(share as f32, true))
            .custom_parser(|text| param.string_to_normalized_value(text).map(f64::from));
        if ui.add(slider).on_hover_text(tip).changed() {
            set(setter, param, param.preview_plain(share as f32));
        }
    });
}

/// A small dim word above or before something.
pub fn caption(ui: &mut Ui, text: &str) -> Response {
    ui.label(RichText::new(text).size(theme::SMALL).color(theme::DIM))
}

/// A line of what is wrong, wrapped.
pub fn problem(ui: &mut Ui, text: &str) {
    ui.add(egui::Label::new(RichText::new(text).color(theme::ERROR)).wrap());
}

/// A name and its value on one line.
pub fn fact(ui: &mut Ui, name: &str, value: impl Into<String>, tip: &str) {
    ui.horizontal(|ui| {
        caption(ui, name);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(value.into()).truncate())
        });
    })
    .response
    .on_hover_text(tip);
}

/// A share in percent.
pub fn percent(share: f32) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A level in dB, or a dash for silence.
pub fn db(level_db: f32) -> String {
    if level_db < -99.0 || !level_db.is_finite() {
        return "–".to_owned();
    }
    // Zero has no sign here.
    format!("{:.1}", (level_db * 10.0).round() / 10.0 + 0.0)
}

/// The end of a text that is too long, which in paths says most.
pub fn tail(text: &str, max_chars: usize) -> String {
    let length = text.chars().count();
    if length <= max_chars {
        return text.to_owned();
    }
    let end: String = text.chars().skip(length - max_chars.saturating_sub(1)).collect();
    format!("…{end}")
}

/// The end of a text that is too wide for `width` points of the usual font.
pub fn tail_within(ui: &Ui, text: &str, width: f32) -> String {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let fits = |shown: &String| {
        ui.painter().layout_no_wrap(shown.clone(), font.clone(), theme::TEXT).size().x <= width
    };
    let lengths = (1..=text.chars().count()).rev();
    lengths.map(|length| tail(text, length)).find(fits).unwrap_or_default()
}

/// A number of things, `one` of which is called so.
pub fn count(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}

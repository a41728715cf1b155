//! Colours and type: dark, one accent.

use egui::{Color32, CornerRadius, FontFamily, FontId, Stroke, TextStyle, Visuals};
use sacodec_token::TokenStream;

/// Behind everything.
pub const BACKGROUND: Color32 = Color32::from_rgb(18, 20, 24);
/// Panels.
pub const PANEL: Color32 = Color32::from_rgb(27, 30, 36);
/// What can be pressed.
pub const CONTROL: Color32 = Color32::from_rgb(44, 49, 58);
/// Lines between things.
pub const LINE: Color32 = Color32::from_rgb(58, 64, 75);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(232, 234, 238);
/// Captions and units.
pub const DIM: Color32 = Color32::from_rgb(156, 164, 176);
/// The one accent: what is on, what is heard.
pub const ACCENT: Color32 = Color32::from_rgb(62, 200, 180);
/// What needs attention.
pub const WARNING: Color32 = Color32::from_rgb(245, 184, 76);
/// What is wrong, and what is being recorded.
pub const ERROR: Color32 = Color32::from_rgb(255, 110, 104);

/// Tokens that are lost on their way: no code has it.
pub const LOST: Color32 = Color32::WHITE;

/// Rounding of everything that is rounded.
pub const RADIUS: CornerRadius = CornerRadius::same(4);

/// Type sizes in points.
pub const SMALL: f32 = 12.0;
const BODY: f32 = 13.5;
const HEADING: f32 = 19.0;

/// A proportional font of a size.
pub fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Dresses a context.
pub fn apply(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
    ctx.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, font(SMALL)),
            (TextStyle::Body, font(BODY)),
            (TextStyle::Button, font(BODY)),
            (TextStyle::Heading, font(HEADING)),
            (TextStyle::Monospace, FontId::new(SMALL, FontFamily::Monospace)),
        ]
        .into();
        // Every animation would repaint the whole window at the display's rate.
        style.animation_time = 0.0;
        style.spacing.item_spacing = egui::vec2(6.0, 4.0);
        style.spacing.button_padding = egui::vec2(8.0, 3.0);
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;
        let mut visuals = Visuals::dark();
        visuals.panel_fill = BACKGROUND;
        visuals.window_fill = PANEL;
        visuals.extreme_bg_color = BACKGROUND;
        visuals.override_text_color = Some(TEXT);
        visuals.selection.bg_fill = ACCENT;
        visuals.selection.stroke = Stroke::new(1.0, BACKGROUND);
        visuals.error_fg_color = ERROR;
        visuals.warn_fg_color = WARNING;
        visuals.hyperlink_color = ACCENT;
        visuals.handle_shape = egui::style::HandleShape::Rect { aspect_ratio: 0.45 };
        visuals.slider_trailing_fill = false;
        let widgets = &mut visuals.widgets;
        for (state, fill) in [
            (&mut widgets.noninteractive, PANEL),
            (&mut widgets.inactive, CONTROL),
            (&mut widgets.hovered, Color32::from_rgb(58, 64, 76)),
            (&mut widgets.active, Color32::from_rgb(70, 78, 92)),
            (&mut widgets.open, CONTROL),
        ] {
            state.bg_fill = fill;
            state.weak_bg_fill = fill;
            state.corner_radius = RADIUS;
            state.expansion = 0.0;
            state.bg_stroke = Stroke::NONE;
        }
        widgets.noninteractive.bg_stroke = Stroke::new(1.0, LINE);
        style.visuals = visuals;
    });
}

/// Colour of a level byte on the perceptually even map Inferno (van der Walt and Smith, 2015).
pub fn level_color(level: u8) -> Color32 {
    let color = colorous::INFERNO.eval_continuous(f64::from(level) / 255.0);
    Color32::from_rgb(color.r, color.g, color.b)
}

/// Colour of a change of level from -1 (the codec took away) to 1 (it added); 0 is the background.
pub fn change_color(change: f32) -> Color32 {
    let target = if change < 0.0 { [86.0, 160.0, 255.0] } else { [255.0, 160.0, 62.0] };
    let share = change.abs().min(1.0);
    let mix = |i: usize, from: u8| (f32::from(from) + share * (target[i] - f32::from(from))) as u8;
    Color32::from_rgb(mix(0, BACKGROUND.r()), mix(1, BACKGROUND.g()), mix(2, BACKGROUND.b()))
}

/// Colour of a code: neighbouring codes far apart in hue, all of one lightness.
pub fn code_color(code: u16) -> Color32 {
    const GOLDEN_ANGLE: f32 = 2.399_963;
    oklch(0.74, 0.125, f32::from(code) * GOLDEN_ANGLE)
}

/// A colour by lightness, chroma and hue in radians (Oklab, Ottosson 2020).
fn oklch(lightness: f32, chroma: f32, hue: f32) -> Color32 {
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    egui::Rgba::from_rgb(
        (4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s).clamp(0.0, 1.0),
        (-1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s).clamp(0.0, 1.0),
        (-0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s).clamp(0.0, 1.0),
    )
    .into()
}

/// A token stream's name as a title.
pub fn stream_title(stream: TokenStream) -> &'static str {
    match stream {
        TokenStream::Semantic => "Semantic",
        TokenStream::Acoustic => "Acoustic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2).
    fn luminance(color: Color32) -> f32 {
        let rgba = egui::Rgba::from(color);
        0.2126 * rgba.r() + 0.7152 * rgba.g() + 0.0722 * rgba.b()
    }

    #[test]
    fn the_level_map_grows_lighter_with_every_step_and_codes_are_equally_light() {
        for level in (0..=240).step_by(15) {
            let (low, high) = (luminance(level_color(level)), luminance(level_color(level + 15)));
            assert!(high > low, "level {level}: {low} then {high}");
        }
        let codes: Vec<f32> = (0..1024).map(|code| luminance(code_color(code))).collect();
        let (low, high) =
            (codes.iter().copied().fold(1.0, f32::min), codes.iter().copied().fold(0.0, f32::max));
        assert!(high / low < 1.6, "codes from {low} to {high}");
    }

    #[test]
    fn text_stands_out_from_what_is_behind_it() {
        for (text, behind) in [
            (TEXT, PANEL),
            (TEXT, CONTROL),
            (DIM, PANEL),
            (DIM, BACKGROUND),
            (ERROR, PANEL),
            (BACKGROUND, ACCENT),
        ] {
            let (a, b) = (luminance(text) + 0.05, luminance(behind) + 0.05);
            let contrast = a.max(b) / a.min(b);
            assert!(contrast >= 4.5, "{text:?} on {behind:?}: {contrast}, WCAG AA asks for 4.5");
        }
    }
}

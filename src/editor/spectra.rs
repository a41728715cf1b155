//! Spectrograms and token lanes on one time axis.

use egui::{Align, Align2, Color32, Layout, Pos2, Rect, Sense, TextureOptions, Ui, pos2, vec2};

use super::desk::{Desk, SPANS, View};
use super::strip::Picture;
use super::theme;
use super::widgets::segment;
use crate::status::Facts;
use sacodec_codec::SpeechStats;
use sacodec_scope::{BANDS, Column, Oddity, TimelineSpot, band_hz, level_db};
use sacodec_token::TokenStream;

const LANE_HEIGHT: f32 = 15.0;
const AXIS_HEIGHT: f32 = 16.0;
/// Of a light that tells what is odd.
const LIGHT: f32 = 12.0;
/// Of a frequency, on the axis.
const LABEL_HEIGHT: f32 = 12.0;
/// A change of level of this many dB has the full colour.
const FULL_CHANGE_DB: f32 = 30.0;
/// Below this neither original nor coded counts, so that noise floors are not shown as a change.
const QUIET_LEVEL: u8 = 40;

/// What is painted: numbers the pictures of a strip.
const ORIGINAL: u8 = 0;
const CODED: u8 = 1;
const DIFFERENCE: u8 = 2;
const CHANGE: u8 = 3;
const MONO_LANES: u8 = 4;
const DUAL_LANES: u8 = 5;

/// Draws the view's own controls, both spectrograms, the lanes and the axis.
pub fn draw(ui: &mut Ui, desk: &mut Desk, facts: &Facts) {
    let speech = facts.pack.info.as_ref().and_then(|info| info.speech.as_ref());
    toolbar(ui, desk, speech);
    let rect = ui.available_rect_before_wrap();
    ui.allocate_rect(rect, Sense::hover());
    let channels = desk.scope.coded_channels();
    let lanes_height = 2.0 * LANE_HEIGHT * f32::from(channels);
    let spectra_height = ((rect.height() - lanes_height - AXIS_HEIGHT - 8.0) / 2.0).max(10.0);
    let row = |top: f32, height: f32| Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height));
    let upper = row(rect.top(), spectra_height);
    let lower = row(upper.bottom() + 2.0, spectra_height);
    let lanes = row(lower.bottom() + 4.0, lanes_height);
    let axis = row(lanes.bottom(), AXIS_HEIGHT);

    let pictures = match desk.view {
        View::Pair => [(ORIGINAL, "Original"), (CODED, "Coded")],
        View::Difference => {
            [(DIFFERENCE, "Original − coded"), (CHANGE, "Level: lost (blue), added (orange)")]
        }
    };
    for (i, (picture, rect)) in pictures.into_iter().zip([upper, lower]).enumerate() {
        spectrogram(ui, desk, i, picture, rect);
    }
    token_lanes(ui, desk, channels, lanes);
    mark_moment(ui, desk, upper.union(lanes));
    time_axis(ui, desk, axis);
    hover(ui, desk, &[upper, lower], lanes, channels);
}

fn toolbar(ui: &mut Ui, desk: &mut Desk, speech: Option<&SpeechStats>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for (view, label, tip) in [
            (View::Pair, "Spectra", "Original above coded, mel scale, −90 to 0 dB"),
            (
                View::Difference,
                "Change",
                "The difference as it is heard, and where the codec lost or added level",
            ),
        ] {
            if segment(ui, desk.view == view, label, vec2(0.0, 20.0), 12.0, tip).clicked() {
                desk.view = view;
            }
        }
        ui.add_space(8.0);
        for (span, label) in SPANS {
            let tip = "Time across the view";
            if segment(ui, desk.span == span, label, vec2(0.0, 20.0), 12.0, tip).clicked() {
                desk.span = span;
            }
        }
        ui.add_space(8.0);
        let held = desk.scope.is_held();
        let tip = "Holds the picture. Sound, meters and recording continue, and the picture catches up \
                   afterwards. Key H";
        if segment(ui, held, "Hold", vec2(0.0, 20.0), 12.0, tip).clicked() {
            desk.scope.hold(!held);
        }
        if let Some(stats) = speech
            && let Some(oddity) = desk.scope.oddity(stats)
        {
            odd(ui, oddity, stats);
        }
    });
}

/// A light that says that the sound is not what the codec was made for, with words where there is room.
fn odd(ui: &mut Ui, oddity: Oddity, stats: &SpeechStats) {
    let (words, why) = match oddity {
        Oddity::Low { loudest_db } => (
            "too low",
            format!("The loudest frame of the last 3 s has {loudest_db:.0} dBFS (RMS). Turn the voice up"),
        ),
        Oddity::Clipped => ("clipped", "The waveform was cut off at a limit before it came here".to_owned()),
        Oddity::UnlikeSpeech { distinct_semantic } => {
            let SpeechStats { frames, min_distinct_semantic: least, .. } = stats;
            let why = format!(
                "This does not look like speech: music or noise? {distinct_semantic} different semantic codes are in \
                 the last {frames} frames that sound, and speech has {least} at least. The codec makes of it what \
                 resembles speech"
            );
            ("not speech", why)
        }
        Oddity::TwoVoices => {
            let why = format!(
                "This sounds like two voices at once: the codes of the last {} frames that sound are those of mixtures \
                 rather than of one voice. The codec makes one voice of it",
                stats.frames
            );
            ("two voices", why)
        }
    };
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let font = theme::font(theme::SMALL);
        let galley = ui.painter().layout_no_wrap(words.to_owned(), font, theme::WARNING);
        if galley.size().x + LIGHT + ui.spacing().item_spacing.x <= ui.available_width() {
            ui.label(galley).on_hover_text(&why);
        }
        let (rect, response) = ui.allocate_exact_size(vec2(LIGHT, LIGHT), Sense::hover());
        ui.painter().circle_filled(rect.center(), 5.0, theme::WARNING);
        response.on_hover_text(why);
    });
}

fn spectrogram(ui: &Ui, desk: &mut Desk, index: usize, (picture, name): (u8, &str), rect: Rect) {
    let strip = &mut desk.strips[index];
    let shown = Picture { what: picture, height: BANDS, options: TextureOptions::LINEAR };
    strip.update(ui.ctx(), &desk.scope.columns, shown, |column, out| paint_spectrum(picture, column, out));
    let painter = ui.painter_at(rect);
    strip.draw(&painter, rect, desk.span, theme::level_color(0));
    let font = theme::font(theme::SMALL);
    let at = rect.left_top() + vec2(5.0, 3.0);
    let of = if desk.scope.coded_channels() > 1 { ", left" } else { "" };
    let galley = painter.layout_no_wrap(format!("{name}{of}"), font.clone(), theme::TEXT);
    let behind = Rect::from_min_size(at, galley.size()).expand2(vec2(3.0, 1.0));
    painter.rect_filled(behind, 2.0, Color32::from_black_alpha(150));
    painter.galley(at, galley, theme::TEXT);
    let rate_hz = desk.scope.rate_hz().unwrap_or(48_000.0);
    let mut free_below = rect.bottom();
    for (hz, label) in [(200.0, "200"), (1000.0, "1k"), (4000.0, "4k"), (12_000.0, "12k")] {
        if let Some(share) = band_share(hz, rate_hz) {
            let y = (rect.bottom() - share * rect.height()).max(rect.top() + 7.0).min(rect.bottom() - 7.0);
            if y + LABEL_HEIGHT / 2.0 > free_below {
                continue;
            }
            free_below = y - LABEL_HEIGHT / 2.0;
            painter.hline(rect.right() - 6.0..=rect.right(), y, (1.0, theme::DIM));
            let galley = painter.layout_no_wrap(label.to_owned(), theme::font(11.0), theme::TEXT);
            let at = pos2(rect.right() - 8.0 - galley.size().x, y - galley.size().y / 2.0);
            let behind = Rect::from_min_size(at, galley.size()).expand2(vec2(2.0, -1.0));
            painter.rect_filled(behind, 2.0, Color32::from_black_alpha(120));
            painter.galley(at, galley, theme::TEXT);
        }
    }
}

fn paint_spectrum(picture: u8, column: &Column, out: &mut [Color32]) {
    let spectra = &column.spectra;
    for (row, color) in out.iter_mut().enumerate() {
        let band = BANDS - 1 - row;
        let (original, coded) = (spectra.original[band], spectra.coded[band]);
        *color = match picture {
            ORIGINAL => theme::level_color(original),
            CODED => theme::level_color(coded),
            DIFFERENCE => theme::level_color(spectra.difference[band]),
            _ if original.max(coded) < QUIET_LEVEL => theme::BACKGROUND,
            _ => {
                let floor = |level: u8| level_db(level.max(QUIET_LEVEL));
                theme::change_color((floor(coded) - floor(original)) / FULL_CHANGE_DB)
            }
        };
    }
}

/// How far up in the picture a frequency is, if it is in it.
fn band_share(hz: f64, rate_hz: f64) -> Option<f32> {
    let above = (0..BANDS).find(|&band| band_hz(band as f64, rate_hz) >= hz)?;
    Some((above as f32 + 0.5) / BANDS as f32)
}

fn token_lanes(ui: &Ui, desk: &mut Desk, channels: u8, rect: Rect) {
    let lanes = usize::from(channels) * 2;
    let picture = if channels > 1 { DUAL_LANES } else { MONO_LANES };
    let strip = &mut desk.lanes;
    // Codes are not levels: do not interpolate between them.
    let shown = Picture { what: picture, height: lanes, options: TextureOptions::NEAREST };
    strip.update(ui.ctx(), &desk.scope.columns, shown, |column, out| {
        for (lane, color) in out.iter_mut().enumerate() {
            *color = lane_color(column, lane);
        }
    });
    let painter = ui.painter_at(rect);
    strip.draw(&painter, rect, desk.span, theme::PANEL);
    for lane in 0..lanes {
        let stream = lane_of(lane).1;
        let mut name = lane_name(lane, channels);
        for (what, is_so) in [("played", is_played as fn(&Column, TokenStream) -> bool), ("lost", is_lost)] {
            let tokens = tokens_in_view(desk, |column| is_so(column, stream));
            if tokens > 0 {
                name += &format!(", {tokens} {what}");
            }
        }
        let at = pos2(rect.left() + 5.0, rect.top() + (lane as f32 + 0.5) * LANE_HEIGHT);
        let galley = painter.layout_no_wrap(name, theme::font(11.0), theme::TEXT);
        let corner = at - vec2(0.0, galley.size().y / 2.0);
        let behind = Rect::from_min_size(corner, galley.size()).expand2(vec2(3.0, 0.0));
        painter.rect_filled(behind, 2.0, Color32::from_black_alpha(170));
        painter.galley(corner, galley, theme::TEXT);
        if lane > 0 {
            let y = rect.top() + lane as f32 * LANE_HEIGHT;
            painter.hline(rect.x_range(), y, (1.0, theme::BACKGROUND));
        }
    }
}

/// Coded channel and token stream of a lane: those of the left channel come first.
fn lane_of(lane: usize) -> (usize, TokenStream) {
    (lane / 2, TokenStream::ALL[lane % 2])
}

fn lane_name(lane: usize, channels: u8) -> String {
    let (channel, stream) = lane_of(lane);
    match (channels, channel) {
        (1, _) => stream.name().to_owned(),
        (_, 0) => format!("left {}", stream.name()),
        _ => format!("right {}", stream.name()),
    }
}

fn lane_code(column: &Column, lane: usize) -> Option<u16> {
    let (channel, stream) = lane_of(lane);
    let is_there = column.frame.is_some() && channel < usize::from(column.channels);
    column.tokens.get(channel).filter(|_| is_there).map(|token| token.get(stream))
}

fn lane_color(column: &Column, lane: usize) -> Color32 {
    match lane_code(column, lane) {
        Some(_) if column.failed => theme::ERROR,
        Some(_) if is_lost(column, lane_of(lane).1) => theme::LOST,
        Some(code) => theme::code_color(code),
        None => theme::BACKGROUND,
    }
}

/// Whether a token did not reach the decoder.
fn is_lost(column: &Column, stream: TokenStream) -> bool {
    column.lost.get(stream)
}

/// Whether a token is not of the input.
fn is_played(column: &Column, stream: TokenStream) -> bool {
    column.played[stream.index()]
}

/// Tokens of a lane that are so, of those that are shown.
fn tokens_in_view(desk: &Desk, is_so: impl Fn(&Column) -> bool) -> usize {
    let columns = &desk.scope.columns;
    let shown = columns.written().saturating_sub(desk.span as u64)..columns.written();
    shown.filter(|&number| columns.get(number).is_some_and(&is_so)).count()
}

/// Marks the moment whose picture is held.
fn mark_moment(ui: &Ui, desk: &Desk, rect: Rect) {
    let Some((_, column)) = desk.scope.held_moment() else { return };
    if let Some(x) = desk.lanes.x_of(rect, desk.span, column) {
        ui.painter_at(rect).vline(x.round(), rect.y_range(), (1.0, theme::ACCENT));
    }
}

fn time_axis(ui: &Ui, desk: &Desk, rect: Rect) {
    let painter = ui.painter_at(rect);
    let span_s = desk.span as f64 * desk.scope.column_s();
    let step_s = if span_s > 8.0 { 2.0 } else { 1.0 };
    let mut back_s = 0.0;
    while back_s < span_s - 0.2 {
        let x = rect.right() - (back_s / span_s) as f32 * rect.width();
        painter.vline(x.min(rect.right() - 1.0), rect.top()..=rect.top() + 4.0, (1.0, theme::DIM));
        let (align, text) = match back_s {
            0.0 if desk.scope.is_held() => (Align2::RIGHT_TOP, "held".to_owned()),
            0.0 => (Align2::RIGHT_TOP, "now".to_owned()),
            _ => (Align2::CENTER_TOP, format!("−{back_s:.0} s")),
        };
        painter.text(pos2(x, rect.top() + 3.0), align, text, theme::font(11.0), theme::DIM);
        back_s += step_s;
    }
}

/// Says what is under the pointer, and marks its column.
fn hover(ui: &Ui, desk: &mut Desk, spectra: &[Rect; 2], lanes: Rect, channels: u8) {
    desk.hovered.clear();
    let Some(at) = ui.ctx().pointer_hover_pos() else { return };
    let all = spectra[0].union(lanes);
    if !all.contains(at) || !ui.rect_contains_pointer(all) {
        return;
    }
    describe(desk, at, spectra, lanes, channels);
    if desk.hovered.is_empty() {
        return;
    }
    let painter = ui.painter_at(all);
    painter.vline(at.x.round(), all.y_range(), (1.0, Color32::from_white_alpha(120)));
    let words = painter.layout_no_wrap(desk.hovered.clone(), theme::font(theme::SMALL), theme::TEXT);
    let size = words.size() + vec2(12.0, 8.0);
    // Beside the pointer, on the side that has room, and above the lanes that it may point at.
    let left = if at.x + 14.0 + size.x < all.right() { at.x + 14.0 } else { at.x - 14.0 - size.x };
    let left = left.clamp(all.left(), (all.right() - size.x).max(all.left()));
    let top = (at.y - size.y / 2.0).clamp(all.top(), (lanes.top() - size.y - 4.0).max(all.top()));
    let card = Rect::from_min_size(pos2(left, top), size);
    painter.rect_filled(card, theme::RADIUS, theme::PANEL.gamma_multiply(0.92));
    painter.galley(card.min + vec2(6.0, 4.0), words, theme::TEXT);
}

/// Puts what is at a place into words: nothing where nothing has been played.
fn describe(desk: &mut Desk, at: Pos2, spectra: &[Rect; 2], lanes: Rect, channels: u8) {
    let Some(number) = desk.lanes.column_at(lanes, desk.span, at.x) else { return };
    let Some(column) = desk.scope.columns.get(number) else { return };
    let Some(frame) = column.frame else {
        "this frame did not reach the window".clone_into(&mut desk.hovered);
        return;
    };
    let time = desk.scope.spot(column.place).map_or(String::new(), |spot| spot_words(&spot));
    let lane = (0..usize::from(channels) * 2)
        .find(|lane| at.y < lanes.top() + (*lane as f32 + 1.0) * LANE_HEIGHT)
        .filter(|_| lanes.contains(at));
    desk.hovered = match (lane, spectra.iter().find(|rect| rect.contains(at))) {
        (Some(_), _) if column.failed => format!("frame {frame}: the codec failed\n{time}"),
        (Some(lane), _) => {
            let code = lane_code(column, lane).map_or("–".to_owned(), |code| code.to_string());
            let stream = lane_of(lane).1;
            let played = if column.played[stream.index()] { ", not of the input" } else { "" };
            let lost = if column.lost.get(stream) { ", lost on its way" } else { "" };
            format!("{} {code}{played}{lost}  frame {frame}\n{time}", lane_name(lane, channels))
        }
        (None, Some(rect)) => {
            let band = ((rect.bottom() - at.y) / rect.height() * BANDS as f32).clamp(0.0, BANDS as f32 - 1.0);
            let hz = band_hz(f64::from(band.floor()), desk.scope.rate_hz().unwrap_or(48_000.0));
            let level = |levels: &[u8; BANDS]| level_db(levels[band as usize]);
            let (original_db, coded_db) = (level(&column.spectra.original), level(&column.spectra.coded));
            format!("{hz:.0} Hz  original {original_db:.0} dB, coded {coded_db:.0} dB\n{time}")
        }
        _ => time,
    };
}

/// A frame's time in words.
fn spot_words(spot: &TimelineSpot) -> String {
    let stream = format!("{:.2} s", spot.stream_s);
    match spot.timeline {
        Some((samples, seconds)) => {
            let minutes = (seconds / 60.0).floor();
            format!("{stream}, timeline {minutes}:{:06.3} (sample {samples:.0})", seconds - 60.0 * minutes)
        }
        None => stream,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_tells_its_time_in_the_stream_and_on_the_timeline() {
        let spot = TimelineSpot { stream_s: 1.5, timeline: Some((3_605_000.0, 75.104)) };
        assert_eq!(spot_words(&spot), "1.50 s, timeline 1:15.104 (sample 3605000)");
        assert_eq!(spot_words(&TimelineSpot { stream_s: 0.25, timeline: None }), "0.25 s");
    }
}

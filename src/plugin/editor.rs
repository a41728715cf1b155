//! The window: parameters, latency, load and pack. Drawing is a function of plain data.

use std::sync::Arc;

use egui::{Align, Layout, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::LogicalSize;
use nice_plug::prelude::{Param, ParamSetter, TrackInfo};
use nice_plug_egui::widgets::ParamSlider;
use nice_plug_egui::{
    EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, baseview,
    create_egui_editor,
};

use super::params::SacodecParams;
use super::status::{PackStatus, Status};
use crate::take::TakeStatus;

const SIZE: (f32, f32) = (440.0, 380.0);
/// Repaint interval while nothing is touched: the load moves slowly.
const REFRESH: std::time::Duration = std::time::Duration::from_millis(250);

/// The editor's window, which outlives each opening of it.
pub fn state() -> Arc<EguiEditorState> {
    EguiEditorState::from_size(LogicalSize::new(SIZE.0, SIZE.1), 1.0)
}

/// The editor of one instance.
pub fn create(
    window: Arc<EguiEditorState>,
    params: Arc<SacodecParams>,
    status: Arc<Status>,
) -> Option<EguiEditor<EditorApp>> {
    let app = EditorApp { params, status, host: None };
    create_egui_editor(window, RepaintNotifier::new(), EguiNiceSettings::new().with_tile("SACodec"), app)
}

/// What the window needs to draw itself.
pub struct EditorApp {
    params: Arc<SacodecParams>,
    status: Arc<Status>,
    host: Option<GuiContext>,
}

impl NiceEguiApp for EditorApp {
    fn build(
        &mut self,
        _: egui::Context,
        host: GuiContext,
        _: &mut Frame,
    ) -> Result<(), baseview::HandlerError> {
        self.host = Some(host);
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut Frame) {
        let Some(host) = &self.host else { return };
        let (latency_samples, rate_hz) = self.status.timing();
        let header = Header {
            latency_samples,
            rate_hz,
            load: self.status.load(),
            nonfinite_samples: self.status.nonfinite(),
            pack: self.status.pack(),
            takes: self.status.takes(),
        };
        egui::Frame::central_panel(ui.style()).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            draw_header(ui, &header);
            ui.separator();
            draw_params(ui, &self.params, &host.param_setter());
        });
        ui.ctx().request_repaint_after(REFRESH);
    }

    fn track_info_changed(&mut self, info: TrackInfo) {
        self.status.set_track(info.name());
    }

    fn editor_closed(&mut self) {
        self.host = None;
    }
}

/// What the header shows.
struct Header {
    latency_samples: u32,
    rate_hz: f64,
    load: f32,
    nonfinite_samples: u64,
    pack: PackStatus,
    takes: TakeStatus,
}

fn draw_header(ui: &mut Ui, header: &Header) {
    ui.horizontal(|ui| {
        ui.heading("SACodec");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(if header.pack.name.is_empty() { "no pack yet" } else { &header.pack.name });
        });
    });
    let latency = match header.rate_hz {
        0.0 => "not active".to_owned(),
        rate_hz => {
            let ms = f64::from(header.latency_samples) / rate_hz * 1e3;
            format!("latency {} samples, {ms:.1} ms", header.latency_samples)
        }
    };
    ui.label(format!("{latency} · load {:.1} % of the block", 100.0 * header.load));
    if header.nonfinite_samples > 0 {
        ui.label(format!("{} input samples were not numbers and were muted", header.nonfinite_samples));
    }
    if let Some(error) = &header.pack.error {
        ui.colored_label(ui.visuals().error_fg_color, error);
    }
    draw_takes(ui, &header.takes);
}

fn draw_takes(ui: &mut Ui, takes: &TakeStatus) {
    if let Some(path) = &takes.recording {
        ui.label(format!("recording {}: {} frames", path.display(), takes.frames));
    } else if let Some(path) = &takes.last {
        ui.label(format!("last take: {}", path.display()));
    }
    if takes.lost_frames > 0 {
        let lost = format!("{} frames did not reach a file", takes.lost_frames);
        ui.colored_label(ui.visuals().error_fg_color, lost);
    }
    for problem in takes.problem.iter().chain(&takes.last_problem) {
        ui.colored_label(ui.visuals().error_fg_color, problem);
    }
}

fn draw_params(ui: &mut Ui, params: &SacodecParams, setter: &ParamSetter) {
    egui::Grid::new("parameters").num_columns(2).spacing([16.0, 8.0]).show(ui, |ui| {
        row(ui, &params.bypass, setter);
        row(ui, &params.listen, setter);
        row(ui, &params.channels, setter);
        row(ui, &params.streams, setter);
        row(ui, &params.output_gain, setter);
        row(ui, &params.when_rendering, setter);
        row(ui, &params.scheduling, setter);
        row(ui, &params.record_tokens, setter);
        row(ui, &params.record_while, setter);
    });
}

fn row<P: Param>(ui: &mut Ui, param: &P, setter: &ParamSetter) {
    ui.label(param.name());
    ui.add(ParamSlider::for_param(param, setter).with_width(140.0));
    ui.end_row();
}

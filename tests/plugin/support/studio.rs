//! The editor on a table: real parameters, a host that writes down what it is told, speech with the
//! golden tokens.
#![allow(dead_code)]

use std::sync::{Arc, Mutex};

use egui::{Ui, Vec2};
use egui_kittest::Harness;
use nice_plug::prelude::{GuiContextInner, ParamPtr, ParamSetter, Params, PluginApi, PluginState};
use sacodec::editor::{Action, Desk, Inputs, theme};
use sacodec::{Facts, PackStatus, SacodecParams, SessionState};
use sacodec_codec::{CodecModel, ModelPack, StreamGain, TokenFrame};
use sacodec_engine::{
    CodedFrame, FramePlace, Observer, Scheduling, Timing, TokenDecoder, TokenSource, Transport,
};
use sacodec_scope::{TapReceiver, TapSender, tap};

use super::raster::Raster;
use sacodec_testing::{data, speech_48k};

/// What a host is told of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Begin(String),
    Set(String, f32),
    End(String),
}

/// Sets parameters as a host does, and writes down what it is told.
#[derive(Default)]
pub struct Host {
    told: Mutex<Vec<Told>>,
}

impl Host {
    /// What was told since the last call.
    pub fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn tell(&self, told: Told) {
        self.told.lock().unwrap().push(told);
    }
}

fn name(param: ParamPtr) -> String {
    // SAFETY: the studio's parameters live as long as the studio, and only its own are set.
    unsafe { param.name() }.to_owned()
}

impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.tell(Told::Begin(name(param)));
    }

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.tell(Told::Set(name(param), normalized));
        // SAFETY: as for `name`.
        unsafe { param._internal_set_normalized_value(normalized) };
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.tell(Told::End(name(param)));
    }

    fn get_state(&self) -> PluginState {
        unreachable!("the editor asks for no state")
    }

    fn set_state(&self, _: PluginState) {
        unreachable!("the editor sets no state")
    }

    fn request_restart(&self) {}
}

/// Everything that an opened window has.
pub struct Studio {
    pub params: Arc<SacodecParams>,
    pub host: Arc<Host>,
    pub desk: Desk,
    pub facts: Facts,
    /// What the user wanted since the test last looked.
    pub actions: Vec<Action>,
    /// What a host does while the window is open.
    pub receiver: TapReceiver,
    pub sender: TapSender,
    is_dressed: bool,
}

impl Studio {
    /// Before the host has started audio.
    pub fn idle() -> Self {
        let (sender, mut receiver) = tap();
        receiver.set_open(true);
        let mut desk = Desk::default();
        desk.random = fastrand::Rng::with_seed(11);
        desk.clock = || "2026-11-23T12:00:00+00:00".to_owned();
        let facts =
            Facts { take_folder: "/home/ada/Documents/SACodec".into(), zoom: 1.0, ..Facts::default() };
        Self {
            params: Arc::new(SacodecParams::new(SessionState::apart(&Arc::default()))),
            host: Arc::default(),
            desk,
            facts,
            actions: Vec::new(),
            receiver,
            sender,
            is_dressed: false,
        }
    }

    /// With audio at 48 kHz and the embedded pack, and no sound yet.
    pub fn active() -> Self {
        let mut studio = Self::idle();
        let pack = ModelPack::embedded().unwrap();
        let info = pack.info().clone();
        let timing = Timing::new(48_000.0, Scheduling::Spread, &info).unwrap();
        studio.facts.latency_samples = timing.latency_samples as u32;
        studio.facts.rate_hz = timing.rate_hz;
        studio.facts.pack = PackStatus {
            name: format!("{} {}", info.name, info.version),
            card: pack.card().map(str::to_owned),
            info: Some(info),
            ..PackStatus::default()
        };
        studio.sender.begin_stream(timing, 1);
        studio
    }

    /// In the midst of the repository's clip: its golden tokens and what they sound like.
    pub fn playing() -> Self {
        let mut studio = Self::active();
        studio.play(8.0);
        studio
    }

    /// The same; after four seconds tokens come from a take.
    pub fn playing_take() -> Self {
        let mut studio = Self::active();
        studio.set("Token source", 1.0 / 3.0);
        studio.play(8.0);
        studio
    }

    /// Plays so many seconds of the clip from its beginning.
    pub fn play(&mut self, seconds: f64) {
        self.play_channels(seconds, 1);
    }

    /// The same in dual mono, on the right a second later.
    pub fn play_dual(&mut self, seconds: f64) {
        self.play_channels(seconds, 2);
    }

    fn play_channels(&mut self, seconds: f64, channels: usize) {
        const BLOCK: usize = 640;
        /// From then on tokens come from a take or are frozen, where that is set.
        const AFTER_FRAMES: usize = 300;
        let model = CodecModel::embedded().unwrap();
        let timing = Timing::new(48_000.0, Scheduling::Spread, model.info()).unwrap();
        let speech = speech_48k();
        let mut tokens = golden_tokens();
        let playback = self.params.playback.playback(true);
        if playback.freeze {
            let frozen = tokens[AFTER_FRAMES];
            tokens[AFTER_FRAMES..].fill(frozen);
        }
        let mut decoder = TokenDecoder::new(&model, timing.rate_hz, StreamGain::BOTH).unwrap();
        let mut decoded = Vec::new();
        tokens.iter().for_each(|frame| decoder.frame(Some(*frame), &mut decoded).unwrap());
        for block in 0..(seconds * 48_000.0) as usize / BLOCK {
            let heard = |o: usize| o.checked_sub(timing.latency_samples);
            let original = |o: usize| heard(o).and_then(|i| speech.get(i)).copied().unwrap_or(0.0);
            let coded = |o: usize| heard(o).and_then(|i| decoded.get(i)).copied().unwrap_or(0.0);
            let from = block * BLOCK;
            let position_samples = Some(96_000.0 + from as f64);
            self.sender.begin_block(Transport { position_samples, playing: true, ..Transport::default() });
            let later = block.saturating_sub(75);
            if let (Some(first), Some(second)) = (tokens.get(block), tokens.get(later)) {
                let place = FramePlace::of(block as u64, &timing);
                let tokens = &[*first, *second][..channels];
                let lost = self.params.network.network().loss.lost(block as i64, None);
                let mut frame = CodedFrame::new(block as u64, place, &model, tokens, false);
                frame.lost = lost;
                let is_played = playback.source != TokenSource::Input || playback.freeze;
                frame.played = [is_played && block >= AFTER_FRAMES; 2];
                self.sender.frame(frame);
            }
            let left: Vec<f32> = (from..from + BLOCK).map(original).collect();
            let right: Vec<f32> = (from..from + BLOCK).map(coded).collect();
            self.sender.heard(&[&left], &[&right]);
            // The load of a machine that is always the same.
            self.sender.end_block(0.08 + 0.04 * (block % 7) as f32 / 7.0);
            self.desk.scope.update(&mut self.receiver);
        }
    }

    /// Plays a chord for so many seconds, with the few codes that such sounds have.
    pub fn play_chord(&mut self, seconds: f64) {
        const BLOCK: usize = 640;
        let model = CodecModel::embedded().unwrap();
        let timing = Timing::new(48_000.0, Scheduling::Spread, model.info()).unwrap();
        let tone = |i: usize, hz: f32| (std::f32::consts::TAU * hz * i as f32 / 48_000.0).sin();
        for block in 0..(seconds * 48_000.0) as usize / BLOCK {
            self.sender.begin_block(Transport { playing: true, ..Transport::default() });
            let tokens =
                TokenFrame { semantic: (block % 16) as u16 * 60, acoustic: (block % 48) as u16 * 20 };
            let place = FramePlace::of(block as u64, &timing);
            self.sender.frame(CodedFrame::new(block as u64, place, &model, &[tokens], false));
            let samples = block * BLOCK..(block + 1) * BLOCK;
            let chord = |i: usize| [220.0, 277.2, 329.6].map(|hz| 0.1 * tone(i, hz)).iter().sum();
            let original: Vec<f32> = samples.clone().map(chord).collect();
            let coded: Vec<f32> = samples.map(|i| 0.2 * tone(i, 220.0)).collect();
            self.sender.heard(&[&original], &[&coded]);
            self.sender.end_block(0.1);
            self.desk.scope.update(&mut self.receiver);
        }
    }

    /// Sets a parameter as a host does, by its name.
    pub fn set(&self, parameter: &str, normalized: f32) {
        let map = self.params.param_map();
        // SAFETY: the parameters live as long as the studio.
        let (_, param, _) = map.iter().find(|(_, p, _)| unsafe { p.name() } == parameter).unwrap();
        // SAFETY: as above.
        unsafe { param._internal_set_normalized_value(normalized) };
    }

    fn draw(&mut self, ui: &mut Ui) {
        if !self.is_dressed {
            theme::apply(ui.ctx());
            self.is_dressed = true;
        }
        let host = self.host.clone();
        let setter = ParamSetter::new(&*host);
        let inputs = Inputs { facts: &self.facts, params: &self.params, setter: &setter };
        let actions = self.desk.draw(ui, &inputs);
        for action in &actions {
            match action {
                Action::TrialsEnded(result) => self.params.session.add_abx_result(result.clone()),
                Action::Zoom(zoom) => {
                    self.facts.zoom = *zoom;
                    ui.ctx().set_zoom_factor(*zoom);
                }
                Action::TakeName(name) => self.facts.take_name = name.clone(),
                Action::TakeFolder(folder) => self.facts.chosen_take_folder = folder.clone(),
                Action::TakeFormats(formats) => self.facts.take_formats = formats.clone(),
                Action::ChoosePack(folder) => self.facts.pack.folder = folder.clone(),
                _ => {}
            }
        }
        self.actions.extend(actions);
    }

    /// A window of this size with the studio in it, drawn until it is at rest.
    pub fn open(self, size: (f32, f32)) -> Harness<'static, Self> {
        self.open_at(size, 0.25)
    }

    /// The same, with so many seconds between frames.
    pub fn open_at(self, size: (f32, f32), frame_s: f32) -> Harness<'static, Self> {
        let mut harness = Harness::builder()
            .with_step_dt(frame_s)
            .with_size(Vec2::new(size.0, size.1))
            .with_os(egui::os::OperatingSystem::Nix)
            .renderer(Raster::default())
            .build_ui_state(|ui, studio: &mut Self| studio.draw(ui), self);
        // The theme is set while the first frame is drawn.
        harness.run_steps(3);
        harness
    }
}

/// The tokens of the clip, from `tests/data`.
pub fn golden_tokens() -> Vec<TokenFrame> {
    let text = std::fs::read_to_string(data("golden_tokens.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let stream = |name: &str| -> Vec<u16> {
        golden[name].as_array().unwrap().iter().map(|t| t.as_u64().unwrap() as u16).collect()
    };
    let pairs = stream("semantic").into_iter().zip(stream("acoustic"));
    pairs.map(|(semantic, acoustic)| TokenFrame { semantic, acoustic }).collect()
}

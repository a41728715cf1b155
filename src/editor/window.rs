//! The window in a host: opening, closing, size, keys, repaints.

mod wishes;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use atomic_float::AtomicF64;
use crossbeam::atomic::AtomicCell;
use egui::{ViewportCommand, vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{HostMethods, SpawnedEditor};
use nice_plug::prelude::{Editor, ParentWindowHandle, ResizeHint, TrackInfo};
use nice_plug_egui::baseview::{self, WindowSize};
use nice_plug_egui::{
    EguiEditorState, EguiNiceSettings, Frame, GlConfig, GraphicsConfig, Key as HostKey, KeyCapture,
    NiceEguiApp, RepaintNotifier, create_egui_editor,
};
use parking_lot::Mutex;

use super::action::Place;
use super::desk::Desk;
use super::dialogs::Picking;
use super::inputs::Inputs;
use super::presets::PresetFile;
use super::renderer::Renderer;
use super::ticker::{Shown, Ticker};
use super::{keys, theme, widgets};
use crate::params::{SacodecParams, ShownValues};
use crate::state::MIN_SIZE;
use crate::status::{Facts, Status};
#[cfg(target_os = "linux")]
use crate::x11;
use sacodec_scope::TapReceiver;
use sacodec_take::settings::{self, Destination, SessionChoice};

/// The state of the recording is looked at every so many frames' time, sound or not.
const RECORDING_TICKS: u32 = 12;
/// The framework's own timer for repaints is not wanted, see [`Ticker`].
const NEVER: Duration = Duration::from_secs(1 << 30);

/// The editor of one instance. Outlives every opening of its window.
pub struct SacodecEditor {
    core: Arc<Mutex<Core>>,
    // Beside the core, which the window's thread holds while it draws and calls the host: what the host asks
    // on its main thread must not wait for that.
    params: Arc<SacodecParams>,
    status: Arc<Status>,
    system_scale: Arc<AtomicF64>,
    open_size: Arc<OpenSize>,
}

/// Size of the open window in points of the system; `None` while it is closed.
type OpenSize = AtomicCell<Option<(f32, f32)>>;

/// What an opening of the window finds and leaves.
struct Core {
    desk: Desk,
    receiver: TapReceiver,
    params: Arc<SacodecParams>,
    status: Arc<Status>,
    picking: Option<Picking>,
    /// What was wrong with the last wish to the system, and what it was about.
    problem: Option<(Place, String)>,
    preset_file: PresetFile,
    /// How saving the worst moments went.
    moments_outcome: Option<Result<PathBuf, String>>,
    /// The session's choice for takes and what it came to: reading it anew each frame would read files.
    destination: Option<(SessionChoice, Destination)>,
    system_scale: Arc<AtomicF64>,
    open_size: Arc<OpenSize>,
    /// The parameters, as the last frame drew them.
    shown: Shown<ShownValues>,
    /// There is something to be seen of the open window.
    is_seen: Arc<AtomicBool>,
}

#[cfg(target_os = "linux")]
type Handle = x11::JoinedHandle;
#[cfg(not(target_os = "linux"))]
type Handle = nice_plug_egui::EguiEditorHandle;

impl SacodecEditor {
    /// The editor of an instance with these parameters and status, fed by `receiver`.
    pub(crate) fn new(params: Arc<SacodecParams>, status: Arc<Status>, receiver: TapReceiver) -> Self {
        let system_scale = Arc::new(AtomicF64::new(1.0));
        let open_size = Arc::new(OpenSize::default());
        let core = Core {
            desk: Desk::default(),
            receiver,
            params: params.clone(),
            status: status.clone(),
            picking: None,
            problem: None,
            preset_file: PresetFile::default(),
            moments_outcome: None,
            destination: None,
            system_scale: system_scale.clone(),
            open_size: open_size.clone(),
            shown: Shown::default(),
            is_seen: Arc::new(AtomicBool::new(true)),
        };
        Self { core: Arc::new(Mutex::new(core)), params, status, system_scale, open_size }
    }
}

impl Editor for SacodecEditor {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        // The framework's state is made anew for each opening: it cannot be told a size, and its own
        // `size` leaves out the zoom.
        let choice = self.params.session.window().sane();
        let size = LogicalSize::new(choice.width, choice.height);
        let settings = EguiNiceSettings {
            title: "SACodec".to_owned(),
            repaint_poll_interval: NEVER,
            resize_hint: self.resize_hint(),
            graphics: GraphicsConfig {
                // egui draws flat and in gamma space: it needs none of these, and without a GPU they cost.
                gl_config: GlConfig {
                    alpha_bits: 0,
                    depth_bits: 0,
                    stencil_bits: 0,
                    srgb: false,
                    ..GlConfig::default()
                },
                dithering: false,
                ..GraphicsConfig::default()
            },
        };
        let state = EguiEditorState::from_size(size, choice.zoom);
        #[cfg(target_os = "linux")]
        let (host_side, window_side) = x11::opening();
        #[cfg(target_os = "linux")]
        let host = host.map(|host| host_side.until_closing(host));
        let app = App {
            core: self.core.clone(),
            host: None,
            ticker: None,
            zoom: choice.zoom,
            #[cfg(target_os = "linux")]
            side: window_side,
        };
        let editor = create_egui_editor(state, RepaintNotifier::new(), settings, app)
            .ok_or("the editor could not be made")?;
        let spawned = editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)?;
        #[cfg(target_os = "linux")]
        let spawned = host_side.join(spawned);
        Ok(spawned)
    }

    fn size(&self) -> NativeSize<u32> {
        let (width, height) =
            self.open_size.load().unwrap_or_else(|| self.params.session.window().sane().size());
        let size: Size = LogicalSize::new(width, height).into();
        NativeSize::from_size(size, self.system_scale.load(Relaxed))
    }

    fn resize_hint(&self) -> ResizeHint {
        ResizeHint::resizable().with_min_logical_size(LogicalSize::new(MIN_SIZE.0, MIN_SIZE.1))
    }

    fn track_info_updated(&self, info: TrackInfo) {
        self.status.set_track(info.name());
    }
}

/// One opening of the window: dropped when it closes.
struct App {
    core: Arc<Mutex<Core>>,
    host: Option<GuiContext>,
    /// From the first frame on.
    ticker: Option<Ticker>,
    /// The scale of the last frame.
    zoom: f32,
    #[cfg(target_os = "linux")]
    side: x11::WindowSide,
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        ctx: egui::Context,
        host: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), baseview::HandlerError> {
        theme::apply(&ctx);
        // Taken as it is: the frame is kept in gamma space.
        let [red, green, blue, _] = theme::BACKGROUND.to_normalized_gamma_f32();
        frame.set_clear_color(egui::Rgba::from_rgb(red, green, blue));
        {
            let mut core = self.core.lock();
            core.desk.forget_textures();
            core.destination = None;
            core.set_seen(true);
        }
        self.host = Some(host);
        #[cfg(target_os = "linux")]
        {
            let core = self.core.clone();
            let told = move |view| {
                core.lock().set_view(view);
                if view == x11::View::Shown {
                    ctx.request_repaint();
                }
            };
            if let Err(error) = self.side.watch(frame.baseview_window(), told) {
                nice_plug::prelude::nice_error!("SACodec's window is not looked after: {error}");
            }
        }
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        let Some(host) = &self.host else { return };
        let mut core = self.core.lock();
        if self.ticker.is_none() {
            let renderer = Renderer::default();
            renderer.ask(ui.painter());
            let interval = move || renderer.frame_interval();
            match Ticker::start(ui.ctx().clone(), interval, core.changes()) {
                Ok(ticker) => self.ticker = Some(ticker),
                // It is tried again with that frame.
                Err(_) => ui.ctx().request_repaint_after(Duration::from_secs(1)),
            }
        }
        let mut wanted = Some(Vec::new());
        if core.is_seen.load(Relaxed) {
            core.fit(ui.ctx(), &mut self.zoom);
            wanted = core.draw(ui, host);
        }
        #[cfg(target_os = "linux")]
        {
            // No key is taken while nothing has egui's focus.
            let kept = if ui.ctx().egui_wants_keyboard_input() { wanted.clone() } else { Some(Vec::new()) };
            self.side.frame(kept, ui.input(|input| input.pointer.any_pressed()));
        }
        frame.set_key_capture(wanted.map_or(KeyCapture::CaptureAll, KeyCapture::CaptureKeys));
    }

    fn resized(&mut self, size: WindowSize) {
        let core = self.core.lock();
        // What it says of points includes the scale of the last frame.
        let (width, height) = (size.logical.width as f32 * self.zoom, size.logical.height as f32 * self.zoom);
        core.system_scale.store(size.scale_factor / f64::from(self.zoom), Relaxed);
        core.open_size.store(Some((width, height)));
        core.params.session.set_window(core.params.session.window().sane().resized(width, height));
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.ticker = None;
        #[cfg(target_os = "linux")]
        self.side.end();
        let mut core = self.core.lock();
        if let Some(host) = self.host.take() {
            core.receiver.set_open(false);
            core.open_size.store(None);
            core.desk.abx.stop();
            core.status.set_audition(None);
            core.keep_typed();
            core.desk.forget_textures();
            let Core { desk, params, status: core_status, .. } = &mut *core;
            // A host that destroys the plugin with its window open has no parameter left to end.
            if core_status.is_alive() {
                widgets::end_gain(&host.param_setter(), &params.output_gain, &mut desk.gain_gesture);
            }
        }
    }
}

impl Core {
    /// Draws as large as was chosen, or as there is room for. `last_zoom` is that of the last frame.
    fn fit(&self, ctx: &egui::Context, last_zoom: &mut f32) {
        let zoom = ctx.zoom_factor();
        let (width, height) = self.open_size.load().unwrap_or_else(|| {
            let size = ctx.content_rect().size() * zoom;
            self.open_size.store(Some(size.into()));
            size.into()
        });
        if std::mem::replace(last_zoom, zoom) != zoom {
            // The framework makes the window larger or smaller by the change of scale, unless a size is
            // asked for in the same frame: the one that it has.
            ctx.send_viewport_cmd(ViewportCommand::InnerSize(vec2(width, height) / zoom));
        }
        ctx.set_zoom_factor(self.params.session.window().sane().zoom_in(width, height));
    }

    /// Whether there is anything to be seen of the open window: else nobody looks at the sound either.
    fn set_seen(&mut self, is_seen: bool) {
        self.is_seen.store(is_seen, Relaxed);
        self.receiver.set_open(is_seen);
    }

    /// What of the open window is to be seen has changed.
    #[cfg(target_os = "linux")]
    fn set_view(&mut self, view: x11::View) {
        self.set_seen(view == x11::View::Shown);
        // Nobody answers a test whose window was put away, and nobody could end it: it goes on where the window is shown.
        let audition = self.desk.abx.audition().filter(|_| view != x11::View::Hidden);
        self.status.set_audition(audition);
    }

    /// Draws a frame; the keys that are wanted from then on, `None` for all.
    fn draw(&mut self, ui: &mut egui::Ui, host: &GuiContext) -> Option<Vec<HostKey>> {
        self.shown.set(self.params.shown_values());
        self.desk.scope.update(&mut self.receiver);
        self.take_answer();
        let facts = self.facts();
        let params = self.params.clone();
        let inputs = Inputs { facts: &facts, params: &params, setter: &host.param_setter() };
        let actions = self.desk.draw(ui, &inputs);
        self.status.set_audition(self.desk.abx.audition());
        for action in actions {
            self.act(ui.ctx(), action, &inputs);
        }
        keys::wanted(ui, &self.desk)
    }

    /// Tells, whenever it is asked, whether the window shows something old.
    fn changes(&self) -> impl FnMut() -> bool + Send + 'static {
        let (params, status, shown) = (self.params.clone(), self.status.clone(), self.shown.clone());
        let (mut ticks, mut takes) = (0, status.takes());
        let is_seen = self.is_seen.clone();
        move || {
            if !is_seen.load(Relaxed) {
                return false;
            }
            ticks = (ticks + 1) % RECORDING_TICKS;
            // A take may end, and its exports, long after the sound.
            let now = if ticks == 0 { status.takes() } else { takes.clone() };
            let has_recorded = std::mem::replace(&mut takes, now) != takes;
            status.take_changed() || shown.is_old(&params.shown_values()) || has_recorded
        }
    }

    fn facts(&mut self) -> Facts {
        let choice = self.params.session.take_choice();
        if self.destination.as_ref().is_none_or(|(of, _)| *of != choice) {
            let destination = settings::destination(&choice);
            self.desk.take_name = choice.name.clone().unwrap_or_default();
            let folder = choice.folder.as_ref();
            self.desk.take_folder = folder.map(|f| f.display().to_string()).unwrap_or_default();
            self.destination = Some((choice, destination));
        }
        let mut facts = self.status.facts();
        facts.dropped_snapshots = self.receiver.dropped();
        facts.is_picking = self.picking.is_some();
        facts.preset_outcome = self.preset_file.outcome.clone();
        facts.moments_outcome = self.moments_outcome.clone();
        facts.zoom = self.params.session.window().sane().zoom;
        facts.match_gains_db = facts.match_gains_db.filter(|_| self.params.level_match.value());
        if let Some((choice, destination)) = &self.destination {
            facts.take_name = choice.name.clone();
            facts.chosen_take_folder = choice.folder.clone();
            facts.take_folder = destination.folders.first().cloned().unwrap_or_default();
            facts.take_formats = destination.formats.clone();
            facts.is_take_folder_fixed = destination.is_folder_fixed;
            facts.are_take_formats_fixed = destination.are_formats_fixed;
            facts.take_warnings.extend(destination.warning.clone());
        }
        match &self.problem {
            Some((Place::Takes, text)) => facts.take_warnings.push(text.clone()),
            Some((Place::Pack, text)) => facts.pack_warning = Some(text.clone()),
            Some((Place::Preset, text)) => facts.preset_outcome = Some(Err(text.clone())),
            Some((Place::Trace, text)) => facts.trace_warning = Some(text.clone()),
            Some((Place::Played, text)) => facts.played_warning = Some(text.clone()),
            None => {}
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionState;
    use sacodec_engine::Transport;
    use sacodec_scope::tap;

    #[test]
    fn nobody_listens_for_a_window_of_which_nothing_is_seen() {
        let (mut sender, receiver) = tap();
        let status = Arc::<Status>::default();
        let params = Arc::new(SacodecParams::new(SessionState::apart(&status)));
        let editor = SacodecEditor::new(params, status, receiver);
        let mut core = editor.core.lock();
        let mut changes = core.changes();
        for is_seen in [true, false, true] {
            core.set_seen(is_seen);
            core.status.set_changed();
            assert_eq!(sender.begin_block(Transport::default()), is_seen, "whether anything is sent");
            assert_eq!(changes(), is_seen, "whether a frame is asked for");
            core.status.take_changed();
        }
    }
}

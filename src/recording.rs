//! Recording takes in a plugin: what the host says becomes what the recorder needs to know.

use std::sync::Arc;

use nice_plug::prelude::Transport as HostTransport;

use super::params::{ChannelChoice, RecordWhile, SacodecParams};
use super::status::Status;
use sacodec_engine::{CodedFrame, Controls, Engine, EngineRelay, Observer, Timing, Transport};
use sacodec_scope::TapSender;
use sacodec_take::settings::{self, Destination};
use sacodec_take::{Armed, ChannelMode, EndReason, Recorder, TakeSource, TakeThread};

/// Silence is coded in blocks of this many samples to complete frames that have begun.
const FLUSH_SAMPLES: usize = 128;

/// The recorder of one instance and the thread that writes for it.
#[derive(Default)]
pub struct Recording {
    // Dropped in this order: the end of the take before the thread that closes it.
    recorder: Option<Recorder>,
    thread: Option<TakeThread>,
}

/// What holds for a block, read once at its beginning.
pub struct BlockSettings<'a> {
    /// What the engine is told.
    pub controls: Controls,
    /// Where the host's playhead is at the first sample.
    pub transport: Transport,
    /// Says whether takes are recorded.
    pub params: &'a SacodecParams,
}

struct Source {
    params: Arc<SacodecParams>,
    status: Arc<Status>,
}

impl TakeSource for Source {
    fn destination(&self) -> Destination {
        settings::destination(&self.params.session.take_choice())
    }

    fn track(&self) -> Option<String> {
        self.status.track()
    }
}

impl Recording {
    /// A stream begins. The first one starts the writer thread. `may_wait` says that nobody hears the
    /// stream while it is computed.
    pub fn activate(
        &mut self,
        params: &Arc<SacodecParams>,
        status: &Arc<Status>,
        timing: &Timing,
        may_wait: bool,
    ) {
        if self.recorder.is_none() {
            match TakeThread::spawn(Source { params: params.clone(), status: status.clone() }) {
                Ok((recorder, thread)) => {
                    status.set_takes(thread.watch());
                    (self.recorder, self.thread) = (Some(recorder), Some(thread));
                }
                Err(error) => status.set_recording_error(format!("takes cannot be recorded: {error}")),
            }
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.activate(*timing, may_wait);
        }
    }

    /// Codes a block, records what is to be recorded of it, and shows it to whoever looks.
    ///
    /// # Real-time
    /// As [`EngineRelay::process_observed`] and [`Recorder`].
    pub fn process(
        &mut self,
        relay: &mut EngineRelay,
        audio: &mut [&mut [f32]],
        settings: &BlockSettings,
        tap: &mut TapSender,
    ) {
        let Some(recorder) = &mut self.recorder else {
            return relay.process_observed(audio, &settings.controls, tap);
        };
        let length = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        // A take is of one engine: it ends where the next one begins to listen.
        let armed = match relay.is_handing_over() {
            true => Armed::Off(EndReason::LatencyChanged),
            false => armed(settings.params, audio.len(), settings.transport.playing),
        };
        recorder.begin_block(length, settings.transport, armed);
        relay.process_observed(audio, &settings.controls, &mut Both { recorder, tap });
        recorder.end_block(relay.engine().next_place());
    }

    /// Another engine is heard from the next sample on, whose timing this is.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn change_engine(&mut self, timing: &Timing) {
        if let Some(recorder) = &mut self.recorder {
            recorder.change_engine(*timing);
        }
    }

    /// To be called before the engine is reset: completes the frames that are to be recorded and are
    /// still on their way, by coding silence after them.
    ///
    /// # Real-time
    /// While a take is recorded up to four frames of work, else none.
    pub fn flush(&mut self, engine: &mut Engine, controls: &Controls) {
        let Some(recorder) = &mut self.recorder else { return };
        let limit = 4 * engine.timing().latency_samples / FLUSH_SAMPLES + 8;
        for _ in 0..limit {
            if !recorder.is_waiting_for_frames(engine.next_place()) {
                break;
            }
            let (mut left, mut right) = ([0.0; FLUSH_SAMPLES], [0.0; FLUSH_SAMPLES]);
            let mut audio = [&mut left[..], &mut right[..]];
            let channels = engine.config().channels;
            engine.process(&mut audio[..channels], controls, |frame| recorder.frame(&frame));
        }
        recorder.end_block(engine.next_place());
    }

    /// The engine was reset.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn reset(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.reset();
        }
    }

    /// The stream ends: a take is closed.
    pub fn deactivate(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.deactivate();
        }
    }
}

/// Frames go to recorder and editor, sound to the editor.
struct Both<'a> {
    recorder: &'a mut Recorder,
    tap: &'a mut TapSender,
}

impl Observer for Both<'_> {
    fn frame(&mut self, frame: CodedFrame) {
        self.recorder.frame(&frame);
        self.tap.frame(frame);
    }

    fn heard(&mut self, original: &[&[f32]], coded: &[&[f32]]) {
        self.tap.heard(original, coded);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.deactivate();
    }
}

fn armed(params: &SacodecParams, channels: usize, playing: bool) -> Armed {
    if !params.record_tokens.value() {
        return Armed::Off(EndReason::RecordOff);
    }
    if params.record_while.value() == RecordWhile::Playing && !playing {
        return Armed::Off(EndReason::TransportStopped);
    }
    Armed::On(match params.channels.value() {
        _ if channels < 2 => ChannelMode::Mono,
        ChannelChoice::MonoSum => ChannelMode::Sum,
        ChannelChoice::Left => ChannelMode::Left,
        ChannelChoice::Right => ChannelMode::Right,
        ChannelChoice::DualMono => ChannelMode::Each,
    })
}

/// What a recorder needs of the host's transport.
///
/// # Real-time
/// Arithmetic only.
pub fn translate(host: &HostTransport) -> Transport {
    // CLAP tells seconds in fixed point: what is as good as a whole sample is one.
    let samples = |seconds: f64| {
        let samples = seconds * f64::from(host.sample_rate);
        if (samples - samples.round()).abs() < 1e-2 { samples.round() } else { samples }
    };
    let finite = |value: Option<f64>| value.filter(|v| v.is_finite());
    Transport {
        playing: host.playing,
        recording: host.recording,
        position_samples: finite(host.pos_samples.map(|p| p as f64).or(host.pos_seconds.map(samples))),
        position_quarters: finite(host.pos_beats),
        tempo_bpm: finite(host.tempo).filter(|&bpm| bpm > 0.0),
    }
}

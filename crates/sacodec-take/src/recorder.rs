//! The audio thread's half of recording: decides which frames belong to a take and what their
//! place is, and hands them to the writer thread by a ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ringbuf::traits::{Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::anchor::Anchor;
use super::format::GapReason;
use super::header::ChannelMode;
use sacodec_codec::CodecModel;
use sacodec_engine::{CodedFrame, FramePlace, Moment, Timeline, Timing, Transport};
use sacodec_token::{FRAME_RATE_HZ, TokenFrame};

/// Events between the threads: 30 s of frames (2250) with as many anchors fit, and 54 s of frames
/// alone.
const RING_EVENTS: usize = 4600;
/// A frame is only handed over while this many events fit: the beginning of its take, a gap that a
/// reset splits (3), its anchor, itself, and at the end of its take another such gap and the end. One
/// is to spare.
const RESERVED_EVENTS: usize = 11;
/// After so many frames a take ends and the next one begins: a day.
const MAX_TAKE_FRAMES: u32 = FRAME_RATE_HZ as u32 * 60 * 60 * 24;
/// A render may wait for the writer; so long, and then it loses frames as live playing would.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a take ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndReason {
    /// Record went off.
    #[default]
    RecordOff,
    /// The transport stopped, and the take was to end with it.
    TransportStopped,
    /// The plugin was deactivated or removed: also where its sample rate or latency changes.
    Deactivated,
    /// Another engine took over, whose latency is another.
    LatencyChanged,
    /// Another model pack took over.
    PackChanged,
    /// Other channels were coded from here on.
    ChannelsChanged,
    /// It reached a day.
    TooLong,
}

impl std::fmt::Display for EndReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RecordOff => "record off",
            Self::TransportStopped => "transport stopped",
            Self::Deactivated => "plugin deactivated",
            Self::LatencyChanged => "latency changed",
            Self::PackChanged => "model pack changed",
            Self::ChannelsChanged => "channels changed",
            Self::TooLong => "a day is full",
        })
    }
}

/// Whether the samples of a block are to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Armed {
    /// They are not, and this is why a take ends here.
    Off(EndReason),
    /// They are: these are the channels that are coded.
    On(ChannelMode),
}

impl Default for Armed {
    fn default() -> Self {
        Self::Off(EndReason::default())
    }
}

/// What the writer thread is told.
#[derive(Debug)]
pub(super) enum RecorderEvent {
    Begin(Begin),
    Anchor(Anchor),
    Frame([TokenFrame; 2]),
    Gap { count: u32, reason: GapReason },
    End { reason: EndReason, length_samples: u64 },
}

/// What a take is, as the audio thread knows it.
#[derive(Debug)]
pub(super) struct Begin {
    pub model: Arc<CodecModel>,
    pub rate_hz: f64,
    pub mode: ChannelMode,
    pub channels: u8,
    pub latency_samples: u32,
    pub stream_frame: u64,
    pub first: Anchor,
}

/// What the audio thread tells everybody at once.
#[derive(Debug, Default)]
pub struct RecorderCounts {
    /// Frames that did not fit the ring, since the instance was made.
    pub lost_frames: AtomicU64,
}

/// What the audio thread knows of the take under way.
#[derive(Debug)]
struct CurrentTake {
    /// Address of the model, which the writer thread keeps alive while the take is open. Not the
    /// model: dropping it here could be the one that frees it.
    model_address: usize,
    mode: ChannelMode,
    /// First sample of the audio that it is coded from, counted over all streams of the activation: where hops stand
    /// on the host's timeline, up to a hop before the first one.
    origin_samples: i64,
    /// Where the block was that first said to record it; `None` after a reset, until the next frame.
    armed_since_samples: Option<f64>,
    stream_frame: u64,
    /// The writer thread knows of it.
    announced: bool,
    frames: u32,
    /// Frames that did not fit the ring since the last one that did.
    lost: u32,
    anchor: Option<(Anchor, u32)>,
    /// The codec was reset and no anchor has said so yet.
    was_reset: bool,
    /// Anchor of the frame before which the codec was reset, if that frame did not fit the ring: to be
    /// sent inside the gap. Only there it is true that the codec's states are zero.
    lost_reset: Option<Anchor>,
}

fn address(model: &Arc<CodecModel>) -> usize {
    Arc::as_ptr(model).addr()
}

/// One activation's stream.
struct StreamState {
    timing: Timing,
    timeline: Timeline<Armed>,
    /// Samples since the engine was last reset.
    samples: u64,
    /// Samples of this activation before that reset.
    base_samples: u64,
    armed: Armed,
}

/// Records what an engine codes. Belongs to the audio thread.
pub struct Recorder {
    ring: HeapProd<RecorderEvent>,
    counts: Arc<RecorderCounts>,
    stream: Option<StreamState>,
    current: Option<CurrentTake>,
    may_wait: bool,
}

/// A recorder and the ring's other end.
pub(super) fn channel(counts: Arc<RecorderCounts>) -> (Recorder, HeapCons<RecorderEvent>) {
    let (ring, events) = HeapRb::new(RING_EVENTS).split();
    (Recorder { ring, counts, stream: None, current: None, may_wait: false }, events)
}

impl Recorder {
    /// A stream with this timing begins. `may_wait` says that nobody hears it while it is computed:
    /// then a full ring is waited for. Allocates.
    pub fn activate(&mut self, timing: Timing, may_wait: bool) {
        self.end(EndReason::Deactivated);
        self.may_wait = may_wait;
        self.stream = Some(StreamState {
            timeline: Timeline::new(timing.rate_hz),
            timing,
            samples: 0,
            base_samples: 0,
            armed: Armed::default(),
        });
    }

    /// A block of `samples` is about to be processed.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn begin_block(&mut self, samples: usize, transport: Transport, armed: Armed) {
        let Some(stream) = &mut self.stream else { return };
        if samples > 0 {
            stream.timeline.block(stream.samples, transport, armed);
            stream.samples += samples as u64;
            stream.armed = armed;
        }
    }

    /// A frame was coded.
    ///
    /// # Real-time
    /// Never allocates or locks; waits only if it was activated to, see [`Recorder::activate`].
    pub fn frame(&mut self, frame: &CodedFrame) {
        let Some(stream) = &self.stream else { return };
        let FramePlace { start_samples, pass_samples } = frame.place;
        if start_samples >= stream.samples as f64 || start_samples.max(pass_samples) < 0.0 {
            // It began in the silence that completes the last ones, or before the stream.
            return;
        }
        let moment = stream.timeline.at_in_pass(start_samples, pass_samples);
        let mode = match (moment.armed, stream.armed) {
            (Armed::Off(reason), _) => return self.end_at(moment.since_samples, reason),
            (Armed::On(ChannelMode::Each), Armed::Off(reason)) if frame.tokens().len() == 1 => {
                return self.end_at(start_samples.max(pass_samples), reason);
            }
            // The second stream ended while this frame was collected.
            (Armed::On(ChannelMode::Each), Armed::On(mode)) if frame.tokens().len() == 1 => match mode {
                ChannelMode::Each => ChannelMode::Left,
                mode => mode,
            },
            (Armed::On(mode), _) => mode,
        };
        let since_samples = moment.since_samples;
        let was_since = self.current.as_ref().and_then(|current| current.armed_since_samples);
        // It was off and on again between two frames.
        if was_since.is_some_and(|was| was != since_samples)
            && let Moment { armed: Armed::Off(reason), since_samples, .. } =
                stream.timeline.at(since_samples - 1.0)
        {
            self.end_at(since_samples, reason);
        }
        let changed = self.current.as_ref().and_then(|current| {
            let model = current.model_address != address(frame.model);
            [
                (model, EndReason::PackChanged),
                (current.mode != mode, EndReason::ChannelsChanged),
                (current.frames >= MAX_TAKE_FRAMES, EndReason::TooLong),
            ]
            .into_iter()
            .find_map(|(changed, reason)| changed.then_some(reason))
        });
        if let Some(reason) = changed {
            self.end_at(start_samples.max(pass_samples), reason);
        }
        self.record(frame, mode, changed == Some(EndReason::PackChanged));
        if let Some(current) = &mut self.current {
            current.armed_since_samples = Some(since_samples);
        }
    }

    /// The block is processed, and the next frame will be at `next`, see
    /// [`Engine::next_place`](sacodec_engine::Engine::next_place): ends a take all of whose frames are there.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn end_block(&mut self, next: FramePlace) {
        let Some(stream) = &self.stream else { return };
        if self.current.is_some() && next.start_samples < stream.samples as f64 {
            let moment = stream.timeline.at_in_pass(next.start_samples, next.pass_samples);
            if let Armed::Off(reason) = moment.armed {
                self.end_at(moment.since_samples, reason);
            }
        }
    }

    /// Whether frames that are to be recorded are still on their way through the engine, whose next one is at
    /// `next`: then code silence after them before it is reset, or they are lost.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_waiting_for_frames(&self, next: FramePlace) -> bool {
        self.stream.as_ref().is_some_and(|stream| {
            let next_armed = stream.timeline.at_in_pass(next.start_samples, next.pass_samples).armed;
            let is_wanted = |armed| matches!(armed, Armed::On(_));
            (self.current.is_some() || is_wanted(stream.armed) || is_wanted(next_armed))
                && next.start_samples < stream.samples as f64
        })
    }

    /// The engine was reset: its next frame is number 0 again. The take continues.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn reset(&mut self) {
        if let Some(StreamState { armed: Armed::Off(reason), .. }) = self.stream {
            self.end(reason);
        }
        if let Some(stream) = &mut self.stream {
            stream.base_samples += stream.samples;
            stream.samples = 0;
            stream.timeline.clear();
        }
        if let Some(current) = &mut self.current {
            current.armed_since_samples = None;
        }
    }

    /// Another engine is heard from the next sample on, whose timing this is: a take ends. To be told before, by
    /// [`Armed::Off`], that the take is to end where that engine was begun, or its last frames are lost.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn change_engine(&mut self, timing: Timing) {
        self.end(EndReason::LatencyChanged);
        if let Some(stream) = &mut self.stream {
            stream.timeline.clear();
            (stream.timing, stream.samples, stream.base_samples) = (timing, 0, 0);
        }
    }

    /// The stream ends, and with it the take.
    pub fn deactivate(&mut self) {
        self.end(EndReason::Deactivated);
        self.stream = None;
    }

    fn end(&mut self, reason: EndReason) {
        let Some(stream) = &self.stream else { return };
        let samples = stream.samples as f64;
        // Record may have gone off in the last frame, before the stream ends.
        match stream.timeline.at(samples) {
            Moment { armed: Armed::Off(reason), since_samples, .. } => self.end_at(since_samples, reason),
            _ => self.end_at(samples, reason),
        }
    }

    /// Ends the take at this sample of the stream.
    fn end_at(&mut self, stream_samples: f64, reason: EndReason) {
        let Some(current) = self.current.take().filter(|current| current.announced) else { return };
        self.push_lost(current.frames - current.lost, current.lost, current.lost_reset);
        let base_samples = self.stream.as_ref().map_or(0, |stream| stream.base_samples);
        let end_samples = (base_samples + stream_samples.max(0.0).round() as u64) as i64;
        let length_samples = (end_samples - current.origin_samples).max(0) as u64;
        self.push(RecorderEvent::End { reason, length_samples });
    }

    fn record(&mut self, frame: &CodedFrame, mode: ChannelMode, other_pack: bool) {
        let FramePlace { start_samples, pass_samples } = frame.place;
        let has_room = self.has_room();
        let Some(stream) = &self.stream else { return };
        let origin_samples = stream.base_samples as i64 + start_samples.round() as i64;
        let current =
            self.current.get_or_insert_with(|| CurrentTake::new(frame, mode, origin_samples, other_pack));
        current.frames += 1;
        current.was_reset |= frame.index == 0;
        let heard_samples = start_samples + stream.timing.first_frame_samples;
        let moment = stream.timeline.at_in_pass(heard_samples, pass_samples);
        let origin = current.origin_samples as f64 - stream.base_samples as f64;
        let (mut anchor, is_needed) = current.anchor(&moment, heard_samples - origin, &stream.timing);
        // A pass may begin inside its first frame.
        anchor.pass_samples =
            (frame.index == 0 && pass_samples != start_samples).then_some(pass_samples - origin);
        let was_reset = std::mem::take(&mut current.was_reset);
        if !has_room {
            if was_reset {
                current.lost_reset = Some(anchor);
                current.anchor = Some((anchor, moment.segment));
            }
            current.lost += 1;
            self.counts.lost_frames.fetch_add(1, Relaxed);
            return;
        }
        let lost = std::mem::take(&mut current.lost);
        let lost_reset = current.lost_reset.take();
        let begin = (!current.announced)
            .then(|| current.begin(frame.model, lost_reset.unwrap_or(anchor), &stream.timing));
        current.announced = true;
        if is_needed || lost > 0 {
            current.anchor = Some((anchor, moment.segment));
        }
        if let Some(begin) = begin {
            self.push(RecorderEvent::Begin(begin));
        }
        self.push_lost(anchor.index - lost, lost, lost_reset);
        if is_needed || lost > 0 {
            self.push(RecorderEvent::Anchor(anchor));
        }
        if frame.failed {
            self.push(RecorderEvent::Gap { count: 1, reason: GapReason::CodecFailed });
        } else {
            let tokens = frame.tokens();
            self.push(RecorderEvent::Frame(std::array::from_fn(|i| {
                tokens.get(i).copied().unwrap_or_default()
            })));
        }
    }

    fn has_room(&mut self) -> bool {
        let mut waited = Duration::ZERO;
        const STEP: Duration = Duration::from_millis(1);
        while self.ring.vacant_len() < RESERVED_EVENTS {
            if !self.may_wait {
                return false;
            }
            // Once in an activation: a render must not hang for good with its disk.
            self.may_wait = waited < PATIENCE;
            std::thread::sleep(STEP);
            waited += STEP;
        }
        true
    }

    /// `count` frames from `index` on did not fit the ring, and the codec was reset before one of them
    /// if there is a `reset`.
    fn push_lost(&mut self, index: u32, count: u32, reset: Option<Anchor>) {
        let before = reset.map_or(0, |anchor| anchor.index - index);
        if before > 0 {
            self.push(RecorderEvent::Gap { count: before, reason: GapReason::RingFull });
        }
        if let Some(anchor) = reset {
            self.push(RecorderEvent::Anchor(anchor));
        }
        if count > before {
            self.push(RecorderEvent::Gap { count: count - before, reason: GapReason::RingFull });
        }
    }

    fn push(&mut self, event: RecorderEvent) {
        // There is room: see RESERVED_EVENTS.
        let _ = self.ring.try_push(event);
    }
}

impl CurrentTake {
    /// A take that begins with `frame`; with zero states where another pack takes over.
    fn new(frame: &CodedFrame, mode: ChannelMode, origin_samples: i64, other_pack: bool) -> Self {
        Self {
            model_address: address(frame.model),
            mode,
            origin_samples,
            armed_since_samples: None,
            stream_frame: if other_pack { 0 } else { frame.index },
            announced: false,
            frames: 0,
            lost: 0,
            anchor: None,
            was_reset: other_pack,
            lost_reset: None,
        }
    }

    /// What the writer thread is told of it, with an anchor of one of its frames.
    fn begin(&self, model: &Arc<CodecModel>, anchor: Anchor, timing: &Timing) -> Begin {
        let frame_samples = timing.hop_samples as f64 * timing.ratio;
        Begin {
            model: model.clone(),
            rate_hz: timing.rate_hz,
            mode: self.mode,
            channels: if self.mode == ChannelMode::Each { 2 } else { 1 },
            latency_samples: timing.latency_samples as u32,
            stream_frame: self.stream_frame,
            first: anchor.at(0, frame_samples, timing.rate_hz),
        }
    }

    /// The anchor of the frame in hand, and whether the one before does not say it.
    fn anchor(&self, moment: &Moment<Armed>, stream_samples: f64, timing: &Timing) -> (Anchor, bool) {
        let anchor = Anchor {
            index: self.frames - 1,
            new_segment: self.was_reset || self.anchor.is_none_or(|(_, segment)| segment != moment.segment),
            codec_reset: self.was_reset,
            stream_samples,
            ..Anchor::from(moment.transport)
        };
        let Some((last, _)) = &self.anchor else { return (anchor, true) };
        let frame_samples = timing.hop_samples as f64 * timing.ratio;
        let expected = last.at(anchor.index, frame_samples, timing.rate_hz);
        (anchor, anchor.new_segment || !expected.transport().goes_on_as(&moment.transport))
    }
}

#[cfg(test)]
mod tests;

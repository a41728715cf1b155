//! From the audio thread to the editor, wait-free: samples, tokens, timeline and load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use sacodec_engine::{Channels, CodedFrame, FramePlace, LostStreams, Observer, Timing, Transport};
use sacodec_token::TokenFrame;

/// Samples of a snapshot.
pub const SNAPSHOT_SAMPLES: usize = 128;
/// Snapshots that wait for an editor that is busy: 2.7 s at 48 kHz.
const SNAPSHOTS: usize = 1024;
/// Events that wait, a few for each block.
const EVENTS: usize = 8192;

/// A run of what is heard, before level match, gain and bypass.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot {
    /// The stream it belongs to: every activation and reset begins one.
    pub stream: u32,
    /// Number of the opening that it was taken for.
    pub opening: u32,
    /// Output samples of the stream before it.
    pub start_samples: u64,
    /// Samples in it, at most [`SNAPSHOT_SAMPLES`].
    pub length: usize,
    /// Channels in it, 1 or 2.
    pub channels: usize,
    /// The delayed original, by channel.
    pub original: [[f32; SNAPSHOT_SAMPLES]; 2],
    /// Weights of the channels in what is coded first of them.
    pub weights: [f32; 2],
    /// The coded stream, by channel.
    pub coded: [[f32; SNAPSHOT_SAMPLES]; 2],
}

/// What happened besides samples. Each is of the stream that the last [`TapEvent::Stream`] began.
#[derive(Debug, Clone, Copy)]
pub enum TapEvent {
    /// A stream begins, or the editor opened in the midst of one.
    Stream {
        /// Number of the opening.
        opening: u32,
        /// Its number.
        stream: u32,
        /// Its timing.
        timing: Timing,
        /// Host channels.
        channels: usize,
    },
    /// A frame was coded.
    Frame {
        /// Number of the frame, counted from where the codec last began afresh.
        index: u64,
        /// Where it stands in the stream.
        place: FramePlace,
        /// Tokens of each coded channel.
        tokens: [TokenFrame; 2],
        /// Coded channels, 1 or 2.
        channels: u8,
        /// The codec failed on it.
        failed: bool,
        /// What of its tokens did not reach the decoder.
        lost: LostStreams,
        /// See [`CodedFrame::played`].
        played: [bool; 2],
        /// Tells packs apart: `CodecModel::key`.
        pack: u64,
        /// Sizes of the semantic and the acoustic codebook.
        sizes: [u32; 2],
    },
    /// The timeline is not where it was expected: a jump, a start, a stop, another tempo.
    Timeline {
        /// Input samples of the stream before it.
        at_samples: u64,
        /// What the host says there.
        transport: Transport,
    },
    /// A block took this share of its own duration.
    Load(f32),
}

struct Shared {
    /// Number of the opening; 0 while nobody looks.
    opening: AtomicU32,
    dropped: AtomicU64,
}

/// The audio thread's end.
pub struct TapSender {
    audio: HeapProd<Snapshot>,
    events: HeapProd<TapEvent>,
    shared: Arc<Shared>,
    pending: Box<Snapshot>,
    opening: u32,
    timing: Option<Timing>,
    channels: usize,
    stream: u32,
    announced: bool,
    samples: u64,
    told: Option<(u64, Transport)>,
    coded: Channels,
}

/// The editor's end.
pub struct TapReceiver {
    audio: HeapCons<Snapshot>,
    events: HeapCons<TapEvent>,
    shared: Arc<Shared>,
    opening: u32,
    last_opening: u32,
    /// The stream of this opening is known; what came before it was sent for an earlier one.
    is_told: bool,
}

/// Both ends, closed.
pub fn tap() -> (TapSender, TapReceiver) {
    let (audio, audio_out) = HeapRb::new(SNAPSHOTS).split();
    let (events, events_out) = HeapRb::new(EVENTS).split();
    let shared = Arc::new(Shared { opening: AtomicU32::new(0), dropped: AtomicU64::new(0) });
    let silence = [[0.0; SNAPSHOT_SAMPLES]; 2];
    let pending = Snapshot {
        stream: 0,
        opening: 0,
        start_samples: 0,
        length: 0,
        channels: 0,
        original: silence,
        weights: [0.5; 2],
        coded: silence,
    };
    let sender = TapSender {
        audio,
        events,
        shared: shared.clone(),
        pending: Box::new(pending),
        opening: 0,
        timing: None,
        channels: 0,
        stream: 0,
        announced: false,
        samples: 0,
        told: None,
        coded: Channels::default(),
    };
    (
        sender,
        TapReceiver {
            audio: audio_out,
            events: events_out,
            shared,
            opening: 0,
            last_opening: 0,
            is_told: false,
        },
    )
}

impl TapSender {
    /// The engine begins anew: activation, reset, another engine.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn begin_stream(&mut self, timing: Timing, channels: usize) {
        self.timing = Some(timing);
        self.channels = channels;
        self.stream = self.stream.wrapping_add(1);
        self.samples = 0;
        self.announced = false;
        self.pending.length = 0;
    }

    /// Which channels are coded from the next block on.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set_coded(&mut self, coded: Channels) {
        self.coded = coded;
    }

    /// To be called before every block, with the transport at its first sample. Looks whether
    /// anybody looks; `true` if so.
    ///
    /// # Real-time
    /// An atomic load; while nobody looks, nothing else.
    pub fn begin_block(&mut self, transport: Transport) -> bool {
        let opening = self.shared.opening.load(Relaxed);
        let is_open = opening != 0;
        if opening != self.opening {
            self.announced = false;
            self.pending.length = 0;
        }
        self.opening = opening;
        let Some(timing) = self.timing.filter(|_| is_open) else { return is_open };
        if !self.announced {
            let (stream, channels) = (self.stream, self.channels);
            self.announced =
                self.events.try_push(TapEvent::Stream { opening, stream, timing, channels }).is_ok();
            self.told = None;
            self.shared.dropped.fetch_add(u64::from(!self.announced), Relaxed);
        }
        let at_samples = self.samples;
        let goes_on = self.told.is_some_and(|(at, told)| {
            told.after((at_samples - at) as f64, timing.rate_hz).goes_on_as(&transport)
        });
        if !goes_on && self.push(TapEvent::Timeline { at_samples, transport }) {
            self.told = Some((at_samples, transport));
        }
        is_open
    }

    /// To be called after every block that was looked at, with the share of its duration that it took.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn end_block(&mut self, share: f32) {
        if self.opening != 0 {
            self.push(TapEvent::Load(share));
        }
    }

    /// `true` if the event is on its way.
    fn push(&mut self, event: TapEvent) -> bool {
        let is_sent = self.announced && self.events.try_push(event).is_ok();
        self.shared.dropped.fetch_add(u64::from(self.announced && !is_sent), Relaxed);
        is_sent
    }
}

/// # Real-time
/// Copies samples and events into rings. Never allocates, locks or waits.
impl Observer for TapSender {
    fn frame(&mut self, frame: CodedFrame) {
        if self.opening == 0 {
            return;
        }
        let mut tokens = [TokenFrame::default(); 2];
        let channels = frame.tokens().len().min(2);
        tokens[..channels].copy_from_slice(&frame.tokens()[..channels]);
        let info = frame.model.info();
        let pack = frame.model.key();
        let sizes = [info.semantic.size as u32, info.acoustic.size as u32];
        let CodedFrame { index, place, failed, lost, played, .. } = frame;
        let channels = channels as u8;
        self.push(TapEvent::Frame { index, place, tokens, channels, failed, lost, played, pack, sizes });
    }

    fn heard(&mut self, original: &[&[f32]], coded: &[&[f32]]) {
        let length = original.first().map_or(0, |channel| channel.len());
        if self.opening != 0 && self.announced {
            let mut done = 0;
            while done < length {
                done += self.collect(original, coded, done, length);
            }
        }
        self.samples += length as u64;
    }
}

impl TapSender {
    /// Moves samples from `from` on into the pending snapshot, and that into the ring when it is full.
    fn collect(&mut self, original: &[&[f32]], coded: &[&[f32]], from: usize, length: usize) -> usize {
        let pending = &mut *self.pending;
        if pending.length == 0 {
            (pending.stream, pending.opening) = (self.stream, self.opening);
            pending.start_samples = self.samples + from as u64;
            pending.channels = original.len().min(2);
            let channels = pending.channels.max(1);
            pending.weights = [0, 1].map(|channel| self.coded.weight(channel, channels));
        }
        let n = (length - from).min(SNAPSHOT_SAMPLES - pending.length);
        let at = pending.length..pending.length + n;
        for (source, target) in original.iter().zip(&mut pending.original) {
            target[at.clone()].copy_from_slice(&source[from..from + n]);
        }
        for (source, target) in coded.iter().zip(&mut pending.coded) {
            target[at.clone()].copy_from_slice(&source[from..from + n]);
        }
        pending.length += n;
        if pending.length == SNAPSHOT_SAMPLES {
            if self.audio.try_push(*pending).is_err() {
                self.shared.dropped.fetch_add(1, Relaxed);
            }
            pending.length = 0;
        }
        n
    }
}

impl TapReceiver {
    /// Whether anybody looks. What was on its way when it was closed is thrown away.
    pub fn set_open(&mut self, open: bool) {
        if open == (self.opening != 0) {
            return;
        }
        // Every opening has a number, so that what the other end sends meanwhile is known for what it is.
        if open {
            self.last_opening = self.last_opening.checked_add(1).unwrap_or(1);
        }
        self.opening = if open { self.last_opening } else { 0 };
        self.is_told = false;
        self.shared.opening.store(self.opening, Relaxed);
    }

    /// Snapshots and events that found no room, since the tap was made.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Relaxed)
    }

    /// The next event.
    pub fn pop_event(&mut self) -> Option<TapEvent> {
        while let Some(event) = self.events.try_pop() {
            if let TapEvent::Stream { opening, .. } = event {
                self.is_told = opening == self.opening;
            }
            if self.is_told && self.opening != 0 {
                return Some(event);
            }
        }
        None
    }

    /// The next snapshot, unless it is of a stream whose event has not come yet.
    pub fn pop_snapshot(&mut self, stream: u32) -> Option<Snapshot> {
        let newer = |s: &Snapshot| s.stream.wrapping_sub(stream) as i32 > 0;
        loop {
            let next = self.audio.try_peek()?;
            let is_stale = next.opening != self.opening;
            if !is_stale && newer(next) {
                return None;
            }
            let next = self.audio.try_pop()?;
            if !is_stale {
                return Some(next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sacodec_codec::CodecModel;
    use sacodec_engine::Scheduling;

    fn timing() -> Timing {
        Timing::new(48_000.0, Scheduling::Spread, CodecModel::embedded().unwrap().info()).unwrap()
    }

    fn hear(sender: &mut TapSender, samples: &[f32]) {
        sender.begin_block(Transport::default());
        let half: Vec<f32> = samples.iter().map(|s| 0.5 * s).collect();
        sender.heard(&[samples], &[&half]);
        sender.end_block(0.1);
    }

    #[test]
    fn while_nobody_looks_nothing_is_sent_and_the_count_of_samples_goes_on() {
        let (mut sender, mut receiver) = tap();
        sender.begin_stream(timing(), 1);
        hear(&mut sender, &[1.0; 1000]);
        assert!(receiver.pop_event().is_none() && receiver.pop_snapshot(1).is_none());
        receiver.set_open(true);
        hear(&mut sender, &[1.0; 300]);
        assert!(matches!(receiver.pop_event(), Some(TapEvent::Stream { stream: 1, channels: 1, .. })));
        assert_eq!(receiver.pop_snapshot(1).unwrap().start_samples, 1000);
    }

    #[test]
    fn what_was_sent_for_an_earlier_opening_is_thrown_away_and_the_stream_told_anew() {
        let (mut sender, mut receiver) = tap();
        sender.begin_stream(timing(), 1);
        receiver.set_open(true);
        hear(&mut sender, &[1.0; 1000]);
        // Closed and opened again before the other end saw it closed; nothing was taken out.
        receiver.set_open(false);
        receiver.set_open(true);
        assert!(receiver.pop_event().is_none() && receiver.pop_snapshot(1).is_none());
        hear(&mut sender, &[2.0; 300]);
        assert!(matches!(receiver.pop_event(), Some(TapEvent::Stream { stream: 1, .. })));
        let first = receiver.pop_snapshot(1).unwrap();
        assert_eq!((first.start_samples, first.original[0][0]), (1000, 2.0));
    }

    #[test]
    fn samples_arrive_in_order_whatever_the_blocks() {
        let (mut sender, mut receiver) = tap();
        sender.begin_stream(timing(), 1);
        receiver.set_open(true);
        let ramp: Vec<f32> = (0..3000).map(|i| i as f32).collect();
        let mut rest = &ramp[..];
        for size in [1, 127, 129, 5, 600, 0, 64].into_iter().cycle() {
            let n = size.min(rest.len());
            hear(&mut sender, &rest[..n]);
            rest = &rest[n..];
            if rest.is_empty() {
                break;
            }
        }
        let mut found = Vec::new();
        while let Some(snapshot) = receiver.pop_snapshot(1) {
            assert_eq!(snapshot.start_samples, found.len() as u64);
            found.extend_from_slice(&snapshot.original[0][..snapshot.length]);
            assert_eq!(snapshot.coded[0][5], 0.5 * snapshot.original[0][5]);
        }
        assert_eq!(found, ramp[..ramp.len() / SNAPSHOT_SAMPLES * SNAPSHOT_SAMPLES]);
        assert_eq!(receiver.dropped(), 0);
    }

    #[test]
    fn a_full_ring_drops_and_counts_and_a_new_stream_waits_for_its_event() {
        let (mut sender, mut receiver) = tap();
        sender.begin_stream(timing(), 1);
        receiver.set_open(true);
        for _ in 0..SNAPSHOTS + 10 {
            hear(&mut sender, &[0.0; SNAPSHOT_SAMPLES]);
        }
        assert_eq!(receiver.dropped(), 10);
        while receiver.pop_snapshot(1).is_some() {}
        sender.begin_stream(timing(), 1);
        hear(&mut sender, &[0.0; SNAPSHOT_SAMPLES]);
        assert!(receiver.pop_snapshot(1).is_none(), "stream 2 came before its event was read");
        assert_eq!(receiver.pop_snapshot(2).unwrap().stream, 2);
    }

    #[test]
    fn the_timeline_is_told_only_when_it_jumps() {
        let (mut sender, mut receiver) = tap();
        sender.begin_stream(timing(), 1);
        receiver.set_open(true);
        let mut at = |position: f64, playing| {
            sender.begin_block(Transport {
                position_samples: Some(position),
                playing,
                ..Transport::default()
            });
            sender.heard(&[&[0.0; 100]], &[&[0.0; 100]]);
        };
        at(5000.0, true);
        at(5100.0, true);
        at(5200.0, true);
        at(0.0, true);
        at(0.0, false);
        at(0.0, false);
        let mut places = Vec::new();
        while let Some(event) = receiver.pop_event() {
            if let TapEvent::Timeline { at_samples, transport } = event {
                places.push((at_samples, transport.position_samples.unwrap(), transport.playing));
            }
        }
        // After the jump the transport stops at the place that it jumped to.
        assert_eq!(places, [(0, 5000.0, true), (300, 0.0, true), (400, 0.0, false)]);
    }
}

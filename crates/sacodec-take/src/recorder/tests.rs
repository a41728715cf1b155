//! The recorder without an engine: synthetic frames, a real ring, thread and file.

use super::*;
use crate::reader::Take;
use crate::settings::Destination;
use crate::writer_thread::{TakeSource, TakeThread};
use ringbuf::traits::Consumer;
use sacodec_engine::{Controls, Engine, EngineConfig, EngineRelay, Scheduling};

struct Folder(std::path::PathBuf);

impl TakeSource for Folder {
    fn destination(&self) -> Destination {
        Destination { folders: vec![self.0.clone()], ..Destination::default() }
    }

    fn track(&self) -> Option<String> {
        None
    }
}

fn timing(model: &CodecModel) -> Timing {
    Timing::new(48_000.0, Scheduling::Spread, model.info()).unwrap()
}

fn token(index: u64) -> TokenFrame {
    TokenFrame { semantic: (index % 1000) as u16, acoustic: (index % 1024) as u16 }
}

/// A block of a second and the frames of it.
fn second(recorder: &mut Recorder, model: &Arc<CodecModel>, number: u64, armed: Armed) {
    recorder.begin_block(48_000, Transport::default(), armed);
    let place = |index| FramePlace::of(index, &timing(model));
    for index in number * 75..(number + 1) * 75 {
        recorder.frame(&CodedFrame::new(index, place(index), model, &[token(index)], false));
    }
    recorder.end_block(place((number + 1) * 75));
}

/// All that the plugin does but the codec: the recorder, the ring, the thread and a real file.
#[test]
fn two_hours_as_fast_as_the_machine_goes_lose_no_frame() {
    let folder = tempfile::tempdir().unwrap();
    let model = CodecModel::embedded().unwrap();
    let (mut recorder, thread) = TakeThread::spawn(Folder(folder.path().into())).unwrap();
    recorder.activate(timing(&model), true);
    for number in 0..7200 {
        second(&mut recorder, &model, number, Armed::On(ChannelMode::Mono));
    }
    recorder.deactivate();
    let watch = thread.watch();
    drop(thread);
    let status = watch.status();
    assert_eq!((status.lost_frames, status.last_problem), (0, None));
    let take = Take::open(&status.last.unwrap()).unwrap();
    assert!(take.is_whole());
    assert_eq!(take.frames(), 7200 * 75);
    assert!(take.iter().zip(0..).all(|(frame, index)| frame == Some(&[token(index)])));
}

#[test]
fn a_full_ring_is_counted_as_a_gap_and_the_take_goes_on_at_its_place() {
    let model = CodecModel::embedded().unwrap();
    let counts = Arc::new(RecorderCounts::default());
    let (mut recorder, mut events) = channel(counts.clone());
    recorder.activate(timing(&model), false);
    let armed = Armed::On(ChannelMode::Mono);
    // Nobody reads: 30 s fit, 100 s do not.
    for number in 0..30 {
        second(&mut recorder, &model, number, armed);
    }
    assert_eq!(counts.lost_frames.load(Relaxed), 0, "30 s must fit the ring");
    for number in 30..100 {
        second(&mut recorder, &model, number, armed);
    }
    let lost = counts.lost_frames.load(Relaxed);
    assert!(lost > 0);
    let mut frames = 0;
    let mut read = |events: &mut HeapCons<RecorderEvent>| {
        let mut last = Vec::new();
        while let Some(event) = events.try_pop() {
            frames += u64::from(matches!(event, RecorderEvent::Frame(_)));
            last.push(event);
        }
        (frames, last)
    };
    let (before, _) = read(&mut events);
    assert_eq!(before + lost, 7500, "every frame is there or counted");
    second(&mut recorder, &model, 100, armed);
    recorder.deactivate();
    let (all, last) = read(&mut events);
    assert_eq!(all, before + 75);
    assert!(
        matches!(last[0], RecorderEvent::Gap { count, reason: GapReason::RingFull } if u64::from(count) == lost)
    );
    let RecorderEvent::Anchor(anchor) = &last[1] else { panic!("no anchor after the gap: {:?}", last[1]) };
    assert_eq!(anchor.stream_samples, 100.0 * 48_000.0 + timing(&model).first_frame_samples);
    let end = last.last().unwrap();
    assert!(
        matches!(end, RecorderEvent::End { reason: EndReason::Deactivated, length_samples } if *length_samples == 101 * 48_000)
    );
}

/// Seconds of a stream until some frames do not fit the ring; the number of those that were coded.
fn fill(recorder: &mut Recorder, model: &Arc<CodecModel>, armed: Armed) -> u64 {
    let counts = recorder.counts.clone();
    let mut seconds = 0..;
    while counts.lost_frames.load(Relaxed) == 0 {
        second(recorder, model, seconds.next().unwrap(), armed);
    }
    seconds.start
}

/// Gaps and anchors as index, frames, and whether the codec's states are zero; frames as `None`.
fn story(events: &mut HeapCons<RecorderEvent>) -> Vec<Option<(&'static str, u32, bool)>> {
    let mut story: Vec<_> = std::iter::from_fn(|| events.try_pop())
        .map(|event| match event {
            RecorderEvent::Begin(begin) => {
                Some(("begin", begin.stream_frame as u32, begin.first.codec_reset))
            }
            RecorderEvent::Anchor(anchor) => Some(("anchor", anchor.index, anchor.codec_reset)),
            RecorderEvent::Gap { count, .. } => Some(("gap", count, false)),
            RecorderEvent::End { .. } => Some(("end", 0, false)),
            RecorderEvent::Frame(_) => None,
        })
        .collect();
    story.dedup();
    story
}

#[test]
fn a_reset_before_a_lost_frame_has_its_anchor_in_the_gap() {
    let model = CodecModel::embedded().unwrap();
    let armed = Armed::On(ChannelMode::Mono);
    let (mut recorder, mut events) = channel(Arc::default());
    recorder.activate(timing(&model), false);
    let frames = 75 * fill(&mut recorder, &model, armed) as u32;
    let lost = recorder.counts.lost_frames.load(Relaxed) as u32;
    recorder.reset();
    second(&mut recorder, &model, 0, armed);
    assert_eq!(story(&mut events), [Some(("begin", 0, true)), Some(("anchor", 0, true)), None]);
    second(&mut recorder, &model, 1, armed);
    let gap = [Some(("gap", lost, false)), Some(("anchor", frames, true)), Some(("gap", 75, false))];
    assert_eq!(story(&mut events), [&gap[..], &[Some(("anchor", frames + 75, false)), None]].concat());
}

#[test]
fn a_take_whose_first_frames_were_lost_says_only_of_frame_0_that_the_states_are_zero() {
    let model = CodecModel::embedded().unwrap();
    let armed = Armed::On(ChannelMode::Mono);
    let (mut recorder, mut events) = channel(Arc::default());
    recorder.activate(timing(&model), false);
    let seconds = fill(&mut recorder, &model, armed);
    second(&mut recorder, &model, seconds, Armed::Off(EndReason::RecordOff));
    recorder.reset();
    // The next take begins at frame 0 of the stream, while the ring is full.
    second(&mut recorder, &model, 0, armed);
    assert_eq!(story(&mut events).last(), Some(&Some(("end", 0, false))));
    second(&mut recorder, &model, 1, armed);
    let begin = [Some(("begin", 0, true)), Some(("anchor", 0, true)), Some(("gap", 75, false))];
    assert_eq!(story(&mut events), [&begin[..], &[Some(("anchor", 75, false)), None]].concat());
}

#[test]
fn whatever_is_lost_the_end_of_a_take_fits_the_ring() {
    let model = CodecModel::embedded().unwrap();
    let armed = Armed::On(ChannelMode::Mono);
    // The ring is a different number of events from full each time.
    for taken in 0..RESERVED_EVENTS + 2 {
        let (mut recorder, mut events) = channel(Arc::default());
        recorder.activate(timing(&model), false);
        fill(&mut recorder, &model, armed);
        for _ in 0..taken {
            events.try_pop();
        }
        recorder.reset();
        second(&mut recorder, &model, 0, armed);
        recorder.reset();
        second(&mut recorder, &model, 0, armed);
        recorder.deactivate();
        assert_eq!(story(&mut events).last(), Some(&Some(("end", 0, false))), "{taken}");
    }
}

#[test]
fn a_frame_that_the_codec_failed_on_is_a_gap() {
    let model = CodecModel::embedded().unwrap();
    let (mut recorder, mut events) = channel(Arc::default());
    recorder.activate(timing(&model), false);
    recorder.begin_block(48_000, Transport::default(), Armed::On(ChannelMode::Mono));
    recorder.frame(&CodedFrame::new(0, FramePlace::default(), &model, &[token(0)], true));
    let found: Vec<RecorderEvent> = std::iter::from_fn(|| events.try_pop()).collect();
    assert!(matches!(
        found[..],
        [
            RecorderEvent::Begin(_),
            RecorderEvent::Anchor(_),
            RecorderEvent::Gap { count: 1, reason: GapReason::CodecFailed }
        ]
    ));
}

/// Both ends of an observer: the recorder, and all frames with their places.
struct Both<'a>(&'a mut Recorder, &'a mut Vec<(FramePlace, TokenFrame)>);

impl sacodec_engine::Observer for Both<'_> {
    fn frame(&mut self, frame: CodedFrame) {
        self.0.frame(&frame);
        self.1.push((frame.place, frame.tokens()[0]));
    }
}

#[test]
fn a_take_ends_where_another_engine_begins_to_listen_and_the_next_begins_where_that_is_heard() {
    let model = CodecModel::embedded().unwrap();
    let engine = |scheduling| {
        let config = EngineConfig { rate_hz: 48_000.0, channels: 1, scheduling };
        Engine::new(&model, config).unwrap()
    };
    let (mut recorder, mut events) = channel(Arc::default());
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    recorder.activate(*relay.engine().timing(), false);
    let mut audio = sacodec_testing::speech_48k()[..240_000].to_vec();
    let (mut frames, mut taken_over) = (Vec::new(), None);
    for (n, block) in audio.chunks_mut(500).enumerate() {
        if n == 100 {
            assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
        }
        if relay.complete() {
            recorder.change_engine(*relay.engine().timing());
            taken_over = Some(frames.len());
        }
        let armed = match relay.is_handing_over() {
            true => Armed::Off(EndReason::LatencyChanged),
            false => Armed::On(ChannelMode::Mono),
        };
        recorder.begin_block(500, Transport::default(), armed);
        relay.process_observed(&mut [block], &Controls::default(), &mut Both(&mut recorder, &mut frames));
        recorder.end_block(relay.engine().next_place());
    }
    recorder.deactivate();
    let (before, after) = frames.split_at(taken_over.unwrap());
    let first = before.iter().filter(|(place, _)| place.start_samples < 50_000.0);
    let wanted = [first.collect::<Vec<_>>(), after.iter().collect()];
    let (mut takes, mut ends, mut latencies) = (Vec::<Vec<TokenFrame>>::new(), Vec::new(), Vec::new());
    while let Some(event) = events.try_pop() {
        match event {
            RecorderEvent::Begin(begin) => {
                takes.push(Vec::new());
                latencies.push(begin.latency_samples as usize);
            }
            RecorderEvent::Frame([tokens, _]) => takes.last_mut().unwrap().push(tokens),
            RecorderEvent::End { reason, length_samples } => ends.push((reason, length_samples)),
            RecorderEvent::Anchor(_) => {}
            RecorderEvent::Gap { count, reason } => panic!("a gap of {count} frames: {reason:?}"),
        }
    }
    assert_eq!(takes.len(), 2);
    for ((take, wanted), what) in takes.iter().zip(wanted).zip(["before", "after"]) {
        assert_eq!(take.len(), wanted.len(), "frames of the take {what}");
        assert!(
            take.iter().zip(wanted).all(|(found, (_, wanted))| found == wanted),
            "tokens of the take {what}"
        );
    }
    assert_eq!(ends[0], (EndReason::LatencyChanged, 50_000), "the first take has all of its frames");
    assert_eq!(ends[1].0, EndReason::Deactivated);
    assert_eq!(latencies[1], relay.engine().latency_samples());
    assert!(latencies[0] > latencies[1]);
}

#[test]
fn a_stop_in_which_no_frame_begins_ends_a_take_where_it_stopped() {
    let model = CodecModel::embedded().unwrap();
    let (on, off) = (Armed::On(ChannelMode::Mono), Armed::Off(EndReason::TransportStopped));
    let (mut recorder, mut events) = channel(Arc::default());
    recorder.activate(timing(&model), false);
    second(&mut recorder, &model, 0, on);
    // Frames begin at 48000 and 48640: this block of 100 samples is between them.
    [(300, on), (100, off), (47_600, on)]
        .into_iter()
        .for_each(|(samples, armed)| recorder.begin_block(samples, Transport::default(), armed));
    let place = |index| FramePlace::of(index, &timing(&model));
    for index in 75..150 {
        recorder.frame(&CodedFrame::new(index, place(index), &model, &[token(index)], false));
    }
    let events: Vec<RecorderEvent> = std::iter::from_fn(|| events.try_pop()).collect();
    let end = events.iter().position(|event| matches!(event, RecorderEvent::End { .. })).expect("it ended");
    assert!(matches!(
        events[end],
        RecorderEvent::End { reason: EndReason::TransportStopped, length_samples: 48_300 }
    ));
    let is_frame = |event: &&RecorderEvent| matches!(event, RecorderEvent::Frame(_));
    assert_eq!(events[..end].iter().filter(is_frame).count(), 76, "the frame that had begun is the last one");
    assert!(matches!(events[end + 1], RecorderEvent::Begin(_)), "another take begins");
    assert_eq!(events[end..].iter().filter(is_frame).count(), 74);
}

#[test]
fn a_take_goes_on_over_a_reset_and_over_blocks_of_every_size() {
    let model = CodecModel::embedded().unwrap();
    let on = Armed::On(ChannelMode::Mono);
    let (mut recorder, mut events) = channel(Arc::default());
    recorder.activate(timing(&model), false);
    for round in 0..3 {
        for number in 0..3 {
            second(&mut recorder, &model, number, on);
        }
        recorder.begin_block(10 * round, Transport::default(), on);
        recorder.reset();
    }
    assert!(!std::iter::from_fn(|| events.try_pop()).any(|event| matches!(event, RecorderEvent::End { .. })));
}

#[test]
fn a_pass_that_begins_while_the_ring_is_full_has_its_anchor_in_the_gap() {
    let model = CodecModel::embedded().unwrap();
    let armed = Armed::On(ChannelMode::Mono);
    let (mut recorder, mut events) = channel(Arc::default());
    recorder.activate(timing(&model), false);
    let seconds = fill(&mut recorder, &model, armed);
    let lost = recorder.counts.lost_frames.load(Relaxed) as u32;
    // The codec begins afresh 300 samples into the next second, on a grid of its own.
    let pass_samples = (seconds * 48_000 + 300) as f64;
    let pass_second = |recorder: &mut Recorder, number: u64| {
        recorder.begin_block(48_000, Transport::default(), armed);
        for index in number * 75..(number + 1) * 75 {
            let start_samples = pass_samples - 100.0 + index as f64 * 640.0;
            let place = FramePlace { start_samples, pass_samples };
            recorder.frame(&CodedFrame::new(index, place, &model, &[token(index)], false));
        }
    };
    pass_second(&mut recorder, 0);
    assert_eq!(story(&mut events), [Some(("begin", 0, true)), Some(("anchor", 0, true)), None]);
    pass_second(&mut recorder, 1);
    let frames = 75 * seconds as u32;
    let found = story(&mut events);
    let gap = [Some(("gap", lost, false)), Some(("anchor", frames, true)), Some(("gap", 75, false))];
    assert_eq!(found, [&gap[..], &[Some(("anchor", frames + 75, false)), None]].concat());
}

#[test]
fn frames_that_began_before_the_stream_begin_no_take() {
    let model = CodecModel::embedded().unwrap();
    let (mut recorder, mut events) = channel(Arc::default());
    recorder.activate(timing(&model), false);
    recorder.begin_block(48_000, Transport::default(), Armed::On(ChannelMode::Mono));
    // An engine that has taken over codes silence to complete what it heard before.
    for (start_samples, pass_samples) in [(-1280.0, -9000.0), (-640.0, -9000.0), (-100.0, -40.0)] {
        let place = FramePlace { start_samples, pass_samples };
        recorder.frame(&CodedFrame::new(7, place, &model, &[token(7)], false));
    }
    assert!(events.try_pop().is_none(), "a take of frames that nobody asked for");
    let place = FramePlace { start_samples: 0.0, pass_samples: -9000.0 };
    recorder.frame(&CodedFrame::new(9, place, &model, &[token(9)], false));
    assert!(matches!(events.try_pop(), Some(RecorderEvent::Begin(_))));
}

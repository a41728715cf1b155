//! What is taken out of a take is what the engine lost while the take was recorded.

use std::path::PathBuf;

use sacodec_codec::CodecModel;
use sacodec_engine::{Controls, Engine, EngineConfig, Loss, LossModel, Network, Scheduling};
use sacodec_take::settings::Destination;
use sacodec_take::{
    Anchor, Armed, ChannelMode, EndReason, GapReason, Header, Take, TakeError, TakeSerializer, TakeSource,
    TakeThread,
};
use sacodec_testing::noise;
use sacodec_token::Transport;

use super::{header, small_take};

const LOSS: Loss = Loss {
    model: LossModel::Random,
    rate: 0.5,
    mean_burst_packets: 1.0,
    packet_frames: 1,
    streams: sacodec_engine::LossyStreams::Both,
    seed: 7,
};
const BLOCK: usize = 500;
/// Blocks before the transport starts, and after it.
const BLOCKS: [usize; 2] = [21, 60];

struct Folder(PathBuf);

impl TakeSource for Folder {
    fn destination(&self) -> Destination {
        Destination { folders: vec![self.0.clone()], ..Destination::default() }
    }

    fn track(&self) -> Option<String> {
        None
    }
}

/// What is recorded: the transport starts at `position_samples`, where the codec begins afresh if it `is_locked`.
#[derive(Debug, Clone, Copy)]
struct Story {
    rate_hz: f64,
    position_samples: f64,
    is_locked: bool,
    /// The block from which on the take is recorded.
    record_from: usize,
}

/// The take, and of each of its frames whether the engine lost it.
fn recorded(Story { rate_hz, position_samples, is_locked, record_from }: Story) -> (Take, Vec<bool>) {
    let folder = tempfile::tempdir().unwrap();
    let model = CodecModel::embedded().unwrap();
    let config = EngineConfig { rate_hz, channels: 1, scheduling: Scheduling::Burst };
    let mut engine = Engine::new(&model, config).unwrap();
    let controls = Controls { network: Network { loss: LOSS, ..Network::default() }, ..Controls::default() };
    let (mut recorder, thread) = TakeThread::spawn(Folder(folder.path().into())).unwrap();
    recorder.activate(*engine.timing(), true);
    let mut lost = Vec::new();
    for number in 0..BLOCKS[0] + BLOCKS[1] {
        let playing = number >= BLOCKS[0];
        let played_samples = (BLOCK * number.saturating_sub(BLOCKS[0])) as f64;
        let place_samples = position_samples + played_samples;
        let armed = match number >= record_from {
            true => Armed::On(ChannelMode::Mono),
            false => Armed::Off(EndReason::RecordOff),
        };
        if is_locked && number == BLOCKS[0] {
            engine.begin_at(place_samples);
        }
        let transport = Transport { playing, position_samples: Some(place_samples), ..Transport::default() };
        recorder.begin_block(BLOCK, transport, armed);
        let mut block = noise(number as u32, BLOCK, 0.3);
        engine.process(&mut [&mut block], &controls, |frame| {
            recorder.frame(&frame);
            // A pass may begin inside its first frame.
            if frame.place.start_samples.max(frame.place.pass_samples) >= (BLOCK * record_from) as f64 {
                lost.push(frame.lost.any());
            }
        });
        recorder.end_block(engine.next_place());
    }
    recorder.deactivate();
    let watch = thread.watch();
    drop(thread);
    (Take::open(&watch.status().last.unwrap()).unwrap(), lost)
}

#[test]
fn a_take_loses_what_the_engine_lost_while_it_was_recorded() {
    for rate_hz in [48_000.0, 44_100.0, 47_952.0, 8000.0, 192_000.0] {
        for (position_samples, is_locked, record_from) in [
            // From before the start on, from the start on, and from later on.
            (96_123.0, true, 0),
            (96_123.0, true, BLOCKS[0]),
            (-7001.0, true, BLOCKS[0] + 13),
            (1e9 + 7.0, true, 3),
            // The codec runs on.
            (96_123.4, false, 0),
            (96_123.4, false, 5),
        ] {
            let story = Story { rate_hz, position_samples, is_locked, record_from };
            let (mut take, lost) = recorded(story);
            assert!(take.frames() > 5 && take.present_frames() == take.frames(), "{story:?}");
            take.lose(|frame| LOSS.lost(frame, None).any()).unwrap();
            let found: Vec<bool> = take.iter().map(|frame| frame.is_none()).collect();
            assert_eq!(found, lost[..found.len()], "{story:?}");
        }
    }
}

/// The numbers of a take's frames.
fn numbers(bytes: &[u8]) -> Vec<i64> {
    let mut numbers = Vec::new();
    Take::parse(bytes)
        .unwrap()
        .lose(|number| {
            numbers.push(number);
            false
        })
        .unwrap();
    numbers
}

#[test]
fn frames_count_on_over_gaps_and_jumps_and_from_where_the_codec_begins_afresh() {
    // It has a gap of two frames, and a jump over which the codec runs on.
    let (bytes, _) = small_take(10, 1);
    assert_eq!(numbers(&bytes), [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]);

    let begins = |position_samples: Option<f64>, stream_samples: f64| Anchor {
        codec_reset: true,
        playing: true,
        position_samples,
        stream_samples,
        ..Anchor::default()
    };
    let with = |stream_frame: Option<u64>, anchors: &[Option<Anchor>]| {
        let mut writer = TakeSerializer::new(Header { stream_frame, ..header(1) }).unwrap();
        for anchor in anchors {
            anchor.iter().for_each(|anchor| writer.anchor(*anchor));
            writer.frame(&[Default::default()]).unwrap();
        }
        writer.finish("test", None, vec![]);
        numbers(&writer.take_bytes())
    };
    assert_eq!(with(None, &[None, None]), [0, 1]);
    assert_eq!(with(Some(70), &[None, None]), [70, 71]);
    assert_eq!(with(Some(70), &[Some(begins(None, 0.0)), None]), [70, 71]);
    let later = Some(begins(Some(6400.0 - 48.0), 1280.0 - 48.0));
    assert_eq!(with(None, &[Some(begins(None, -48.0)), None, later, None]), [0, 1, 10, 11]);
    let off_the_grid = Some(begins(Some(6500.0), 1280.0 - 48.0));
    assert_eq!(with(Some(70), &[Some(begins(None, -48.0)), None, off_the_grid, None]), [70, 71, 0, 1]);
    for absurd in [1e300, -1e300] {
        assert_eq!(with(Some(u64::MAX), &[Some(begins(Some(absurd), 0.0)), None]).len(), 2);
    }
}

#[test]
fn what_no_reader_would_accept_is_refused() {
    let whole = |frames: u32| {
        let mut writer = TakeSerializer::new(header(1)).unwrap();
        (0..frames).for_each(|_| writer.frame(&[Default::default()]).unwrap());
        writer.finish("test", None, vec![]);
        Take::parse(&writer.take_bytes()).unwrap()
    };
    let mut take = whole(270_000);
    assert_eq!(take.lose(|_| true).unwrap(), 270_000);
    assert!(take.gaps.iter().all(|gap| gap.reason == GapReason::Rehearsed));
    Take::parse(&take.repaired().unwrap()).unwrap();
    let refused = whole(270_001).lose(|_| true);
    assert!(matches!(refused, Err(TakeError::MostlyLost { missing: 270_001, present: 0 })), "{refused:?}");
}

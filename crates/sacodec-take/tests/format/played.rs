//! A take that is played in place of the input sounds as it was recorded.

use std::path::PathBuf;
use std::sync::Arc;

use sacodec_codec::CodecModel;
use sacodec_engine::{
    Controls, Engine, EngineConfig, LostStreams, Playback, Scheduling, TokenSource, TokenTrack,
};
use sacodec_take::settings::Destination;
use sacodec_take::{
    Anchor, Armed, ChannelMode, EndReason, GapReason, Header, Take, TakeSerializer, TakeSource, TakeThread,
};
use sacodec_testing::{Blocks, assert_same, noise, speech_48k};
use sacodec_token::{TokenFrame, Transport};

use super::{anchor, header, tokens_of};

struct Folder(PathBuf);

impl TakeSource for Folder {
    fn destination(&self) -> Destination {
        Destination { folders: vec![self.0.clone()], ..Destination::default() }
    }

    fn track(&self) -> Option<String> {
        None
    }
}

const PLAYED: Playback = Playback { source: TokenSource::Take, shift_frames: 0, freeze: false };
const BLOCK: usize = 480;

fn engine(rate_hz: f64, scheduling: Scheduling) -> Engine {
    let config = EngineConfig { rate_hz, channels: 1, scheduling };
    Engine::new(&CodecModel::embedded().unwrap(), config).unwrap()
}

/// Records `material` from `position_samples` of the timeline on: what was heard, without latency, and the take. The codec
/// begins afresh there if it `is_locked`, else with the stream, at the same place.
fn record(rate_hz: f64, position_samples: f64, is_locked: bool, material: &[f32]) -> (Vec<f32>, Take) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(rate_hz, Scheduling::Spread);
    let (mut recorder, thread) = TakeThread::spawn(Folder(folder.path().into())).unwrap();
    recorder.activate(*engine.timing(), true);
    if is_locked {
        engine.begin_at(position_samples);
    }
    let latency = engine.latency_samples();
    let mut heard = Vec::new();
    let input = [material, &vec![0.0; 2 * latency]].concat();
    for (number, block) in input.chunks(BLOCK).enumerate() {
        let place_samples = position_samples + (number * BLOCK) as f64;
        let transport =
            Transport { playing: true, position_samples: Some(place_samples), ..Transport::default() };
        let armed = match number * BLOCK < material.len() {
            true => Armed::On(ChannelMode::Mono),
            false => Armed::Off(EndReason::RecordOff),
        };
        let mut block = block.to_vec();
        recorder.begin_block(block.len(), transport, armed);
        engine.process(&mut [&mut block], &Controls::default(), |frame| recorder.frame(&frame));
        recorder.end_block(engine.next_place());
        heard.extend(block);
    }
    recorder.deactivate();
    let watch = thread.watch();
    drop(thread);
    (heard[latency..][..material.len()].to_vec(), Take::open(&watch.status().last.unwrap()).unwrap())
}

/// What is heard of `input`, without latency, where the transport starts at `position_samples` and `track` is played.
fn play(
    engine: &mut Engine,
    track: &Arc<TokenTrack>,
    playback: Playback,
    position_samples: f64,
    input: &[f32],
    blocks: Blocks,
) -> Vec<f32> {
    let latency = engine.latency_samples();
    engine.set_track(Some(track.clone()));
    engine.set_playback(playback);
    engine.begin_at(position_samples);
    let mut out = [input, &vec![0.0; latency]].concat();
    let mut start = 0;
    for block in blocks.sizes(out.len()) {
        engine.process(&mut [&mut out[start..start + block]], &Controls::default(), |_| {});
        start += block;
    }
    let stats = engine.stats();
    assert_eq!((stats.underruns, stats.errors, stats.failed_frames), (0, 0, 0), "{stats:?}");
    out.split_off(latency)
}

#[test]
fn a_take_is_played_as_it_was_recorded_wherever_playing_starts_before_it() {
    let speech = speech_48k()[20_000..60_000].to_vec();
    for rate_hz in [48_000.0, 44_100.0, 16_000.0, 24_000.0] {
        for (position, is_locked) in [(96_123.0, true), (96_123.0, false), (96_000.0, true), (-7001.0, true)]
        {
            let (recorded, take) = record(rate_hz, position, is_locked, &speech);
            let track = Arc::new(take.track());
            assert_eq!(track.frames(), take.frames() as usize);
            for (early, blocks, scheduling) in [
                (0, Blocks::Fixed(512), Scheduling::Spread),
                (1, Blocks::Fixed(64), Scheduling::Burst),
                (9999, Blocks::Random { seed: 3, max: 2000 }, Scheduling::Spread),
                (20_000, Blocks::Fixed(16_384), Scheduling::Burst),
            ] {
                let what = format!("{rate_hz} Hz, {position}, locked: {is_locked}, {early} samples early");
                let input = noise(7, early + speech.len() + 20_000, 0.3);
                let start = position - early as f64;
                let mut engine = engine(rate_hz, scheduling);
                let found = play(&mut engine, &track, PLAYED, start, &input, blocks);
                // The last frames are not whole, and what follows them is the input.
                let whole = speech.len() - (0.06 * rate_hz) as usize;
                assert_same(&found[early..][..whole], &recorded[..whole], 0.0, &what);
                let after = &found[early + speech.len() + 5000..];
                assert!(after.iter().any(|sample| sample.abs() > 0.01), "{what}: then the input is heard");
            }
        }
    }
}

#[test]
fn a_take_that_is_shifted_sounds_the_same_elsewhere() {
    let speech = speech_48k()[20_000..50_000].to_vec();
    let (recorded, take) = record(48_000.0, 96_123.0, true, &speech);
    let track = Arc::new(take.track());
    for shift_frames in [-75, 4] {
        let input = noise(7, speech.len() + 1000, 0.3);
        let start = 96_123.0 + 640.0 * f64::from(shift_frames) - 1000.0;
        let mut engine = engine(48_000.0, Scheduling::Spread);
        let playback = Playback { shift_frames, ..PLAYED };
        let found = play(&mut engine, &track, playback, start, &input, Blocks::Fixed(512));
        let whole = speech.len() - 3000;
        assert_same(&found[1000..][..whole], &recorded[..whole], 0.0, &format!("{shift_frames} frames"));
    }
}

/// The tokens that are sent of `input`, played from position 0 on.
fn sent(
    track: Option<&Arc<TokenTrack>>,
    playback: Playback,
    input: &[f32],
) -> Vec<(TokenFrame, LostStreams)> {
    let mut engine = engine(24_000.0, Scheduling::Burst);
    engine.set_track(track.cloned());
    engine.set_playback(playback);
    engine.begin_at(0.0);
    let mut sent = Vec::new();
    let mut audio = input.to_vec();
    engine
        .process(&mut [&mut audio], &Controls::default(), |frame| sent.push((frame.tokens()[0], frame.lost)));
    sent
}

/// A take of `header` from frame 10 on, of 20 frames, of which the fifth and sixth are missing.
fn take(header: Header) -> Take {
    let mut writer = TakeSerializer::new(header).unwrap();
    writer.anchor(Anchor { codec_reset: true, ..anchor(3200.0) });
    for n in 0..18 {
        if n == 4 {
            writer.gap(2, GapReason::RingFull).unwrap();
        }
        writer.frame(&[TokenFrame { semantic: 900 + n, acoustic: 500 + n }]).unwrap();
    }
    writer.finish("test", None, Vec::new());
    Take::parse(&writer.take_bytes()).unwrap()
}

fn of_this_pack() -> Header {
    Header::new(&CodecModel::embedded().unwrap(), 1, 24_000.0)
}

#[test]
fn each_stream_comes_from_where_it_is_said_to() {
    let input = noise(3, 60 * 320, 0.3);
    let coded = sent(None, PLAYED, &input);
    let take = take(of_this_pack());
    let track = Arc::new(take.track());
    let played = tokens_of(&take);
    for (source, semantic, acoustic) in [
        (TokenSource::Input, false, false),
        (TokenSource::Take, true, true),
        (TokenSource::TakeSemantic, true, false),
        (TokenSource::TakeAcoustic, false, true),
    ] {
        let found = sent(Some(&track), Playback { source, ..PLAYED }, &input);
        assert_eq!(found.len(), coded.len());
        for (n, ((tokens, lost), (of_input, _))) in found.iter().zip(&coded).enumerate() {
            let of_take = played.get(n.wrapping_sub(10));
            let is_missing = of_take == Some(&None);
            let expected = LostStreams { semantic: semantic && is_missing, acoustic: acoustic && is_missing };
            assert_eq!(*lost, expected, "{source:?}, frame {n}");
            let of_take = of_take.cloned().flatten().map_or(*of_input, |frame| frame[0]);
            if (11..30).contains(&n) && !semantic && !acoustic || n < 10 {
                assert_eq!(tokens, of_input, "{source:?}, frame {n}");
            }
            // What the input has from frame 10 on is coded by a codec that began afresh there.
            if semantic && (10..30).contains(&n) && !is_missing {
                assert_eq!(tokens.semantic, of_take.semantic, "{source:?}, frame {n}");
            }
            if acoustic && (10..30).contains(&n) && !is_missing {
                assert_eq!(tokens.acoustic, of_take.acoustic, "{source:?}, frame {n}");
            }
        }
        let swapped = (10..30).filter(|&n| found[n].0 != coded[n].0).count();
        assert!(
            swapped >= 17 || source == TokenSource::Input,
            "{source:?}: {swapped} frames are of the take"
        );
    }
}

#[test]
fn a_take_of_another_pack_is_not_played() {
    let input = noise(3, 40 * 320, 0.3);
    let other = Arc::new(take(Header { host_rate_hz: 24_000.0, ..header(1) }).track());
    assert_eq!(other.pack(), "test 1");
    assert_eq!(sent(Some(&other), PLAYED, &input), sent(None, PLAYED, &input));
}

#[test]
fn frozen_tokens_stay_until_they_are_let_go() {
    let input = noise(3, 30 * 320, 0.3);
    let coded: Vec<_> =
        sent(None, Playback::default(), &input).into_iter().map(|(tokens, _)| tokens).collect();
    let mut engine = engine(24_000.0, Scheduling::Burst);
    let mut found = Vec::new();
    for (n, hop) in input.chunks(320).enumerate() {
        engine.set_playback(Playback { freeze: (10..20).contains(&n), ..Playback::default() });
        engine.process(&mut [&mut hop.to_vec()], &Controls::default(), |frame| found.push(frame.tokens()[0]));
    }
    let expected: Vec<_> = (0..30).map(|n| coded[if (10..20).contains(&n) { 9 } else { n }]).collect();
    assert_eq!(found, expected);
    let always = sent(None, Playback { freeze: true, ..Playback::default() }, &input);
    assert!(
        always.iter().all(|(tokens, _)| *tokens == coded[0]),
        "the first frame, for want of one before it"
    );
}

#[test]
fn frames_are_laid_on_the_timeline_by_their_anchors() {
    let stretches = |anchors: &[Anchor], frames: u32| {
        let mut writer = TakeSerializer::new(header(1)).unwrap();
        for index in 0..frames {
            for anchor in anchors.iter().filter(|anchor| anchor.index == index) {
                writer.anchor(*anchor);
            }
            writer.frame(&[TokenFrame::default()]).unwrap();
        }
        writer.finish("test", None, Vec::new());
        let track = Take::parse(&writer.take_bytes()).unwrap().track();
        let told = |s: &sacodec_token::Stretch| (s.begin_frames, s.tokens.len(), s.fresh_frames);
        track.stretches().iter().map(told).collect::<Vec<_>>()
    };
    let at = |index: u32, position: f64| Anchor {
        index,
        stream_samples: 640.0 * f64::from(index) - 63.0,
        ..anchor(position - 63.0)
    };
    let reset = |anchor| Anchor { codec_reset: true, ..anchor };
    assert_eq!(stretches(&[reset(at(0, 640.0))], 9), [(1.0, 9, Some(1.0))], "one stretch");
    let tempo = [reset(at(0, 640.0)), Anchor { tempo_bpm: Some(90.0), ..at(4, 5.0 * 640.0) }];
    assert_eq!(stretches(&tempo, 9), [(1.0, 9, Some(1.0))], "another tempo is no jump");
    let jump = [reset(at(0, 640.0)), at(4, 12_900.0)];
    assert_eq!(
        stretches(&jump, 9),
        [(1.0, 4, Some(1.0)), (20.15625, 5, None)],
        "a jump, and the codec runs on"
    );
    let inside = Anchor { pass_samples: Some(100.0 - 63.0), ..reset(at(0, 640.0)) };
    assert_eq!(stretches(&[inside], 3), [(1.0, 3, Some(1.0 + 37.0 / 640.0))], "it began inside the frame");
    let stop = [reset(at(0, 640.0)), Anchor { playing: false, ..at(4, 3200.0) }, at(6, 6400.0)];
    assert_eq!(
        stretches(&stop, 9),
        [(1.0, 4, Some(1.0)), (10.0, 3, None)],
        "what was coded while it stood is left out"
    );
    let never = [Anchor { playing: false, ..reset(at(0, 999.0)) }];
    assert_eq!(stretches(&never, 9), [(0.0, 9, Some(0.0))], "without a place: at the beginning");
    let again = [reset(at(0, 6400.0)), reset(at(4, 6400.0))];
    assert_eq!(stretches(&again, 7), [(10.0, 3, Some(10.0)), (13.0, 1, None)], "the second time counts");
}

/// The take of these stretches, each from a frame of the timeline on, with names of its own; at 24 kHz.
fn laid(stretches: &[(f64, std::ops::Range<u16>)]) -> Arc<TokenTrack> {
    let mut writer = TakeSerializer::new(of_this_pack()).unwrap();
    for (begin, names) in stretches {
        let index = writer.next_index();
        writer.anchor(Anchor { index, codec_reset: true, ..anchor(begin * 320.0) });
        for semantic in names.clone() {
            writer.frame(&[TokenFrame { semantic, acoustic: 1000 - semantic }]).unwrap();
        }
    }
    writer.finish("test", None, Vec::new());
    Arc::new(Take::parse(&writer.take_bytes()).unwrap().track())
}

#[test]
fn what_is_sent_does_not_depend_on_blocks_where_the_codec_begins_afresh_inside_them() {
    let track =
        laid(&[(10.0, 0..20), (30.0, 100..110), (45.3, 200..220), (70.0, 300..310), (78.5, 400..420)]);
    let told = |blocks: Blocks| {
        let mut engine = engine(48_000.0, Scheduling::Spread);
        engine.set_track(Some(track.clone()));
        engine.set_playback(PLAYED);
        engine.begin_at(-500.0);
        let mut audio = noise(4, 110 * 640, 0.3);
        let (mut told, mut start) = (Vec::new(), 0);
        for block in blocks.sizes(audio.len()) {
            engine.process(&mut [&mut audio[start..start + block]], &Controls::default(), |frame| {
                told.push((frame.index, frame.place, frame.tokens()[0], frame.played, frame.lost));
            });
            start += block;
        }
        (told, audio)
    };
    let (expected, heard) = told(Blocks::Fixed(512));
    let played = |range: std::ops::Range<u16>| {
        let sent = expected
            .iter()
            .filter(|(.., tokens, played, _)| *played == [true; 2] && range.contains(&tokens.semantic));
        sent.count()
    };
    let counts = [0..20, 100..110, 200..220, 300..310, 400..420].map(played);
    // The last two begin between frames: the one before is nearest to their first, and is heard until they begin.
    assert_eq!(counts, [20, 10, 21, 8, 21], "frames of each stretch; two of the fourth are under the fifth");
    for blocks in
        [Blocks::Fixed(1), Blocks::Fixed(777), Blocks::Fixed(16_384), Blocks::Random { seed: 5, max: 3000 }]
    {
        let (again, audio) = told(blocks);
        assert_eq!(again, expected, "{blocks:?}");
        assert_same(&audio, &heard, 0.0, &format!("{blocks:?}"));
    }
}

#[test]
fn a_gap_of_a_take_is_what_is_heard_in_its_place_also_when_it_is_frozen_or_recorded() {
    let input = noise(3, 40 * 320, 0.3);
    let track = Arc::new(take(of_this_pack()).track());
    let mut engine = engine(24_000.0, Scheduling::Burst);
    engine.set_track(Some(track));
    engine.begin_at(0.0);
    let mut found = Vec::new();
    for (n, hop) in input.chunks(320).enumerate() {
        engine.set_playback(Playback { freeze: (16..20).contains(&n), ..PLAYED });
        engine.process(&mut [&mut hop.to_vec()], &Controls::default(), |frame| {
            found.push(frame.tokens()[0].semantic)
        });
    }
    // Frames 14 and 15 are missing, and then what is heard of them is frozen.
    assert_eq!(found[10..22], [900, 901, 902, 903, 903, 903, 903, 903, 903, 903, 908, 909]);
}

#[test]
fn a_take_that_claims_tokens_which_its_pack_has_not_lets_the_input_through() {
    let mut header = of_this_pack();
    header.codebooks.semantic = 60_000;
    let mut writer = TakeSerializer::new(header).unwrap();
    writer.anchor(Anchor { codec_reset: true, ..anchor(0.0) });
    (0..30).for_each(|n| writer.frame(&[TokenFrame { semantic: 50_000 + n, acoustic: n }]).unwrap());
    writer.finish("test", None, Vec::new());
    let track = Arc::new(Take::parse(&writer.take_bytes()).unwrap().track());
    let input = noise(3, 30 * 320, 0.3);
    assert_eq!(sent(Some(&track), PLAYED, &input), sent(None, PLAYED, &input));
}

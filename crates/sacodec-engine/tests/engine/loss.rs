//! Packets are lost between encoder and decoder, and concealed.

use std::sync::Arc;

use sacodec_codec::{CodecModel, StreamGain, TokenFrame};
use sacodec_engine::{
    Channels, Concealment, Controls, Engine, EngineConfig, FramePlace, Loss, LossModel, LossTrace,
    LossyStreams, LostStreams, Network, Scheduling, TokenDecoder,
};
use sacodec_testing::{Blocks, assert_same, noise, speech_24k, speech_48k};

/// Host samples of a hop at 48 kHz.
const HOP: usize = 640;

const WAYS: [Concealment; 3] = [Concealment::Silence, Concealment::Repeat, Concealment::Fade];

fn bursty(concealment: Concealment) -> Network {
    let loss = Loss { model: LossModel::Bursty, rate: 0.2, seed: 7, ..Loss::default() };
    Network { loss, concealment }
}

fn controls(network: Network) -> Controls {
    Controls { network, channels: Channels::DualMono, ..Controls::default() }
}

fn engine(rate_hz: f64, channels: usize, scheduling: Scheduling) -> Engine {
    Engine::new(&CodecModel::embedded().unwrap(), EngineConfig { rate_hz, channels, scheduling }).unwrap()
}

/// A frame as it was told.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    place: FramePlace,
    tokens: Vec<TokenFrame>,
    lost: LostStreams,
}

/// What comes out of `input` on each of the channels, and the frames.
fn render(
    engine: &mut Engine,
    network: Network,
    input: &[f32],
    blocks: Blocks,
) -> (Vec<Vec<f32>>, Vec<Told>) {
    let mut out = vec![input.to_vec(); engine.config().channels];
    let (mut told, mut start) = (Vec::new(), 0);
    for block in blocks.sizes(input.len()) {
        let mut slices: Vec<&mut [f32]> = out.iter_mut().map(|c| &mut c[start..start + block]).collect();
        engine.process(&mut slices, &controls(network), |frame| {
            told.push(Told { place: frame.place, tokens: frame.tokens().to_vec(), lost: frame.lost });
        });
        start += block;
    }
    let stats = engine.stats();
    assert_eq!((stats.underruns, stats.errors, stats.failed_frames), (0, 0, 0), "{stats:?}");
    (out, told)
}

#[test]
fn where_nothing_is_lost_nothing_changes() {
    let speech = &speech_48k()[..60_000];
    let rendered = |network| {
        let blocks = Blocks::Fixed(480);
        render(&mut engine(48_000.0, 1, Scheduling::Spread), network, speech, blocks)
    };
    let (expected, told) = rendered(Network::default());
    assert!(told.iter().all(|frame| !frame.lost.any()));
    for concealment in WAYS {
        for model in [LossModel::Off, LossModel::Random, LossModel::Bursty, LossModel::Trace] {
            let loss = Loss { model, rate: 0.0, ..Loss::default() };
            let (found, again) = rendered(Network { loss, concealment });
            assert_same(&found[0], &expected[0], 0.0, &format!("{model:?}, {concealment:?}"));
            assert_eq!(again, told);
        }
    }
}

#[test]
fn loss_and_its_sound_do_not_depend_on_blocks() {
    let speech = &speech_48k()[..50_000];
    for scheduling in [Scheduling::Spread, Scheduling::Burst] {
        for concealment in WAYS {
            let network = bursty(concealment);
            let rendered = |blocks| render(&mut engine(48_000.0, 2, scheduling), network, speech, blocks);
            let (expected, told) = rendered(Blocks::Fixed(512));
            assert!(told.iter().any(|frame| frame.lost.any()));
            for blocks in [Blocks::Fixed(1), Blocks::Fixed(16_384), Blocks::Random { seed: 3, max: 2000 }] {
                let (found, again) = rendered(blocks);
                let what = format!("{scheduling:?}, {concealment:?}, {blocks:?}");
                assert_eq!(again, told, "{what}");
                for (found, expected) in found.iter().zip(&expected) {
                    assert_same(found, expected, 0.0, &what);
                }
            }
        }
    }
}

#[test]
fn the_tokens_that_are_told_are_those_that_were_sent() {
    let speech = &speech_48k()[..50_000];
    let rendered =
        |network| render(&mut engine(48_000.0, 1, Scheduling::Burst), network, speech, Blocks::Fixed(480)).1;
    let (whole, lossy) = (rendered(Network::default()), rendered(bursty(Concealment::Fade)));
    assert!(whole.iter().zip(&lossy).all(|(whole, lossy)| whole.tokens == lossy.tokens));
}

/// Frame 0 of the timeline begins at position 0, and from there on loss is counted, wherever one starts.
#[test]
fn what_is_lost_depends_on_the_place_on_the_timeline() {
    let Network { loss, .. } = bursty(Concealment::Fade);
    for rate_hz in [48_000.0, 44_100.0, 16_000.0, 45_678.901] {
        for position in [0.0, 12_345.0, -7000.0, 1e9 + 13.0] {
            let mut engine = engine(rate_hz, 1, Scheduling::Spread);
            let hop = engine.timing().frame_start_samples(1);
            render(&mut engine, bursty(Concealment::Fade), &noise(3, 5000, 0.3), Blocks::Fixed(100));
            engine.begin_at(position);
            let (_, told) =
                render(&mut engine, bursty(Concealment::Fade), &noise(4, 40_000, 0.3), Blocks::Fixed(100));
            let of_pass: Vec<_> = told.iter().filter(|frame| frame.place.pass_samples == 5000.0).collect();
            assert!(of_pass.len() > 40, "{} frames", of_pass.len());
            for frame in of_pass {
                let number = ((frame.place.start_samples - 5000.0 + position) / hop).round() as i64;
                assert_eq!(frame.lost, loss.lost(number, None), "{rate_hz} Hz, frame {number}");
            }
        }
    }
}

#[test]
fn a_pass_over_the_same_bars_loses_and_sounds_the_same_whatever_came_before() {
    let speech = &speech_48k()[20_000..50_000];
    let passes = [(0, Blocks::Fixed(512)), (9999, Blocks::Fixed(777))].map(|(history, blocks)| {
        let mut engine = engine(48_000.0, 2, Scheduling::Spread);
        let network = bursty(Concealment::Fade);
        render(&mut engine, network, &noise(3, history, 0.3), blocks);
        engine.begin_at(123_457.0);
        let (mut out, _) = render(&mut engine, network, speech, blocks);
        out.iter_mut().for_each(|channel| drop(channel.drain(..engine.latency_samples())));
        out
    });
    for (found, expected) in passes[1].iter().zip(&passes[0]) {
        assert_same(found, expected, 0.0, "a pass");
    }
}

/// A trace that loses all frames from `from` to `to`.
fn hole(from: usize, to: usize) -> Arc<LossTrace> {
    let packets = (0..1000).map(|n| if (from..to).contains(&n) { '1' } else { '0' });
    Arc::new(LossTrace::parse(&packets.collect::<String>()).unwrap())
}

fn traced(streams: LossyStreams, concealment: Concealment) -> Network {
    let loss = Loss { model: LossModel::Trace, packet_frames: 1, streams, ..Loss::default() };
    Network { loss, concealment }
}

#[test]
fn what_is_lost_is_not_heard() {
    let before = speech_48k()[..40_000].to_vec();
    let futures = [noise(1, 30_000, 0.5), vec![0.0; 30_000]];
    for concealment in WAYS {
        let heard = futures.each_ref().map(|future| {
            let mut engine = engine(48_000.0, 1, Scheduling::Burst);
            assert!(engine.set_trace(Some(hole(60, 1000))).is_none());
            let input = [&before[..], future].concat();
            let network = traced(LossyStreams::Both, concealment);
            render(&mut engine, network, &input, Blocks::Fixed(480)).0.remove(0)
        });
        assert_same(&heard[0], &heard[1], 0.0, &format!("{concealment:?}"));
        let level = heard[0].iter().fold(0.0_f32, |level, sample| level.max(sample.abs()));
        assert!(level > 0.01, "what arrived is heard");
    }
}

/// All of `streams` is lost from the first frame on.
fn all_lost(streams: LossyStreams, concealment: Concealment) -> Network {
    let loss = Loss { model: LossModel::Random, rate: 1.0, streams, ..Loss::default() };
    Network { loss, concealment }
}

#[test]
fn before_a_semantic_token_has_arrived_there_is_silence() {
    let speech = &speech_48k()[..60_000];
    for streams in [LossyStreams::Both, LossyStreams::Semantic] {
        for concealment in WAYS {
            let mut engine = engine(48_000.0, 1, Scheduling::Spread);
            let (out, told) = render(&mut engine, all_lost(streams, concealment), speech, Blocks::Fixed(480));
            assert!(told.iter().all(|frame| frame.lost.any()));
            assert_same(&out[0], &vec![0.0; speech.len()], 0.0, &format!("{streams:?}, {concealment:?}"));
        }
    }
}

#[test]
fn before_an_acoustic_token_has_arrived_the_semantic_stream_is_heard_alone() {
    let speech = &speech_48k()[..60_000];
    let alone = {
        let controls = Controls { streams: StreamGain::SEMANTIC_ONLY, ..controls(Network::default()) };
        let mut out = speech.to_vec();
        engine(48_000.0, 1, Scheduling::Spread).process(&mut [&mut out], &controls, |_| {});
        out
    };
    assert!(alone.iter().any(|sample| sample.abs() > 0.01), "it is heard");
    for concealment in WAYS {
        let mut engine = engine(48_000.0, 1, Scheduling::Spread);
        let network = all_lost(LossyStreams::Acoustic, concealment);
        let (out, told) = render(&mut engine, network, speech, Blocks::Fixed(480));
        assert!(told.iter().all(|frame| frame.lost.any()));
        let expected = match concealment {
            Concealment::Silence => &vec![0.0; speech.len()],
            Concealment::Repeat | Concealment::Fade => &alone,
        };
        assert_same(&out[0], expected, 0.0, &format!("{concealment:?}"));
    }
}

#[test]
fn a_stream_that_arrives_is_heard_while_the_other_is_lost() {
    let speech = &speech_48k()[..60_000];
    let heard = |streams| {
        let mut engine = engine(48_000.0, 1, Scheduling::Spread);
        engine.set_trace(Some(hole(30, 1000)));
        render(&mut engine, traced(streams, Concealment::Repeat), speech, Blocks::Fixed(480)).0.remove(0)
    };
    let all = [LossyStreams::Both, LossyStreams::Semantic, LossyStreams::Acoustic].map(heard);
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        assert!(all[one] != all[other], "{one} and {other}");
    }
}

#[test]
fn concealment_begins_where_a_frame_is_lost_and_never_clicks() {
    let speech = speech_24k();
    let (from, to) = (100, 106);
    let rendered = |trace, concealment| {
        let mut engine = engine(24_000.0, 1, Scheduling::Burst);
        engine.set_trace(trace);
        let latency = engine.latency_samples();
        let network = traced(LossyStreams::Both, concealment);
        let (mut out, _) = render(&mut engine, network, &speech, Blocks::Fixed(320));
        out[0].split_off(latency)
    };
    let whole = rendered(None, Concealment::Fade);
    let steepest = |samples: &[f32]| {
        samples.windows(2).fold(0.0_f32, |steepest, pair| steepest.max((pair[1] - pair[0]).abs()))
    };
    // A frame is heard a hop of lookahead and a hop of overlap before its number says.
    let first = (from - 2) * HOP / 2;
    for concealment in WAYS {
        let lossy = rendered(Some(hole(from, to)), concealment);
        assert_same(&lossy[..first], &whole[..first], 0.0, "before the loss");
        assert!(lossy[first..first + 3000] != whole[first..first + 3000], "{concealment:?}");
        let (found, usual) = (steepest(&lossy[first..first + 4000]), steepest(&whole));
        assert!(found <= usual, "{concealment:?}: a step of {found}, and {usual} without loss");
    }
}

#[test]
fn a_take_with_gaps_decodes_as_the_engine_conceals() {
    let speech = speech_24k();
    for concealment in WAYS {
        let network = bursty(concealment);
        let mut engine = engine(24_000.0, 1, Scheduling::Burst);
        let latency = engine.latency_samples();
        let (mut out, told) = render(&mut engine, network, &speech, Blocks::Fixed(320));
        let expected = out[0].split_off(latency);
        let mut decoder =
            TokenDecoder::new(&CodecModel::embedded().unwrap(), 24_000.0, StreamGain::BOTH).unwrap();
        let mut found = Vec::new();
        for frame in &told {
            match frame.lost.any() {
                true => decoder.conceal(concealment, &mut found).unwrap(),
                false => decoder.frame(Some(frame.tokens[0]), &mut found).unwrap(),
            }
        }
        let length = found.len().min(expected.len());
        assert!(length > speech.len() - 3 * 320, "{length} samples");
        assert_same(&found[..length], &expected[..length], 0.0, &format!("{concealment:?}"));
    }
}

#[test]
fn a_frame_of_two_channels_that_is_lost_is_counted_once() {
    for channels in [1, 2] {
        let mut engine = engine(48_000.0, channels, Scheduling::Spread);
        let (_, told) =
            render(&mut engine, bursty(Concealment::Fade), &speech_48k()[..96_000], Blocks::Fixed(480));
        let lost = told.iter().filter(|frame| frame.lost.any()).count();
        let stats = engine.stats();
        assert!(lost > 10);
        assert_eq!(
            (stats.frames, stats.lost_frames),
            (told.len() as u64, lost as u64),
            "{channels} channels"
        );
    }
}

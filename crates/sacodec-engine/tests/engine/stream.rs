//! The engine as a library: exact latency, null tests, determinism, hostile input.

use sacodec_codec::{CodecModel, FrameCodec, StreamGain, TokenFrame};
use sacodec_engine::{Channels, Controls, Engine, EngineConfig, Listen, Scheduling};
use sacodec_testing::{Blocks, assert_same, correlation_peak, noise, speech_24k, speech_48k};

const RATES_HZ: [f64; 14] = [
    8000.0, 11_025.0, 16_000.0, 22_050.0, 32_000.0, 44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0,
    192_000.0, 768_000.0, 1234.5678, 45_678.901,
];
const BLOCKS: [Blocks; 10] = [
    Blocks::Fixed(1),
    Blocks::Fixed(17),
    Blocks::Fixed(32),
    Blocks::Fixed(64),
    Blocks::Fixed(480),
    Blocks::Fixed(512),
    Blocks::Fixed(1024),
    Blocks::Fixed(4096),
    Blocks::Fixed(16_384),
    Blocks::Random { seed: 7, max: 3000 },
];

fn engine(rate_hz: f64, channels: usize, scheduling: Scheduling) -> Engine {
    let model = CodecModel::embedded().unwrap();
    Engine::new(&model, EngineConfig { rate_hz, channels, scheduling }).unwrap()
}

fn listen(listen: Listen) -> Controls {
    Controls { listen, ..Controls::default() }
}

/// Output and tokens of `input` through `engine`.
fn render(
    engine: &mut Engine,
    controls: &Controls,
    input: &[Vec<f32>],
    blocks: Blocks,
) -> (Vec<Vec<f32>>, Vec<TokenFrame>) {
    let (mut out, mut tokens) = (input.to_vec(), Vec::new());
    let mut start = 0;
    for block in blocks.sizes(input[0].len()) {
        let mut slices: Vec<&mut [f32]> = out.iter_mut().map(|c| &mut c[start..start + block]).collect();
        engine.process(&mut slices, controls, |frame| tokens.extend(frame.tokens()));
        start += block;
    }
    let stats = engine.stats();
    assert_eq!((stats.underruns, stats.errors, stats.failed_frames), (0, 0, 0), "{stats:?}");
    (out, tokens)
}

#[test]
fn original_comes_out_at_exactly_the_reported_latency_at_every_rate_and_block() {
    for rate_hz in RATES_HZ {
        for scheduling in [Scheduling::Spread, Scheduling::Burst] {
            let latency = engine(rate_hz, 1, scheduling).latency_samples();
            let length = latency + 600;
            let mut input = noise(1, length, 0.5);
            input[0] = 1.0;
            for blocks in BLOCKS {
                let mut engine = engine(rate_hz, 1, scheduling);
                let (out, _) =
                    render(&mut engine, &listen(Listen::Original), std::slice::from_ref(&input), blocks);
                let expected: Vec<f32> =
                    std::iter::repeat_n(0.0, latency).chain(input.iter().copied()).take(length).collect();
                assert_same(&out[0], &expected, 0.0, &format!("{rate_hz} Hz, {scheduling:?}, {blocks:?}"));
            }
        }
    }
}

/// At the codec's own rate nothing is resampled, so the alignment can be checked bit for bit. That
/// the resamplers add a whole number of samples is shown beside them.
#[test]
fn the_engine_delivers_the_codecs_samples_at_exactly_the_reported_latency() {
    let speech = speech_24k();
    let model = CodecModel::embedded().unwrap();
    let delay = model.info().delay_samples;
    let mut codec = FrameCodec::new(&model).unwrap();
    let mut direct = vec![0.0; 200 * 320];
    for (hop, out) in speech.chunks_exact(320).zip(direct.chunks_exact_mut(320)) {
        codec.step(hop, StreamGain::BOTH, out).unwrap();
    }
    for scheduling in [Scheduling::Spread, Scheduling::Burst] {
        let mut engine = engine(24_000.0, 1, scheduling);
        let latency = engine.latency_samples();
        let (coded, _) =
            render(&mut engine, &listen(Listen::Coded), std::slice::from_ref(&speech), Blocks::Fixed(100));
        let length = 60_000;
        assert_same(
            &coded[0][latency..][..length],
            &direct[delay..][..length],
            0.0,
            &format!("{scheduling:?}"),
        );
    }
}

#[test]
fn the_coded_envelope_is_aligned_to_the_originals() {
    let input = vec![speech_48k()];
    let [original, coded] = [Listen::Original, Listen::Coded].map(|heard| {
        render(&mut engine(48_000.0, 1, Scheduling::Spread), &listen(heard), &input, Blocks::Fixed(512)).0
    });
    // Log energy of 10 ms around each millisecond, without its mean.
    let envelope = |s: &[f32]| -> Vec<f32> {
        let log: Vec<f32> =
            s.windows(480).step_by(48).map(|w| (w.iter().map(|v| v * v).sum::<f32>() + 1e-4).ln()).collect();
        let mean = log.iter().sum::<f32>() / log.len() as f32;
        log.iter().map(|v| v - mean).collect()
    };
    let peak_ms = correlation_peak(&envelope(&original[0]), &envelope(&coded[0]), 40);
    // A frame of 13 ms cannot place energy better than this.
    assert!(peak_ms.abs() <= 3, "the coded envelope is {peak_ms} ms off the original's");
}

#[test]
fn original_minus_difference_is_coded() {
    let input = vec![speech_48k()[..96_000].to_vec(), noise(3, 96_000, 0.2)];
    let [original, coded, difference] = [Listen::Original, Listen::Coded, Listen::Difference].map(|l| {
        render(&mut engine(48_000.0, 2, Scheduling::Spread), &listen(l), &input, Blocks::Fixed(64)).0
    });
    for channel in 0..2 {
        let rest: Vec<f32> = original[channel].iter().zip(&difference[channel]).map(|(o, d)| o - d).collect();
        assert_same(&rest, &coded[channel], 1e-6, "original - difference against coded");
    }
}

#[test]
fn bypass_is_the_input_delayed_bit_for_bit() {
    let input = vec![noise(5, 40_000, 1.5), noise(6, 40_000, 1e-20)];
    let controls = Controls { bypass: true, gain: 0.25, ..listen(Listen::Coded) };
    let mut engine = engine(44_100.0, 2, Scheduling::Spread);
    let latency = engine.latency_samples();
    let (out, _) = render(&mut engine, &controls, &input, Blocks::Random { seed: 1, max: 900 });
    for (out, input) in out.iter().zip(&input) {
        assert!(
            out[latency..].iter().zip(input).all(|(a, b)| a.to_bits() == b.to_bits()),
            "bypass changed a bit"
        );
    }
}

#[test]
fn tokens_and_samples_are_the_same_for_every_block_size_and_scheduling() {
    for rate_hz in [44_100.0, 48_000.0, 24_000.0] {
        let input = vec![speech_48k()[..66_000].to_vec(), noise(4, 66_000, 0.1)];
        let controls = Controls { channels: Channels::DualMono, ..listen(Listen::Coded) };
        let mut reference = engine(rate_hz, 2, Scheduling::Burst);
        let burst_latency = reference.latency_samples();
        let (expected, expected_tokens) = render(&mut reference, &controls, &input, Blocks::Fixed(64));
        for scheduling in [Scheduling::Burst, Scheduling::Spread] {
            for blocks in BLOCKS {
                let mut engine = engine(rate_hz, 2, scheduling);
                let later = engine.latency_samples() - burst_latency;
                let (out, tokens) = render(&mut engine, &controls, &input, blocks);
                let what = format!("{rate_hz} Hz, {scheduling:?}, {blocks:?}");
                let common = tokens.len().min(expected_tokens.len());
                assert!(common + 2 >= expected_tokens.len(), "{what}: {common} frames");
                assert_eq!(tokens[..common], expected_tokens[..common], "{what}");
                for (out, expected) in out.iter().zip(&expected) {
                    assert_same(&out[later..], &expected[..expected.len() - later], 0.0, &what);
                }
            }
        }
    }
}

/// Renders with the channels switched at given samples, where blocks are cut.
fn render_switching(
    engine: &mut Engine,
    switches: &[(usize, Channels)],
    input: &[Vec<f32>],
    blocks: Blocks,
) -> (Vec<Vec<f32>>, Vec<TokenFrame>) {
    let (mut out, mut tokens) = (vec![Vec::new(); 2], Vec::new());
    let ends = switches.iter().skip(1).map(|&(at, _)| at).chain([input[0].len()]);
    for (&(start, channels), end) in switches.iter().zip(ends) {
        let controls = Controls { channels, ..listen(Listen::Coded) };
        let part: Vec<Vec<f32>> = input.iter().map(|c| c[start..end].to_vec()).collect();
        let (part, coded) = render(engine, &controls, &part, blocks);
        out.iter_mut().zip(part).for_each(|(out, part)| out.extend(part));
        tokens.extend(coded);
    }
    (out, tokens)
}

#[test]
fn a_second_channel_that_is_switched_off_and_on_again_is_heard_from_its_first_coded_sample_on() {
    let sound = noise(4, 70_000, 0.2);
    let power = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>();
    // Wherever hops end: on, off before the next hop ends, and on again before its first sample has come out.
    for start in (48_000..48_640).step_by(80) {
        let switches = [
            (0, Channels::MonoSum),
            (start, Channels::DualMono),
            (start + 700, Channels::MonoSum),
            (start + 1300, Channels::DualMono),
        ];
        let mut engine = engine(48_000.0, 2, Scheduling::Spread);
        let (out, _) =
            render_switching(&mut engine, &switches, &[sound.clone(), sound.clone()], Blocks::Fixed(100));
        for (n, (left, right)) in out[0].chunks(480).zip(out[1].chunks(480)).enumerate().skip(100) {
            let (left, right) = (power(left), power(right));
            assert!(left > 0.1 && right > 0.1 * left, "10 ms from {}: {right} beside {left}", 480 * n);
        }
    }
}

#[test]
fn switching_to_and_from_dual_mono_is_the_same_for_every_block_size() {
    let input = vec![speech_48k()[..60_000].to_vec(), noise(4, 60_000, 0.1)];
    let switches = [
        (0, Channels::MonoSum),
        (7001, Channels::DualMono),
        (20_000, Channels::Left),
        (20_100, Channels::DualMono),
        (40_003, Channels::MonoSum),
    ];
    let mut reference = engine(48_000.0, 2, Scheduling::Spread);
    let (expected, expected_tokens) = render_switching(&mut reference, &switches, &input, Blocks::Fixed(1));
    for blocks in BLOCKS {
        let mut engine = engine(48_000.0, 2, Scheduling::Spread);
        let (out, tokens) = render_switching(&mut engine, &switches, &input, blocks);
        assert_eq!(tokens, expected_tokens, "{blocks:?}");
        for (out, expected) in out.iter().zip(&expected) {
            assert_same(out, expected, 0.0, &format!("{blocks:?}"));
        }
    }
}

#[test]
fn a_short_leave_from_dual_mono_does_not_silence_the_second_stream() {
    let input = vec![noise(3, 48_000, 0.1), noise(4, 48_000, 0.1)];
    let dual = [(0, Channels::DualMono)];
    let (expected, _) =
        render_switching(&mut engine(48_000.0, 2, Scheduling::Spread), &dual, &input, Blocks::Fixed(480));
    for back in [20_001, 20_256, 20_400] {
        let left = [(0, Channels::DualMono), (20_000, Channels::MonoSum), (back, Channels::DualMono)];
        let mut engine = engine(48_000.0, 2, Scheduling::Spread);
        let (out, _) = render_switching(&mut engine, &left, &input, Blocks::Fixed(480));
        // The second stream never saw a change: once faded in again it is what it would have been.
        assert_same(&out[1][30_000..], &expected[1][30_000..], 0.0, &format!("back at {back}"));
    }
}

#[test]
fn streaming_is_the_whole_file_and_a_prefix_gives_a_prefix() {
    let model = CodecModel::embedded().unwrap();
    let speech = speech_24k();
    let hops: Vec<&[f32]> = speech.chunks_exact(model.info().hop_samples).collect();
    let code = |hops: &[&[f32]]| -> (Vec<TokenFrame>, Vec<f32>) {
        let mut codec = FrameCodec::new(&model).unwrap();
        let mut audio = vec![0.0; hops.len() * 320];
        let tokens = hops
            .iter()
            .zip(audio.chunks_exact_mut(320))
            .map(|(h, o)| codec.step(h, StreamGain::BOTH, o).unwrap());
        (tokens.collect(), audio)
    };
    let (whole, audio) = code(&hops);
    let (prefix, prefix_audio) = code(&hops[..100]);
    assert_eq!(prefix, whole[..100], "tokens of a prefix are a prefix of the tokens");
    assert_same(&prefix_audio, &audio[..32_000], 0.0, "audio of a prefix");

    let mut sliced = FrameCodec::new(&model).unwrap();
    let mut encoder = FrameCodec::new(&model).unwrap();
    let mut decoder = FrameCodec::new(&model).unwrap();
    let (mut out, mut decoded) = (vec![0.0; 320], vec![0.0; 320]);
    for (n, hop) in hops[..200].iter().enumerate() {
        sliced.begin(hop, StreamGain::BOTH).unwrap();
        (0..n % 13).for_each(|i| sliced.advance(i as f32 / 13.0).unwrap());
        assert_eq!(sliced.finish(&mut out).unwrap(), whole[n], "frame {n} in slices");
        let tokens = encoder.encode_step(hop).unwrap();
        assert_eq!(tokens, whole[n], "frame {n} encoded alone");
        decoder.decode_step(tokens, StreamGain::BOTH, &mut decoded).unwrap();
        assert_same(&out, &audio[n * 320..][..320], 0.0, "samples in slices");
        assert_same(&decoded, &out, 0.0, "samples decoded alone");
    }
    sliced.reset();
    assert_eq!(sliced.step(hops[0], StreamGain::BOTH, &mut out).unwrap(), whole[0], "after reset");
}

/// Sample by number.
type Attack = Box<dyn Fn(usize) -> f32>;

#[test]
fn hostile_input_gives_finite_output_and_is_forgotten_within_a_second() {
    let speech = speech_48k()[..96_000 * 2].to_vec();
    let mut clean_engine = engine(48_000.0, 1, Scheduling::Spread);
    let cases: [(&str, Attack); 8] = [
        ("NaN", Box::new(|_| f32::NAN)),
        ("infinity", Box::new(|i| if i % 2 == 0 { f32::INFINITY } else { f32::NEG_INFINITY })),
        ("1e30", Box::new(|i| if i % 3 == 0 { 1e30 } else { -1e30 })),
        ("the largest float", Box::new(|_| f32::MAX)),
        ("denormals", Box::new(|i| 1e-40 * (i % 7) as f32)),
        ("silence", Box::new(|_| 0.0)),
        ("DC", Box::new(|_| 1.0)),
        ("full scale square", Box::new(|i| if i / 50 % 2 == 0 { 1.0 } else { -1.0 })),
    ];
    let (clean, _) =
        render(&mut clean_engine, &listen(Listen::Coded), std::slice::from_ref(&speech), Blocks::Fixed(256));
    let level = |s: &[f32]| (s.iter().map(|v| f64::from(v * v)).sum::<f64>() / s.len() as f64).sqrt();
    for (name, attack) in cases {
        for heard in [Listen::Original, Listen::Coded, Listen::Difference] {
            let mut engine = engine(48_000.0, 1, Scheduling::Spread);
            let mut input: Vec<f32> = (0..24_000).map(&attack).collect();
            input.extend_from_slice(&speech);
            let (out, _) = render(&mut engine, &listen(heard), &[input], Blocks::Fixed(256));
            assert!(out[0].iter().all(|s| s.is_finite()), "{name}: {heard:?} is not finite");
            assert!(out[0].iter().all(|s| *s == 0.0 || s.is_normal()), "{name}: {heard:?} has denormals");
            if heard == Listen::Coded {
                let after = 24_000 + 48_000 + engine.latency_samples();
                let (recovered, expected) =
                    (level(&out[0][after..]), level(&clean[0][after - 24_000..][..out[0].len() - after]));
                let ratio_db = 20.0 * (recovered / expected).log10();
                assert!(ratio_db.abs() < 1.0, "{name}: one second later the level is {ratio_db:.2} dB off");
            }
        }
    }
}

#[test]
fn switching_what_is_heard_makes_no_step_above_the_signals_own() {
    let speech = speech_48k()[..96_000].to_vec();
    let step = |s: &[f32]| s.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    let steady = [Listen::Original, Listen::Coded, Listen::Difference].map(|l| {
        step(
            &render(
                &mut engine(48_000.0, 1, Scheduling::Spread),
                &listen(l),
                std::slice::from_ref(&speech),
                Blocks::Fixed(64),
            )
            .0[0],
        )
    });
    let bound = steady.into_iter().fold(0.0, f32::max);
    let mut engine = engine(48_000.0, 1, Scheduling::Spread);
    let mut out = speech.clone();
    for (n, block) in out.chunks_mut(64).enumerate() {
        let heard = [Listen::Original, Listen::Coded, Listen::Difference][n / 5 % 3];
        let controls = Controls { bypass: n / 40 % 2 == 1, ..listen(heard) };
        engine.process(&mut [block], &controls, |_| ());
    }
    assert!(step(&out) <= 1.05 * bound, "a step of {} while switching, {bound} in the signals", step(&out));
}

#[test]
fn a_rate_or_channel_count_out_of_bounds_is_refused_in_words() {
    let model = CodecModel::embedded().unwrap();
    for (rate_hz, channels) in [(0.0, 1), (999.0, 1), (2e6, 1), (f64::NAN, 1), (48_000.0, 0), (48_000.0, 3)] {
        let config = EngineConfig { rate_hz, channels, scheduling: Scheduling::Spread };
        let error = Engine::new(&model, config).err().expect("must be refused");
        assert!(error.to_string().contains("use"), "{error}");
    }
}

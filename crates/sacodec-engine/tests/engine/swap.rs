//! Another pack takes over while sound runs.

use sacodec_codec::CodecModel;
use sacodec_engine::{CodecSet, Controls, Engine, EngineConfig, Scheduling};
use sacodec_testing::{assert_same, speech_48k};

/// Host samples of a hop.
const HOP: usize = 640;
const BLOCK: usize = 256;
/// Far longer than codecs run unheard.
const PATIENCE: usize = 2 * 48_000 / BLOCK;

fn engine() -> Engine {
    let config = EngineConfig { rate_hz: 48_000.0, channels: 1, scheduling: Scheduling::Spread };
    Engine::new(&CodecModel::embedded().unwrap(), config).unwrap()
}

/// What comes out of `input`, with another set of the same model swapped in before the block `at`, and where that
/// was over.
fn render(input: &[f32], at: Option<usize>) -> (Vec<f32>, Option<usize>) {
    let (mut engine, mut out, mut end) = (engine(), input.to_vec(), None);
    for (n, block) in out.chunks_mut(BLOCK).enumerate() {
        if at == Some(n) {
            let codecs = CodecSet::new(&CodecModel::embedded().unwrap()).unwrap();
            assert!(engine.swap(Box::new(codecs)).is_ok());
        }
        engine.process(&mut [block], &Controls::default(), |_| ());
        let is_back = engine.take_retired().is_some();
        assert!(!is_back || end.is_none(), "the old codecs came back twice");
        end = end.or(is_back.then_some(n));
        let is_swapping = at.is_some_and(|at| n >= at) && end.is_none();
        assert_eq!(engine.is_swapping(), is_swapping, "block {n}");
    }
    (out, end)
}

fn level_db(samples: &[f32]) -> f32 {
    10.0 * (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).max(1e-12).log10()
}

#[test]
fn a_swap_to_the_same_model_is_not_heard_as_a_change_of_level() {
    let speech = speech_48k();
    let (expected, _) = render(&speech, None);
    let latency = engine().latency_samples();
    let mut loud_hops = 0;
    for at in (89..speech.len() / BLOCK - PATIENCE).step_by(155) {
        let (out, end) = render(&speech, Some(at));
        let end = end.expect("the old codecs come back");
        assert_same(&out[..at * BLOCK], &expected[..at * BLOCK], 0.0, "before the swap");
        let fade_end = (end * BLOCK + latency) / HOP;
        for hop in at * BLOCK / HOP..(fade_end + 20).min(out.len() / HOP) {
            // Over four hops, or where the voice's pulses fall in them would be measured.
            let samples = (hop * HOP).saturating_sub(3 * HOP)..(hop + 1) * HOP;
            let (found, wanted) = (level_db(&out[samples.clone()]), level_db(&expected[samples]));
            if wanted > -40.0 {
                loud_hops += 1;
                // After the fade it is the same voice with a phase of its own, which tells at its onsets.
                let bound = if hop <= fade_end + 4 { 1.0 } else { 3.0 };
                let far = (found - wanted).abs();
                assert!(
                    far < bound,
                    "swap before block {at}: hop {hop}, {} hops after the fade, has {found:.1} dB, {wanted:.1} without",
                    hop as isize - fade_end as isize
                );
            }
        }
    }
    assert!(loud_hops > 200, "only {loud_hops} hops were loud enough to tell");
}

#[test]
fn a_swap_makes_no_step_above_the_signals_own() {
    let speech = speech_48k()[..144_000].to_vec();
    let step = |s: &[f32]| s.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    let (expected, _) = render(&speech, None);
    let latency = engine().latency_samples();
    for at in [90, 130, 170] {
        let (out, end) = render(&speech, Some(at));
        let end = end.expect("the old codecs come back") * BLOCK + latency;
        let fade = end - 2 * HOP..end + HOP;
        // Around the fade each signal plays alone.
        let alone = step(&expected[fade.clone()]).max(step(&out[fade.end..][..4800]));
        let inside = step(&out[fade]);
        assert!(inside <= 1.05 * alone, "swap before block {at}: a step of {inside}, {alone} in the signals");
        assert_ne!(out[end..], expected[end..], "the new codecs have a phase of their own");
    }
}

#[test]
fn a_reset_during_a_swap_ends_it_with_the_next_hop() {
    let mut engine = engine();
    let codecs = CodecSet::new(&CodecModel::embedded().unwrap()).unwrap();
    assert!(engine.swap(Box::new(codecs)).is_ok());
    engine.reset();
    let mut silence = [0.0; 3 * HOP];
    engine.process(&mut [&mut silence], &Controls::default(), |_| ());
    assert!(engine.take_retired().is_some(), "both sets of codecs have the same past");
}

//! Frame time of each part, and what an instance costs: `cargo bench --bench codec`.
//!
//! The ratio to ONNX Runtime on the same graphs comes from `training/bench_ort.py`, which
//! alternates both in one run.

// Linked for its allocator.
use divan::{Bencher, black_box};
use sacodec as _;
use sacodec_codec::{CodecModel, FrameCodec, ModelPack, StreamGain, TokenFrame};
use sacodec_engine::{Engine, EngineConfig, Scheduling};
use sacodec_rt::{RtPool, without_denormals};

fn main() {
    // The weights stay in memory for all benchmarks, as in a host.
    let _model = CodecModel::embedded();
    divan::main();
}

/// A hop that is neither silent nor periodic.
fn hop() -> Vec<f32> {
    (0..320).map(|i| 0.2 * ((i * i) as f32 * 0.013).sin()).collect()
}

/// Times `frame` as the audio thread runs it.
fn frames(bencher: Bencher, mut frame: impl FnMut(&mut FrameCodec, &[f32], &mut [f32])) {
    let Ok(model) = CodecModel::embedded() else { return };
    let (Ok(mut codec), Ok(pool)) = (FrameCodec::new(&model), RtPool::new()) else { return };
    let (hop, mut out) = (hop(), vec![0.0; 320]);
    let mut run = || pool.scope(|| without_denormals(|| frame(&mut codec, black_box(&hop), &mut out)));
    (0..30).for_each(|_| run());
    bencher.bench_local(run);
}

#[divan::bench(sample_count = 500)]
fn encoder_and_quantizer(bencher: Bencher) {
    frames(bencher, |codec, hop, _| drop(codec.encode_step(hop)));
}

#[divan::bench(sample_count = 500)]
fn decoder(bencher: Bencher) {
    let tokens = TokenFrame { semantic: 17, acoustic: 4 };
    frames(bencher, |codec, _, out| drop(codec.decode_step(tokens, StreamGain::BOTH, out)));
}

#[divan::bench(sample_count = 500)]
fn whole_frame(bencher: Bencher) {
    frames(bencher, |codec, hop, out| drop(codec.step(hop, StreamGain::BOTH, out)));
}

/// A further instance: the model is shared, states, rings and resamplers are its own.
#[divan::bench(sample_count = 50)]
fn further_instance(bencher: Bencher) {
    let config = EngineConfig { rate_hz: 48_000.0, channels: 2, scheduling: Scheduling::Spread };
    bencher.bench_local(|| CodecModel::embedded().map(|model| Engine::new(&model, config).is_ok()));
}

/// The first instance: parse, check, optimise and try the graphs. Another version each time, so
/// that nothing is shared.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn first_instance(bencher: Bencher) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/live");
    let copy = std::env::temp_dir().join(format!("sacodec-bench-{}", std::process::id()));
    let mut version = 0;
    bencher
        .with_inputs(|| {
            version += 1;
            let _ = std::fs::create_dir_all(&copy);
            for name in ["encoder.onnx", "quantizer.onnx", "decoder.onnx"] {
                let _ = std::fs::copy(folder.join(name), copy.join(name));
            }
            let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap_or_default();
            let renamed = manifest.replacen("\"name\": \"", &format!("\"name\": \"{version} "), 1);
            let _ = std::fs::write(copy.join("manifest.json"), renamed);
            ModelPack::from_folder(&copy).ok()
        })
        .bench_local_values(|pack| pack.map(|pack| CodecModel::load(&pack)));
    let _ = std::fs::remove_dir_all(&copy);
}

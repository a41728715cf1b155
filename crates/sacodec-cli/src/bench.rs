//! `sacodec bench`: how long a frame takes here.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args as ClapArgs;
use serde_json::json;

use crate::console::print;
use crate::error::CliError;
use crate::pack::model;
use sacodec_codec::{FrameCodec, StreamGain};
use sacodec_rt::{RtPool, without_denormals};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Folder of a model pack; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<(), CliError> {
    let model = model(args.pack.as_deref())?;
    let pool = RtPool::new().map_err(sacodec_engine::EngineError::from)?;
    let mut codec = FrameCodec::new(&model)?;
    let hop_samples = model.info().hop_samples;
    let mut random = fastrand::Rng::with_seed(1);
    let mut out = vec![0.0; hop_samples];
    let (mut encode_ms, mut decode_ms, mut frame_ms) = (Vec::new(), Vec::new(), Vec::new());
    let begin = Instant::now();
    while begin.elapsed().as_secs_f64() < args.seconds {
        let hop: Vec<f32> = (0..hop_samples).map(|_| 0.1 * (2.0 * random.f32() - 1.0)).collect();
        pool.scope(|| {
            without_denormals(|| -> Result<(), CliError> {
                let start = Instant::now();
                let tokens = codec.encode_step(&hop)?;
                let middle = Instant::now();
                codec.decode_step(tokens, StreamGain::BOTH, &mut out)?;
                let end = Instant::now();
                encode_ms.push((middle - start).as_secs_f64() * 1e3);
                decode_ms.push((end - middle).as_secs_f64() * 1e3);
                frame_ms.push((end - start).as_secs_f64() * 1e3);
                Ok(())
            })
        })?;
    }
    let (encode, decode, frame) = (median(encode_ms), median(decode_ms), median(frame_ms.clone()));
    let core_percent = 0.1 * frame * model.info().frame_rate_hz();
    if args.json {
        let report = json!({
            "frames": frame_ms.len(), "encode_ms": encode, "decode_ms": decode, "frame_ms": frame, "core_percent": core_percent,
        });
        print(report)
    } else {
        print(format_args!(
            "a frame takes {frame:.3} ms (encoder and quantizer {encode:.3}, decoder {decode:.3}): {core_percent:.1} % of a core"
        ))
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().map_err(|_| "give a number of seconds".to_owned())?;
    if (0.1..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("give 0.1 to 3600 seconds".into()) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

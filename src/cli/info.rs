//! `sacodec info`: what a model pack is.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;

use super::{CliError, model};
use crate::engine::{Scheduling, Timing};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Folder of a model pack; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
    /// Host rate in Hz that the latency is told for.
    #[arg(long, default_value_t = 48_000.0)]
    rate: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<(), CliError> {
    let model = model(args.pack.as_deref())?;
    let info = model.info();
    let spread = Timing::new(args.rate, Scheduling::Spread, info)?;
    let burst = Timing::new(args.rate, Scheduling::Burst, info)?;
    if args.json {
        let report = json!({
            "name": info.name,
            "version": info.version,
            "licence": info.licence,
            "sample_rate_hz": info.sample_rate_hz,
            "hop_samples": info.hop_samples,
            "delay_samples": info.delay_samples,
            "frame_rate_hz": info.frame_rate_hz(),
            "bitrate_bps": info.bitrate_bps(),
            "codebooks": { "semantic": info.semantic.size, "acoustic": info.acoustic.size },
            "nodes_per_frame": model.nodes_per_frame(),
            "training": info.training,
            "host_rate_hz": args.rate,
            "latency_samples": { "spread": spread.latency_samples, "burst": burst.latency_samples },
        });
        println!("{report}");
        return Ok(());
    }
    println!("{} {} ({})", info.name, info.version, info.licence);
    println!(
        "  {} Hz, {:.0} frames/s, codebooks {} + {}, {:.0} bit/s",
        info.sample_rate_hz,
        info.frame_rate_hz(),
        info.semantic.size,
        info.acoustic.size,
        info.bitrate_bps()
    );
    println!("  semantic: {}; acoustic: {}", info.semantic.frozen, info.acoustic.frozen);
    for (name, timing) in [("Spread", spread), ("Burst", burst)] {
        println!(
            "  latency at {} Hz, {name}: {} samples, {:.1} ms",
            args.rate,
            timing.latency_samples,
            timing.latency_ms()
        );
    }
    Ok(())
}

//! What a host pays: share of a core, the worst callbacks, memory of an instance:
//! `cargo bench --bench engine`.

// Linked for its allocator.
use sacodec as _;
use std::time::Instant;

use sacodec_codec::CodecModel;
use sacodec_engine::{Channels, Controls, Engine, EngineConfig, Scheduling};

const RATE_HZ: f64 = 48_000.0;
const SECONDS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = CodecModel::embedded()?;
    println!("{SECONDS} s of noise at {RATE_HZ} Hz; callbacks against their fair share of the work");
    println!("| scheduling | channels | block | share of a core | median | p99 | p99.9 | worst |");
    println!("|---|---|---|---|---|---|---|---|");
    for (scheduling, channels) in [
        (Scheduling::Spread, Channels::MonoSum),
        (Scheduling::Spread, Channels::DualMono),
        (Scheduling::Burst, Channels::MonoSum),
    ] {
        for block in [32, 64, 128, 512] {
            let mut engine = Engine::new(&model, EngineConfig { rate_hz: RATE_HZ, channels: 2, scheduling })?;
            let controls = Controls { channels, ..Controls::default() };
            let mut times_s = play(&mut engine, &controls, block);
            let total_s: f64 = times_s.iter().sum();
            times_s.sort_by(f64::total_cmp);
            let fair_s = total_s / times_s.len() as f64;
            let at = |share: f64| times_s[((times_s.len() - 1) as f64 * share) as usize] / fair_s;
            println!(
                "| {scheduling:?} | {channels:?} | {block} | {:.1} % | {:.2} | {:.2} | {:.2} | {:.2} |",
                100.0 * total_s / SECONDS as f64,
                at(0.5),
                at(0.99),
                at(0.999),
                at(1.0)
            );
        }
    }
    memory(&model)
}

/// Seconds of every callback after the first second.
fn play(engine: &mut Engine, controls: &Controls, block: usize) -> Vec<f64> {
    let (mut left, mut right) = (vec![0.0; block], vec![0.0; block]);
    let (mut random, mut times_s) = (fastrand::Rng::with_seed(1), Vec::new());
    let callbacks = (SECONDS + 1) * RATE_HZ as usize / block;
    for n in 0..callbacks {
        for sample in left.iter_mut().chain(&mut right) {
            *sample = 0.2 * (2.0 * random.f32() - 1.0);
        }
        let start = Instant::now();
        engine.process(&mut [&mut left, &mut right], controls, |_| ());
        if n * block >= RATE_HZ as usize {
            times_s.push(start.elapsed().as_secs_f64());
        }
    }
    times_s
}

/// Resident memory of ten further instances that have played.
fn memory(model: &std::sync::Arc<CodecModel>) -> Result<(), Box<dyn std::error::Error>> {
    let Some(before_kb) = resident_kb() else {
        println!("memory of an instance: only measured on Linux");
        return Ok(());
    };
    let config = EngineConfig { rate_hz: RATE_HZ, channels: 2, scheduling: Scheduling::Spread };
    let mut engines = Vec::new();
    for _ in 0..10 {
        let mut engine = Engine::new(model, config)?;
        for _ in 0..20 {
            engine.process(&mut [&mut [0.1; 512], &mut [0.1; 512]], &Controls::default(), |_| ());
        }
        engines.push(engine);
    }
    let after_kb = resident_kb().unwrap_or(before_kb);
    let each_mb = (after_kb.saturating_sub(before_kb)) as f64 / 1024.0 / engines.len() as f64;
    println!("memory of a further instance: {each_mb:.1} MB");
    Ok(())
}

fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

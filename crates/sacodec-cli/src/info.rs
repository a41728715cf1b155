//! `sacodec info`: what takes are, or what a model pack is.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use crate::batch::{BatchArgs, FileReport, LoggedRunArgs, Made, Second};
use crate::console::print;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::take::{losses, open_take_with_digest};
use sacodec_engine::{MAX_RATE_HZ, MIN_RATE_HZ, Scheduling, Timing};
use sacodec_take::Take;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Takes, finished or not, and folders of them; without any, the model pack is shown.
    takes: Vec<PathBuf>,
    /// Folder of a model pack; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
    /// Host rate in Hz that the latency is told for.
    #[arg(long, value_name = "HZ", default_value_t = 48_000.0, value_parser = parse_rate)]
    rate: f64,
    /// Read further takes from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    #[command(flatten)]
    run: LoggedRunArgs,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    if args.takes.is_empty() && args.files_from.is_none() {
        if args.run.has_report() {
            return Err(CliError::Line { what: "--report tells of takes, and none was given".into() });
        }
        return show_pack(args).map(|()| Outcome::Done);
    }
    let batch = BatchArgs::of(args.takes.clone()).with_list(args.files_from.clone());
    let tasks = batch.tasks_that_write_nothing(&["sac"], "info")?;
    args.run.run("info", &tasks, Second::Nothing, |task, _| {
        let (take, digest) = open_take_with_digest(&task.input)?;
        let mut report = show_take(&task.input, &take);
        report.made.source = Some(digest);
        Ok(report)
    })
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate_hz: f64 = text.parse().map_err(|_| "give a rate in Hz".to_owned())?;
    if (MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
        Ok(rate_hz)
    } else {
        Err(format!("give {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"))
    }
}

fn show_take(path: &Path, take: &Take) -> FileReport {
    let header = &take.header;
    let seconds = f64::from(take.frames()) / header.frame_rate_hz();
    let loss = losses(take);
    let lost_frames = take.footer.as_ref().map_or(0, |f| f.lost_frames.saturating_add(f.failed_frames));
    let mut lines = vec![
        format!(
            "{}: {} frames, {seconds:.2} s, {} channel{}",
            path.display(),
            take.frames(),
            header.channels,
            if header.channels == 1 { "" } else { "s" }
        ),
        format!(
            "coded by {} {} from audio of {} Hz",
            header.pack.name, header.pack.version, header.host_rate_hz
        ),
    ];
    lines.extend(header.track.as_ref().map(|track| format!("track: {track}")));
    lines.extend(
        header
            .source
            .as_ref()
            .map(|source| format!("of: {}, {} bytes, SHA-256 {}", source.name, source.bytes, source.sha256)),
    );
    lines.extend(header.created.as_ref().map(|created| format!("begun: {created}")));
    for anchor in take.anchors.iter().filter(|a| a.new_segment).take(8) {
        let at = f64::from(anchor.index) / header.frame_rate_hz();
        lines.push(match anchor.position_samples {
            Some(p) => format!("from {at:.2} s: at {:.3} s of the timeline", p / header.host_rate_hz),
            None => format!("from {at:.2} s: the host gave no position"),
        });
    }
    let segments = take.anchors.iter().filter(|a| a.new_segment).count();
    if segments > 8 {
        lines.push(format!("and {} more segments", segments - 8));
    }
    if let Some(footer) = &take.footer {
        lines.push(format!("ended: {}", footer.closed));
        lines.extend(footer.notes.iter().map(|note| format!("note: {note}")));
    }
    if let Some(loss) = &loss {
        // It cannot bring back what was never there.
        let is_repairable = take.footer.is_none() || !take.damage.is_empty();
        let advice = if is_repairable { ": `sacodec repair` makes a sound take of the rest" } else { "" };
        lines.push(format!("not whole: {loss}{advice}"));
    }
    let text = lines.join("\n  ");
    let json = json!({
        "header": header, "footer": take.footer, "frames": take.frames(), "seconds": seconds,
        "missing_frames": take.frames() - take.present_frames(), "lost_frames": lost_frames,
        "segments": segments, "finished": take.footer.is_some(), "cut_bytes": take.cut_bytes,
        "damage": take.damage.iter().map(|d| json!({ "offset": d.offset, "bytes": d.bytes })).collect::<Vec<_>>(),
    });
    let outcome = if loss.is_some() { Outcome::Finding } else { Outcome::Done };
    FileReport::new(text, json, outcome).with(Made { losses: loss, ..Made::of(take, [] as [&Path; 0]) })
}

fn show_pack(args: &Args) -> Result<(), CliError> {
    let model = model(args.pack.as_deref())?;
    let info = model.info();
    let spread = Timing::new(args.rate, Scheduling::Spread, info)?;
    let burst = Timing::new(args.rate, Scheduling::Burst, info)?;
    if args.run.run.json {
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
        return print(report);
    }
    let mut lines = vec![format!("{} {} ({})", info.name, info.version, info.licence)];
    lines.push(format!(
        "  {} Hz, {:.0} frames/s, codebooks {} + {}, {:.0} bit/s",
        info.sample_rate_hz,
        info.frame_rate_hz(),
        info.semantic.size,
        info.acoustic.size,
        info.bitrate_bps()
    ));
    lines.push(format!("  semantic: {}; acoustic: {}", info.semantic.frozen, info.acoustic.frozen));
    for (name, timing) in [("Spread", spread), ("Burst", burst)] {
        lines.push(format!(
            "  latency at {} Hz, {name}: {} samples, {:.1} ms",
            args.rate,
            timing.latency_samples,
            timing.latency_ms()
        ));
    }
    print(lines.join("\n"))
}

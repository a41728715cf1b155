//! `demo`: the repository's speech through the built plugin, to hear, to see and to read.

mod canvas;
mod report;
mod sound;
mod spectrogram;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::bundle::{self, Built};
use crate::project::{self, Project};
use report::{Coding, Report};
use sound::Clip;
use spectrogram::Panel;

/// The clip, from the root.
const CLIP: &str = "tests/data/speech.wav";

/// Values of the parameter Listen, and the file that each is written to.
const LISTENS: [(&str, f64); 3] = [("original.wav", 0.0), ("coded.wav", 1.0), ("difference.wav", 2.0)];

/// Builds, plays and writes everything to `out`, by default `demo` in the target folder.
pub fn run(project: &Project, out: Option<&Path>) -> Result<()> {
    let out = match out {
        Some(out) => std::path::absolute(out).context("--out: give a folder")?,
        None => project.target.join("demo"),
    };
    fs::create_dir_all(&out)
        .with_context(|| format!("could not make {}: choose another --out", out.display()))?;
    let clip_path = project.file(CLIP)?;
    let clip = Clip::read(&clip_path)?;
    let built = bundle::release(project)?;

    let library = sound::load(&built.bundles.clap_library())?;
    let mut played = Vec::new();
    for (file, listen) in LISTENS {
        eprintln!("Playing {CLIP} through the plugin to {file}");
        let render = sound::play(&library, &clip, listen)?;
        render.clip.write(&out.join(file))?;
        played.push(render);
    }
    let [original, coded, _] = played.as_slice() else { unreachable!("one render for each of LISTENS") };

    let (coding, by_command) = roundtrip(&built, &clip_path, &out)?;
    let report = Report {
        clip: CLIP,
        seconds: clip.seconds(),
        rate_hz: clip.rate_hz,
        latency_samples: coded.latency_samples,
        cpu_seconds: coded.cpu_seconds,
        original_error: original.clip.largest_difference(&clip),
        command_error: coded.clip.largest_difference(&by_command),
        coding,
    }
    .to_string();

    let panels = [
        Panel { title: "original", samples: &original.clip.samples },
        Panel { title: "coded", samples: &coded.clip.samples },
    ];
    spectrogram::draw(&out.join("spectrogram.png"), clip.rate_hz, &panels)?;
    let path = out.join("report.txt");
    fs::write(&path, &report)
        .with_context(|| format!("could not write {}: check free space", path.display()))?;
    println!("\n{report}");
    println!("In {}: original.wav, coded.wav, difference.wav, spectrogram.png, report.txt", out.display());
    Ok(())
}

/// The tokens, and the coded clip, from the `sacodec` command.
fn roundtrip(built: &Built, clip: &Path, out: &Path) -> Result<(Coding, Clip)> {
    let coded = out.join(".roundtrip.wav");
    let mut command = Command::new(&built.program);
    command.arg("roundtrip").arg(clip).arg(&coded).args(["--overwrite", "--json"]);
    let json = project::output(&mut command)?;
    let coding =
        serde_json::from_str(&json).context("`sacodec roundtrip --json` lacks what the demo reports")?;
    let result = Clip::read(&coded)?;
    fs::remove_file(&coded).with_context(|| format!("could not remove {}", coded.display()))?;
    Ok((coding, result))
}

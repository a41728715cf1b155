//! What was counted, for people and for programs.

use serde_json::{Value, json};

use super::counts::{CodeUse, entropy_bits};
use super::pack_stats::{FolderStats, PackStats};
use crate::batch::name;
use crate::console::duration;
use sacodec_codec::TokenStream;

/// Pairs that are told, and codes in a line of text.
const TOLD: usize = 10;

pub fn json(stats: &PackStats) -> Value {
    let volume = &stats.volume;
    let mut report = json!({
        "pack": stats.pack, "takes": volume.takes, "hours": volume.hours(), "frames": volume.frames,
        "missing_frames": volume.missing_frames, "tokens": volume.tokens,
    });
    for stream in TokenStream::ALL {
        let codes = &stats.streams[stream.index()];
        let bigrams = codes.top_bigrams(TOLD).into_iter();
        report[stream.name()] = json!({
            "codes": codes.uses.len(), "used": codes.used(), "dead": codes.dead(),
            "entropy_bits": codes.entropy_bits(), "next_entropy_bits": codes.next_entropy_bits(),
            "bigrams": codes.different_bigrams(), "repeat_percent": codes.repeat_percent(),
            "top_bigrams": bigrams.map(|((a, b), count)| json!([a, b, count])).collect::<Vec<_>>(),
            "counts": codes.uses,
        });
    }
    let folder = |(path, folder): (&std::path::PathBuf, &FolderStats)| {
        let volume = &folder.volume;
        let mut row = json!({
            "folder": name(path), "takes": volume.takes, "hours": volume.hours(), "frames": volume.frames,
            "missing_frames": volume.missing_frames,
        });
        for stream in TokenStream::ALL {
            let (used, bits) = of_folder(folder, stream);
            row[stream.name()] = json!({ "used": used, "entropy_bits": bits });
        }
        row
    };
    report["folders"] = stats.folders.iter().map(folder).collect::<Vec<_>>().into();
    report
}

pub fn text(stats: &PackStats) -> String {
    let volume = &stats.volume;
    let mut text = format!(
        "{} {}: {} takes, {}, {} frames",
        stats.pack.name,
        stats.pack.version,
        volume.takes,
        duration(volume.seconds()),
        volume.frames
    );
    if volume.missing_frames > 0 {
        text += &format!(", {} more are missing", volume.missing_frames);
    }
    for stream in TokenStream::ALL {
        text += &stream_text(stream, &stats.streams[stream.index()]);
    }
    if stats.folders.len() > 1 {
        text += "\n  takes    length  semantic used, bits  acoustic used, bits  folder";
        for (path, folder) in &stats.folders {
            let (semantic, semantic_bits) = of_folder(folder, TokenStream::Semantic);
            let (acoustic, acoustic_bits) = of_folder(folder, TokenStream::Acoustic);
            let volume = &folder.volume;
            let shown = if path.as_os_str().is_empty() { ".".into() } else { path.display().to_string() };
            text += &format!(
                "\n{:7}  {:>8}  {semantic:13}  {semantic_bits:4.2}  {acoustic:13}  {acoustic_bits:4.2}  {shown}",
                volume.takes,
                duration(volume.seconds()),
            );
        }
    }
    text
}

fn stream_text(stream: TokenStream, codes: &CodeUse) -> String {
    let dead = codes.dead();
    let mut text = format!(
        "\n  {}: {} of {} codes used, {:.2} bits a token ({:.2} when the one before is known), {:.1} % repeats, {} bigrams",
        stream.name(),
        codes.used(),
        codes.uses.len(),
        codes.entropy_bits(),
        codes.next_entropy_bits(),
        codes.repeat_percent(),
        codes.different_bigrams()
    );
    if !dead.is_empty() {
        let first: Vec<_> = dead.iter().take(TOLD).map(ToString::to_string).collect();
        let more = if dead.len() > TOLD { ", …" } else { "" };
        text += &format!("\n    {} dead codes: {}{more}", dead.len(), first.join(", "));
    }
    text
}

/// Codes that a folder uses, and bits of a token.
fn of_folder(folder: &FolderStats, stream: TokenStream) -> (usize, f64) {
    let uses = &folder.uses[stream.index()];
    let used = uses.iter().filter(|&&count| count > 0).count();
    (used, entropy_bits(uses.iter().map(|&count| count.into())))
}

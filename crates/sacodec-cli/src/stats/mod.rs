//! `sacodec stats`: how takes use the codebooks, as a whole and folder by folder.

mod counts;
mod report;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use clap::Args as ClapArgs;
use parking_lot::Mutex;
use serde_json::Value;

use super::batch::{BatchArgs, Report, RunArgs, Task};
use super::console::print;
use super::{CliError, Outcome, losses, open_take};
use counts::{CodeUse, Volume};
use sacodec_codec::TokenStream;
use sacodec_take::{CodebookSizes, PackId, Take};

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Takes, and folders of them; folders are searched through.
    #[arg(required_unless_present = "files_from")]
    takes: Vec<PathBuf>,
    /// Read further takes from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// Folders below the given one that figures are told for: 1 is one for each of its folders, as for
    /// speaker/chapter/*.sac one for each speaker; 0 leaves them out.
    #[arg(long, value_name = "N", default_value_t = 1)]
    folders: usize,
    #[command(flatten)]
    run: RunArgs,
}

/// What was counted of the takes of one pack.
struct PackStats {
    pack: PackId,
    codebooks: CodebookSizes,
    volume: Volume,
    /// Of semantic and acoustic.
    streams: [CodeUse; 2],
    folders: BTreeMap<PathBuf, FolderStats>,
}

/// What was counted of the takes in a folder.
struct FolderStats {
    volume: Volume,
    /// How often each code is used, of each stream.
    uses: [Vec<u32>; 2],
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let batch = BatchArgs::of(args.takes.clone()).with_list(args.files_from.clone());
    // Names of results that nobody writes tell where inputs are below what was given.
    let batch = batch.with_output(Some("./".into()));
    let tasks = batch.tasks_that_write_nothing(&["sac"], "sac")?;
    let packs = Mutex::new(BTreeMap::<String, PackStats>::new());
    let outcome = args.run.run(&tasks, |task, _| {
        let take = open_take(&task.input)?;
        let sha256 = take.header.pack.sha256.to_lowercase();
        packs.lock().entry(sha256).or_insert_with(|| PackStats::new(&take)).add(&take, &folder(args, task));
        Ok(match losses(&take) {
            None => Report::silent(Outcome::Done),
            Some(loss) => {
                let text = format!("{}: {loss}; the rest is counted", task.input.display());
                Report::new(text, serde_json::json!({ "losses": loss }), Outcome::Finding)
            }
        })
    });
    for pack in packs.into_inner().values() {
        if args.run.json { print(pack.json())? } else { print(pack.text())? }
    }
    Ok(outcome)
}

/// The folder that a take is counted in.
fn folder(args: &Args, task: &Task) -> PathBuf {
    let folder = task.output.parent().unwrap_or(Path::new(""));
    folder.components().filter(|c| matches!(c, Component::Normal(_))).take(args.folders).collect()
}

impl PackStats {
    fn new(take: &Take) -> Self {
        let codebooks = take.header.codebooks;
        Self {
            pack: take.header.pack.clone(),
            codebooks,
            volume: Volume::default(),
            streams: TokenStream::ALL.map(|stream| CodeUse::new(size(codebooks, stream))),
            folders: BTreeMap::new(),
        }
    }

    fn add(&mut self, take: &Take, folder: &Path) {
        self.volume.add(take);
        let codebooks = self.codebooks;
        let of_folder = self.folders.entry(folder.into()).or_insert_with(|| FolderStats {
            volume: Volume::default(),
            uses: TokenStream::ALL.map(|stream| vec![0; size(codebooks, stream)]),
        });
        of_folder.volume.add(take);
        // What was before a frame: nothing where frames are missing, and where the timeline jumps.
        let mut before = None;
        for (frame, (_, segment)) in take.iter().zip(take.places()) {
            let Some(frame) = frame else {
                before = None;
                continue;
            };
            let last = before.filter(|&(at, _)| at == segment).map(|(_, frame)| frame);
            for (channel, &tokens) in frame.iter().enumerate() {
                for stream in TokenStream::ALL {
                    let last = last.map(|last: &[sacodec_codec::TokenFrame]| last[channel].get(stream));
                    self.streams[stream.index()].add(last, tokens.get(stream));
                    of_folder.uses[stream.index()][usize::from(tokens.get(stream))] += 1;
                }
            }
            before = Some((segment, frame));
        }
    }
}

fn size(codebooks: CodebookSizes, stream: TokenStream) -> usize {
    match stream {
        TokenStream::Semantic => codebooks.semantic,
        TokenStream::Acoustic => codebooks.acoustic,
    }
}

impl PackStats {
    /// For programs.
    fn json(&self) -> Value {
        report::json(self)
    }

    /// For people.
    fn text(&self) -> String {
        report::text(self)
    }
}

//! `sacodec dataset`: takes to shards that training programs read, one row for each channel of a take.

mod earlier;
mod jsonl;
mod npz;
mod parquet;
mod row;
mod shard;
mod webdataset;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::json;

use crate::batch::{BatchArgs, FileReport, RunArgs, Task, name};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::result_file::write_result;
use crate::standard::is_standard;
use crate::take::open_take;
use sacodec_take::PackId;
use shard::{Content, Item, Shard};

/// What shards are called, before their numbers.
const STEM: &str = "tokens";

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Takes, and folders of them; folders are searched through.
    #[arg(required_unless_present = "files_from")]
    takes: Vec<PathBuf>,
    /// Folder that the shards are written to.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// What the shards are.
    #[arg(long, value_enum)]
    to: Format,
    /// Takes in a shard; the last one may have fewer.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    takes_per_shard: u32,
    /// Read further takes from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// The folder that keys are told from; without it, as with `encode --output`.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Replace shards that are there already. Those of an earlier run with another number of shards are removed
    /// when the new ones are complete.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// What a shard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Arrays of NumPy: all tokens in a row, and where each take begins.
    Npz,
    /// A row for each channel of a take, with lists of tokens.
    Parquet,
    /// A tar with an array of NumPy and a JSON object for each take.
    Webdataset,
    /// A line of JSON for each channel of a take.
    Jsonl,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Npz => "npz",
            Self::Parquet => "parquet",
            Self::Webdataset => "tar",
            Self::Jsonl => "jsonl",
        }
    }
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    if is_standard(&args.output) {
        return Err(CliError::Line {
            what: "a dataset is a folder of shards: name one with --output".into(),
        });
    }
    let items = items(args)?;
    if items.is_empty() {
        return Ok(Outcome::Done);
    }
    let (pack, example) = pack_of(&items)?;
    let shards: Vec<_> = items.chunks(args.takes_per_shard as usize).collect();
    let earlier = earlier::with_another_count(&args.output, args.to, shards.len())?;
    if let Some(first) = earlier.first().filter(|_| !args.overwrite) {
        return Err(CliError::EarlierShards { count: shards.len(), first: first.clone() });
    }
    let mut of_path = HashMap::new();
    let mut tasks = Vec::new();
    for (number, &items) in shards.iter().enumerate() {
        let name = format!("{STEM}-{number:05}-of-{:05}.{}", shards.len(), args.to.extension());
        let output = args.output.join(name);
        of_path.insert(output.clone(), Shard { items, pack: &pack, example });
        tasks.push(Task { input: items[0].path.clone(), output, rival: None, waits: false });
    }
    let outcome = args.run.run(&tasks, |task, _| match of_path.get(&task.output) {
        Some(shard) => make(args, task, shard),
        None => Ok(FileReport::silent(Outcome::Done)),
    });
    if outcome != Outcome::Failed {
        earlier::remove(&earlier)?;
    }
    Ok(outcome)
}

/// The pack of the first take that can be read, and that take: one that cannot is an error of its shard.
fn pack_of(items: &[Item]) -> Result<(PackId, &Path), CliError> {
    let mut first = None;
    for item in items {
        match open_take(&item.path) {
            Ok(take) => return Ok((take.header.pack, &item.path)),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Err(first.unwrap_or_else(|| CliError::NoInput { what: "no take was given".into() }))
}

/// The takes with their keys, each key once.
fn items(args: &Args) -> Result<Vec<Item>, CliError> {
    let batch =
        BatchArgs::of(args.takes.clone()).with_list(args.files_from.clone()).with_root(args.root.clone());
    // Names of results that nobody writes tell where takes are below what was given.
    let tasks = batch.with_output(Some("./".into())).tasks_that_count()?;
    let mut owners = HashMap::<String, PathBuf>::new();
    let mut items = Vec::with_capacity(tasks.len());
    for task in tasks {
        task.is_no_folder()?;
        let below = task.output.strip_prefix(".").unwrap_or(&task.output).with_extension("");
        let mut key = below.to_string_lossy().replace('\\', "/");
        if args.to == Format::Webdataset {
            key = webdataset::key(&key);
        }
        if let Some(first) = owners.insert(key.clone(), task.input.clone()) {
            return Err(CliError::OneKey { key, first, second: task.input });
        }
        items.push(Item { path: task.input, key });
    }
    Ok(items)
}

fn make(args: &Args, task: &Task, shard: &Shard) -> Result<FileReport, CliError> {
    let content = write_result(&task.input, &task.output, args.overwrite, |file| {
        let written = |error: io::Error| CliError::write(&task.output, error);
        match args.to {
            Format::Npz => npz::write(shard, file, &written),
            Format::Parquet => parquet::write(shard, file, &written),
            Format::Webdataset => webdataset::write(shard, file, &written),
            Format::Jsonl => jsonl::write(shard, file, &written),
        }
    })?;
    let Content { rows, frames, missing_frames, not_whole } = content;
    let takes = shard.items.len();
    let mut text = format!("{}: {takes} takes, {rows} rows, {frames} frames", task.output.display());
    if let Some(first) = not_whole.first() {
        text += &format!("; {} takes are not whole: {first} (the first)", not_whole.len());
    }
    let json = json!({
        "output": name(&task.output), "takes": takes, "rows": rows, "frames": frames,
        "missing_frames": missing_frames, "not_whole": not_whole,
    });
    Ok(FileReport::new(text, json, if not_whole.is_empty() { Outcome::Done } else { Outcome::Finding }))
}

//! The `sacodec` command: the plugin's engine on files.
//!
//! Exit codes: `0` done, `1` something failed (one line on standard error says what), `2` the
//! command line was not understood, `3` done, and what was found is not whole or not equal: a take
//! with missing or damaged frames, tokens that differ.

mod alignment;
pub mod audio;
mod batch;
mod bench;
mod check;
mod compare;
mod comparison;
mod console;
mod convert;
mod dataset;
mod decode;
mod encode;
mod existing;
mod file_encoder;
mod info;
mod interrupt;
mod lose;
mod network;
mod repair;
mod result_file;
mod roundtrip;
mod stats;
mod verify;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use thiserror::Error;

use console::complain;
use result_file::{input_name, is_standard};
use sacodec_codec::{CodecError, CodecModel, LoadError, ModelPack};
use sacodec_engine::EngineError;
use sacodec_network::TraceError;
use sacodec_take::atomic_file::AtomicFileError;
use sacodec_take::decode::DecodeError;
use sacodec_take::export::ExportError;
use sacodec_take::wav::WavError;
use sacodec_take::{MAX_CHANNELS, Take, TakeError};

/// Hear what a 1.5 kbps neural speech codec does to a voice.
#[derive(Debug, Parser)]
#[command(name = "sacodec", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Code a WAV or FLAC file and decode it again: as long as the input and aligned to it.
    Roundtrip(roundtrip::Args),
    /// Code audio files into token takes.
    Encode(encode::Args),
    /// Decode token takes into audio.
    Decode(decode::Args),
    /// Make .npy, .jsonl, .csv or .wav of token takes.
    Convert(convert::Args),
    /// Make shards for training of takes: .npz, Parquet, WebDataset or JSON Lines.
    Dataset(dataset::Args),
    /// Show what takes are, unfinished ones too; without one, the model pack and its latency.
    Info(info::Args),
    /// Code audio again and compare its tokens with those of a take.
    Verify(verify::Args),
    /// Tell how takes use the codebooks: codes, entropy, bigrams, hours, folder by folder.
    Stats(stats::Args),
    /// Compare the tokens of two takes, or of two folders of takes.
    Compare(compare::Args),
    /// Take frames out of takes, as a network that loses packets would.
    Lose(lose::Args),
    /// Recover what is sound of damaged or unfinished takes.
    Repair(repair::Args),
    /// Prove that all of a list was made, is there and is whole, by the reports of its runs.
    Check(check::Args),
    /// Time the frame codec on this machine.
    Bench(bench::Args),
}

/// What any command can fail with. Each message names the file and says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CliError {
    /// An audio file could not be opened.
    #[error("{} could not be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Audio that cannot be read, or is not what its file says.
    #[error("{} could not be read: {source}", path.display())]
    Audio {
        /// The file.
        path: PathBuf,
        /// Why.
        source: audio::AudioError,
    },
    /// More channels than a take can hold.
    #[error("{} has {channels} channels and a take holds {MAX_CHANNELS}: code `--channels sum`", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// Its channels.
        channels: usize,
    },
    /// No samples in it.
    #[error("{} holds no audio", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A result could not be written.
    #[error("{} could not be written ({reason}): is its folder there, with room and rights to write?", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
    /// A result that cannot have its name.
    #[error("{} could not be written: {source}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AtomicFileError,
    },
    /// Audio that cannot be a WAV file.
    #[error("{} could not be written: {source}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// Why.
        source: WavError,
    },
    /// Input and output, or two outputs, are one file.
    #[error("{} would be overwritten while it is needed: choose another output", path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// The pack.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The codec.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Not a take that can be read.
    #[error("{} could not be read: {source}", path.display())]
    Take {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TakeError,
    },
    /// A take could not be made into something else.
    #[error("{} could not be made of {}: {source}", output.display(), input.display())]
    Export {
        /// The take.
        input: PathBuf,
        /// What was to be made.
        output: PathBuf,
        /// Why.
        source: ExportError,
    },
    /// A take that cannot be coded again with the pack at hand.
    #[error("{} could not be verified: {source}", path.display())]
    Verify {
        /// The take.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// Takes whose tokens cannot be compared.
    #[error("{} and {} cannot be compared: {reason}", first.display(), second.display())]
    Compare {
        /// A take.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Why.
        reason: String,
    },
    /// A result is there already.
    #[error("{} is there already: remove it, or give --overwrite, or where files are many --skip-existing", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A result is there that is not what would be made.
    #[error("{} is there already and is not the take of {}: {reason}: remove it, give --overwrite, or choose another --output", path.display(), input.display())]
    OtherSource {
        /// The result.
        path: PathBuf,
        /// What it should have been made of.
        input: PathBuf,
        /// What is different.
        reason: String,
    },
    /// Another process is making a result.
    #[error("{} is being made by another process: try again when it is done", path.display())]
    Busy {
        /// The result.
        path: PathBuf,
    },
    /// Two inputs, one result.
    #[error("{} would be made of both {} and {}: give the second another place with --output", path.display(), first.display(), second.display())]
    OneOutput {
        /// The result.
        path: PathBuf,
        /// One input.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Two takes, one key of a dataset.
    #[error("{key} would be the key of both {} and {}: rename one, or give a folder that holds both as the only input", first.display(), second.display())]
    OneKey {
        /// The key.
        key: String,
        /// One take.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Takes of two packs, whose codes mean different things.
    #[error("{} was coded with another pack than {}: make a dataset of the takes of each pack", second.display(), first.display())]
    MixedPacks {
        /// One take.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A result of one kind was given the name of another.
    #[error("{} would hold .{expected}: name it so, or end it in / for a folder", path.display())]
    Extension {
        /// The name.
        path: PathBuf,
        /// The extension of what would be written.
        expected: String,
    },
    /// A list that is no list of names.
    #[error("{} is not a list of files: one name on each line is expected, in UTF-8 or as bytes, not in UTF-16", path.display())]
    List {
        /// The list.
        path: PathBuf,
    },
    /// An input that cannot be named from the root.
    #[error("{} is not in the folder {} that --root gives: give a folder that holds all inputs", path.display(), root.display())]
    OutsideRoot {
        /// The input.
        path: PathBuf,
        /// The root.
        root: PathBuf,
    },
    /// Standard input has no name that a result could be called after.
    #[error(
        "standard input has no name that its result could have: give one with --output, or - for standard output"
    )]
    NoName,
    /// Standard output holds one result.
    #[error(
        "standard output can hold one result, and {inputs} inputs were given: give a folder with --output"
    )]
    ManyToStandardOutput {
        /// How many.
        inputs: usize,
    },
    /// Not a trace of packets.
    #[error("{} could not be read: {source}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TraceError,
    },
    /// Nothing to work on.
    #[error("there is nothing to do: {what}")]
    NoInput {
        /// What there is, or what to give.
        what: String,
    },
    /// Audio that cannot be what a take was coded from.
    #[error("{} cannot be what {} was coded from: {reason}", audio.display(), take.display())]
    OtherAudio {
        /// The audio.
        audio: PathBuf,
        /// The take.
        take: PathBuf,
        /// Why.
        reason: String,
    },
    /// The engine met frames it could not code: the output would be silently wrong.
    #[error("{failed} frames could not be coded: try another pack")]
    Failed {
        /// How many.
        failed: u64,
    },
}

/// How a command that did not fail as a whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is as it should be.
    Done,
    /// It was done before.
    Skipped,
    /// Done, and something is not whole or not equal.
    Finding,
    /// Some files failed, and it was said which.
    Failed,
}

impl CliError {
    /// `output` could not be made of the take `input`.
    fn export(input: &Path, output: &Path, error: ExportError) -> Self {
        match error {
            ExportError::File(error) => Self::file(output, error),
            ExportError::Io(error) => Self::write(output, error),
            source => Self::Export { input: input.into(), output: output.into(), source },
        }
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    if let Err(error) = interrupt::clean_up_when_interrupted() {
        complain(format_args!("sacodec: after Ctrl-C a hidden .part file may stay beside a result: {error}"));
    }
    run_from(std::env::args_os())
}

/// Runs a command line, the program's name first. One that is not understood ends the process, with its usage.
pub fn run_from(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let result = match Cli::parse_from(line).command {
        Command::Roundtrip(args) => roundtrip::run(&args).map(|()| Outcome::Done),
        Command::Encode(args) => encode::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Dataset(args) => dataset::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Lose(args) => lose::run(&args),
        Command::Repair(args) => repair::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Bench(args) => bench::run(&args).map(|()| Outcome::Done),
    };
    match result {
        Ok(Outcome::Done | Outcome::Skipped) => ExitCode::SUCCESS,
        Ok(Outcome::Finding) => ExitCode::from(3),
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("sacodec: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The model of the pack in `folder`, or the one the command carries.
fn model(folder: Option<&Path>) -> Result<Arc<CodecModel>, CliError> {
    Ok(match folder {
        None => CodecModel::embedded()?,
        Some(folder) => CodecModel::load(&ModelPack::from_folder(folder).map_err(LoadError::from)?)?,
    })
}

/// Reads a take.
fn open_take(path: &Path) -> Result<Take, CliError> {
    take_bytes(path).and_then(|bytes| Take::parse(&bytes)).map_err(|source| take_error(path, source))
}

/// The bytes of a take; `-` is standard input.
fn take_bytes(path: &Path) -> Result<Vec<u8>, TakeError> {
    if is_standard(path) { Take::read_bytes(std::io::stdin().lock()) } else { Take::bytes(path) }
}

/// Why the take at `path` could not be read.
fn take_error(path: &Path, source: TakeError) -> CliError {
    let path = input_name(path);
    match source {
        TakeError::Io(source) => CliError::Open { path, source },
        source => CliError::Take { path, source },
    }
}

/// What a take has lost, in words; `None` if it is whole.
fn losses(take: &Take) -> Option<String> {
    let mut losses = Vec::new();
    let missing = take.frames() - take.present_frames();
    if missing > 0 {
        losses.push(format!("{missing} frames are missing"));
    }
    if !take.damage.is_empty() {
        let bytes: usize = take.damage.iter().map(|d| d.bytes).sum();
        losses.push(format!("{bytes} bytes in {} places are damaged", take.damage.len()));
    }
    if take.footer.is_none() {
        losses.push("it is unfinished".into());
    }
    (!losses.is_empty()).then(|| losses.join(", "))
}

//! The `sacodec` command: the plugin's engine on files.
//!
//! Exit codes: `0` done, `1` something failed (one line on standard error says what), `2` the
//! command line was not understood.

mod audio;
mod bench;
mod info;
mod roundtrip;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use thiserror::Error;

use crate::codec::{CodecError, CodecModel, LoadError, ModelPack};
use crate::engine::EngineError;

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
    /// Show what a model pack is, and the latency at a sample rate.
    Info(info::Args),
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
    /// Not an audio file that can be read.
    #[error("{} could not be read ({reason}): is it a complete WAV or FLAC file?", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
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
    /// The engine met frames it could not code: the output would be silently wrong.
    #[error("{failed} frames could not be coded: try another pack")]
    Failed {
        /// How many.
        failed: u64,
    },
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Roundtrip(args) => roundtrip::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sacodec: {error}");
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

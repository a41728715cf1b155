//! The `sacodec` command: the plugin's engine on files.
//!
//! Exit codes: `0` done, `1` something failed (one line on standard error says what), `2` the
//! command line is wrong, `3` done, and what was found is not whole or not equal: a take
//! with missing or damaged frames, tokens that differ.

mod alignment;
pub mod audio;
mod batch;
mod bench;
mod check;
mod choices;
mod coder;
mod compare;
mod comparison;
mod console;
mod convert;
mod dataset;
mod decode;
mod decoded_wav;
mod encode;
mod error;
mod existing;
mod file_encoder;
mod info;
mod interrupt;
mod lose;
mod moments;
mod network;
mod outcome;
mod pack;
mod played;
mod repair;
mod result_file;
mod roundtrip;
mod same_bytes;
mod standard;
mod stats;
mod take;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::complain;
pub use error::CliError;
use outcome::Outcome;

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
    /// Find where coded audio is furthest from the original, as ears have it.
    Moments(moments::Args),
    /// Take frames out of takes, as a network that loses packets would.
    Lose(lose::Args),
    /// Recover what is sound of damaged or unfinished takes.
    Repair(repair::Args),
    /// Prove that all of a list was made, is there and is whole, by the reports of its runs.
    Check(check::Args),
    /// Time the frame codec on this machine.
    Bench(bench::Args),
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
        Command::Roundtrip(args) => roundtrip::run(&args),
        Command::Encode(args) => encode::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Dataset(args) => dataset::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Moments(args) => moments::run(&args),
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
            if error.is_of_the_line() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

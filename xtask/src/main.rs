//! `cargo xtask`: what is done to this repository beyond building it. One file a command.

mod bundle;
mod bundles;
mod demo;
mod hosts;
mod install;
mod notices;
mod project;
mod python;
mod test;
mod training;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;

/// Bundles, installs, demonstrates and tests SACodec.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a package and bundle it as .clap and .vst3, into `bundled` in the target folder
    #[command(override_usage = "cargo xtask bundle <PACKAGE> [--release] [CARGO BUILD OPTIONS]")]
    Bundle {
        /// The package, then options of `cargo build`: `sacodec --release`
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// The same as one bundle for both kinds of Mac; needs both Mac targets of rustup
    #[command(override_usage = "cargo xtask bundle-universal <PACKAGE> [--release] [CARGO BUILD OPTIONS]")]
    BundleUniversal {
        /// The package, then options of `cargo build`: `sacodec --release`
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build the plugins and copy them to your plugin folders
    Install {
        /// Copy what is bundled already, a universal bundle for instance
        #[arg(long)]
        as_is: bool,
        /// Copy both formats to this folder instead
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Play the speech clip through the built plugin: WAV files, a spectrogram and a report
    Demo {
        /// Folder to write to [default: `demo` in the target folder]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// All tests but test-training: those of every package in release, then test-hosts
    Test,
    /// Test the training pipeline, from recordings to a scored pack; needs Python with venv, installs
    /// the rest, five gigabytes with PyTorch
    TestTraining {
        /// Options of pytest, after `--`: `-- -k resumed`
        #[arg(last = true, value_name = "PYTEST OPTIONS")]
        pytest_args: Vec<String>,
    },
    /// Test the built plugin in other people's hosts; needs Python with venv, installs the rest
    TestHosts {
        /// Options of pytest, after `--`: `-- -k state`
        #[arg(last = true, value_name = "PYTEST OPTIONS")]
        pytest_args: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Bundle { args } => bundle::delegate("bundle", args),
        Command::BundleUniversal { args } => bundle::delegate("bundle-universal", args),
        Command::Install { to, as_is } => install::run(&Project::find()?, to.as_deref(), as_is),
        Command::Demo { out } => demo::run(&Project::find()?, out.as_deref()),
        Command::Test => test::run(&Project::find()?),
        Command::TestTraining { pytest_args } => training::run(&Project::find()?, &pytest_args),
        Command::TestHosts { pytest_args } => hosts::run(&Project::find()?, &pytest_args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bundle_passes_every_argument_on() {
        let lines: [&[&str]; 3] = [
            &["sacodec", "--release"],
            &["-p", "sacodec", "--profile", "dev"],
            &["sacodec", "--target=x", "-v"],
        ];
        for line in lines {
            for name in ["bundle", "bundle-universal"] {
                let all = ["cargo xtask", name].into_iter().chain(line.iter().copied());
                let command = Cli::try_parse_from(all).map(|cli| cli.command);
                let (Ok(Command::Bundle { args }) | Ok(Command::BundleUniversal { args })) = command else {
                    panic!("{name} {line:?}: {command:?}");
                };
                assert_eq!(args, line);
            }
        }
    }

    #[test]
    fn pytest_options_come_after_two_dashes() {
        for name in ["test-hosts", "test-training"] {
            let command =
                Cli::try_parse_from(["cargo xtask", name, "--", "-k", "state"]).map(|cli| cli.command);
            let (Ok(Command::TestHosts { pytest_args }) | Ok(Command::TestTraining { pytest_args })) =
                command
            else {
                panic!("{name}: {command:?}");
            };
            assert_eq!(pytest_args, ["-k", "state"]);
        }
    }
}

//! The `sacodec` command; all of it is in [`sacodec::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    sacodec::cli::run()
}

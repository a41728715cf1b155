//! The `sacodec` command; all of it is in the library beside it.

use std::process::ExitCode;

/// The engine runs as in the plugin, from its pool.
#[global_allocator]
static ALLOCATOR: sacodec_rt::RtAllocator = sacodec_rt::RtAllocator;

fn main() -> ExitCode {
    sacodec_cli::run()
}

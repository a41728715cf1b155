//! Ctrl-C, SIGTERM and a terminal that closes end the command at once, and no temporary file stays.

use std::io;

/// From now on these signals end the process without what is not finished.
pub fn clean_up_when_interrupted() -> io::Result<()> {
    platform::listen()
}

#[cfg(unix)]
mod platform {
    use std::io;

    use sacodec_take::atomic_file::remove_unfinished;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    pub fn listen() -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let wait = move || {
            if let Some(signal) = signals.forever().next() {
                let _none = remove_unfinished();
                // Dies of the signal, as whoever sent it expects. If it does not, nothing else is left to try.
                let _ = emulate_default_handler(signal);
                std::process::exit(128 + signal);
            }
        };
        std::thread::Builder::new().name("sacodec-signals".into()).spawn(wait).map(drop)
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io;

    use sacodec_take::atomic_file::remove_unfinished;

    /// What a shell reports of a command that Ctrl-C has ended.
    const INTERRUPTED: i32 = 130;

    pub fn listen() -> io::Result<()> {
        let end = || {
            let _none = remove_unfinished();
            std::process::exit(INTERRUPTED);
        };
        ctrlc::set_handler(end).map_err(io::Error::other)
    }
}

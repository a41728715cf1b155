//! The `sacodec` command as a user runs it.

mod audio;
mod compare;
#[cfg(unix)]
mod ends;
#[cfg(unix)]
mod interrupt;
mod names;
mod report;
mod roundtrip;
mod salvage;
mod source;
mod stats;
mod streams;
mod takes;

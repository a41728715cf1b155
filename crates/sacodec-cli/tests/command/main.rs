//! The `sacodec` command as a user runs it.

mod audio;
#[cfg(unix)]
mod ends;
#[cfg(unix)]
mod interrupt;
mod names;
mod roundtrip;
mod salvage;
mod source;
mod streams;
mod takes;

//! The `sacodec` command as a user runs it.

#[cfg(unix)]
mod interrupt;
mod roundtrip;
mod takes;

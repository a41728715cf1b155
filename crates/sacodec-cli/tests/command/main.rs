//! The `sacodec` command as a user runs it.

mod audio;
#[cfg(target_os = "linux")]
mod cluster;
mod compare;
mod copies;
mod dataset;
#[cfg(unix)]
mod ends;
mod existing;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod killed;
mod level;
#[cfg(target_os = "linux")]
mod memory;
mod moments;
mod names;
mod network;
mod played;
mod report;
mod roundtrip;
mod salvage;
mod source;
mod stats;
mod streams;
mod takes;

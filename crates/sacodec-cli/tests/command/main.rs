//! The `sacodec` command as a user runs it.

mod roundtrip;
mod takes;

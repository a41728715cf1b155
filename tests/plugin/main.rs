//! The plugin in a host of the tests' own process, and its editor drawn on plain data.

mod editor;
mod editor_input;
mod handover;
mod instance;
mod loss;
mod played;
mod realtime;
mod support;
mod takes;
mod takes_process;
mod timeline_lock;
#[cfg(target_os = "linux")]
mod window;
#[cfg(target_os = "linux")]
mod window_use;

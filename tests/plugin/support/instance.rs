//! The plugin linked into the test, in the in-process host.
#![allow(dead_code)]

use clap_host::{Host, Library};
// Linked for what it exports.
use sacodec as _;

pub const ID: &str = "org.sacodec.sacodec";

/// Values of the enum parameters, as CLAP hosts see them.
pub mod value {
    pub const ORIGINAL: f64 = 0.0;
    pub const CODED: f64 = 1.0;
    pub const DIFFERENCE: f64 = 2.0;
    pub const SPREAD: f64 = 0.0;
    pub const BURST: f64 = 1.0;
}

unsafe extern "C" {
    /// Exported by the plugin, for hosts that load it as a file.
    static clap_entry: clack_host::entry::EntryDescriptor;
}

/// The plugin of this crate.
pub fn library() -> Library {
    // SAFETY: the plugin exports it under this name and type, for the life of the program.
    Library::from_entry(unsafe { &clap_entry }).unwrap()
}

pub fn host() -> Host {
    library().create(ID).unwrap()
}

/// An active instance.
pub fn active(rate_hz: f64, channels: usize, listen: f64) -> Host {
    let mut host = host();
    host.set_param("Listen", listen).unwrap();
    host.activate(rate_hz, 1, 16_384, channels).unwrap();
    host
}

/// A state with one persisted field replaced: the framework's state is length-prefixed JSON.
pub fn with_field(state: &[u8], field: &str, content: &serde_json::Value) -> Vec<u8> {
    let (length, json) = state.split_at(8);
    assert_eq!(u64::from_le_bytes(length.try_into().unwrap()), json.len() as u64);
    let mut value: serde_json::Value = serde_json::from_slice(json).unwrap();
    value["fields"][field] = serde_json::Value::from(content.to_string());
    let json = serde_json::to_vec(&value).unwrap();
    [&(json.len() as u64).to_le_bytes()[..], &json].concat()
}

/// Lets an instance record into `folder`.
pub fn record_to(host: &mut Host, folder: &std::path::Path, formats: &[&str]) {
    let choice = serde_json::json!({ "folder": folder, "formats": formats });
    let state = host.save_state().unwrap();
    host.load_state(&with_field(&state, "takes", &choice)).unwrap();
    host.set_param("Record tokens", 1.0).unwrap();
}

/// Files of a kind in a folder, by name.
pub fn files(folder: &std::path::Path, extension: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<_> = entries.filter(|f| f.extension().is_some_and(|e| e == extension)).collect();
    files.sort();
    files
}

/// Waits until the exports of a closed take are in a folder.
#[track_caller]
pub fn exports_are_there(folder: &std::path::Path, extensions: &[&str]) {
    let begun = std::time::Instant::now();
    while extensions.iter().any(|extension| files(folder, extension).is_empty()) {
        assert!(begun.elapsed().as_secs() < 120, "not all of {extensions:?} came");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// The one take in a folder.
#[track_caller]
pub fn only_take(folder: &std::path::Path) -> sacodec_take::Take {
    let takes = files(folder, "sac");
    assert_eq!(takes.len(), 1, "{takes:?}");
    sacodec_take::Take::open(&takes[0]).unwrap()
}

/// An instance that records into `folder` from its first sample on.
pub fn recording(rate_hz: f64, channels: usize, folder: &std::path::Path, formats: &[&str]) -> Host {
    let mut host = library().create_on(ID, "Lead Vocal").unwrap();
    record_to(&mut host, folder, formats);
    host.activate(rate_hz, 1, 16_384, channels).unwrap();
    host
}

//! Packs that differ from the shipped one.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::root;

/// The shipped pack under another version: another pack as far as anybody can tell.
pub fn other_pack() -> TempDir {
    pack_that_says("version", |_| "99.0".into())
}

/// The shipped pack with one field of its manifest changed to what `change` makes of it.
pub fn pack_that_says(field: &str, change: impl Fn(&Value) -> Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let live = root().join("models/live");
    for name in ["encoder.onnx", "quantizer.onnx", "decoder.onnx"] {
        fs::copy(live.join(name), folder.path().join(name)).unwrap();
    }
    let manifest = fs::read(live.join("manifest.json")).unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let changed = change(&manifest[field]);
    assert_ne!(manifest[field], changed, "the shipped pack says so itself");
    manifest[field] = changed;
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    folder
}

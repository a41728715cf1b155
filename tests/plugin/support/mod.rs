//! What the plugin's tests share.

pub mod instance;
pub mod raster;
pub mod studio;

use std::process::Command;

/// The name by which this program runs a test alone: `module` is the test's `module_path!()`.
pub fn full_name(module: &str, test: &str) -> String {
    let module = module.split_once("::").map_or(module, |(_program, module)| module);
    format!("{module}::{test}")
}

/// Whether this process runs the test alone, so that what it counts is its own. If not, another process does, and the test is
/// over when that has passed.
#[track_caller]
pub fn is_alone(module: &str, test: &str) -> bool {
    const ALONE: &str = "SACODEC_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut program = Command::new(std::env::current_exe().unwrap());
    let name = full_name(module, test);
    let output = program.args([name.as_str(), "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    // A name that no test has would pass too.
    assert!(output.status.success() && said.contains("1 passed"), "{name}, alone: {said}");
    false
}

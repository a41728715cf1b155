//! What the plugin's tests share.

pub mod instance;
pub mod raster;
#[cfg(target_os = "linux")]
pub mod screen;
pub mod studio;
#[cfg(target_os = "linux")]
pub mod tracer;
pub mod watch;

use std::io;
use std::process::{Command, Output};

/// The name by which this program runs a test of another: `module` is the test's `module_path!()`.
pub fn full_name(module: &str, test: &str) -> String {
    let module = module.split_once("::").map_or(module, |(_program, module)| module);
    format!("{module}::{test}")
}

/// The name by which this program runs a test: this function, or the one in which this closure is.
pub fn name_of<F>(_test: &F) -> String {
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_program, test)| test).to_owned()
}

/// Runs the body of `test` in a process of its own, so that what it counts is its own.
#[track_caller]
pub fn run_alone<F: Fn()>(test: F, body: impl FnOnce()) {
    if alone(&name_of(&test), Command::output) {
        body();
    }
}

/// Whether this process runs this test alone. If not, `run` starts the one that does, and the test is over when that has
/// passed.
#[track_caller]
pub fn alone(test: &str, run: impl FnOnce(&mut Command) -> io::Result<Output>) -> bool {
    const ALONE: &str = "SACODEC_TEST_ALONE";
    if std::env::var(ALONE).is_ok_and(|alone| alone == test) {
        return true;
    }
    let mut program = Command::new(std::env::current_exe().unwrap());
    let output = run(program.args([test, "--exact", "--nocapture"]).env(ALONE, test)).unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    // A name that no test has would pass too.
    assert!(output.status.success() && said.contains("1 passed"), "{test}, alone: {said}");
    false
}

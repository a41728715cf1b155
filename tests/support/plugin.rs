//! The plugin linked into the test, in the in-process host.
#![allow(dead_code)]

use sacodec_clap_host::{Host, Library};

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
    // Linked because the crate is used: the address of a function of it is taken.
    std::hint::black_box(sacodec::rt::counters as fn() -> sacodec::rt::RtCounters);
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

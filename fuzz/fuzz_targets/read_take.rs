//! Any bytes as a take: read, repaired and exported without a panic.
//!
//! `cargo +nightly fuzz run read_take fuzz/seeds`, with seeds made by `sacodec encode`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sacodec_take::{Take, write_csv, write_jsonl, write_npy};

fuzz_target!(|bytes: &[u8]| {
    let Ok(take) = Take::parse(bytes) else { return };
    let frames = take.frames() as usize;
    assert_eq!(take.iter().count(), frames);
    assert_eq!(take.places().count(), frames);
    let repaired = take.repaired().expect("what can be read can be repaired");
    let again = Take::parse(&repaired).expect("what was repaired can be read");
    assert!(again.damage.is_empty() && take.iter().eq(again.iter()));
    let mut out = Vec::new();
    let _ = (write_npy(&take, &mut out), write_csv(&take, &mut out), write_jsonl(&take, &mut out));
});

//! How a take is read: whatever the pieces are, and never more than is allowed.

use super::*;

/// A take of an hour, in bytes, with damage in the middle.
fn damaged_hour() -> Vec<u8> {
    let json = json_header(1024);
    let mut writer = TakeSerializer::new(serde_json::from_str(&json).unwrap()).unwrap();
    let token = |index: u32| TokenFrame { semantic: (index % 1000) as u16, acoustic: (index % 991) as u16 };
    (0..270_000).for_each(|index| writer.frame(&[token(index)]).unwrap());
    let mut bytes = writer.take_bytes();
    bytes[300_000..310_000].fill(0);
    bytes
}

fn json_header(codes: usize) -> String {
    let sha256 = "0".repeat(64);
    format!(
        r#"{{"pack":{{"name":"test","version":"1","sha256":"{sha256}"}},"codec_rate_hz":24000,"hop_samples":320,
        "codebooks":{{"semantic":{codes},"acoustic":{codes}}},"channels":1,"host_rate_hz":24000.0}}"#
    )
}

/// Gives a byte at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(1);
        self.0.read(&mut out[..count])
    }
}

#[test]
fn a_take_is_the_same_however_its_bytes_come() {
    let bytes = damaged_hour();
    // The last block is cut: it has 195 bytes.
    for cut in [bytes.len(), bytes.len() - 1, bytes.len() - 194] {
        let whole = Take::parse(&bytes[..cut]).unwrap();
        assert_eq!(Take::from_reader(Slow(&bytes[..cut])).unwrap(), whole, "cut at {cut}");
        let cut_bytes = if cut == bytes.len() { 0 } else { 195 - (bytes.len() - cut) };
        assert!(whole.iter().eq((0..whole.frames()).map(|index| whole.frame(index))), "cut at {cut}");
        assert_eq!(whole.frame(whole.frames()), None);
        assert_eq!((whole.damage.len(), whole.cut_bytes), (1, cut_bytes), "cut at {cut}");
    }
}

#[test]
fn a_take_that_would_take_up_too_much_memory_is_refused() {
    let bytes = damaged_hour();
    let tokens = size_of::<TokenFrame>() * 250_000;
    let refused = Take::read(&bytes[..], None, tokens).unwrap_err();
    assert!(matches!(refused, TakeError::TooMuch { .. }), "{refused}");
    Take::read(&bytes[..], None, 2 * tokens).unwrap();
}

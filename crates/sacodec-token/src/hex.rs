//! The sum that names a pack, in text.

/// The 32 bytes of a SHA-256 in 64 hexadecimal digits of either case; `None` for any other text.
pub fn sha256_from_hex(text: &str) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        for &digit in pair {
            *byte = *byte << 4 | char::from(digit).to_digit(16)? as u8;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_either_case_are_bytes_and_nothing_else_is() {
        let text = format!("{}0aFf", "01".repeat(30));
        let bytes = sha256_from_hex(&text).unwrap();
        assert_eq!((bytes[0], bytes[29], bytes[30], bytes[31]), (1, 1, 0x0a, 0xff));
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replace('a', "g"), &text.replace("aF", "é")]
        {
            assert_eq!(sha256_from_hex(wrong), None, "{wrong}");
        }
    }
}

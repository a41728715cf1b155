//! The sum that names a pack, in text.

/// The 32 bytes of a SHA-256 in 64 hexadecimal digits of either case; `None` for any other text.
pub fn sha256_from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(std::array::from_fn(|byte| digits[2 * byte] << 4 | digits[2 * byte + 1]))
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

//! `speech.json` of a model pack: how the tokens of what it was made for look. Not every pack has one.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::error::PackError;

/// Largest `speech.json` that is read.
pub const MAX_SPEECH_BYTES: u64 = 4 << 10;
/// Frames that can be looked at: 1 to 10 s.
const FRAMES: RangeInclusive<u64> = 75..=750;

/// How the tokens of speech differ from those of music and noise: it uses more of the semantic codebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeechStats {
    /// So many frames that sound are looked at, 75 to 750.
    pub frames: usize,
    /// Speech has at least so many different semantic codes in them, 1 to `frames`.
    pub min_distinct_semantic: usize,
}

impl SpeechStats {
    /// Reads and checks the bytes of a `speech.json`.
    ///
    /// # Errors
    /// [`PackError::Speech`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PackError> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| PackError::Speech { reason: format!("it is not valid JSON: {error}") })?;
        let number = |field: &str, bounds: RangeInclusive<u64>| {
            let found = value.get(field).and_then(Value::as_u64);
            found.filter(|number| bounds.contains(number)).ok_or_else(|| {
                let found = found.map_or_else(|| "no whole number".to_owned(), |number| number.to_string());
                let (least, most) = bounds.into_inner();
                PackError::Speech { reason: format!("{field} is {found}, expected {least} to {most}") }
            })
        };
        let frames = number("frames", FRAMES)?;
        let min_distinct_semantic = number("min_distinct_semantic", 1..=frames)? as usize;
        Ok(Self { frames: frames as usize, min_distinct_semantic })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_and_what_was_expected() {
        let parse = |text: &str| SpeechStats::parse(text.as_bytes());
        let good = parse(r#"{"frames": 75, "min_distinct_semantic": 75, "note": "more may be said"}"#);
        assert_eq!(good.unwrap(), SpeechStats { frames: 75, min_distinct_semantic: 75 });
        for (text, said) in [
            ("{", "not valid JSON"),
            ("[]", "frames is no whole number, expected 75 to 750"),
            (r#"{"frames": 74, "min_distinct_semantic": 5}"#, "frames is 74, expected 75 to 750"),
            (
                r#"{"frames": 150, "min_distinct_semantic": 151}"#,
                "min_distinct_semantic is 151, expected 1 to 150",
            ),
            (r#"{"frames": 150, "min_distinct_semantic": -1}"#, "min_distinct_semantic is no whole number"),
            (r#"{"frames": 1e99, "min_distinct_semantic": 1}"#, "frames is no whole number"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("remove speech.json"), "{text}: {error}");
        }
    }
}

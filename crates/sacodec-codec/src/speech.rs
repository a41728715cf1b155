//! `speech.json` of a model pack: how the tokens of what it was made for look. Not every pack has one.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use sacodec_token::{TokenFrame, TokenStream};
use serde_json::Value;

use super::error::PackError;

/// Largest `speech.json` that is read.
pub const MAX_SPEECH_BYTES: u64 = 1 << 20;
/// Frames that can be looked at: 1 to 10 s.
const FRAMES: RangeInclusive<u64> = 75..=750;
/// No code counts for more.
const MOST_WEIGHT: i32 = 10_000;

/// How the tokens of one voice differ from those of music and noise, and of two voices at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechStats {
    /// So many frames that sound are looked at, 75 to 750.
    pub frames: usize,
    /// Speech has at least so many different semantic codes in them, 1 to `frames`.
    pub min_distinct_semantic: usize,
    /// What tells two voices from one, where the pack says it.
    pub two_voices: Option<Arc<TwoVoices>>,
}

/// Which codes two voices at once use more than one voice: a logistic regression on the set of codes that are in a few
/// frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoVoices {
    /// Of each code, by stream.
    weights: [Box<[i32]>; 2],
    threshold: i64,
}

impl TwoVoices {
    /// The sum of the weights of the codes in these frames, each counted once, less the threshold: two voices at 0 or more.
    pub fn score(&self, frames: impl Iterator<Item = TokenFrame> + Clone) -> i64 {
        let sum = |stream: TokenStream| -> i64 {
            let codes: HashSet<u16> = frames.clone().map(|frame| frame.get(stream)).collect();
            let weights = &self.weights[stream.index()];
            codes
                .iter()
                .filter_map(|&code| weights.get(usize::from(code)))
                .map(|&weight| i64::from(weight))
                .sum()
        };
        TokenStream::ALL.into_iter().map(sum).sum::<i64>() - self.threshold
    }

    /// Reads the object `two_voices`, for codebooks of these sizes.
    fn parse(value: &Value, sizes: [usize; 2]) -> Result<Self, String> {
        if !value.is_object() {
            return Err("two_voices is not an object".to_owned());
        }
        let weights = |stream: TokenStream| {
            let (field, size) = (format!("two_voices.{}", stream.name()), sizes[stream.index()]);
            let Some(list) = value.get(stream.name()).and_then(Value::as_array) else {
                return Err(format!(
                    "{field} is missing or not a list: expected {size} numbers, one for each code"
                ));
            };
            if list.len() != size {
                return Err(format!(
                    "{field} has {} numbers, expected {size}, one for each code",
                    list.len()
                ));
            }
            let read = |(code, value)| whole(Some(value), MOST_WEIGHT, || format!("{field}, code {code},"));
            list.iter().enumerate().map(read).collect::<Result<Box<[i32]>, _>>()
        };
        let [semantic, acoustic] = TokenStream::ALL.map(weights);
        let weights = [semantic?, acoustic?];
        let threshold = whole(value.get("threshold"), i32::MAX, || "two_voices.threshold".to_owned())?;
        Ok(Self { weights, threshold: i64::from(threshold) })
    }
}

/// A whole number of at most `most` and at least its negative; `name` says of what an error is.
fn whole(value: Option<&Value>, most: i32, name: impl Fn() -> String) -> Result<i32, String> {
    let number = value.and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    number.filter(|number| (-most..=most).contains(number)).ok_or_else(|| {
        format!("{} is {}, expected a whole number of {} to {most}", name(), in_words(value), -most)
    })
}

/// What was found in place of a number. A list or a long text would not fit a line.
fn in_words(value: Option<&Value>) -> String {
    match value {
        None => "missing".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => "not a number".to_owned(),
    }
}

impl SpeechStats {
    /// Reads and checks the bytes of a `speech.json`, for codebooks of these sizes (semantic, acoustic).
    ///
    /// # Errors
    /// [`PackError::Speech`].
    pub fn parse(bytes: &[u8], sizes: [usize; 2]) -> Result<Self, PackError> {
        let wrong = |reason: String| PackError::Speech { reason };
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| wrong(format!("it is not valid JSON: {error}")))?;
        if !value.is_object() {
            return Err(wrong("it is not a JSON object, expected {\"frames\": …}".to_owned()));
        }
        let number = |field: &str, bounds: RangeInclusive<u64>| {
            let number = value.get(field).and_then(Value::as_u64);
            number.filter(|number| bounds.contains(number)).ok_or_else(|| {
                let (least, most) = bounds.into_inner();
                let found = in_words(value.get(field));
                wrong(format!("{field} is {found}, expected a whole number of {least} to {most}"))
            })
        };
        let frames = number("frames", FRAMES)?;
        let min_distinct_semantic = number("min_distinct_semantic", 1..=frames)? as usize;
        let two_voices = value.get("two_voices").map(|found| TwoVoices::parse(found, sizes)).transpose();
        let two_voices = two_voices.map_err(wrong)?.map(Arc::new);
        Ok(Self { frames: frames as usize, min_distinct_semantic, two_voices })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SpeechStats, PackError> {
        SpeechStats::parse(text.as_bytes(), [3, 2])
    }

    #[test]
    fn what_is_wrong_is_named_and_what_was_expected() {
        let good = parse(r#"{"frames": 75, "min_distinct_semantic": 75, "note": "more may be said"}"#);
        let wanted = SpeechStats { frames: 75, min_distinct_semantic: 75, two_voices: None };
        assert_eq!(good.unwrap(), wanted);
        let two =
            |object: &str| format!(r#"{{"frames": 75, "min_distinct_semantic": 9, "two_voices": {object}}}"#);
        for (text, said) in [
            ("{", "not valid JSON"),
            ("[]", "not a JSON object"),
            ("{}", "frames is missing, expected a whole number of 75 to 750"),
            (
                r#"{"frames": 74, "min_distinct_semantic": 5}"#,
                "frames is 74, expected a whole number of 75 to 750",
            ),
            (
                r#"{"frames": 150, "min_distinct_semantic": 151}"#,
                "min_distinct_semantic is 151, expected a whole number of 1 to 150",
            ),
            (
                r#"{"frames": 150, "min_distinct_semantic": -1}"#,
                "min_distinct_semantic is -1, expected a whole",
            ),
            (r#"{"frames": 1e99, "min_distinct_semantic": 1}"#, "frames is 1e+99, expected"),
            (&two("7"), "two_voices is not an object"),
            (&two("{}"), "two_voices.semantic is missing or not a list: expected 3 numbers"),
            (
                &two(r#"{"semantic": [1, 2], "acoustic": [1, 2], "threshold": 1}"#),
                "two_voices.semantic has 2 numbers, expected 3, one for each code",
            ),
            (
                &two(r#"{"semantic": [1, 2, 3], "acoustic": [1, 10001], "threshold": 1}"#),
                "two_voices.acoustic, code 1, is 10001, expected a whole number of -10000 to 10000",
            ),
            (
                &two(r#"{"semantic": [1, 2, 3], "acoustic": [0.5, 1], "threshold": 1}"#),
                "two_voices.acoustic, code 0, is 0.5",
            ),
            (
                &two(r#"{"semantic": [1, 2, 3], "acoustic": [1, [2]], "threshold": 1}"#),
                "code 1, is not a number",
            ),
            (
                &two(r#"{"semantic": [1, 2, 3], "acoustic": [1, 2]}"#),
                "two_voices.threshold is missing, expected a whole number of -2147483647",
            ),
            (
                &two(r#"{"semantic": [1, 2, 3], "acoustic": [1, 2], "threshold": 1e12}"#),
                "two_voices.threshold is 1000000000000.0",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("remove speech.json"), "{text}: {error}");
        }
    }

    #[test]
    fn each_code_counts_once_by_its_weight() {
        let text = r#"{"frames": 75, "min_distinct_semantic": 9,
            "two_voices": {"semantic": [10, -3, 0], "acoustic": [100, -20], "threshold": 80}}"#;
        let voices = parse(text).unwrap().two_voices.unwrap();
        let score = |frames: &[[u16; 2]]| voices.score(frames.iter().map(|&frame| TokenFrame::from(frame)));
        assert_eq!(score(&[]), -80);
        assert_eq!(score(&[[0, 0], [0, 0]]), 110 - 80);
        assert_eq!(score(&[[1, 0], [0, 1], [1, 1]]), 7 + 80 - 80);
        assert_eq!(score(&[[7, 9]]), -80, "codes that the pack does not have say nothing");
    }
}

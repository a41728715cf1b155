//! Results of listening tests, as a session keeps them.

use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Fewest and most trials of a test.
pub const TRIALS: std::ops::RangeInclusive<usize> = 4..=20;
/// Results that a session remembers.
pub const HISTORY: usize = 100;
/// Most trials that a p-value is worked out for.
const MOST_TRIALS: usize = 1000;
/// Longest text of a result that is believed.
const MAX_TEXT_BYTES: usize = 1000;

/// A finished test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AbxResult {
    /// When it ended, RFC 3339.
    pub time: String,
    /// Name and version of the pack.
    pub pack: String,
    /// Trials.
    pub trials: usize,
    /// Right answers.
    pub correct: usize,
    /// Original and coded were matched in loudness.
    pub level_matched: bool,
    /// The token streams that B was made of, in words; empty in results of earlier versions.
    pub streams: String,
    /// What was lost on the way to the decoder, in words; empty where nothing was.
    pub loss: String,
    /// Where the tokens came from, in words; empty where they were those of the input.
    pub source: String,
}

impl AbxResult {
    /// Whether a test can have ended so. What comes from a session file may be anything.
    pub fn is_possible(&self) -> bool {
        let texts = [&self.time, &self.pack, &self.streams, &self.loss, &self.source];
        TRIALS.contains(&self.trials)
            && self.correct <= self.trials
            && texts.iter().all(|t| t.len() <= MAX_TEXT_BYTES)
    }

    /// Probability of as many right answers or more by guessing (one-sided binomial test).
    pub fn p_value(&self) -> f64 {
        p_value(self.trials, self.correct)
    }
}

/// Probability of `correct` or more right answers in `trials` coin flips; `NaN` for more trials than
/// anybody has patience for.
pub fn p_value(trials: usize, correct: usize) -> f64 {
    if trials > MOST_TRIALS {
        return f64::NAN;
    }
    // Pascal's triangle: exact.
    let mut row = vec![0.0f64; trials + 1];
    row[0] = 1.0;
    for n in 1..=trials {
        for i in (1..=n).rev() {
            row[i] += row[i - 1];
        }
    }
    row.iter().skip(correct).sum::<f64>() / 2f64.powi(trials as i32)
}

/// The results of a session, oldest first. A session or preset that is loaded adds its own: results of
/// tests are never lost to it.
#[derive(Debug, Default)]
pub struct AbxHistory(Mutex<Vec<AbxResult>>);

impl AbxHistory {
    /// All results.
    pub fn results(&self) -> Vec<AbxResult> {
        self.0.lock().clone()
    }

    /// Adds results that are possible and not there yet, in the order of their times; the oldest ones
    /// beyond [`HISTORY`] go.
    pub fn add(&self, new: impl IntoIterator<Item = AbxResult>) {
        let mut results = self.0.lock();
        for result in new {
            if result.is_possible() && !results.contains(&result) {
                results.push(result);
            }
        }
        let ended = |r: &AbxResult| r.time.parse::<jiff::Timestamp>().unwrap_or_default();
        results.sort_by_key(ended);
        let surplus = results.len().saturating_sub(HISTORY);
        results.drain(..surplus);
    }
}

impl<'a> PersistentField<'a, Vec<AbxResult>> for AbxHistory {
    fn set(&self, new_value: Vec<AbxResult>) {
        self.add(new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Vec<AbxResult>) -> R,
    {
        f(&self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_the_binomial_distribution() {
        // From tables of the cumulative binomial distribution, p = 0.5.
        for (trials, correct, expected) in [
            (10, 10, 0.000_976_562_5),
            (10, 9, 0.010_742_187_5),
            (10, 8, 0.054_687_5),
            (20, 15, 0.020_694_733),
            (16, 12, 0.038_406_372),
            (4, 0, 1.0),
        ] {
            let p = p_value(trials, correct);
            assert!((p - expected).abs() < 1e-8, "{correct} of {trials}: {p}, expected {expected}");
        }
    }

    #[test]
    fn what_a_session_brings_is_looked_at_and_loses_nothing() {
        let result = |minute: usize, trials, correct| AbxResult {
            time: format!("2026-11-23T12:{minute:02}:00+01:00"),
            trials,
            correct,
            ..AbxResult::default()
        };
        let history = AbxHistory::default();
        history.add([result(5, 10, 7)]);
        let long = AbxResult { pack: "x".repeat(5000), ..result(1, 10, 7) };
        let hostile = [result(1, usize::MAX, 1), result(1, 10, 11), result(1, 0, 0), long];
        history.set(hostile.into_iter().chain([result(3, 20, 11), result(5, 10, 7)]).collect());
        assert_eq!(history.results(), [result(3, 20, 11), result(5, 10, 7)]);
        history.set((0..500).map(|i| result(i % 60, 10, i % 11)).collect());
        assert_eq!(history.results().len(), HISTORY);
        assert!(p_value(usize::MAX, 3).is_nan());
    }
}

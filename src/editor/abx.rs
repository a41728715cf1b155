//! A blind listening test: is X the original or the coded sound?

use serde::{Deserialize, Serialize};

use std::sync::{Mutex, MutexGuard, PoisonError};

use nice_plug::params::persist::PersistentField;

use sacodec_engine::Audition;

/// Fewest and most trials of a test.
pub const TRIALS: std::ops::RangeInclusive<usize> = 4..=20;
/// Results that a session remembers.
pub const HISTORY: usize = 100;
/// Most trials that a p-value is worked out for.
const MOST_TRIALS: usize = 1000;
/// Longest text of a result that is believed.
const MAX_TEXT_BYTES: usize = 1000;

/// What is listened to in a test. A is the original, B is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The original.
    A,
    /// The coded sound.
    B,
    /// One of both.
    X,
}

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
}

impl AbxResult {
    /// Whether a test can have ended so. What comes from a session file may be anything.
    pub fn is_possible(&self) -> bool {
        let texts = [&self.time, &self.pack, &self.streams];
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

/// What must not change while a test runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    /// Name and version of the pack.
    pub pack: String,
    /// The token streams that B is made of, in words.
    pub streams: String,
    /// The channels that are coded, in words.
    pub channels: String,
    /// Original and coded are matched in loudness.
    pub level_matched: bool,
    /// The latency in samples and the rate in Hz: another one is another engine.
    pub timing: (u32, f64),
}

/// A test under way.
#[derive(Debug, Clone)]
struct Running {
    conditions: Conditions,
    /// For each trial, whether X is B.
    hidden: Vec<bool>,
    correct: usize,
    trial: usize,
    heard: Heard,
    turn: u32,
}

/// The listening test of one window.
#[derive(Debug)]
pub struct Abx {
    /// Trials of the next test.
    pub trials: usize,
    /// The test that has just ended, until it is put away.
    pub finished: Option<AbxResult>,
    /// The last test was ended because its conditions changed.
    pub was_disturbed: bool,
    running: Option<Running>,
}

impl Default for Abx {
    fn default() -> Self {
        Self { trials: 10, finished: None, was_disturbed: false, running: None }
    }
}

/// The results of a session, oldest first. A session or preset that is loaded adds its own: results of
/// tests are never lost to it.
#[derive(Debug, Default)]
pub struct AbxHistory(Mutex<Vec<AbxResult>>);

impl AbxHistory {
    /// All results.
    pub fn results(&self) -> Vec<AbxResult> {
        self.lock().clone()
    }

    /// Adds results that are possible and not there yet, in the order of their times; the oldest ones
    /// beyond [`HISTORY`] go.
    pub fn add(&self, new: impl IntoIterator<Item = AbxResult>) {
        let mut results = self.lock();
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

    fn lock(&self) -> MutexGuard<'_, Vec<AbxResult>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        f(&self.lock())
    }
}

impl Abx {
    /// Begins a test. Every X is drawn on its own, so that no answer tells about the next.
    pub fn start(&mut self, random: &mut fastrand::Rng, conditions: Conditions) {
        let trials = self.trials.clamp(*TRIALS.start(), *TRIALS.end());
        let hidden = (0..trials).map(|_| random.bool()).collect();
        self.put_away();
        self.running = Some(Running { conditions, hidden, correct: 0, trial: 0, heard: Heard::A, turn: 0 });
    }

    /// Forgets how the last test ended.
    pub fn put_away(&mut self) {
        (self.finished, self.was_disturbed) = (None, false);
    }

    /// Gives up a test without a result.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Ends a test whose conditions have changed: its trials are not alike.
    pub fn check(&mut self, now: &Conditions) {
        if self.running.as_ref().is_some_and(|r| r.conditions != *now) {
            (self.running, self.was_disturbed) = (None, true);
        }
    }

    /// Whether a test is under way.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Number of the trial under way, from 0, and how many there are.
    pub fn progress(&self) -> Option<(usize, usize)> {
        self.running.as_ref().map(|r| (r.trial, r.hidden.len()))
    }

    /// What is listened to.
    pub fn heard(&self) -> Option<Heard> {
        self.running.as_ref().map(|r| r.heard)
    }

    /// Listens to another.
    pub fn hear(&mut self, heard: Heard) {
        if let Some(running) = &mut self.running {
            running.heard = heard;
            running.turn += 1;
        }
    }

    /// What the engine is to let be heard: `None` while no test is under way. Every choice is a turn of its
    /// own, that of the same source too.
    pub fn audition(&self) -> Option<Audition> {
        let running = self.running.as_ref()?;
        let coded = match running.heard {
            Heard::A => false,
            Heard::B => true,
            Heard::X => running.hidden[running.trial],
        };
        Some(Audition { coded, turn: running.turn })
    }

    /// Answers the trial: "X is B", or A. After the last one, the result without its time.
    pub fn answer(&mut self, x_is_b: bool) -> Option<AbxResult> {
        let running = self.running.as_mut()?;
        running.correct += usize::from(running.hidden[running.trial] == x_is_b);
        running.trial += 1;
        running.heard = Heard::A;
        running.turn += 1;
        if running.trial < running.hidden.len() {
            return None;
        }
        let (trials, correct) = (running.hidden.len(), running.correct);
        let Conditions { pack, streams, level_matched, .. } = self.running.take()?.conditions;
        Some(AbxResult { trials, correct, pack, streams, level_matched, time: String::new() })
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
    fn who_hears_everything_is_always_right_and_who_guesses_is_not() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut guessed = 0;
        for _ in 0..200 {
            let mut abx = Abx { trials: 20, ..Abx::default() };
            abx.start(&mut random, Conditions::default());
            let result = loop {
                abx.hear(Heard::X);
                let x_is_b = abx.audition().unwrap().coded;
                if let Some(result) = abx.answer(x_is_b) {
                    break result;
                }
                assert_eq!(abx.heard(), Some(Heard::A), "every trial begins at A");
            };
            assert_eq!((result.correct, result.trials), (20, 20));
            abx.start(&mut random, Conditions::default());
            let result = std::iter::repeat_with(|| abx.answer(true)).flatten().next().unwrap();
            guessed += result.correct;
        }
        let share = guessed as f64 / 4000.0;
        assert!((share - 0.5).abs() < 0.03, "always saying B is right {share} of the time");
    }

    #[test]
    fn every_choice_is_a_turn_of_its_own() {
        let mut abx = Abx { trials: 4, ..Abx::default() };
        abx.start(&mut fastrand::Rng::with_seed(3), Conditions::default());
        let mut turns = vec![abx.audition().unwrap().turn];
        for heard in [Heard::A, Heard::X, Heard::X, Heard::B, Heard::A] {
            abx.hear(heard);
            turns.push(abx.audition().unwrap().turn);
        }
        abx.answer(true);
        turns.push(abx.audition().unwrap().turn);
        assert!(turns.windows(2).all(|pair| pair[0] != pair[1]), "{turns:?}");
    }

    #[test]
    fn a_test_whose_conditions_change_has_no_result() {
        let conditions = Conditions { pack: "live 1".to_owned(), ..Conditions::default() };
        let mut abx = Abx::default();
        abx.start(&mut fastrand::Rng::with_seed(3), conditions.clone());
        abx.check(&conditions);
        assert!(abx.is_running());
        abx.check(&Conditions { streams: "Semantic only".to_owned(), ..conditions });
        assert!(!abx.is_running() && abx.was_disturbed && abx.finished.is_none());
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

    #[test]
    fn a_test_has_from_four_to_twenty_trials() {
        for (wanted, given) in [(0, 4), (4, 4), (12, 12), (20, 20), (1000, 20)] {
            let mut abx = Abx { trials: wanted, ..Abx::default() };
            abx.start(&mut fastrand::Rng::with_seed(1), Conditions::default());
            assert_eq!(abx.progress(), Some((0, given)));
        }
    }
}

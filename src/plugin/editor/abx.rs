//! A blind listening test: is X the original or the coded sound?

use serde::{Deserialize, Serialize};

/// Fewest and most trials of a test.
pub const TRIALS: std::ops::RangeInclusive<usize> = 4..=20;
/// Results that a session remembers.
pub const HISTORY: usize = 100;

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
}

impl AbxResult {
    /// Probability of as many right answers or more by guessing (one-sided binomial test).
    pub fn p_value(&self) -> f64 {
        p_value(self.trials, self.correct)
    }
}

/// Probability of `correct` or more right answers in `trials` coin flips.
pub fn p_value(trials: usize, correct: usize) -> f64 {
    // Pascal's triangle: exact for any number of trials that a person has patience for.
    let mut row = vec![0.0f64; trials + 1];
    row[0] = 1.0;
    for n in 1..=trials {
        for i in (1..=n).rev() {
            row[i] += row[i - 1];
        }
    }
    row.iter().skip(correct).sum::<f64>() / 2f64.powi(trials as i32)
}

/// A test under way.
#[derive(Debug, Clone)]
struct Running {
    /// For each trial, whether X is B.
    hidden: Vec<bool>,
    correct: usize,
    trial: usize,
    heard: Heard,
}

/// The listening test of one window.
#[derive(Debug)]
pub struct Abx {
    /// Trials of the next test.
    pub trials: usize,
    /// The test that has just ended, until it is put away.
    pub finished: Option<AbxResult>,
    running: Option<Running>,
}

impl Default for Abx {
    fn default() -> Self {
        Self { trials: 10, finished: None, running: None }
    }
}

impl Abx {
    /// Begins a test. Every X is drawn on its own, so that no answer tells about the next.
    pub fn start(&mut self, random: &mut fastrand::Rng) {
        let trials = self.trials.clamp(*TRIALS.start(), *TRIALS.end());
        let hidden = (0..trials).map(|_| random.bool()).collect();
        self.finished = None;
        self.running = Some(Running { hidden, correct: 0, trial: 0, heard: Heard::A });
    }

    /// Gives up a test without a result.
    pub fn stop(&mut self) {
        self.running = None;
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
        }
    }

    /// Whether the coded sound is to be heard: `None` while no test is under way.
    pub fn is_coded(&self) -> Option<bool> {
        let running = self.running.as_ref()?;
        Some(match running.heard {
            Heard::A => false,
            Heard::B => true,
            Heard::X => running.hidden[running.trial],
        })
    }

    /// Answers the trial: "X is B", or A. After the last one, the result without its circumstances.
    pub fn answer(&mut self, x_is_b: bool) -> Option<AbxResult> {
        let running = self.running.as_mut()?;
        running.correct += usize::from(running.hidden[running.trial] == x_is_b);
        running.trial += 1;
        running.heard = Heard::A;
        if running.trial < running.hidden.len() {
            return None;
        }
        let (trials, correct) = (running.hidden.len(), running.correct);
        self.running = None;
        Some(AbxResult { trials, correct, ..AbxResult::default() })
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
            abx.start(&mut random);
            let result = loop {
                abx.hear(Heard::X);
                let x_is_b = abx.is_coded().unwrap();
                if let Some(result) = abx.answer(x_is_b) {
                    break result;
                }
                assert_eq!(abx.heard(), Some(Heard::A), "every trial begins at A");
            };
            assert_eq!((result.correct, result.trials), (20, 20));
            abx.start(&mut random);
            let result = std::iter::repeat_with(|| abx.answer(true)).flatten().next().unwrap();
            guessed += result.correct;
        }
        let share = guessed as f64 / 4000.0;
        assert!((share - 0.5).abs() < 0.03, "always saying B is right {share} of the time");
    }

    #[test]
    fn a_test_has_from_four_to_twenty_trials() {
        for (wanted, given) in [(0, 4), (4, 4), (12, 12), (20, 20), (1000, 20)] {
            let mut abx = Abx { trials: wanted, ..Abx::default() };
            abx.start(&mut fastrand::Rng::with_seed(1));
            assert_eq!(abx.progress(), Some((0, given)));
        }
    }
}

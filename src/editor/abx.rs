//! A blind listening test: is X the original or the coded sound?

use crate::params::SacodecParams;
use crate::state::{AbxResult, TRIALS};
use crate::status::Facts;
use sacodec_engine::Audition;

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

/// What must not change while a test runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    /// Name and version of the pack.
    pub pack: String,
    /// The token streams that B is made of, in words.
    pub streams: String,
    /// The channels that are coded, in words.
    pub channels: String,
    /// What is lost on the way to the decoder, in words; empty where nothing is.
    pub loss: String,
    /// Where tokens come from, in words; empty where they are those of the input.
    pub source: String,
    /// Original and coded are matched in loudness.
    pub level_matched: bool,
    /// The latency in samples and the rate in Hz: another one is another engine.
    pub timing: (u32, f64),
}

impl Conditions {
    /// What a test of this moment would compare.
    pub fn of(facts: &Facts, params: &SacodecParams) -> Self {
        Self {
            pack: facts.pack.name.clone(),
            streams: params.streams.to_string(),
            channels: params.channels.to_string(),
            loss: params.network.in_words(&facts.trace.path),
            source: params.playback.in_words(&facts.played.path),
            level_matched: params.level_match.value() && facts.is_match_settled,
            timing: (facts.latency_samples, facts.rate_hz),
        }
    }
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
        let Conditions { pack, streams, loss, source, level_matched, .. } = self.running.take()?.conditions;
        Some(AbxResult { trials, correct, pack, streams, loss, source, level_matched, time: String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        abx.check(&Conditions { streams: "Semantic only".to_owned(), ..conditions.clone() });
        assert!(!abx.is_running() && abx.was_disturbed && abx.finished.is_none());
        abx.start(&mut fastrand::Rng::with_seed(3), conditions.clone());
        abx.check(&Conditions { loss: "Random, 10.0 %".to_owned(), ..conditions.clone() });
        assert!(!abx.is_running() && abx.was_disturbed, "B loses packets now");
        abx.start(&mut fastrand::Rng::with_seed(3), conditions.clone());
        abx.check(&Conditions { source: "Take a.sac".to_owned(), ..conditions });
        assert!(!abx.is_running() && abx.was_disturbed, "B is a take now");
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

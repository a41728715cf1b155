//! Whether what is played is what the codec was made for, as far as tokens and level tell.

use std::collections::{HashSet, VecDeque};

use sacodec_codec::SpeechStats;
use sacodec_token::TokenFrame;

/// A frame sounds if it is louder than this, and not so much below the loudest of the last 3 s: pauses say nothing.
const SILENT_DB: f32 = -55.0;
const BELOW_LOUDEST_DB: f32 = 25.0;
/// Speech whose loudest frame of 3 s is below this is too low.
const LOW_DB: f32 = -45.0;
/// Below this there is nothing at all.
const NOTHING_DB: f32 = -75.0;
const LOUDEST_FRAMES: usize = 225;
/// More frames are never asked for.
const MOST_FRAMES: usize = 750;
/// Equal samples in a row, at half of full scale at least, that only a limit makes.
const CLIPPED_RUN: u32 = 5;
const CLIPPED_LEVEL: f32 = 0.5;

/// What is odd about what is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Oddity {
    /// It is so low that the codec hardly hears it: its loudest frame of the last 3 s, RMS in dBFS.
    Low {
        /// Level of that frame.
        loudest_db: f32,
    },
    /// Its waveform was cut off at a limit within the last 3 s.
    Clipped,
    /// Its tokens are not those of speech: music, or noise.
    UnlikeSpeech {
        /// Different semantic codes in the frames that were looked at.
        distinct_semantic: usize,
    },
    /// Its tokens are those of two voices at once.
    TwoVoices,
}

/// Looks at the frames as they are heard.
#[derive(Default)]
pub(super) struct Domain {
    pack: u64,
    /// Tokens of the last frames that sounded.
    sounding: VecDeque<TokenFrame>,
    /// Of the last 3 s.
    levels_db: VecDeque<f32>,
    /// Frames since the last that sounded.
    silent_frames: usize,
    clipping: Clipping,
    /// Frames since the last that was clipped.
    frames_after_clip: Option<usize>,
}

/// Finds runs of equal samples.
#[derive(Default)]
struct Clipping {
    last: f32,
    run: u32,
    is_found: bool,
}

impl Domain {
    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes samples of the original.
    pub fn hear(&mut self, original: &[f32]) {
        let Clipping { last, run, is_found } = &mut self.clipping;
        for &sample in original {
            *run = if sample == *last && sample.abs() >= CLIPPED_LEVEL { *run + 1 } else { 1 };
            *last = sample;
            *is_found |= *run >= CLIPPED_RUN;
        }
    }

    /// The next frame that was heard: the tokens of the input, where they all are of it, the level of the original there,
    /// and the pack.
    pub fn frame(&mut self, tokens: Option<TokenFrame>, level_db: f32, pack: u64) {
        if std::mem::replace(&mut self.pack, pack) != pack {
            self.sounding.clear();
        }
        let since = self.frames_after_clip.map(|frames| frames + 1).filter(|&frames| frames < LOUDEST_FRAMES);
        self.frames_after_clip = if std::mem::take(&mut self.clipping.is_found) { Some(0) } else { since };
        push(&mut self.levels_db, level_db, LOUDEST_FRAMES);
        let is_heard = level_db > SILENT_DB && level_db > self.loudest_db() - BELOW_LOUDEST_DB;
        match tokens {
            // A take's say nothing of the input.
            None => self.sounding.clear(),
            Some(tokens) if is_heard => push(&mut self.sounding, tokens, MOST_FRAMES),
            Some(_) => {}
        }
        self.silent_frames = if is_heard { 0 } else { self.silent_frames + 1 };
    }

    /// What is odd now; `None` also where there is too little to tell.
    pub fn oddity(&self, stats: &SpeechStats) -> Option<Oddity> {
        if self.frames_after_clip.is_some() {
            return Some(Oddity::Clipped);
        }
        let loudest_db = self.loudest_db();
        if self.levels_db.len() == LOUDEST_FRAMES && (NOTHING_DB..LOW_DB).contains(&loudest_db) {
            return Some(Oddity::Low { loudest_db });
        }
        // After so long a pause what sounded before is over.
        if self.sounding.len() < stats.frames || self.silent_frames >= LOUDEST_FRAMES {
            return None;
        }
        let frames = self.sounding.iter().rev().take(stats.frames).copied();
        let distinct: HashSet<u16> = frames.clone().map(|frame| frame.semantic).collect();
        if distinct.len() < stats.min_distinct_semantic {
            return Some(Oddity::UnlikeSpeech { distinct_semantic: distinct.len() });
        }
        let are_two = stats.two_voices.as_ref().is_some_and(|voices| voices.score(frames) >= 0);
        are_two.then_some(Oddity::TwoVoices)
    }

    fn loudest_db(&self) -> f32 {
        self.levels_db.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

fn push<T>(queue: &mut VecDeque<T>, value: T, most: usize) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATS: &SpeechStats = &SpeechStats { frames: 150, min_distinct_semantic: 60, two_voices: None };

    /// Frames of this level, whose tokens repeat after `distinct`.
    fn play(domain: &mut Domain, frames: usize, distinct: u16, level_db: f32) {
        (0..frames).for_each(|frame| domain.frame(Some([frame as u16 % distinct, 0].into()), level_db, 1));
    }

    #[test]
    fn few_codes_in_two_seconds_of_sound_are_unlike_speech_and_pauses_count_for_nothing() {
        let mut domain = Domain::default();
        play(&mut domain, 149, 59, -20.0);
        assert_eq!(domain.oddity(STATS), None, "too little to tell");
        play(&mut domain, 1, 59, -20.0);
        assert_eq!(domain.oddity(STATS), Some(Oddity::UnlikeSpeech { distinct_semantic: 59 }));
        play(&mut domain, 150, 60, -20.0);
        assert_eq!(domain.oddity(STATS), None);
        // A pause of one code, and one that is only soft beside what was before it.
        play(&mut domain, 100, 1, -80.0);
        play(&mut domain, 100, 1, -46.0);
        assert_eq!(domain.oddity(STATS), None);
        play(&mut domain, 150, 10, -20.0);
        assert!(domain.oddity(STATS).is_some());
        play(&mut domain, LOUDEST_FRAMES, 1, -90.0);
        assert_eq!(domain.oddity(STATS), None, "it is long over");
    }

    #[test]
    fn codes_of_two_voices_are_told_while_they_are_among_the_frames_that_are_looked_at() {
        let text = format!(
            r#"{{"frames": 150, "min_distinct_semantic": 60,
                "two_voices": {{"semantic": {:?}, "acoustic": [1, 2], "threshold": 70}}}}"#,
            [1; 200]
        );
        let stats = SpeechStats::parse(text.as_bytes(), [200, 2]).unwrap();
        let mut domain = Domain::default();
        play(&mut domain, 149, 100, -20.0);
        assert_eq!(domain.oddity(&stats), None, "too little to tell");
        play(&mut domain, 1, 100, -20.0);
        assert_eq!(domain.oddity(&stats), Some(Oddity::TwoVoices));
        assert_eq!(domain.oddity(STATS), None, "a pack that says nothing of it");
        play(&mut domain, 150, 65, -20.0);
        assert_eq!(domain.oddity(&stats), None);
        play(&mut domain, 150, 50, -20.0);
        assert_eq!(domain.oddity(&stats), Some(Oddity::UnlikeSpeech { distinct_semantic: 50 }));
    }

    #[test]
    fn tokens_of_a_take_say_nothing_of_the_input_whose_level_is_still_told() {
        let mut domain = Domain::default();
        play(&mut domain, 200, 10, -20.0);
        domain.frame(None, -20.0, 1);
        assert_eq!(domain.oddity(STATS), None);
        domain.hear(&[0.9; 9]);
        domain.frame(None, -20.0, 1);
        assert_eq!(domain.oddity(STATS), Some(Oddity::Clipped));
        (0..LOUDEST_FRAMES).for_each(|_| domain.frame(None, -50.0, 1));
        assert_eq!(domain.oddity(STATS), Some(Oddity::Low { loudest_db: -50.0 }));
    }

    #[test]
    fn another_pack_and_a_new_stream_begin_anew() {
        let mut domain = Domain::default();
        play(&mut domain, 200, 10, -20.0);
        domain.frame(Some([1, 0].into()), -20.0, 2);
        assert_eq!(domain.oddity(STATS), None);
        play(&mut domain, 200, 10, -20.0);
        domain.clear();
        assert_eq!(domain.oddity(STATS), None);
    }

    #[test]
    fn a_voice_that_is_too_low_is_told_and_silence_is_not() {
        for (level_db, is_low) in
            [(-50.0, true), (-74.0, true), (-90.0, false), (f32::NEG_INFINITY, false), (-40.0, false)]
        {
            let mut domain = Domain::default();
            play(&mut domain, 240, 100, level_db);
            let found = domain.oddity(STATS);
            assert_eq!(found, is_low.then_some(Oddity::Low { loudest_db: level_db }), "{level_db} dB");
        }
    }

    #[test]
    fn a_wave_that_was_cut_off_is_clipped_at_any_gain_and_a_loud_one_is_not() {
        let wave = |hz: f32, limit: f32| -> Vec<f32> {
            let wave = (0..4800).map(|i| 0.9 * (std::f32::consts::TAU * hz * i as f32 / 48_000.0).sin());
            // As 16 bits have it.
            wave.map(|s| (s.clamp(-limit, limit) * 32_768.0).round() / 32_768.0).collect()
        };
        for (hz, limit, is_clipped) in [
            (80.0, 0.7, true),
            (300.0, 0.7, true),
            (80.0, 1.0, false),
            (300.0, 1.0, false),
            (80.0, 0.0, false),
        ] {
            let mut domain = Domain::default();
            domain.hear(&wave(hz, limit));
            play(&mut domain, 10, 10, -10.0);
            assert_eq!(domain.oddity(STATS) == Some(Oddity::Clipped), is_clipped, "{hz} Hz, limit {limit}");
            play(&mut domain, LOUDEST_FRAMES, 100, -10.0);
            assert_eq!(domain.oddity(STATS), None, "3 s later");
        }
    }
}

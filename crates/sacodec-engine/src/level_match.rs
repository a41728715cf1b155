//! Level match: gains that make coded and difference as loud as the original, slowly.
//!
//! Energies are K-weighted as in ITU-R BS.1770-5 and averaged over about 3 s of voice, the span of
//! short-term loudness (EBU Tech 3341). Pauses are left out, so that nothing is turned up in them.

/// Linear gains, the same for all channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchGains {
    /// On the coded stream when it is heard alone.
    pub coded: f32,
    /// On original minus coded.
    pub difference: f32,
    /// On the coded stream in a listening test: as loud as the original that it is compared with there.
    pub audition: f32,
}

impl MatchGains {
    /// No change.
    pub const UNITY: Self = Self { coded: 1.0, difference: 1.0, audition: 1.0 };
}

/// A step of gains that are held: no change.
const STILL: MatchGains = MatchGains { coded: 0.0, difference: 0.0, audition: 0.0 };
/// Gains move towards their target this often, counted in samples from the reset.
const STEP_S: f64 = 0.01;
/// Time constant of the averaged energies.
const AVERAGE_S: f64 = 3.0;
/// Time constant of the level that tells voice from pause.
const GATE_S: f64 = 0.1;
/// Below this level, full scale being 0 dB, there is no voice; nor this far below the average.
const GATE_DB: f64 = -55.0;
const GATE_BELOW_DB: f64 = -15.0;
/// The averages fall by this much while there is sound too far below them.
const FALL_DB_PER_S: f64 = 4.0;
/// Bounds of the gains in dB.
const CODED_RANGE_DB: (f64, f64) = (-12.0, 12.0);
const DIFFERENCE_RANGE_DB: (f64, f64) = (-12.0, 24.0);
/// A gain this near to where it goes has arrived.
const SETTLED_DB: f64 = 0.5;

/// The signals whose loudness is followed.
const SIGNALS: usize = 4;
const ORIGINAL: usize = 0;
const CODED: usize = 1;
const DIFFERENCE: usize = 2;
/// The original as a listening test lets it be heard.
const ROUTED: usize = 3;
/// What each gain makes equally loud, the first as the second, and its bounds.
const MATCHES: [(usize, usize, (f64, f64)); 3] = [
    (CODED, ORIGINAL, CODED_RANGE_DB),
    (DIFFERENCE, ORIGINAL, DIFFERENCE_RANGE_DB),
    (CODED, ROUTED, CODED_RANGE_DB),
];
/// The gains follow this fast at most: while the average is young, and later.
const YOUNG_SLEW_DB_PER_S: f64 = 12.0;
const SLEW_DB_PER_S: f64 = 1.5;
const YOUNG_S: f64 = 1.5;
/// Below this rate the shelf of the weighting lies beyond what can be heard, and is left out.
const LOWEST_SHELF_RATE_HZ: f64 = 6000.0;

/// Follows the signals and gives the gains of every sample.
#[derive(Debug, Clone)]
pub struct LevelMatch {
    weighting: [Biquad; 2],
    /// For each signal and channel the state of both filters.
    states: [[[[f64; 2]; 2]; 2]; SIGNALS],
    step_samples: u32,
    /// Samples of the step under way, and their weighted energies.
    filled: u32,
    sums: [f64; SIGNALS],
    gate: f64,
    averages: [f64; SIGNALS],
    /// Steps of voice in the averages.
    voiced_steps: u64,
    /// Steps until what is heard is no longer of before a change.
    stale_steps: u64,
    /// In the order of [`MATCHES`], and where they go.
    gains_db: [f64; 3],
    targets_db: [f64; 3],
    gain: MatchGains,
    slope: MatchGains,
    is_held: bool,
}

impl LevelMatch {
    /// At rest, for a host rate in Hz.
    pub fn new(rate_hz: f64) -> Self {
        Self {
            weighting: [shelf(rate_hz), high_pass(rate_hz)],
            states: [[[[0.0; 2]; 2]; 2]; SIGNALS],
            step_samples: (rate_hz * STEP_S).round().max(1.0) as u32,
            filled: 0,
            sums: [0.0; SIGNALS],
            gate: 0.0,
            averages: [0.0; SIGNALS],
            voiced_steps: 0,
            stale_steps: 0,
            gains_db: [0.0; 3],
            targets_db: [0.0; 3],
            gain: MatchGains::UNITY,
            slope: STILL,
            is_held: false,
        }
    }

    /// Holds the gains: for a listening test, in which they must not move with what is heard.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn hold(&mut self, held: bool) {
        self.is_held = held;
    }

    /// As new; gains that are held stay.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn reset(&mut self) {
        self.states = [[[[0.0; 2]; 2]; 2]; SIGNALS];
        (self.filled, self.sums, self.gate) = (0, [0.0; SIGNALS], 0.0);
        self.stale_steps = 0;
        if self.is_held {
            return;
        }
        (self.averages, self.voiced_steps) = ([0.0; SIGNALS], 0);
        (self.gains_db, self.targets_db) = ([0.0; 3], [0.0; 3]);
        (self.gain, self.slope) = (MatchGains::UNITY, STILL);
    }

    /// Averages anew, from gains as they are: what is compared is no longer the same. The next `stale_samples`
    /// are still of what was before, and are left out.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn renew(&mut self, stale_samples: usize) {
        self.voiced_steps = 0;
        // The step under way has begun before.
        self.stale_steps = 1 + (stale_samples as u64).div_ceil(u64::from(self.step_samples));
    }

    /// Whether the gains have heard voice enough and are where they belong.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_settled(&self) -> bool {
        let gains = self.gains_db.iter().zip(&self.targets_db);
        let has_heard = self.voiced_steps as f64 >= AVERAGE_S / STEP_S;
        has_heard && gains.into_iter().all(|(gain, target)| (gain - target).abs() < SETTLED_DB)
    }

    fn is_young(&self) -> bool {
        (self.voiced_steps as f64) < YOUNG_S / STEP_S
    }

    /// The gains of coded and difference, in dB.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn gains_db(&self) -> (f32, f32) {
        (self.gains_db[0] as f32, self.gains_db[1] as f32)
    }

    /// Takes one sample of every channel, original and coded of the same moment, and gives its gains.
    /// `routed` is what all channels hear of the original in a listening test; `None` where they hear it
    /// as it is.
    ///
    /// # Real-time
    /// Some ten products a signal and channel. Never allocates, locks or waits.
    #[inline]
    pub fn step(&mut self, original: &[f32], coded: &[f32], routed: Option<f32>) -> MatchGains {
        let before = self.sums[ORIGINAL];
        for (channel, (&o, &c)) in original.iter().zip(coded).take(2).enumerate() {
            self.add(ORIGINAL, channel, o);
            self.add(CODED, channel, c);
            self.add(DIFFERENCE, channel, o - c);
        }
        match routed {
            Some(sample) => (0..original.len().min(2)).for_each(|channel| self.add(ROUTED, channel, sample)),
            None => self.sums[ROUTED] += self.sums[ORIGINAL] - before,
        }
        self.gain.coded += self.slope.coded;
        self.gain.difference += self.slope.difference;
        self.gain.audition += self.slope.audition;
        self.filled += 1;
        if self.filled == self.step_samples {
            self.filled = 0;
            self.decide();
        }
        self.gain
    }

    #[inline]
    fn add(&mut self, signal: usize, channel: usize, sample: f32) {
        let [first, second] = &mut self.states[signal][channel];
        let weighted = self.weighting[0].run(first, f64::from(sample));
        let weighted = self.weighting[1].run(second, weighted);
        self.sums[signal] += weighted * weighted;
    }

    /// At the end of a step: is there voice, how loud is all, where do the gains go.
    fn decide(&mut self) {
        let energies = self.sums.map(|sum| sum / f64::from(self.step_samples));
        self.sums = [0.0; SIGNALS];
        self.gate += (1.0 - (-STEP_S / GATE_S).exp()) * (energies[ORIGINAL] - self.gate);
        // Falling, so that voice that becomes quieter is voice again before long.
        let is_sounding = self.gate > from_db(GATE_DB);
        let is_voiced = is_sounding && self.gate > from_db(GATE_BELOW_DB) * self.averages[ORIGINAL];
        if is_sounding && !is_voiced && !self.is_held {
            // All alike: the gains stay where they are.
            self.averages = self.averages.map(|a| a * from_db(-FALL_DB_PER_S * STEP_S));
        }
        let is_stale = self.stale_steps > 0;
        self.stale_steps = self.stale_steps.saturating_sub(1);
        if is_voiced && !is_stale && !self.is_held {
            self.voiced_steps += 1;
            // A plain mean until it is old enough: the gain is nearly right within the first word.
            let pull = (1.0 / self.voiced_steps as f64).max(STEP_S / AVERAGE_S);
            for (average, energy) in self.averages.iter_mut().zip(energies) {
                *average += pull * (energy - *average);
            }
            let slew_db = STEP_S * if self.is_young() { YOUNG_SLEW_DB_PER_S } else { SLEW_DB_PER_S };
            for (i, (signal, goal, (low, high))) in MATCHES.into_iter().enumerate() {
                let ratio = self.averages[goal] / self.averages[signal].max(1e-15);
                let target_db = (10.0 * ratio.max(1e-15).log10()).clamp(low, high);
                self.targets_db[i] = target_db;
                self.gains_db[i] += (target_db - self.gains_db[i]).clamp(-slew_db, slew_db);
            }
        }
        let [coded, difference, audition] = self.gains_db.map(|db| 10f64.powf(db / 20.0) as f32);
        let samples = self.step_samples as f32;
        self.slope = MatchGains {
            coded: (coded - self.gain.coded) / samples,
            difference: (difference - self.gain.difference) / samples,
            audition: (audition - self.gain.audition) / samples,
        };
    }
}

fn from_db(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}

/// A second-order section, transposed direct form II.
#[derive(Debug, Clone, Copy)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    #[inline]
    fn run(&self, state: &mut [f64; 2], input: f64) -> f64 {
        let output = self.b[0] * input + state[0];
        state[0] = self.b[1] * input - self.a[0] * output + state[1];
        state[1] = self.b[2] * input - self.a[1] * output;
        output
    }
}

/// First stage of the K-weighting, the head's shelf, for any rate. BS.1770 gives coefficients at 48 kHz
/// alone; the analogue prototype that they come from is that of libebur128.
fn shelf(rate_hz: f64) -> Biquad {
    if rate_hz < LOWEST_SHELF_RATE_HZ {
        return Biquad { b: [1.0, 0.0, 0.0], a: [0.0, 0.0] };
    }
    const FREQUENCY_HZ: f64 = 1_681.974_450_955_533;
    const GAIN_DB: f64 = 3.999_843_853_973_347;
    const Q: f64 = 0.707_175_236_955_419_6;
    let k = (std::f64::consts::PI * FREQUENCY_HZ / rate_hz).tan();
    let high = 10f64.powf(GAIN_DB / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let a0 = 1.0 + k / Q + k * k;
    Biquad {
        b: [
            (high + band * k / Q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / Q + k * k) / a0,
        ],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / Q + k * k) / a0],
    }
}

/// Second stage of the K-weighting, see [`shelf`].
fn high_pass(rate_hz: f64) -> Biquad {
    const FREQUENCY_HZ: f64 = 38.135_470_876_024_44;
    const Q: f64 = 0.500_327_037_323_877_3;
    let k = (std::f64::consts::PI * FREQUENCY_HZ / rate_hz).tan();
    let a0 = 1.0 + k / Q + k * k;
    Biquad { b: [1.0, -2.0, 1.0], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / Q + k * k) / a0] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech() -> Vec<f32> {
        sacodec_testing::speech_48k().into_iter().cycle().take(20 * 48_000).collect()
    }

    /// Gains in dB after every 10 ms at 48 kHz.
    fn follow(original: &[f32], coded: &[f32]) -> Vec<(f32, f32)> {
        let mut matcher = LevelMatch::new(48_000.0);
        let mut gains = Vec::new();
        for (i, (&o, &c)) in original.iter().zip(coded).enumerate() {
            let gain = matcher.step(&[o, o], &[c, c], None);
            if i % 480 == 479 {
                gains.push((20.0 * gain.coded.log10(), 20.0 * gain.difference.log10()));
            }
        }
        gains
    }

    #[test]
    fn the_weighting_is_that_of_bs_1770() {
        // Tables 1 and 2 of ITU-R BS.1770-5, for 48 kHz.
        let (first, second) = (shelf(48_000.0), high_pass(48_000.0));
        let found = [first.b[0], first.b[1], first.b[2], first.a[0], first.a[1], second.a[0], second.a[1]];
        let table = [
            1.535_124_859_586_97,
            -2.691_696_189_406_38,
            1.198_392_810_852_85,
            -1.690_659_293_182_41,
            0.732_480_774_215_85,
            -1.990_047_454_833_98,
            0.990_072_250_366_21,
        ];
        for (found, table) in found.into_iter().zip(table) {
            assert!((found - table).abs() < 1e-8, "{found}, the table has {table}");
        }
    }

    #[test]
    fn equal_sounds_are_left_alone() {
        let speech = speech();
        for (coded_db, _) in follow(&speech, &speech) {
            assert!(coded_db.abs() < 1e-3, "{coded_db} dB on an equal sound");
        }
    }

    #[test]
    fn what_is_quieter_or_louder_is_matched_within_seconds() {
        let speech = speech();
        for level_db in [-6.0, 4.0, -30.0] {
            let coded: Vec<f32> = speech.iter().map(|s| s * 10f32.powf(level_db / 20.0)).collect();
            let gains = follow(&speech, &coded);
            let expected = (-level_db).clamp(-12.0, 12.0);
            assert!((gains[500].0 - expected).abs() < 0.5, "{level_db} dB: {} after 5 s", gains[500].0);
        }
    }

    #[test]
    fn on_speech_the_gain_stays_put_and_never_jumps() {
        let speech = speech();
        let noise = sacodec_testing::noise(1, speech.len(), 0.01);
        let coded: Vec<f32> = speech.iter().zip(&noise).map(|(s, n)| 0.5 * s + n).collect();
        let gains = follow(&speech, &coded);
        let late = &gains[500..];
        for pick in [|g: &(f32, f32)| g.0, |g: &(f32, f32)| g.1] {
            let low = late.iter().map(pick).fold(f32::MAX, f32::min);
            let high = late.iter().map(pick).fold(f32::MIN, f32::max);
            assert!(high - low < 1.5, "the gain wanders from {low} to {high} dB");
            for pair in late.windows(2) {
                let slope = (pick(&pair[1]) - pick(&pair[0])).abs() * 100.0;
                assert!(slope < SLEW_DB_PER_S as f32 + 0.1, "{slope} dB/s");
            }
        }
    }

    #[test]
    fn in_silence_nothing_moves() {
        let mut speech = speech();
        speech[10 * 48_000..].fill(0.0);
        let mut coded: Vec<f32> = speech.iter().map(|s| 0.5 * s).collect();
        // What the codec makes of silence is not silent.
        coded[10 * 48_000..].iter_mut().enumerate().for_each(|(i, s)| *s = 1e-3 * (i as f32 * 0.3).sin());
        let gains = follow(&speech, &coded);
        // The gate closes within a few of its time constants.
        assert_eq!(gains[1100], gains[1990], "the gains moved in silence");
    }

    #[test]
    fn voice_that_becomes_much_quieter_is_matched_again() {
        let mut speech = speech();
        speech[5 * 48_000..].iter_mut().for_each(|s| *s *= 0.15);
        // As loud as the original at first, half as loud where it is quiet.
        let coded: Vec<f32> =
            speech.iter().enumerate().map(|(i, s)| if i < 5 * 48_000 { *s } else { 0.5 * s }).collect();
        let gains = follow(&speech, &coded);
        assert!(gains[490].0.abs() < 0.1, "{} dB while they are equal", gains[490].0);
        let end = gains[1990].0;
        assert!((end - 6.0).abs() < 1.0, "{end} dB 15 s after the level fell by 16 dB, expected 6");
    }

    #[test]
    fn held_gains_stand_still_even_over_a_reset() {
        let speech = &speech()[..6 * 48_000];
        let mut matcher = LevelMatch::new(48_000.0);
        let mut last = MatchGains::UNITY;
        for s in speech {
            last = matcher.step(&[*s], &[0.5 * s], None);
        }
        assert!(last.coded > 1.5, "{last:?}");
        matcher.hold(true);
        // The gains at the end of the step under way.
        (0..480).for_each(|_| last = matcher.step(&[0.1], &[0.1], None));
        for turn in 0..3 {
            for s in speech {
                let gain = matcher.step(&[*s], &[2.0 * s], None);
                assert!((gain.coded - last.coded).abs() < 1e-6, "{turn}: {gain:?}, held at {last:?}");
            }
            matcher.reset();
        }
        matcher.hold(false);
        speech.iter().for_each(|s| last = matcher.step(&[*s], &[2.0 * s], None));
        assert!(last.coded < 0.8, "let go, the gains follow again: {last:?}");
    }

    #[test]
    fn extremes_stay_in_bounds_at_every_rate() {
        for rate_hz in [1000.0, 1234.5678, 8000.0, 44_100.0, 1_536_000.0] {
            for (original, coded) in [(0.0, 16.0), (16.0, 0.0), (16.0, -16.0), (0.0, 0.0), (1e-30, 1e-30)] {
                let mut matcher = LevelMatch::new(rate_hz);
                for i in 0..(rate_hz * 2.0) as usize {
                    let sign = if i / 3 % 2 == 0 { 1.0 } else { -1.0 };
                    let gain = matcher.step(&[sign * original], &[sign * coded], None);
                    assert!((0.2..=4.0).contains(&gain.coded), "{rate_hz}, {original}, {coded}: {gain:?}");
                    assert!(
                        (0.2..=16.0).contains(&gain.difference),
                        "{rate_hz}, {original}, {coded}: {gain:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn after_a_reset_the_same_samples_give_the_same_bits() {
        let speech = &speech()[..96_000];
        let mut matcher = LevelMatch::new(48_000.0);
        let run = |matcher: &mut LevelMatch| -> Vec<_> {
            speech.iter().map(|s| matcher.step(&[*s], &[0.3 * s], None)).collect()
        };
        let first = run(&mut matcher);
        matcher.reset();
        assert!(run(&mut matcher) == first);
    }
}

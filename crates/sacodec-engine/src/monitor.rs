//! What the listener hears: original, coded or difference, cross-faded.

use super::level_match::MatchGains;
use sacodec_network::Network;

/// What is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listen {
    /// The input, as late as the coded stream.
    Original,
    /// The coded stream.
    #[default]
    Coded,
    /// Original minus coded: what the codec changed.
    Difference,
}

/// Which host channels are coded, and where they are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channels {
    /// The mean of left and right is coded once and heard on both.
    #[default]
    MonoSum,
    /// Left is coded and heard on both.
    Left,
    /// Right is coded and heard on both.
    Right,
    /// Left and right are coded each for itself: twice the bits, twice the load.
    DualMono,
}

/// What a listening test lets be heard instead: original or coded, alike in all but the codec.
///
/// Every turn begins with the same fade to silence, the same [`PAUSE_MS`] and the same fade in, whatever
/// was heard before, so that no switch tells what it switches to. The original is routed to the channels
/// as the coded stream is, and the gains of a level match are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audition {
    /// The coded stream, else the original.
    pub coded: bool,
    /// Another number begins another turn.
    pub turn: u32,
}

/// What the host or the user has set; read once for each block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controls {
    /// What is heard.
    pub listen: Listen,
    /// Which channels are coded. A mono engine codes its one channel whatever is set.
    pub channels: Channels,
    /// How strongly each token stream enters the decoder.
    pub streams: sacodec_codec::StreamGain,
    /// What is lost between encoder and decoder, and how that is concealed.
    pub network: Network,
    /// Linear gain on what is heard; bypass is without it.
    pub gain: f32,
    /// Coded and difference as loud as the original.
    pub level_match: bool,
    /// The input, as late as always, untouched by `listen` and `gain`.
    pub bypass: bool,
    /// A listening test, which overrides `listen` and `bypass`.
    pub audition: Option<Audition>,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            channels: Channels::default(),
            streams: sacodec_codec::StreamGain::BOTH,
            network: Network::default(),
            gain: 1.0,
            level_match: false,
            bypass: false,
            audition: None,
        }
    }
}

/// A value that moves to its target in a straight line.
#[derive(Debug, Clone, Copy)]
pub struct Ramp {
    value: f32,
    target: f32,
    step: f32,
    left_samples: u32,
}

impl Ramp {
    /// At rest.
    pub fn at(value: f32) -> Self {
        Self { value, target: value, step: 0.0, left_samples: 0 }
    }

    /// Moves to `target` in `samples` from here; does nothing if it is the target already.
    pub fn set(&mut self, target: f32, samples: u32) {
        if target != self.target {
            self.target = target;
            self.left_samples = samples.max(1);
            self.step = (target - self.value) / self.left_samples as f32;
        }
    }

    /// The value at rest, `None` while it moves.
    pub fn rest(&self) -> Option<f32> {
        (self.left_samples == 0).then_some(self.value)
    }

    /// The value of the next sample.
    #[inline]
    pub fn next(&mut self) -> f32 {
        if self.left_samples > 0 {
            self.left_samples -= 1;
            self.value = if self.left_samples == 0 { self.target } else { self.value + self.step };
        }
        self.value
    }
}

/// Mixes original and coded as the controls say. Every change takes [`FADE_MS`].
#[derive(Debug)]
pub struct Monitor {
    original: Ramp,
    coded: Ramp,
    difference: Ramp,
    gain: Ramp,
    matched: Ramp,
    bypass: Ramp,
    /// 0 in the pause before a turn of a listening test.
    presence: Ramp,
    /// Until the turn is heard: fade and pause.
    silent_samples: u32,
    /// What is turned to, at once or after the pause.
    target: (Listen, bool),
    audition: Option<Audition>,
    /// The turn that is heard is one of a listening test.
    is_audition_heard: bool,
    fade_samples: u32,
    pause_samples: u32,
    started: bool,
}

/// Length of every cross-fade.
pub const FADE_MS: f64 = 10.0;
/// Silence before each turn of a listening test.
pub const PAUSE_MS: f64 = 40.0;

impl Monitor {
    /// A monitor at a host rate; the first controls it sees apply at once.
    pub fn new(rate_hz: f64) -> Self {
        Self {
            original: Ramp::at(0.0),
            coded: Ramp::at(1.0),
            difference: Ramp::at(0.0),
            gain: Ramp::at(1.0),
            matched: Ramp::at(0.0),
            bypass: Ramp::at(0.0),
            presence: Ramp::at(1.0),
            silent_samples: 0,
            target: (Listen::Coded, false),
            audition: None,
            is_audition_heard: false,
            fade_samples: fade_samples(rate_hz),
            pause_samples: (rate_hz * PAUSE_MS / 1e3).ceil() as u32,
            started: false,
        }
    }

    /// The next controls apply at once.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn reset(&mut self) {
        self.started = false;
    }

    /// Turns towards `controls`.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set(&mut self, controls: &Controls) {
        self.target = match controls.audition {
            None => (controls.listen, controls.bypass),
            Some(Audition { coded: false, .. }) => (Listen::Original, false),
            Some(Audition { coded: true, .. }) => (Listen::Coded, false),
        };
        let begins = controls.audition.map(|a| a.turn) != self.audition.map(|a| a.turn);
        self.audition = controls.audition;
        let fade = if self.started { self.fade_samples } else { 0 };
        if begins && self.started {
            self.presence.set(0.0, fade);
            self.silent_samples = fade + self.pause_samples;
        } else if !self.started {
            (self.presence, self.silent_samples) = (Ramp::at(1.0), 0);
        }
        if self.silent_samples == 0 {
            self.turn(fade);
        }
        turn(&mut self.matched, f32::from(u8::from(controls.level_match)), fade);
        turn(&mut self.gain, if controls.gain.is_finite() { controls.gain } else { 1.0 }, fade);
        self.started = true;
    }

    /// Listen and bypass to their target.
    fn turn(&mut self, fade: u32) {
        let (listen, bypass) = self.target;
        let heard = |which| f32::from(u8::from(listen == which));
        turn(&mut self.original, heard(Listen::Original), fade);
        turn(&mut self.coded, heard(Listen::Coded), fade);
        turn(&mut self.difference, heard(Listen::Difference), fade);
        turn(&mut self.bypass, f32::from(u8::from(bypass)), fade);
        self.is_audition_heard = self.audition.is_some();
    }

    /// Whether the next sample is of a listening test: then the original goes the coded stream's way.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_audition_heard(&self) -> bool {
        self.is_audition_heard
    }

    /// Whether the gains of a level match are heard, or still fading out.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn wants_match(&self) -> bool {
        self.matched.rest() != Some(0.0)
    }

    /// The weights of the next sample, with the gains of a level match.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    #[inline]
    pub fn next(&mut self, gains: MatchGains) -> Weights {
        if self.silent_samples > 0 {
            self.silent_samples -= 1;
            if self.silent_samples == 0 {
                self.turn(0);
                self.presence.set(1.0, self.fade_samples);
            }
        }
        let presence = self.presence.next();
        let (original, coded, difference) = (self.original.next(), self.coded.next(), self.difference.next());
        let (gain, bypass, matched) = (self.gain.next(), self.bypass.next(), self.matched.next());
        let coded_gain = if self.is_audition_heard { gains.audition } else { gains.coded };
        let coded_gain = 1.0 + matched * (coded_gain - 1.0);
        let difference = difference * (1.0 + matched * (gains.difference - 1.0));
        let wet = (1.0 - bypass) * gain;
        Weights {
            original: presence * (wet * (original + difference) + bypass),
            coded: presence * (wet * (coded * coded_gain - difference)),
        }
    }
}

/// Weights of one output sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    original: f32,
    coded: f32,
}

impl Weights {
    /// The output sample. A stream of weight zero is left out altogether, so that the original
    /// alone comes out bit for bit.
    #[inline]
    pub fn mix(self, original: f32, coded: f32) -> f32 {
        let mixed = match (self.original, self.coded) {
            (1.0, 0.0) => original,
            (o, 0.0) => o * original,
            (0.0, c) => c * coded,
            (o, c) => o * original + c * coded,
        };
        if mixed.is_finite() { mixed } else { mixed.signum() * f32::MAX }
    }
}

/// Sets a ramp: in `fade` samples, or at once.
fn turn(ramp: &mut Ramp, target: f32, fade: u32) {
    match fade {
        0 => *ramp = Ramp::at(target),
        _ => ramp.set(target, fade),
    }
}

/// Samples of a cross-fade at a host rate.
pub fn fade_samples(rate_hz: f64) -> u32 {
    (rate_hz * FADE_MS / 1e3).ceil() as u32
}

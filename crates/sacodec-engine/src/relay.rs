//! One engine hands over to another while sound runs: for a host that does not restart its plugins.

use std::sync::Arc;

use super::engine::Engine;
use super::error::EngineError;
use super::frame::CodedFrame;
use super::monitor::{Controls, fade_samples};
use super::observer::{Observer, Sink};
use super::player::Playback;
use sacodec_network::LossTrace;
use sacodec_token::TokenTrack;

/// Samples that both engines are run for in turn.
const RUN_SAMPLES: usize = 256;

/// The engine that is heard and, for the length of a hand-over, the one that will be.
///
/// The next engine hears the same input, unheard itself, until its delay is over and it knows as much of the past as its
/// codecs remember, a second of it at most. Then it is cross-faded in. Until [`EngineRelay::complete`] says so the latency,
/// the frames and all that is observed are those of the engine before.
pub struct EngineRelay {
    current: Box<Engine>,
    next: Option<Next>,
    retired: Option<Box<Engine>>,
    scratch: [[f32; RUN_SAMPLES]; 2],
}

/// Lets those frames through that began with the stream or later.
struct OfStream<'a>(&'a mut dyn Observer);

impl Observer for OfStream<'_> {
    fn frame(&mut self, frame: CodedFrame) {
        if frame.place.start_samples.max(frame.place.pass_samples) >= 0.0 {
            self.0.frame(frame);
        }
    }

    fn heard(&mut self, original: &[&[f32]], coded: &[&[f32]]) {
        self.0.heard(original, coded);
    }
}

/// The engine that will be heard.
struct Next {
    engine: Box<Engine>,
    unheard_samples: usize,
    /// Samples of the cross-fade that are still to come.
    fade_samples: usize,
}

impl Next {
    /// Samples for which nothing changes.
    fn run_samples(&self) -> usize {
        let left = if self.unheard_samples > 0 { self.unheard_samples } else { self.fade_samples };
        if left == 0 { RUN_SAMPLES } else { left.min(RUN_SAMPLES) }
    }
}

impl EngineRelay {
    /// A relay in which `engine` is heard.
    pub fn new(engine: Engine) -> Self {
        Self { current: Box::new(engine), next: None, retired: None, scratch: [[0.0; RUN_SAMPLES]; 2] }
    }

    /// The engine that is heard.
    pub fn engine(&self) -> &Engine {
        &self.current
    }

    /// The engine that is heard.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.current
    }

    /// Lets `engine`, which has coded nothing yet, take over. Meanwhile each of the two costs what it costs alone. Where the
    /// next sample stands at `position_samples` of a timeline, its frames stand on the grid of [`Engine::begin_at`].
    ///
    /// # Errors
    /// Gives the engine back: with [`EngineError::HandingOver`] while a hand-over is under way or its old engine is
    /// not yet taken, with [`EngineError::OtherHost`] if it is made for another rate or other channels.
    ///
    /// # Real-time
    /// As [`Engine::begin_at`].
    pub fn hand_over(
        &mut self,
        mut engine: Box<Engine>,
        position_samples: Option<f64>,
    ) -> Result<(), (Box<Engine>, EngineError)> {
        let (old, new) = (self.current.config(), engine.config());
        if self.is_handing_over() || self.retired.is_some() {
            return Err((engine, EngineError::HandingOver));
        }
        if (old.rate_hz, old.channels) != (new.rate_hz, new.channels) {
            return Err((engine, EngineError::OtherHost));
        }
        engine.set_trace(self.current.trace().cloned());
        engine.set_track(self.current.player().track.clone());
        engine.set_playback(self.current.player().playback);
        if let Some(position_samples) = position_samples {
            engine.begin_at(position_samples);
        }
        self.next = Some(Next {
            unheard_samples: engine.warm_up_samples(),
            fade_samples: fade_samples(new.rate_hz) as usize,
            engine,
        });
        Ok(())
    }

    /// As [`Engine::set_trace`], for the engine on its way in too.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set_trace(&mut self, trace: Option<Arc<LossTrace>>) -> Option<Arc<LossTrace>> {
        if let Some(next) = &mut self.next {
            // It had the same one, which is given back below: nothing is freed here.
            next.engine.set_trace(trace.clone());
        }
        self.current.set_trace(trace)
    }

    /// As [`Engine::set_track`], for the engine on its way in too.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set_track(&mut self, track: Option<Arc<TokenTrack>>) -> Option<Arc<TokenTrack>> {
        if let Some(next) = &mut self.next {
            // It had the same one, which is given back below: nothing is freed here.
            next.engine.set_track(track.clone());
        }
        self.current.set_track(track)
    }

    /// As [`Engine::set_playback`], for the engine on its way in too.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn set_playback(&mut self, playback: Playback) {
        if let Some(next) = &mut self.next {
            next.engine.set_playback(playback);
        }
        self.current.set_playback(playback);
    }

    /// Whether another engine is on its way in.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn is_handing_over(&self) -> bool {
        self.next.is_some()
    }

    /// To be called before a block: where the next engine has been faded in, it becomes [`EngineRelay::engine`], and a new
    /// stream begins with the next sample: the places of frames are counted from there, and frames that had begun before
    /// are not given. `true` then.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn complete(&mut self) -> bool {
        let Some(next) = self.next.take_if(|next| next.unheard_samples + next.fade_samples == 0) else {
            return false;
        };
        let before = std::mem::replace(&mut self.current, next.engine);
        self.current.count_from_here();
        self.current.continue_counts(before.stats());
        self.retired = Some(before);
        true
    }

    /// The engine that was heard before, to be dropped off the audio thread.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn take_retired(&mut self) -> Option<Box<Engine>> {
        self.retired.take()
    }

    /// As [`Engine::reset`]. Gives an engine on its way in back, as new: what follows may be a bounce, and it is for the
    /// caller to say when one may hand over.
    ///
    /// # Real-time
    /// As [`Engine::reset`].
    #[must_use]
    pub fn reset(&mut self) -> Option<Box<Engine>> {
        self.current.reset();
        let mut engine = self.next.take()?.engine;
        engine.reset();
        // What it had stays with the engine that is heard: nothing is freed here, nor when it comes again.
        engine.set_trace(None);
        engine.set_track(None);
        Some(engine)
    }

    /// As [`Engine::begin_at`]. An engine that is not heard yet knows from here on as much of the past as the other one: it only
    /// waits until what was coded before has been heard.
    ///
    /// # Real-time
    /// As [`Engine::begin_at`].
    pub fn begin_at(&mut self, position_samples: f64) {
        self.current.begin_at(position_samples);
        if let Some(next) = &mut self.next {
            if next.unheard_samples > 0 {
                // Nobody hears what it has coded so far: it need not be coded to its end.
                next.engine.reset();
                next.unheard_samples = self.current.latency_samples().max(next.engine.latency_samples());
            }
            next.engine.begin_at(position_samples);
        }
    }

    /// As [`Engine::process_observed`]. What is observed is the engine that hands over.
    ///
    /// # Real-time
    /// As [`Engine::process_observed`], for each of the two engines of a hand-over.
    pub fn process_observed(
        &mut self,
        audio: &mut [&mut [f32]],
        controls: &Controls,
        observer: &mut dyn Observer,
    ) {
        let observer = &mut OfStream(observer);
        if self.next.is_none() {
            return self.current.process_observed(audio, controls, observer);
        }
        let length = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut start = 0;
        while start < length {
            let run = self.next.as_ref().map_or(RUN_SAMPLES, Next::run_samples).min(length - start);
            match audio {
                [mono] => self.run(&mut [&mut mono[start..start + run]], controls, observer),
                [left, right, ..] => self.run(
                    &mut [&mut left[start..start + run], &mut right[start..start + run]],
                    controls,
                    observer,
                ),
                [] => {}
            }
            start += run;
        }
    }

    /// A run in which the next engine is either unheard, or faded in, or heard alone.
    fn run(&mut self, audio: &mut [&mut [f32]], controls: &Controls, observer: &mut dyn Observer) {
        let Some(next) = &mut self.next else { return };
        let samples = audio.first().map_or(0, |channel| channel.len());
        for (copy, channel) in self.scratch.iter_mut().zip(audio.iter()) {
            copy[..samples].copy_from_slice(channel);
        }
        self.current.process_observed(audio, controls, observer);
        let [first, second] = &mut self.scratch;
        let channels = audio.len().min(2);
        let coded = &mut [&mut first[..samples], &mut second[..samples]][..channels];
        next.engine.process_observed(coded, controls, &mut Sink(|_: CodedFrame| ()));
        if next.unheard_samples > 0 {
            next.unheard_samples -= samples;
            if next.unheard_samples == 0 {
                next.engine.match_levels_as(&self.current);
            }
            return;
        }
        let whole = fade_samples(next.engine.config().rate_hz) as f32;
        for (heard, coming) in audio.iter_mut().zip(coded.iter()) {
            for (n, (heard, coming)) in heard.iter_mut().zip(coming.iter()).enumerate() {
                *heard = match next.fade_samples.saturating_sub(n + 1) {
                    0 => *coming,
                    left => *coming + left as f32 / whole * (*heard - *coming),
                };
            }
        }
        next.fade_samples = next.fade_samples.saturating_sub(samples);
    }
}

//! The parameters: what the host automates, shows and saves.

mod network;
mod playback;

use std::sync::Arc;

use nice_plug::prelude::*;

use super::state::SessionState;
use sacodec_codec::StreamGain;
use sacodec_engine::{Channels, Controls, Listen, Scheduling, TimelineLock};

pub use network::{LossChoice, NetworkParams};
pub use playback::{PlaybackParams, SourceChoice};

/// What is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ListenChoice {
    /// The input, as late as the coded stream.
    #[id = "original"]
    Original,
    /// The coded stream.
    #[id = "coded"]
    Coded,
    /// Original minus coded.
    #[id = "difference"]
    Difference,
}

/// Which channels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ChannelChoice {
    /// The mean of left and right, heard on both.
    #[id = "sum"]
    #[name = "Mono sum"]
    MonoSum,
    /// Left, heard on both.
    #[id = "left"]
    Left,
    /// Right, heard on both.
    #[id = "right"]
    Right,
    /// Each for itself.
    #[id = "dual"]
    #[name = "Dual mono"]
    DualMono,
}

/// Which token streams are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum StreamChoice {
    /// Semantic and acoustic.
    #[id = "both"]
    Both,
    /// The linguistic stream alone.
    #[id = "semantic"]
    #[name = "Semantic only"]
    SemanticOnly,
    /// The residual stream alone.
    #[id = "acoustic"]
    #[name = "Acoustic only"]
    AcousticOnly,
}

/// What a bounce gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RenderChoice {
    /// Whatever Listen says.
    #[id = "coded"]
    Coded,
    /// The original, so that a forgotten monitor is not printed.
    #[id = "original"]
    Original,
}

/// When a frame is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum SchedulingChoice {
    /// Evenly over the callbacks.
    #[id = "spread"]
    Spread,
    /// At once: one hop less latency.
    #[id = "burst"]
    Burst,
}

/// What binds the codec to the host's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LockChoice {
    /// Nothing: the codec runs on.
    #[id = "off"]
    Off,
    /// It begins afresh where the transport starts.
    #[id = "start"]
    #[name = "At start"]
    AtStart,
    /// It begins afresh where the transport starts or jumps.
    #[id = "jumps"]
    #[name = "At start and jumps"]
    AtStartAndJumps,
}

/// When an armed recorder records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RecordWhile {
    /// As long as Record tokens is on.
    #[id = "armed"]
    Armed,
    /// While the transport runs: a take ends when it stops.
    #[id = "playing"]
    Playing,
}

/// Everything the host automates, shows and saves.
#[derive(Params)]
pub struct SacodecParams {
    /// What a session keeps besides parameters.
    #[nested]
    pub session: SessionState,
    /// The host's bypass: the input, as late as always, bit for bit.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// What is heard.
    #[id = "listen"]
    pub listen: EnumParam<ListenChoice>,
    /// Which channels are coded.
    #[id = "chans"]
    pub channels: EnumParam<ChannelChoice>,
    /// Which token streams are decoded.
    #[id = "streams"]
    pub streams: EnumParam<StreamChoice>,
    /// Gain in dB on what is heard.
    #[id = "gain"]
    pub output_gain: FloatParam,
    /// Coded and difference as loud as the original.
    #[id = "match"]
    pub level_match: BoolParam,
    /// What a bounce gets.
    #[id = "render"]
    pub when_rendering: EnumParam<RenderChoice>,
    /// When a frame is computed.
    #[id = "sched"]
    pub scheduling: EnumParam<SchedulingChoice>,
    /// What binds the codec to the host's timeline.
    #[id = "lock"]
    pub timeline_lock: EnumParam<LockChoice>,
    /// Tokens go into a take.
    #[id = "record"]
    pub record_tokens: BoolParam,
    /// When they do.
    #[id = "recwhile"]
    pub record_while: EnumParam<RecordWhile>,
    /// What is lost between encoder and decoder.
    #[nested]
    pub network: NetworkParams,
    /// What is sent to the decoder.
    #[nested]
    pub playback: PlaybackParams,
}

/// Looks at parameters of every kind, see [`SacodecParams::visit`].
pub trait Visitor {
    /// One of them and its id.
    fn visit<P: Param>(&mut self, id: &'static str, param: &P);
}

/// See [`SacodecParams::shown_values`].
pub type ShownValues = [f32; 11 + NetworkParams::COUNT + PlaybackParams::COUNT];

impl SacodecParams {
    /// Defaults, and what a new session keeps.
    pub fn new(session: SessionState) -> Self {
        Self {
            session,
            bypass: BoolParam::new("Bypass", false)
                .with_value_to_string(formatters::v2s_bool_bypass())
                .with_string_to_value(formatters::s2v_bool_bypass())
                .make_bypass(),
            listen: EnumParam::new("Listen", ListenChoice::Coded),
            channels: EnumParam::new("Channels", ChannelChoice::MonoSum),
            streams: EnumParam::new("Streams", StreamChoice::Both),
            output_gain: FloatParam::new("Output gain", 0.0, FloatRange::Linear { min: -24.0, max: 24.0 })
                .with_step_size(0.1)
                .with_unit(" dB")
                .with_value_to_string(formatters::v2s_f32_rounded(1)),
            level_match: switch("Level match"),
            when_rendering: EnumParam::new("When rendering", RenderChoice::Coded),
            scheduling: EnumParam::new("Scheduling", SchedulingChoice::Spread),
            timeline_lock: EnumParam::new("Timeline lock", LockChoice::AtStart),
            record_tokens: switch("Record tokens"),
            record_while: EnumParam::new("Record while", RecordWhile::Armed),
            network: NetworkParams::default(),
            playback: PlaybackParams::default(),
        }
    }

    /// Shows every parameter to `visitor`, with its id.
    pub fn visit(&self, visitor: &mut impl Visitor) {
        visitor.visit("bypass", &self.bypass);
        visitor.visit("listen", &self.listen);
        visitor.visit("chans", &self.channels);
        visitor.visit("streams", &self.streams);
        visitor.visit("gain", &self.output_gain);
        visitor.visit("match", &self.level_match);
        visitor.visit("render", &self.when_rendering);
        visitor.visit("sched", &self.scheduling);
        visitor.visit("lock", &self.timeline_lock);
        visitor.visit("record", &self.record_tokens);
        visitor.visit("recwhile", &self.record_while);
        self.network.visit(visitor);
        self.playback.visit(visitor);
    }

    /// All values as a window shows them: another array, another picture.
    pub fn shown_values(&self) -> ShownValues {
        struct Shown(ShownValues, usize);
        impl Visitor for Shown {
            fn visit<P: Param>(&mut self, _: &'static str, param: &P) {
                if let Some(value) = self.0.get_mut(self.1) {
                    *value = param.modulated_normalized_value();
                }
                self.1 += 1;
            }
        }
        let mut shown = Shown([0.0; 11 + NetworkParams::COUNT + PlaybackParams::COUNT], 0);
        self.visit(&mut shown);
        shown.0
    }

    /// What the engine shall do; `rendering` while the host bounces.
    ///
    /// # Real-time
    /// Reads atomics.
    pub fn controls(&self, rendering: bool) -> Controls {
        let protect = rendering && self.when_rendering.value() == RenderChoice::Original;
        Controls {
            listen: match self.listen.value() {
                _ if protect => Listen::Original,
                ListenChoice::Original => Listen::Original,
                ListenChoice::Coded => Listen::Coded,
                ListenChoice::Difference => Listen::Difference,
            },
            channels: match self.channels.value() {
                ChannelChoice::MonoSum => Channels::MonoSum,
                ChannelChoice::Left => Channels::Left,
                ChannelChoice::Right => Channels::Right,
                ChannelChoice::DualMono => Channels::DualMono,
            },
            streams: match self.streams.value() {
                StreamChoice::Both => StreamGain::BOTH,
                StreamChoice::SemanticOnly => StreamGain::SEMANTIC_ONLY,
                StreamChoice::AcousticOnly => StreamGain::ACOUSTIC_ONLY,
            },
            network: self.network.network(),
            gain: util::db_to_gain(self.output_gain.value()),
            level_match: self.level_match.value(),
            bypass: self.bypass.value(),
            audition: None,
        }
    }

    /// What binds the codec to the host's timeline. A take that is played has its places there, whatever is chosen.
    ///
    /// # Real-time
    /// Reads atomics.
    pub fn timeline_lock(&self) -> TimelineLock {
        match self.timeline_lock.value() {
            _ if self.playback.source.value() != SourceChoice::Input => TimelineLock::AtStartAndJumps,
            LockChoice::Off => TimelineLock::Off,
            LockChoice::AtStart => TimelineLock::AtStart,
            LockChoice::AtStartAndJumps => TimelineLock::AtStartAndJumps,
        }
    }

    /// The scheduling that the next activation uses.
    ///
    /// # Real-time
    /// Reads an atomic.
    pub fn scheduling(&self) -> Scheduling {
        match self.scheduling.value() {
            SchedulingChoice::Spread => Scheduling::Spread,
            SchedulingChoice::Burst => Scheduling::Burst,
        }
    }
}

/// A parameter that is on or off, in these words.
fn switch(name: &str) -> BoolParam {
    BoolParam::new(name, false)
        .with_value_to_string(Arc::new(|on| if on { "On" } else { "Off" }.into()))
        .with_string_to_value(Arc::new(|text| match text.trim().to_lowercase().as_str() {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_visited_by_its_id_and_shown() {
        let params = SacodecParams::new(SessionState::apart(&Arc::default()));
        struct Ids(Vec<&'static str>);
        impl Visitor for Ids {
            fn visit<P: Param>(&mut self, id: &'static str, _: &P) {
                self.0.push(id);
            }
        }
        let mut ids = Ids(Vec::new());
        params.visit(&mut ids);
        let known = params.param_map().into_iter().map(|(id, ..)| id).collect::<Vec<_>>();
        assert_eq!(ids.0, known);
        assert_eq!(params.shown_values().len(), known.len());
    }
}

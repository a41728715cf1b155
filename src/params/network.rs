//! Parameters of a network between encoder and decoder: what it loses, and how that is concealed.

use std::sync::Arc;

use nice_plug::prelude::*;

use super::Visitor;
use sacodec_engine::{Concealment, Loss, LossModel, LossyStreams, Network};
use sacodec_network::MAX_PACKET_FRAMES;

/// How packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LossChoice {
    /// None is.
    #[id = "off"]
    Off,
    /// Each for itself.
    #[id = "random"]
    Random,
    /// In bursts.
    #[id = "bursty"]
    Bursty,
    /// As a file says.
    #[id = "trace"]
    Trace,
}

/// The streams that are in the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LossyChoice {
    /// A packet holds both streams.
    #[id = "both"]
    Both,
    /// The acoustic stream always arrives.
    #[id = "semantic"]
    Semantic,
    /// The semantic stream always arrives.
    #[id = "acoustic"]
    Acoustic,
}

/// How lost tokens are concealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ConcealmentChoice {
    /// Not at all.
    #[id = "silence"]
    Silence,
    /// The last tokens again.
    #[id = "repeat"]
    Repeat,
    /// The last tokens again, ever weaker.
    #[id = "fade"]
    Fade,
}

/// A network that the host automates.
#[derive(Params)]
pub struct NetworkParams {
    /// How packets are lost.
    #[id = "loss"]
    pub loss: EnumParam<LossChoice>,
    /// Share of the packets, in percent.
    #[id = "lossrate"]
    pub rate: FloatParam,
    /// Lost packets in a row, on average.
    #[id = "burst"]
    pub mean_burst: FloatParam,
    /// Frames of a packet.
    #[id = "packet"]
    pub packet: IntParam,
    /// What is in the packets.
    #[id = "lossy"]
    pub streams: EnumParam<LossyChoice>,
    /// Another seed, another pattern.
    #[id = "lossseed"]
    pub seed: IntParam,
    /// How what is lost is concealed.
    #[id = "conceal"]
    pub concealment: EnumParam<ConcealmentChoice>,
}

impl Default for NetworkParams {
    fn default() -> Self {
        let loss = Loss::default();
        Self {
            loss: EnumParam::new("Loss", LossChoice::Off),
            rate: FloatParam::new("Loss rate", 100.0 * loss.rate, FloatRange::Linear { min: 0.0, max: 50.0 })
                .with_step_size(0.5)
                .with_unit(" %")
                .with_value_to_string(formatters::v2s_f32_rounded(1)),
            mean_burst: FloatParam::new(
                "Mean burst",
                loss.mean_burst_packets,
                FloatRange::Linear { min: 1.0, max: 20.0 },
            )
            .with_step_size(0.5)
            .with_value_to_string(Arc::new(|packets| {
                format!("{packets:.1} packet{}", if packets == 1.0 { "" } else { "s" })
            }))
            .with_string_to_value(Arc::new(|text| text.split_whitespace().next()?.parse().ok())),
            packet: IntParam::new(
                "Packet",
                loss.packet_frames as i32,
                IntRange::Linear { min: 1, max: MAX_PACKET_FRAMES as i32 },
            )
            .with_value_to_string(Arc::new(|frames| {
                format!("{frames} frame{}", if frames == 1 { "" } else { "s" })
            }))
            .with_string_to_value(Arc::new(|text| text.split_whitespace().next()?.parse().ok())),
            streams: EnumParam::new("Lost streams", LossyChoice::Both),
            seed: IntParam::new("Loss seed", loss.seed as i32, IntRange::Linear { min: 1, max: 999 }),
            concealment: EnumParam::new("Concealment", ConcealmentChoice::Fade),
        }
    }
}

impl NetworkParams {
    /// How many they are.
    pub const COUNT: usize = 7;

    /// Shows every parameter to `visitor`, with its id.
    pub fn visit(&self, visitor: &mut impl Visitor) {
        visitor.visit("loss", &self.loss);
        visitor.visit("lossrate", &self.rate);
        visitor.visit("burst", &self.mean_burst);
        visitor.visit("packet", &self.packet);
        visitor.visit("lossy", &self.streams);
        visitor.visit("lossseed", &self.seed);
        visitor.visit("conceal", &self.concealment);
    }

    /// What the engine shall rehearse.
    ///
    /// # Real-time
    /// Reads atomics.
    pub fn network(&self) -> Network {
        let loss = Loss {
            model: match self.loss.value() {
                LossChoice::Off => LossModel::Off,
                LossChoice::Random => LossModel::Random,
                LossChoice::Bursty => LossModel::Bursty,
                LossChoice::Trace => LossModel::Trace,
            },
            rate: self.rate.value() / 100.0,
            mean_burst_packets: self.mean_burst.value(),
            packet_frames: self.packet.value().unsigned_abs(),
            streams: match self.streams.value() {
                LossyChoice::Both => LossyStreams::Both,
                LossyChoice::Semantic => LossyStreams::Semantic,
                LossyChoice::Acoustic => LossyStreams::Acoustic,
            },
            seed: self.seed.value().unsigned_abs().into(),
        };
        let concealment = match self.concealment.value() {
            ConcealmentChoice::Silence => Concealment::Silence,
            ConcealmentChoice::Repeat => Concealment::Repeat,
            ConcealmentChoice::Fade => Concealment::Fade,
        };
        Network { loss, concealment }
    }

    /// What is lost and how it is concealed, in words; empty where nothing is. `trace` is the path of the loss trace.
    pub fn in_words(&self, trace: &str) -> String {
        let Self { loss, rate, mean_burst, packet, streams, seed, concealment } = self;
        let how = match loss.value() {
            LossChoice::Off => return String::new(),
            LossChoice::Trace => format!("{loss} {trace}"),
            LossChoice::Random => format!("{loss}, {rate}, seed {seed}"),
            LossChoice::Bursty => format!("{loss}, {rate}, {mean_burst}, seed {seed}"),
        };
        format!("{how}, packets of {packet}, streams: {streams}, {concealment}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_told_in_words_with_all_that_it_depends_on() {
        let network = |loss| NetworkParams { loss: EnumParam::new("Loss", loss), ..NetworkParams::default() };
        assert_eq!(network(LossChoice::Off).in_words("a.txt"), "");
        assert_eq!(
            network(LossChoice::Bursty).in_words("a.txt"),
            "Bursty, 10.0 %, 3.0 packets, seed 1, packets of 2 frames, streams: Both, Fade"
        );
        assert_eq!(
            network(LossChoice::Trace).in_words("a.txt"),
            "Trace a.txt, packets of 2 frames, streams: Both, Fade"
        );
    }
}

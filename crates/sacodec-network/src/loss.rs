//! Which packets are lost.

use super::random::uniform;
use super::trace::LossTrace;
use sacodec_token::TokenStream;

/// Most frames of a packet: 107 ms.
pub const MAX_PACKET_FRAMES: u32 = 8;
/// Longest mean burst.
pub const MAX_BURST_PACKETS: f32 = 50.0;
/// So far back a packet is followed to find out how its burst began. At the longest mean burst it is not enough for
/// one packet in 10⁸ of them, which then arrives.
const MOST_STEPS: u32 = 1024;

/// How packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LossModel {
    /// None is.
    #[default]
    Off,
    /// Each for itself.
    Random,
    /// In bursts, by the model of Gilbert (1960): the network is good or bad, and bad it loses every packet.
    Bursty,
    /// As a [`LossTrace`] says; none without one.
    Trace,
}

/// The token streams that travel in packets which can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LossyStreams {
    /// A packet holds both streams.
    #[default]
    Both,
    /// The semantic stream; the acoustic one always arrives.
    Semantic,
    /// The acoustic stream; the semantic one always arrives.
    Acoustic,
}

/// The token streams of a frame that do not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LostStreams {
    /// The semantic token does not.
    pub semantic: bool,
    /// The acoustic token does not.
    pub acoustic: bool,
}

impl LostStreams {
    /// All arrives.
    pub const NONE: Self = Self { semantic: false, acoustic: false };
    /// Nothing arrives.
    pub const BOTH: Self = Self { semantic: true, acoustic: true };

    /// Whether the token of `stream` does not arrive.
    pub fn get(self, stream: TokenStream) -> bool {
        match stream {
            TokenStream::Semantic => self.semantic,
            TokenStream::Acoustic => self.acoustic,
        }
    }

    /// What does not arrive of either.
    pub fn with(self, other: Self) -> Self {
        Self { semantic: self.semantic || other.semantic, acoustic: self.acoustic || other.acoustic }
    }

    /// Whether something does not arrive.
    pub fn any(self) -> bool {
        self.semantic || self.acoustic
    }
}

/// What of a stream of frames is lost. Frame 0 begins packet 0, and the pattern extends to both sides of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// How packets are lost.
    pub model: LossModel,
    /// Share of the packets that are lost by [`LossModel::Random`] and [`LossModel::Bursty`], 0 to 1. A higher rate of
    /// the same seed loses the same packets and more.
    pub rate: f32,
    /// Lost packets in a row, on average, by [`LossModel::Bursty`], 1 to [`MAX_BURST_PACKETS`]. Random loss has bursts
    /// of 1 / (1 − rate): it is not less bursty than that.
    pub mean_burst_packets: f32,
    /// Frames of a packet, 1 to [`MAX_PACKET_FRAMES`].
    pub packet_frames: u32,
    /// The streams that travel in these packets.
    pub streams: LossyStreams,
    /// Another seed, another pattern.
    pub seed: u64,
}

impl Default for Loss {
    /// Off, with the values that a session begins with.
    fn default() -> Self {
        Self {
            model: LossModel::Off,
            rate: 0.1,
            mean_burst_packets: 3.0,
            packet_frames: 2,
            streams: LossyStreams::Both,
            seed: 1,
        }
    }
}

impl Loss {
    /// The streams of frame `frame` that do not arrive. Settings out of their range are taken as its nearest end.
    ///
    /// # Real-time
    /// Arithmetic only; more of it the longer bursts are, a thousand multiplications at most.
    pub fn lost(&self, frame: i64, trace: Option<&LossTrace>) -> LostStreams {
        let packet = frame.div_euclid(self.packet_frames.clamp(1, MAX_PACKET_FRAMES).into());
        let is_lost = match self.model {
            LossModel::Off => false,
            LossModel::Random => self.is_in_burst(packet, 1.0),
            LossModel::Bursty => self.is_in_burst(packet, self.mean_burst_packets),
            LossModel::Trace => trace.is_some_and(|trace| trace.is_lost(packet)),
        };
        LostStreams {
            semantic: is_lost && self.streams != LossyStreams::Acoustic,
            acoustic: is_lost && self.streams != LossyStreams::Semantic,
        }
    }

    /// Whether the network is bad at `packet`: Gilbert's chain, of which any place can be asked.
    ///
    /// One random number a packet decides what follows a good packet and what follows a bad one. Where both are the
    /// same, the past does not matter. So it is enough to go back to the last such packet (coupling from the past,
    /// Propp and Wilson 1996).
    fn is_in_burst(&self, packet: i64, mean_burst_packets: f32) -> bool {
        let rate = f64::from(self.rate.clamp(0.0, 1.0));
        if rate == 0.0 || rate == 1.0 {
            return rate == 1.0;
        }
        let burst = f64::from(mean_burst_packets.clamp(1.0, MAX_BURST_PACKETS)).max(1.0 / (1.0 - rate));
        let stays_bad = 1.0 - 1.0 / burst;
        let turns_bad = rate / (1.0 - rate) / burst;
        for step in 0..MOST_STEPS {
            let chance = uniform(self.seed, packet.wrapping_sub(step.into()));
            if chance < turns_bad {
                return true;
            }
            if chance >= stays_bad {
                return false;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKETS: i64 = 100_000;

    fn lost_packets(loss: &Loss) -> Vec<bool> {
        (-PACKETS / 2..PACKETS / 2).map(|packet| loss.lost(packet, None).any()).collect()
    }

    fn share(lost: &[bool]) -> f64 {
        lost.iter().filter(|&&lost| lost).count() as f64 / lost.len() as f64
    }

    fn mean_burst(lost: &[bool]) -> f64 {
        let bursts = lost.windows(2).filter(|pair| pair[1] && !pair[0]).count();
        lost.iter().filter(|&&lost| lost).count() as f64 / bursts as f64
    }

    #[test]
    fn rate_and_mean_burst_are_those_that_were_asked_for() {
        let cases = [(0.05, 1.0), (0.1, 3.0), (0.2, 10.0), (0.5, 4.0), (0.1, 50.0), (0.9, 10.0)];
        for (rate, mean_burst_packets) in cases {
            let loss = Loss {
                model: LossModel::Bursty,
                rate,
                mean_burst_packets,
                packet_frames: 1,
                ..Loss::default()
            };
            let lost = lost_packets(&loss);
            let burst = f64::from(mean_burst_packets).max(1.0 / (1.0 - f64::from(rate)));
            assert!((share(&lost) / f64::from(rate) - 1.0).abs() < 0.15, "{rate}: {}", share(&lost));
            assert!((mean_burst(&lost) / burst - 1.0).abs() < 0.15, "{burst}: {}", mean_burst(&lost));
        }
    }

    #[test]
    fn random_loss_does_not_remember() {
        let loss = Loss { model: LossModel::Random, rate: 0.3, packet_frames: 1, ..Loss::default() };
        let lost = lost_packets(&loss);
        let after_lost: Vec<bool> = lost.windows(2).filter(|pair| pair[0]).map(|pair| pair[1]).collect();
        assert!((share(&lost) - 0.3).abs() < 0.01 && (share(&after_lost) - 0.3).abs() < 0.01);
    }

    #[test]
    fn the_frames_of_a_packet_share_its_fate_on_both_sides_of_zero() {
        for packet_frames in 1..=MAX_PACKET_FRAMES {
            let loss = Loss { model: LossModel::Random, rate: 0.5, packet_frames, ..Loss::default() };
            let single = Loss { packet_frames: 1, ..loss };
            for frame in -200..200 {
                let packet = i64::div_euclid(frame, packet_frames.into());
                assert_eq!(
                    loss.lost(frame, None),
                    single.lost(packet, None),
                    "{packet_frames}, frame {frame}"
                );
            }
        }
    }

    #[test]
    fn a_higher_rate_loses_the_same_packets_and_more() {
        for mean_burst_packets in [1.0, 5.0] {
            let at = |rate| {
                lost_packets(&Loss {
                    model: LossModel::Bursty,
                    rate,
                    mean_burst_packets,
                    packet_frames: 1,
                    ..Loss::default()
                })
            };
            let (few, many) = (at(0.1), at(0.3));
            assert!(few.iter().zip(&many).all(|(few, many)| many >= few));
        }
    }

    #[test]
    fn seeds_have_patterns_of_their_own() {
        let of = |seed| {
            lost_packets(&Loss {
                model: LossModel::Random,
                rate: 0.5,
                packet_frames: 1,
                seed,
                ..Loss::default()
            })
        };
        let (a, b) = (of(1), of(2));
        let same = a.iter().zip(&b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64;
        assert!((same - 0.5).abs() < 0.01, "{same}");
    }

    /// The pattern is part of sessions: it stays as it is.
    #[test]
    fn the_pattern_of_a_seed_never_changes() {
        let loss = Loss { model: LossModel::Bursty, rate: 0.2, packet_frames: 1, seed: 7, ..Loss::default() };
        let lost: String = (-30..30).map(|n| if loss.lost(n, None).any() { '1' } else { '0' }).collect();
        assert_eq!(lost, "000000000000000001110000010001110000000000000000000000001100");
    }

    #[test]
    fn the_streams_that_are_not_in_these_packets_arrive() {
        let loss = Loss { model: LossModel::Random, rate: 1.0, ..Loss::default() };
        let of = |streams| Loss { streams, ..loss }.lost(3, None);
        assert_eq!(of(LossyStreams::Both), LostStreams::BOTH);
        assert_eq!(of(LossyStreams::Semantic), LostStreams { semantic: true, acoustic: false });
        assert_eq!(of(LossyStreams::Acoustic), LostStreams { semantic: false, acoustic: true });
    }

    #[test]
    fn settings_out_of_range_are_harmless() {
        for rate in [f32::NAN, -1.0, 0.0, 2.0, f32::INFINITY] {
            for mean_burst_packets in [f32::NAN, -1.0, 0.0, 1e9] {
                for packet_frames in [0, u32::MAX] {
                    let model = LossModel::Bursty;
                    let loss = Loss { model, rate, mean_burst_packets, packet_frames, ..Loss::default() };
                    for frame in [i64::MIN, -1, 0, i64::MAX] {
                        loss.lost(frame, None);
                    }
                }
            }
        }
        let all = Loss { model: LossModel::Random, rate: 1.0, ..Loss::default() };
        let none = Loss { rate: 0.0, ..all };
        assert!((0..1000).all(|frame| all.lost(frame, None).any() && !none.lost(frame, None).any()));
    }
}

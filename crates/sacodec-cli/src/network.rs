//! A network that loses packets, on the command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args as ClapArgs, ValueEnum};

use crate::comparison::parse_percent;
use crate::error::CliError;
use sacodec_engine::{Concealment, Loss, LossModel, LossTrace};
use sacodec_network::{MAX_BURST_PACKETS, MAX_PACKET_FRAMES};

/// What is lost.
#[derive(Debug, ClapArgs)]
pub struct LossArgs {
    /// Share of the packets that are lost: `10%`.
    #[arg(long, value_name = "PERCENT", value_parser = parse_rate, conflicts_with = "trace")]
    loss: Option<f32>,
    /// Lost packets in a row, on average; without it packets are lost one by one, at random.
    #[arg(long, value_name = "PACKETS", value_parser = parse_burst, requires = "loss")]
    burst: Option<f32>,
    /// Lose what a file says: 0 for a packet that arrives and 1 for one that is lost, one after another or one on a
    /// line. Where it ends it begins again.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Frames of a packet, of 13.3 ms each.
    #[arg(long, value_name = "FRAMES", default_value_t = Loss::default().packet_frames,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PACKET_FRAMES)))]
    packet: u32,
    /// Another number, another pattern.
    #[arg(long, value_name = "NUMBER", default_value_t = Loss::default().seed)]
    seed: u64,
}

/// How lost tokens are concealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConcealArg {
    /// Not at all: a frame is silent unless all of it arrives.
    Silence,
    /// The last tokens that arrived are repeated.
    Repeat,
    /// The last tokens that arrived are repeated and fade.
    Fade,
}

impl ConcealArg {
    /// The same for the engine.
    pub fn concealment(self) -> Concealment {
        match self {
            Self::Silence => Concealment::Silence,
            Self::Repeat => Concealment::Repeat,
            Self::Fade => Concealment::Fade,
        }
    }
}

impl LossArgs {
    /// Whether something is to be lost.
    pub fn is_given(&self) -> bool {
        self.loss.is_some() || self.trace.is_some()
    }

    /// What is lost, and the trace that says so.
    pub fn read(&self) -> Result<(Loss, Option<Arc<LossTrace>>), CliError> {
        let trace = self.trace.as_deref().map(LossTrace::open).transpose()?.map(Arc::new);
        let model = match (self.loss, self.burst) {
            _ if trace.is_some() => LossModel::Trace,
            (None, _) => LossModel::Off,
            (Some(_), None) => LossModel::Random,
            (Some(_), Some(_)) => LossModel::Bursty,
        };
        let loss = Loss {
            model,
            rate: self.loss.unwrap_or_default(),
            mean_burst_packets: self.burst.unwrap_or(1.0),
            packet_frames: self.packet,
            seed: self.seed,
            ..Loss::default()
        };
        Ok((loss, trace))
    }
}

fn parse_rate(text: &str) -> Result<f32, String> {
    parse_percent(text.strip_suffix('%').unwrap_or(text)).map(|percent| percent as f32 / 100.0)
}

fn parse_burst(text: &str) -> Result<f32, String> {
    let burst = text.parse().map_err(|_| "give a number of packets".to_owned())?;
    if (1.0..=MAX_BURST_PACKETS).contains(&burst) {
        Ok(burst)
    } else {
        Err(format!("give 1 to {MAX_BURST_PACKETS}"))
    }
}

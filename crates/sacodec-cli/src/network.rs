//! A network that loses packets, on the command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args as ClapArgs, ValueEnum};

use crate::comparison::parse_percent;
use crate::error::CliError;
use sacodec_engine::{Concealment, Loss, LossModel, LossTrace};
use sacodec_network::{MAX_BURST_PACKETS, MAX_PACKET_FRAMES};

/// The options that say what is lost: one of them can be given.
pub const LOST: &str = "lost";

/// What is lost.
#[derive(Debug, ClapArgs)]
pub struct LossArgs {
    /// Share of the packets that are lost: `10%`.
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent, group = LOST)]
    loss: Option<f64>,
    /// Lost packets in a row, on average; without it packets are lost one by one, at random.
    #[arg(long, value_name = "PACKETS", value_parser = parse_burst,
        requires = "loss", conflicts_with = "trace")]
    burst: Option<f32>,
    /// Lose what a file says: 0 for a packet that arrives and 1 for one that is lost, one after another or one on a
    /// line. Where it ends it begins again.
    #[arg(long, value_name = "FILE", group = LOST)]
    trace: Option<PathBuf>,
    /// Frames of a packet, of 13.3 ms each.
    #[arg(long, value_name = "FRAMES", default_value_t = Loss::default().packet_frames, requires = LOST,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PACKET_FRAMES)))]
    packet: u32,
    /// Another number, another pattern.
    #[arg(long, value_name = "NUMBER", default_value_t = Loss::default().seed,
        requires = "loss", conflicts_with = "trace")]
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
    /// Whether any loss is asked for.
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
            rate: self.loss.unwrap_or_default() as f32 / 100.0,
            mean_burst_packets: self.burst.unwrap_or(1.0),
            packet_frames: self.packet,
            seed: self.seed,
            ..Loss::default()
        };
        Ok((loss, trace))
    }

    /// The settings in words, with the seed that was used, for those who find later what was made by them.
    pub fn told(&self, seed: u64) -> String {
        let frames = if self.packet == 1 { "frame" } else { "frames" };
        let packets = format!("packets of {} {frames}", self.packet);
        if let Some(trace) = &self.trace {
            let name = trace.file_name().unwrap_or(trace.as_os_str());
            return format!("{packets} as the trace {} says", name.to_string_lossy());
        }
        let percent = self.loss.unwrap_or_default();
        let how = match self.burst {
            None => "each by itself".into(),
            // So long they are at least.
            Some(burst) => match f64::from(burst).max(1.0 / (1.0 - percent / 100.0)) {
                mean if mean.is_finite() => {
                    format!("in bursts of {} packets on average", (100.0 * mean).round() / 100.0)
                }
                _ => "in one burst".to_owned(),
            },
        };
        format!("{percent} % of the {packets}, {how}, seed {seed}")
    }
}

fn parse_burst(text: &str) -> Result<f32, String> {
    let burst = text.parse().map_err(|_| "give a number of packets".to_owned())?;
    if (1.0..=MAX_BURST_PACKETS).contains(&burst) {
        Ok(burst)
    } else {
        Err(format!("give 1 to {MAX_BURST_PACKETS}"))
    }
}

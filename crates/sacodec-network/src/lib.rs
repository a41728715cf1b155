//! What a network does to tokens between encoder and decoder: packets are lost, and what is lost is concealed.
//!
//! [`Loss::lost`] tells which token streams of a frame do not arrive. It is a function of the settings and of the
//! frame's number alone, so any place of a timeline loses the same frames each time, however it is reached.
//! A [`Concealer`] sees the tokens that arrive and says what the decoder gets where some do not.
//! Nothing here knows a codec, a plugin or a thread.
//!
//! ```
//! use sacodec_network::{Loss, LossModel};
//! let loss = Loss { model: LossModel::Bursty, rate: 0.1, mean_burst_packets: 3.0, seed: 7, ..Loss::default() };
//! let lost = (0..10_000).filter(|&frame| loss.lost(frame, None).any()).count();
//! assert!((800..1200).contains(&lost));
//! ```

mod concealer;
mod loss;
mod random;
mod trace;

pub use concealer::{Concealer, Concealment, Heard};
pub use loss::{Loss, LossModel, LossyStreams, LostStreams, MAX_BURST_PACKETS, MAX_PACKET_FRAMES};
pub use trace::{LossTrace, MAX_TRACE_PACKETS, TraceError, TraceFileError};

/// What is lost between encoder and decoder, and how that is concealed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Network {
    /// What is lost.
    pub loss: Loss,
    /// How that is concealed.
    pub concealment: Concealment,
}

//! The engine: a sample-exact stream through the frame codec at the host's rate.
//!
//! ```text
//! host samples ─ channel mix ─ resample to 24 kHz ─ hop ring ─┐
//!      │                                                 frame codec, in slices
//!      │                                                      │
//!  delay line        output ring ─ resample to host rate ─ decoded ring
//!      └──────── monitor: original / coded / difference ──────┘
//! ```
//!
//! In the order a caller meets it: [`Engine::new`] with an [`EngineConfig`],
//! [`Engine::latency_samples`], then [`Engine::process`] with [`Controls`] for every block, or
//! [`Engine::process_observed`] for whoever wants to see more than what comes out.
//! The same engine runs in the plugin and in the command line. It knows no plugin types.
//!
//! What comes out depends on what went in and on the controls, never on how the stream was cut
//! into blocks nor on how fast it is asked for: work is paid for by samples, not by time.

mod channel;
mod codec_set;
mod config;
mod decoder;
mod delay;
mod encoder;
mod engine;
mod error;
mod frame;
mod held_frames;
mod latency;
mod level_match;
mod lossy_codec;
mod mix;
mod monitor;
mod observer;
mod pass;
mod passes;
mod player;
mod relay;
mod resample;
mod schedule;
mod signal_path;
mod sinc;
mod timeline;
mod timeline_lock;

pub use codec_set::CodecSet;
pub use config::{EngineConfig, MAX_RATE_HZ, MIN_RATE_HZ, Scheduling};
pub use decoder::TokenDecoder;
pub use encoder::TokenEncoder;
pub use engine::{Engine, EngineStats};
pub use error::EngineError;
pub use frame::{CodedFrame, FramePlace, silence_before};
pub use latency::Timing;
pub use level_match::{LevelMatch, MatchGains};
pub use mix::ChannelMixer;
pub use monitor::{Audition, Channels, Controls, FADE_MS, Listen, PAUSE_MS};
pub use observer::Observer;
pub use player::{Playback, TokenSource};
pub use relay::EngineRelay;
pub use sacodec_network::{Concealment, Loss, LossModel, LossTrace, LossyStreams, LostStreams, Network};
pub use sacodec_token::{Stretch, TokenTrack, Transport};
pub use timeline::{Moment, Timeline};
pub use timeline_lock::{LockFollower, TimelineLock};

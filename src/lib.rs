//! SACodec: a causal 1.5 kbps neural speech codec, in real time, as a VST3/CLAP plugin, a
//! library and a command.
//!
//! Data flows one way: host → [`plugin`] → [`engine`] → [`codec`] → [`engine`] → host.
//!
//! | module | what it is |
//! |---|---|
//! | [`codec`] | model packs and the frame codec: a hop of samples → two tokens → a hop of samples |
//! | [`engine`] | the frame codec as a sample-exact stream at the host's rate, with constant latency |
//! | [`rt`] | what makes the audio thread safe: memory pool, denormals |
//! | [`scope`] | what an editor shows of a running engine: spectra, tokens, meters |
//! | [`take`] | token takes: recorder, file format, exports |
//! | [`plugin`] | parameters, state and editor, on nice-plug |
//! | [`cli`] | the `sacodec` command |
//!
//! The codec is SACodec (arXiv 2512.20944), made causal: 24 kHz mono, 75 frames a second, a
//! semantic token anchored to the mHuBERT codebook and an acoustic token by SimVQ.

pub mod cli;
pub mod codec;
pub mod engine;
pub mod plugin;
pub mod rt;
pub mod scope;
pub mod take;

/// Serves the audio thread from its pool and everybody else from the system, see [`rt`].
#[global_allocator]
static ALLOCATOR: rt::RtAllocator = rt::RtAllocator;

nice_plug::nice_export_clap!(plugin::SacodecPlugin);
nice_plug::nice_export_vst3!(plugin::SacodecPlugin);

//! The neural codec: a hop of samples becomes two tokens becomes a hop of samples.
//!
//! In the order a caller meets it:
//! 1. [`ModelPack`]: a model on disk or embedded in the library, read and validated.
//! 2. [`CodecModel`]: the pack's three graphs, optimised. Weights live here, once for a process.
//! 3. [`FrameCodec`]: the state of one channel; steps hop by hop, whole or in slices.
//!
//! The codec knows no threads, no plugin and no host rate: see `sacodec-engine` for those.
//!
//! With the feature `embedded`, which carries the pack `live`:
//! ```
//! use sacodec_codec::{CodecModel, FrameCodec, StreamGain};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = CodecModel::embedded()?;
//! let mut codec = FrameCodec::new(&model)?;
//! let hop = vec![0.0_f32; model.info().hop_samples];
//! let mut coded = hop.clone();
//! let tokens = codec.step(&hop, StreamGain::BOTH, &mut coded)?;
//! println!("semantic {} acoustic {}", tokens.semantic, tokens.acoustic);
//! # Ok(())
//! # }
//! ```

/// Version of the inference library: tokens may depend on it.
pub const INFERENCE_VERSION: &str = "0.23.9";

mod compile;
mod dense;
mod dft;
mod error;
mod frame;
mod frame_codec;
mod frame_cost;
mod graph;
mod graph_error;
mod inspect;
mod manifest;
mod memory;
mod model;
mod nodes;
mod pack;
mod speech;
mod trial_run;
mod wire;

pub use error::{CodecError, PackError};
pub use frame_codec::FrameCodec;
pub use graph_error::GraphError;
pub use manifest::{Codebook, Manifest, PackInfo, Weights};
pub use model::{CodecModel, LoadError};
pub use pack::{MAX_GRAPH_BYTES, MAX_MANIFEST_BYTES, ModelPack};
pub use sacodec_token::{StreamGain, TokenFrame, TokenStream};
pub use speech::{SpeechStats, TwoVoices};

#[cfg(test)]
mod tests {
    #[test]
    fn the_inference_version_is_the_one_that_is_built() {
        let wanted = format!("tract-onnx = \"={}\"", super::INFERENCE_VERSION);
        assert!(include_str!("../../../Cargo.toml").contains(&wanted), "INFERENCE_VERSION is not up to date");
    }
}

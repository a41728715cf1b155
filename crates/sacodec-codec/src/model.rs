//! A pack's three graphs, compiled, tried and timed. Shared by every channel of a process.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use sacodec_token::TokenStream;
use thiserror::Error;

use super::compile::compile;
use super::dft::BasisTolerance;
use super::error::{CodecError, PackError};
use super::frame::FrameGraphs;
use super::frame_cost::FrameCost;
use super::graph_error::GraphError;
use super::inspect::Element;
use super::manifest::PackInfo;
use super::pack::{ModelPack, hex};
use super::trial_run::{TRIAL_PATIENCE, trial_run};

/// Why a pack could not be made into a codec.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The pack could not be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A graph of the pack is not what format 1 asks for.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// The weights and plans of one pack.
#[derive(Debug)]
pub struct CodecModel {
    info: PackInfo,
    digest: [u8; 32],
    sha256: [u8; 32],
    pub(super) graphs: FrameGraphs,
}

/// A model in use, or the place of one that is being compiled. Its lock is held meanwhile, so that two instances that
/// ask for the same pack at once do not compile it twice; whoever asks for another pack does not wait.
type Slot = Arc<Mutex<Weak<CodecModel>>>;

/// Models in use, by digest of their pack.
static IN_USE: LazyLock<Mutex<HashMap<[u8; 32], Slot>>> = LazyLock::new(Mutex::default);
#[cfg(feature = "embedded")]
static EMBEDDED: Mutex<Weak<CodecModel>> = Mutex::new(Weak::new());

impl CodecModel {
    /// The model of `pack`: compiled now, or shared with whoever in this process uses it already.
    ///
    /// # Errors
    /// [`LoadError::Graph`] where a graph is not what format 1 asks for.
    pub fn load(pack: &ModelPack) -> Result<Arc<Self>, LoadError> {
        let digest = pack.digest();
        let slot = {
            let mut in_use = IN_USE.lock();
            // A slot that nobody else holds and whose model is gone.
            in_use.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.lock().strong_count() > 0);
            in_use.entry(digest).or_default().clone()
        };
        let mut model = slot.lock();
        if let Some(model) = model.upgrade() {
            return Ok(model);
        }
        let compiled = Arc::new(Self::compile(pack, digest)?);
        *model = Arc::downgrade(&compiled);
        Ok(compiled)
    }

    /// The model of the pack that the library carries with the feature `embedded`, shared like any other.
    ///
    /// # Errors
    /// As [`CodecModel::load`].
    #[cfg(feature = "embedded")]
    pub fn embedded() -> Result<Arc<Self>, LoadError> {
        let mut embedded = EMBEDDED.lock();
        if let Some(model) = embedded.upgrade() {
            return Ok(model);
        }
        let model = Self::load(&ModelPack::embedded()?)?;
        *embedded = Arc::downgrade(&model);
        Ok(model)
    }

    fn compile(pack: &ModelPack, digest: [u8; 32]) -> Result<Self, LoadError> {
        let info = pack.info().clone();
        let audio = ("audio", Element::F32, vec![1, info.hop_samples]);
        let latent = ("latent", Element::F32, vec![1, 1, info.latent_size]);
        let [semantic, acoustic] = TokenStream::ALL.map(|stream| (stream.name(), Element::I64, vec![1, 1]));
        let stream_gain = ("stream_gain", Element::F32, vec![2]);
        let tokens = [semantic.clone(), acoustic.clone()];
        let [encoder, quantizer, decoder] = pack.graphs();
        let graph = |(name, file, bytes): (&str, &str, &[u8]), inputs: &[_], outputs: &[_]| {
            let tolerance = if name == decoder.0 { BasisTolerance::Half } else { BasisTolerance::Single };
            compile(file, bytes, inputs, outputs, info.weights, tolerance).map(Arc::new)
        };
        let mut graphs = [
            graph(encoder, std::slice::from_ref(&audio), std::slice::from_ref(&latent))?,
            graph(quantizer, std::slice::from_ref(&latent), &tokens)?,
            graph(decoder, &[semantic, acoustic, stream_gain], std::slice::from_ref(&audio))?,
        ];
        let costs_s = trial_run(&graphs, &info, TRIAL_PATIENCE).map_err(|error| {
            let (name, reason) = match error {
                CodecError::Graph { graph, reason } => (graph, reason),
                other => ("decoder", other.to_string()),
            };
            let file = pack.graphs().iter().find(|g| g.0 == name).map_or(name, |g| g.1).to_owned();
            GraphError::Trial { file, reason }
        })?;
        for (graph, cost_s) in graphs.iter_mut().zip(costs_s) {
            if let Some(graph) = Arc::get_mut(graph) {
                graph.cost_s = cost_s;
            }
        }
        Ok(Self { info, digest, sha256: pack.sha256(), graphs })
    }

    /// What the pack is.
    pub fn info(&self) -> &PackInfo {
        &self.info
    }

    /// Names the weights for good, in 64 hexadecimal digits, see [`ModelPack::sha256`].
    pub fn sha256(&self) -> String {
        hex(&self.sha256)
    }

    /// The same as bytes.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn sha256_bytes(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Names the model in this process, see [`ModelPack::digest`].
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The beginning of [`CodecModel::digest`]: tells packs apart, and is small enough for an atomic.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn key(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.digest;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The share of a core that one channel takes in real time, as the trial run found it: 1 is all of it.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn core_share(&self) -> f64 {
        let frame_s: f32 = self.graphs.iter().flat_map(|graph| &graph.cost_s).sum();
        f64::from(frame_s) * self.info.frame_rate_hz()
    }

    /// Products and sums that one frame takes; an operation on an element counts as one.
    pub fn multiply_adds_per_frame(&self) -> usize {
        self.frame_cost().multiply_adds
    }

    /// The most bytes that one channel keeps at one time in states and intermediate results, weights left out.
    pub fn live_bytes(&self) -> usize {
        self.frame_cost().live_bytes
    }

    fn frame_cost(&self) -> FrameCost {
        self.graphs.iter().fold(FrameCost::default(), |sum, graph| sum.and(graph.cost))
    }

    /// Hops that the graphs remember, by the sizes of their states: after so many, a codec with zero
    /// states has heard what one that ran before remembers. A state without frames counts as one hop: what an
    /// accumulator keeps for ever is not in it, nor what a recurrent memory keeps for seconds, nor what a quantizer
    /// feeds back of its errors, which the pack `live` forgets where a new sound begins.
    ///
    /// # Real-time
    /// Arithmetic only.
    pub fn memory_hops(&self) -> usize {
        let hop_samples = self.info.hop_samples;
        self.graphs.iter().map(|graph| graph.memory_hops(hop_samples)).sum()
    }

    /// Number of graph nodes that one frame computes.
    pub fn nodes_per_frame(&self) -> usize {
        self.graphs.iter().map(|graph| graph.steps()).sum()
    }
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_another_pack_does_not_wait_for_the_one_that_is_compiled() {
        let slot = IN_USE.lock().entry([7; 32]).or_default().clone();
        let _compiling = slot.lock();
        assert!(CodecModel::embedded().is_ok());
        assert!(IN_USE.lock().contains_key(&[7; 32]), "what is compiled keeps its place");
    }

    #[test]
    fn a_frame_of_the_pack_that_the_library_carries_takes_time_and_reaches_back() {
        let model = CodecModel::embedded().unwrap();
        assert!(model.core_share() > 0.0 && model.core_share().is_finite());
        assert!((10..500).contains(&model.memory_hops()), "{}", model.memory_hops());
        // Each weight of the products is multiplied once, and the states of the graphs are kept.
        assert!((5_000_000..20_000_000).contains(&model.multiply_adds_per_frame()));
        assert!((4 * (9088 + 12_295)..500_000).contains(&model.live_bytes()), "{}", model.live_bytes());
    }
}

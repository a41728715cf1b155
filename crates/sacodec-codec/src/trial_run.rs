//! A new model's trial run, before a channel uses it: it gives tokens and samples, and its nodes are timed.

use std::time::{Duration, Instant};

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::format_err;

use super::error::CodecError;
use super::frame::{FrameGraphs, graph_error, guarded, runs, tokens_of};
use super::graph::GraphRun;
use super::manifest::PackInfo;

/// A trial run that takes longer is given up: some 40 ms are what the pack takes that the plugin carries.
pub const TRIAL_PATIENCE: Duration = Duration::from_secs(20);

/// The times that each node of each graph took.
type Costs = [Vec<Vec<f32>>; 3];

/// A deadline, and what has been done until then.
struct Watch {
    begun: Instant,
    patience: Duration,
    frames: usize,
}

impl Watch {
    /// After each node: refuses a model that takes too long, and says how heavy it is.
    fn look(&self, info: &PackInfo) -> TractResult<()> {
        let elapsed_s = self.begun.elapsed().as_secs_f64();
        if self.begun.elapsed() <= self.patience {
            return Ok(());
        }
        let limit_s = self.patience.as_secs();
        // The frame under way counts as done: it needs this much at least.
        let percent = 100.0 * elapsed_s / (self.frames + 1) as f64 * info.frame_rate_hz();
        Err(format_err!(
            "it was not over in {limit_s} s: the pack needs {percent:.0} % of a core here or more, choose a smaller pack"
        ))
    }
}

/// Runs a new model on noise, silence and a loud step: refuses what gives anything but tokens and
/// finite samples, or takes longer than `patience`, and tells the cost of every node of the three graphs in seconds.
pub fn trial_run(
    graphs: &FrameGraphs,
    info: &PackInfo,
    patience: Duration,
) -> Result<[Vec<f32>; 3], CodecError> {
    const FRAMES: usize = 24;
    let mut runs = runs(graphs)?;
    let mut costs: Costs = graphs.each_ref().map(|g| vec![Vec::with_capacity(FRAMES); g.steps()]);
    let mut random = fastrand::Rng::with_seed(1);
    let mut watch = Watch { begun: Instant::now(), patience, frames: 0 };
    for frame in 0..FRAMES {
        let level = [0.1, 0.0, 4.0][frame * 3 / FRAMES];
        let hop: Vec<f32> = (0..info.hop_samples).map(|_| level * (2.0 * random.f32() - 1.0)).collect();
        trial_frame(info, &mut runs, &mut costs, &hop, &watch)?;
        watch.frames += 1;
    }
    let median = |mut times: Vec<f32>| {
        times.sort_by(f32::total_cmp);
        times[times.len() / 2]
    };
    Ok(costs.map(|graph| graph.into_iter().map(median).collect()))
}

fn trial_frame(
    info: &PackInfo,
    runs: &mut [GraphRun; 3],
    costs: &mut Costs,
    hop: &[f32],
    watch: &Watch,
) -> Result<(), CodecError> {
    let mut at = 0;
    let mut whole = || -> TractResult<()> {
        let timed = |run: &mut GraphRun, costs: &mut Vec<Vec<f32>>| -> TractResult<()> {
            for node in costs {
                let start = Instant::now();
                run.step()?;
                node.push(start.elapsed().as_secs_f32());
                watch.look(info)?;
            }
            Ok(())
        };
        runs[0].begin([Tensor::from_shape(&[1, hop.len()], hop)?.into_tvalue()])?;
        timed(&mut runs[0], &mut costs[0])?;
        let latent = runs[0].finish::<1>()?;
        at = 1;
        runs[1].begin(latent)?;
        timed(&mut runs[1], &mut costs[1])?;
        let [semantic, acoustic] = runs[1].finish::<2>()?;
        tokens_of(info, &[semantic.clone(), acoustic.clone()])?;
        at = 2;
        let gain = Tensor::from_shape(&[2], &[1.0_f32, 1.0])?.into_tvalue();
        runs[2].begin([semantic, acoustic, gain])?;
        timed(&mut runs[2], &mut costs[2])?;
        let [audio] = runs[2].finish::<1>()?;
        let view = audio.to_plain_array_view::<f32>()?;
        if view.len() != hop.len() || !view.iter().all(|s| s.is_finite()) {
            return Err(format_err!("it gave {} samples, or some that are not finite", view.len()));
        }
        Ok(())
    };
    guarded(&mut whole).map_err(|error| graph_error(at, &error))
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;
    use crate::CodecModel;

    #[test]
    fn a_trial_that_is_not_over_in_time_ends_and_says_what_the_pack_needs() {
        let model = CodecModel::embedded().unwrap();
        let error = trial_run(&model.graphs, model.info(), Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("% of a core here or more"), "{error}");
    }
}

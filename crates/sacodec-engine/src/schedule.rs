//! Frame jobs: what is coded when a hop is complete, and how the work is spread over callbacks.

use std::sync::Arc;

use super::channel::CodedChannel;
use super::codec_set::CodecSet;
use super::frame::{CodedFrame, FramePlace};
use super::latency::Timing;
use super::lossy_codec::LossyCodec;
use super::pass::Coding;
use super::player::Player;
use super::sinc::CHUNK_SAMPLES;
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_network::LossTrace;

/// How much was done and what went wrong, since the engine was made. A reset keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobStats {
    /// Frames coded, of all channels as one.
    pub frames: u64,
    /// Frames that a codec failed on or that were not finite, in one channel at least: they are silent.
    pub failed_frames: u64,
    /// Frames of which tokens did not arrive at the decoder.
    pub lost_frames: u64,
}

/// Codecs that are about to take over.
struct Incoming {
    codecs: Box<CodecSet>,
    /// Hops that they still run unheard, until they know as much of the past as the current ones.
    unheard_hops: usize,
}

/// Where a pass begins.
#[derive(Debug, Clone, Copy, Default)]
pub struct PassStart {
    /// Where frame 0 begins, in samples of the stream.
    pub origin_samples: f64,
    /// First sample that was heard.
    pub pass_samples: f64,
    /// Number of frame 0 on the timeline: what is lost of it depends on that.
    pub first_frame: i64,
    /// Where frame 0 begins on the timeline, in frames; `None` where it has no place there.
    pub place_frames: Option<f64>,
}

/// The job under way of a pass, and what it has to go on from.
#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    /// The job under way: which channels are coded.
    coding: Option<[bool; 2]>,
    /// The job under way also runs the incoming codecs.
    is_swapping: bool,
    was_coding: [bool; 2],
    /// Number of the frame under way, or of the next one.
    index: u64,
    start: PassStart,
}

/// Runs the frame jobs of all channels: the current codecs and, during a swap, the incoming ones; of the pass that
/// leads and of the one before it, until that has played to its end.
pub struct Jobs {
    current: Box<CodecSet>,
    incoming: Option<Incoming>,
    retired: Option<Box<CodecSet>>,
    lanes: [Lane; 2],
    timing: Timing,
    decoded: Vec<f32>,
    faded: Vec<f32>,
    /// What a recorded network loses.
    pub trace: Option<Arc<LossTrace>>,
    /// What is sent in place of what is coded.
    pub player: Player,
    pub stats: JobStats,
}

impl Jobs {
    pub fn new(codecs: Box<CodecSet>, timing: &Timing) -> Self {
        Self {
            current: codecs,
            incoming: None,
            retired: None,
            lanes: [Lane::default(); 2],
            timing: *timing,
            decoded: vec![0.0; timing.hop_samples],
            faded: vec![0.0; timing.hop_samples],
            trace: None,
            player: Player::default(),
            stats: JobStats::default(),
        }
    }

    pub fn model(&self) -> &Arc<CodecModel> {
        self.current.model()
    }

    /// Whether a swap is waiting, under way, or not yet collected.
    pub fn is_swapping(&self) -> bool {
        self.incoming.is_some() || self.retired.is_some()
    }

    /// Lets `codecs` take over as soon as they have heard enough.
    pub fn swap(&mut self, codecs: Box<CodecSet>) {
        let unheard_hops = codecs.warm_up_hops();
        self.incoming = Some(Incoming { codecs, unheard_hops });
    }

    /// The codecs that were replaced, to be dropped elsewhere.
    pub fn take_retired(&mut self) -> Option<Box<CodecSet>> {
        self.retired.take()
    }

    /// A pass begins: `lane` has zero states. Codecs on their way in begin anew: with it, or when they need not `wait`
    /// any more for the pass before.
    ///
    /// # Real-time
    /// Frees states to the pool.
    pub fn begin_pass(&mut self, lane: usize, start: PassStart, wait: bool) {
        self.current.passes[lane].iter_mut().for_each(LossyCodec::reset);
        if let Some(incoming) = &mut self.incoming {
            incoming.codecs.passes[lane].iter_mut().for_each(LossyCodec::reset);
            // Codecs that begin with the pass have the same past.
            incoming.unheard_hops = if wait { incoming.codecs.warm_up_hops() } else { 0 };
        }
        self.lanes[lane] = Lane { start, ..Lane::default() };
        // Another pass finishes what it has begun with the codecs that play.
        self.lanes[1 - lane].is_swapping = false;
    }

    /// Hops until codecs of this model sound nearly as if they had been there from the beginning.
    pub fn warm_up_hops(&self) -> usize {
        self.current.warm_up_hops()
    }

    /// Moves all places by so many samples.
    pub fn shift_places(&mut self, samples: f64) {
        for lane in &mut self.lanes {
            lane.start.origin_samples += samples;
            lane.start.pass_samples += samples;
        }
    }

    /// Where the frame under way of a pass stands, or its next one.
    pub fn next_place(&self, lane: usize) -> FramePlace {
        let Lane { index, start, .. } = self.lanes[lane];
        let start_samples = start.origin_samples + self.timing.frame_start_samples(index);
        FramePlace { start_samples, pass_samples: start.pass_samples }
    }

    /// Starts the job of the hop that every channel has complete. Codecs on their way in are run with a pass that
    /// swaps alone.
    pub fn begin(&mut self, lane: usize, coding: Coding, channels: &mut [CodedChannel]) {
        let Coding { swaps, controls, .. } = coding;
        let coding = std::array::from_fn(|i| channels.get(i).is_some_and(|s| s.wanted));
        let state = &mut self.lanes[lane];
        state.is_swapping = swaps && self.incoming.is_some();
        let frame = state.start.first_frame.saturating_add_unsigned(state.index);
        let lost = controls.network.loss.lost(frame, self.trace.as_deref());
        let place = state.start.place_frames.map(|first| first + state.index as f64);
        for (i, channel) in channels.iter_mut().enumerate() {
            let hop = channel.take_hop();
            if !coding[i] {
                continue;
            }
            let incoming = self.incoming.as_mut().filter(|_| swaps).map(|incoming| &mut incoming.codecs);
            for set in [Some(&mut self.current), incoming].into_iter().flatten() {
                let codec = &mut set.passes[lane][i];
                if !state.was_coding[i] {
                    codec.reset();
                }
                let sent = self.player.frame(codec.model(), place, i);
                codec.begin(hop, controls, sent, lost, self.player.playback.freeze);
            }
        }
        state.was_coding = coding;
        state.coding = Some(coding);
    }

    /// Works on the job until `share` of it is done.
    pub fn advance(&mut self, lane: usize, share: f32) {
        let Lane { coding: Some(coding), is_swapping, .. } = self.lanes[lane] else { return };
        let sets = 1 + usize::from(is_swapping);
        let active = coding.iter().filter(|&&c| c).count() * sets;
        let mut due = share * active as f32;
        let incoming = self.incoming.as_mut().filter(|_| is_swapping).map(|incoming| &mut incoming.codecs);
        let codecs = [Some(&mut self.current), incoming];
        for set in codecs.into_iter().flatten() {
            for (codec, _) in set.passes[lane].iter_mut().zip(coding).filter(|(_, coded)| *coded) {
                if due > 0.0 {
                    codec.advance(due);
                }
                due -= 1.0;
            }
        }
    }

    /// Completes the job: decoded hops to the channels, tokens to `sink`. `true` where other codecs have
    /// taken over with it.
    pub fn finish(
        &mut self,
        lane: usize,
        channels: &mut [CodedChannel],
        sink: &mut dyn FnMut(CodedFrame),
    ) -> bool {
        let Some(coding) = self.lanes[lane].coding.take() else { return false };
        let mut tokens = [TokenFrame::default(); 2];
        let mut failed = false;
        for (i, channel) in channels.iter_mut().enumerate() {
            if !coding[i] {
                self.decoded.fill(0.0);
            } else {
                let coded = self.finish_channel(lane, i);
                failed |= coded.is_none();
                tokens[i] = coded.unwrap_or_default();
            }
            for chunk in self.decoded.as_chunks::<CHUNK_SAMPLES>().0 {
                channel.push_decoded(chunk);
            }
        }
        let place = self.next_place(lane);
        let index = self.lanes[lane].index;
        self.lanes[lane].index += 1;
        let mut has_swapped = false;
        if std::mem::take(&mut self.lanes[lane].is_swapping) {
            has_swapped = self.end_of_swapping_hop();
        }
        // During a fade the tokens are the incoming codecs', which are the current ones by now.
        let [codec, _] = &self.current.passes[lane];
        let (lost, played) = (codec.lost(), codec.played());
        self.stats.frames += 1;
        self.stats.failed_frames += u64::from(failed);
        self.stats.lost_frames += u64::from(lost.any());
        let channels = 1 + usize::from(coding[1]);
        sink(CodedFrame { index, place, model: codec.model(), failed, lost, played, tokens, channels });
        has_swapped
    }

    /// Completes one channel's frame into `decoded`; silence where it fails.
    fn finish_channel(&mut self, lane: usize, i: usize) -> Option<TokenFrame> {
        let is_swapping = self.lanes[lane].is_swapping;
        let tokens = self.current.passes[lane][i].finish(&mut self.decoded);
        let Some(incoming) = self.incoming.as_mut().filter(|_| is_swapping) else { return tokens };
        let incoming_tokens = incoming.codecs.passes[lane][i].finish(&mut self.faded);
        if incoming.unheard_hops > 0 {
            return tokens;
        }
        cross_fade(&mut self.decoded, &self.faded);
        incoming_tokens
    }

    /// Ends a hop that both sets of codecs have coded. `true` where the incoming ones were faded in.
    fn end_of_swapping_hop(&mut self) -> bool {
        match &mut self.incoming {
            Some(incoming) if incoming.unheard_hops > 0 => {
                incoming.unheard_hops -= 1;
                false
            }
            incoming => {
                let Some(incoming) = incoming.take() else { return false };
                self.retired = Some(std::mem::replace(&mut self.current, incoming.codecs));
                true
            }
        }
    }
}

/// Fades from `old`, in place, to `new` over their length. Two codecs make the same voice with phases of their own:
/// plain weights would dip where these disagree, so that the power is kept to go evenly from one to the other.
fn cross_fade(old: &mut [f32], new: &[f32]) {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let (old_power, new_power, shared) = (dot(old, old), dot(new, new), dot(old, new));
    let step = 1.0 / old.len() as f32;
    for (n, (old, new)) in old.iter_mut().zip(new).enumerate() {
        let (b, a) = ((n + 1) as f32 * step, 1.0 - (n + 1) as f32 * step);
        let wanted = a * old_power + b * new_power;
        let found = a * a * old_power + b * b * new_power + 2.0 * a * b * shared;
        // Opposite phases have no power to keep.
        let gain = if found > 0.25 * wanted { (wanted / found).sqrt() } else { 2.0 };
        *old = (gain * (a * *old + b * new)).clamp(-DECODED_LIMIT, DECODED_LIMIT);
    }
}

/// Nothing decoded is louder than full scale. A decoder that hears one token stream alone may give 30 dB
/// more than it was trained to, and somebody is wearing headphones.
const DECODED_LIMIT: f32 = 1.0;

/// Keeps a decoded hop to full scale; `false` where it is not finite.
pub fn limit_decoded(out: &mut [f32]) -> bool {
    let finite = out.iter().all(|s| s.is_finite());
    out.iter_mut().for_each(|s| *s = s.clamp(-DECODED_LIMIT, DECODED_LIMIT));
    finite
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cross_fade_begins_and_ends_at_its_signals_and_never_exceeds_full_scale() {
        let sine = |phase: f32| (0..320).map(move |n| (n as f32 * 0.07 + phase).sin()).collect::<Vec<f32>>();
        for phase in [0.0, 0.5, 1.6, 2.8, 3.1, std::f32::consts::PI] {
            let (old, new) = (sine(0.0), sine(phase));
            let mut faded = old.clone();
            cross_fade(&mut faded, &new);
            assert!((faded[0] - old[0]).abs() < 0.02 && (faded[319] - new[319]).abs() < 1e-6, "{phase}");
            assert!(faded.iter().all(|sample| sample.abs() <= DECODED_LIMIT), "{phase}");
        }
    }
}

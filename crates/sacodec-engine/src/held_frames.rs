//! Frames that were coded before their turn.

use std::sync::Arc;

use super::frame::{CodedFrame, FramePlace};
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_network::LostStreams;

/// The last frame of a pass is coded two hops after the next pass began, and that has coded one frame fewer.
const FRAMES: usize = 4;

/// A coded frame without its model.
#[derive(Debug, Clone, Copy, Default)]
struct HeldFrame {
    index: u64,
    place: FramePlace,
    failed: bool,
    lost: LostStreams,
    played: [bool; 2],
    tokens: [TokenFrame; 2],
    channels: usize,
}

/// A queue of a few frames.
#[derive(Debug, Default)]
pub struct HeldFrames {
    frames: [HeldFrame; FRAMES],
    count: usize,
}

impl HeldFrames {
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Where the first of them stands.
    pub fn first_place(&self) -> Option<FramePlace> {
        self.frames[..self.count].first().map(|frame| frame.place)
    }

    /// Moves all places by so many samples.
    pub fn shift_places(&mut self, samples: f64) {
        for frame in &mut self.frames[..self.count] {
            frame.place.start_samples += samples;
            frame.place.pass_samples += samples;
        }
    }

    /// Keeps a frame; gives it back where there is no room.
    pub fn hold<'a>(&mut self, frame: CodedFrame<'a>) -> Option<CodedFrame<'a>> {
        let CodedFrame { index, place, failed, lost, played, tokens, channels, .. } = frame;
        let Some(slot) = self.frames.get_mut(self.count) else { return Some(frame) };
        *slot = HeldFrame { index, place, failed, lost, played, tokens, channels };
        self.count += 1;
        None
    }

    /// Gives all of them to `sink`, in order. They are of `model`.
    pub fn release(&mut self, model: &Arc<CodecModel>, sink: &mut dyn FnMut(CodedFrame)) {
        for &HeldFrame { index, place, failed, lost, played, tokens, channels } in &self.frames[..self.count]
        {
            sink(CodedFrame { index, place, model, failed, lost, played, tokens, channels });
        }
        self.count = 0;
    }
}

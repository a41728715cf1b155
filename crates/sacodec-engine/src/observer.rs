//! What may be watched inside an engine, besides what comes out of it.

use super::frame::CodedFrame;

/// Watches an engine from inside [`Engine::process_observed`](super::Engine::process_observed), on the
/// thread that calls it.
///
/// # Real-time
/// Whatever implements it runs inside the audio callback: it must neither lock, wait nor allocate.
pub trait Observer {
    /// A frame was coded. Its samples are heard [`Timing::latency_samples`](super::Timing) after they
    /// went in.
    fn frame(&mut self, frame: CodedFrame);

    /// Samples that are about to be mixed: of every host channel the delayed original and the coded
    /// stream at the same moment, before level match, gain and bypass. All slices are of one length;
    /// all samples of the stream come by, in order.
    fn heard(&mut self, original: &[&[f32]], coded: &[&[f32]]) {
        let _ = (original, coded);
    }
}

/// Takes frames alone.
pub(super) struct Sink<F>(pub F);

impl<F: FnMut(CodedFrame)> Observer for Sink<F> {
    fn frame(&mut self, frame: CodedFrame) {
        (self.0)(frame);
    }
}

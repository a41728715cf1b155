//! The two tokens of a frame: what the codec sends.

/// The tokens of one frame (one hop of audio, 13.3 ms): 10 + 10 bits in SACodec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TokenFrame {
    /// Index of the nearest entry of the projected mHuBERT codebook, `0..1000`.
    pub semantic: u16,
    /// Index of the nearest SimVQ entry to the activated residual, `0..1024`.
    pub acoustic: u16,
}

/// How strongly each token stream enters the decoder: `1.0` as coded, `0.0` left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamGain {
    /// Gain of the semantic embedding.
    pub semantic: f32,
    /// Gain of the acoustic embedding.
    pub acoustic: f32,
}

impl StreamGain {
    /// Both streams, as the codec was trained.
    pub const BOTH: Self = Self { semantic: 1.0, acoustic: 1.0 };
    /// The linguistic stream alone.
    pub const SEMANTIC_ONLY: Self = Self { semantic: 1.0, acoustic: 0.0 };
    /// The residual stream alone.
    pub const ACOUSTIC_ONLY: Self = Self { semantic: 0.0, acoustic: 1.0 };
}

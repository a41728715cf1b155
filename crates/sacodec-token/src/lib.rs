//! What SACodec sends: two token streams, one token of each a frame; and where on the host's timeline.
//!
//! The codec, takes and everything that shows tokens share these types; they depend on nothing.

mod hex;
mod track;
mod transport;

pub use hex::sha256_from_hex;
pub use track::{Stretch, TokenTrack, heard_frames};
pub use transport::{POSITION_TOLERANCE_SAMPLES, QUARTERS_TOLERANCE, Transport};

/// Frames in a second, in every SACodec: hops of 320 samples at 24 kHz.
pub const FRAME_RATE_HZ: f64 = 75.0;

/// One of the two streams of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenStream {
    /// The nearest entry of the projected mHuBERT codebook: mostly what is said.
    Semantic,
    /// The nearest SimVQ entry to the activated residual: mostly how it sounds.
    Acoustic,
}

impl TokenStream {
    /// Both, in the order in which they are coded, stored and decoded.
    pub const ALL: [Self; 2] = [Self::Semantic, Self::Acoustic];

    /// The name in graphs, manifests and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Semantic => "semantic",
            Self::Acoustic => "acoustic",
        }
    }

    /// The place in [`TokenStream::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// The tokens of one frame (one hop of audio, 13.3 ms): 10 + 10 bits in SACodec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TokenFrame {
    /// Index of the nearest entry of the projected mHuBERT codebook, `0..1000`.
    pub semantic: u16,
    /// Index of the nearest SimVQ entry to the activated residual, `0..1024`.
    pub acoustic: u16,
}

impl TokenFrame {
    /// The token of one stream.
    pub fn get(self, stream: TokenStream) -> u16 {
        match stream {
            TokenStream::Semantic => self.semantic,
            TokenStream::Acoustic => self.acoustic,
        }
    }
}

impl From<[u16; 2]> for TokenFrame {
    /// Tokens in the order of [`TokenStream::ALL`].
    fn from([semantic, acoustic]: [u16; 2]) -> Self {
        Self { semantic, acoustic }
    }
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

/// Bits of a token of a codebook of `entries`: as many as its last index needs, 1 at least.
pub fn token_bits(entries: usize) -> u32 {
    usize::BITS - (entries.max(2) - 1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_bits_that_its_last_index_needs() {
        let cases = [(1, 1), (2, 1), (3, 2), (1000, 10), (1024, 10), (1025, 11)];
        for (entries, bits) in cases {
            assert_eq!(token_bits(entries), bits, "{entries} entries");
        }
    }

    #[test]
    fn streams_are_stored_in_the_order_of_the_graphs() {
        let frame = TokenFrame::from([7, 9]);
        assert_eq!(TokenStream::ALL.map(|stream| frame.get(stream)), [7, 9]);
        assert_eq!(TokenStream::ALL.map(TokenStream::index), [0, 1]);
        assert_eq!(TokenStream::ALL.map(TokenStream::name), ["semantic", "acoustic"]);
    }
}

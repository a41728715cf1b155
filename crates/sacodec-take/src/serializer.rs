//! Makes the blocks of a take, frame by frame: bytes to be appended to a file.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::anchor::Anchor;
use super::error::TakeError;
use super::format::{
    self, BLOCK_FRAMES, Gap, GapReason, MAX_BODY_BYTES, MAX_FRAMES, write_anchor, write_frames, write_gap,
};
use super::header::Header;
use sacodec_token::TokenFrame;

/// After so many blocks the anchor is repeated, so that damage to one costs no position.
const ANCHOR_EVERY_BLOCKS: u32 = 75;

/// The last record of a finished take.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Footer {
    /// Frames of the take, missing ones included.
    pub frames: u64,
    /// Frames that were coded and did not reach the file.
    #[serde(default)]
    pub lost_frames: u64,
    /// Frames that the codec failed on.
    #[serde(default)]
    pub failed_frames: u64,
    /// Length of the coded audio in host samples, from the first frame's first sample on.
    #[serde(default)]
    pub length_samples: Option<u64>,
    /// Segments of the timeline.
    #[serde(default)]
    pub segments: u64,
    /// Why the take ended, in words.
    #[serde(default)]
    pub closed: String,
    /// What else is to be known, in words.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub further: Map<String, Value>,
}

/// Makes the bytes of one take.
///
/// Feed it in order: an [`anchor`](Self::anchor) before the first frame, then frames, gaps and
/// anchors; collect what is complete with [`take_bytes`](Self::take_bytes).
#[derive(Debug)]
pub struct TakeSerializer {
    header: Header,
    bytes: Vec<u8>,
    /// Tokens of the block in hand, frame by frame.
    block: Vec<TokenFrame>,
    block_index: u32,
    next_index: u32,
    anchor: Option<Anchor>,
    blocks_since_anchor: u32,
    /// The next frame needs an anchor: the index of its block cannot tell how long a gap before it was.
    needs_anchor: bool,
    counts: Footer,
}

impl TakeSerializer {
    /// Begins a take: its header is ready at once.
    ///
    /// # Errors
    /// [`TakeError::Field`] where the header is out of bounds.
    pub fn new(header: Header) -> Result<Self, TakeError> {
        let mut bytes = Vec::new();
        format::write_header(&header, &mut bytes)?;
        Ok(Self {
            block: Vec::with_capacity(BLOCK_FRAMES * header.channels),
            header,
            bytes,
            block_index: 0,
            next_index: 0,
            anchor: None,
            blocks_since_anchor: 0,
            needs_anchor: false,
            counts: Footer::default(),
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Index of the next frame: how many there are so far.
    pub fn next_index(&self) -> u32 {
        self.next_index
    }

    /// What has been counted so far.
    pub fn counts(&self) -> &Footer {
        &self.counts
    }

    /// Sets the place of the frames from the next one on; `anchor.index` is set to it.
    pub fn anchor(&mut self, anchor: Anchor) {
        self.end_block();
        let anchor = Anchor { index: self.next_index, ..anchor };
        self.counts.segments += u64::from(anchor.new_segment || self.anchor.is_none());
        self.anchor = Some(anchor);
        self.write_anchor(&anchor);
    }

    /// Adds a frame: the tokens of each channel.
    ///
    /// # Errors
    /// [`TakeError::TooLong`] at [`MAX_FRAMES`]; [`TakeError::Field`] for another number of channels
    /// or a token that its codebook has not.
    pub fn frame(&mut self, tokens: &[TokenFrame]) -> Result<(), TakeError> {
        let sizes = self.header.codebooks;
        if tokens.len() != self.header.channels {
            return Err(TakeError::Field { field: "channels", expected: "as many as the frame has" });
        }
        if tokens
            .iter()
            .any(|t| usize::from(t.semantic) >= sizes.semantic || usize::from(t.acoustic) >= sizes.acoustic)
        {
            return Err(TakeError::Field { field: "codebooks", expected: "sizes above every token" });
        }
        if self.needs_anchor {
            self.repeat_anchor();
        }
        self.advance(1)?;
        if self.block.is_empty() {
            self.block_index = self.next_index - 1;
        }
        self.block.extend_from_slice(tokens);
        if self.block.len() == BLOCK_FRAMES * self.header.channels {
            self.end_block();
            self.needs_anchor = self.blocks_since_anchor >= ANCHOR_EVERY_BLOCKS;
        }
        Ok(())
    }

    /// Leaves `count` frames out.
    ///
    /// # Errors
    /// [`TakeError::TooLong`] at [`MAX_FRAMES`].
    pub fn gap(&mut self, count: u32, reason: GapReason) -> Result<(), TakeError> {
        self.end_block();
        let index = self.next_index;
        self.advance(count)?;
        match reason {
            GapReason::CodecFailed => self.counts.failed_frames += u64::from(count),
            _ => self.counts.lost_frames += u64::from(count),
        }
        write_gap(&Gap { index, count, reason }, &mut self.bytes);
        self.needs_anchor = true;
        Ok(())
    }

    /// A record of a later version, as it was found.
    pub(super) fn unknown(&mut self, tag: u8, body: &[u8]) {
        self.end_block();
        format::write_extended(tag, body, &mut self.bytes);
    }

    /// Ends the take. `closed` says why, `length_samples` how much audio was coded.
    pub fn finish(&mut self, closed: &str, length_samples: Option<u64>, notes: Vec<String>) {
        let footer = Footer { closed: closed.into(), length_samples, notes, ..Footer::default() };
        self.finish_as(footer);
    }

    /// Ends the take with a footer whose counts are replaced by what was counted.
    pub(super) fn finish_as(&mut self, footer: Footer) {
        self.end_block();
        let mut footer = Footer {
            frames: self.next_index.into(),
            lost_frames: self.counts.lost_frames,
            failed_frames: self.counts.failed_frames,
            segments: self.counts.segments,
            ..footer
        };
        // Whatever else does not fit, the counts do.
        let mut json = serde_json::to_vec(&footer).unwrap_or_default();
        if json.len() > MAX_BODY_BYTES {
            footer.notes = vec!["there were more notes than fit".into()];
            footer.closed = footer.closed.chars().take(200).collect();
            footer.further = Map::new();
            json = serde_json::to_vec(&footer).unwrap_or_default();
        }
        format::write_footer(&json, &mut self.bytes);
    }

    /// The bytes that are complete, to be appended to the file.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// How many bytes are complete.
    pub fn bytes_ready(&self) -> usize {
        self.bytes.len()
    }

    fn advance(&mut self, count: u32) -> Result<(), TakeError> {
        let next = self.next_index.checked_add(count).filter(|&next| next <= MAX_FRAMES);
        self.next_index = next.ok_or(TakeError::TooLong)?;
        Ok(())
    }

    fn end_block(&mut self) {
        if self.block.is_empty() {
            return;
        }
        write_frames(&self.header, self.block_index, &self.block, &mut self.bytes);
        self.block.clear();
        self.blocks_since_anchor += 1;
    }

    fn repeat_anchor(&mut self) {
        let anchor = self.anchor.unwrap_or_default();
        let (samples, rate_hz) = (self.header.frame_samples(), self.header.host_rate_hz);
        self.write_anchor(&anchor.at(self.next_index, samples, rate_hz));
    }

    fn write_anchor(&mut self, anchor: &Anchor) {
        self.blocks_since_anchor = 0;
        self.needs_anchor = false;
        write_anchor(anchor, &mut self.bytes);
    }
}

//! Bytes of the `.sac` format, version 1: records and bits. `docs/sac-format.md` is the
//! specification.

use super::anchor::Anchor;
use super::error::TakeError;
use super::header::Header;
use sacodec_token::TokenFrame;

/// First bytes of every take.
pub const MAGIC: [u8; 8] = *b"\x89SAC\r\n\x1a\n";
/// Version that is written.
pub const VERSION: (u16, u16) = (1, 0);
/// Bytes before the JSON header.
pub const PREAMBLE_BYTES: usize = 20;
/// Longest JSON header.
pub const MAX_HEADER_BYTES: usize = 1 << 16;
/// Frames of a full block: one second.
pub const BLOCK_FRAMES: usize = 75;
/// The tag of a block of frames is their number.
const MAX_FRAMES_TAG: u8 = BLOCK_FRAMES as u8;
/// No frame of a take has this index: 124 hours.
pub const MAX_FRAMES: u32 = 1 << 25;
/// Longest body of a record other than a block of frames.
pub const MAX_BODY_BYTES: usize = 4096;

/// First tag of the records with a length.
const FIRST_EXTENDED_TAG: u8 = 0x80;
const ANCHOR_TAG: u8 = 0xA0;
const GAP_TAG: u8 = 0xA1;
const FOOTER_TAG: u8 = 0xAF;
const ANCHOR_BYTES: usize = 37;
/// What an anchor has more where the codec began inside its frame.
const PASS_BYTES: usize = 8;
const GAP_BYTES: usize = 9;
const CRC_BYTES: usize = 4;

/// Why frames are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The ring to the writer was full: the disk had been slow for longer than it lasts.
    RingFull,
    /// The codec failed on them.
    CodecFailed,
    /// The disk refused them.
    DiskRefused,
    /// Damage, noted by a repair or found by the reader.
    Damage,
    /// They were taken out to rehearse a network that loses them.
    Rehearsed,
    /// A reason of a later version.
    Other(u8),
}

impl GapReason {
    fn code(self) -> u8 {
        match self {
            Self::RingFull => 1,
            Self::CodecFailed => 2,
            Self::DiskRefused => 3,
            Self::Damage => 4,
            Self::Rehearsed => 5,
            Self::Other(code) => code,
        }
    }

    fn of(code: u8) -> Self {
        match code {
            1 => Self::RingFull,
            2 => Self::CodecFailed,
            3 => Self::DiskRefused,
            4 => Self::Damage,
            5 => Self::Rehearsed,
            _ => Self::Other(code),
        }
    }
}

impl std::fmt::Display for GapReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RingFull => "the writer was too slow",
            Self::CodecFailed => "the codec failed",
            Self::DiskRefused => "the disk refused them",
            Self::Damage => "the file was damaged",
            Self::Rehearsed => "a lossy network was rehearsed",
            Self::Other(_) => "an unknown reason",
        })
    }
}

/// Frames that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Index of the first.
    pub index: u32,
    /// How many.
    pub count: u32,
    /// Why.
    pub reason: GapReason,
}

/// One record, as it is found in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Record<'a> {
    /// Tokens of consecutive frames.
    Frames {
        /// Index of the first one, modulo 65536.
        low_index: u16,
        /// How many.
        frames: usize,
        /// The packed tokens.
        payload: &'a [u8],
    },
    /// The place of a frame, and of the frames after it.
    Anchor(Anchor),
    /// Frames that are not there.
    Gap(Gap),
    /// The footer's JSON.
    Footer(&'a [u8]),
    /// A record of a later version.
    Unknown {
        /// Its tag.
        tag: u8,
        /// Its body.
        body: &'a [u8],
    },
}

/// Bytes of `frames` frames of a take like `header`.
pub fn payload_bytes(header: &Header, frames: usize) -> usize {
    let (semantic, acoustic) = header.token_bits();
    (frames * header.channels * (semantic + acoustic) as usize).div_ceil(8)
}

/// Preamble and header.
///
/// # Errors
/// [`TakeError::Field`], or [`TakeError::HeaderDamaged`] where the header would be too long.
pub fn write_header(header: &Header, out: &mut Vec<u8>) -> Result<(), TakeError> {
    header.check()?;
    let json = serde_json::to_vec(header).map_err(TakeError::HeaderSyntax)?;
    if json.len() > MAX_HEADER_BYTES {
        return Err(TakeError::HeaderDamaged);
    }
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.0.to_le_bytes());
    out.extend_from_slice(&VERSION.1.to_le_bytes());
    out.extend_from_slice(&(json.len() as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&out[start..]);
    crc.update(&json);
    out.extend_from_slice(&crc.finalize().to_le_bytes());
    out.extend_from_slice(&json);
    Ok(())
}

/// Reads preamble and header; gives the header and where the records begin.
///
/// # Errors
/// All of [`TakeError`] but the last two.
pub fn read_header(bytes: &[u8]) -> Result<(Header, usize), TakeError> {
    let (json, end) = header_bytes(bytes)?;
    let header: Header = serde_json::from_slice(json).map_err(TakeError::HeaderSyntax)?;
    header.check()?;
    Ok((header, end))
}

fn header_bytes(bytes: &[u8]) -> Result<(&[u8], usize), TakeError> {
    let magic = bytes.len().min(MAGIC.len());
    if magic == 0 || bytes[..magic] != MAGIC[..magic] {
        return Err(TakeError::Magic);
    }
    let Some(preamble) = bytes.first_chunk::<PREAMBLE_BYTES>() else { return Err(TakeError::HeaderCut) };
    let major = u16::from_le_bytes([preamble[8], preamble[9]]);
    let length = u32::from_le_bytes([preamble[12], preamble[13], preamble[14], preamble[15]]) as usize;
    let crc = u32::from_le_bytes([preamble[16], preamble[17], preamble[18], preamble[19]]);
    let json = bytes.get(PREAMBLE_BYTES..PREAMBLE_BYTES + length.min(MAX_HEADER_BYTES));
    let sound = json.is_some_and(|json| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&preamble[..16]);
        hasher.update(json);
        length <= MAX_HEADER_BYTES && hasher.finalize() == crc
    });
    match json {
        _ if !sound && major != VERSION.0 && major != 0 => Err(TakeError::Version { found: major }),
        _ if length > MAX_HEADER_BYTES => Err(TakeError::HeaderDamaged),
        None => Err(TakeError::HeaderCut),
        Some(_) if !sound => Err(TakeError::HeaderDamaged),
        Some(_) if major != VERSION.0 => Err(TakeError::Version { found: major }),
        Some(json) => Ok((json, PREAMBLE_BYTES + length)),
    }
}

fn finish_record(out: &mut Vec<u8>, start: usize) {
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// A block of at most [`BLOCK_FRAMES`] frames: `tokens` is frame by frame, channel by channel.
pub fn write_frames(header: &Header, index: u32, tokens: &[TokenFrame], out: &mut Vec<u8>) {
    let start = out.len();
    out.push((tokens.len() / header.channels) as u8);
    out.extend_from_slice(&(index as u16).to_le_bytes());
    let (semantic, acoustic) = header.token_bits();
    let (mut bits, mut held) = (0_u64, 0);
    for token in tokens {
        for (value, width) in [(token.semantic, semantic), (token.acoustic, acoustic)] {
            bits = bits << width | u64::from(value);
            held += width;
            while held >= 8 {
                held -= 8;
                out.push((bits >> held) as u8);
            }
        }
    }
    if held > 0 {
        out.push((bits << (8 - held)) as u8);
    }
    finish_record(out, start);
}

/// Unpacks the tokens of a block and appends them to `tokens`. `false`, and nothing appended, if a
/// token is not less than its codebook's size, or if the unused bits are not zero.
pub fn read_frames(header: &Header, frames: usize, payload: &[u8], tokens: &mut Vec<TokenFrame>) -> bool {
    let before = tokens.len();
    let (semantic, acoustic) = header.token_bits();
    let (mut bits, mut held, mut bytes) = (0_u64, 0, payload.iter());
    let mut next = |width: u32| {
        while held < width {
            bits = bits << 8 | u64::from(bytes.next().copied().unwrap_or(0));
            held += 8;
        }
        held -= width;
        (bits >> held & ((1 << width) - 1)) as u32
    };
    for _ in 0..frames * header.channels {
        let (s, a) = (next(semantic), next(acoustic));
        if s as usize >= header.codebooks.semantic || a as usize >= header.codebooks.acoustic {
            tokens.truncate(before);
            return false;
        }
        tokens.push(TokenFrame { semantic: s as u16, acoustic: a as u16 });
    }
    if bits & ((1 << held) - 1) != 0 {
        tokens.truncate(before);
        return false;
    }
    true
}

/// Any record with a length.
pub fn write_extended(tag: u8, body: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.push(tag);
    out.extend_from_slice(&(body.len() as u16).to_le_bytes());
    out.extend_from_slice(body);
    finish_record(out, start);
}

/// An anchor.
pub fn write_anchor(anchor: &Anchor, out: &mut Vec<u8>) {
    let mut body = [0; ANCHOR_BYTES + PASS_BYTES];
    body[..4].copy_from_slice(&anchor.index.to_le_bytes());
    body[4] = anchor.flags();
    let unknown = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let values = [
        anchor.stream_samples,
        unknown(anchor.position_samples),
        unknown(anchor.position_quarters),
        unknown(anchor.tempo_bpm),
        unknown(anchor.pass_samples),
    ];
    for (place, value) in body[5..].as_chunks_mut::<8>().0.iter_mut().zip(values) {
        *place = value.to_le_bytes();
    }
    let end = if anchor.pass_samples.is_some() { body.len() } else { ANCHOR_BYTES };
    write_extended(ANCHOR_TAG, &body[..end], out);
}

/// A gap.
pub fn write_gap(gap: &Gap, out: &mut Vec<u8>) {
    let mut body = [0; GAP_BYTES];
    body[..4].copy_from_slice(&gap.index.to_le_bytes());
    body[4..8].copy_from_slice(&gap.count.to_le_bytes());
    body[8] = gap.reason.code();
    write_extended(GAP_TAG, &body, out);
}

/// The footer's JSON, which must fit [`MAX_BODY_BYTES`].
pub fn write_footer(json: &[u8], out: &mut Vec<u8>) {
    write_extended(FOOTER_TAG, json, out);
}

/// The record at the start of `bytes` and its length; `None` if no sound record begins there.
pub fn read_record<'a>(header: &Header, bytes: &'a [u8]) -> Option<(Record<'a>, usize)> {
    let tag = *bytes.first()?;
    let low_index = u16::from_le_bytes([*bytes.get(1)?, *bytes.get(2)?]);
    let end = 3 + body_bytes(header, tag, low_index)?;
    let crc = bytes.get(end..end + CRC_BYTES)?;
    if crc != crc32fast::hash(&bytes[..end]).to_le_bytes() {
        return None;
    }
    let body = &bytes[3..end];
    let record = match tag {
        1..=MAX_FRAMES_TAG => Record::Frames { low_index, frames: tag.into(), payload: body },
        ANCHOR_TAG => Record::Anchor(read_anchor(body)?),
        GAP_TAG => Record::Gap(read_gap(body)?),
        FOOTER_TAG => Record::Footer(body),
        _ => Record::Unknown { tag, body },
    };
    Some((record, end + CRC_BYTES))
}

/// Length of the body after a tag and the two bytes that follow the tag.
fn body_bytes(header: &Header, tag: u8, word: u16) -> Option<usize> {
    match tag {
        1..=MAX_FRAMES_TAG => Some(payload_bytes(header, tag.into())),
        FIRST_EXTENDED_TAG.. => Some(usize::from(word)).filter(|&bytes| bytes <= MAX_BODY_BYTES),
        _ => None,
    }
}

/// Whether `bytes` are the beginning of a record that needs more bytes after them.
pub fn is_cut_record(header: &Header, bytes: &[u8]) -> bool {
    let word = bytes.get(1..3).map_or(0, |word| u16::from_le_bytes([word[0], word[1]]));
    bytes.first().is_some_and(|&tag| {
        let body = body_bytes(header, tag, word);
        body.is_some_and(|body| bytes.len() < 3 || bytes.len() < 3 + body + CRC_BYTES)
    })
}

fn read_anchor(body: &[u8]) -> Option<Anchor> {
    let _: &[u8; ANCHOR_BYTES] = body.first_chunk()?;
    let value = |at: usize| body.get(at..)?.first_chunk().map(|bytes| f64::from_le_bytes(*bytes));
    let known = |at: usize| value(at).filter(|v| v.is_finite());
    let index = u32::from_le_bytes(*body.first_chunk()?);
    let stream_samples = known(5)?;
    Some(Anchor {
        index,
        stream_samples,
        position_samples: known(13),
        position_quarters: known(21),
        tempo_bpm: known(29),
        pass_samples: known(ANCHOR_BYTES),
        ..Anchor::with_flags(body[4])
    })
}

fn read_gap(body: &[u8]) -> Option<Gap> {
    let body: &[u8; GAP_BYTES] = body.first_chunk()?;
    let index = u32::from_le_bytes(*body.first_chunk()?);
    let count = u32::from_le_bytes(*body[4..].first_chunk()?);
    Some(Gap { index, count, reason: GapReason::of(body[8]) })
}

//! WAV files: RIFF, RF64 and BW64, also those whose sizes were never filled in.
//!
//! A size is believed where the file has that many bytes. Where it is one of those that programs write
//! before they know better (into a pipe, or until they were killed), the audio ends where the file ends.
//! Any other size that does not fit is an error.

use std::io::{self, Read};

use super::error::AudioError;
use super::pcm::Encoding;
use super::salvage::Salvage;

/// What programs write for a size that they do not know: ffmpeg, SoX, arecord and others.
const UNKNOWN_SIZES: [u64; 4] = [u32::MAX as u64, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000];
/// In a 32-bit size: the true one is in the chunk `ds64`.
const IN_DS64: u32 = u32::MAX;
/// Longest `fmt ` chunk that is read.
const MAX_FORMAT_BYTES: u32 = 1 << 16;
/// Chunks that are known to follow audio.
const KNOWN_CHUNKS: [&[u8; 4]; 46] = [
    b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"axml", b"aXML", b"chna", b"cart", b"JUNK", b"junk",
    b"PAD ", b"FLLR", b"fact", b"cue ", b"plst", b"smpl", b"inst", b"acid", b"note", b"labl", b"ltxt",
    b"PEAK", b"_PMX", b"umid", b"minf", b"elm1", b"regn", b"afsp", b"DISP", b"strc", b"clm ", b"bmrk",
    b"r64m", b"SAUR", b"LGWV", b"ResU", b"AFAn", b"slnt", b"wavl", b"MD5 ", b"levl", b"CSET", b"link",
    b"XMP ", b"APET",
];
const EXTENSIBLE: u16 = 0xFFFE;
/// What follows the tag in a sub-format: of WAV, and of ambisonic B-format.
const SUBFORMATS: [[u8; 14]; 2] = [
    [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71],
    [0, 0, 0x21, 7, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0],
];
const READ_BYTES: usize = 1 << 16;

/// A WAV file, at its next samples.
pub struct WavReader<R> {
    bytes: Counted<R>,
    encoding: Encoding,
    /// Bytes of one sample of all channels.
    frame_bytes: usize,
    /// Bytes of audio; `None` where only the end of the file tells.
    data_bytes: Option<u64>,
    taken_bytes: u64,
    block: Vec<u8>,
    pub salvage: Salvage,
    pub rate_hz: u32,
    pub channels: usize,
    pub length_samples: Option<u64>,
}

/// What the `fmt ` chunk says.
struct Format {
    rate_hz: u32,
    channels: usize,
    encoding: Encoding,
}

impl<R: Read> WavReader<R> {
    /// Reads up to the first sample. `length_bytes` is that of the file, where it has one.
    pub fn new(bytes: R, length_bytes: Option<u64>, salvage: Salvage) -> Result<Self, AudioError> {
        let mut bytes = Counted { inner: bytes, position: 0 };
        let [id, riff_size, _wave] = [bytes.four()?, bytes.four()?, bytes.four()?];
        let riff_bytes = u32::from_le_bytes(riff_size);
        let (mut format, mut long) = (None, None);
        let size = loop {
            let Some((id, size)) = bytes.chunk()? else {
                return Err(AudioError::header("it has no `data` chunk, which holds the audio"));
            };
            match &id {
                b"data" => break size,
                b"fmt " => format = Some(read_format(&mut bytes, size)?),
                b"ds64" => long = Some(read_ds64(&mut bytes, size)?),
                _ => bytes.skip(padded(size))?,
            }
        };
        let format = format.ok_or_else(|| {
            AudioError::header("its audio comes before its `fmt ` chunk, which describes it")
        })?;
        let declared = match long {
            Some(long) if &id != b"RIFF" && size == IN_DS64 => long,
            _ => u64::from(size),
        };
        let left_bytes = length_bytes.map(|length| length.saturating_sub(bytes.position));
        let frame_bytes = format.encoding.bytes() * format.channels;
        let sizes = Sizes { declared, riff_bytes, before: bytes.position, left_bytes };
        let data_bytes = match sizes.data_bytes() {
            Err(AudioError::Cut { declared, found, .. })
                if salvage.can_fill(
                    found / frame_bytes as u64,
                    declared / frame_bytes as u64,
                    format.rate_hz,
                ) =>
            {
                Some(declared)
            }
            result => result?,
        };
        if let Some(partial) = data_bytes.map(|b| b % frame_bytes as u64).filter(|&partial| partial > 0) {
            let problem = format!("its audio ends {partial} bytes into a sample of {frame_bytes} bytes");
            return Err(AudioError::header(problem));
        }
        let whole = data_bytes.or(left_bytes);
        Ok(Self {
            bytes,
            encoding: format.encoding,
            frame_bytes,
            data_bytes,
            taken_bytes: 0,
            block: Vec::new(),
            salvage,
            rate_hz: format.rate_hz,
            channels: format.channels,
            length_samples: whole.map(|bytes| bytes / frame_bytes as u64),
        })
    }

    /// The next samples of every channel, appended to `out`; `false` at the end.
    pub fn read(&mut self, out: &mut [Vec<f32>]) -> Result<bool, AudioError> {
        let most = (READ_BYTES / self.frame_bytes).max(1) * self.frame_bytes;
        let left = self.data_bytes.map_or(u64::MAX, |bytes| bytes - self.taken_bytes);
        self.block.clear();
        let wanted = left.min(most as u64);
        self.bytes.by_ref().take(wanted).read_to_end(&mut self.block)?;
        let found = self.block.len() as u64;
        self.taken_bytes += found;
        if let Some(declared) = self.data_bytes.filter(|_| found < wanted) {
            let frame_bytes = self.frame_bytes as u64;
            let (begin, end) = (self.taken_bytes / frame_bytes, declared / frame_bytes);
            if self.salvage.can_fill(begin, end, self.rate_hz) {
                self.push_block(out);
                // From here on the bytes of silence count as taken.
                self.taken_bytes = (begin + self.salvage.fill(begin, end, out)) * frame_bytes;
                return Ok(true);
            }
            return Err(AudioError::Cut { declared, found: self.taken_bytes, unit: "bytes of audio" });
        }
        self.push_block(out);
        if found == 0 {
            self.check_rest()?;
        }
        Ok(found > 0)
    }

    /// The samples of what was read. Where only the end of the file tells, the last may not be complete.
    fn push_block(&self, out: &mut [Vec<f32>]) {
        let sample_bytes = self.encoding.bytes();
        for frame in self.block.chunks_exact(self.frame_bytes) {
            let samples = frame.chunks_exact(sample_bytes).map(|bytes| self.encoding.sample(bytes));
            out.iter_mut().zip(samples).for_each(|(channel, sample)| channel.push(sample));
        }
    }

    /// What follows the audio must be chunks, or nothing that could be audio.
    fn check_rest(&mut self) -> Result<(), AudioError> {
        let Some(declared) = self.data_bytes else { return Ok(()) };
        let begin = self.bytes.position;
        if declared % 2 == 1 {
            let mut pad = [0];
            // Not every program pads: then this byte begins a chunk.
            if self.bytes.read(&mut pad)? == 0 {
                return Ok(());
            }
            if pad[0] != 0 {
                return self.check_chunks(declared, begin, Some(pad[0]));
            }
        }
        self.check_chunks(declared, begin, None)
    }

    fn check_chunks(&mut self, declared: u64, begin: u64, first: Option<u8>) -> Result<(), AudioError> {
        let mut first = first;
        loop {
            let mut header: Vec<u8> = first.take().into_iter().collect();
            let missing = 8 - header.len() as u64;
            self.bytes.by_ref().take(missing).read_to_end(&mut header)?;
            match header[..] {
                [] => return Ok(()),
                // ID3v1: no chunk, and often there.
                [b'T', b'A', b'G', ..] => return self.bytes.skip_all(),
                [b'd', b'a', b't', b'a', ..] => {
                    return Err(AudioError::header("it has two `data` chunks, where one is expected"));
                }
                [b'R', b'I', b'F', b'F' | b'X', ..]
                | [b'R', b'F', b'6', b'4', ..]
                | [b'B', b'W', b'6', b'4', ..] => {
                    return Err(AudioError::header("another WAV file follows its audio: split them"));
                }
                [a, b, c, d, e, f, g, h] if [a, b, c, d].iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                    let size = u32::from_le_bytes([e, f, g, h]);
                    let skipped = io::copy(&mut self.bytes.by_ref().take(padded(size)), &mut io::sink())?;
                    // A chunk that is cut holds no audio, if it is one: bytes of audio can look like its name.
                    if skipped < u64::from(size) && !KNOWN_CHUNKS.contains(&&[a, b, c, d]) {
                        let found = self.bytes.position - begin;
                        return Err(AudioError::Longer { declared, found });
                    }
                }
                _ => {
                    // Zeros fill files up to a block.
                    let only_zeros = header.iter().all(|&byte| byte == 0) && self.bytes.only_zeros()?;
                    self.bytes.skip_all()?;
                    let found = self.bytes.position - begin;
                    return if only_zeros { Ok(()) } else { Err(AudioError::Longer { declared, found }) };
                }
            }
        }
    }
}

/// What is known of the length of the audio.
struct Sizes {
    /// What the `data` chunk says, or `ds64` in its place.
    declared: u64,
    /// What the file says of itself.
    riff_bytes: u32,
    /// Bytes before the audio.
    before: u64,
    /// Bytes of the file from the audio on; `None` for a pipe.
    left_bytes: Option<u64>,
}

impl Sizes {
    /// Bytes of audio; `None` where they end with the file.
    fn data_bytes(&self) -> Result<Option<u64>, AudioError> {
        let riff_bytes = u64::from(self.riff_bytes);
        let is_unknown = UNKNOWN_SIZES.contains(&self.declared) || self.declared == u64::MAX;
        match self.left_bytes {
            // Nothing was filled in, unless the file says itself that it holds no audio.
            _ if self.declared == 0 => {
                let holds_other_chunks = riff_bytes + 8 > self.before && !UNKNOWN_SIZES.contains(&riff_bytes);
                Ok(if holds_other_chunks { Some(0) } else { None })
            }
            Some(left) if self.declared <= left => Ok(Some(self.declared)),
            _ if is_unknown => Ok(None),
            Some(left) => {
                Err(AudioError::Cut { declared: self.declared, found: left, unit: "bytes of audio" })
            }
            None => Ok(Some(self.declared)),
        }
    }
}

fn read_format<R: Read>(bytes: &mut Counted<R>, size: u32) -> Result<Format, AudioError> {
    if !(16..=MAX_FORMAT_BYTES).contains(&size) {
        return Err(AudioError::header(format!(
            "its `fmt ` chunk has {size} bytes, and 16 to 65536 are expected"
        )));
    }
    let mut chunk = Vec::new();
    bytes.by_ref().take(padded(size)).read_to_end(&mut chunk)?;
    let word = |at: usize| Some(u16::from_le_bytes([*chunk.get(at)?, *chunk.get(at + 1)?]));
    let cut = || AudioError::header("its `fmt ` chunk is cut");
    let [tag, channels, align_bytes, bits] =
        [word(0), word(2), word(12), word(14)].map(|w| w.ok_or_else(cut));
    let (tag, channels, align_bytes, bits) = (tag?, usize::from(channels?), usize::from(align_bytes?), bits?);
    let rate_hz = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
    if channels == 0 || rate_hz == 0 {
        let problem =
            format!("it has {channels} channels at {rate_hz} Hz, and at least 1 of each is expected");
        return Err(AudioError::header(problem));
    }
    let tag = match tag {
        EXTENSIBLE => {
            let rest = chunk.get(26..40).ok_or_else(cut)?;
            if !SUBFORMATS.iter().any(|known| known == rest) {
                return Err(AudioError::Encoding { found: "of a sub-format that is not known".into() });
            }
            word(24).ok_or_else(cut)?
        }
        tag => tag,
    };
    // Some programs leave it 0 or wrong. Where it is whole it tells of bits in larger containers.
    let sample_bytes = match align_bytes / channels {
        found if found > 0 && align_bytes % channels == 0 => found,
        _ => usize::from(bits).div_ceil(8),
    };
    Ok(Format { rate_hz, channels, encoding: Encoding::new(tag, bits, sample_bytes)? })
}

/// The size of the audio that `ds64` gives.
fn read_ds64<R: Read>(bytes: &mut Counted<R>, size: u32) -> Result<u64, AudioError> {
    let mut chunk = Vec::new();
    bytes.by_ref().take(padded(size)).read_to_end(&mut chunk)?;
    let data = chunk.get(8..16).and_then(|field| field.try_into().ok()).map(u64::from_le_bytes);
    data.ok_or_else(|| AudioError::header("its `ds64` chunk, which holds its sizes, is cut"))
}

/// Chunks begin at even places.
fn padded(size: u32) -> u64 {
    u64::from(size) + u64::from(size % 2)
}

/// Bytes, and how many have been read.
struct Counted<R> {
    inner: R,
    position: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read> Counted<R> {
    fn four(&mut self) -> Result<[u8; 4], AudioError> {
        let mut four = [0; 4];
        self.read_exact(&mut four).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => AudioError::header("it ends within its header"),
            _ => error.into(),
        })?;
        Ok(four)
    }

    /// Name and size of the next chunk; `None` at the end.
    fn chunk(&mut self) -> Result<Option<([u8; 4], u32)>, AudioError> {
        let mut first = [0];
        if self.read(&mut first)? == 0 {
            return Ok(None);
        }
        let mut rest = [0; 3];
        self.read_exact(&mut rest).map_err(|_| AudioError::header("it ends within its header"))?;
        Ok(Some(([first[0], rest[0], rest[1], rest[2]], u32::from_le_bytes(self.four()?))))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), AudioError> {
        match io::copy(&mut self.by_ref().take(bytes), &mut io::sink())? {
            found if found < bytes => Err(AudioError::header("it ends before its audio begins")),
            _ => Ok(()),
        }
    }

    fn skip_all(&mut self) -> Result<(), AudioError> {
        io::copy(self, &mut io::sink())?;
        Ok(())
    }

    fn only_zeros(&mut self) -> Result<bool, AudioError> {
        let mut block = Vec::new();
        loop {
            block.clear();
            if self.by_ref().take(READ_BYTES as u64).read_to_end(&mut block)? == 0 {
                return Ok(true);
            }
            if block.iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
        }
    }
}

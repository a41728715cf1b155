//! WAV files of every kind, honest or not: tests say what each part of the header holds.

/// What a size says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// How much there is.
    True,
    /// This.
    Is(u32),
}

/// A WAV file to be made.
#[derive(Debug, Clone)]
pub struct WavFile {
    /// `RIFF`, `RF64` or `BW64`.
    pub head: [u8; 4],
    /// What the file says of its size.
    pub riff_size: Size,
    /// Chunks before the `fmt ` chunk.
    pub before: Vec<u8>,
    /// The `fmt ` chunk.
    pub format: Vec<u8>,
    /// What the `data` chunk says of its size.
    pub data_size: Size,
    /// The samples.
    pub data: Vec<u8>,
    /// What follows them.
    pub after: Vec<u8>,
}

impl WavFile {
    /// An honest file.
    pub fn new(format: Vec<u8>, data: Vec<u8>) -> Self {
        Self {
            head: *b"RIFF",
            riff_size: Size::True,
            before: Vec::new(),
            format,
            data_size: Size::True,
            data,
            after: Vec::new(),
        }
    }

    /// With 64-bit sizes in a `ds64` chunk.
    pub fn long(self, head: [u8; 4], riff_bytes: u64, data_bytes: u64) -> Self {
        let fields = [riff_bytes.to_le_bytes(), data_bytes.to_le_bytes(), [0; 8]].concat();
        let before = chunk(b"ds64", &[fields, vec![0; 4]].concat());
        Self { head, riff_size: Size::Is(u32::MAX), data_size: Size::Is(u32::MAX), before, ..self }
    }

    /// All of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let size = |size: Size, bytes: usize| match size {
            Size::True => (bytes as u32).to_le_bytes(),
            Size::Is(size) => size.to_le_bytes(),
        };
        let mut data = [&b"data"[..], &size(self.data_size, self.data.len()), &self.data].concat();
        if self.data.len() % 2 == 1 && !self.after.is_empty() {
            data.push(0);
        }
        let body = [&b"WAVE"[..], &self.before, &chunk(b"fmt ", &self.format), &data, &self.after].concat();
        [&self.head[..], &size(self.riff_size, body.len()), &body].concat()
    }
}

/// A chunk with its name and its size.
pub fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let pad = vec![0; body.len() % 2];
    [&name[..], &(body.len() as u32).to_le_bytes(), body, &pad].concat()
}

/// The body of a `fmt ` chunk: a tag, channels, rate, bits, and the bytes of a sample of all channels.
pub fn format(tag: u16, channels: u16, rate_hz: u32, bits: u16, align_bytes: u16) -> Vec<u8> {
    let bytes_per_second = rate_hz.wrapping_mul(align_bytes.into());
    let mut body = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    body.extend([rate_hz.to_le_bytes(), bytes_per_second.to_le_bytes()].concat());
    body.extend([align_bytes.to_le_bytes(), bits.to_le_bytes()].concat());
    body
}

/// The same with the tag in a sub-format, and how many of the bits are valid.
pub fn extensible(tag: u16, channels: u16, rate_hz: u32, bits: u16, align_bytes: u16, valid: u16) -> Vec<u8> {
    let mut body = format(0xFFFE, channels, rate_hz, bits, align_bytes);
    body.extend([22_u16.to_le_bytes(), valid.to_le_bytes(), [0; 2], [0; 2], tag.to_le_bytes()].concat());
    body.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    body
}

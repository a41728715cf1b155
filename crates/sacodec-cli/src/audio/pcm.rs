//! Samples as WAV files store them.

use super::error::AudioError;

/// How a sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Unsigned, in one byte.
    Unsigned8,
    /// Signed, little-endian, in so many bytes, 2 to 4. Fewer bits than these hold are the upper ones.
    Signed(usize),
    /// 32-bit float.
    Float32,
    /// 64-bit float.
    Float64,
    /// A-law.
    ALaw,
    /// µ-law.
    MuLaw,
}

/// Tags of WAV files.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;

impl Encoding {
    /// Of a tag, with so many bits in so many bytes.
    pub fn new(tag: u16, bits: u16, bytes: usize) -> Result<Self, AudioError> {
        let fits = |bits: u16| usize::from(bits) <= 8 * bytes;
        match (tag, bits, bytes) {
            (PCM, 1..=8, 1) => Ok(Self::Unsigned8),
            (PCM, 1..=32, 2..=4) if fits(bits) => Ok(Self::Signed(bytes)),
            (FLOAT, 32, 4) => Ok(Self::Float32),
            (FLOAT, 64, 8) => Ok(Self::Float64),
            (A_LAW, _, 1) => Ok(Self::ALaw),
            (MU_LAW, _, 1) => Ok(Self::MuLaw),
            _ => Err(AudioError::Encoding { found: encoding_name(tag, bits, bytes) }),
        }
    }

    /// Bytes of a sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::ALaw | Self::MuLaw => 1,
            Self::Signed(bytes) => bytes,
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// The sample in these bytes; full scale is 1.
    pub fn sample(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::Unsigned8, &[a, ..]) => (f32::from(a) - 128.0) / 128.0,
            (Self::ALaw, &[a, ..]) => f32::from(a_law(a)) / 32_768.0,
            (Self::MuLaw, &[a, ..]) => f32::from(mu_law(a)) / 32_768.0,
            (Self::Signed(2), &[a, b, ..]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Self::Signed(3), &[a, b, c, ..]) => i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0,
            (Self::Signed(4), &[a, b, c, d, ..]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            (Self::Float32, &[a, b, c, d, ..]) => f32::from_le_bytes([a, b, c, d]),
            (Self::Float64, &[a, b, c, d, e, f, g, h, ..]) => {
                f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32
            }
            // Whoever calls gives `bytes()` bytes.
            _ => 0.0,
        }
    }
}

/// G.711.
fn a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let mantissa = i16::from(code & 0x0F) << 4;
    let magnitude = match (code & 0x70) >> 4 {
        0 => mantissa + 8,
        exponent => (mantissa + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// G.711.
fn mu_law(code: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let code = !code;
    let magnitude = ((i16::from(code & 0x0F) << 3) + BIAS) << ((code & 0x70) >> 4);
    if code & 0x80 == 0 { magnitude - BIAS } else { BIAS - magnitude }
}

fn encoding_name(tag: u16, bits: u16, bytes: usize) -> String {
    let name = match tag {
        PCM => return format!("PCM of {bits} bits in {bytes} bytes"),
        FLOAT => return format!("float of {bits} bits in {bytes} bytes"),
        A_LAW => return format!("A-law in {bytes} bytes"),
        MU_LAW => return format!("µ-law in {bytes} bytes"),
        0x02 => "Microsoft ADPCM",
        0x11 => "IMA ADPCM",
        0x31 => "GSM 6.10",
        0x50 | 0x55 => "MPEG audio",
        0xFF | 0x1600 | 0x1610 => "AAC",
        0x2000 => "AC-3",
        _ => "of an encoding that is not known",
    };
    format!("{name} (tag 0x{tag:04X})")
}

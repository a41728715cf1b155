//! FLAC files of every width, without compression, as their specification (RFC 9639) has them: so that tests
//! know every sample and can leave out or falsify what a header says.

use md5::{Digest, Md5};

/// A FLAC file to be made.
#[derive(Debug, Clone)]
pub struct FlacFile {
    /// Its rate.
    pub rate_hz: u32,
    /// Bits of a sample, 4 to 32.
    pub bits: u32,
    /// The samples of each channel, 1 to 8.
    pub channels: Vec<Vec<i32>>,
    /// Samples of a frame.
    pub block_samples: usize,
    /// Whether frames count samples, not frames.
    pub is_variable: bool,
    /// The number of samples that it tells; 0 for none.
    pub total_samples: u64,
    /// The digest that it tells; zeros for none.
    pub md5: [u8; 16],
}

impl FlacFile {
    /// Of these samples, with all that a header can tell.
    pub fn new(rate_hz: u32, bits: u32, channels: Vec<Vec<i32>>) -> Self {
        let bytes = bits.div_ceil(8) as usize;
        let mut md5 = Md5::new();
        for at in 0..channels[0].len() {
            channels.iter().for_each(|channel| md5.update(&channel[at].to_le_bytes()[..bytes]));
        }
        let total_samples = channels[0].len() as u64;
        let md5 = md5.finalize().into();
        Self { rate_hz, bits, channels, block_samples: 256, is_variable: false, total_samples, md5 }
    }

    /// With a header that tells neither length nor digest, as encoders write into a pipe.
    pub fn of_unknown_length(self) -> Self {
        Self { total_samples: 0, md5: [0; 16], ..self }
    }

    /// All of the file.
    pub fn bytes(&self) -> Vec<u8> {
        [vec![self.head()], self.frames()].concat().concat()
    }

    /// What comes before the frames.
    pub fn head(&self) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.push(32, u64::from(u32::from_be_bytes(*b"fLaC")));
        bits.push(32, 0x8000_0022);
        // A stream of variable blocks is told by different bounds.
        bits.push(16, if self.is_variable { 16 } else { self.block_samples as u64 });
        bits.push(16, if self.is_variable { self.block_samples.max(17) } else { self.block_samples } as u64);
        bits.push(48, 0);
        bits.push(20, self.rate_hz.into());
        bits.push(3, self.channels.len() as u64 - 1);
        bits.push(5, u64::from(self.bits) - 1);
        bits.push(36, self.total_samples);
        self.md5.iter().for_each(|&byte| bits.push(8, byte.into()));
        bits.bytes
    }

    /// The frames.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        let length = self.channels[0].len();
        let begins = (0..length).step_by(self.block_samples);
        begins.enumerate().map(|(number, begin)| self.frame(number, begin)).collect()
    }

    fn frame(&self, number: usize, begin: usize) -> Vec<u8> {
        let end = self.channels[0].len().min(begin + self.block_samples);
        let mut bits = Bits::default();
        bits.push(16, if self.is_variable { 0xFFF9 } else { 0xFFF8 });
        // Block size in 16 bits, rate and width as in the stream's description.
        bits.push(8, 0x70);
        bits.push(8, (self.channels.len() as u64 - 1) << 4);
        bits.push_coded(if self.is_variable { begin as u64 } else { number as u64 });
        bits.push(16, (end - begin) as u64 - 1);
        bits.push(8, crc8(&bits.bytes).into());
        for channel in &self.channels {
            // A verbatim subframe.
            bits.push(8, 2);
            for &sample in &channel[begin..end] {
                bits.push(self.bits, sample as u64);
            }
        }
        bits.pad();
        bits.push(16, crc16(&bits.bytes).into());
        bits.bytes
    }
}

/// Bits, the most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    last: u64,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, value: u64) {
        for bit in (0..bits).rev() {
            self.last = self.last << 1 | (value >> bit & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.last as u8);
                (self.last, self.count) = (0, 0);
            }
        }
    }

    /// As UTF-8 codes a character.
    fn push_coded(&mut self, value: u64) {
        if value < 0x80 {
            return self.push(8, value);
        }
        let further = (1..=6).find(|&n| value < 1 << (5 * n + 6)).unwrap_or(6);
        let lead = 0xFF00_u64 >> (further + 1) & 0xFF;
        self.push(8, lead | value >> (6 * further));
        (0..further).rev().for_each(|n| self.push(8, 0x80 | (value >> (6 * n) & 0x3F)));
    }

    fn pad(&mut self) {
        while self.count != 0 {
            self.push(1, 0);
        }
    }
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(
            crc ^ u16::from(byte) << 8,
            |crc: u16, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 }
            },
        )
    })
}

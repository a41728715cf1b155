//! FLAC. Symphonia drops frames with a wrong checksum; here what it gives is counted and compared with all
//! that the file says of itself: times of frames, number of samples, MD5 of the samples, and bytes.

use std::io::{self, Read};

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, ReadOnlySource};
use symphonia::core::packet::Packet;
use symphonia::default::{codecs, formats};

use super::error::AudioError;
use super::salvage::Salvage;
use super::source::{Bytes, Tally};
use super::{UNKNOWN, other_format};

const STREAM_INFO: u8 = 0;
const STREAM_INFO_BYTES: usize = 34;
/// In the header of a block of metadata: no other follows.
const LAST: u8 = 0x80;
/// Where the MD5 is in the stream's description; zeros stand for none.
const MD5: std::ops::Range<usize> = 18..34;

/// A FLAC file, at its next samples.
pub struct FlacReader {
    format: formats::FlacReader<'static>,
    decoder: codecs::FlacDecoder,
    interleaved: Vec<f32>,
    tally: Tally,
    /// Bytes of the file that no frame is made of.
    other_bytes: u64,
    frame_bytes: u64,
    samples: u64,
    has_md5: bool,
    /// Read, and not decoded yet: samples before it are missing.
    held: Option<Packet>,
    /// Samples before this one are missing.
    silent_until: u64,
    pub salvage: Salvage,
    /// See [`WithoutTag`].
    tag_bytes: std::sync::Arc<std::sync::atomic::AtomicU64>,
    pub rate_hz: u32,
    pub channels: usize,
    pub length_samples: Option<u64>,
}

impl FlacReader {
    /// Reads up to the first frame.
    pub fn new(mut bytes: Bytes, tally: &Tally, salvage: Salvage) -> Result<Self, AudioError> {
        let (info, other_bytes) = read_metadata(&mut bytes)?;
        let has_md5 = info[MD5].iter().any(|&byte| byte != 0);
        // Names and pictures are of no use here, and what is wrong in them is not either.
        let mut head = b"fLaC".to_vec();
        head.extend([LAST | STREAM_INFO, 0, 0, STREAM_INFO_BYTES as u8]);
        head.extend(info);
        let without_tag = WithoutTag::new(bytes);
        let tag_bytes = without_tag.tag_bytes.clone();
        let source = ReadOnlySource::new(io::Cursor::new(head).chain(without_tag));
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let cannot = |error: Error| match tally.take_error() {
            Some(error) => error.into(),
            None => AudioError::header(format!("no first frame was found ({error})")),
        };
        let format = formats::FlacReader::try_new(stream, FormatOptions::default()).map_err(cannot)?;
        let wrong = |what| AudioError::header(format!("it does not tell its {what}"));
        let track = format.default_track(TrackType::Audio).ok_or_else(|| wrong("track"))?;
        let parameters =
            track.codec_params.as_ref().and_then(|p| p.audio()).ok_or_else(|| wrong("encoding"))?;
        let rate_hz = parameters.sample_rate.filter(|&rate| rate > 0).ok_or_else(|| wrong("sample rate"))?;
        let channels = parameters.channels.as_ref().map_or(0, |c| c.count());
        let options = AudioDecoderOptions::default().verify(true);
        let decoder = codecs::FlacDecoder::try_new(parameters, &options).map_err(cannot)?;
        let length_samples = track.num_frames;
        Ok(Self {
            format,
            decoder,
            interleaved: Vec::new(),
            tally: tally.clone(),
            other_bytes,
            frame_bytes: 0,
            samples: 0,
            has_md5,
            held: None,
            silent_until: 0,
            salvage,
            tag_bytes,
            rate_hz,
            channels,
            length_samples,
        })
    }

    /// The next samples of every channel, appended to `out`; `false` at the end.
    pub fn read(&mut self, out: &mut [Vec<f32>]) -> Result<bool, AudioError> {
        if self.samples < self.silent_until {
            self.samples += self.salvage.fill(self.samples, self.silent_until, out);
            return Ok(true);
        }
        let packet = match self.held.take().map_or_else(|| self.format.next_packet(), |held| Ok(Some(held))) {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.end(out),
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return self.end(out);
            }
            Err(error) => return Err(self.damaged(error.to_string())),
        };
        let begin = u64::try_from(packet.pts.get()).unwrap_or(0);
        if self.salvage.can_fill(self.samples, begin, self.rate_hz) {
            (self.silent_until, self.held) = (begin, Some(packet));
            return self.read(out);
        }
        if begin != self.samples {
            let next = begin as f64 / f64::from(self.rate_hz);
            return Err(self.damaged(format!("the next sound frame is that at {next:.3} s")));
        }
        self.frame_bytes += packet.data.len() as u64;
        let (samples, due) = match self.decoder.decode(&packet) {
            Ok(decoded) => {
                decoded.copy_to_vec_interleaved(&mut self.interleaved);
                (decoded.frames() as u64, packet.dur.get())
            }
            Err(error) => return Err(self.damaged(error.to_string())),
        };
        if samples != due {
            return Err(self.damaged(format!("a frame has {samples} samples instead of {due}")));
        }
        for frame in self.interleaved.chunks_exact(self.channels) {
            out.iter_mut().zip(frame).for_each(|(channel, &sample)| channel.push(sample));
        }
        self.samples += samples;
        Ok(true)
    }

    /// Whether more comes when no frame does.
    fn end(&mut self, out: &mut [Vec<f32>]) -> Result<bool, AudioError> {
        match self.length_samples {
            Some(length) if self.salvage.can_fill(self.samples, length, self.rate_hz) => {
                self.silent_until = length;
                self.read(out)
            }
            _ => self.check_end().map(|()| false),
        }
    }

    /// Compares what was read with what the file says.
    fn check_end(&mut self) -> Result<(), AudioError> {
        if let Some(error) = self.tally.take_error() {
            return Err(error.into());
        }
        let found = self.samples;
        match self.length_samples {
            Some(declared) if found < declared => {
                return Err(AudioError::Cut { declared, found, unit: "samples that are sound" });
            }
            Some(declared) if found > declared => return Err(AudioError::MoreSamples { declared, found }),
            _ => {}
        }
        if !self.salvage.missing().is_empty() {
            return Ok(());
        }
        if self.has_md5 {
            return match self.decoder.finalize().verify_ok {
                Some(true) => Ok(()),
                _ => Err(AudioError::Digest),
            };
        }
        let tag_bytes = self.tag_bytes.load(std::sync::atomic::Ordering::Relaxed);
        let due = self.tally.bytes() - self.other_bytes - tag_bytes;
        if self.frame_bytes != due {
            let bytes = due.saturating_sub(self.frame_bytes);
            return Err(self.damaged(format!("{bytes} bytes of the file are no part of a sound frame")));
        }
        Ok(())
    }

    /// Damaged after what has been read.
    fn damaged(&self, problem: String) -> AudioError {
        match self.tally.take_error() {
            Some(error) => error.into(),
            None => AudioError::Damaged { seconds: self.samples as f64 / f64::from(self.rate_hz), problem },
        }
    }
}

/// Reads all that comes before the frames: the stream's description, and how many bytes all of it has.
fn read_metadata(bytes: &mut Bytes) -> Result<([u8; STREAM_INFO_BYTES], u64), AudioError> {
    let mut count = 0;
    let mut take = |bytes: &mut Bytes, out: &mut [u8]| {
        count += out.len() as u64;
        bytes.read_exact(out).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => AudioError::header("it ends within its header"),
            _ => error.into(),
        })
    };
    let mut magic = [0; 4];
    take(bytes, &mut magic)?;
    let mut skipped = 0;
    while magic.starts_with(b"ID3") {
        let mut rest = [0; 6];
        take(bytes, &mut rest)?;
        let size = rest[2..].iter().fold(0, |size, &byte| size << 7 | u64::from(byte & 0x7F));
        skipped += skip(bytes, size)?;
        take(bytes, &mut magic)?;
    }
    if &magic != b"fLaC" {
        return Err(AudioError::Unknown { what: after_a_tag(&magic) });
    }
    let mut info = None;
    loop {
        let mut header = [0; 4];
        take(bytes, &mut header)?;
        let size = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        if header[0] & !LAST == STREAM_INFO && info.is_none() {
            if size != STREAM_INFO_BYTES {
                let problem =
                    format!("its stream info has {size} bytes, and {STREAM_INFO_BYTES} are expected");
                return Err(AudioError::header(problem));
            }
            let mut block = [0; STREAM_INFO_BYTES];
            take(bytes, &mut block)?;
            info = Some(block);
        } else {
            skipped += skip(bytes, size as u64)?;
        }
        if header[0] & LAST != 0 {
            break;
        }
    }
    let info = info.ok_or_else(|| AudioError::header("it has no stream info"))?;
    Ok((info, count + skipped))
}

/// What a file may be whose tag is followed by `magic`.
fn after_a_tag(magic: &[u8]) -> &'static str {
    match other_format(magic) {
        UNKNOWN => "an ID3 tag before something that is not FLAC",
        known => known,
    }
}

fn skip(bytes: &mut Bytes, size: u64) -> Result<u64, AudioError> {
    match io::copy(&mut bytes.by_ref().take(size), &mut io::sink())? {
        found if found < size => Err(AudioError::header("it ends within its header")),
        found => Ok(found),
    }
}

/// The bytes without an ID3v1 tag at their end: 128 bytes that begin with `TAG`.
struct WithoutTag<R> {
    inner: R,
    /// Read, and not given yet: the last ones may be a tag.
    held: Vec<u8>,
    is_at_end: bool,
    /// Bytes of the tag that was found.
    tag_bytes: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

const TAG_BYTES: usize = 128;
const HELD_BYTES: usize = 1 << 15;

impl<R: Read> WithoutTag<R> {
    fn new(inner: R) -> Self {
        Self { inner, held: Vec::new(), is_at_end: false, tag_bytes: Default::default() }
    }
}

impl<R: Read> Read for WithoutTag<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.is_at_end && self.held.len() <= TAG_BYTES {
            let wanted = (HELD_BYTES - self.held.len()) as u64;
            if self.inner.by_ref().take(wanted).read_to_end(&mut self.held)? == 0 {
                self.is_at_end = true;
                let tag =
                    self.held.len().checked_sub(TAG_BYTES).filter(|&at| self.held[at..].starts_with(b"TAG"));
                if let Some(tag) = tag {
                    self.held.truncate(tag);
                    self.tag_bytes.store(TAG_BYTES as u64, std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
        let kept = if self.is_at_end { 0 } else { TAG_BYTES };
        let count = (self.held.len() - kept).min(out.len());
        out[..count].copy_from_slice(&self.held[..count]);
        self.held.drain(..count);
        Ok(count)
    }
}

//! Reads a take: all that is sound of it, and what is not.

mod lose;
mod track;

use std::fs::File;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;

use super::anchor::Anchor;
use super::error::TakeError;
use super::format::{
    Gap, GapReason, MAX_FRAMES, Record, is_cut_record, payload_bytes, read_frames, read_header, read_record,
};
use super::header::Header;
use super::serializer::{Footer, TakeSerializer};
use super::window::{WINDOW_BYTES, Window};
use sacodec_token::{FRAME_RATE_HZ, TokenFrame};

/// Missing frames that are taken for granted, and how many more for each frame that is there. A
/// short file that claims hours of missing frames is refused rather than filled.
const MISSING_FRAMES: u64 = 3600 * FRAME_RATE_HZ as u64;
const MISSING_PER_FRAME: u64 = 100;
/// If a block seems to be this many frames or more after the last one, no frames are missing: the
/// block is older than what was read, and it is damage.
const MAX_UNNOTED_FRAMES: u16 = 1 << 15;
/// Longest file that is read: a day of sixteen channels.
const MAX_FILE_BYTES: u64 = 300 << 20;
/// What is kept of such a file, at most: its tokens have 396 MiB.
const MAX_KEPT_BYTES: usize = 512 << 20;
/// Records of later versions that are kept at most.
const MAX_UNKNOWN_RECORDS: usize = 1 << 16;

/// Bytes of the file that belong to no sound record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Where they begin.
    pub offset: usize,
    /// How many.
    pub bytes: usize,
}

/// Consecutive frames that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    index: u32,
    frames: u32,
    /// Place of its first token in `tokens`.
    offset: usize,
}

/// A take as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// What coded it.
    pub header: Header,
    /// The places of frames, in order.
    pub anchors: Vec<Anchor>,
    /// Missing frames that the take itself names.
    pub gaps: Vec<Gap>,
    /// The last record; `None` while it is being recorded, and where its host died.
    pub footer: Option<Footer>,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// Bytes after the last sound record of an unfinished take: the block that was being written.
    pub cut_bytes: usize,
    /// Whether its own header was damaged, and that of a take of its kind stands in [`Take::header`].
    pub has_borrowed_header: bool,
    /// Records of a later version: the index of the frame that they come before, tag and body.
    unknown: Vec<(u32, u8, Vec<u8>)>,
    unknown_bytes: usize,
    tokens: Vec<TokenFrame>,
    runs: Vec<Run>,
    frames: u32,
}

impl Take {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`Take::parse`], and [`TakeError::Io`].
    pub fn open(path: &Path) -> Result<Self, TakeError> {
        let file = File::open(path)?;
        // What is read counts too: it may grow meanwhile, and a device has no length.
        Self::check_size(file.metadata()?.len())?;
        Self::from_reader(file)
    }

    /// Whether a file of so many bytes may be a take.
    ///
    /// # Errors
    /// [`TakeError::TooLarge`].
    pub fn check_size(bytes: u64) -> Result<(), TakeError> {
        if bytes > MAX_FILE_BYTES { Err(TakeError::TooLarge { bytes }) } else { Ok(()) }
    }

    /// Reads a take to the end of a pipe or the like. The bytes are not kept, only what they say.
    ///
    /// # Errors
    /// As [`Take::parse`], and [`TakeError::Io`].
    pub fn from_reader(source: impl Read) -> Result<Self, TakeError> {
        Self::read(source, None, MAX_KEPT_BYTES)
    }

    /// Reads a take from its bytes. Damage after the header is not an error: see
    /// [`Take::damage`].
    ///
    /// # Errors
    /// Where nothing can be read: a wrong or damaged header, another version; [`TakeError::TooLarge`],
    /// [`TakeError::TooMuch`] and [`TakeError::MostlyMissing`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TakeError> {
        Self::from_reader(bytes)
    }

    /// As [`Take::from_reader`]; where the header is damaged, `like` takes its place: that of a take of its kind.
    ///
    /// # Errors
    /// As [`Take::from_reader`]; that of the header where nothing is found with the other one either.
    pub fn recover(source: impl Read, like: &Header) -> Result<Self, TakeError> {
        Self::read(source, Some(like), MAX_KEPT_BYTES)
    }

    fn read(source: impl Read, like: Option<&Header>, max_kept_bytes: usize) -> Result<Self, TakeError> {
        let mut window = Window::new(source);
        let (mut take, problem) = match (read_header(window.bytes()?), like) {
            (Ok((header, length)), _) => {
                window.advance(length);
                (Self::empty(header), None)
            }
            (
                Err(error @ (TakeError::HeaderDamaged | TakeError::HeaderCut | TakeError::Magic)),
                Some(like),
            ) => (Self { has_borrowed_header: true, ..Self::empty(borrowed(like)) }, Some(error)),
            (Err(error), _) => return Err(error),
        };
        // The damage that was met last: what is cut at the end is known by how it begins.
        let mut skipped = Vec::new();
        loop {
            let at = window.offset();
            let bytes = window.bytes()?;
            let Some(&first) = bytes.first() else { break };
            match read_record(&take.header, bytes) {
                Some((record, length)) if take.footer.is_none() && take.accept(&record) => {
                    skipped.clear();
                    window.advance(length);
                }
                _ => {
                    take.skip(at as usize);
                    if skipped.len() < WINDOW_BYTES {
                        skipped.push(first);
                    }
                    window.advance(1);
                }
            }
            if window.offset() > MAX_FILE_BYTES {
                return Err(TakeError::TooLarge { bytes: window.offset() });
            }
            if take.kept_bytes() > max_kept_bytes {
                return Err(TakeError::TooMuch { mib: max_kept_bytes >> 20 });
            }
        }
        take.settle_cut(&skipped);
        take.check_missing()?;
        match problem {
            Some(error) if take.present_frames() == 0 => Err(error),
            _ => Ok(take),
        }
    }

    fn empty(header: Header) -> Self {
        Self {
            header,
            anchors: Vec::new(),
            gaps: Vec::new(),
            footer: None,
            damage: Vec::new(),
            cut_bytes: 0,
            has_borrowed_header: false,
            unknown: Vec::new(),
            unknown_bytes: 0,
            tokens: Vec::new(),
            runs: Vec::new(),
            frames: 0,
        }
    }

    /// Memory that it takes up.
    fn kept_bytes(&self) -> usize {
        size_of_val(&self.tokens[..])
            + size_of_val(&self.runs[..])
            + size_of_val(&self.anchors[..])
            + size_of_val(&self.gaps[..])
            + size_of_val(&self.damage[..])
            + self.unknown_bytes
    }

    /// Frames, missing ones included.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Frames that are there.
    pub fn present_frames(&self) -> u32 {
        self.runs.iter().map(|run| run.frames).sum()
    }

    /// Whether the take was closed and nothing of it is missing or damaged.
    pub fn is_whole(&self) -> bool {
        self.footer.is_some() && self.damage.is_empty() && self.present_frames() == self.frames
    }

    /// Whether the take was closed, nothing of it is damaged and every missing frame is noted in it: there is nothing to repair.
    pub fn is_undamaged(&self) -> bool {
        let is_noted =
            |missing: &Gap| self.gaps.binary_search_by_key(&missing.index, |gap| gap.index).is_ok();
        self.footer.is_some()
            && self.damage.is_empty()
            && self.cut_bytes == 0
            && self.missing().iter().all(is_noted)
    }

    /// Frames from the first to the last one in order: the tokens of each channel, or `None`.
    pub fn iter(&self) -> impl Iterator<Item = Option<&[TokenFrame]>> {
        let channels = self.header.channels;
        let mut next = 0;
        self.runs.iter().map(Some).chain([None]).flat_map(move |run| {
            let index = run.map_or(self.frames, |run| run.index);
            let missing = index - next;
            next = run.map_or(self.frames, |run| run.index + run.frames);
            let present = run.map_or(0..0, |run| run.offset..run.offset + run.frames as usize * channels);
            let missing = std::iter::repeat_n(None, missing as usize);
            missing.chain(self.tokens[present].chunks_exact(channels).map(Some))
        })
    }

    /// The tokens of each channel of frame `index`; `None` where it is missing.
    pub fn frame(&self, index: u32) -> Option<&[TokenFrame]> {
        let runs_up_to = self.runs.partition_point(|run| run.index <= index);
        let run = self.runs.get(runs_up_to.checked_sub(1)?)?;
        let at = index - run.index;
        let offset = run.offset + at as usize * self.header.channels;
        (at < run.frames).then(|| &self.tokens[offset..offset + self.header.channels])
    }

    /// Every stretch of missing frames, whatever the reason: from the file's gaps, or damage.
    pub fn missing(&self) -> Vec<Gap> {
        let mut missing = Vec::new();
        let mut next = 0;
        let ends = self.runs.iter().map(|run| (run.index, run.index + run.frames));
        for (index, end) in ends.chain([(self.frames, self.frames)]) {
            self.split_missing(next..index, &mut missing);
            next = end;
        }
        missing
    }

    /// Gaps of the file inside `range`, and damage for the rest of it.
    fn split_missing(&self, mut range: Range<u32>, missing: &mut Vec<Gap>) {
        let mut push = |range: Range<u32>, reason| {
            if !range.is_empty() {
                missing.push(Gap { index: range.start, count: range.end - range.start, reason });
            }
        };
        let first = self.gaps.partition_point(|gap| gap.index < range.start);
        let inside = self.gaps[first..].iter().take_while(|gap| gap.index < range.end);
        for gap in inside {
            push(range.start..gap.index, GapReason::Damage);
            push(gap.index..gap.index + gap.count, gap.reason);
            range.start = gap.index + gap.count;
        }
        push(range, GapReason::Damage);
    }

    /// The place of frame `index`; `None` before the first anchor.
    pub fn place(&self, index: u32) -> Option<Anchor> {
        let anchors_up_to = self.anchors.partition_point(|anchor| anchor.index <= index);
        let anchor = self.anchors.get(anchors_up_to.checked_sub(1)?)?;
        Some(anchor.at(index, self.header.frame_samples(), self.header.host_rate_hz))
    }

    /// First input sample of the first frame, counted over the audio that the take was coded from,
    /// whichever anchor is the first that is there.
    pub fn first_stream_samples(&self) -> f64 {
        let (samples, rate_hz) = (self.header.frame_samples(), self.header.host_rate_hz);
        self.anchors.first().map_or(0.0, |anchor| anchor.at(0, samples, rate_hz).stream_samples)
    }

    /// For each frame its place and the number of its segment, in order.
    pub fn places(&self) -> impl Iterator<Item = (Option<Anchor>, usize)> {
        let (samples, rate_hz) = (self.header.frame_samples(), self.header.host_rate_hz);
        let mut anchors = self.anchors.iter().peekable();
        let (mut current, mut segments) = (None::<&Anchor>, 0_usize);
        (0..self.frames).map(move |index| {
            while let Some(anchor) = anchors.next_if(|anchor| anchor.index <= index) {
                segments += usize::from(anchor.new_segment || current.is_none());
                current = Some(anchor);
            }
            (current.map(|anchor| anchor.at(index, samples, rate_hz)), segments.saturating_sub(1))
        })
    }

    /// The take written anew, as [`Take::write_repaired`].
    ///
    /// # Errors
    /// As [`TakeSerializer`].
    pub fn repaired(&self) -> Result<Vec<u8>, TakeError> {
        let mut bytes = Vec::new();
        self.write_repaired(&mut bytes).map(|()| bytes)
    }

    /// Writes the take anew: sound records only, missing frames as gaps, with a footer.
    ///
    /// # Errors
    /// As [`TakeSerializer`], and [`TakeError::Io`] as `out`.
    pub fn write_repaired(&self, out: &mut impl Write) -> Result<(), TakeError> {
        let skipped: usize = self.damage.iter().map(|d| d.bytes).sum::<usize>() + self.cut_bytes;
        let header = if self.has_borrowed_header { ", and the header is that of another take" } else { "" };
        let note = (!self.is_whole()).then(|| format!("repaired: {skipped} bytes could not be read{header}"));
        self.write_anew(note, out)
    }

    /// As [`Take::write_repaired`], with another note in its footer, or none.
    ///
    /// # Errors
    /// As [`Take::write_repaired`].
    pub fn write_anew(&self, note: Option<String>, out: &mut impl Write) -> Result<(), TakeError> {
        let mut writer = TakeSerializer::new(self.header.clone())?;
        let mut anchors = self.anchors.iter().peekable();
        let mut unknown = self.unknown.iter().peekable();
        let mut missing = self.missing().into_iter().peekable();
        for (index, tokens) in (0..).zip(self.iter()) {
            if writer.bytes_ready() > WINDOW_BYTES {
                out.write_all(&writer.take_bytes())?;
            }
            while let Some((_, tag, body)) = unknown.next_if(|(at, ..)| *at <= index) {
                writer.unknown(*tag, body);
            }
            while let Some(anchor) = anchors.next_if(|anchor| anchor.index <= index) {
                if anchor.index < writer.next_index() {
                    // It is inside a gap, and was written with it.
                    continue;
                }
                let repeats = writer.next_index() > 0 && !anchor.new_segment && !anchor.codec_reset;
                if !repeats || self.moves(anchor) {
                    writer.anchor(*anchor);
                }
            }
            match tokens {
                Some(tokens) => writer.frame(tokens)?,
                None => {
                    if let Some(gap) = missing.next_if(|gap| gap.index == index) {
                        self.write_gap(&gap, &mut writer)?;
                    }
                }
            }
        }
        for (_, tag, body) in unknown {
            writer.unknown(*tag, body);
        }
        let mut footer = self.footer.clone().unwrap_or_default();
        if footer.closed.is_empty() {
            footer.closed = "unfinished".into();
        }
        footer.notes.extend(note);
        writer.finish_as(footer);
        Ok(out.write_all(&writer.take_bytes())?)
    }

    /// A gap may have anchors inside. They give the place of the frames after them, so the gap is
    /// split there.
    fn write_gap(&self, gap: &Gap, writer: &mut TakeSerializer) -> Result<(), TakeError> {
        let end = gap.index + gap.count;
        let first = self.anchors.partition_point(|anchor| anchor.index <= gap.index);
        for anchor in self.anchors[first..].iter().take_while(|anchor| anchor.index < end) {
            if anchor.new_segment || anchor.codec_reset || self.moves(anchor) {
                writer.gap(anchor.index - writer.next_index(), gap.reason)?;
                writer.anchor(*anchor);
            }
        }
        writer.gap(end - writer.next_index(), gap.reason)
    }

    /// Whether an anchor says something else than the one before it.
    fn moves(&self, anchor: &Anchor) -> bool {
        let before = self.anchors.partition_point(|other| other.index < anchor.index).checked_sub(1);
        before.is_none_or(|before| {
            let (samples, rate_hz) = (self.header.frame_samples(), self.header.host_rate_hz);
            self.anchors[before].at(anchor.index, samples, rate_hz) != *anchor
        })
    }

    /// Takes a sound record in; `false` if its content is not valid.
    fn accept(&mut self, record: &Record) -> bool {
        match *record {
            Record::Frames { low_index, frames, payload } => self.accept_frames(low_index, frames, payload),
            Record::Anchor(anchor) => {
                if anchor.index < self.frames || anchor.index >= MAX_FRAMES {
                    return false;
                }
                // Two on one frame are both kept: the later one counts.
                self.frames = anchor.index;
                self.anchors.push(anchor);
                true
            }
            Record::Gap(gap) => {
                let end = gap.index.checked_add(gap.count).filter(|&end| end <= MAX_FRAMES);
                let Some(end) = end.filter(|_| gap.index >= self.frames) else { return false };
                self.gaps.push(gap);
                self.frames = end;
                true
            }
            Record::Footer(json) => match serde_json::from_slice::<Footer>(json) {
                Ok(footer) if (u64::from(self.frames)..=MAX_FRAMES.into()).contains(&footer.frames) => {
                    self.frames = footer.frames as u32;
                    self.footer = Some(footer);
                    true
                }
                _ => false,
            },
            Record::Unknown { .. } if self.unknown.len() >= MAX_UNKNOWN_RECORDS => false,
            Record::Unknown { tag, body } => {
                self.unknown_bytes += size_of::<(u32, u8, Vec<u8>)>() + body.len();
                self.unknown.push((self.frames, tag, body.to_vec()));
                true
            }
        }
    }

    fn accept_frames(&mut self, low_index: u16, frames: usize, payload: &[u8]) -> bool {
        debug_assert_eq!(payload.len(), payload_bytes(&self.header, frames));
        let ahead = low_index.wrapping_sub(self.frames as u16);
        if ahead >= MAX_UNNOTED_FRAMES {
            // Most likely a block that is in the file twice.
            return false;
        }
        let index = self.frames + u32::from(ahead);
        let offset = self.tokens.len();
        if index + frames as u32 > MAX_FRAMES || !read_frames(&self.header, frames, payload, &mut self.tokens)
        {
            return false;
        }
        match self.runs.last_mut() {
            Some(run) if ahead == 0 && run.index + run.frames == index => run.frames += frames as u32,
            _ => self.runs.push(Run { index, frames: frames as u32, offset }),
        }
        self.frames = index + frames as u32;
        true
    }

    /// Notes a byte that belongs to no record.
    fn skip(&mut self, at: usize) {
        match self.damage.last_mut() {
            Some(damage) if damage.offset + damage.bytes == at => damage.bytes += 1,
            _ => self.damage.push(Damage { offset: at, bytes: 1 }),
        }
    }

    /// What is cut off at the end of an unfinished take is not damage. `last` is what the file ends in that is no
    /// sound record.
    fn settle_cut(&mut self, last: &[u8]) {
        let header = &self.header;
        if self.footer.is_none()
            && let Some(cut) = self.damage.pop_if(|d| d.bytes == last.len() && is_cut_record(header, last))
        {
            self.cut_bytes = cut.bytes;
        }
    }

    fn check_missing(&self) -> Result<(), TakeError> {
        let present = u64::from(self.present_frames());
        let missing = u64::from(self.frames) - present;
        if missing > MISSING_FRAMES + MISSING_PER_FRAME * present {
            return Err(TakeError::MostlyMissing { missing, present });
        }
        Ok(())
    }
}

/// A header for a take that has none, after that of a take of its kind.
fn borrowed(like: &Header) -> Header {
    // What the other take says of itself is not true of this one.
    Header {
        latency_samples: None,
        stream_frame: None,
        first_sample: None,
        tempo_bpm: None,
        source: None,
        created: None,
        ..like.clone()
    }
}

#[cfg(test)]
mod tests;

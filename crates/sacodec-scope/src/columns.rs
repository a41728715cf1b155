//! The last columns of spectrogram and token lanes: one for each frame of the codec.

use super::spectrum::Spectra;
use sacodec_engine::{FramePlace, LostStreams};
use sacodec_token::TokenFrame;

/// Columns that are remembered: 13.6 s.
pub const SPAN_COLUMNS: usize = 1024;

/// A frame of the codec and what was heard of it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Number of the frame, counted from where the codec last began afresh; `None` for one that never came.
    pub frame: Option<u64>,
    /// Where it stands in the stream.
    pub place: FramePlace,
    /// Tokens of each coded channel.
    pub tokens: [TokenFrame; 2],
    /// Coded channels: 2 in dual mono.
    pub channels: u8,
    /// The codec failed on it.
    pub failed: bool,
    /// What of its tokens did not reach the decoder.
    pub lost: LostStreams,
    /// Streams that were not coded of the input: see [`CodedFrame::played`](sacodec_engine::CodedFrame::played).
    pub played: [bool; 2],
    /// Levels by band, see [`level_db`](super::level_db); of silence where samples are missing.
    pub spectra: Spectra,
}

impl Column {
    const MISSING: Self = Self {
        frame: None,
        place: FramePlace { start_samples: 0.0, pass_samples: 0.0 },
        tokens: [TokenFrame { semantic: 0, acoustic: 0 }; 2],
        channels: 0,
        failed: false,
        lost: LostStreams::NONE,
        played: [false; 2],
        spectra: Spectra::SILENT,
    };
}

/// A ring of [`SPAN_COLUMNS`]; columns are known by their number, counted from the last clearing.
#[derive(Clone)]
pub struct Columns {
    ring: Vec<Column>,
    written: u64,
    epoch: u64,
    /// The last frame's number, and where it stands.
    last_frame: Option<(u64, FramePlace)>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { ring: vec![Column::MISSING; SPAN_COLUMNS], written: 0, epoch: 0, last_frame: None }
    }
}

impl Columns {
    /// Columns since the last clearing.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Grows with every clearing.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A column by its number, if it is remembered.
    pub fn get(&self, number: u64) -> Option<&Column> {
        let oldest = self.written.saturating_sub(SPAN_COLUMNS as u64);
        (oldest..self.written).contains(&number).then(|| &self.ring[(number % SPAN_COLUMNS as u64) as usize])
    }

    /// A picture of these, which tells itself from all others by `epoch`.
    pub(super) fn of(columns: &[Column], epoch: u64) -> Self {
        let mut picture = Self { epoch, ..Self::default() };
        columns.iter().for_each(|column| picture.write(*column));
        picture
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.written = 0;
        self.last_frame = None;
        self.epoch += 1;
    }

    /// The next frame; a hop is `hop_samples` of the host's. Frames that were left out become missing columns, so that
    /// the axis stays true.
    pub(super) fn push(&mut self, column: Column, hop_samples: f64) {
        let gap = self.frames_before(&column, hop_samples);
        if gap >= SPAN_COLUMNS as u64 {
            self.clear();
        } else {
            (0..gap).for_each(|_| self.write(Column::MISSING));
        }
        self.last_frame = column.frame.map(|frame| (frame, column.place)).or(self.last_frame);
        self.write(column);
    }

    /// Frames between the last one and this one.
    fn frames_before(&self, column: &Column, hop_samples: f64) -> u64 {
        let (Some((last, place)), Some(frame)) = (self.last_frame, column.frame) else { return 0 };
        if place.pass_samples == column.place.pass_samples {
            return frame.wrapping_sub(last + 1);
        }
        // The pass before ends where this one begins, inside a hop of its own; this one has frames from 0 on. Places
        // are computed in floating point.
        let hops = (column.place.pass_samples - place.start_samples) / hop_samples;
        let ended = ((hops - 0.01).ceil() as u64).saturating_sub(1);
        ended.saturating_add(frame)
    }

    fn write(&mut self, column: Column) {
        self.ring[(self.written % SPAN_COLUMNS as u64) as usize] = column;
        self.written += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_out_frames_keep_their_place_and_a_long_gap_begins_anew() {
        let mut columns = Columns::default();
        let frame = |n| Column { frame: Some(n), ..Column::MISSING };
        for n in [5, 6, 9] {
            columns.push(frame(n), 640.0);
        }
        let frames: Vec<_> = (0..columns.written()).map(|n| columns.get(n).unwrap().frame).collect();
        assert_eq!(frames, [Some(5), Some(6), None, None, Some(9)]);
        let epoch = columns.epoch();
        columns.push(frame(9 + SPAN_COLUMNS as u64 + 1), 640.0);
        assert_eq!((columns.written(), columns.epoch()), (1, epoch + 1));
        assert!(columns.get(1).is_none());
    }

    /// Frames by number, first sample and pass -> the columns that they become.
    fn columns_of(frames: &[(u64, f64, f64)]) -> Vec<Option<u64>> {
        let mut columns = Columns::default();
        for &(n, start_samples, pass_samples) in frames {
            let place = FramePlace { start_samples, pass_samples };
            columns.push(Column { frame: Some(n), place, ..Column::MISSING }, 640.0);
        }
        assert_eq!(columns.epoch(), 0);
        (0..columns.written()).map(|n| columns.get(n).unwrap().frame).collect()
    }

    #[test]
    fn another_pass_goes_on_beside_the_one_before() {
        let frames = [(700, 3600.0, 0.0), (701, 4240.0, 0.0), (0, 4500.0, 4800.0), (1, 5140.0, 4800.0)];
        assert_eq!(columns_of(&frames), [Some(700), Some(701), Some(0), Some(1)]);
    }

    #[test]
    fn frames_that_were_left_out_where_a_pass_begins_are_missing() {
        // The pass before had frames at 4240, 4880 and 5520, and the one that begins at 6000 had two more.
        let frames = [(700, 3600.0, 0.0), (2, 7200.0, 6000.0), (3, 7840.0, 6000.0)];
        assert_eq!(columns_of(&frames), [Some(700), None, None, None, None, None, Some(2), Some(3)]);
    }
}

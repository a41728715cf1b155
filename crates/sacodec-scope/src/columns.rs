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
        spectra: Spectra::SILENT,
    };
}

/// A ring of [`SPAN_COLUMNS`]; columns are known by their number, counted from the last clearing.
#[derive(Clone)]
pub struct Columns {
    ring: Vec<Column>,
    written: u64,
    epoch: u64,
    /// The last frame's number, and where its pass began.
    last_frame: Option<(u64, f64)>,
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

    /// The next frame. Frames that were left out become missing columns, so that the axis stays true.
    pub(super) fn push(&mut self, column: Column) {
        let pass_samples = column.place.pass_samples;
        if let (Some((last, last_pass)), Some(frame)) = (self.last_frame, column.frame)
            && last_pass == pass_samples
        {
            let gap = frame.wrapping_sub(last + 1);
            if gap >= SPAN_COLUMNS as u64 {
                self.clear();
            } else {
                (0..gap).for_each(|_| self.write(Column::MISSING));
            }
        }
        self.last_frame = column.frame.map(|frame| (frame, pass_samples)).or(self.last_frame);
        self.write(column);
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
            columns.push(frame(n));
        }
        let frames: Vec<_> = (0..columns.written()).map(|n| columns.get(n).unwrap().frame).collect();
        assert_eq!(frames, [Some(5), Some(6), None, None, Some(9)]);
        let epoch = columns.epoch();
        columns.push(frame(9 + SPAN_COLUMNS as u64 + 1));
        assert_eq!((columns.written(), columns.epoch()), (1, epoch + 1));
        assert!(columns.get(1).is_none());
    }

    #[test]
    fn another_pass_goes_on_beside_the_one_before() {
        let mut columns = Columns::default();
        for (n, pass_samples) in [(700, 0.0), (701, 0.0), (0, 5000.0), (1, 5000.0)] {
            let place = FramePlace { pass_samples, ..FramePlace::default() };
            columns.push(Column { frame: Some(n), place, ..Column::MISSING });
        }
        let frames: Vec<_> = (0..columns.written()).map(|n| columns.get(n).unwrap().frame).collect();
        assert_eq!((frames, columns.epoch()), (vec![Some(700), Some(701), Some(0), Some(1)], 0));
    }
}

//! The scope itself: what the tap gives becomes what is shown.

use super::columns::{Column, Columns};
use super::current::Current;
use super::domain::{Domain, Oddity};
use super::load::LoadStats;
use super::meters::Meters;
use super::moments::{Axis, Moments, Picture, SeenMoment};
use super::spectrum::Spectra;
use super::tap::{Snapshot, TapEvent, TapReceiver};
use super::usage::Usage;
use sacodec_codec::SpeechStats;
use sacodec_engine::{FramePlace, Timing};
use sacodec_moments::Marker;
use sacodec_token::FRAME_RATE_HZ;

/// The place of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimelineSpot {
    /// Seconds since the stream began.
    pub stream_s: f64,
    /// Host samples and seconds from the beginning of the host's timeline, where it tells.
    pub timeline: Option<(f64, f64)>,
}

/// Everything an editor shows of the sound and its tokens.
#[derive(Default)]
pub struct Scope {
    /// Spectra and tokens, by frame.
    pub columns: Columns,
    /// Use of the codebooks.
    pub usage: Usage,
    /// Shares of the blocks.
    pub load: LoadStats,
    meters: Option<Meters>,
    current: Option<Current>,
    /// Columns that are collected while the shown ones are held.
    live_columns: Option<Columns>,
    /// The axis of what is held, where it is not the current stream's.
    held_axis: Option<Axis>,
    moments: Moments,
    domain: Domain,
    /// The moment whose picture is held, and its column there.
    held_moment: Option<(u64, u64)>,
    opening: u32,
}

impl Scope {
    /// Takes what has come since the last call; `true` if anything has.
    pub fn update(&mut self, receiver: &mut TapReceiver) -> bool {
        let mut changed = false;
        while let Some(event) = receiver.pop_event() {
            changed = true;
            self.event(event);
        }
        let Some(stream) = self.current.as_ref().map(|c| c.stream) else { return changed };
        while let Some(snapshot) = receiver.pop_snapshot(stream) {
            changed = true;
            if snapshot.stream == stream {
                self.snapshot(&snapshot);
            }
        }
        self.finish_columns();
        self.draw_moments();
        changed
    }

    /// The meters, once there is sound.
    pub fn meters(&self) -> Option<&Meters> {
        self.meters.as_ref()
    }

    /// Forgets clips and highest peaks.
    pub fn reset_peaks(&mut self) {
        if let Some(meters) = &mut self.meters {
            meters.reset_peaks();
        }
    }

    /// Holds the shown columns. Meters and usage continue. New columns are collected and shown afterwards.
    pub fn hold(&mut self, held: bool) {
        if held && self.live_columns.is_none() {
            self.live_columns = Some(self.columns.clone());
        } else if !held && let Some(live) = self.live_columns.take() {
            self.columns = live;
            self.held_axis = None;
            self.held_moment = None;
        }
    }

    /// The worst moments since playback began, the worst first.
    pub fn moments(&self) -> impl ExactSizeIterator<Item = &SeenMoment> {
        self.moments.seen()
    }

    /// The same as markers.
    pub fn markers(&self) -> Vec<Marker> {
        self.moments.markers()
    }

    /// Forgets the moments; a picture that is held stays.
    pub fn clear_moments(&mut self) {
        self.moments.clear();
    }

    /// Holds the picture of a moment, told by [`SeenMoment::number`], as [`Scope::hold`] does.
    pub fn hold_moment(&mut self, number: u64) {
        let live = self.live_columns.as_ref().unwrap_or(&self.columns);
        let Some(Picture { columns, column, axis }) = self.moments.picture(number, live).cloned() else {
            return;
        };
        self.hold(true);
        // The clearings of streams are counted from 0.
        self.columns = Columns::of(&columns, u64::MAX - number);
        self.held_axis = Some(axis);
        self.held_moment = Some((number, column));
    }

    /// The moment whose picture is held, and its column there.
    pub fn held_moment(&self) -> Option<(u64, u64)> {
        self.held_moment
    }

    /// What is odd about the sound of now, for a pack that says this of speech.
    pub fn oddity(&self, stats: &SpeechStats) -> Option<Oddity> {
        self.domain.oddity(stats)
    }

    /// The axis of the columns.
    fn shown(&self) -> Option<&Axis> {
        self.held_axis.as_ref().or(self.current.as_ref().map(|current| &current.axis))
    }

    /// Whether the shown columns are held.
    pub fn is_held(&self) -> bool {
        self.live_columns.is_some()
    }

    /// The host's rate in Hz, once a stream is looked at.
    pub fn rate_hz(&self) -> Option<f64> {
        self.shown().map(|axis| axis.timing.rate_hz)
    }

    /// Channels that are coded: two in dual mono, and one before anything was.
    pub fn coded_channels(&self) -> u8 {
        let last = self.columns.written().checked_sub(1).and_then(|n| self.columns.get(n));
        last.map_or(1, |column| column.channels.clamp(1, 2))
    }

    /// Seconds from one column to the next.
    pub fn column_s(&self) -> f64 {
        self.shown()
            .map_or(1.0 / FRAME_RATE_HZ, |axis| axis.timing.hop_samples as f64 / axis.timing.codec_rate_hz)
    }

    /// Where the frame of a column begins.
    pub fn spot(&self, place: FramePlace) -> Option<TimelineSpot> {
        Some(self.shown()?.spot(place))
    }

    fn event(&mut self, event: TapEvent) {
        match event {
            TapEvent::Stream { opening, stream, timing, channels } => {
                if std::mem::replace(&mut self.opening, opening) != opening {
                    self.usage.clear();
                    self.load.clear();
                }
                self.begin(stream, timing, channels);
            }
            TapEvent::Load(share) => self.load.push(share),
            TapEvent::Timeline { at_samples, transport } => {
                if let Some(current) = &mut self.current {
                    current.axis.timeline.block(at_samples, transport, ());
                    self.moments.transport(at_samples, transport.playing, &current.axis);
                }
            }
            TapEvent::Frame { index, place, tokens, channels, failed, lost, played, pack, sizes } => {
                if !failed && channels > 0 {
                    self.usage.push(tokens[0], pack, sizes.map(|size| size as usize));
                }
                if let Some(current) = &mut self.current {
                    current.is_dual = channels > 1;
                    let frame = Some(index);
                    let spectra = Spectra::SILENT;
                    let column = Column { frame, place, tokens, channels, failed, lost, played, spectra };
                    current.wait(column, pack);
                }
            }
        }
    }

    fn begin(&mut self, stream: u32, timing: Timing, channels: usize) {
        let is_new = self.current.as_ref().is_none_or(|current| current.stream != stream);
        let same = |c: &Current| c.axis.timing.rate_hz == timing.rate_hz && c.channels == channels;
        if self.current.as_ref().is_none_or(|c| !same(c)) || self.meters.is_none() {
            self.meters = Some(Meters::new(timing.rate_hz, channels));
        }
        // No more columns come that their pictures wait for.
        self.finish_moments();
        if self.is_held() && self.held_axis.is_none() {
            self.held_axis = self.current.take().map(|current| current.axis);
        }
        self.live_columns.as_mut().unwrap_or(&mut self.columns).clear();
        let current = Current::new(stream, timing, channels);
        self.moments.begin(timing.rate_hz, current.group, is_new);
        self.domain.clear();
        self.current = Some(current);
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        if let Some(meters) = &mut self.meters {
            meters.push(snapshot);
        }
        if let Some(current) = &mut self.current {
            let start = current.hear(snapshot);
            let [original, coded] = &current.heard;
            self.domain.hear(original);
            let columns = self.live_columns.as_ref().unwrap_or(&self.columns);
            self.moments.hear(start, original, coded, &current.axis, columns);
        }
    }

    /// Makes the pictures of moments that all columns are there for.
    fn draw_moments(&mut self) {
        let columns = self.live_columns.as_ref().unwrap_or(&self.columns);
        self.moments.draw(columns);
    }

    /// The current stream has ended.
    fn finish_moments(&mut self) {
        let columns = self.live_columns.as_ref().unwrap_or(&self.columns);
        if let Some(current) = &self.current {
            self.moments.finish(&current.axis, columns);
        }
    }

    /// Columns whose window is complete, or that will never be.
    fn finish_columns(&mut self) {
        let Some(current) = &mut self.current else { return };
        let columns = self.live_columns.as_mut().unwrap_or(&mut self.columns);
        while let Some(place) = current.waiting.front().map(|(column, _)| column.place) {
            let Some(sight) = current.look(place) else { break };
            let Some((mut column, pack)) = current.waiting.pop_front() else { break };
            if let Some((spectra, level_db)) = sight {
                column.spectra = spectra;
                if !column.failed {
                    let is_input = !column.played.contains(&true);
                    self.domain.frame(is_input.then_some(column.tokens[0]), level_db, pack);
                }
            }
            columns.push(column, current.axis.timing.hop_samples as f64 * current.axis.timing.ratio);
        }
    }
}

#[cfg(test)]
mod tests;

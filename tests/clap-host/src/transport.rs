//! The host's transport: where its playhead is, block by block.

use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader};

/// What the plugin is told of the transport. While playing it moves on with every block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Transport {
    /// The transport runs.
    pub playing: bool,
    /// The host is recording.
    pub recording: bool,
    /// The playhead at the next block's first sample.
    pub position_samples: f64,
    /// Beats per minute; with it there is a timeline in quarter notes too.
    pub tempo_bpm: Option<f64>,
    /// Start and end of a loop. It is taken at the end of a block: let one end there.
    pub loop_samples: Option<(f64, f64)>,
}

impl Transport {
    /// Playing from `position_samples` on.
    pub fn playing_at(position_samples: f64) -> Self {
        Self { playing: true, position_samples, ..Self::default() }
    }

    /// What CLAP makes of it.
    pub(crate) fn event(&self, rate_hz: f64) -> TransportEvent {
        let seconds = self.position_samples / rate_hz;
        let mut flags = TransportFlags::HAS_SECONDS_TIMELINE;
        flags.set(TransportFlags::IS_PLAYING, self.playing);
        flags.set(TransportFlags::IS_RECORDING, self.recording);
        flags.set(TransportFlags::HAS_TEMPO | TransportFlags::HAS_BEATS_TIMELINE, self.tempo_bpm.is_some());
        flags.set(TransportFlags::IS_LOOP_ACTIVE, self.loop_samples.is_some());
        let tempo = self.tempo_bpm.unwrap_or(0.0);
        let beats = |seconds: f64| (seconds * tempo / 60.0).into();
        let (start, end) = self.loop_samples.map_or((0.0, 0.0), |(s, e)| (s / rate_hz, e / rate_hz));
        TransportEvent {
            header: EventHeader::new_core(0, EventFlags::empty()),
            flags,
            song_pos_beats: beats(seconds),
            song_pos_seconds: seconds.into(),
            tempo,
            tempo_inc: 0.0,
            loop_start_beats: beats(start),
            loop_end_beats: beats(end),
            loop_start_seconds: start.into(),
            loop_end_seconds: end.into(),
            bar_start: 0.0.into(),
            bar_number: 0,
            time_signature_numerator: 4,
            time_signature_denominator: 4,
        }
    }

    /// A block of `length` samples was played.
    pub(crate) fn advance(&mut self, length: usize) {
        if !self.playing {
            return;
        }
        self.position_samples += length as f64;
        if let Some((start, end)) = self.loop_samples
            && self.position_samples >= end
        {
            self.position_samples -= end - start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_running_playhead_moves_and_a_loop_brings_it_back() {
        let mut transport = Transport { loop_samples: Some((100.0, 200.0)), ..Transport::playing_at(150.0) };
        transport.advance(50);
        assert_eq!(transport.position_samples, 100.0);
        transport.playing = false;
        transport.advance(50);
        assert_eq!(transport.position_samples, 100.0);
    }

    #[test]
    fn clap_is_told_seconds_and_quarter_notes() {
        let transport = Transport { tempo_bpm: Some(120.0), ..Transport::playing_at(24_000.0) };
        let event = transport.event(48_000.0);
        assert_eq!((event.song_pos_seconds.to_float(), event.song_pos_beats.to_float()), (0.5, 1.0));
        assert!(event.flags.contains(TransportFlags::IS_PLAYING | TransportFlags::HAS_TEMPO));
        assert!(!Transport::default().event(48_000.0).flags.contains(TransportFlags::HAS_BEATS_TIMELINE));
    }
}

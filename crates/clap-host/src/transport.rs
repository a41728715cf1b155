//! The host's transport: where its playhead is, block by block.

use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader};

/// What the plugin is told of the transport. While playing it moves on with every block.
///
/// ```
/// # use clap_host::Transport;
/// let transport = Transport { tempo_bpm: Some(120.0), ..Transport::playing_at(48_000.0) };
/// assert!(transport.playing && !transport.recording);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Transport {
    /// The transport runs.
    pub playing: bool,
    /// The host is recording.
    pub recording: bool,
    /// The playhead at the next block's first sample; negative before the song's start.
    pub position_samples: f64,
    /// Beats per minute; with it there is a timeline in quarter notes too.
    pub tempo_bpm: Option<f64>,
    /// The playhead in quarter notes, counted on at the tempo of each block, so that a change of
    /// tempo makes no jump; without a tempo it does not advance. Where it is `None` and there is a tempo,
    /// quarter notes are counted from sample 0, as if that had always been the tempo.
    pub position_quarters: Option<f64>,
    /// Start and end of a loop. A loop that does not end after its start is ignored. If the playhead
    /// is at or after the end when a block ends, it returns to the start, plus the distance by which
    /// it had passed the end. A block is never cut: choose sizes so that one ends on the loop's end.
    pub loop_samples: Option<(f64, f64)>,
}

impl Transport {
    /// Playing from `position_samples` on.
    pub fn playing_at(position_samples: f64) -> Self {
        Self { playing: true, position_samples, ..Self::default() }
    }

    /// What CLAP makes of it.
    ///
    /// # Real-time
    /// Allocates, locks, waits: never.
    pub(crate) fn event(&self, rate_hz: f64) -> TransportEvent {
        let quarters = self.quarters(rate_hz);
        let looped = self.active_loop();
        let mut flags = TransportFlags::HAS_SECONDS_TIMELINE;
        flags.set(TransportFlags::IS_PLAYING, self.playing);
        flags.set(TransportFlags::IS_RECORDING, self.recording);
        flags.set(TransportFlags::HAS_TEMPO, self.tempo_bpm.is_some());
        flags.set(TransportFlags::HAS_BEATS_TIMELINE, quarters.is_some());
        flags.set(TransportFlags::IS_LOOP_ACTIVE, looped.is_some());
        let seconds_at = |samples: f64| (samples / rate_hz).into();
        let quarters = quarters.unwrap_or(0.0);
        let quarters_at =
            |samples: f64| (quarters + self.quarters_in(samples - self.position_samples, rate_hz)).into();
        let none = 0.0.into();
        TransportEvent {
            header: EventHeader::new_core(0, EventFlags::empty()),
            flags,
            song_pos_beats: quarters.into(),
            song_pos_seconds: seconds_at(self.position_samples),
            tempo: self.tempo_bpm.unwrap_or(0.0),
            tempo_inc: 0.0,
            loop_start_beats: looped.map_or(none, |(start, _)| quarters_at(start)),
            loop_end_beats: looped.map_or(none, |(_, end)| quarters_at(end)),
            loop_start_seconds: looped.map_or(none, |(start, _)| seconds_at(start)),
            loop_end_seconds: looped.map_or(none, |(_, end)| seconds_at(end)),
            bar_start: none,
            bar_number: 0,
            time_signature_numerator: 4,
            time_signature_denominator: 4,
        }
    }

    /// A block of `length` samples was played.
    ///
    /// # Real-time
    /// Allocates, locks, waits: never.
    pub(crate) fn advance(&mut self, length: usize, rate_hz: f64) {
        if !self.playing {
            return;
        }
        let before = self.position_samples;
        self.position_samples += length as f64;
        if let Some((start, end)) = self.active_loop()
            && self.position_samples >= end
        {
            self.position_samples = start + (self.position_samples - end) % (end - start);
        }
        // Back by as much as the playhead where the loop took it back.
        let moved = self.quarters_in(self.position_samples - before, rate_hz);
        self.position_quarters = self.position_quarters.map(|quarters| quarters + moved);
    }

    /// The playhead in quarter notes, where that is known.
    fn quarters(&self, rate_hz: f64) -> Option<f64> {
        let from_zero = || self.tempo_bpm.map(|_| self.quarters_in(self.position_samples, rate_hz));
        self.position_quarters.or_else(from_zero)
    }

    /// Quarter notes in so many samples at the tempo; none without one.
    fn quarters_in(&self, samples: f64, rate_hz: f64) -> f64 {
        samples / rate_hz * self.tempo_bpm.unwrap_or(0.0) / 60.0
    }

    fn active_loop(&self) -> Option<(f64, f64)> {
        self.loop_samples.filter(|(start, end)| end > start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 48_000.0;

    #[test]
    fn only_a_running_playhead_moves() {
        let running = Transport {
            tempo_bpm: Some(120.0),
            position_quarters: Some(8.0),
            ..Transport::playing_at(-100.0)
        };
        for (playing, position, quarters) in [(true, 23_900.0, 9.0), (false, -100.0, 8.0)] {
            let mut transport = Transport { playing, ..running };
            transport.advance(0, RATE_HZ);
            assert_eq!(transport, Transport { playing, ..running });
            transport.advance(24_000, RATE_HZ);
            assert_eq!((transport.position_samples, transport.position_quarters), (position, Some(quarters)));
        }
    }

    #[test]
    fn a_loop_brings_the_playhead_back_by_what_it_passed_the_end() {
        // Loop, playhead before, block, playhead after.
        for (range, before, length, after) in [
            ((100.0, 200.0), 150.0, 49, 199.0),
            ((100.0, 200.0), 150.0, 50, 100.0),
            ((100.0, 200.0), 150.0, 57, 107.0),
            ((100.0, 200.0), 20.0, 64, 84.0),
            // Blocks longer than the loop.
            ((100.0, 200.0), 150.0, 250, 100.0),
            ((100.0, 200.0), 150.0, 1_051, 101.0),
            // Fractions.
            ((100.5, 200.5), 150.25, 51, 101.25),
            // No loops.
            ((200.0, 100.0), 150.0, 64, 214.0),
            ((200.0, 200.0), 150.0, 64, 214.0),
        ] {
            let mut transport = Transport { loop_samples: Some(range), ..Transport::playing_at(before) };
            transport.advance(length, RATE_HZ);
            assert_eq!(transport.position_samples, after, "{length} samples from {before} in {range:?}");
            let looped = transport.event(RATE_HZ).flags.contains(TransportFlags::IS_LOOP_ACTIVE);
            assert_eq!(looped, range.1 > range.0, "{range:?}");
        }
    }

    #[test]
    fn quarter_notes_loop_with_the_playhead_and_make_no_jump_when_the_tempo_changes() {
        let mut transport = Transport {
            tempo_bpm: Some(60.0),
            position_quarters: Some(10.0),
            loop_samples: Some((0.0, 96_000.0)),
            ..Transport::playing_at(48_000.0)
        };
        transport.advance(24_000, RATE_HZ);
        assert_eq!(transport.position_quarters, Some(10.5));
        transport.tempo_bpm = Some(120.0);
        assert_eq!(transport.event(RATE_HZ).song_pos_beats.to_float(), 10.5);
        // Half a second on and two seconds back.
        transport.advance(24_000, RATE_HZ);
        assert_eq!((transport.position_samples, transport.position_quarters), (0.0, Some(7.5)));
        transport.tempo_bpm = None;
        transport.advance(24_000, RATE_HZ);
        assert_eq!((transport.position_samples, transport.position_quarters), (24_000.0, Some(7.5)));
    }

    #[test]
    fn clap_is_told_seconds_quarter_notes_and_the_loop_in_fixed_point() {
        // The same in units of 2^-31, as CLAP counts them.
        let second = 1_i64 << 31;
        let event = Transport {
            recording: true,
            tempo_bpm: Some(120.0),
            loop_samples: Some((12_000.0, 96_000.0)),
            ..Transport::playing_at(24_000.0)
        }
        .event(RATE_HZ);
        let place = [event.song_pos_seconds, event.loop_start_seconds, event.loop_end_seconds];
        assert_eq!(place.map(|time| time.to_bits()), [second / 2, second / 4, 2 * second]);
        let place = [event.song_pos_beats, event.loop_start_beats, event.loop_end_beats];
        assert_eq!(place.map(|time| time.to_bits()), [second, second / 2, 4 * second]);
        assert_eq!((event.tempo, event.flags), (120.0, TransportFlags::all() - NOT_TOLD));
        let early = Transport::playing_at(-4_800.0).event(RATE_HZ).song_pos_seconds;
        assert_eq!(early.to_bits(), -214_748_365);
    }

    const NOT_TOLD: TransportFlags =
        TransportFlags::HAS_TIME_SIGNATURE.union(TransportFlags::IS_WITHIN_PRE_ROLL);

    #[test]
    fn clap_is_told_of_a_timeline_only_where_there_is_one() {
        let seconds = TransportFlags::HAS_SECONDS_TIMELINE;
        let (tempo, beats) = (TransportFlags::HAS_TEMPO, TransportFlags::HAS_BEATS_TIMELINE);
        for (tempo_bpm, position_quarters, flags) in [
            (None, None, seconds),
            (Some(120.0), None, seconds | tempo | beats),
            (None, Some(3.0), seconds | beats),
            (Some(120.0), Some(3.0), seconds | tempo | beats),
        ] {
            let transport = Transport { tempo_bpm, position_quarters, ..Transport::default() };
            let event = transport.event(RATE_HZ);
            assert_eq!(event.flags, flags, "{transport:?}");
            assert_eq!(event.song_pos_beats.to_float(), position_quarters.unwrap_or(0.0));
        }
    }

    #[test]
    fn a_day_into_the_song_the_fixed_point_still_tells_the_sample() {
        for rate_hz in [44_100.0, 48_000.0, 192_000.0] {
            let mut transport = Transport::playing_at(86_400.0 * rate_hz);
            for block in [1, 17, 480, 16_384] {
                transport.advance(block, rate_hz);
                let told = transport.event(rate_hz).song_pos_seconds.to_float() * rate_hz;
                assert!((told - transport.position_samples).abs() < 1e-3, "{told} at {rate_hz} Hz");
            }
        }
    }
}

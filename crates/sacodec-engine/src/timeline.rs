//! The host's timeline, as it was told block by block: one tracker for takes, scope and engine.

use sacodec_token::Transport;

/// What is known of one sample of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moment<A> {
    /// Where the host's transport stood.
    pub transport: Transport,
    /// Number of the segment: a new one begins where the transport jumps, starts or stops.
    pub segment: u32,
    /// What the caller said of its block.
    pub armed: A,
    /// Where that was first said, in samples of the stream.
    pub since_samples: f64,
}

/// A stretch of the stream over which the timeline runs evenly and nothing else changes.
#[derive(Debug, Clone, Copy, Default)]
struct Span<A> {
    /// Its first sample, counted over the stream.
    start_samples: f64,
    moment: Moment<A>,
}

/// While the tempo moves, a span begins no sooner than so long after the last one: where blocks are short, their spans
/// would fill the memory before a frame that began in the first of them has left the codec.
const RAMP_SPACING_S: f64 = 1e-3;
/// How many spans are remembered: a frame leaves the codec two hops after its first sample.
const SPANS: usize = 256;
/// Remembers what the host said of the last seconds of the stream: its transport, and one more thing
/// of type `A`.
///
/// # Real-time
/// After [`Timeline::new`] it never allocates, locks or waits; a clone allocates.
#[derive(Clone)]
pub struct Timeline<A> {
    spans: Box<[Span<A>]>,
    /// Spans seen; the last `SPANS` of them are there.
    count: usize,
    rate_hz: f64,
}

impl<A: Copy + PartialEq + Default> Timeline<A> {
    /// An empty one, for host samples at `rate_hz`.
    pub fn new(rate_hz: f64) -> Self {
        Self { spans: vec![Span::default(); SPANS].into(), count: 0, rate_hz }
    }

    /// Forgets everything: the stream begins again at 0.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// A block begins at `stream_samples` of the stream, with the transport at `now`.
    pub fn block(&mut self, stream_samples: u64, now: Transport, armed: A) {
        let start_samples = stream_samples as f64;
        let mut moment = Moment { transport: now, segment: 0, armed, since_samples: start_samples };
        if let Some(last) = self.last() {
            let expected = self.expected(last, start_samples);
            let jumps = expected.transport.jumps_to(&now);
            if !jumps && expected.armed == armed && !expected.transport.drifts_to(&now) {
                return;
            }
            let is_soon = start_samples - last.start_samples < RAMP_SPACING_S * self.rate_hz;
            let is_ramp = now.tempo_bpm.is_some() && expected.transport.tempo_bpm.is_some();
            if !jumps && expected.armed == armed && is_ramp && is_soon {
                return;
            }
            moment.segment = last.moment.segment + u32::from(jumps);
            if expected.armed == armed {
                moment.since_samples = last.moment.since_samples;
            }
        }
        self.spans[self.count % SPANS] = Span { start_samples, moment };
        self.count += 1;
    }

    /// What is known of the sample at `stream_samples`. It may lie before all that is remembered:
    /// then the earliest span is extended.
    pub fn at(&self, stream_samples: f64) -> Moment<A> {
        let known = self.count.min(SPANS);
        let mut spans = (0..known).map(|back| &self.spans[(self.count - 1 - back) % SPANS]);
        // Half a sample of tolerance: places of frames are computed in floating point.
        let covers = |span: &&Span<A>| span.start_samples <= stream_samples + 0.5;
        let earliest = &self.spans[(self.count - known) % SPANS];
        self.expected(spans.find(covers).unwrap_or(earliest), stream_samples)
    }

    /// As [`Timeline::at`], for a sample of a pass that begins at `pass_samples`: what was said before then is about
    /// another pass, even where the first frame begins a little before what is heard in it.
    pub fn at_in_pass(&self, stream_samples: f64, pass_samples: f64) -> Moment<A> {
        let known = self.at(stream_samples.max(pass_samples));
        let passed_samples = stream_samples - stream_samples.max(pass_samples);
        Moment { transport: known.transport.after(passed_samples, self.rate_hz), ..known }
    }

    fn last(&self) -> Option<&Span<A>> {
        (self.count > 0).then(|| &self.spans[(self.count - 1) % SPANS])
    }

    fn expected(&self, span: &Span<A>, stream_samples: f64) -> Moment<A> {
        let passed_samples = stream_samples - span.start_samples;
        let transport = span.moment.transport.after(passed_samples, self.rate_hz);
        Moment { transport, ..span.moment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sacodec_token::QUARTERS_TOLERANCE;

    fn found(timeline: &Timeline<bool>, at: f64) -> (Transport, u32) {
        let moment = timeline.at(at);
        (moment.transport, moment.segment)
    }

    fn playing_at(position_samples: f64) -> Transport {
        Transport { playing: true, position_samples: Some(position_samples), ..Transport::default() }
    }

    #[test]
    fn an_even_timeline_is_one_segment_at_any_block_size() {
        let mut timeline = Timeline::new(48_000.0);
        let mut stream = 0;
        for block in [64, 1, 0, 4096, 17, 333, 0] {
            timeline.block(stream, playing_at(1000.0 + stream as f64), true);
            stream += block;
        }
        assert_eq!(timeline.count, 1);
        for at in [-63.0, 0.0, 640.5, 3000.25] {
            assert_eq!(found(&timeline, at), (playing_at(1000.0 + at), 0));
        }
    }

    #[test]
    fn a_loop_begins_a_segment_at_its_very_sample() {
        let mut timeline = Timeline::new(48_000.0);
        timeline.block(0, playing_at(500.0), true);
        timeline.block(100, playing_at(0.0), true);
        assert_eq!(found(&timeline, 99.0), (playing_at(599.0), 0));
        assert_eq!(found(&timeline, 100.0), (playing_at(0.0), 1));
        assert_eq!(found(&timeline, 250.0), (playing_at(150.0), 1));
    }

    #[test]
    fn before_a_pass_its_own_timeline_is_extended() {
        let mut timeline = Timeline::new(48_000.0);
        timeline.block(0, playing_at(500.0), true);
        timeline.block(100, playing_at(9000.0), true);
        let found = timeline.at_in_pass(90.0, 100.0);
        assert_eq!((found.transport, found.segment), (playing_at(8990.0), 1));
        assert_eq!(timeline.at_in_pass(110.0, 100.0).transport, playing_at(9010.0));
        assert_eq!(timeline.at_in_pass(90.0, 0.0).transport, playing_at(590.0));
    }

    #[test]
    fn a_stopped_playhead_stands_still_and_start_and_stop_are_segments() {
        let mut timeline = Timeline::new(48_000.0);
        let stopped = Transport { playing: false, ..playing_at(700.0) };
        timeline.block(0, stopped, true);
        timeline.block(64, stopped, true);
        timeline.block(128, playing_at(700.0), true);
        assert_eq!(found(&timeline, 100.0), (stopped, 0));
        assert_eq!(found(&timeline, 138.0), (playing_at(710.0), 1));
    }

    #[test]
    fn a_change_of_tempo_is_followed_inside_the_segment() {
        let mut timeline = Timeline::new(48_000.0);
        let mut now = Transport { tempo_bpm: Some(120.0), position_quarters: Some(0.0), ..playing_at(0.0) };
        timeline.block(0, now, true);
        now = Transport { tempo_bpm: Some(60.0), position_quarters: Some(2.0), ..playing_at(48_000.0) };
        timeline.block(48_000, now, true);
        let (there, segment) = found(&timeline, 96_000.0);
        assert_eq!((there.position_quarters, segment), (Some(3.0), 0));
        assert_eq!(timeline.at(24_000.0).transport.position_quarters, Some(1.0));
    }

    #[test]
    fn a_tempo_that_moves_in_short_blocks_is_remembered_for_as_long_as_a_frame_takes() {
        let (rate_hz, block) = (48_000.0, 10);
        let mut timeline = Timeline::new(rate_hz);
        let (mut quarters, mut told) = (0.0, Vec::new());
        for start in (0..48_000_u64).step_by(block) {
            let tempo_bpm = 60.0 + start as f64 / 400.0;
            let now = Transport {
                tempo_bpm: Some(tempo_bpm),
                position_quarters: Some(quarters),
                ..playing_at(start as f64)
            };
            timeline.block(start, now, true);
            told.push(quarters);
            quarters += block as f64 / rate_hz * tempo_bpm / 60.0;
        }
        // A frame leaves the codec some 3300 samples after its first one.
        for back in [0, 1000, 3300, 6000] {
            let start = 47_990 - back;
            let found = found(&timeline, start as f64).0.position_quarters.unwrap();
            let wanted = told[start / block];
            assert!(
                (found - wanted).abs() < 2.0 * QUARTERS_TOLERANCE,
                "{back} samples ago: {found}, told {wanted}"
            );
        }
    }

    #[test]
    fn more_spans_than_are_remembered_keep_the_latest() {
        let mut timeline = Timeline::new(48_000.0);
        for block in 0..1000 {
            timeline.block(block * 10, playing_at(block as f64 * 1e6), true);
        }
        assert_eq!(found(&timeline, 9995.0), (playing_at(999e6 + 5.0), 999));
        assert_eq!(found(&timeline, 9985.0), (playing_at(998e6 + 5.0), 998));
        let _ = timeline.at(0.0);
    }

    #[test]
    fn what_a_block_said_is_known_from_its_first_sample_on() {
        let mut timeline = Timeline::new(48_000.0);
        timeline.block(0, playing_at(0.0), false);
        timeline.block(100, playing_at(100.0), true);
        timeline.block(200, playing_at(7000.0), true);
        assert_eq!([99.0, 100.0, 250.0].map(|at| timeline.at(at).armed), [false, true, true]);
        assert_eq!(timeline.at(250.0).since_samples, 100.0, "a jump does not say it again");
    }
}

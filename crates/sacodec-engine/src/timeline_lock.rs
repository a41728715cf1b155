//! When the codec begins afresh, so that what it makes depends on the place on the timeline.

use sacodec_token::{POSITION_TOLERANCE_SAMPLES, Transport};

/// What binds the codec to the host's timeline.
///
/// Where it begins afresh, hops stand on a grid of the timeline and the codec's states are zero. So tokens and
/// samples are a function of the material and of where the transport started: playing is bouncing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimelineLock {
    /// Nothing: the codec runs on, whatever the transport does.
    #[default]
    Off,
    /// It begins afresh where the transport starts.
    AtStart,
    /// It begins afresh where the transport starts, and where it jumps.
    AtStartAndJumps,
}

/// Follows the transport, and says where the codec is to begin afresh.
#[derive(Debug, Default)]
pub struct LockFollower {
    /// The transport at the last block, and where it is expected at the next one; `None` where the codec is not bound
    /// to it.
    last: Option<[Transport; 2]>,
    /// The transport has jumped since the codec last began, and the lock did not mind.
    has_ignored_jump: bool,
}

impl LockFollower {
    /// Forgets the transport: the next block that plays is a start.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// A block of `samples` begins, with the transport at `now`. Gives the place on the timeline, in host samples,
    /// if the codec is to begin afresh with its first sample: see [`Engine::begin_at`](super::Engine::begin_at).
    /// A host that does not tell where it is leaves the codec free.
    ///
    /// # Real-time
    /// Never allocates, locks or waits.
    pub fn block(
        &mut self,
        lock: TimelineLock,
        now: &Transport,
        samples: usize,
        rate_hz: f64,
    ) -> Option<f64> {
        if samples == 0 {
            return None;
        }
        let place = now.position_samples.filter(|_| now.playing && lock != TimelineLock::Off);
        let last = self.last.take();
        let has_ignored_jump = std::mem::take(&mut self.has_ignored_jump);
        let place = place?;
        self.last = Some([*now, now.after(samples as f64, rate_hz)]);
        let Some([told, expected]) = last.map(|last| last.map(|transport| transport.position_samples)) else {
            return Some(place);
        };
        let has_jumped = told.zip(expected).is_some_and(|(told, expected)| {
            // Some hosts say that they play, with a playhead that stands still, or runs at another speed than the sound.
            let (moved_samples, block_samples) = (place - told, expected - told);
            let runs = moved_samples == 0.0 || (0.25..=2.25).contains(&(moved_samples / block_samples));
            !runs && (expected - place).abs() > POSITION_TOLERANCE_SAMPLES
        });
        let has_jumped = has_jumped || has_ignored_jump;
        let minds = lock == TimelineLock::AtStartAndJumps;
        self.has_ignored_jump = has_jumped && !minds;
        (has_jumped && minds).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position_samples: f64, playing: bool) -> Transport {
        Transport { playing, position_samples: Some(position_samples), ..Transport::default() }
    }

    /// The blocks of a short story after which the codec begins afresh.
    fn begins(lock: TimelineLock) -> Vec<Option<f64>> {
        let mut follower = LockFollower::default();
        let story = [
            (at(500.0, false), 100),
            (at(500.0, true), 100),
            // As hosts round, and an empty block that says nonsense.
            (at(601.0, true), 100),
            (at(0.0, true), 0),
            (at(701.0, true), 50),
            // A loop.
            (at(500.0, true), 100),
            (at(600.0, true), 100),
            (at(700.0, false), 100),
            (at(-80.0, true), 100),
            (Transport { position_samples: None, ..at(0.0, true) }, 100),
        ];
        story.iter().map(|(now, samples)| follower.block(lock, now, *samples, 48_000.0)).collect()
    }

    #[test]
    fn the_codec_begins_afresh_where_the_transport_starts_and_if_chosen_where_it_jumps() {
        let (start, again, jump) = (Some(500.0), Some(-80.0), Some(500.0));
        assert_eq!(begins(TimelineLock::Off), [None; 10]);
        let mut expected = [None; 10];
        (expected[1], expected[8]) = (start, again);
        assert_eq!(begins(TimelineLock::AtStart), expected);
        expected[5] = jump;
        assert_eq!(begins(TimelineLock::AtStartAndJumps), expected);
    }

    #[test]
    fn a_playhead_that_stands_still_or_runs_at_another_speed_does_not_jump() {
        for speed in [0.0, 0.5, 0.99, 1.0, 1.01, 1.1, 2.0] {
            let mut follower = LockFollower::default();
            let block = |n: i32| {
                // As hosts round, and worse.
                let position = (f64::from(n) * 64.0 * speed).round() + if n % 2 == 1 { 2.0 } else { 0.0 };
                let position = if speed == 0.0 { 0.0 } else { position };
                follower.block(TimelineLock::AtStartAndJumps, &at(position, true), 64, 48_000.0)
            };
            assert_eq!([0, 1, 2, 3].map(block), [Some(0.0), None, None, None], "at a speed of {speed}");
        }
    }

    #[test]
    fn a_playhead_at_another_speed_does_not_jump_where_blocks_have_other_lengths() {
        for speed in [0.5, 1.1, 2.0] {
            let (mut follower, mut position, mut begins) = (LockFollower::default(), 0.0, Vec::new());
            for samples in [512, 30, 482, 64, 1, 1024, 16].repeat(3) {
                begins.extend(follower.block(
                    TimelineLock::AtStartAndJumps,
                    &at(position, true),
                    samples,
                    48_000.0,
                ));
                position += samples as f64 * speed;
            }
            assert_eq!(begins, [0.0], "at a speed of {speed}");
        }
    }

    #[test]
    fn a_jump_that_was_ignored_is_caught_up_when_jumps_are_minded() {
        let mut follower = LockFollower::default();
        let mut block = |lock, position| follower.block(lock, &at(position, true), 64, 48_000.0);
        let (ignores, minds) = (TimelineLock::AtStart, TimelineLock::AtStartAndJumps);
        assert_eq!(
            [block(ignores, 0.0), block(minds, 64.0)],
            [Some(0.0), None],
            "no jump: nothing to catch up"
        );
        assert_eq!([block(ignores, 5000.0), block(ignores, 5064.0)], [None; 2]);
        assert_eq!([block(minds, 5128.0), block(minds, 5192.0)], [Some(5128.0), None]);
    }

    #[test]
    fn a_lock_that_is_turned_on_while_the_transport_plays_begins_there() {
        let mut follower = LockFollower::default();
        let mut block = |lock, position| follower.block(lock, &at(position, true), 64, 48_000.0);
        assert_eq!(block(TimelineLock::Off, 0.0), None);
        assert_eq!(block(TimelineLock::AtStart, 64.0), Some(64.0));
        assert_eq!(block(TimelineLock::AtStart, 128.0), None);
        assert_eq!(block(TimelineLock::Off, 192.0), None);
        assert_eq!(block(TimelineLock::AtStart, 256.0), Some(256.0));
    }
}

//! The place of a frame on the host's timeline, as a take stores it.

use sacodec_token::Transport;

/// The place of a frame of a take, and of the frames after it until the next anchor.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Anchor {
    /// Index of the frame in the take.
    pub index: u32,
    /// The transport runs: positions advance.
    pub playing: bool,
    /// The host is recording.
    pub recording: bool,
    /// A new segment begins: the timeline jumped, or the transport changed.
    pub new_segment: bool,
    /// The codec's states are zero before this frame.
    pub codec_reset: bool,
    /// First input sample of the frame, counted over the audio that the take was coded from.
    pub stream_samples: f64,
    /// The same on the host's timeline, where it is known.
    pub position_samples: Option<f64>,
    /// The same in quarter notes, where it is known.
    pub position_quarters: Option<f64>,
    /// Beats per minute, where they are known.
    pub tempo_bpm: Option<f64>,
    /// Where the codec's states are zero and it began inside the frame: the first sample that it heard, counted as
    /// `stream_samples`. Before it, it heard silence.
    pub pass_samples: Option<f64>,
}

impl From<Transport> for Anchor {
    /// An anchor with this place on the timeline and nothing else.
    fn from(transport: Transport) -> Self {
        let Transport { playing, recording, position_samples, position_quarters, tempo_bpm } = transport;
        Self { playing, recording, position_samples, position_quarters, tempo_bpm, ..Self::default() }
    }
}

impl Anchor {
    /// The host's transport at the frame's first sample.
    pub fn transport(&self) -> Transport {
        let &Self { playing, recording, position_samples, position_quarters, tempo_bpm, .. } = self;
        Transport { playing, recording, position_samples, position_quarters, tempo_bpm }
    }

    /// The flags as the format stores them.
    pub(super) fn flags(&self) -> u8 {
        let bits = [self.playing, self.recording, self.new_segment, self.codec_reset];
        bits.iter().enumerate().fold(0, |flags, (bit, &set)| flags | u8::from(set) << bit)
    }

    /// An anchor with these flags and nothing else.
    pub(super) fn with_flags(flags: u8) -> Self {
        let bit = |bit: u8| flags & 1 << bit != 0;
        Self {
            playing: bit(0),
            recording: bit(1),
            new_segment: bit(2),
            codec_reset: bit(3),
            ..Self::default()
        }
    }

    /// The anchor as it would be at frame `index`: a frame is `frame_samples` host samples at
    /// `host_rate_hz`.
    pub fn at(&self, index: u32, frame_samples: f64, host_rate_hz: f64) -> Self {
        let passed_samples = (f64::from(index) - f64::from(self.index)) * frame_samples;
        Self {
            index,
            new_segment: self.new_segment && index == self.index,
            codec_reset: self.codec_reset && index == self.index,
            stream_samples: self.stream_samples + passed_samples,
            pass_samples: self.pass_samples.filter(|_| index == self.index),
            ..Self::from(self.transport().after(passed_samples, host_rate_hz))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_survive_the_format() {
        for flags in 0..16 {
            assert_eq!(Anchor::with_flags(flags).flags(), flags);
        }
    }
}

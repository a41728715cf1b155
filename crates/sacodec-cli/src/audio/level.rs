//! How loud audio is: what no codec can make speech of is told.

use sacodec_engine::ChannelMixer;

/// Peak of speech that is too low, in dB of full scale. The window's light asks as much of its loudest frames.
const LOW_DB: f64 = -45.0;
/// Peak that is told, in dB of full scale: floats go a little above it where they were resampled.
const LOUD_DB: f64 = 1.0;
/// Peak that no recording has, in dB of full scale.
const ABSURD_DB: f64 = 20.0;
/// The bit of a negative sample.
const SIGN: u32 = 1 << 31;

/// The largest magnitude of samples.
#[derive(Debug, Clone, Copy, Default)]
struct Peak(f32);

impl Peak {
    /// Counts samples in; what is not finite has no level.
    fn add(&mut self, samples: &[f32]) {
        // Magnitudes are ordered as their bits are, and those compare many at once: silence of minutes may have to be read.
        let finite = |bits: u32| if bits < f32::INFINITY.to_bits() { bits } else { 0 };
        let peak = samples.iter().fold(0, |peak, sample| peak.max(finite(sample.to_bits() & !SIGN)));
        self.0 = self.0.max(f32::from_bits(peak));
    }

    /// In dB of full scale; `None` for silence.
    fn db(self) -> Option<f64> {
        (self.0 > 0.0).then(|| 20.0 * f64::from(self.0).log10())
    }
}

/// How loud the audio is that is coded.
#[derive(Debug, Clone)]
pub struct Levels {
    /// Of all channels of the audio that are coded, before they are mixed and limited.
    loudest: Peak,
    /// Of each coded channel.
    coded: Vec<Peak>,
}

impl Levels {
    /// Of so many coded channels.
    pub fn new(coded_channels: usize) -> Self {
        Self { loudest: Peak::default(), coded: vec![Peak::default(); coded_channels] }
    }

    /// Counts a block in, and the coded channels that `mixer` made of it.
    pub fn add(&mut self, mixer: &ChannelMixer, block: &[Vec<f32>], coded: &[Vec<f32>]) {
        for (_, channel) in block.iter().enumerate().filter(|&(index, _)| mixer.hears(index, block.len())) {
            self.loudest.add(channel);
        }
        self.coded.iter_mut().zip(coded).for_each(|(peak, channel)| peak.add(channel));
    }

    /// The peak in dB of full scale; `None` for silence.
    pub fn peak_db(&self) -> Option<f64> {
        self.loudest.db()
    }

    /// What is wrong, if something is.
    pub fn notes(&self) -> Vec<String> {
        let loud = self.loudest.db().filter(|&db| db > LOUD_DB).map(|db| {
            let absurd = "; are these whole numbers that were stored as floats?";
            let ask = if db > ABSURD_DB { absurd } else { "" };
            format!("the audio's peak is {db:.1} dB above full scale{ask}")
        });
        let low = self.coded.iter().enumerate().filter_map(|(index, peak)| {
            let what =
                if self.coded.len() > 1 { format!("channel {}", index + 1) } else { "the audio".into() };
            match peak.db() {
                None => Some(format!("{what} is silent")),
                Some(db) if db < LOW_DB => {
                    Some(format!("the peak of {what} is {:.1} dB below full scale, too low for speech", -db))
                }
                Some(_) => None,
            }
        });
        loud.into_iter().chain(low).collect()
    }
}

#[cfg(test)]
mod tests {
    use sacodec_engine::Channels;

    use super::*;

    fn notes(channels: Channels, block: &[&[f32]]) -> Vec<String> {
        let mut mixer = ChannelMixer::new(channels);
        let mut block: Vec<_> = block.iter().map(|channel| channel.to_vec()).collect();
        let mut levels = Levels::new(mixer.coded_channels(block.len()));
        let coded = mixer.mix(&mut block);
        levels.add(&mixer, &block, &coded);
        levels.notes()
    }

    fn at(db: f64) -> f32 {
        10_f64.powf(db / 20.0) as f32
    }

    #[test]
    fn what_is_silent_too_low_or_too_loud_is_told_and_nothing_else_is() {
        let mono = |sample: f32| notes(Channels::Left, &[&[0.0, -sample, 0.0]]);
        assert_eq!(notes(Channels::Left, &[&[]]), ["the audio is silent"]);
        assert_eq!(mono(f32::INFINITY), ["the audio is silent"]);
        for db in [-44.9, -20.0, 0.0, 0.9] {
            assert_eq!(mono(at(db)), [""; 0], "{db} dB");
        }
        assert_eq!(mono(at(1.1)), ["the audio's peak is 1.1 dB above full scale"]);
        assert_eq!(mono(at(19.9)), ["the audio's peak is 19.9 dB above full scale"]);
        let absurd = "the audio's peak is 90.3 dB above full scale; are these whole numbers that were stored as floats?";
        assert_eq!(mono(32_768.0), [absurd]);
        assert!(mono(at(20.1))[0].contains("whole numbers"));
        assert_eq!(
            mono(at(-45.1)),
            ["the peak of the audio is 45.1 dB below full scale, too low for speech"]
        );
    }

    /// What is told of a block of two channels.
    type Case<'a> = (Channels, [&'a [f32]; 2], &'a [&'a str]);

    #[test]
    fn it_is_the_level_of_what_is_coded() {
        let (silent, right, loud) = ([0.0; 2], [0.5, -0.5], [4.0, -4.0]);
        let cases: [Case; 6] = [
            (Channels::Left, [&silent, &loud], &["the audio is silent"]),
            (Channels::Right, [&loud, &right], &[]),
            (Channels::Left, [&loud, &silent], &["the audio's peak is 12.0 dB above full scale"]),
            (Channels::DualMono, [&right, &silent], &["channel 2 is silent"]),
            (Channels::MonoSum, [&right, &[-0.5, 0.5]], &["the audio is silent"]),
            (Channels::MonoSum, [&right, &silent], &[]),
        ];
        for (channels, block, expected) in cases {
            assert_eq!(notes(channels, &block), expected, "{channels:?}");
        }
    }
}

//! How many tokens of two codings are equal.

use sacodec_codec::TokenFrame;

/// What was compared.
#[derive(Debug, Default, Clone)]
pub struct Comparison {
    /// Frames that both have.
    pub frames: u64,
    semantic_equal: u64,
    acoustic_equal: u64,
    /// Tokens of each stream: frames times channels.
    tokens: u64,
    /// The first frame with a token that differs.
    pub first_difference: Option<u32>,
}

impl Comparison {
    /// Compares a frame of all channels; `None` is equal to nothing.
    pub fn add(&mut self, index: u32, frame: &[TokenFrame], other: &[Option<TokenFrame>]) {
        self.frames += 1;
        for (&found, &other) in frame.iter().zip(other) {
            self.tokens += 1;
            let semantic = other.is_some_and(|c| c.semantic == found.semantic);
            let acoustic = other.is_some_and(|c| c.acoustic == found.acoustic);
            self.semantic_equal += u64::from(semantic);
            self.acoustic_equal += u64::from(acoustic);
            if !(semantic && acoustic) {
                self.first_difference.get_or_insert(index);
            }
        }
    }

    /// Adds up what was counted; the first difference stays this one's.
    pub fn sum(&mut self, other: &Self) {
        self.frames += other.frames;
        self.semantic_equal += other.semantic_equal;
        self.acoustic_equal += other.acoustic_equal;
        self.tokens += other.tokens;
    }

    /// Equal semantic tokens in percent.
    pub fn semantic_percent(&self) -> f64 {
        self.percent(self.semantic_equal)
    }

    /// Equal acoustic tokens in percent.
    pub fn acoustic_percent(&self) -> f64 {
        self.percent(self.acoustic_equal)
    }

    /// Whether something was compared, and of each stream so many percent are equal.
    pub fn is_enough(&self, min_percent: f64) -> bool {
        self.frames > 0 && self.semantic_percent().min(self.acoustic_percent()) >= min_percent
    }

    /// For people.
    pub fn text(&self, frame_rate_hz: f64) -> String {
        let (semantic, acoustic) = (self.semantic_percent(), self.acoustic_percent());
        let mut text =
            format!("semantic {semantic:.2} %, acoustic {acoustic:.2} % equal in {} frames", self.frames);
        if let Some(index) = self.first_difference {
            let seconds = f64::from(index) / frame_rate_hz;
            text += &format!("; the first difference is in frame {index}, at {seconds:.3} s");
        }
        text
    }

    fn percent(&self, equal: u64) -> f64 {
        100.0 * equal as f64 / self.tokens.max(1) as f64
    }
}

/// A percentage of the command line, with or without its sign. What may be meant as a fraction needs the sign.
pub fn parse_percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%');
    let percent: f64 = number.unwrap_or(text).parse().map_err(|_| "give a percentage".to_owned())?;
    if !(0.0..=100.0).contains(&percent) {
        return Err("give 0 to 100".into());
    }
    if number.is_none() && 0.0 < percent && percent < 1.0 {
        let as_fraction = (1e6 * 100.0 * percent).round() / 1e6;
        return Err(format!(
            "write {as_fraction}% if it is a fraction of 1, and {text}% if it is a percentage"
        ));
    }
    Ok(percent)
}

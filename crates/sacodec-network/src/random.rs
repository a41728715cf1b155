//! Random numbers that have places, so that any of them can be asked for.

/// What SplitMix64 adds to its state for each number.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Number `place` of the SplitMix64 generator (Steele, Lea and Flood 2014) with `seed`. Sessions keep seeds, so these
/// numbers never change.
pub fn number(seed: u64, place: i64) -> u64 {
    let steps = (place as u64).wrapping_add(1);
    let mut z = seed.wrapping_add(STEP.wrapping_mul(steps));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The same, evenly on `0.0..1.0`.
pub fn uniform(seed: u64, place: i64) -> f64 {
    (number(seed, place) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        let found: [u64; 5] = std::array::from_fn(|n| number(1_234_567, n as i64));
        assert_eq!(found, published);
    }

    #[test]
    fn places_before_zero_have_numbers_of_their_own() {
        let mut all: Vec<u64> = (-500..500).map(|place| number(7, place)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1000);
        assert!((-500..500).all(|place| (0.0..1.0).contains(&uniform(7, place))));
    }
}

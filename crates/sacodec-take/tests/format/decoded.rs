//! Takes whose anchors and footers say anything at all are decoded to an end, and never to more than their frames hold.

use sacodec_codec::CodecModel;
use sacodec_engine::Concealment;
use sacodec_take::decode::{DecodeError, Decoding, decode_take};
use sacodec_take::{Anchor, CodebookSizes, GapReason, Header, PackId, Take, TakeSerializer};
use sacodec_token::{StreamGain, TokenFrame};

use super::header;

/// A sample, or anything else that fits the field.
fn samples(random: &mut fastrand::Rng) -> f64 {
    match random.usize(..8) {
        0 => [0.0, -0.0, 1e300, -1e300, f64::MAX, f64::MIN_POSITIVE, -1.5][random.usize(..7)],
        _ => (random.f64() - 0.25) * 20_000.0,
    }
}

/// Frames with gaps, and anchors that begin the codec afresh anywhere.
fn hostile(model: &CodecModel, random: &mut fastrand::Rng) -> Take {
    let info = model.info();
    let codebooks = CodebookSizes { semantic: info.semantic.size, acoustic: info.acoustic.size };
    let host_rate_hz = [8000.0, 44_100.0, 47_952.0, 192_000.0][random.usize(..4)];
    let channels = random.usize(1..3);
    let pack = PackId::of(model);
    let mut writer =
        TakeSerializer::new(Header { pack, codebooks, host_rate_hz, ..header(channels) }).unwrap();
    for _ in 0..random.usize(1..12) {
        match random.usize(..4) {
            0 => writer
                .gap(random.u32(..3), [GapReason::CodecFailed, GapReason::RingFull][random.usize(..2)])
                .unwrap(),
            1 => writer.anchor(Anchor {
                codec_reset: random.bool(),
                new_segment: random.bool(),
                stream_samples: samples(random),
                pass_samples: random.bool().then(|| samples(random)),
                ..Anchor::default()
            }),
            _ => {
                let token = |_| TokenFrame { semantic: random.u16(..1000), acoustic: random.u16(..1000) };
                writer.frame(&(0..channels).map(token).collect::<Vec<_>>()).unwrap();
            }
        }
    }
    let length = [None, Some(0), Some(u64::MAX), Some(random.u64(..50_000))][random.usize(..4)];
    writer.finish("test", length, vec![]);
    Take::parse(&writer.take_bytes()).unwrap()
}

#[test]
fn fuzz_of_decoding_ends_with_finite_samples_and_no_more_than_there_can_be() {
    let model = CodecModel::embedded().unwrap();
    let mut random = fastrand::Rng::with_seed(23);
    let rounds = std::env::var("SACODEC_FUZZ_ROUNDS").map_or(300, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let take = hostile(&model, &mut random);
        let rate_hz = [24_000.0, 8000.0, 48_000.0][random.usize(..3)];
        let concealment = [None, Some(Concealment::Repeat), Some(Concealment::Fade)][random.usize(..3)];
        let decoding = Decoding { streams: StreamGain::BOTH, rate_hz, concealment };
        let mut given = 0;
        let decoded = decode_take(&take, &model, decoding, |channels| {
            assert!(channels.iter().all(|channel| channel.len() == channels[0].len()), "round {round}");
            assert!(channels.iter().flatten().all(|sample| sample.is_finite()), "round {round}");
            given += channels[0].len();
            Ok::<_, Refused>(())
        });
        assert!(decoded.is_ok(), "round {round}: {decoded:?}");
        // Each stretch is completed by eight frames at most, and left out of by four.
        let stretches = 1 + take.anchors.iter().filter(|anchor| anchor.codec_reset).count();
        let frames = take.frames() as usize + 16 * stretches;
        let most = (frames as f64 * rate_hz / 75.0) as usize + 1000;
        assert!(given <= most, "round {round}: {given} samples of {} frames", take.frames());
    }
}

/// Why a round could not be decoded.
#[derive(Debug)]
struct Refused(#[allow(dead_code)] DecodeError);

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Self {
        Self(error)
    }
}

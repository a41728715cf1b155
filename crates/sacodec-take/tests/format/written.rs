//! What is written: it is read again, it is small, and it is what the specification says.

use proptest::prelude::*;
use sacodec_take::{Anchor, CodebookSizes, GapReason, Header, MAX_FRAMES, Take, TakeError, TakeSerializer};
use sacodec_token::TokenFrame;
use serde_json::{Map, json};

use super::{anchor, header, tokens_of};

#[derive(Debug, Clone)]
enum Step {
    Frames(u16),
    Gap(u16),
    Anchor(f64, Option<f64>, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u16..200).prop_map(Step::Frames),
        1 => (1_u16..20).prop_map(Step::Gap),
        2 => (-1e9..1e9, proptest::option::of(20.0..300.0), any::<bool>())
            .prop_map(|(position, tempo, playing)| Step::Anchor(position, tempo, playing)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        channels in 1_usize..=16,
        semantic in 2_usize..=65_535,
        acoustic in 2_usize..=65_535,
        seed in any::<u32>(),
        steps in proptest::collection::vec(step(), 0..12),
    ) {
        let mut random = fastrand::Rng::with_seed(seed.into());
        let mut writer = TakeSerializer::new(Header {
            codebooks: CodebookSizes { semantic, acoustic },
            track: Some("Stimme \"ä\"\n".into()),
            further: Map::from_iter([("later".to_owned(), json!({"a": [1, 2.5, null]}))]),
            ..header(channels)
        }).unwrap();
        let (mut tokens, mut anchors) = (Vec::new(), Vec::new());
        for step in &steps {
            match *step {
                Step::Frames(count) => for _ in 0..count {
                    let frame: Vec<_> = (0..channels).map(|_| TokenFrame {
                        semantic: random.usize(..semantic) as u16,
                        acoustic: random.usize(..acoustic) as u16,
                    }).collect();
                    writer.frame(&frame).unwrap();
                    tokens.push(Some(frame));
                },
                Step::Gap(count) => {
                    writer.gap(count.into(), GapReason::CodecFailed).unwrap();
                    tokens.extend(vec![None; count.into()]);
                }
                Step::Anchor(position, tempo_bpm, playing) => {
                    let anchor = Anchor {
                        index: tokens.len() as u32,
                        tempo_bpm,
                        playing,
                        recording: !playing,
                        position_quarters: tempo_bpm.map(|t| t * 0.5),
                        ..anchor(position)
                    };
                    writer.anchor(anchor);
                    anchors.push(anchor);
                }
            }
        }
        writer.finish("done", Some(7), vec![]);
        let bytes = writer.take_bytes();
        let take = Take::parse(&bytes).unwrap();
        prop_assert_eq!(&tokens_of(&take), &tokens);
        prop_assert_eq!(&take.header, writer.header());
        prop_assert!(take.damage.is_empty() && take.footer.is_some());
        let found: Vec<_> = take.anchors.iter().filter(|a| a.new_segment).copied().collect();
        prop_assert_eq!(found, anchors);
        let repaired = Take::parse(&take.repaired().unwrap()).unwrap();
        prop_assert_eq!(tokens_of(&repaired), tokens);
        prop_assert_eq!(repaired.places().collect::<Vec<_>>(), take.places().collect::<Vec<_>>());
    }
}

#[test]
fn an_hour_costs_at_most_five_percent_over_twenty_bits_a_frame() {
    for (seconds, limit) in [(600, 0.055), (3600, 0.05)] {
        let frames = seconds * 75;
        let mut writer = TakeSerializer::new(header(1)).unwrap();
        writer.anchor(anchor(0.0));
        for frame in 0..frames {
            writer.frame(&[TokenFrame { semantic: frame as u16 % 1000, acoustic: 0 }]).unwrap();
        }
        writer.finish("test", Some(0), vec![]);
        let overhead = writer.take_bytes().len() as f64 / (f64::from(frames) * 2.5) - 1.0;
        assert!(overhead <= limit, "{seconds} s: {:.2} % over the tokens", 100.0 * overhead);
    }
}

#[test]
fn a_take_ends_at_its_limit_with_an_error() {
    let mut writer = TakeSerializer::new(header(1)).unwrap();
    writer.gap(MAX_FRAMES - 1, GapReason::RingFull).unwrap();
    let token = TokenFrame::default();
    writer.frame(&[token]).unwrap();
    assert!(matches!(writer.frame(&[token]), Err(TakeError::TooLong)));
    assert!(matches!(Take::parse(&writer.take_bytes()), Ok(_) | Err(TakeError::MostlyMissing { .. })));
}

#[test]
fn the_example_in_the_specification_is_what_is_written() {
    let mut writer = TakeSerializer::new(header(1)).unwrap();
    writer.anchor(Anchor {
        codec_reset: true,
        tempo_bpm: Some(120.0),
        position_quarters: Some(0.0),
        ..anchor(0.0)
    });
    for (semantic, acoustic) in [(1, 2), (999, 1023)] {
        writer.frame(&[TokenFrame { semantic, acoustic }]).unwrap();
    }
    writer.finish("record off", Some(1280), vec![]);
    let bytes = writer.take_bytes();
    let page = include_str!("../../../../docs/sac-format.md");
    let block = page.split("```hex\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
    let hex =
        |text: &str| text.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect::<Vec<u8>>();
    let found: Vec<u8> = block.lines().flat_map(|line| hex(line.split('#').next().unwrap())).collect();
    let dump: Vec<String> = bytes
        .chunks(16)
        .map(|c| c.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(found, bytes, "docs/sac-format.md should show:\n{}", dump.join("\n"));
}

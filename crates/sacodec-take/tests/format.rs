//! The `.sac` format: what is written is read, whatever happens to the bytes in between.

use proptest::prelude::*;
use sacodec_take::{
    Anchor, ChannelModeText, CodebookSizes, GapReason, Header, MAX_FRAMES, PackId, Take, TakeError,
    TakeWriter, write_csv, write_jsonl, write_npy,
};
use sacodec_token::TokenFrame;
use serde_json::{Map, Value, json};

fn header(channels: usize) -> Header {
    Header {
        pack: PackId { name: "test".into(), version: "1".into(), sha256: "0123456789abcdef".repeat(4) },
        codec_rate_hz: 24_000,
        hop_samples: 320,
        codebooks: CodebookSizes { semantic: 1000, acoustic: 1024 },
        channels,
        host_rate_hz: 48_000.0,
        channel_mode: None,
        latency_samples: None,
        stream_frame: Some(0),
        first_sample: None,
        tempo_bpm: None,
        track: None,
        source: None,
        created: None,
        software: None,
        inference: None,
        cpu: None,
        further: Map::new(),
    }
}

fn anchor(position: f64) -> Anchor {
    Anchor { playing: true, new_segment: true, position_samples: Some(position), ..Anchor::default() }
}

/// A take of so many frames with a gap and a jump in it, and its tokens.
fn small_take(frames: u32, channels: usize) -> (Vec<u8>, Vec<Option<Vec<TokenFrame>>>) {
    let mut random = fastrand::Rng::with_seed(3);
    let mut writer = TakeWriter::new(header(channels)).unwrap();
    writer.anchor(Anchor { codec_reset: true, ..anchor(-63.0) });
    let mut expected = Vec::new();
    for frame in 0..frames {
        if frame == frames / 3 {
            writer.gap(2, GapReason::RingFull).unwrap();
            expected.extend([None, None]);
        }
        if frame == frames / 2 {
            writer.anchor(anchor(0.0));
        }
        let tokens: Vec<_> = (0..channels)
            .map(|_| TokenFrame {
                semantic: random.usize(..1000) as u16,
                acoustic: random.usize(..1024) as u16,
            })
            .collect();
        writer.frame(&tokens).unwrap();
        expected.push(Some(tokens));
    }
    writer.finish("test", Some(640 * u64::from(frames)), vec!["a note".into()]);
    (writer.take_bytes(), expected)
}

fn tokens_of(take: &Take) -> Vec<Option<Vec<TokenFrame>>> {
    take.iter().map(|frame| frame.map(<[_]>::to_vec)).collect()
}

/// Every frame that is there is the one that was written.
#[track_caller]
fn assert_nothing_is_made_up(take: &Take, written: &[Option<Vec<TokenFrame>>], what: &str) {
    for (index, frame) in tokens_of(take).into_iter().enumerate() {
        if frame.is_some() {
            assert_eq!(frame, written[index], "{what}: frame {index} is not what was written");
        }
    }
}

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
        let mut writer = TakeWriter::new(Header {
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
fn a_take_cut_at_any_byte_gives_all_frames_before_the_cut() {
    let (bytes, written) = small_take(200, 1);
    let header_end = 20 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let mut last = 0;
    for cut in 0..bytes.len() {
        match Take::parse(&bytes[..cut]) {
            Err(error) => assert!(cut < header_end, "cut at {cut}: {error}"),
            Ok(take) => {
                assert!(cut >= header_end);
                assert!(take.footer.is_none() && !take.is_whole());
                assert!(take.damage.is_empty(), "cut at {cut}: {:?} is not damage", take.damage);
                assert_nothing_is_made_up(&take, &written, &format!("cut at {cut}"));
                assert!(take.present_frames() >= last, "cut at {cut}: frames were lost");
                last = take.present_frames();
            }
        }
    }
    assert_eq!(last, 200, "all frames are before the footer");
}

#[test]
fn any_flipped_bit_costs_one_record_at_most_and_is_reported() {
    for channels in [1, 2] {
        let (bytes, written) = small_take(200, channels);
        let header_end = 20 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match Take::parse(&flipped) {
                Err(_) => assert!(bit / 8 < header_end, "bit {bit}: a damaged record must not lose the take"),
                Ok(take) => {
                    assert!(bit / 8 >= header_end, "bit {bit}: a damaged header was believed");
                    assert!(
                        !take.is_whole() && !take.damage.is_empty() || take.cut_bytes > 0,
                        "bit {bit} went unnoticed"
                    );
                    assert_nothing_is_made_up(&take, &written, &format!("bit {bit}"));
                    assert!(take.present_frames() >= 200 - 75, "bit {bit} cost more than a block");
                    let repaired = Take::parse(&take.repaired().unwrap()).unwrap();
                    assert_eq!(tokens_of(&repaired), tokens_of(&take), "bit {bit}");
                    assert!(repaired.damage.is_empty() && repaired.footer.is_some());
                }
            }
        }
    }
}

#[test]
fn a_million_random_inputs_do_no_harm() {
    let (sound, written) = small_take(160, 2);
    let header_end = 20 + u32::from_le_bytes(sound[12..16].try_into().unwrap()) as usize;
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..1_000_000_u32 {
        let mut bytes = sound.clone();
        // Every kind of harm in turn. Most keep the header: the reader's work begins after it.
        let from = if round % 16 == 0 { 0 } else { header_end };
        let place =
            |random: &mut fastrand::Rng, bytes: &[u8]| from + random.usize(..(bytes.len() - from).max(1));
        match round % 5 {
            0 => (0..1 + random.usize(..20)).for_each(|_| {
                let at = place(&mut random, &bytes);
                bytes[at] = random.u32(..) as u8;
            }),
            1 => bytes.truncate(place(&mut random, &bytes)),
            2 => {
                let at = place(&mut random, &bytes);
                let end = at + random.usize(..bytes.len() - at + 1);
                bytes.drain(at..end);
            }
            3 => {
                let at = place(&mut random, &bytes);
                let inserted: Vec<u8> = (0..random.usize(..64)).map(|_| random.u32(..) as u8).collect();
                bytes.splice(at..at, inserted);
            }
            _ => {
                bytes.truncate(from);
                bytes.extend((0..random.usize(..600)).map(|_| random.u32(..) as u8));
            }
        }
        if let Ok(take) = Take::parse(&bytes) {
            assert_nothing_is_made_up(&take, &written, &format!("round {round}"));
        }
    }
}

#[test]
fn random_records_with_sound_checksums_do_no_harm() {
    let (sound, _) = small_take(10, 1);
    let header_end = 20 + u32::from_le_bytes(sound[12..16].try_into().unwrap()) as usize;
    let mut random = fastrand::Rng::with_seed(12);
    for _ in 0..50_000 {
        let mut bytes = sound[..header_end].to_vec();
        for _ in 0..random.usize(..6) {
            let start = bytes.len();
            let tag = [0xA0, 0xA1, 0xAF, 0xB0, 75, 1][random.usize(..6)];
            let body = match tag {
                75 => 188,
                1 => 3,
                _ => [0, 9, 37, 200][random.usize(..4)],
            };
            bytes.push(tag);
            let word = if tag > 75 { body as u16 } else { random.u32(..) as u16 };
            bytes.extend(word.to_le_bytes());
            bytes.extend((0..body).map(|_| if random.usize(..2) == 0 { 0xFF } else { random.u32(..) as u8 }));
            let crc = crc32fast::hash(&bytes[start..]);
            bytes.extend(crc.to_le_bytes());
        }
        match Take::parse(&bytes) {
            Ok(take) => {
                assert!(take.frames() <= 270_000 + 101 * take.present_frames());
                if take.frames() > 10_000 {
                    continue;
                }
                assert_eq!(take.iter().count(), take.frames() as usize);
                let missing: u32 = take.missing().iter().map(|gap| gap.count).sum();
                assert_eq!(missing + take.present_frames(), take.frames());
                Take::parse(&take.repaired().unwrap()).unwrap();
                let mut out = Vec::new();
                write_npy(&take, &mut out).unwrap();
                write_csv(&take, &mut out).unwrap();
                write_jsonl(&take, &mut out).unwrap();
            }
            Err(error) => assert!(matches!(error, TakeError::MostlyMissing { .. }), "{error}"),
        }
    }
}

#[test]
fn a_damaged_gap_of_any_length_moves_no_frame() {
    for gap in [3, 40_000, 70_000, 140_000] {
        let mut writer = TakeWriter::new(header(1)).unwrap();
        writer.anchor(anchor(0.0));
        let token = |index: u32| [TokenFrame { semantic: (index % 1000) as u16, acoustic: 0 }];
        (0..700).for_each(|index| writer.frame(&token(index)).unwrap());
        writer.gap(gap, GapReason::DiskRefused).unwrap();
        (0..200).for_each(|index| writer.frame(&token(700 + gap + index)).unwrap());
        writer.finish("test", None, vec![]);
        let mut bytes = writer.take_bytes();
        let record: Vec<u8> = [0xA1, 9, 0].into_iter().chain(700_u32.to_le_bytes()).collect();
        let at = bytes.windows(7).position(|window| window == record).unwrap();
        bytes[at + 8] ^= 1;
        let take = Take::parse(&bytes).unwrap();
        assert_eq!((take.frames(), take.present_frames(), take.damage.len()), (900 + gap, 900, 1));
        for (index, frame) in (0..).zip(take.iter()) {
            assert!(frame.is_none() || frame == Some(&token(index)), "gap of {gap}: frame {index}");
        }
    }
}

#[test]
fn a_block_that_stands_twice_is_damage_and_moves_no_frame() {
    let (bytes, written) = small_take(200, 1);
    let header_end = 20 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    // The header is followed by an anchor of 44 bytes and a block that ends before the gap.
    let block = header_end + 44..header_end + 44 + 7 + (usize::from(bytes[header_end + 44]) * 20).div_ceil(8);
    let mut doubled = bytes.clone();
    doubled.splice(block.end..block.end, bytes[block.clone()].to_vec());
    let take = Take::parse(&doubled).unwrap();
    assert_eq!(tokens_of(&take), written);
    assert_eq!(take.damage.len(), 1);
    assert_eq!((take.damage[0].offset, take.damage[0].bytes), (block.end, block.len()));
}

#[test]
fn a_repair_keeps_every_frame_in_its_place_where_an_anchor_stands_inside_a_gap() {
    let mut writer = TakeWriter::new(header(1)).unwrap();
    writer.anchor(anchor(0.0));
    for frame in 0..300 {
        if frame == 75 {
            writer.anchor(anchor(1e6));
        }
        writer.frame(&[TokenFrame { semantic: frame, acoustic: frame }]).unwrap();
    }
    writer.finish("test", None, vec![]);
    let mut bytes = writer.take_bytes();
    // The blocks before and after the second anchor, each found by its tag and index.
    for index in [0_u16, 75] {
        let start: Vec<u8> = [75].into_iter().chain(index.to_le_bytes()).collect();
        let at = bytes.windows(3).position(|window| window == start).unwrap();
        bytes[at + 20] ^= 1;
    }
    let take = Take::parse(&bytes).unwrap();
    assert_eq!((take.frames(), take.present_frames()), (300, 150));
    let repaired = Take::parse(&take.repaired().unwrap()).unwrap();
    assert!(repaired.iter().eq(take.iter()));
    assert_eq!(repaired.places().collect::<Vec<_>>(), take.places().collect::<Vec<_>>());
}

#[test]
fn hostile_headers_are_refused_in_words() {
    let (bytes, _) = small_take(10, 1);
    let with = |pointer: &str, value: Value| {
        let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
        let mut json: Value = serde_json::from_slice(&bytes[20..20 + length]).unwrap();
        *json.pointer_mut(pointer).unwrap() = value;
        let json = serde_json::to_vec(&json).unwrap();
        let mut made = bytes[..12].to_vec();
        made.extend((json.len() as u32).to_le_bytes());
        let crc = crc32fast::hash(&[&made[..], &json].concat());
        made.extend(crc.to_le_bytes());
        made.extend(json);
        Take::parse(&made)
    };
    assert!(with("/channels", json!(2)).is_ok());
    for (pointer, value) in [
        ("/channels", json!(0)),
        ("/channels", json!(u64::MAX)),
        ("/codebooks/semantic", json!(1)),
        ("/codebooks/acoustic", json!(1_u64 << 40)),
        ("/host_rate_hz", json!(0)),
        ("/host_rate_hz", json!(1e300)),
        ("/codec_rate_hz", json!(0)),
        ("/hop_samples", json!(0)),
        ("/hop_samples", json!(-1)),
        ("/pack/sha256", json!("no")),
        ("/pack", json!([])),
    ] {
        let error = with(pointer, value.clone()).expect_err(&format!("{pointer} = {value} was believed"));
        assert!(error.to_string().len() > 20, "{error}");
    }
    for (at, value, expected) in
        [(8, 2, "version 2"), (0, 0x88, "not a .sac"), (15, 0xFF, "damaged"), (16, 0, "damaged")]
    {
        let mut wrong = bytes.clone();
        wrong[at] = value;
        let error = Take::parse(&wrong).unwrap_err().to_string();
        assert!(error.contains(expected), "byte {at}: {error}");
    }
}

#[test]
fn a_channel_mode_of_a_later_version_is_read_and_kept() {
    for (text, is_known) in [
        ("mono", true),
        ("sum", true),
        ("left", true),
        ("right", true),
        ("each", true),
        ("Mono", false),
        ("side", false),
    ] {
        let header = Header { channel_mode: Some(ChannelModeText::from(text.to_owned())), ..header(1) };
        let mut writer = TakeWriter::new(header.clone()).unwrap();
        writer.anchor(anchor(0.0));
        writer.frame(&[TokenFrame { semantic: 1, acoustic: 2 }]).unwrap();
        writer.finish("test", None, vec![]);
        let bytes = writer.take_bytes();
        let quoted = format!("\"channel_mode\":\"{text}\"");
        for bytes in [&bytes, &Take::parse(&bytes).unwrap().repaired().unwrap()] {
            assert!(bytes.windows(quoted.len()).any(|w| w == quoted.as_bytes()), "{text}");
            let take = Take::parse(bytes).unwrap();
            assert!(take.is_whole() && take.header == header, "{text}");
            let mode = take.header.channel_mode.unwrap();
            assert_eq!(matches!(mode, ChannelModeText::Known(_)), is_known, "{text}");
        }
    }
}

/// Known optional fields with values of another type, as JSON; `python/test_sacodec_tokens.py` has the
/// same ones.
const WRONG_HEADER_FIELDS: [&str; 12] = [
    r#""channel_mode":3"#,
    r#""channel_mode":["mono"]"#,
    r#""latency_samples":-1"#,
    r#""latency_samples":1.5"#,
    r#""latency_samples":18446744073709551616"#,
    r#""stream_frame":true"#,
    r#""first_sample":"0""#,
    r#""tempo_bpm":[]"#,
    r#""track":1"#,
    r#""created":{}"#,
    r#""cpu":"avx2""#,
    r#""cpu":[1]"#,
];
const WRONG_FOOTER_FIELDS: [&str; 10] = [
    r#""lost_frames":"1""#,
    r#""lost_frames":null"#,
    r#""failed_frames":-1"#,
    r#""length_samples":0.5"#,
    r#""segments":true"#,
    r#""closed":null"#,
    r#""closed":3"#,
    r#""notes":3"#,
    r#""notes":null"#,
    r#""notes":[1]"#,
];
/// Values that these fields may have.
const RIGHT_HEADER_FIELDS: &str = r#""channel_mode":null,"latency_samples":null,"stream_frame":null,"first_sample":-3,
    "tempo_bpm":null,"track":null,"created":null,"software":null,"inference":null,"cpu":null,"later":[3]"#;
const RIGHT_FOOTER_FIELDS: &str = r#""lost_frames":0,"failed_frames":1,"length_samples":null,"segments":2,"closed":"","notes":["a"],"later":[3]"#;

#[test]
fn a_known_header_field_of_another_type_refuses_the_take() {
    let with = |fields: &str| {
        let json = format!(
            r#"{{"pack":{{"name":"test","version":"1","sha256":"{}"}},"codec_rate_hz":24000,"hop_samples":320,
            "codebooks":{{"semantic":1000,"acoustic":1024}},"channels":1,"host_rate_hz":48000,{fields}}}"#,
            "0".repeat(64)
        );
        let mut bytes = b"\x89SAC\r\n\x1a\n\x01\0\0\0".to_vec();
        bytes.extend((json.len() as u32).to_le_bytes());
        bytes.extend(crc32fast::hash(&[&bytes[..], json.as_bytes()].concat()).to_le_bytes());
        bytes.extend(json.as_bytes());
        Take::parse(&bytes)
    };
    with(RIGHT_HEADER_FIELDS).unwrap();
    for field in WRONG_HEADER_FIELDS {
        let error = with(field).expect_err(field).to_string();
        assert!(error.contains("header"), "{field}: {error}");
    }
}

#[test]
fn a_known_footer_field_of_another_type_makes_the_footer_damage() {
    let mut writer = TakeWriter::new(header(1)).unwrap();
    writer.anchor(anchor(0.0));
    writer.frame(&[TokenFrame { semantic: 1, acoustic: 2 }]).unwrap();
    writer.finish("test", None, vec![]);
    let sound = writer.take_bytes();
    let start = sound.windows(2).rposition(|w| w == b"{\"").unwrap() - 3;
    let with = |fields: &str| {
        let json = format!(r#"{{"frames":1,{fields}}}"#);
        let mut record = vec![0xAF];
        record.extend((json.len() as u16).to_le_bytes());
        record.extend(json.as_bytes());
        record.extend(crc32fast::hash(&record).to_le_bytes());
        let take = Take::parse(&[&sound[..start], &record].concat()).unwrap();
        assert_eq!(take.present_frames(), 1);
        (take.footer.is_some(), take.damage.iter().map(|d| d.bytes).sum::<usize>(), record.len())
    };
    let (is_finished, damaged, _) = with(RIGHT_FOOTER_FIELDS);
    assert!(is_finished && damaged == 0);
    for field in WRONG_FOOTER_FIELDS {
        let (is_finished, damaged, length) = with(field);
        assert_eq!((is_finished, damaged), (false, length), "{field}");
    }
}

#[test]
fn fields_and_records_of_a_later_minor_version_are_skipped_and_kept() {
    let (mut bytes, written) = small_take(100, 1);
    let end = 20 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    bytes[10] = 9;
    let crc = crc32fast::hash(&[&bytes[..16], &bytes[20..end]].concat());
    bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    let mut record = vec![0xB7, 3, 0, b'n', b'e', b'w'];
    record.extend(crc32fast::hash(&record).to_le_bytes());
    bytes.splice(end..end, record.clone());
    let take = Take::parse(&bytes).unwrap();
    assert!(take.damage.is_empty());
    assert_eq!(tokens_of(&take), written);
    let repaired = take.repaired().unwrap();
    assert!(repaired.windows(record.len()).any(|w| w == record), "the unknown record was dropped");
}

#[test]
fn an_hour_costs_at_most_five_percent_over_twenty_bits_a_frame() {
    for (seconds, limit) in [(600, 0.055), (3600, 0.05)] {
        let frames = seconds * 75;
        let mut writer = TakeWriter::new(header(1)).unwrap();
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
    let mut writer = TakeWriter::new(header(1)).unwrap();
    writer.gap(MAX_FRAMES - 1, GapReason::RingFull).unwrap();
    let token = TokenFrame::default();
    writer.frame(&[token]).unwrap();
    assert!(matches!(writer.frame(&[token]), Err(TakeError::TooLong)));
    assert!(matches!(Take::parse(&writer.take_bytes()), Ok(_) | Err(TakeError::MostlyMissing { .. })));
}

#[test]
fn the_example_in_the_specification_is_what_is_written() {
    let mut writer = TakeWriter::new(header(1)).unwrap();
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
    let page = include_str!("../../../docs/sac-format.md");
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

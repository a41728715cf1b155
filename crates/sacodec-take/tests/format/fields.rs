//! Fields of header and footer: hostile, of another type, of a later version.

use sacodec_take::{ChannelModeText, Header, Take, TakeSerializer};
use sacodec_token::TokenFrame;
use serde_json::{Value, json};

use super::{anchor, header, small_take, tokens_of};

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
        let mut writer = TakeSerializer::new(header.clone()).unwrap();
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

/// Known optional fields with values of another type, as JSON; `python/tests/test_fields.py` has the
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
    let mut writer = TakeSerializer::new(header(1)).unwrap();
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

//! Files that are made to take long: a reader whose work grew with the square of their length would not end today.

use sacodec_take::{CodebookSizes, GapReason, Header, Take, TakeError, TakeSerializer};
use sacodec_token::TokenFrame;

use super::{anchor, header};

#[test]
fn a_file_in_which_a_record_seems_to_begin_at_each_byte_is_read_to_its_end() {
    // The longest blocks of frames: 75 of sixteen channels, 32 bits a channel. Each byte is a tag that says so.
    let sizes = CodebookSizes { semantic: 65_535, acoustic: 65_535 };
    let mut writer = TakeSerializer::new(Header { codebooks: sizes, ..header(16) }).unwrap();
    let mut bytes = writer.take_bytes();
    let begin = bytes.len();
    bytes.resize(begin + (4 << 20), 75);
    bytes.resize(begin + (5 << 20), 0);
    let take = Take::parse(&bytes).unwrap();
    assert_eq!((take.frames(), take.damage.len(), take.damage[0].bytes), (0, 1, 5 << 20));
}

#[test]
fn many_gaps_anchors_and_runs_are_read_repaired_and_placed() {
    let mut writer = TakeSerializer::new(header(1)).unwrap();
    let rounds = 200_000;
    for round in 0..rounds {
        writer.anchor(anchor(f64::from(round) * 1e4));
        writer.frame(&[TokenFrame::default()]).unwrap();
        writer.gap(2, GapReason::RingFull).unwrap();
        // Inside a gap.
        writer.anchor(anchor(f64::from(round) * 1e4 + 5.0));
        writer.gap(1, GapReason::DiskRefused).unwrap();
    }
    let bytes = writer.take_bytes();
    let take = Take::parse(&bytes).unwrap();
    assert_eq!(
        (take.frames(), take.present_frames(), take.gaps.len()),
        (4 * rounds, rounds, 2 * rounds as usize)
    );
    assert_eq!(take.missing().len(), 2 * rounds as usize);
    assert_eq!(take.places().count(), take.frames() as usize);
    assert_eq!(
        (0..take.frames()).filter(|&index| take.place(index).is_some()).count(),
        take.frames() as usize
    );
    let repaired = Take::parse(&take.repaired().unwrap()).unwrap();
    assert!(
        repaired.damage.is_empty() && repaired.iter().eq(take.iter()) && repaired.places().eq(take.places())
    );
}

#[test]
fn anchors_and_gaps_out_of_order_are_damage_and_never_less_than_nothing() {
    // Sound records, each of which says that it comes before the one before it.
    let mut bytes = TakeSerializer::new(header(1)).unwrap().take_bytes();
    for index in [900_u32, 600, 300, 0] {
        let mut writer = TakeSerializer::new(header(1)).unwrap();
        let begin = writer.take_bytes().len();
        let _ = begin;
        writer.gap(index, GapReason::RingFull).unwrap();
        writer.take_bytes();
        writer.anchor(anchor(1.0));
        writer.gap(10, GapReason::RingFull).unwrap();
        bytes.extend(writer.take_bytes());
    }
    match Take::parse(&bytes) {
        Ok(take) => {
            assert_eq!((take.frames(), take.anchors.len()), (910, 1));
            let repaired = Take::parse(&take.repaired().unwrap()).unwrap();
            assert_eq!(repaired.frames(), 910);
        }
        Err(error) => assert!(matches!(error, TakeError::MostlyMissing { .. }), "{error}"),
    }
}

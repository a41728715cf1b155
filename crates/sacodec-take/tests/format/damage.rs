//! Whatever happens to the bytes: what is read was written, and what is lost is said.

use sacodec_take::{GapReason, Take, TakeError, TakeSerializer, write_csv, write_jsonl, write_npy};
use sacodec_token::TokenFrame;

use super::{anchor, assert_nothing_is_made_up, header, small_take, tokens_of};

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
        let mut writer = TakeSerializer::new(header(1)).unwrap();
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
    let mut writer = TakeSerializer::new(header(1)).unwrap();
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

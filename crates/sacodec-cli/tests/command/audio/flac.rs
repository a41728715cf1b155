//! FLAC: every width, and every byte that can be wrong.

use std::io::Cursor;
use std::path::Path;

use sacodec_cli::audio::{AudioReader, Salvage};
use sacodec_testing::flac::FlacFile;
use sacodec_testing::{data, read_wav};

use super::{Audio, read, refused};

/// Bytes before the frames.
const HEAD_BYTES: usize = 42;
/// In the head: sizes of the smallest and the largest frame, which nobody needs.
const FRAME_SIZES: std::ops::Range<usize> = 12..18;

fn noise(bits: u32, channels: usize, length: usize) -> Vec<Vec<i32>> {
    let mut random = fastrand::Rng::with_seed(u64::from(bits) * 100 + channels as u64);
    let channel = |_| (0..length).map(|_| random.u32(..) as i32 >> (32 - bits)).collect();
    (0..channels).map(channel).collect()
}

fn expected(file: &FlacFile) -> Audio {
    let scale = 2_f64.powi(1 - file.bits as i32);
    let channel = |samples: &Vec<i32>| samples.iter().map(|&s| (f64::from(s) * scale) as f32).collect();
    Audio { rate_hz: file.rate_hz, channels: file.channels.iter().map(channel).collect() }
}

#[test]
fn flac_of_every_width_channels_blocks_and_header_is_read_to_the_sample() {
    for bits in [4, 8, 12, 16, 20, 24, 32] {
        for (channels, length, block_samples) in [(1, 1000, 256), (2, 777, 16), (8, 300, 4096), (1, 1, 192)] {
            let file =
                FlacFile { block_samples, ..FlacFile::new(44_100, bits, noise(bits, channels, length)) };
            for is_variable in [false, true] {
                for file in [file.clone(), file.clone().of_unknown_length()] {
                    let file = FlacFile { is_variable, ..file };
                    let what =
                        format!("{bits} bits, {channels} channels of {length}, blocks of {block_samples}");
                    let found = read(&file.bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert!(found == expected(&file), "{what}: other samples");
                }
            }
        }
    }
}

#[test]
fn a_changed_byte_is_an_error_or_changes_nothing() {
    let file = FlacFile::new(16_000, 16, noise(16, 2, 600));
    for file in [file.clone(), file.clone().of_unknown_length()] {
        let sound = file.bytes();
        for at in 0..sound.len() {
            for mask in [0x01, 0x80, 0xFF] {
                let mut bytes = sound.clone();
                bytes[at] ^= mask;
                match read(&bytes) {
                    Err(_) => assert!(!FRAME_SIZES.contains(&at), "byte {at}"),
                    Ok(found) => {
                        assert!(at < HEAD_BYTES, "byte {at} ^ {mask:#x} of a frame was not noticed");
                        let samples = expected(&file).channels;
                        assert!(found.channels == samples, "byte {at} ^ {mask:#x} gives other samples");
                    }
                }
            }
        }
    }
}

#[test]
fn a_flac_file_that_is_cut_is_an_error() {
    let file = FlacFile::new(16_000, 16, noise(16, 1, 2000));
    let sound = file.bytes();
    for length in 0..sound.len() {
        refused(&sound[..length]);
    }
    // Where nothing tells of the length, a cut between frames cannot be seen.
    let file = file.of_unknown_length();
    let (sound, frames) = (file.bytes(), file.frames());
    let mut end = HEAD_BYTES;
    let mut ends = vec![end];
    for frame in frames {
        end += frame.len();
        ends.push(end);
    }
    for length in (0..sound.len()).filter(|length| !ends.contains(length)) {
        refused(&sound[..length]);
    }
}

#[test]
fn frames_that_are_missing_doubled_or_swapped_are_an_error_whatever_the_header_tells() {
    for file in [
        FlacFile::new(8000, 16, noise(16, 1, 1500)),
        FlacFile::new(8000, 16, noise(16, 1, 1500)).of_unknown_length(),
    ] {
        for is_variable in [false, true] {
            let file = FlacFile { is_variable, ..file.clone() };
            let frames = file.frames();
            let of = |frames: Vec<Vec<u8>>| [vec![file.head()], frames].concat().concat();
            for at in 0..frames.len() - 1 {
                let mut missing = frames.clone();
                missing.remove(at);
                refused(&of(missing));
                let mut doubled = frames.clone();
                doubled.insert(at, frames[at].clone());
                refused(&of(doubled));
                let mut swapped = frames.clone();
                swapped.swap(at, at + 1);
                refused(&of(swapped));
                let mut damaged = frames.clone();
                let middle = damaged[at].len() / 2;
                damaged[at][middle] ^= 1;
                let said = refused(&of(damaged));
                assert!(said.contains("damaged at"), "{said}");
            }
        }
    }
}

#[test]
fn a_header_that_lies_about_length_or_samples_is_an_error() {
    let file = FlacFile::new(8000, 16, noise(16, 1, 1500));
    let more = FlacFile { total_samples: 1501, ..file.clone() };
    assert!(refused(&more.bytes()).contains("1501 samples that are sound, and 1500"));
    let fewer = FlacFile { total_samples: 1499, ..file.clone() };
    assert!(refused(&fewer.bytes()).contains("1499 samples, and 1500"));
    let other = FlacFile { md5: [7; 16], ..file };
    assert!(refused(&other.bytes()).contains("MD5"));
}

#[test]
fn tags_before_and_after_the_stream_are_no_audio() {
    let mut id3v2 = b"ID3\x04\0\0\0\0\x01\x02".to_vec();
    id3v2.extend([0xFF; 130]);
    let id3v1 = [&b"TAG"[..], &[b'x'; 125]].concat();
    let file = FlacFile::new(8000, 16, noise(16, 1, 1500));
    for file in [file.clone(), file.clone().of_unknown_length()] {
        // Blocks of metadata that are not the last: an unknown one, and a comment that is no comment.
        let head = file.head();
        let more = [&[0], &head[5..], &[0x7E, 0, 0, 3, 1, 2, 3], &[0x84, 0, 0, 2, 9, 9]].concat();
        let long = [&b"fLaC"[..], &more, &file.frames().concat()].concat();
        for bytes in [file.bytes(), long] {
            let tagged = [&id3v2[..], &bytes, &id3v1].concat();
            assert!(read(&tagged).unwrap() == expected(&file));
            assert!(read(&[&bytes[..], &id3v1].concat()).unwrap() == expected(&file));
            refused(&[&bytes[..], &[1; 40]].concat());
        }
    }
    assert!(refused(&[&id3v2[..], b"no FLAC"].concat()).contains("not FLAC"));
    for (after, wanted) in [(&b"\xFF\xFB\x90\x64"[..], "an MP3"), (b"OggS", "an Ogg"), (&[0; 4], "not FLAC")]
    {
        for tags in [id3v2.clone(), id3v2.repeat(2)] {
            let said = refused(&[&tags[..], after].concat());
            assert!(said.contains(wanted), "{after:?}: {said}");
        }
    }
    assert!(read(&[&id3v2.repeat(2)[..], &file.bytes()].concat()).unwrap() == expected(&file));
}

#[test]
fn what_is_salvaged_has_silence_for_each_damaged_frame_and_every_other_sample_in_its_place() {
    let file = FlacFile::new(16_000, 16, noise(16, 2, 2000));
    for is_variable in [false, true] {
        let file = FlacFile { is_variable, ..file.clone() };
        let frames = file.frames();
        for damaged in 0..frames.len() {
            let mut changed = frames.clone();
            let middle = changed[damaged].len() / 2;
            changed[damaged][middle] ^= 0x40;
            let bytes = [vec![file.head()], changed].concat().concat();
            let mut reader =
                AudioReader::of(Path::new("test"), Cursor::new(bytes), None, Salvage::new(true)).unwrap();
            let mut found = vec![Vec::new(); 2];
            while reader.read(&mut found).unwrap() {}
            let lost = damaged * 256..2000.min(damaged * 256 + 256);
            let [missing] = reader.missing() else { panic!("frame {damaged}: {:?}", reader.missing()) };
            assert_eq!(*missing, lost.start as u64..lost.end as u64, "frame {damaged}");
            let mut due = expected(&file).channels;
            due.iter_mut().for_each(|channel| channel[lost.clone()].fill(0.0));
            assert!(found == due, "frame {damaged}: other samples");
        }
    }
}

/// The file of libFLAC has mid and side channels, predictors and Rice codes.
#[test]
fn of_random_flips_in_a_file_of_libflac_each_is_an_error() {
    let sound = std::fs::read(data("speech_24k.flac")).unwrap();
    let found = read(&sound).unwrap();
    let (speech, rate_hz) = read_wav(&data("speech_24k.wav"));
    let length = found.channels[0].len();
    assert_eq!((found.rate_hz, found.channels.len()), (rate_hz, 2));
    assert!(found.channels[0] == speech[..length], "the left channel is the clip");
    let mut random = fastrand::Rng::with_seed(19);
    for _ in 0..200 {
        let mut bytes = sound.clone();
        let at = sound.len() / 4 + random.usize(..sound.len() / 2);
        bytes[at] ^= 1 << random.usize(..8);
        refused(&bytes);
        let at = sound.len() / 4 + random.usize(..sound.len() / 2);
        refused(&sound[..at]);
        refused(&[&sound[..at], &sound[at + 1 + random.usize(..5000)..]].concat());
    }
}

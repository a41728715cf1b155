//! WAV: every format in every container, honest sizes and lies.
//!
//! libsndfile 1.2.2 read 3000 of these files while this was written, those of two channels. What it reads is
//! equal to the sample but for three kinds: it sees no audio where a header was never finalised; it does not
//! read BW64, nor RF64 from a pipe; and of 16, 20 or 24 bits in 4 bytes with tag 1 it ignores the 4 bytes,
//! unless there are thousands of samples of 24 bits. Here the block alignment decides, as in ffmpeg.

use sacodec_testing::noise;
use sacodec_testing::wav::{Size, WavFile, chunk, extensible, format};

use super::{read, refused};

const SAMPLES: usize = 99;

/// A way to store samples: its `fmt ` chunk, its bytes, and what is read of them.
#[derive(Clone)]
struct Stored {
    name: String,
    format: Vec<u8>,
    data: Vec<u8>,
    expected: Vec<f32>,
}

/// `bits` of noise in the upper bits of `bytes`.
fn integers(bits: u16, bytes: u16, count: usize) -> (Vec<u8>, Vec<f32>) {
    let mut random = fastrand::Rng::with_seed(bits.into());
    let values: Vec<i32> = (0..count).map(|_| random.u32(..) as i32 >> (32 - bits) << (32 - bits)).collect();
    let of_bytes = |value: &i32| match bytes {
        1 => vec![((value >> 24) + 128) as u8],
        _ => value.to_le_bytes()[4 - usize::from(bytes)..].to_vec(),
    };
    let expected = values.iter().map(|&value| (f64::from(value) / 2_f64.powi(31)) as f32).collect();
    (values.iter().flat_map(of_bytes).collect(), expected)
}

/// All that is read, with so many channels.
fn all(channels: u16, rate_hz: u32) -> Vec<Stored> {
    [all_integers(channels, rate_hz), all_floats(channels, rate_hz), all_laws(channels, rate_hz)].concat()
}

/// Whole numbers: bits and the bytes that hold them, with a plain format and an extensible one.
fn all_integers(channels: u16, rate_hz: u32) -> Vec<Stored> {
    let widths = [
        (8, 1),
        (5, 1),
        (16, 2),
        (12, 2),
        (9, 2),
        (24, 3),
        (20, 3),
        (17, 3),
        (32, 4),
        (24, 4),
        (20, 4),
        (16, 4),
    ];
    let mut all = Vec::new();
    for (bits, bytes) in widths {
        let (data, expected) = integers(bits, bytes, SAMPLES * usize::from(channels));
        let align = bytes * channels;
        let forms = [
            ("plain", format(1, channels, rate_hz, bits, align)),
            ("extensible", extensible(1, channels, rate_hz, 8 * bytes, align, bits)),
        ];
        for (form, format) in forms {
            let name = format!("{bits} bits in {bytes} bytes, {form}");
            all.push(Stored { name, format, data: data.clone(), expected: expected.clone() });
        }
    }
    all
}

/// Floats of both widths.
fn all_floats(channels: u16, rate_hz: u32) -> Vec<Stored> {
    let floats = noise(1, SAMPLES * usize::from(channels), 1.5);
    let data: [(u16, Vec<u8>); 2] = [
        (32, floats.iter().flat_map(|s| s.to_le_bytes()).collect()),
        (64, floats.iter().flat_map(|&s| f64::from(s).to_le_bytes()).collect()),
    ];
    let mut all = Vec::new();
    for (bits, data) in data {
        let align = bits / 8 * channels;
        for format in
            [format(3, channels, rate_hz, bits, align), extensible(3, channels, rate_hz, bits, align, bits)]
        {
            let name = format!("float of {bits} bits, format of {} bytes", format.len());
            all.push(Stored { name, format, data: data.clone(), expected: floats.clone() });
        }
    }
    all
}

/// Values of G.711.
fn all_laws(channels: u16, rate_hz: u32) -> Vec<Stored> {
    let laws: [(u16, [(u8, i16); 5]); 2] = [
        (6, [(0xD5, 8), (0x55, -8), (0xAA, 32_256), (0x2A, -32_256), (0x10, -2752)]),
        (7, [(0xFF, 0), (0x00, -32_124), (0x80, 32_124), (0x10, -15_996), (0xF0, 120)]),
    ];
    let stored = |(tag, values): (u16, [(u8, i16); 5])| {
        let (data, expected) = (0..SAMPLES * usize::from(channels))
            .map(|i| values[i % 5])
            .map(|(code, value)| (code, f32::from(value) / 32_768.0))
            .unzip();
        let format = format(tag, channels, rate_hz, 8, channels);
        Stored { name: format!("tag {tag}"), format, data, expected }
    };
    laws.into_iter().map(stored).collect()
}

/// What a program may write into the two sizes, and all the same the audio is whole.
fn sizes(file: &WavFile) -> Vec<(&'static str, WavFile)> {
    let of = |riff, data| WavFile { riff_size: Size::Is(riff), data_size: Size::Is(data), ..file.clone() };
    let riff = |riff_size| WavFile { riff_size: Size::Is(riff_size), ..file.clone() };
    let bytes = file.data.len() as u64;
    let list = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0");
    let header = (28 + file.format.len() + file.format.len() % 2) as u32;
    let wrong_format_size =
        WavFile { before: [list.clone(), chunk(b"JUNK", &[0; 27])].concat(), ..file.clone() };
    vec![
        ("honest", file.clone()),
        ("ffmpeg into a pipe", WavFile { before: list.clone(), ..of(u32::MAX, u32::MAX) }),
        ("SoX into a pipe", of(0x7FFF_F024, 0x7FFF_F000)),
        ("arecord into a pipe", of(0x8000_0024, 0x8000_0000)),
        ("never finalised, zeros", of(0, 0)),
        ("never finalised, as empty", of(header - 8, 0)),
        ("never finalised, a full file", of(u32::MAX, 0)),
        ("a RIFF size that is too small", riff(4)),
        ("a RIFF size of zero", riff(0)),
        ("a RIFF size that is too large", riff(123_456_789)),
        ("RF64", file.clone().long(*b"RF64", bytes + 100, bytes)),
        ("BW64", file.clone().long(*b"BW64", bytes + 100, bytes)),
        ("RF64, never finalised", file.clone().long(*b"RF64", 0, 0)),
        ("RF64 into a pipe", file.clone().long(*b"RF64", u64::MAX, u64::MAX)),
        (
            "RF64 with a plain size",
            WavFile { data_size: Size::Is(bytes as u32), ..file.clone().long(*b"RF64", 0, bytes) },
        ),
        ("chunks before", wrong_format_size),
        ("chunks after", WavFile { after: [list, chunk(b"id3 ", &[1; 33])].concat(), ..file.clone() }),
        ("a chunk after that is cut", WavFile { after: b"LIST\xFF\0\0\0INFO".to_vec(), ..file.clone() }),
        ("an ID3v1 tag after", WavFile { after: [&b"TAG"[..], &[b'x'; 125]].concat(), ..file.clone() }),
        ("zeros after", WavFile { after: vec![0; 500], ..file.clone() }),
    ]
}

#[test]
fn wav_of_every_format_and_with_every_size_is_read_to_the_sample() {
    for (channels, rate_hz) in [(1, 8000), (2, 44_100), (7, 192_000)] {
        for Stored { name, format, data, expected } in all(channels, rate_hz) {
            let channel = |c| expected.iter().skip(c).step_by(channels.into()).copied().collect::<Vec<_>>();
            let expected: Vec<_> = (0..usize::from(channels)).map(channel).collect();
            for further in [0, 2, 4, 10, 34] {
                let format = [format.clone(), vec![0; further]].concat();
                for (sizes, file) in sizes(&WavFile::new(format, data.clone())) {
                    let what =
                        format!("{name}, {channels} channels, {further} further bytes, sizes: {sizes}");
                    let audio = read(&file.bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(audio.rate_hz, rate_hz, "{what}");
                    assert!(audio.channels == expected, "{what}: other samples");
                }
            }
        }
    }
}

fn stereo() -> WavFile {
    WavFile::new(format(1, 2, 16_000, 16, 4), integers(16, 2, 200).0)
}

#[test]
fn a_wav_file_that_is_cut_is_an_error_wherever() {
    let file = stereo();
    let sound = file.bytes();
    for length in 0..sound.len() {
        refused(&sound[..length]);
    }
    let said = refused(&sound[..sound.len() - 100]);
    assert!(said.contains("tells of 400 bytes of audio, and 300 are there"), "{said}");
    let long = file.long(*b"RF64", 0, 400).bytes();
    for length in 0..long.len() {
        refused(&long[..length]);
    }
}

#[test]
fn a_wav_file_that_holds_more_audio_than_it_says_is_an_error() {
    let file = stereo();
    for bytes in [4, 100, 396] {
        let said = refused(&WavFile { data_size: Size::Is(bytes), ..file.clone() }.bytes());
        assert!(said.contains(&format!("follow its {bytes} bytes of audio")), "{said}");
    }
    let said = refused(&WavFile { data_size: Size::Is(398), ..file.clone() }.bytes());
    assert!(said.contains("2 bytes into a sample of 4 bytes"), "{said}");
    let said = refused(&WavFile { after: chunk(b"data", &file.data), ..file.clone() }.bytes());
    assert!(said.contains("two `data` chunks"), "{said}");
    for name in [b"RIFF", b"RF64", b"BW64"] {
        let second = [name, &file.bytes()[4..]].concat();
        let said = refused(&WavFile { after: second, ..file.clone() }.bytes());
        assert!(said.contains("another WAV file follows its audio"), "{said}");
    }
    // Samples that look like the name of a chunk.
    for byte in [b'~', b'U'] {
        let data = vec![byte; 400];
        let file = WavFile::new(format(1, 1, 16_000, 8, 1), data);
        let said = refused(&WavFile { data_size: Size::Is(100), ..file }.bytes());
        assert!(said.contains("300 bytes follow its 100 bytes of audio"), "{said}");
    }
    // A known chunk whose end is missing holds no audio.
    let cut = chunk(b"LIST", &[7; 40])[..30].to_vec();
    assert_eq!(read(&WavFile { after: cut, ..file }.bytes()).unwrap().channels[0].len(), 100);
}

#[test]
fn an_honest_file_without_audio_has_none() {
    let empty = WavFile { data: Vec::new(), ..stereo() };
    for after in [Vec::new(), chunk(b"LIST", b"INFO")] {
        let audio = read(&WavFile { after, ..empty.clone() }.bytes()).unwrap();
        assert!(audio.channels.iter().all(Vec::is_empty));
    }
}

#[test]
fn what_is_not_read_is_refused_with_its_true_reason() {
    let with = |format: Vec<u8>| WavFile { format, ..stereo() }.bytes();
    let whole = stereo().bytes();
    let sub_format = [&extensible(1, 1, 8000, 16, 2, 16)[..30], &[9; 10]].concat();
    let cases = [
        (with(format(2, 1, 8000, 4, 256)), "Microsoft ADPCM"),
        (with(format(0x11, 1, 8000, 4, 256)), "IMA ADPCM"),
        (with(format(0x55, 1, 8000, 0, 1)), "MPEG audio"),
        (with(format(0x1234, 1, 8000, 16, 2)), "0x1234"),
        (with(format(1, 1, 8000, 0, 2)), "PCM of 0 bits in 2 bytes"),
        (with(format(1, 1, 8000, 24, 2)), "PCM of 24 bits in 2 bytes"),
        (with(format(1, 1, 8000, 64, 8)), "PCM of 64 bits"),
        (with(format(3, 1, 8000, 16, 2)), "float of 16 bits"),
        (with(sub_format), "sub-format"),
        (with(format(1, 0, 8000, 16, 2)), "0 channels"),
        (with(format(1, 1, 0, 16, 2)), "0 Hz"),
        (with(vec![1; 14]), "`fmt ` chunk has 14 bytes"),
        (whole[..12].to_vec(), "no `data` chunk"),
        ([&whole[..12], &chunk(b"data", &[0; 40])].concat(), "before its `fmt ` chunk"),
        ([b"RIFX", &whole[4..]].concat(), "RIFX"),
        (b"FORM\0\0\0\0AIFF".to_vec(), "AIFF"),
        (b"OggS\0\0\0\0\0\0\0\0".to_vec(), "Ogg"),
        (b"hello, world".to_vec(), "not known"),
        (Vec::new(), "no bytes"),
    ];
    for (bytes, reason) in cases {
        let said = refused(&bytes);
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn an_alignment_of_zero_is_taken_from_the_bits() {
    let (data, expected) = integers(16, 2, 50);
    let audio = read(&WavFile::new(format(1, 1, 8000, 16, 0), data).bytes()).unwrap();
    assert_eq!(audio.channels, [expected]);
}

/// Whatever the bytes are, the reader ends, with an error or with samples.
#[test]
fn a_damaged_header_is_an_error_or_gives_samples() {
    let mut random = fastrand::Rng::with_seed(7);
    let files = [stereo().bytes(), stereo().long(*b"RF64", 500, 400).bytes()];
    for round in 0..20_000 {
        let mut bytes = files[round % 2].clone();
        for _ in 0..1 + random.usize(..4) {
            let at = random.usize(..100);
            bytes[at] = random.u32(..) as u8;
        }
        // A pipe cannot know what a file knows, so the two may differ here.
        for length in [Some(bytes.len() as u64), None] {
            let _ = super::read_as(&bytes, length).map(|audio| assert!(audio.channels.len() < 1 << 16));
        }
    }
}

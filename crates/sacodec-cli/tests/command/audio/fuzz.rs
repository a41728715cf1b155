//! Audio files with random damage of every kind: the readers end, with samples or with an error, and never with
//! more of them than a file of that size can have.
//!
//! `SACODEC_FUZZ_ROUNDS=5000000 cargo test --release -p sacodec-cli --test command fuzz` looks longer.

use std::io::Cursor;
use std::path::Path;

use sacodec_cli::audio::{AudioReader, Salvage};
use sacodec_testing::flac::FlacFile;
use sacodec_testing::wav::{WavFile, chunk, extensible, format};
use sacodec_testing::{data, write_noise};

use super::super::takes::command;

/// Files of each kind that is read, all short.
fn seeds() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..600).map(|_| random.u8(..)).collect();
    let plain = WavFile::new(format(1, 2, 16_000, 16, 4), noise.clone());
    let list = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0");
    let samples = |bits: u32| (0..700).map(|i: i32| (i * 7919) << 16 >> (32 - bits)).collect::<Vec<_>>();
    let flac = FlacFile::new(16_000, 16, vec![samples(16), samples(16)]);
    let speech = std::fs::read(data("speech_24k.flac")).unwrap();
    vec![
        plain.bytes(),
        WavFile { before: list.clone(), after: list, ..plain.clone() }.bytes(),
        plain.clone().long(*b"RF64", 700, 600).bytes(),
        plain.long(*b"BW64", u64::MAX, 600).bytes(),
        WavFile::new(extensible(1, 1, 48_000, 24, 3, 20), noise.clone()).bytes(),
        WavFile::new(format(3, 1, 44_100, 64, 8), noise).bytes(),
        flac.bytes(),
        FlacFile { is_variable: true, ..flac.clone() }.of_unknown_length().bytes(),
        FlacFile::new(8000, 24, vec![samples(24)]).bytes(),
        speech[..speech.len() / 8].to_vec(),
    ]
}

/// Damages bytes: bits, words that may be sizes, pieces lost, doubled, put in or taken from another file.
fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut fastrand::Rng) {
    for _ in 0..1 + random.usize(..4) {
        if bytes.is_empty() {
            return;
        }
        // Most of what matters is at the beginning.
        let reach = if random.bool() { bytes.len() } else { bytes.len().min(120) };
        let at = random.usize(..reach);
        let length = random.usize(1..=(bytes.len() - at).min(200));
        match random.usize(..8) {
            0 => bytes[at] ^= 1 << random.usize(..8),
            1 => bytes[at] = random.u8(..),
            2 => {
                let sizes = [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX - 1, u32::MAX, random.u32(..)];
                let word = sizes[random.usize(..sizes.len())];
                let word = if random.bool() { word.to_le_bytes() } else { word.to_be_bytes() };
                bytes.iter_mut().skip(at).zip(word).for_each(|(byte, new)| *byte = new);
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            6 => drop(bytes.splice(at..at, (0..length).map(|_| random.u8(..)))),
            _ => {
                let other = &others[random.usize(..others.len())];
                let from = random.usize(..other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
        }
    }
}

/// Reads to the end or to an error -> samples of each channel, if all of it could be read.
fn read(bytes: &[u8], length_bytes: Option<u64>, salvage: Salvage) -> Option<u64> {
    let mut reader =
        AudioReader::of(Path::new("fuzz"), Cursor::new(bytes.to_vec()), length_bytes, salvage).ok()?;
    assert!((1..=1 << 16).contains(&reader.channels) && reader.rate_hz > 0);
    let mut channels = vec![Vec::new(); reader.channels];
    let mut samples = 0;
    loop {
        let more = reader.read(&mut channels).ok()?;
        assert!(channels.iter().all(|channel| channel.len() == channels[0].len()));
        // Blocks stay small, whatever a header tells.
        assert!(channels[0].len() <= 1 << 20, "{} samples at once", channels[0].len());
        samples += channels[0].len() as u64;
        channels.iter_mut().for_each(Vec::clear);
        if !more {
            let missing: u64 = reader.missing().iter().map(|missing| missing.end - missing.start).sum();
            assert!(missing <= samples);
            // A bit a sample is less than any format has, but for FLAC's constant blocks of 65535 in 10 bytes.
            assert!(
                samples - missing <= 7000 * bytes.len() as u64,
                "{samples} samples of {} bytes",
                bytes.len()
            );
            return Some(samples);
        }
    }
}

#[test]
fn fuzz_of_the_readers_ends_always_and_never_with_more_than_there_is() {
    let rounds = std::env::var("SACODEC_FUZZ_ROUNDS").map_or(300_000, |rounds| rounds.parse().unwrap());
    let seeds = seeds();
    let mut random = fastrand::Rng::with_seed(19);
    let mut whole = 0_u64;
    for round in 0..rounds {
        let mut bytes = seeds[round % seeds.len()].clone();
        mutate(&mut bytes, &seeds, &mut random);
        let length = Some(bytes.len() as u64);
        let (file, pipe) = (read(&bytes, length, Salvage::default()), read(&bytes, None, Salvage::default()));
        let salvaged = read(&bytes, length, Salvage::new(true));
        // What is sound without being salvaged is the same when it is.
        assert!(file.is_none() || salvaged == file, "round {round}: {file:?}, salvaged {salvaged:?}");
        whole += u64::from(file.is_some()) + u64::from(pipe.is_some());
    }
    assert!(whole > 0, "no file could be read: the fuzz finds nothing");
}

/// With so little memory that one header that is believed would end the process.
#[test]
#[cfg(target_os = "linux")]
fn fuzz_of_the_command_stays_within_its_memory() {
    let folder = tempfile::tempdir().unwrap();
    let seeds = seeds();
    let mut random = fastrand::Rng::with_seed(7);
    write_noise(&folder.path().join("in/sound.wav"), 16_000, 1, 1000, 1);
    for number in 0..150 {
        let mut bytes = seeds[number % (seeds.len() - 1)].clone();
        mutate(&mut bytes, &seeds[..seeds.len() - 1], &mut random);
        std::fs::write(folder.path().join(format!("in/{number}.wav")), bytes).unwrap();
    }
    let sacodec = command(folder.path(), &[]).get_program().to_string_lossy().into_owned();
    let line =
        format!("ulimit -v 1500000; exec '{sacodec}' encode in --output out --jobs 2 --report run.jsonl");
    let mut shell = std::process::Command::new("sh");
    let output = shell.current_dir(folder.path()).args(["-c", &line]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(folder.path().join("out/sound.sac").is_file(), "{said}");
    let report = std::fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    assert_eq!(report.lines().count(), 151, "each file has its line");
}

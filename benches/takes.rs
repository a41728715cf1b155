//! Takes: writer, reader, and the command on an hour of speech: `cargo bench --bench takes`.
//!
//! Figures are multiples of real time (75 frames a second, one channel).

// Linked for its allocator.
use sacodec as _;
use std::error::Error;
use std::ffi::OsStr;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_take::{Anchor, Header, Take, TakeSerializer, write_csv, write_jsonl, write_npy};

const HOUR_FRAMES: u32 = 3600 * 75;
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let model = CodecModel::embedded()?;
    let bytes = write_hour(&model)?;
    let take = Take::parse(&bytes)?;
    println!("an hour of tokens: {} bytes", bytes.len());
    report("write", || write_hour(&model).map(|bytes| bytes.len()));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hour.sac");
    report("write to a file, block by block", || write_file(&model, &path));
    report("read", || Ok(Take::parse(&bytes)?.frames() as usize));
    let mut out = Vec::new();
    report("npy", || {
        Ok(write_npy(&take, {
            out.clear();
            &mut out
        })
        .map(|()| out.len())?)
    });
    report("csv", || {
        Ok(write_csv(&take, {
            out.clear();
            &mut out
        })
        .map(|()| out.len())?)
    });
    report("jsonl", || {
        Ok(write_jsonl(&take, {
            out.clear();
            &mut out
        })
        .map(|()| out.len())?)
    });
    drop(model);
    command_on_an_hour(folder.path())
}

/// The best of some rounds: neighbours only ever add time.
fn report(what: &str, mut run: impl FnMut() -> Result<usize, Box<dyn Error>>) {
    let mut best_s = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        match run() {
            Ok(result) => drop(black_box(result)),
            Err(error) => return println!("{what}: {error}"),
        }
        best_s = best_s.min(start.elapsed().as_secs_f64());
    }
    println!("{what}: {:.0} x real time", 3600.0 / best_s);
}

fn writer(model: &CodecModel) -> Result<TakeSerializer, Box<dyn Error>> {
    let mut writer = TakeSerializer::new(Header::new(model, 1, 48_000.0))?;
    writer.anchor(Anchor { playing: true, new_segment: true, ..Anchor::default() });
    Ok(writer)
}

fn token(frame: u32) -> TokenFrame {
    let mixed = frame.wrapping_mul(2_654_435_761);
    TokenFrame { semantic: (mixed >> 8) as u16 % 1000, acoustic: (mixed >> 16) as u16 % 1024 }
}

fn write_hour(model: &CodecModel) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = writer(model)?;
    for frame in 0..HOUR_FRAMES {
        writer.frame(&[token(frame)])?;
    }
    writer.finish("bench", None, Vec::new());
    Ok(writer.take_bytes())
}

/// As the writer thread does where it keeps up with real time: a system call for each block.
fn write_file(model: &CodecModel, path: &Path) -> Result<usize, Box<dyn Error>> {
    use std::io::Write;
    let mut file = std::fs::File::create(path)?;
    let mut writer = writer(model)?;
    for frame in 0..HOUR_FRAMES {
        writer.frame(&[token(frame)])?;
        if frame % 75 == 74 {
            file.write_all(&writer.take_bytes())?;
        }
    }
    writer.finish("bench", None, Vec::new());
    file.write_all(&writer.take_bytes())?;
    Ok(0)
}

/// Sixty files of a minute, made of the repository's clip.
fn command_on_an_hour(folder: &Path) -> Result<(), Box<dyn Error>> {
    let speech = sacodec_testing::speech_24k();
    let corpus = folder.join("corpus");
    std::fs::create_dir(&corpus)?;
    for minute in 0..60 {
        let samples: Vec<f32> = speech.iter().copied().cycle().skip(minute * 997).take(60 * 24_000).collect();
        sacodec_testing::write_wav(&corpus.join(format!("{minute:02}.wav")), 24_000, &[samples]);
    }
    let mut takes = Vec::new();
    for jobs in ["1", "2"] {
        let out = folder.join(jobs);
        let start = Instant::now();
        let line = ["sacodec", "encode", "--jobs", jobs, "--output"].map(OsStr::new);
        let status = sacodec_cli::run_from(line.into_iter().chain([out.as_os_str(), corpus.as_os_str()]));
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "sacodec encode --jobs {jobs}, an hour of speech at 24 kHz: {:.0} x real time ({status:?})",
            3600.0 / seconds
        );
        takes.push(std::fs::read(out.join("17.sac"))?);
    }
    println!("both made the same takes: {}", takes[0] == takes[1]);
    Ok(())
}

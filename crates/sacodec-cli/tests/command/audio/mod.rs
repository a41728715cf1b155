//! Files that were made sample by sample are read as they were made, and damaged ones are errors.

mod commands;
mod flac;
mod fuzz;
mod wav;

use std::io::Cursor;
use std::path::Path;

use sacodec_cli::audio::{AudioFileError, AudioReader, Salvage};

/// What was read of a file.
#[derive(Debug, Clone, PartialEq)]
struct Audio {
    rate_hz: u32,
    channels: Vec<Vec<f32>>,
}

/// Reads bytes as a plain file, and as a pipe: both must give the same, or both fail.
#[track_caller]
fn read(bytes: &[u8]) -> Result<Audio, AudioFileError> {
    let length = Some(bytes.len() as u64);
    let (file, pipe) = (read_as(bytes, length), read_as(bytes, None));
    match (&file, &pipe) {
        (Ok(file), Ok(pipe)) => assert_eq!(file, pipe, "a pipe gives something else than a file"),
        (Err(_), Err(_)) => {}
        _ => panic!("a file gives {file:?}, a pipe {pipe:?}"),
    }
    file
}

fn read_as(bytes: &[u8], length_bytes: Option<u64>) -> Result<Audio, AudioFileError> {
    let mut reader =
        AudioReader::of(Path::new("test"), Cursor::new(bytes.to_vec()), length_bytes, Salvage::default())?;
    let mut channels = vec![Vec::new(); reader.channels];
    while reader.read(&mut channels)? {}
    if let Some(length) = reader.length_samples {
        assert_eq!(length, channels[0].len() as u64, "the length that was told before");
    }
    Ok(Audio { rate_hz: reader.rate_hz, channels })
}

/// The message of bytes that must not be read.
#[track_caller]
fn refused(bytes: &[u8]) -> String {
    match read(bytes) {
        Ok(audio) => panic!("read as {} samples", audio.channels[0].len()),
        Err(error) => error.to_string(),
    }
}

//! Takes as inputs: how they are read, and what they have lost.

use std::io;
use std::path::Path;

use crate::audio::{Source, SourceDigest};
use crate::error::CliError;
use crate::standard::{input_name, is_standard};
use sacodec_take::{GapReason, Header, Take, TakeError};

/// Reads a take; `-` is standard input.
pub fn open_take(path: &Path) -> Result<Take, CliError> {
    let take = if is_standard(path) { Take::from_reader(io::stdin().lock()) } else { Take::open(path) };
    take.map_err(|source| take_error(path, source))
}

/// As [`open_take`], and what was read. A pipe is read once.
pub fn open_take_with_digest(path: &Path) -> Result<(Take, SourceDigest), CliError> {
    read_take(path, |source| Take::from_reader(source))
}

/// As [`open_take_with_digest`]; where its header is damaged, the header of a take of its kind takes its place.
pub fn recover_take(path: &Path, like: &Header) -> Result<(Take, SourceDigest), CliError> {
    read_take(path, |source| Take::recover(source, like))
}

fn read_take(
    path: &Path,
    read: impl FnOnce(&mut Source) -> Result<Take, TakeError>,
) -> Result<(Take, SourceDigest), CliError> {
    let mut source = Source::open(path).map_err(|error| take_error(path, error.into()))?;
    let size = source.length_bytes.map_or(Ok(()), Take::check_size);
    let take = size.and_then(|()| read(&mut source)).map_err(|error| take_error(path, error))?;
    Ok((take, source.tally().digest()))
}

/// Why the take at `path` could not be read.
pub fn take_error(path: &Path, source: TakeError) -> CliError {
    let path = input_name(path);
    match source {
        TakeError::Io(source) => CliError::Open { path, source },
        source => CliError::Take { path, source },
    }
}

/// What a take has lost, in words; `None` if it is whole.
pub fn losses(take: &Take) -> Option<String> {
    told(take, take.frames() - take.present_frames())
}

/// The same without what was taken out on purpose, to rehearse a lossy network.
pub fn faults(take: &Take) -> Option<String> {
    let missing = take.missing();
    let unwanted = missing.iter().filter(|gap| gap.reason != GapReason::Rehearsed);
    told(take, unwanted.map(|gap| gap.count).sum())
}

fn told(take: &Take, missing_frames: u32) -> Option<String> {
    let mut losses = Vec::new();
    if missing_frames > 0 {
        losses.push(format!("{missing_frames} frames are missing"));
    }
    if !take.damage.is_empty() {
        let bytes: usize = take.damage.iter().map(|d| d.bytes).sum();
        losses.push(format!("{bytes} bytes in {} places are damaged", take.damage.len()));
    }
    if take.footer.is_none() {
        losses.push("it is unfinished".into());
    }
    (!losses.is_empty()).then(|| losses.join(", "))
}

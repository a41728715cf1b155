//! Shards of an earlier run: beside those of a run with another count, a glob would read both.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Format, STEM};
use crate::error::CliError;

/// The shards in `folder` that are of this format and not of `count` shards, in order.
pub fn with_another_count(folder: &Path, format: Format, count: usize) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |source| CliError::Open { path: folder.into(), source };
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.and_then(|name| count_of(name, format)).is_some_and(|other| other != count) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Removes shards that others have replaced.
pub fn remove(shards: &[PathBuf]) -> Result<(), CliError> {
    let removed = |path: &PathBuf| {
        fs::remove_file(path).map_err(|source| CliError::Remove { path: path.clone(), source })
    };
    shards.iter().try_for_each(removed)
}

/// Of how many shards a file of this name is one, if it is a shard.
fn count_of(name: &str, format: Format) -> Option<usize> {
    let numbers = name.strip_prefix(STEM)?.strip_suffix(format.extension())?.strip_suffix('.')?;
    let (number, count) = numbers.strip_prefix('-')?.split_once("-of-")?;
    let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(number) && is_number(count) { count.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_told_from_other_files_by_its_whole_name() {
        assert_eq!(count_of("tokens-00002-of-00013.npz", Format::Npz), Some(13));
        assert_eq!(count_of("tokens-100000-of-123456.tar", Format::Webdataset), Some(123_456));
        for name in [
            "tokens-00002-of-00013.parquet",
            "tokens-00002-of-00013",
            "tokens-00002-of-00013npz",
            "tokens-2-of-13.npz",
            "tokens-0000x-of-00013.npz",
            "tokens-notes-of-today.npz",
            "my-tokens-00002-of-00013.npz",
            "tokens-00002-of-00013.old.npz",
        ] {
            assert_eq!(count_of(name, Format::Npz), None, "{name}");
        }
    }
}

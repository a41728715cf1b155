//! The takes of a shard: they are read one after the other.

use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::CliError;
use crate::take::{losses, open_take};
use sacodec_take::{PackId, Take};

/// A take of a shard: it is read when its turn comes.
pub struct Item {
    pub path: PathBuf,
    /// Its name in the dataset: its path without `.sac`.
    pub key: String,
}

/// The takes of one shard.
pub struct Shard<'a> {
    pub items: &'a [Item],
    /// The pack that all of them must be of, and a take of it.
    pub pack: &'a PackId,
    pub example: &'a Path,
}

/// What is in a shard.
#[derive(Debug, Default)]
pub struct Content {
    pub rows: u64,
    pub frames: u64,
    pub missing_frames: u64,
    /// Takes that have lost something.
    pub not_whole: Vec<String>,
}

/// Turns an error of the system into one that names the shard.
pub type Written<'a> = &'a dyn Fn(io::Error) -> CliError;

/// What shards are written to.
pub trait Out: Write + Seek + Send {}
impl<T: Write + Seek + Send> Out for T {}

impl Shard<'_> {
    /// Reads the takes one after the other: never more than one is in memory.
    pub fn for_each(
        &self,
        mut with: impl FnMut(&Item, &Take) -> Result<(), CliError>,
    ) -> Result<Content, CliError> {
        let mut content = Content::default();
        for item in self.items {
            let take = open_take(&item.path)?;
            if !take.header.pack.sha256.eq_ignore_ascii_case(&self.pack.sha256) {
                return Err(CliError::MixedPacks { first: self.example.into(), second: item.path.clone() });
            }
            with(item, &take)?;
            content.rows += take.header.channels as u64;
            content.frames += u64::from(take.frames());
            content.missing_frames += u64::from(take.frames() - take.present_frames());
            if let Some(losses) = losses(&take) {
                content.not_whole.push(format!("{}: {losses}", item.path.display()));
            }
        }
        Ok(content)
    }
}

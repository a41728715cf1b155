//! What a dataset has of a channel of a take.

use serde::Serialize;

use super::shard::Item;
use crate::batch::Made;
use sacodec_take::{MISSING_TOKEN, Take};

/// What is told of a take and a channel beside its tokens.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The name of the take in the dataset.
    pub key: String,
    /// The channel, from 0 on.
    pub channel: usize,
    /// How many tokens of each stream: the length.
    pub frames: u32,
    /// How many of these are missing.
    pub missing_frames: u32,
    /// Length of the audio in seconds.
    pub seconds: f64,
    /// Name of the audio file, where the take tells it.
    pub source: Option<String>,
    /// SHA-256 of the audio file.
    pub source_sha256: Option<String>,
    /// The pack's weights.
    pub pack_sha256: String,
}

impl Row {
    /// A row for each channel.
    pub fn of<'a>(item: &'a Item, take: &'a Take) -> impl Iterator<Item = Self> + 'a {
        let seconds = Made::of(take, [&item.path]).seconds.unwrap_or(0.0);
        let source = take.header.source.as_ref();
        (0..take.header.channels).map(move |channel| Self {
            key: item.key.clone(),
            channel,
            frames: take.frames(),
            missing_frames: take.frames() - take.present_frames(),
            seconds,
            source: source.map(|source| source.name.clone()),
            source_sha256: source.map(|source| source.sha256.clone()),
            pack_sha256: take.header.pack.sha256.clone(),
        })
    }

    /// Semantic and acoustic tokens of its channel, frame by frame; [`MISSING_TOKEN`] where they are missing.
    pub fn tokens<'a>(&self, take: &'a Take) -> impl Iterator<Item = [u16; 2]> + 'a {
        let channel = self.channel;
        take.iter().map(move |frame| {
            frame.map_or([MISSING_TOKEN; 2], |frame| [frame[channel].semantic, frame[channel].acoustic])
        })
    }
}

//! What is counted of the takes of one pack, as a whole and folder by folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::counts::{CodeUse, Volume};
use sacodec_codec::{TokenFrame, TokenStream};
use sacodec_take::{CodebookSizes, Header, PackId, Take};

/// What was counted of the takes of one pack.
pub struct PackStats {
    pub pack: PackId,
    codebooks: CodebookSizes,
    pub volume: Volume,
    /// Of semantic and acoustic.
    pub streams: [CodeUse; 2],
    pub folders: BTreeMap<PathBuf, FolderStats>,
}

/// What was counted of the takes in a folder.
pub struct FolderStats {
    pub volume: Volume,
    /// How often each code is used, of each stream.
    pub uses: [Vec<u32>; 2],
}

impl PackStats {
    /// What takes must have in common to be counted together: a damaged header may give a pack other sizes.
    pub fn key(take: &Take) -> (String, [usize; 2], [u32; 2]) {
        let Header { pack, codebooks, codec_rate_hz, hop_samples, .. } = &take.header;
        (pack.sha256.to_lowercase(), [codebooks.semantic, codebooks.acoustic], [*codec_rate_hz, *hop_samples])
    }

    pub fn new(take: &Take) -> Self {
        let codebooks = take.header.codebooks;
        Self {
            pack: take.header.pack.clone(),
            codebooks,
            volume: Volume::default(),
            streams: TokenStream::ALL.map(|stream| CodeUse::new(size(codebooks, stream))),
            folders: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, take: &Take, folder: &Path) {
        self.volume.add(take);
        let codebooks = self.codebooks;
        let of_folder = self.folders.entry(folder.into()).or_insert_with(|| FolderStats {
            volume: Volume::default(),
            uses: TokenStream::ALL.map(|stream| vec![0; size(codebooks, stream)]),
        });
        of_folder.volume.add(take);
        // What was before a frame: nothing where frames are missing, and where the timeline jumps.
        let mut before = None;
        for (frame, (_, segment)) in take.iter().zip(take.places()) {
            let Some(frame) = frame else {
                before = None;
                continue;
            };
            let last = before.filter(|&(at, _)| at == segment).map(|(_, frame)| frame);
            for (channel, &tokens) in frame.iter().enumerate() {
                for stream in TokenStream::ALL {
                    let last = last.map(|last: &[TokenFrame]| last[channel].get(stream));
                    self.streams[stream.index()].add(last, tokens.get(stream));
                    of_folder.uses[stream.index()][usize::from(tokens.get(stream))] += 1;
                }
            }
            before = Some((segment, frame));
        }
    }
}

fn size(codebooks: CodebookSizes, stream: TokenStream) -> usize {
    match stream {
        TokenStream::Semantic => codebooks.semantic,
        TokenStream::Acoustic => codebooks.acoustic,
    }
}

//! A model pack: manifest and graph bytes, from a folder or embedded, read within bounds.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::PackError;
use super::manifest::{GRAPH_NAMES, Manifest, PackInfo};
use super::speech::{MAX_SPEECH_BYTES, SpeechStats};

/// Largest `manifest.json` that is read.
pub const MAX_MANIFEST_BYTES: u64 = 64 << 10;
/// Largest graph file that is read.
pub const MAX_GRAPH_BYTES: u64 = 256 << 20;

/// Largest model card that is read.
const MAX_CARD_BYTES: u64 = 32 << 10;
/// Where a pack's makers say what it is.
const CARD_FILE: &str = "MODEL_CARD.md";
/// Where they say how speech looks.
const SPEECH_FILE: &str = "speech.json";
#[cfg(feature = "embedded")]
const EMBEDDED_CARD: &str = include_str!("../../../models/live/MODEL_CARD.md");

/// A pack whose manifest is valid and whose graphs have the bytes it names. What the graphs
/// *are* is checked by [`CodecModel`](super::CodecModel).
#[derive(Debug, Clone)]
pub struct ModelPack {
    manifest: Manifest,
    graphs: [Cow<'static, [u8]>; 3],
    card: Option<Cow<'static, str>>,
}

impl ModelPack {
    /// Reads the pack in `folder`.
    ///
    /// # Errors
    /// Any [`PackError`]; nothing outside the folder is opened and no file above its bound is read.
    pub fn from_folder(folder: &Path) -> Result<Self, PackError> {
        if !folder.is_dir() {
            return Err(PackError::NoFolder { path: folder.to_owned() });
        }
        let path = folder.join("manifest.json");
        if !path.is_file() {
            return Err(PackError::NoManifest { path: folder.to_owned() });
        }
        let mut manifest = Manifest::parse(&read_bounded(&path, MAX_MANIFEST_BYTES)?)?;
        let path = folder.join(SPEECH_FILE);
        if let Ok(metadata) = path.symlink_metadata() {
            // A folder or a pipe would be no error of reading, or wait for ever.
            if !(metadata.is_file() || path.is_file()) {
                return Err(PackError::Speech { reason: "it is not a file, or a link to none".to_owned() });
            }
            let bytes = read_bounded(&path, MAX_SPEECH_BYTES).map_err(|error| match error {
                PackError::TooLarge { limit_bytes, .. } => {
                    PackError::Speech { reason: format!("it is larger than {limit_bytes} bytes") }
                }
                other => other,
            })?;
            manifest.info.speech = Some(SpeechStats::parse(&bytes, manifest.info.codebook_sizes())?);
        }
        let mut graphs = [const { Cow::Borrowed(&[] as &[u8]) }; 3];
        for (bytes, entry) in graphs.iter_mut().zip(&manifest.graphs) {
            let path = folder.join(&entry.file);
            if !path.is_file() {
                return Err(PackError::NoGraph { path });
            }
            *bytes = Cow::Owned(read_bounded(&path, MAX_GRAPH_BYTES)?);
        }
        let card = Some(folder.join(CARD_FILE)).filter(|path| path.is_file());
        let card = card.and_then(|path| read_bounded(&path, MAX_CARD_BYTES).ok());
        let card = card.map(|bytes| Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()));
        Self::verified(manifest, graphs, card)
    }

    /// The pack that the library carries with the feature `embedded`.
    ///
    /// # Errors
    /// None in a library that was built from an intact tree; the same checks run all the same.
    #[cfg(feature = "embedded")]
    pub fn embedded() -> Result<Self, PackError> {
        let mut manifest = Manifest::parse(include_bytes!("../../../models/live/manifest.json"))?;
        let speech = include_bytes!("../../../models/live/speech.json");
        manifest.info.speech = Some(SpeechStats::parse(speech, manifest.info.codebook_sizes())?);
        let graphs: [&'static [u8]; 3] = [
            include_bytes!("../../../models/live/encoder.onnx"),
            include_bytes!("../../../models/live/quantizer.onnx"),
            include_bytes!("../../../models/live/decoder.onnx"),
        ];
        Self::verified(manifest, graphs.map(Cow::Borrowed), Some(Cow::Borrowed(EMBEDDED_CARD)))
    }

    fn verified(
        manifest: Manifest,
        graphs: [Cow<'static, [u8]>; 3],
        card: Option<Cow<'static, str>>,
    ) -> Result<Self, PackError> {
        for (bytes, entry) in graphs.iter().zip(&manifest.graphs) {
            let found: [u8; 32] = Sha256::digest(bytes).into();
            if found != entry.sha256 {
                return Err(PackError::Hash {
                    file: entry.file.clone(),
                    found: hex(&found),
                    expected: hex(&entry.sha256),
                });
            }
        }
        Ok(Self { manifest, graphs, card })
    }

    /// What the pack is.
    pub fn info(&self) -> &PackInfo {
        &self.manifest.info
    }

    /// What the makers of the embedded pack say of it, Markdown.
    #[cfg(feature = "embedded")]
    pub fn embedded_card() -> &'static str {
        EMBEDDED_CARD
    }

    /// What its makers say of it, `MODEL_CARD.md` in its folder, Markdown.
    pub fn card(&self) -> Option<&str> {
        self.card.as_deref()
    }

    /// Names the weights for good: SHA-256 over the SHA-256 of encoder, quantizer and decoder.
    pub fn sha256(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.manifest.graphs.iter().for_each(|g| hash.update(g.sha256));
        hash.finalize().into()
    }

    /// Names the model in this process: SHA-256 over the digests of the three graphs and over what the codec
    /// needs of the manifest, so that two packs with one digest make one [`CodecModel`](super::CodecModel).
    pub fn digest(&self) -> [u8; 32] {
        let info = self.info();
        let mut hash = Sha256::new();
        self.manifest.graphs.iter().for_each(|g| hash.update(g.sha256));
        hash.update(format!("{info:?}"));
        hash.finalize().into()
    }

    /// Name, file and bytes of each graph, in the order the codec runs them.
    pub(super) fn graphs(&self) -> [(&'static str, &str, &[u8]); 3] {
        std::array::from_fn(|i| (GRAPH_NAMES[i], self.manifest.graphs[i].file.as_str(), &*self.graphs[i]))
    }
}

/// Reads a whole file of at most `limit_bytes`, whatever its size claims to be.
fn read_bounded(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, PackError> {
    let io = |source| PackError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(PackError::TooLarge { file: path.display().to_string(), limit_bytes });
    }
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

//! Why a pack could not be read, and what can go wrong while a codec runs.

use std::path::PathBuf;

use thiserror::Error;

/// Why a pack could not be read. Each message says what to do or what was expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackError {
    /// There is no such folder.
    #[error("{} is not a folder: choose the folder of a SACodec model pack", path.display())]
    NoFolder {
        /// What was named.
        path: PathBuf,
    },
    /// The folder holds no manifest.
    #[error("{} holds no manifest.json: choose the folder of a SACodec model pack", path.display())]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// A graph that the manifest names is not there.
    #[error("{} is missing: the manifest names it, copy the whole pack", path.display())]
    NoGraph {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("{} could not be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than any pack's.
    #[error(
        "{file} is larger than {limit_bytes} bytes, the most that it can have in a SACodec model pack: choose another folder"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// The bound.
        limit_bytes: u64,
    },
    /// The manifest is not JSON.
    #[error("manifest.json is not valid JSON: {source}")]
    ManifestSyntax {
        /// Where and why.
        source: serde_json::Error,
    },
    /// A field of the manifest is missing or wrong.
    #[error("manifest.json: {field} is {found}, expected {expected}")]
    Field {
        /// The field, with the path to it.
        field: String,
        /// What was found there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// What a pack says of speech cannot be.
    #[error("speech.json: {reason}; correct it, or remove speech.json: the pack works without it")]
    Speech {
        /// What was found and expected.
        reason: String,
    },
    /// A graph's bytes are not those the manifest was written for.
    #[error(
        "{file} does not match the manifest: SHA-256 is {found}, expected {expected}; copy the pack again"
    )]
    Hash {
        /// The file.
        file: String,
        /// Digest of the bytes read.
        found: String,
        /// Digest in the manifest.
        expected: String,
    },
}

/// What can go wrong while a codec runs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// A slice of samples has the wrong length.
    #[error("a hop has {found} samples, the codec needs {expected}")]
    HopLength {
        /// Samples given.
        found: usize,
        /// Samples of one hop.
        expected: usize,
    },
    /// A token is not in its codebook: it is from another pack, or damaged.
    #[error(
        "the {stream} token {found} is not in the pack's codebook of {size} entries: use the pack it was made with"
    )]
    Token {
        /// Which stream.
        stream: &'static str,
        /// The token.
        found: i64,
        /// Entries of the codebook.
        size: usize,
    },
    /// `advance` or `finish` without `begin`.
    #[error("no frame is under way: call begin first")]
    NoFrame,
    /// The decoder gave samples that are infinite or no numbers.
    #[error("the decoder gave samples that are not finite: try another pack")]
    NotFinite,
    /// A graph failed.
    #[error("the {graph} failed: {reason}")]
    Graph {
        /// Which graph.
        graph: &'static str,
        /// What the inference library said.
        reason: String,
    },
}

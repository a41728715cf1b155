//! What the command can fail with, in words that say what to do.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::audio::AudioFileError;
use sacodec_codec::{CodecError, LoadError};
use sacodec_engine::EngineError;
use sacodec_network::TraceFileError;
use sacodec_take::atomic_file::AtomicFileError;
use sacodec_take::decode::DecodeError;
use sacodec_take::export::ExportError;
use sacodec_take::wav::WavError;
use sacodec_take::{MAX_CHANNELS, TakeError};

/// What any command can fail with. Each message names the file and says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CliError {
    /// A report could not be read, or is something else.
    #[error("{} could not be checked: {source}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be opened.
    #[error("{} could not be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Audio that cannot be read, or is not what its file says.
    #[error(transparent)]
    Audio(#[from] AudioFileError),
    /// More channels than a take can hold.
    #[error("{} has {channels} channels and a take holds {MAX_CHANNELS}: code `--channels sum`", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// Its channels.
        channels: usize,
    },
    /// No samples in it.
    #[error("{} holds no audio", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A result could not be written.
    #[error("{} could not be written ({reason}): is its folder there, with room and rights to write?", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
    /// A result that cannot have its name.
    #[error("{} could not be written: {source}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AtomicFileError,
    },
    /// Audio that cannot be a WAV file.
    #[error("{} could not be written: {source}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// Why.
        source: WavError,
    },
    /// Input and output, or two outputs, are one file.
    #[error("{} would be overwritten while it is needed: choose another output", path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// The pack.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The codec.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Audio that the engine cannot code.
    #[error("{} could not be coded: {source}", path.display())]
    Coding {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EngineError,
    },
    /// Not a take that can be read.
    #[error("{} could not be read: {source}", path.display())]
    Take {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TakeError,
    },
    /// A take that cannot be played in place of the input.
    #[error("{} cannot be played: {source}", path.display())]
    Play {
        /// The take.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// A take of which nothing would be heard.
    #[error("nothing of {} would be heard: {why}. No result was written", path.display())]
    Unheard {
        /// The take.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// Something that acts on nothing.
    #[error("--conceal has nothing to conceal: give {options} with it")]
    NothingToConceal {
        /// The options of the command by which something can be missing.
        options: &'static str,
    },
    /// More would be lost of a take than a take can miss.
    #[error("no lossy take was made of {}: {source}", path.display())]
    Lossy {
        /// The take.
        path: PathBuf,
        /// Why.
        source: TakeError,
    },
    /// A take could not be made into something else.
    #[error("{} could not be made of {}: {source}", output.display(), input.display())]
    Export {
        /// The take.
        input: PathBuf,
        /// What was to be made.
        output: PathBuf,
        /// Why.
        source: ExportError,
    },
    /// A take that cannot be coded again with the pack at hand.
    #[error("{} could not be verified: {source}", path.display())]
    Verify {
        /// The take.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// Takes whose tokens cannot be compared.
    #[error("{} and {} cannot be compared: {reason}", first.display(), second.display())]
    Compare {
        /// A take.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Why.
        reason: String,
    },
    /// A result is there already.
    #[error("{} is there already: remove it, or give --overwrite", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A result is there already, and its input can be skipped.
    #[error("{} is there already: remove it, or give --overwrite or --skip-existing", path.display())]
    ExistsOrSkip {
        /// The file.
        path: PathBuf,
    },
    /// A result is there that is not what would be made.
    #[error("{} is there already and is not what would be made of {}: {reason}: remove it, give --overwrite, or choose another --output", path.display(), input.display())]
    OtherSource {
        /// The result.
        path: PathBuf,
        /// What it should have been made of.
        input: PathBuf,
        /// What is different.
        reason: String,
    },
    /// Another process is making a result.
    #[error("{} is being made by another process: try again when it is done", path.display())]
    Busy {
        /// The result.
        path: PathBuf,
    },
    /// Two inputs, one result.
    #[error("{} would be made of both {} and {}: give the second in a run of its own, with another --output", path.display(), first.display(), second.display())]
    OneOutput {
        /// The result.
        path: PathBuf,
        /// One input.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Two takes, one key of a dataset.
    #[error("{key} would be the key of both {} and {}: rename one, or give a folder that holds both as the only input", first.display(), second.display())]
    OneKey {
        /// The key.
        key: String,
        /// One take.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Shards of an earlier run would lie among those of this one.
    #[error("{} is a shard of an earlier run, and this one makes {count}: remove those of the earlier run, choose another folder, or give --overwrite", first.display())]
    EarlierShards {
        /// How many this run makes.
        count: usize,
        /// One of the others.
        first: PathBuf,
    },
    /// A file could not be removed.
    #[error("{} could not be removed: {source}: remove it by hand", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Takes of two packs, whose codes mean different things.
    #[error("{} was coded with another pack than {}: make a dataset of the takes of each pack", second.display(), first.display())]
    MixedPacks {
        /// One take.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A damaged take of which nothing is left.
    #[error("{} has no frame that can be read: nothing of it can be repaired; code its audio again", path.display())]
    NothingLeft {
        /// The take.
        path: PathBuf,
    },
    /// The last of several inputs is not there, and its name is that of a folder.
    #[error("there is no input {0}: for results in a folder of that name, write --output {0}/", folder.display())]
    FolderIsNoInput {
        /// The name.
        folder: PathBuf,
    },
    /// The second of two names is that of a take which is not there, where takes are made of takes.
    #[error("there is no input {0}: for a result of that name, write --output {0}", path.display())]
    ResultIsNoInput {
        /// The name.
        path: PathBuf,
    },
    /// The last of several inputs is a folder that holds none.
    #[error("{0} holds no input (.{kinds}): for results in it, write --output {0}", folder.display())]
    EmptyFolderIsNoInput {
        /// The folder.
        folder: PathBuf,
        /// What is looked for.
        kinds: String,
    },
    /// A result of one kind was given the name of another, or a folder that is not there was not named like one.
    #[error("{} does not end in .{expected}: give the result such a name, or for a folder write --output NAME/ with the slash", path.display())]
    Extension {
        /// The name.
        path: PathBuf,
        /// The extension of what would be written.
        expected: String,
    },
    /// A way to conceal was given like a take.
    #[error("there is no take {0}: for the way to conceal, write --conceal={0}", way.display())]
    WayIsNoInput {
        /// The word.
        way: PathBuf,
    },
    /// A WAV file was given the name of another kind.
    #[error("{} would be a WAV file: give it a name that ends in .wav", path.display())]
    NotWav {
        /// The name.
        path: PathBuf,
    },
    /// A list that is no list of names.
    #[error("{} is not a list of files: one name on each line is expected, in UTF-8 or as bytes, not in UTF-16", path.display())]
    List {
        /// The list.
        path: PathBuf,
    },
    /// A report would be appended to something else.
    #[error("{} is there already and is not a report: give --report another name", path.display())]
    NotAReport {
        /// The file.
        path: PathBuf,
    },
    /// An input that cannot be named from the root.
    #[error("{} is not in the folder {} that --root gives: give a folder that holds all inputs", path.display(), root.display())]
    OutsideRoot {
        /// The input.
        path: PathBuf,
        /// The root.
        root: PathBuf,
    },
    /// Standard input has no name that a result could be called after.
    #[error(
        "standard input has no name that its result could have: give one with --output, or - for standard output"
    )]
    NoName,
    /// Standard output holds one result.
    #[error(
        "standard output can hold one result, and {inputs} inputs were given: give a folder with --output"
    )]
    ManyToStandardOutput {
        /// How many.
        inputs: usize,
    },
    /// Not a trace of packets.
    #[error(transparent)]
    Trace(#[from] TraceFileError),
    /// Options and inputs that do not go together.
    #[error("the command line is wrong: {what}")]
    Line {
        /// What to give.
        what: String,
    },
    /// A folder among several inputs that holds none.
    #[error("{} is a folder that holds no file that this command reads: correct its name, or leave it out", path.display())]
    NothingInFolder {
        /// The folder.
        path: PathBuf,
    },
    /// One file is coded at a time.
    #[error("{0} is a folder, and roundtrip takes one file: name it, or code the folder with `sacodec encode {0}` and decode its takes with `sacodec decode {0}`", path.display())]
    OneFile {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing to work on.
    #[error("there is nothing to do: {what}")]
    NoInput {
        /// What there is.
        what: String,
    },
    /// The audio of a take was not found.
    #[error("{} is not there, of which {} was coded: give the audio, or the folder that holds it, with --audio", audio.display(), take.display())]
    NoAudio {
        /// Where it was looked for.
        audio: PathBuf,
        /// The take.
        take: PathBuf,
    },
    /// Audio that cannot be what a take was coded from.
    #[error("{} cannot be what {} was coded from: {reason}", audio.display(), take.display())]
    OtherAudio {
        /// The audio.
        audio: PathBuf,
        /// The take.
        take: PathBuf,
        /// Why.
        reason: String,
    },
    /// The engine met frames it could not code: the output would be silently wrong.
    #[error("{failed} frames could not be coded: try another pack")]
    Failed {
        /// How many.
        failed: u64,
    },
}

impl CliError {
    /// Whether the command line alone is at fault, as where its parser finds that options do not go together.
    pub(crate) fn is_of_the_line(&self) -> bool {
        matches!(
            self,
            Self::Line { .. }
                | Self::NothingToConceal { .. }
                | Self::OneFile { .. }
                | Self::SameFile { .. }
                | Self::OutsideRoot { .. }
                | Self::FolderIsNoInput { .. }
                | Self::ResultIsNoInput { .. }
                | Self::EmptyFolderIsNoInput { .. }
                | Self::WayIsNoInput { .. }
                | Self::Extension { .. }
                | Self::NotWav { .. }
                | Self::NoName
                | Self::ManyToStandardOutput { .. }
        )
    }

    /// `path` could not be written.
    pub(crate) fn write(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::Write { path: path.into(), reason: error.to_string() }
    }

    /// `output` is there, and is not what would be made of `input`.
    pub(crate) fn other_source(input: &Path, output: &Path, reason: &str) -> Self {
        Self::OtherSource { path: output.into(), input: input.into(), reason: reason.into() }
    }

    /// The same in a command that has --skip-existing.
    pub(crate) fn or_skip(self) -> Self {
        match self {
            Self::Exists { path } => Self::ExistsOrSkip { path },
            error => error,
        }
    }

    /// `path` could not be made.
    pub(crate) fn file(path: &Path, error: AtomicFileError) -> Self {
        match error {
            AtomicFileError::Exists => Self::Exists { path: path.into() },
            AtomicFileError::Io(error) => Self::write(path, error),
            error => Self::Name { path: path.into(), source: error },
        }
    }

    /// `output` could not be made of the take `input`.
    pub(crate) fn export(input: &Path, output: &Path, error: ExportError) -> Self {
        match error {
            ExportError::File(error) => Self::file(output, error),
            ExportError::Io(error) => Self::write(output, error),
            source => Self::Export { input: input.into(), output: output.into(), source },
        }
    }
}

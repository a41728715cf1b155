//! What a command works on: files, folders, lists, and what is left out of them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::copies::{LOSSY, is_beside_its_original};
use super::list::read_list;
use super::names::{DECODED, Folders, extension};
use crate::audio::AUDIO_EXTENSIONS;
use crate::console::complain;
use crate::error::CliError;
use crate::standard::is_standard;

/// What other audio is called in corpora.
const OTHER_AUDIO: [&str; 36] = [
    "3gp", "aac", "ac3", "aif", "aifc", "aiff", "amr", "ape", "au", "caf", "gsm", "m4a", "m4b", "mka", "mkv",
    "mov", "mp2", "mp3", "mp4", "nist", "oga", "ogg", "opus", "pcm", "raw", "shn", "snd", "sph", "spx",
    "tta", "voc", "w64", "wave", "webm", "wma", "wv",
];

/// A file to be worked on.
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// Its path inside the folder that it was found in, or below the root of a list.
    pub below: Option<PathBuf>,
}

/// Where inputs come from.
pub struct Search<'a> {
    /// Files and folders that were named.
    pub inputs: Vec<PathBuf>,
    /// A list of more.
    pub files_from: Option<&'a Path>,
    /// The folder that names are told from.
    pub root: Option<&'a Path>,
    /// Extensions that are looked for in folders.
    pub from: &'a [&'a str],
    /// What results are called.
    pub to: &'a str,
    /// Whether lossy takes of others beside them are left out of folders.
    pub leaves_out_lossy: bool,
}

/// Why something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skip {
    Hidden,
    Loop,
    Own,
    Lossy,
    OtherAudio,
    Nowhere,
    NoFile,
    Twice,
}

/// What was left out, in the order of [`Skip`]: how many, and the first.
#[derive(Default)]
struct Skipped([Option<(usize, PathBuf)>; 8]);

impl Skipped {
    fn add(&mut self, why: Skip, path: &Path) {
        self.0[why as usize].get_or_insert((0, path.to_owned())).0 += 1;
    }

    /// Says it, a line for each reason.
    fn say(&self) {
        let reasons = [
            "hidden files or folders",
            "links that lead back to a folder above them",
            "results of this command",
            "takes that `lose` made of others beside them",
            "audio files that are neither .wav nor .flac",
            "links to files that are not there",
            "pipes or devices, which are read where they are named",
            "inputs that were given twice",
        ];
        for (reason, skipped) in reasons.iter().zip(&self.0) {
            if let Some((count, first)) = skipped {
                complain(format_args!("sacodec: skipped {count} {reason}: {} (the first)", first.display()));
            }
        }
    }
}

impl Search<'_> {
    /// Everything to be worked on, each once. What is left out is said.
    ///
    /// # Errors
    /// Where a list cannot be read, nothing is found, or an input is not below the root.
    pub fn find(self) -> Result<Vec<Found>, CliError> {
        let listed = self.files_from.map(read_list).transpose()?.unwrap_or_default();
        let common = common_folder(listed.iter().filter(|path| !is_plain(path)));
        let inputs =
            self.inputs.iter().map(|path| (path, false)).chain(listed.iter().map(|path| (path, true)));
        let is_alone = self.inputs.len() + listed.len() == 1;
        let (mut found, mut skipped) = (Vec::new(), Skipped::default());
        for (input, is_listed) in inputs {
            let below = match self.root {
                _ if is_standard(input) => None,
                Some(root) => Some(below_root(input, root)?),
                None if is_listed && is_plain(input) => Some(input.clone()),
                None if is_listed => normal(input).strip_prefix(&common).ok().map(Path::to_owned),
                None => None,
            };
            if !input.is_dir() || is_standard(input) {
                found.push(Found { path: input.clone(), below });
                continue;
            }
            let before = found.len();
            self.walk(input, below.as_deref().unwrap_or(Path::new("")), &mut found, &mut skipped)?;
            if found.len() == before && is_alone {
                skipped.say();
                let what = format!("{} holds no .{} file", input.display(), self.from.join(" or ."));
                return Err(CliError::NoInput { what });
            }
            if found.len() == before {
                // Fails like a file that cannot be read, and stops no other but those of `dataset`, whose shards depend on all.
                found.push(Found { path: input.clone(), below: None });
            }
        }
        let (mut seen, mut folders) = (HashSet::new(), Folders::default());
        found.retain(|file| {
            let is_new = is_standard(&file.path) || seen.insert(folders.place(&file.path));
            if !is_new {
                skipped.add(Skip::Twice, &file.path);
            }
            is_new
        });
        skipped.say();
        Ok(found)
    }

    /// Looks through a folder, whose files are named below `prefix`.
    fn walk(
        &self,
        folder: &Path,
        prefix: &Path,
        found: &mut Vec<Found>,
        skipped: &mut Skipped,
    ) -> Result<(), CliError> {
        let mut hidden = Vec::new();
        let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
        let is_shown = |entry: &DirEntry| {
            let is_hidden = entry.depth() > 0 && is_hidden(Some(entry.file_name()));
            if is_hidden && (entry.file_type().is_dir() || self.wants(entry.path())) {
                hidden.push(entry.path().to_owned());
            }
            !is_hidden
        };
        for entry in walk.filter_entry(is_shown) {
            let path = match entry {
                Ok(entry) if entry.file_type().is_file() && self.wants(entry.path()) => {
                    let is_own = self.is_own(entry.file_name());
                    let path = entry.into_path();
                    if is_own {
                        skipped.add(Skip::Own, &path);
                        continue;
                    }
                    if self.leaves_out_lossy && is_beside_its_original(&path, &[LOSSY]) {
                        skipped.add(Skip::Lossy, &path);
                        continue;
                    }
                    path
                }
                Ok(entry) => {
                    if entry.file_type().is_file() && self.is_other_audio(entry.path()) {
                        skipped.add(Skip::OtherAudio, entry.path());
                    } else if !entry.file_type().is_dir() && self.wants(entry.path()) {
                        skipped.add(Skip::NoFile, entry.path());
                    }
                    continue;
                }
                Err(error) => match error.path().map(Path::to_owned) {
                    Some(path) if error.loop_ancestor().is_some() => {
                        skipped.add(Skip::Loop, &path);
                        continue;
                    }
                    Some(path) if error.depth() > 0 && is_hidden(path.file_name()) => {
                        skipped.add(Skip::Hidden, &path);
                        continue;
                    }
                    // A link that leads nowhere is a file that cannot be read, if it may be what is looked for, or a
                    // folder of it.
                    Some(path)
                        if is_broken_link(&path) && path.extension().is_some() && !self.wants(&path) =>
                    {
                        skipped.add(Skip::Nowhere, &path);
                        continue;
                    }
                    Some(path) => path,
                    None => {
                        return Err(CliError::Open { path: folder.into(), source: io::Error::other(error) });
                    }
                },
            };
            let below = path.strip_prefix(folder).ok().map(|below| prefix.join(below));
            found.push(Found { path, below });
        }
        hidden.iter().for_each(|path| skipped.add(Skip::Hidden, path));
        Ok(())
    }

    fn wants(&self, path: &Path) -> bool {
        self.from.contains(&extension(path).as_str())
    }

    /// Whether a file has a name of audio that is not looked for, though audio is.
    fn is_other_audio(&self, path: &Path) -> bool {
        self.from == AUDIO_EXTENSIONS && OTHER_AUDIO.contains(&extension(path).as_str())
    }

    /// Whether a file is what this command, or `decode`, makes beside its inputs.
    fn is_own(&self, name: &OsStr) -> bool {
        let ends = |end: &str| name.to_string_lossy().ends_with(&format!(".{end}"));
        self.to.contains('.') && ends(self.to) || self.from.contains(&"wav") && ends(DECODED)
    }
}

fn is_hidden(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_broken_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
        && path.try_exists().is_ok_and(|exists| !exists)
}

/// Whether a path leads downwards from where it begins.
fn is_plain(path: &Path) -> bool {
    path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
}

/// An absolute path without `.` and `..`.
pub fn normal(path: &Path) -> PathBuf {
    // It fails for empty paths only, and where there is no current folder.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    absolute.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            component => path.push(component),
        }
        path
    })
}

/// The deepest folder that all of these are in.
fn common_folder<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> PathBuf {
    let folders = paths.map(|path| normal(path).parent().map(Path::to_owned).unwrap_or_default());
    let common = folders.reduce(|common, folder| {
        let equal = common.components().zip(folder.components()).take_while(|(a, b)| a == b);
        equal.map(|(component, _)| component).collect()
    });
    common.unwrap_or_default()
}

fn below_root(path: &Path, root: &Path) -> Result<PathBuf, CliError> {
    let below = normal(path).strip_prefix(normal(root)).map(Path::to_owned);
    below.map_err(|_| CliError::OutsideRoot { path: path.into(), root: root.into() })
}

//! Names of inputs and results: their extensions, their length, and where they are.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What decoded takes are called beside the takes: the name alone may be that of the audio they were coded from.
pub const DECODED: &str = "decoded.wav";
/// Longest name of a file, on all systems that are in use.
const MAX_NAME_BYTES: usize = 255;

/// The extension in lower case; of an unfinished take that of the take.
pub fn extension(path: &Path) -> String {
    let lower =
        |path: &Path| path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match lower(path) {
        part if part == "part" => match path.file_stem().map(|stem| lower(Path::new(stem))) {
            Some(take) if take == "sac" => take,
            _ => part,
        },
        extension => extension,
    }
}

/// `path` with another extension; `.sac.part` counts as one. A name that would be too long is cut, and a
/// digest of what it was keeps it apart from others.
pub fn result_name(path: &Path, to: &str) -> PathBuf {
    let is_part = path.extension().is_some_and(|e| e == "part") && extension(path) == "sac";
    let path = if is_part { path.with_extension("") } else { path.to_owned() };
    let named = path.with_extension(to);
    let bytes = named.file_name().map_or(0, OsStr::len);
    match path.file_stem() {
        Some(stem) if bytes > MAX_NAME_BYTES => path.with_file_name(shortened(stem, to)),
        _ => named,
    }
}

fn shortened(stem: &OsStr, to: &str) -> OsString {
    let bytes = stem.as_encoded_bytes();
    let digest = Sha256::digest(bytes);
    let end = format!("~{:02x}{:02x}{:02x}{:02x}.{to}", digest[0], digest[1], digest[2], digest[3]);
    let mut room = MAX_NAME_BYTES.saturating_sub(end.len()).min(bytes.len());
    // Not within a character.
    while room > 0 && bytes.get(room).is_some_and(|byte| byte & 0xC0 == 0x80) {
        room -= 1;
    }
    let mut name = path_of_bytes(&bytes[..room]).unwrap_or_default().into_os_string();
    name.push(end);
    name
}

/// `path` with the extension `to` in place of `from`, which it may end in.
pub fn with_other_extension(path: &Path, from: &str, to: &str) -> PathBuf {
    let ends =
        path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(format!(".{from}").as_bytes()));
    let extensions = if ends { from.split('.').count() } else { 1 };
    let stem = (0..extensions).fold(path.to_owned(), |path, _| path.with_extension(""));
    let mut name = stem.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{to}"));
    stem.with_file_name(name)
}

/// The path that these bytes name; `None` where the system has no such name.
pub fn path_of_bytes(bytes: &[u8]) -> Option<PathBuf> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Some(OsStr::from_bytes(bytes).into())
    }
    #[cfg(not(unix))]
    {
        std::str::from_utf8(bytes).ok().map(PathBuf::from)
    }
}

/// A path in a report; what is no Unicode in it is replaced.
pub fn name(path: &Path) -> Value {
    Value::from(path.to_string_lossy())
}

/// Tells files apart by the folder that they are truly in. A link to a file is a file of its own.
#[derive(Default)]
pub struct Folders(HashMap<PathBuf, PathBuf>);

impl Folders {
    /// The same for the same place, whichever way it was named.
    pub fn place(&mut self, path: &Path) -> PathBuf {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let true_folder = |folder: &Path| {
            // One that is not there yet is told by its name.
            folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.into())
        };
        if !self.0.contains_key(folder) {
            self.0.insert(folder.into(), true_folder(folder));
        }
        let folder = self.0.get(folder).map_or(folder, PathBuf::as_path);
        folder.join(path.file_name().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_the_name_of_its_input_with_another_extension() {
        let cases = [
            ("a.wav", "sac", "a.sac"),
            ("x/a.b.WAV", "sac", "x/a.b.sac"),
            ("x/a.sac.part", "decoded.wav", "x/a.decoded.wav"),
            ("a.wav.part", "sac", "a.wav.sac"),
        ];
        for (input, to, expected) in cases {
            assert_eq!(result_name(Path::new(input), to), Path::new(expected));
        }
        let pairs = [
            ("a.npy", "npy", "csv", "a.csv"),
            ("a.b.decoded.wav", "decoded.wav", "npy", "a.b.npy"),
            ("out.wav", "decoded.wav", "npy", "out.npy"),
        ];
        for (path, from, to, expected) in pairs {
            assert_eq!(with_other_extension(Path::new(path), from, to), Path::new(expected));
        }
    }

    #[test]
    fn a_name_that_would_be_too_long_is_cut_and_stays_its_own() {
        let longest = |last: char| format!("folder/{}{last}.sac", "ä".repeat(125));
        let named = |last| result_name(Path::new(&longest(last)), "decoded.wav");
        let name = named('a').file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.len() <= 255 && name.len() > 250 && name.ends_with(".decoded.wav"), "{name}");
        assert_eq!(named('a').parent(), Some(Path::new("folder")));
        assert_eq!(named('a'), named('a'));
        assert_ne!(named('a'), named('b'));
    }
}

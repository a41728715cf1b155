//! Lists of files: bytes, one name on each line, as `find` and `ls` write them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::lines::each_line;
use super::names::path_of_bytes;
use crate::error::CliError;
use crate::standard::is_standard;

/// What some editors write at the beginning of UTF-8 and of UTF-16.
const UTF_8: &[u8] = b"\xEF\xBB\xBF";
const UTF_16: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];
/// No system has longer names.
const MAX_PATH_BYTES: u64 = 1 << 17;

/// The names in a list; `-` is standard input.
pub fn read_list(list: &Path) -> Result<Vec<PathBuf>, CliError> {
    let names = if is_standard(list) { names(io::stdin().lock()) } else { File::open(list).and_then(names) };
    names.map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => CliError::List { path: list.into() },
        _ => CliError::Open { path: list.into(), source },
    })
}

/// [`io::ErrorKind::InvalidData`] where a line cannot be a name.
fn names(list: impl Read) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    let mut is_first = true;
    each_line(list, MAX_PATH_BYTES, |line| {
        let is_first = std::mem::take(&mut is_first);
        if is_first && UTF_16.iter().any(|mark| line.starts_with(mark)) || line.contains(&0) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if is_first { line.strip_prefix(UTF_8).unwrap_or(line) } else { line };
        if !line.trim_ascii().is_empty() {
            // In a list `-` is a name like any other.
            let name = if line == b"-" { Some("./-".into()) } else { path_of_bytes(line) };
            names.push(name.ok_or(io::ErrorKind::InvalidData)?);
        }
        Ok(())
    })?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_bytes_with_a_name_on_each_line() {
        let cases: [(&[u8], &[&str]); 6] = [
            (b"", &[]),
            (b"a.wav", &["a.wav"]),
            (b"a.wav\nb c.wav\n", &["a.wav", "b c.wav"]),
            (b"\xEF\xBB\xBFa.wav\r\n\r\n  \nb.wav \r\n", &["a.wav", "b.wav "]),
            (b"-\n", &["./-"]),
            ("ä/ö.wav\n".as_bytes(), &["ä/ö.wav"]),
        ];
        for (bytes, expected) in cases {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(names(bytes).unwrap(), expected, "{bytes:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn names_that_are_no_unicode_stay_as_they_are() {
        use std::os::unix::ffi::OsStrExt;
        let names = names(&b"od\xFFd.wav\n"[..]).unwrap();
        assert_eq!(names[0].as_os_str().as_bytes(), b"od\xFFd.wav");
    }

    #[test]
    fn what_is_no_list_is_refused_before_all_of_it_is_read() {
        let cases: [&[u8]; 4] =
            [b"RIFF\x24\0\0\0WAVE", b"\xFF\xFEa\0\n\0", b"\xFE\xFF\0a\0\n", b"a.wav\nb\0c\n"];
        for bytes in cases {
            assert_eq!(names(bytes).unwrap_err().kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
        assert_eq!(names(io::repeat(b'a')).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

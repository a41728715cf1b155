//! Lists of files: bytes, one name on each line, as `find` and `ls` write them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::names::path_of_bytes;
use crate::CliError;
use crate::result_file::is_standard;

/// What some editors write at the beginning of UTF-8 and of UTF-16.
const UTF_8: &[u8] = b"\xEF\xBB\xBF";
const UTF_16: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// The names in a list; `-` is standard input.
pub fn read_list(list: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |source| CliError::Open { path: list.into(), source };
    let mut bytes = Vec::new();
    if is_standard(list) {
        io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        bytes = std::fs::read(list).map_err(unreadable)?;
    }
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(CliError::List { path: list.into() });
    }
    names(&bytes).ok_or_else(|| CliError::List { path: list.into() })
}

fn names(bytes: &[u8]) -> Option<Vec<PathBuf>> {
    let bytes = bytes.strip_prefix(UTF_8).unwrap_or(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let named = lines.filter(|line| !line.trim_ascii().is_empty());
    // In a list `-` is a name like any other.
    named.map(|line| if line == b"-" { Some("./-".into()) } else { path_of_bytes(line) }).collect()
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
            assert_eq!(names(bytes), Some(expected), "{bytes:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn names_that_are_no_unicode_stay_as_they_are() {
        use std::os::unix::ffi::OsStrExt;
        let names = names(b"od\xFFd.wav\n").unwrap();
        assert_eq!(names[0].as_os_str().as_bytes(), b"od\xFFd.wav");
    }
}

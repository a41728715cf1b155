//! Lines of a file, one at a time: of a file that is something else no more than a line is in memory.

use std::io::{self, BufRead, BufReader, Read};

/// Gives each line to `with`, without its end.
///
/// # Errors
/// As `source` and `with`; [`io::ErrorKind::InvalidData`] where a line has more than `max_bytes`.
pub fn each_line(
    source: impl Read,
    max_bytes: u64,
    mut with: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut source = BufReader::new(source).take(0);
    let mut line = Vec::new();
    loop {
        line.clear();
        source.set_limit(max_bytes + 1);
        if source.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        if line.len() as u64 > max_bytes {
            let what = format!("a line has more than {max_bytes} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        with(line)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_without_their_ends_and_are_bounded() {
        for (bytes, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a\n\nbcd\n", vec!["a", "", "bcd"]),
            ("abcd\nx", vec!["abcd", "x"]),
        ] {
            let mut lines = Vec::new();
            let with = |line: &[u8]| {
                lines.push(String::from_utf8(line.to_vec()).unwrap());
                Ok(())
            };
            each_line(bytes.as_bytes(), 4, with).unwrap();
            assert_eq!(lines, expected, "{bytes:?}");
        }
        for endless in [&mut &b"abcde\n"[..] as &mut dyn Read, &mut io::repeat(0)] {
            let error = each_line(endless, 4, |_| Ok(())).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}

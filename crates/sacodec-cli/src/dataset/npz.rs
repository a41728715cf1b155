//! Shards of NumPy arrays: `tokens` has those of all rows one after the other, and `offsets` where each begins.

use std::io::{self, BufWriter, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::row::Row;
use super::shard::{Content, Out, Shard, Written};
use crate::error::CliError;

/// The takes are read twice: the length of an array is at its beginning.
pub fn write(shard: &Shard, out: &mut impl Out, written: Written) -> Result<Content, CliError> {
    let mut rows = Vec::<Row>::new();
    shard.for_each(|item, take| {
        rows.extend(Row::of(item, take));
        Ok(())
    })?;
    let mut zip = Npz(ZipWriter::new(out));
    let frames = rows.iter().map(|row| u64::from(row.frames));
    zip.begin("tokens", "<u2", &format!("({}, 2)", frames.clone().sum::<u64>())).map_err(written)?;
    let mut known = rows.iter();
    let content = shard.for_each(|item, take| {
        for row in Row::of(item, take) {
            // A take that grew meanwhile would move all others.
            if known.next().is_none_or(|known| known.frames != row.frames) {
                return Err(CliError::Busy { path: item.path.clone() });
            }
            let mut bytes = BufWriter::new(&mut zip.0);
            let mut tokens = row.tokens(take).flatten();
            tokens.try_for_each(|token| bytes.write_all(&token.to_le_bytes())).map_err(written)?;
            bytes.flush().map_err(written)?;
        }
        Ok(())
    })?;
    let offsets = std::iter::once(0).chain(frames.clone().scan(0, |sum, frames| {
        *sum += frames;
        Some(*sum)
    }));
    zip.integers("offsets", offsets)
        .and_then(|()| zip.integers("lengths", frames))
        .and_then(|()| zip.integers("channels", rows.iter().map(|row| row.channel as u64)))
        .and_then(|()| zip.integers("missing_frames", rows.iter().map(|row| row.missing_frames.into())))
        .and_then(|()| zip.floats("seconds", rows.iter().map(|row| row.seconds)))
        .and_then(|()| zip.texts("keys", rows.iter().map(|row| row.key.as_str())))
        .and_then(|()| zip.0.finish()?.flush())
        .map_err(written)?;
    Ok(content)
}

/// A zip of arrays in NumPy's format 1.0 (NEP 1).
struct Npz<W: Out>(ZipWriter<W>);

impl<W: Out> Npz<W> {
    /// Begins an array, whose elements follow.
    fn begin(&mut self, name: &str, kind: &str, shape: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(true)
            // The same takes give the same bytes.
            .last_modified_time(DateTime::default());
        self.0.start_file(format!("{name}.npy"), options)?;
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        // The data shall begin at a multiple of 64 bytes, and the header ends in a newline.
        header.extend(std::iter::repeat_n(' ', 63 - (10 + header.len()) % 64));
        header.push('\n');
        self.0.write_all(b"\x93NUMPY\x01\x00")?;
        self.0.write_all(&(header.len() as u16).to_le_bytes())?;
        self.0.write_all(header.as_bytes())
    }

    fn integers(&mut self, name: &str, values: impl Iterator<Item = u64>) -> io::Result<()> {
        let bytes: Vec<[u8; 8]> = values.map(|value| (value as i64).to_le_bytes()).collect();
        self.begin(name, "<i8", &format!("({},)", bytes.len()))?;
        self.0.write_all(&bytes.concat())
    }

    fn floats(&mut self, name: &str, values: impl Iterator<Item = f64>) -> io::Result<()> {
        let bytes: Vec<[u8; 8]> = values.map(f64::to_le_bytes).collect();
        self.begin(name, "<f8", &format!("({},)", bytes.len()))?;
        self.0.write_all(&bytes.concat())
    }

    /// Texts of four bytes a character, all as long as the longest.
    fn texts<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str> + Clone) -> io::Result<()> {
        let longest = values.clone().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        self.begin(name, &format!("<U{longest}"), &format!("({},)", values.clone().count()))?;
        for text in values {
            let padded = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
            let bytes: Vec<[u8; 4]> = padded.map(u32::to_le_bytes).collect();
            self.0.write_all(&bytes.concat())?;
        }
        Ok(())
    }
}

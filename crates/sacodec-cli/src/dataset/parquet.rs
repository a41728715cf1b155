//! Shards of Parquet: a row for each channel of a take. Lists of tokens are coded by dictionaries, which takes
//! about as many bits as the tokens have.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::row::Row;
use super::shard::{Content, Out, Shard, Written};
use crate::error::CliError;

const SCHEMA: &str = "message tokens {
    REQUIRED BYTE_ARRAY key (UTF8);
    REQUIRED INT32 channel;
    REQUIRED INT32 frames;
    REQUIRED INT32 missing_frames;
    REQUIRED DOUBLE seconds;
    OPTIONAL BYTE_ARRAY source (UTF8);
    OPTIONAL BYTE_ARRAY source_sha256 (UTF8);
    REQUIRED BYTE_ARRAY pack_sha256 (UTF8);
    REQUIRED GROUP semantic (LIST) { REPEATED GROUP list { REQUIRED INT32 element (INTEGER(16, false)); } }
    REQUIRED GROUP acoustic (LIST) { REPEATED GROUP list { REQUIRED INT32 element (INTEGER(16, false)); } }
}";
/// A group of rows is written when it has so many frames: it is all that is kept in memory.
const GROUP_FRAMES: usize = 1 << 20;

pub fn write(shard: &Shard, out: &mut impl Out, written: Written) -> Result<Content, CliError> {
    let failed = |error: ParquetError| written(io::Error::other(error));
    let schema = parse_message_type(SCHEMA).map_err(failed)?;
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(WriterProperties::new()))
        .map_err(failed)?;
    let mut group = Group::default();
    let content = shard.for_each(|item, take| {
        for row in Row::of(item, take) {
            group.tokens.extend(row.tokens(take));
            group.rows.push(row);
        }
        if group.tokens.len() >= GROUP_FRAMES {
            std::mem::take(&mut group).write(&mut file).map_err(failed)?;
        }
        Ok(())
    })?;
    if !group.rows.is_empty() {
        group.write(&mut file).map_err(failed)?;
    }
    file.into_inner().map_err(failed)?.flush().map_err(written)?;
    Ok(content)
}

/// Rows that are written together, and the tokens of all of them.
#[derive(Default)]
struct Group {
    rows: Vec<Row>,
    tokens: Vec<[u16; 2]>,
}

impl Group {
    fn write<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        let rows = &self.rows;
        let mut group = file.next_row_group()?;
        texts(&mut group, rows.iter().map(|row| Some(row.key.as_str())), false)?;
        let numbers: [fn(&Row) -> i32; 3] =
            [|row| row.channel as i32, |row| row.frames as i32, |row| row.missing_frames as i32];
        for number in numbers {
            column::<Int32Type, _>(&mut group, &rows.iter().map(number).collect::<Vec<_>>(), None, None)?;
        }
        let seconds: Vec<_> = rows.iter().map(|row| row.seconds).collect();
        column::<DoubleType, _>(&mut group, &seconds, None, None)?;
        texts(&mut group, rows.iter().map(|row| row.source.as_deref()), true)?;
        texts(&mut group, rows.iter().map(|row| row.source_sha256.as_deref()), true)?;
        texts(&mut group, rows.iter().map(|row| Some(row.pack_sha256.as_str())), false)?;
        // Whether a value is there, and whether it goes on with the list of the one before. A row without
        // frames has one entry without a value.
        let (mut there, mut goes_on) = (Vec::new(), Vec::new());
        for row in rows {
            there.extend(std::iter::repeat_n(i16::from(row.frames > 0), row.frames.max(1) as usize));
            goes_on.extend((0..row.frames.max(1)).map(|frame| i16::from(frame > 0)));
        }
        for stream in [0, 1] {
            let tokens: Vec<i32> = self.tokens.iter().map(|tokens| tokens[stream].into()).collect();
            column::<Int32Type, _>(&mut group, &tokens, Some(&there), Some(&goes_on))?;
        }
        group.close().map(drop)
    }
}

fn texts<'a, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<W>,
    texts: impl Iterator<Item = Option<&'a str>> + Clone,
    is_optional: bool,
) -> Result<(), ParquetError> {
    let there: Vec<_> = texts.clone().map(|text| i16::from(text.is_some())).collect();
    let values: Vec<ByteArray> = texts.flatten().map(ByteArray::from).collect();
    column::<ByteArrayType, _>(group, &values, is_optional.then_some(&there[..]), None)
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<W>,
    values: &[T::T],
    there: Option<&[i16]>,
    goes_on: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns than a row".into());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, there, goes_on)?;
    column.close()
}

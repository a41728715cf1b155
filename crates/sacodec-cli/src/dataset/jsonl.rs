//! Shards of JSON Lines: an object for each row, with its tokens; null where a frame is missing.

use std::io::{BufWriter, Write};

use serde::Serialize;

use super::row::Row;
use super::shard::{Content, Out, Shard, Written};
use crate::error::CliError;
use sacodec_take::MISSING_TOKEN;

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    row: Row,
    semantic: Vec<Option<u16>>,
    acoustic: Vec<Option<u16>>,
}

pub fn write(shard: &Shard, out: &mut impl Out, written: Written) -> Result<Content, CliError> {
    let mut out = BufWriter::new(out);
    let content = shard.for_each(|item, take| {
        for row in Row::of(item, take) {
            let known = |token: u16| (token != MISSING_TOKEN).then_some(token);
            let (semantic, acoustic) = row.tokens(take).map(|[s, a]| (known(s), known(a))).unzip();
            serde_json::to_writer(&mut out, &Line { row, semantic, acoustic })
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(written)?;
        }
        Ok(())
    })?;
    out.flush().map_err(written)?;
    Ok(content)
}

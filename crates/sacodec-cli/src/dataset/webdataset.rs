//! Shards of WebDataset: a tar with `KEY.tokens.npy` and `KEY.json` for each take.

use serde_json::json;

use super::row::Row;
use super::shard::{Content, Out, Shard, Written};
use crate::error::CliError;
use sacodec_take::write_npy;

/// A key for WebDataset, where the first dot of a file's name ends it.
pub fn key(key: &str) -> String {
    let (folder, name) = key.rsplit_once('/').map_or(("", key), |(folder, name)| (folder, name));
    let name = name.replace('.', "_");
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}

pub fn write(shard: &Shard, out: &mut impl Out, written: Written) -> Result<Content, CliError> {
    let mut tar = tar::Builder::new(out);
    let content = shard.for_each(|item, take| {
        let mut array = Vec::new();
        write_npy(take, &mut array).map_err(written)?;
        let mut facts = json!(Row::of(item, take).next());
        facts["channels"] = take.header.channels.into();
        if let Some(facts) = facts.as_object_mut() {
            facts.remove("channel");
        }
        let facts = facts.to_string().into_bytes();
        for (extension, bytes) in [("tokens.npy", array), ("json", facts)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // The same takes give the same bytes.
            header.set_mtime(0);
            tar.append_data(&mut header, format!("{}.{extension}", item.key), &bytes[..]).map_err(written)?;
        }
        Ok(())
    })?;
    tar.into_inner().and_then(|out| out.flush()).map_err(written)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_has_no_dot_in_its_last_part() {
        for (key, expected) in [("a", "a"), ("x.y/a.b.c", "x.y/a_b_c"), ("x/a", "x/a")] {
            assert_eq!(super::key(key), expected);
        }
    }
}

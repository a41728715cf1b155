//! The audio of a take as a WAV file whose comment tells what it was made of, so that `--skip-existing` can look.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use crate::audio::SourceDigest;
use crate::error::CliError;
use crate::result_file::is_there;
use sacodec_codec::{CodecModel, StreamGain};
use sacodec_engine::Concealment;
use sacodec_take::Take;
use sacodec_take::decode::Decoding;
use sacodec_take::export::{self, ExportError};
use sacodec_take::wav::{append_comment, comment_chunk};

/// Decodes `take`, which was read from a file of this `digest`.
///
/// # Errors
/// As [`export::write_wav`].
pub fn write_wav(
    take: &Take,
    digest: &SourceDigest,
    model: &Arc<CodecModel>,
    decoding: Decoding,
    out: &mut (impl Write + Seek),
) -> Result<(), ExportError> {
    export::write_wav(take, model, decoding, out)?;
    Ok(append_comment(out, &comment(digest, decoding))?)
}

/// Whether `output` is there: a WAV file as long as it says, whose comment tells that it was decoded so from the take `input`
/// of this `digest`. Its samples are not compared.
///
/// # Errors
/// [`CliError::OtherSource`] where something else is there.
pub fn is_there_as_made(
    input: &Path,
    digest: &SourceDigest,
    decoding: Decoding,
    output: &Path,
) -> Result<bool, CliError> {
    if !is_there(output) {
        return Ok(false);
    }
    let chunk = comment_chunk(&comment(digest, decoding));
    let tells = ends_with(output, &chunk).map_err(|source| CliError::Open { path: output.into(), source })?;
    let reason = "it does not tell that it was decoded from this take, by these settings";
    if tells { Ok(true) } else { Err(CliError::other_source(input, output, reason)) }
}

fn ends_with(path: &Path, chunk: &[u8]) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length_bytes = file.metadata()?.len();
    let Some(before_bytes) = length_bytes.checked_sub(chunk.len() as u64).filter(|&before| before >= 8)
    else {
        return Ok(false);
    };
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let riff_bytes = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let mut end = vec![0; chunk.len()];
    file.seek(SeekFrom::Start(before_bytes))?;
    file.read_exact(&mut end)?;
    Ok(u64::from(riff_bytes) + 8 == length_bytes && end == chunk)
}

/// What tells this audio of this take from other audio.
fn comment(digest: &SourceDigest, Decoding { streams, rate_hz, concealment }: Decoding) -> String {
    let StreamGain { semantic, acoustic } = streams;
    let missing = match concealment {
        None | Some(Concealment::Silence) => "silent",
        Some(Concealment::Repeat) => "repeated",
        Some(Concealment::Fade) => "repeated and faded",
    };
    format!(
        "SACodec: decoded from the take of SHA-256 {}, semantic stream at gain {semantic}, acoustic stream at gain {acoustic}, \
         {rate_hz} Hz, missing frames {missing}",
        digest.sha256
    )
}

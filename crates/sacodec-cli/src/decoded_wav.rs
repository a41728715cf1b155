//! The audio of a take as a WAV file whose comment tells what it was made of, so that `--skip-existing` can look.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
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
use sacodec_take::wav::{FloatWavContent, append_comment, comment_chunk};

/// A take, what was read of it, and how it is decoded.
pub struct Decoded<'a> {
    /// The take.
    pub take: &'a Take,
    /// Of its file.
    pub digest: &'a SourceDigest,
    /// How.
    pub decoding: Decoding,
}

impl Decoded<'_> {
    /// Writes the audio.
    ///
    /// # Errors
    /// As [`export::write_wav`].
    pub fn write(&self, model: &Arc<CodecModel>, out: &mut (impl Write + Seek)) -> Result<(), ExportError> {
        let content = export::write_wav(self.take, model, self.decoding, out)?;
        Ok(append_comment(out, &self.comment(&content))?)
    }

    /// Whether `output` is there: a WAV file whose comment tells that it was decoded so from the take `input`, and whose
    /// samples are those that it had then.
    ///
    /// # Errors
    /// [`CliError::OtherSource`] where something else is there.
    pub fn is_there(&self, input: &Path, output: &Path) -> Result<bool, CliError> {
        if !is_there(output) {
            return Ok(false);
        }
        let file = File::open(output).map_err(|source| CliError::Open { path: output.into(), source })?;
        let other = |reason| Err(CliError::other_source(input, output, reason));
        let Ok(content) = FloatWavContent::read(BufReader::new(&file)) else {
            return other("it is not a whole WAV file of 32-bit floats");
        };
        if f64::from(content.rate_hz) != self.decoding.rate_hz {
            return other("it has another sample rate");
        }
        match ends_with(file, &comment_chunk(&self.comment(&content))) {
            Err(source) => Err(CliError::Open { path: output.into(), source }),
            Ok(true) => Ok(true),
            Ok(false) => other("it does not tell that it was decoded from this take, by these settings"),
        }
    }

    /// What tells this audio of this take from other audio.
    fn comment(&self, content: &FloatWavContent) -> String {
        let Decoding { streams, concealment, .. } = self.decoding;
        let StreamGain { semantic, acoustic } = streams;
        let missing = match concealment {
            _ if self.take.present_frames() == self.take.frames() => "none",
            None | Some(Concealment::Silence) => "silent",
            Some(Concealment::Repeat) => "repeated",
            Some(Concealment::Fade) => "repeated and faded",
        };
        format!(
            "SACodec: decoded from the take of SHA-256 {}, semantic stream at gain {semantic}, acoustic stream at gain \
             {acoustic}, missing frames {missing}; CRC-32 of the samples {:08x}",
            self.digest.sha256, content.crc32
        )
    }
}

fn ends_with(mut file: File, chunk: &[u8]) -> io::Result<bool> {
    let length_bytes = file.metadata()?.len();
    let Some(before_bytes) = length_bytes.checked_sub(chunk.len() as u64) else { return Ok(false) };
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(before_bytes))?;
    file.take(chunk.len() as u64).read_to_end(&mut end)?;
    Ok(end == chunk)
}

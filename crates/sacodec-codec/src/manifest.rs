//! `manifest.json` of a model pack, format 1: every field checked, none trusted.

use sacodec_token::{TokenStream, sha256_from_hex, token_bits};
use serde_json::{Map, Value};

use super::error::PackError;
use super::speech::SpeechStats;

/// Sample rate of every format-1 codec.
pub const SAMPLE_RATE_HZ: u32 = 24_000;
/// Samples a frame in every format-1 codec: 75 frames a second.
pub const HOP_SAMPLES: usize = 320;

const MAX_DELAY_HOPS: usize = 8;
const MAX_LATENT: u64 = 1024;
/// Tokens are `u16`, and the largest one means that a frame is missing.
const MAX_CODEBOOK: u64 = u16::MAX as u64;
const MAX_TEXT_CHARS: usize = 128;

/// One codebook, as the manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codebook {
    /// Number of entries; tokens are below it.
    pub size: usize,
    /// What the frozen table was, in words.
    pub frozen: String,
}

/// Precision of the weights in the pack's graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Linear maps as whole numbers of one byte with a scale for each row; activations stay f32.
    Int8,
    /// Half precision; activations stay f32.
    F16,
    /// Single precision.
    F32,
}

/// What a pack is, apart from its graphs.
#[derive(Debug, Clone, PartialEq)]
pub struct PackInfo {
    /// Name of the pack.
    pub name: String,
    /// Version of the pack.
    pub version: String,
    /// Rate of the audio the codec takes and gives, in Hz.
    pub sample_rate_hz: u32,
    /// Samples of one frame.
    pub hop_samples: usize,
    /// Delay of the decoder's output against the encoder's input in samples at
    /// [`PackInfo::sample_rate_hz`], framing excluded.
    pub delay_samples: usize,
    /// Size of the latent.
    pub latent_size: usize,
    /// The first stream's codebook.
    pub semantic: Codebook,
    /// The second stream's codebook.
    pub acoustic: Codebook,
    /// Precision of the weights.
    pub weights: Weights,
    /// Licence of the weights, SPDX where there is one.
    pub licence: String,
    /// How it was trained, as the manifest says it.
    pub training: Value,
    /// How the tokens of speech look, where the pack tells; not in the manifest.
    pub speech: Option<SpeechStats>,
}

impl PackInfo {
    /// Name and version: what people know the pack by.
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// Frames a second.
    pub fn frame_rate_hz(&self) -> f64 {
        f64::from(self.sample_rate_hz) / self.hop_samples as f64
    }

    /// The codebook of one stream.
    pub fn codebook(&self, stream: TokenStream) -> &Codebook {
        match stream {
            TokenStream::Semantic => &self.semantic,
            TokenStream::Acoustic => &self.acoustic,
        }
    }

    /// Sizes of the codebooks, by stream.
    pub fn codebook_sizes(&self) -> [usize; 2] {
        TokenStream::ALL.map(|stream| self.codebook(stream).size)
    }

    /// Bits of one frame: whole bits for each codebook.
    pub fn bits_per_frame(&self) -> u32 {
        TokenStream::ALL.into_iter().map(|stream| token_bits(self.codebook(stream).size)).sum()
    }

    /// Bits a second of one coded channel.
    pub fn bitrate_bps(&self) -> f64 {
        f64::from(self.bits_per_frame()) * self.frame_rate_hz()
    }
}

/// The file of one graph and the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphEntry {
    /// Plain file name inside the pack's folder.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// A validated manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What the pack is.
    pub info: PackInfo,
    /// Encoder, quantizer and decoder, in this order.
    pub graphs: [GraphEntry; 3],
}

/// Names of the graphs, in the order the codec runs them.
pub const GRAPH_NAMES: [&str; 3] = ["encoder", "quantizer", "decoder"];

impl Manifest {
    /// Reads and checks the bytes of a `manifest.json`.
    ///
    /// # Errors
    /// [`PackError::ManifestSyntax`] where it is not JSON, [`PackError::Field`] naming the field,
    /// what was found and what is expected, where a value is missing or out of bounds.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackError> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|source| PackError::ManifestSyntax { source })?;
        let root = Section::root(&value)?;
        root.number("format", 1..=1, "format 1; install a SACodec that knows the pack's format")?;
        let sample_rate_hz =
            root.number("sample_rate_hz", SAMPLE_RATE_HZ.into()..=SAMPLE_RATE_HZ.into(), "24000")? as u32;
        let hop_samples =
            root.number("hop_samples", HOP_SAMPLES as u64..=HOP_SAMPLES as u64, "320")? as usize;
        let max_delay = (MAX_DELAY_HOPS * HOP_SAMPLES) as u64;
        let codebooks = root.section("codebooks")?;
        let graphs = root.section("graphs")?;
        let [encoder, quantizer, decoder] = GRAPH_NAMES;
        Ok(Self {
            info: PackInfo {
                name: root.text("name")?,
                version: root.text("version")?,
                sample_rate_hz,
                hop_samples,
                delay_samples: root.number("delay_samples", 0..=max_delay, "0 to 2560 samples")? as usize,
                latent_size: root.number("latent_size", 1..=MAX_LATENT, "1 to 1024")? as usize,
                semantic: codebook(&codebooks.section(TokenStream::Semantic.name())?)?,
                acoustic: codebook(&codebooks.section(TokenStream::Acoustic.name())?)?,
                weights: match root.text("weights")?.as_str() {
                    "int8" => Weights::Int8,
                    "f16" => Weights::F16,
                    "f32" => Weights::F32,
                    other => {
                        return Err(root.wrong(
                            "weights",
                            format!("{other:?}"),
                            "\"int8\", \"f16\" or \"f32\"",
                        ));
                    }
                },
                licence: root.text("licence")?,
                training: root.fields.get("training").cloned().unwrap_or(Value::Null),
                speech: None,
            },
            graphs: [
                graph(&graphs.section(encoder)?)?,
                graph(&graphs.section(quantizer)?)?,
                graph(&graphs.section(decoder)?)?,
            ],
        })
    }
}

fn codebook(section: &Section) -> Result<Codebook, PackError> {
    Ok(Codebook {
        size: section.number("size", 2..=MAX_CODEBOOK, "2 to 65535 entries")? as usize,
        frozen: section.text("frozen")?,
    })
}

fn graph(section: &Section) -> Result<GraphEntry, PackError> {
    let file = section.text("file")?;
    let plain = file.ends_with(".onnx")
        && !file.starts_with('.')
        && file.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !plain {
        return Err(section.wrong(
            "file",
            format!("{file:?}"),
            "a plain name like encoder.onnx, inside the pack's folder",
        ));
    }
    let hex = section.text("sha256")?;
    let sha256 = sha256_from_hex(&hex)
        .ok_or_else(|| section.wrong("sha256", format!("{hex:?}"), "64 hexadecimal digits"))?;
    Ok(GraphEntry { file, sha256 })
}

/// A JSON object and the path to it, so that an error can name the field.
struct Section<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    fn root(value: &'a Value) -> Result<Self, PackError> {
        let fields = value.as_object().ok_or_else(|| PackError::Field {
            field: "manifest.json".into(),
            found: kind(value),
            expected: "an object",
        })?;
        Ok(Self { path: String::new(), fields })
    }

    fn wrong(&self, field: &str, found: String, expected: &'static str) -> PackError {
        PackError::Field { field: format!("{}{field}", self.path), found, expected }
    }

    fn get(&self, field: &str, expected: &'static str) -> Result<&'a Value, PackError> {
        self.fields.get(field).ok_or_else(|| self.wrong(field, "nothing".into(), expected))
    }

    fn section(&self, field: &str) -> Result<Section<'a>, PackError> {
        let value = self.get(field, "an object")?;
        let fields = value.as_object().ok_or_else(|| self.wrong(field, kind(value), "an object"))?;
        Ok(Section { path: format!("{}{field}.", self.path), fields })
    }

    fn number(
        &self,
        field: &str,
        bounds: std::ops::RangeInclusive<u64>,
        expected: &'static str,
    ) -> Result<u64, PackError> {
        let value = self.get(field, expected)?;
        let number = value.as_u64().ok_or_else(|| self.wrong(field, kind(value), expected))?;
        if bounds.contains(&number) {
            Ok(number)
        } else {
            Err(self.wrong(field, number.to_string(), expected))
        }
    }

    fn text(&self, field: &str) -> Result<String, PackError> {
        const EXPECTED: &str = "a text of 1 to 128 printable characters";
        let value = self.get(field, EXPECTED)?;
        let text = value.as_str().ok_or_else(|| self.wrong(field, kind(value), EXPECTED))?;
        let chars = text.chars().count();
        if chars == 0 || chars > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
            return Err(self.wrong(field, format!("a text of {chars} characters"), EXPECTED));
        }
        Ok(text.to_owned())
    }
}

/// A value in a few words: hostile files can hold long ones.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(_) => "a text".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMBEDDED: &str = include_str!("../../../models/live/manifest.json");

    /// The shipped manifest with one value replaced.
    fn with(pointer: &str, value: Value) -> Result<Manifest, PackError> {
        let mut manifest: Value = serde_json::from_str(EMBEDDED).unwrap();
        *manifest.pointer_mut(pointer).unwrap() = value;
        Manifest::parse(manifest.to_string().as_bytes())
    }

    #[test]
    fn the_shipped_manifest_is_read_and_is_1500_bits_a_second() {
        let manifest = Manifest::parse(EMBEDDED.as_bytes()).unwrap();
        assert_eq!(manifest.info.bitrate_bps(), 1500.0);
        assert_eq!(manifest.info.bits_per_frame(), 20);
    }

    #[test]
    fn every_wrong_field_is_named_in_its_error() {
        let cases = [
            ("/format", Value::from(2)),
            ("/name", Value::from("")),
            ("/name", Value::from("x".repeat(129))),
            ("/version", Value::from("a\nb")),
            ("/sample_rate_hz", Value::from(16_000)),
            ("/hop_samples", Value::from(0)),
            ("/delay_samples", Value::from(-1)),
            ("/delay_samples", Value::from(1e9)),
            ("/latent_size", Value::from(u64::MAX)),
            ("/codebooks/semantic/size", Value::from(1)),
            ("/codebooks/acoustic/size", Value::from(65_536)),
            ("/codebooks/acoustic/frozen", Value::Null),
            ("/graphs/encoder/file", Value::from("../encoder.onnx")),
            ("/graphs/encoder/file", Value::from("/etc/passwd")),
            ("/graphs/decoder/file", Value::from("C:\\decoder.onnx")),
            ("/graphs/decoder/file", Value::from(".onnx")),
            ("/graphs/quantizer/sha256", Value::from("12")),
            ("/graphs/quantizer/sha256", Value::from("g".repeat(64))),
            ("/graphs", Value::from("none")),
            ("/weights", Value::from("q4")),
            ("/licence", Value::from(3)),
        ];
        for (pointer, value) in cases {
            let field = pointer[1..].replace('/', ".");
            match with(pointer, value.clone()) {
                Err(PackError::Field { field: named, .. }) => assert_eq!(named, field, "for {value}"),
                other => panic!("{field} = {value} gave {other:?}"),
            }
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        let mut manifest: Value = serde_json::from_str(EMBEDDED).unwrap();
        manifest.as_object_mut().unwrap().remove("latent_size");
        let error = Manifest::parse(manifest.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "manifest.json: latent_size is nothing, expected 1 to 1024");
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        assert!(matches!(Manifest::parse(b"{"), Err(PackError::ManifestSyntax { .. })));
        assert!(matches!(Manifest::parse(b"[1]"), Err(PackError::Field { .. })));
        let deep = "[".repeat(100_000);
        assert!(matches!(Manifest::parse(deep.as_bytes()), Err(PackError::ManifestSyntax { .. })));
    }
}

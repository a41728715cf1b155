//! What coded a take, told of a loaded model.

use sacodec_codec::{CodecModel, PackInfo};
use serde_json::Map;

use super::header::{CodebookSizes, Header, PackId};

impl PackId {
    /// The identity of a loaded model.
    pub fn of(model: &CodecModel) -> Self {
        let info = model.info();
        Self { name: info.name.clone(), version: info.version.clone(), sha256: model.sha256() }
    }
}

impl Header {
    /// The header of a take of `channels` channels that `model` codes at `host_rate_hz`.
    pub fn new(model: &CodecModel, channels: usize, host_rate_hz: f64) -> Self {
        let info = model.info();
        Self {
            pack: PackId::of(model),
            codec_rate_hz: info.sample_rate_hz,
            hop_samples: info.hop_samples as u32,
            codebooks: CodebookSizes { semantic: info.semantic.size, acoustic: info.acoustic.size },
            channels,
            host_rate_hz,
            channel_mode: None,
            latency_samples: None,
            stream_frame: None,
            first_sample: None,
            tempo_bpm: None,
            track: None,
            source: None,
            created: None,
            software: Some(concat!("sacodec ", env!("CARGO_PKG_VERSION")).into()),
            inference: Some(format!("tract-onnx {}", sacodec_codec::INFERENCE_VERSION)),
            cpu: Some(instruction_sets()),
            further: Map::new(),
        }
    }

    /// Whether `info` could have coded this take, as far as shapes go.
    pub fn fits(&self, info: &PackInfo) -> bool {
        (self.codec_rate_hz, self.hop_samples as usize) == (info.sample_rate_hz, info.hop_samples)
            && (self.codebooks.semantic, self.codebooks.acoustic) == (info.semantic.size, info.acoustic.size)
    }
}

/// Architecture and the instruction sets that kernels are chosen by.
fn instruction_sets() -> Vec<String> {
    let mut sets = vec![std::env::consts::ARCH.to_owned()];
    #[cfg(target_arch = "x86_64")]
    {
        let found = [
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("f16c", std::arch::is_x86_feature_detected!("f16c")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ];
        sets.extend(found.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.to_owned()));
    }
    sets
}

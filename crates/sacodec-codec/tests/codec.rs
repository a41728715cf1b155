//! The codec as a library: golden data from ONNX Runtime, model packs good and bad.

use std::fs;
use std::path::{Path, PathBuf};

use sacodec_codec::{
    CodecModel, FrameCodec, GraphError, LoadError, ModelPack, PackError, StreamGain, TokenFrame,
};
use sacodec_testing::{data, read_wav, speech_24k};
use serde_json::Value;

fn live() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/live")
}

/// Tokens that ONNX Runtime gave for the clip; `training/golden.py` makes them.
fn golden_tokens() -> Vec<TokenFrame> {
    let golden: Value =
        serde_json::from_str(&fs::read_to_string(data("golden_tokens.json")).unwrap()).unwrap();
    let stream = |name: &str| golden[name].as_array().unwrap().iter().map(|t| t.as_u64().unwrap() as u16);
    stream("semantic")
        .zip(stream("acoustic"))
        .map(|(semantic, acoustic)| TokenFrame { semantic, acoustic })
        .collect()
}

#[test]
fn tokens_of_the_clip_are_those_of_onnx_runtime() {
    let mut codec = FrameCodec::new(&CodecModel::embedded().unwrap()).unwrap();
    let golden = golden_tokens();
    let speech = speech_24k();
    let tokens: Vec<TokenFrame> =
        speech.chunks_exact(320).map(|hop| codec.encode_step(hop).unwrap()).collect();
    assert_eq!(tokens.len(), golden.len());
    let equal = tokens
        .iter()
        .zip(&golden)
        .map(|(t, g)| usize::from(t.semantic == g.semantic) + usize::from(t.acoustic == g.acoustic));
    let share = equal.sum::<usize>() as f64 / (2 * golden.len()) as f64;
    println!("{:.3} % of the tokens equal ONNX Runtime's", 100.0 * share);
    assert!(share >= 0.995, "only {:.2} % of the tokens equal ONNX Runtime's", 100.0 * share);
}

#[test]
fn audio_from_the_same_tokens_is_within_50_db_of_onnx_runtimes() {
    let mut codec = FrameCodec::new(&CodecModel::embedded().unwrap()).unwrap();
    let (golden, _) = read_wav(&data("golden_audio.wav"));
    let mut audio = vec![0.0; golden.len()];
    for (tokens, out) in golden_tokens().iter().zip(audio.chunks_exact_mut(320)) {
        codec.decode_step(*tokens, StreamGain::BOTH, out).unwrap();
    }
    let power = |s: &mut dyn Iterator<Item = f32>| s.map(|v| f64::from(v) * f64::from(v)).sum::<f64>();
    let noise = power(&mut audio.iter().zip(&golden).map(|(a, g)| a - g));
    let snr_db = 10.0 * (power(&mut golden.iter().copied()) / noise).log10();
    println!("{snr_db:.1} dB");
    assert!(snr_db >= 50.0, "only {snr_db:.1} dB from ONNX Runtime's audio");
}

#[test]
fn a_token_outside_its_codebook_is_refused_and_does_no_harm() {
    let mut codec = FrameCodec::new(&CodecModel::embedded().unwrap()).unwrap();
    let mut out = vec![0.0; 320];
    let error = codec
        .decode_step(TokenFrame { semantic: 1000, acoustic: 0 }, StreamGain::BOTH, &mut out)
        .unwrap_err();
    assert!(error.to_string().contains("semantic token 1000"), "{error}");
    assert!(
        codec.step(&[0.0; 319], StreamGain::BOTH, &mut out).unwrap_err().to_string().contains("319 samples")
    );
    assert!(codec.step(&[0.0; 320], StreamGain::BOTH, &mut out).is_ok());
}

#[test]
fn a_pack_from_a_folder_shares_the_weights_of_the_same_pack_embedded() {
    let embedded = CodecModel::embedded().unwrap();
    let folder = CodecModel::load(&ModelPack::from_folder(&live()).unwrap()).unwrap();
    assert!(std::sync::Arc::ptr_eq(&embedded, &folder));
}

/// A copy of the shipped pack, to be damaged.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(live()).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self) -> Result<std::sync::Arc<CodecModel>, LoadError> {
        CodecModel::load(&ModelPack::from_folder(self.0.path())?)
    }

    /// Replaces a graph and makes the manifest's digest match: only the graph itself is wrong.
    fn replace(&self, graph: &str, bytes: &[u8]) {
        use sha2::Digest;
        fs::write(self.file(&format!("{graph}.onnx")), bytes).unwrap();
        let mut manifest: Value =
            serde_json::from_str(&fs::read_to_string(self.file("manifest.json")).unwrap()).unwrap();
        let digest: String = sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        manifest["graphs"][graph]["sha256"] = Value::from(digest);
        fs::write(self.file("manifest.json"), manifest.to_string()).unwrap();
    }
}

#[test]
fn a_pack_that_is_incomplete_or_damaged_is_refused_with_its_own_error() {
    let error = ModelPack::from_folder(Path::new("/nowhere")).unwrap_err();
    assert!(matches!(error, PackError::NoFolder { .. }), "{error}");

    let pack = Copy::new();
    fs::remove_file(pack.file("manifest.json")).unwrap();
    assert!(matches!(pack.load(), Err(LoadError::Pack(PackError::NoManifest { .. }))));

    let pack = Copy::new();
    fs::remove_file(pack.file("decoder.onnx")).unwrap();
    assert!(matches!(pack.load(), Err(LoadError::Pack(PackError::NoGraph { .. }))));

    let pack = Copy::new();
    let mut bytes = fs::read(pack.file("encoder.onnx")).unwrap();
    bytes[1000] ^= 1;
    fs::write(pack.file("encoder.onnx"), bytes).unwrap();
    match pack.load() {
        Err(LoadError::Pack(PackError::Hash { file, .. })) => assert_eq!(file, "encoder.onnx"),
        other => panic!("{other:?}"),
    }

    let pack = Copy::new();
    fs::write(pack.file("manifest.json"), vec![b' '; 100_000]).unwrap();
    assert!(matches!(pack.load(), Err(LoadError::Pack(PackError::TooLarge { .. }))));
}

#[test]
fn what_a_pack_says_of_speech_is_read_may_be_missing_and_is_refused_where_it_cannot_be() {
    let pack = Copy::new();
    let stats = pack.load().unwrap().info().speech.clone().unwrap();
    assert!((1..stats.frames).contains(&stats.min_distinct_semantic), "{stats:?}");

    fs::write(pack.file("speech.json"), r#"{"frames": 9, "min_distinct_semantic": 3}"#).unwrap();
    let error = pack.load().unwrap_err();
    assert!(matches!(error, LoadError::Pack(PackError::Speech { .. })), "{error:?}");
    assert!(error.to_string().contains("frames is 9, expected a whole number of 75 to 750"), "{error}");

    fs::write(pack.file("speech.json"), vec![b' '; 1 << 21]).unwrap();
    let error = pack.load().unwrap_err().to_string();
    assert!(error.contains("larger than 1048576 bytes") && error.contains("remove speech.json"), "{error}");

    fs::remove_file(pack.file("speech.json")).unwrap();
    fs::create_dir(pack.file("speech.json")).unwrap();
    let error = pack.load().unwrap_err().to_string();
    assert!(error.contains("not a file") && error.contains("remove speech.json"), "{error}");

    fs::remove_dir(pack.file("speech.json")).unwrap();
    let without = ModelPack::from_folder(pack.0.path()).unwrap();
    assert_eq!(without.info().speech, None);
    assert_eq!(without.sha256(), ModelPack::embedded().unwrap().sha256(), "it names the weights alone");
}

#[test]
fn graphs_in_each_others_place_are_refused_by_their_ports() {
    let pack = Copy::new();
    let encoder = fs::read(pack.file("encoder.onnx")).unwrap();
    pack.replace("decoder", &encoder);
    match pack.load() {
        Err(LoadError::Graph(GraphError::Port { file, port, .. })) => {
            assert_eq!((file.as_str(), port.as_str()), ("decoder.onnx", "semantic"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_graph_of_garbage_is_refused_without_a_panic() {
    let pack = Copy::new();
    let whole = fs::read(pack.file("quantizer.onnx")).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    pack.replace("quantizer", b"not a graph");
    assert!(matches!(pack.load(), Err(LoadError::Graph(_))));
    for length in [0, 1, 100, 10_000, whole.len() - 1] {
        pack.replace("quantizer", &whole[..length]);
        assert!(pack.load().is_err(), "the first {length} bytes were taken for a graph");
    }
    for _ in 0..60 {
        // Bits outside the weights: names, shapes, operators, attributes.
        let mut bytes = whole.clone();
        let at = if random.usize(..2) == 0 {
            random.usize(..4000)
        } else {
            bytes.len() - 1 - random.usize(..2500)
        };
        bytes[at] ^= 1 << random.usize(..8);
        pack.replace("quantizer", &bytes);
        if let Err(error) = pack.load() {
            assert!(!error.to_string().is_empty());
        }
    }
}

mod graphs {
    //! Hostile graphs, written with the reader's own types.
    use prost::Message;
    use tract_onnx::pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
        ValueInfoProto,
    };

    use super::*;

    fn quantizer(change: impl FnOnce(&mut GraphProto)) -> Result<std::sync::Arc<CodecModel>, LoadError> {
        let pack = Copy::new();
        let mut model = ModelProto::decode(&*fs::read(pack.file("quantizer.onnx")).unwrap()).unwrap();
        change(model.graph.as_mut().unwrap());
        pack.replace("quantizer", &model.encode_to_vec());
        pack.load()
    }

    fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: kind.into(),
            input: inputs.iter().map(|i| (*i).into()).collect(),
            output: vec![output.into()],
            ..Default::default()
        }
    }

    fn refusal(change: impl FnOnce(&mut GraphProto)) -> GraphError {
        match quantizer(change) {
            Err(LoadError::Graph(error)) => error,
            other => panic!("not refused as a graph: {other:?}"),
        }
    }

    #[test]
    fn operators_that_read_files_loop_or_size_by_data_are_refused() {
        for kind in [
            "Loop",
            "Scan",
            "If",
            "ConstantOfShape",
            "Expand",
            "Tile",
            "Range",
            "LSTM",
            "RandomNormal",
            "Nonsense",
        ] {
            let error = refusal(|g| g.node.push(node(kind, &["latent"], "more")));
            assert!(matches!(&error, GraphError::Operator { operator, .. } if operator == kind), "{error}");
        }
        let error = refusal(|g| {
            let mut nested = node("Identity", &["latent"], "more");
            nested.attribute.push(AttributeProto { g: Some(GraphProto::default()), ..Default::default() });
            g.node.push(nested);
        });
        assert!(matches!(error, GraphError::Operator { .. }), "{error}");
    }

    #[test]
    fn weights_outside_the_file_or_of_impossible_size_are_refused() {
        let error = refusal(|g| {
            let entry = StringStringEntryProto { key: "location".into(), value: "/etc/passwd".into() };
            g.initializer[0].external_data.push(entry);
        });
        assert!(error.to_string().contains("outside the file"), "{error}");
        for dims in [vec![-1, 4], vec![i64::MAX, i64::MAX], vec![1 << 40], vec![7]] {
            let error = refusal(|g| g.initializer[0].dims.clone_from(&dims));
            assert!(matches!(error, GraphError::Weight { .. }), "{dims:?}: {error}");
        }
    }

    #[test]
    fn broadcasting_to_a_giant_tensor_is_refused_before_it_is_computed() {
        let weight = |name: &str, dims: Vec<i64>| {
            let bytes = 4 * dims.iter().product::<i64>() as usize;
            TensorProto {
                name: name.into(),
                dims,
                data_type: 1,
                raw_data: vec![0; bytes],
                ..Default::default()
            }
        };
        let constants = refusal(|g| {
            g.initializer.push(weight("tall", vec![100_000, 1]));
            g.initializer.push(weight("wide", vec![1, 100_000]));
            g.node.push(node("Add", &["tall", "wide"], "giant"));
        });
        assert!(constants.to_string().contains("of constants"), "{constants}");
        let broadcast = refusal(|g| {
            g.initializer.push(weight("tall", vec![100_000, 1, 1]));
            g.initializer.push(weight("long", vec![1, 100_000, 1]));
            let axes = [0_i64, 1].iter().flat_map(|a| a.to_le_bytes()).collect();
            g.initializer.push(TensorProto {
                name: "axes".into(),
                dims: vec![2],
                data_type: 7,
                raw_data: axes,
                ..Default::default()
            });
            // The whole graph reads what is left of the giant.
            for reader in &mut g.node {
                reader.input.iter_mut().filter(|i| *i == "latent").for_each(|i| *i = "shrunk".into());
            }
            let giant = [
                node("Add", &["latent", "tall"], "large"),
                node("Add", &["large", "long"], "giant"),
                node("ReduceSum", &["giant", "axes"], "shrunk"),
            ];
            g.node.splice(0..0, giant);
        });
        assert!(matches!(broadcast, GraphError::Bound { .. } | GraphError::Compile { .. }), "{broadcast}");
    }

    #[test]
    fn a_state_without_its_other_half_is_refused() {
        let error = refusal(|g| {
            let mut lonely: ValueInfoProto = g.input[0].clone();
            lonely.name = "state_lonely".into();
            g.input.push(lonely);
        });
        assert!(matches!(&error, GraphError::StatePair { state, .. } if state == "state_lonely"), "{error}");
        let error = refusal(|g| {
            let mut extra: ValueInfoProto = g.output[0].clone();
            extra.name = "extra".into();
            g.output.push(extra);
            g.node.push(node("Identity", &["semantic"], "extra"));
        });
        assert!(matches!(&error, GraphError::StatePair { state, .. } if state == "extra"), "{error}");
    }

    #[test]
    fn a_codec_that_gives_tokens_outside_its_codebook_fails_its_trial() {
        let error = refusal(|g| {
            let last = g.node.iter_mut().find(|n| n.output[0] == "semantic").unwrap();
            last.op_type = "Neg".into();
        });
        assert!(matches!(error, GraphError::Trial { .. }), "{error}");
    }
}

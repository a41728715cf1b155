"""A checkpoint as a model pack: python -m sacodec_train.export.pack small.pt.xz PACK --codebook KM.npy --weights int8 --check CLIP.wav ...

Writes encoder.onnx, quantizer.onnx, decoder.onnx and manifest.json (format 1). With --check compares ONNX Runtime with
PyTorch, and with --sacodec also the plugin's codec with ONNX Runtime: at least 99.5 % of each clip's tokens equal, and at
least 50 dB from the audio of the same tokens. A pack that fails is not left. f16 costs next to nothing of a small
checkpoint, which python -m sacodec_train.checkpoint makes; it moves pitch and tokens of a run's own weights. int8 is
another model of half the size, whose matrices are whole numbers of one byte: it is that one which the pack is compared with.
A card that the export wrote is written anew, one by hand stays.
"""
import argparse
import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch

from ..checkpoint import CheckpointError, load_model, sketch
from ..config import HOP_SAMPLES, RATE_HZ
from ..model import read_codebook
from ..metrics import snr_db
from ..ort_pack import GRAPHS, OrtPack
from ..rounding import round_matrices
from . import card, graphs, rust
from .graph import WEIGHTS

MHUBERT = (-0.1194, -1.0042, -0.0892, 0.4149)
"""How the sketch of mHuBERT's centroids begins."""
SPEECH = "speech.json"
"""What `export.speech` writes of the tokens of one pack."""
MIN_EQUAL, MIN_SNR_DB = 0.995, 50.0
EXPECTED_EQUAL = f"{100 * MIN_EQUAL} % of each clip"

ROUNDED = ". Half precision rounds a run's own weights: make a small checkpoint of it first, with python -m sacodec_train.checkpoint"


class ParityError(RuntimeError):
    """Two that should compute the same do not."""


class ModelError(ParityError):
    """The pack computes something else than the model."""


def frozen_name(table):
    """What a manifest calls the table that the semantic tokens come from."""
    is_mhubert = len(table) == 1000 and torch.allclose(sketch(table)[:4], torch.tensor(MHUBERT), atol=1e-3)
    return "mHuBERT layer 11 k-means 1000" if is_mhubert else f"a table of its own, {list(table.shape)}"


def write(net, steps, folder, name, version, weights="f16", licence=card.NOT_STATED):
    """Write graphs and manifest. Returns the manifest. Of "int8" `net` is rounded first."""
    if weights == "int8":
        round_matrices(net)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    built = dict(encoder=graphs.encoder(net, weights), quantizer=graphs.quantizer(net), decoder=graphs.decoder(net, weights))
    for graph, g in built.items():
        g.save(folder / f"{graph}.onnx", graph)
    sha256 = lambda graph: hashlib.sha256((folder / f"{graph}.onnx").read_bytes()).hexdigest()
    manifest = dict(
        format=1, name=name, version=version, sample_rate_hz=RATE_HZ, hop_samples=HOP_SAMPLES, delay_samples=net.config.delay_samples,
        latent_size=net.config.latent,
        codebooks=dict(semantic=dict(size=net.config.semantic_entries, frozen=frozen_name(net.q.semantic.frozen)),
                       acoustic=dict(size=net.config.acoustic_entries, frozen="Gaussian, seed 1")),
        graphs={graph: dict(file=f"{graph}.onnx", sha256=sha256(graph)) for graph in GRAPHS},
        weights=weights, licence=licence, training=dict(steps=steps, card="MODEL_CARD.md"))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest


@torch.no_grad()
def compare(net, pack, audio):
    """Of audio f32 [T]: shares of equal semantic and acoustic tokens, and the SNR of the pack's audio from PyTorch's tokens in dB."""
    audio = audio[: len(audio) // HOP_SAMPLES * HOP_SAMPLES]
    out = net(torch.from_numpy(np.ascontiguousarray(audio[None], np.float32)))
    expected = [t[0].numpy() for t in out["tokens"]]
    pack.reset()
    found = pack.encode(audio)
    pack.reset()
    y, wanted = pack.decode(*expected).astype(np.float64), out["audio"][0].double().numpy()
    equal = [float(np.mean(f == e)) for f, e in zip(found, expected)]
    return *equal, snr_db(wanted, y)


def check(net, folder, clips):
    """Raise ParityError unless the pack in `folder` is the model on all `clips`, f32 [T] each. Returns what was found, in words."""
    return _judge(ModelError, "it is not the model", "", np.array([compare(net, OrtPack(folder), clip) for clip in clips]), clips)


def check_rust(program, folder, clips):
    """Raise ParityError unless the plugin's codec gives ONNX Runtime's tokens and audio on all `clips`. Returns what was found, in words."""
    return _judge(ParityError, "two runtimes differ", f"in {program} ", np.array([rust.compare(program, folder, clip) for clip in clips]), clips)


def _judge(error, blame, where, found, clips):
    """Rows of `compare` -> what they are, in words. Raises `error` where they are not enough."""
    are_equal, tokens = _tokens(found[:, :2], clips)
    audio_db = found[:, 2].min()
    said = f"{where}{tokens}; audio {audio_db:.1f} dB"
    # Not `<`: NaN must not pass.
    if not (are_equal and audio_db >= MIN_SNR_DB):
        raise error(f"{blame}: {said}; expected {EXPECTED_EQUAL} and {MIN_SNR_DB} dB")
    return said


def _tokens(shares, clips):
    """Shares of equal semantic and acoustic tokens [clips, 2] -> whether they are enough, and what they are, in words."""
    frames = [len(clip) // HOP_SAMPLES for clip in clips]
    (semantic, acoustic), worst = np.average(shares, 0, frames), shares.min()
    said = f"semantic tokens {100 * semantic:.2f} % equal, acoustic {100 * acoustic:.2f} %, in {sum(frames)} frames of {len(clips)} clips"
    said += f" (in the worst {100 * worst:.2f} %)" if len(clips) > 1 else ""
    return bool(worst >= MIN_EQUAL), said


def same_graphs(folder, manifest):
    """Whether the pack in `folder` has the graphs of this manifest."""
    try:
        return json.loads((folder / "manifest.json").read_text())["graphs"] == manifest["graphs"]
    except (OSError, ValueError, KeyError):
        return False


def export(net, contents, folder, name, version, weights, licence, clips=(), program=None):
    """Write the pack with its card, checked on `clips` f32 [T] before anything is written to `folder`. Returns what there is to
    say: what the checks found, of a card by hand that it stays, and of a speech.json of other graphs that it was removed. Raises ParityError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as partial:
        partial = Path(partial)
        manifest = write(net, contents["step"], partial, name, version, weights, licence)
        found = [check(net, partial, clips)] if clips else []
        found += [check_rust(program, partial, clips)] if clips and program else []
        folder.mkdir(exist_ok=True)
        own = folder / manifest["training"]["card"]
        if own.exists() and not card.is_own(own.read_text(encoding="utf8", errors="replace")):
            found.append(f"{own}: written by hand, it stays; look whether it is still true of this pack")
        else:
            (partial / own.name).write_text(card.text(contents, manifest, found), encoding="utf8")
        if (folder / SPEECH).exists() and not same_graphs(folder, manifest):
            (folder / SPEECH).unlink()
            found.append(f"{folder / SPEECH}: of the pack before, removed; make it anew with python -m sacodec_train.export.speech")
        for file in sorted(partial.iterdir()):
            os.replace(file, folder / file.name)
    return found


def read_clip(path):
    """f32 [T]; ValueError where it is not 24 kHz mono."""
    import soundfile as sf
    try:
        audio, rate = sf.read(path, dtype="float32", always_2d=True)
    except (sf.LibsndfileError, RuntimeError) as e:
        raise ValueError(f"{path}: {e}") from e
    if rate != RATE_HZ or audio.shape[1] != 1:
        raise ValueError(f"{path}: {rate} Hz with {audio.shape[1]} channels; a clip for --check has {RATE_HZ} Hz and one")
    return audio[:, 0]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint")
    p.add_argument("pack")
    p.add_argument("--codebook", help="mHuBERT centroids, for a small checkpoint")
    p.add_argument("--name", help="of the pack; else the configuration's")
    p.add_argument("--version", default="0.0.0", help="of the pack; a pack of another version is another pack")
    p.add_argument("--licence", default=card.NOT_STATED, help="of the weights, such as CC0-1.0: what the recordings' licences allow")
    p.add_argument("--weights", choices=WEIGHTS, default="f32", help="their precision; f16 is for small checkpoints; without it f32")
    p.add_argument("--check", nargs="+", default=[], help="clips at 24 kHz")
    p.add_argument("--sacodec", help="the sacodec command: compare it too")
    a = p.parse_args()
    if a.sacodec and not a.check:
        p.error("--sacodec compares on clips: name them with --check")
    try:
        net, s = load_model(a.checkpoint, read_codebook(a.codebook) if a.codebook else None)
        clips = [read_clip(clip) for clip in a.check]
    except (CheckpointError, OSError, ValueError) as e:
        p.exit(1, f"{e}\n")
    try:
        for line in export(net, s, Path(a.pack), a.name or s["config"].name, a.version, a.weights, a.licence, clips, a.sacodec):
            print(line)
    except (ParityError, rust.RustError, OSError) as e:
        is_rounded = isinstance(e, ModelError) and a.weights == "f16" and "net" in s
        p.exit(1, f"{e}{ROUNDED if is_rounded else ''}\n")


if __name__ == "__main__":
    main()

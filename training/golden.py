"""Make the golden data of the Rust tests, or check that it is still what ONNX Runtime gives.

    python training/golden.py [--pack models/live] [--check]

tests/data/speech.wav -> speech_24k.wav (the coded input, 24 kHz 16 bit), golden_tokens.json (every frame of it) and
golden_audio.wav (f32, 24 kHz: the decoder's output for the first 4 s of those tokens, its delay included).
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile as sf
from scipy.signal import resample_poly

from sacodec_train.ort_pack import OrtPack

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
AUDIO_SECONDS = 4


def snr_db(reference, other):
    """Energy of `reference` over energy of the difference."""
    return 10 * np.log10(np.sum(reference**2, dtype=np.float64) / (np.sum((reference - other) ** 2, dtype=np.float64) + 1e-30))


def make_input(rate_hz):
    """speech.wav at `rate_hz` as 16-bit samples."""
    clip, clip_hz = sf.read(DATA / "speech.wav")
    low = resample_poly(clip, rate_hz, clip_hz)
    return np.round(np.clip(low, -1, 1) * 32767).astype(np.int16)


def make(pack):
    """Write all three files. Returns nothing."""
    sf.write(DATA / "speech_24k.wav", make_input(pack.rate_hz), pack.rate_hz, "PCM_16")
    semantic, acoustic, audio = code(pack)
    golden = dict(
        pack=pack.manifest["name"], pack_sha256=pack.sha256, runtime=f"onnxruntime {onnxruntime.__version__}",
        frames=len(semantic), semantic=semantic.tolist(), acoustic=acoustic.tolist())
    lines = ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in golden.items())
    (DATA / "golden_tokens.json").write_text(f"{{\n{lines}\n}}\n")
    sf.write(DATA / "golden_audio.wav", audio, pack.rate_hz, "FLOAT")
    print(f"{len(semantic)} frames, codes used {len(set(semantic))} + {len(set(acoustic))}, {len(audio)} samples of audio")


def code(pack):
    """The stored input -> all its tokens, and the audio of the first AUDIO_SECONDS of them."""
    pack.reset()
    semantic, acoustic = pack.encode(sf.read(DATA / "speech_24k.wav", dtype="float32")[0])
    frames = AUDIO_SECONDS * pack.rate_hz // pack.hop_samples
    return semantic, acoustic, pack.decode(semantic[:frames], acoustic[:frames])


def check(pack):
    """Compare a fresh coding with the stored one by the limits of the Rust tests."""
    golden = json.loads((DATA / "golden_tokens.json").read_text())
    assert golden["pack_sha256"] == pack.sha256, "another pack: run golden.py to make new golden data"
    semantic, acoustic, audio = code(pack)
    equal = [float(np.mean(np.array(golden[k]) == v)) for k, v in (("semantic", semantic), ("acoustic", acoustic))]
    stored = tuple(np.array(golden[k][: len(audio) // pack.hop_samples]) for k in ("semantic", "acoustic"))
    pack.reset()
    snr = snr_db(sf.read(DATA / "golden_audio.wav", dtype="float32")[0], pack.decode(*stored))
    print(f"semantic equal {equal[0]:.4f}, acoustic equal {equal[1]:.4f}, audio from the stored tokens {snr:.1f} dB SNR")
    assert min(equal) >= 0.995 and snr >= 50, "not the golden data"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default=ROOT / "models" / "live", type=Path)
    parser.add_argument("--check", action="store_true", help="compare with the stored data instead of writing it")
    arguments = parser.parse_args()
    (check if arguments.check else make)(OrtPack(arguments.pack))

"""A pack in the plugin's own codec: the `sacodec` command beside ONNX Runtime."""
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf

from ..config import RATE_HZ
from ..metrics import snr_db
from ..ort_pack import OrtPack


class RustError(RuntimeError):
    """The command cannot be started or refused the pack; carries its words."""


def compare(program, folder, clip):
    """Of audio f32 [T]: shares of equal semantic and acoustic tokens, command against ONNX Runtime, and of the audio from the
    command's tokens the SNR in dB. The command keeps what it decodes to full scale; so is what ONNX Runtime gives."""
    pack = OrtPack(folder)
    with tempfile.TemporaryDirectory() as work:
        wav, take, back = (str(Path(work) / name) for name in ("clip.wav", "clip.sac", "back.wav"))
        sf.write(wav, clip, RATE_HZ, "FLOAT")
        for arguments in (["encode", wav, "-o", take], ["convert", take, "--to", "npy"], ["decode", take, "-o", back, "--rate", str(RATE_HZ)]):
            own = [] if arguments[0] == "convert" else ["--pack", str(folder)]
            try:
                done = subprocess.run([program, *arguments, *own], capture_output=True, text=True)
            except OSError as e:
                raise RustError(f"{program}: cannot be started ({e.strerror}); cargo build --release makes the sacodec command") from e
            if done.returncode:
                raise RustError(f"{program} {arguments[0]}: {done.stderr.strip()}")
        found = np.load(Path(take).with_suffix(".npy"))[:, 0].astype(np.int64)
        audio = sf.read(back, dtype="float64")[0]
    delay = pack.manifest["delay_samples"]
    expected = pack.encode(np.pad(clip, (0, pack.hop_samples)))
    frames = len(clip) // pack.hop_samples
    if len(found) < frames or len(audio) < frames * pack.hop_samples - delay:
        raise RustError(f"{program}: {len(found)} frames and {len(audio)} samples of a clip of {frames} frames")
    equal = [float(np.mean(found[:frames, i] == expected[i][:frames])) for i in (0, 1)]
    pack.reset()
    wanted = np.clip(pack.decode(found[:, 0], found[:, 1]).astype(np.float64), -1, 1)[delay:]
    n = min(len(wanted), len(audio))
    return *equal, snr_db(wanted[:n], audio[:n])

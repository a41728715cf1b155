"""What codes a recording: a pack, or a codec of the system to compare it with. Each knows its delay."""
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from scipy.signal import resample_poly

from ..config import RATE_HZ
from ..ort_pack import OrtPack

CODEC2_HZ = 8_000
CODEC2_DELAY_SAMPLES = 145
"""Of c2enc and c2dec in mode 3200, at 8 kHz; `evaluate.delay` measures it."""


class CodecError(RuntimeError):
    """A codec that is missing or failed; says what to install."""


@dataclass(frozen=True)
class Coded:
    """`audio` f32 [T], as long as the input and aligned with it; `tokens` (semantic, acoustic) i64 [F] of packs, each at
    the hop that it tells of."""
    system: str
    kbps: float
    audio: np.ndarray
    tokens: tuple | None = None


def title(manifest):
    """What a table calls a pack."""
    return f"{manifest['name']} {manifest['version']}"


def pack(folder, audio):
    """Audio through the pack in `folder`: both streams, and the semantic one alone."""
    own = OrtPack(folder)
    name, delay = title(own.manifest), own.manifest["delay_samples"]
    padded = np.pad(audio, (0, -(-delay // own.hop_samples) * own.hop_samples))
    tokens = own.encode(padded)
    frames, told = len(audio) // own.hop_samples, max(0, delay // own.hop_samples - 1)
    bits = [int(np.ceil(np.log2(own.manifest["codebooks"][k]["size"]))) * own.rate_hz / own.hop_samples / 1000 for k in ("semantic", "acoustic")]
    results = []
    for system, kbps, gain in ((name, sum(bits), (1.0, 1.0)), (f"{name}, semantic alone", bits[0], (1.0, 0.0))):
        own.reset()
        results.append(Coded(system, kbps, own.decode(*tokens, gain)[delay:delay + len(audio)], tuple(t[told:told + frames] for t in tokens)))
    return results


def opus(audio):
    """Audio through opusenc, asked for 6 kbps, and opusdec at their best for speech, which take their own delay out again. The rate is what its packets
    hold: it varies, by the recording."""
    with tempfile.TemporaryDirectory() as folder:
        wav, coded, back = (str(Path(folder) / name) for name in ("in.wav", "coded.opus", "out.wav"))
        sf.write(wav, audio, RATE_HZ, "PCM_16")
        _run("opus-tools", "opusenc", "--quiet", "--bitrate", "6", "--vbr", "--speech", wav, coded)
        _run("opus-tools", "opusdec", "--quiet", "--rate", str(RATE_HZ), coded, back)
        spent = 8 * sum(packet_bytes(Path(coded).read_bytes())) / (len(audio) / RATE_HZ) / 1000
        return [Coded(TITLES["opus"], spent, _fit(sf.read(back, dtype="float32")[0], len(audio)))]


def packet_bytes(ogg):
    """Sizes of the packets of an Ogg stream (RFC 3533), without its two headers (RFC 7845)."""
    sizes, packet, at = [], 0, 0
    while ogg[at:at + 4] == b"OggS":
        segments = ogg[at + 27:at + 27 + ogg[at + 26]]
        at += 27 + len(segments) + sum(segments)
        for size in segments:
            packet += size
            if size < 255:
                sizes.append(packet)
                packet = 0
    return sizes[2:]


def codec2(audio):
    """Audio through Codec2's best mode, 3.2 kbps at 8 kHz."""
    y = codec2_raw(resample_poly(audio.astype(np.float64), 1, RATE_HZ // CODEC2_HZ))[CODEC2_DELAY_SAMPLES:]
    return [Coded(TITLES["codec2"], 3.2, _fit(resample_poly(y, RATE_HZ // CODEC2_HZ, 1), len(audio)))]


def codec2_raw(low):
    """Audio f64 [T] at 8 kHz through Codec2, as late as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        raw, coded, back = (Path(folder) / name for name in ("in.raw", "coded.c2", "out.raw"))
        raw.write_bytes(np.round(np.clip(np.pad(low, (0, CODEC2_HZ // 10)), -1, 1) * 32767).astype("<i2").tobytes())
        _run("codec2", "c2enc", "3200", raw, coded)
        _run("codec2", "c2dec", "3200", coded, back)
        return np.frombuffer(back.read_bytes(), "<i2") / 32768


BASELINES = dict(opus=opus, codec2=codec2)
TITLES = dict(opus="Opus 6", codec2="Codec2")
PROGRAMS = dict(opus=("opusenc", "opus-tools"), codec2=("c2enc", "codec2"))


def require(names):
    """Raise unless the programs of these baselines are installed."""
    for name in names:
        program, package = PROGRAMS[name]
        if shutil.which(program) is None:
            raise CodecError(f"{program} is missing: install it (Debian: apt install {package}), or leave it out with --baselines")


def _run(package, *command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        raise CodecError(f"{command[0]} failed ({done.stderr.strip()[-200:]}); it comes with Debian's {package}")


def _fit(y, length):
    """Cut or padded to `length`: codecs end on whole frames."""
    return np.pad(y, (0, max(0, length - len(y))))[:length].astype(np.float32)

"""The material: float32 [channels, samples], the same at each call."""
from pathlib import Path

import numpy as np
import soundfile as sf

CLIP = Path(__file__).resolve().parent.parent / "data" / "speech.wav"
CLIP_HZ = 48_000


def speech(channels, seconds, rate_hz):
    """Our clip, another part of it in each channel. At other rates than 48 kHz it just plays slower or faster."""
    clip, clip_hz = sf.read(CLIP, dtype="float32")
    assert clip_hz == CLIP_HZ
    n = int(seconds * rate_hz)
    starts = [int(second * CLIP_HZ) for second in (0.3, 5.0)][:channels]
    return np.stack([gain * clip[start:start + n] for start, gain in zip(starts, (1.0, 0.6))])


def noise(channels, seconds, rate_hz):
    """White, -6 dBFS peak, with a full-scale impulse in front: any wrong lag or lost sample shows."""
    x = np.random.default_rng(7).uniform(-0.5, 0.5, (channels, int(seconds * rate_hz))).astype(np.float32)
    x[:, 10] = 1.0
    return x

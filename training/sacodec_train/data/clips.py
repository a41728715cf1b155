"""What is known of a recording, and what can be found out from its samples."""
import warnings
from dataclasses import dataclass

import numpy as np

from ..config import HOP_SAMPLES, RATE_HZ

PITCH_FLOOR_HZ, PITCH_CEILING_HZ = 60.0, 500.0
BANDWIDTH_BELOW_PEAK_DB = 65.0
"""A band this far below the loudest holds no speech: past it the recording has ended, or its codec cut it."""


@dataclass(frozen=True)
class Clip:
    """One recording, cut to whole hops. `samples` i16 [T]; `f0_hz` f16 [T / hop], 0 where unvoiced."""
    samples: np.ndarray
    f0_hz: np.ndarray
    source: str
    speaker: str
    bandwidth_hz: float
    licence: str = ""
    lang: str = ""
    gender: str = ""
    text: str = ""
    name: str = ""


def pitch_hz(samples):
    """Pitch for each whole hop of samples f64 [T], 0 where unvoiced: f16 [T // hop]. WORLD's DIO and StoneMask (Morise 2016)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "pkg_resources")  # Old age, of which it tells every user.
        import pyworld
    x = np.ascontiguousarray(samples, np.float64)
    f, t = pyworld.dio(x, RATE_HZ, f0_floor=PITCH_FLOOR_HZ, f0_ceil=PITCH_CEILING_HZ, frame_period=1000 * HOP_SAMPLES / RATE_HZ)
    f = pyworld.stonemask(x, f, t, RATE_HZ)[1:]
    hops = len(x) // HOP_SAMPLES
    return np.pad(f, (0, max(0, hops - len(f))))[:hops].astype(np.float16)


def bandwidth_hz(samples):
    """Where the spectrum of samples f64 [T] ends: the highest frequency whose 98th percentile over time is less than 65 dB
    below the loudest's."""
    n = 1024
    if len(samples) < n:
        return RATE_HZ / 2
    frames = np.lib.stride_tricks.sliding_window_view(samples, n)[:: n // 2] * np.hanning(n)
    level_db = 20 * np.log10(np.quantile(np.abs(np.fft.rfft(frames)), 0.98, axis=0) + 1e-9)
    # Beyond the ends as at them: zeros would be 0 dB, far above a quiet recording's noise.
    smooth_db = np.convolve(np.pad(level_db, 2, "edge"), np.ones(5) / 5, "valid")
    heard = np.flatnonzero(smooth_db > smooth_db.max() - BANDWIDTH_BELOW_PEAK_DB)
    return min(float((heard[-1] + 1) * RATE_HZ / n), RATE_HZ / 2)


def whole_hops(samples):
    """Samples without the last, incomplete hop."""
    return samples[: len(samples) // HOP_SAMPLES * HOP_SAMPLES]

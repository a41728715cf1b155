"""How late a baseline is, as a median over voices: python -m sacodec_train.evaluate.delay --clips FOLDER

Where the envelopes of original and Codec2 agree best. The median is a constant of `systems`: it is one delay for all clips,
never an alignment of each.
"""
import argparse

import numpy as np
from scipy.signal import correlate, resample_poly

from ..arguments import within
from ..config import RATE_HZ
from ..data.sources import DataError
from . import systems
from .recordings import read

SMOOTH_SAMPLES = 40
MAX_DELAY_SAMPLES = 800


def envelope(audio):
    """Audio f32 [T] -> its level in dB over 5 ms, without the mean."""
    power = np.convolve(audio.astype(np.float64) ** 2, np.ones(SMOOTH_SAMPLES) / SMOOTH_SAMPLES, "same")
    level_db = 10 * np.log10(power + 1e-6 * power.max() + 1e-20)
    return level_db - level_db.mean()


def delay_samples(reference, output):
    """By how many samples `output` is later than `reference`, f32 [T] both at the same rate."""
    a, b = envelope(reference), envelope(output)
    found = correlate(b, a)[len(a) - 1:][:MAX_DELAY_SAMPLES]
    return int(found.argmax())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clips", required=True, help="folder of recordings")
    p.add_argument("--every", type=within(int, 1), default=1, help="every n-th recording only")
    a = p.parse_args()
    try:
        systems.require(["codec2"])
        delays = []
        for recording in read(a.clips, a.every):
            low = resample_poly(recording.audio.astype(np.float64), 1, RATE_HZ // systems.CODEC2_HZ)
            delays.append(delay_samples(low, systems.codec2_raw(low)))
    except (DataError, systems.CodecError, OSError) as e:
        p.exit(1, f"{e}\n")
    low, middle, high = np.quantile(delays, (0.1, 0.5, 0.9))
    print(f"Codec2: median {middle:.0f} samples at {systems.CODEC2_HZ} Hz (80 % of {len(delays)} clips: {low:.0f} to {high:.0f}); "
          f"{systems.CODEC2_DELAY_SAMPLES} is taken")


if __name__ == "__main__":
    main()

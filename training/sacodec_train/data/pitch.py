"""Give a cache the pitch that SwiftF0 hears: python -m sacodec_train.data.pitch CACHE

SwiftF0 (Nieradzik 2025, arXiv 2508.18440) instead of WORLD's DIO, with which a cache is made: a model that was trained on it made
fewer gross errors. What is voiced stays DIO's word; SwiftF0's was not tried.
"""
import argparse
import csv
import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from ..arguments import within
from ..config import FRAME_RATE_HZ, HOP_SAMPLES, RATE_HZ
from .cache import sha256_of
from .clips import PITCH_CEILING_HZ, PITCH_FLOOR_HZ
from .sources import DataError

DETECTOR_RATE_HZ = 16_000
JUMP = 0.2
"""Neighbouring frames further apart than this (natural logarithm) are an onset or an error: the nearer one counts, not a mean."""
FACT = "pitch"
DETECTOR = "swift-f0"


def at_hop_ends(times_s, pitch_hz, hops):
    """Pitch at `times_s` -> at the end of each of `hops` hops: f64 [hops]; between frames logarithmically."""
    wanted_s = (np.arange(hops) + 1) / FRAME_RATE_HZ
    after = np.clip(np.searchsorted(times_s, wanted_s), 1, len(times_s) - 1)
    before = after - 1
    share = np.clip((wanted_s - times_s[before]) / (times_s[after] - times_s[before]), 0, 1)
    low, high = np.log(pitch_hz[before]), np.log(pitch_hz[after])
    nearest = np.where(share < 0.5, low, high)
    return np.exp(np.where(np.abs(high - low) > JUMP, nearest, low + share * (high - low)))


def _detector():
    try:
        from swift_f0 import SwiftF0
    except ImportError as e:
        raise DataError("swift-f0 is not installed: pip install -r training/requirements-train.txt") from e
    return SwiftF0(threads=1)


def refined(samples, f0_hz, detector=None):
    """Samples i16 [T] and their pitch f16 [T / hop], 0 where unvoiced -> the same with the detector's pitch where there is one."""
    from scipy.signal import resample_poly
    voiced = f0_hz > 0
    if not voiced.any():
        return f0_hz
    common = np.gcd(RATE_HZ, DETECTOR_RATE_HZ)
    audio = resample_poly(samples.astype(np.float32) / 32768, DETECTOR_RATE_HZ // common, RATE_HZ // common)
    found = (detector or _detector()).detect(audio, DETECTOR_RATE_HZ, PITCH_FLOOR_HZ, PITCH_CEILING_HZ)
    if len(found.timestamps) < 2:
        return f0_hz
    pitch = np.clip(at_hop_ends(found.timestamps, found.pitch_hz, len(f0_hz)), PITCH_FLOOR_HZ, PITCH_CEILING_HZ)
    return np.where(voiced, pitch, 0).astype(np.float16)


def _part(job):
    """The pitch of some clips of a cache, end to end."""
    cache, clips = job
    pcm, f0 = (np.load(Path(cache) / name, mmap_mode="r") for name in ("pcm.npy", "f0.npy"))
    detector, parts = _detector(), []
    for start, count in clips:
        hops = slice(start // HOP_SAMPLES, (start + count) // HOP_SAMPLES)
        parts.append(refined(np.asarray(pcm[start:start + count]), np.asarray(f0[hops]), detector))
    return np.concatenate(parts)


def refine(cache, workers=None, report=print):
    """Write the cache's pitch anew; a run that is interrupted leaves it as it was. Raises DataError where there is no cache, or one
    that has this pitch already."""
    cache = Path(cache)
    if not (cache / "cache.json").is_file():
        raise DataError(f"{cache}: not a finished cache; make one with python -m sacodec_train.data.cache")
    facts = json.loads((cache / "cache.json").read_text())
    if facts.get(FACT) == DETECTOR:
        raise DataError(f"{cache}: has the pitch of {DETECTOR} already")
    with open(cache / "clips.csv", encoding="utf8", newline="") as table:
        clips = [(int(row["start"]), int(row["samples"])) for row in csv.DictReader(table)]
    jobs = [(cache, clips[i:i + 100]) for i in range(0, len(clips), 100)]
    with ProcessPoolExecutor(workers) as pool:
        parts = []
        for part in pool.map(_part, jobs):
            parts.append(part)
            if len(parts) % 10 == 0:
                report(f"{len(parts)} of {len(jobs)} parts")
    partial = cache / "f0.npy.partial"
    with open(partial, "wb") as file:
        np.save(file, np.concatenate(parts))
    facts |= {"f0_sha256": sha256_of(partial), FACT: DETECTOR}
    facts_partial = cache / "cache.json.partial"
    facts_partial.write_text(json.dumps(facts, indent=2) + "\n")
    os.replace(partial, cache / "f0.npy")
    os.replace(facts_partial, cache / "cache.json")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cache")
    p.add_argument("--workers", type=within(int, 1))
    a = p.parse_args()
    try:
        refine(a.cache, a.workers)
    except (DataError, OSError) as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()

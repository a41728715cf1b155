"""Whether a pack's tokens tell speech from what is none: python -m sacodec_train.evaluate.domain PACK --clips DEV

Speech uses many of the semantic codes within 2 s of sound, music and noise few. Prints how many recordings, synthetic pieces and
mixtures of two voices have fewer than `min_distinct_semantic` of the pack's speech.json in `frames` frames that sound, when there
first are so many ("at 2 s" for 150) and in all frames from then on. The plugin's light does the same: sacodec-scope/src/domain.rs.
"""
import argparse
import json
from collections import deque
from pathlib import Path

import numpy as np

from . import material, recordings
from ..config import HOP_SAMPLES
from ..ort_pack import OrtPack

SILENT_DB, BELOW_LOUDEST_DB, LOUDEST_FRAMES = -55.0, 25.0, 225
"""As in domain.rs."""
WINDOW_SAMPLES = 1024
SECONDS = 5.0


def levels_db(audio, frames):
    """RMS in dBFS of the 43 ms around the middle of each frame."""
    padded = np.pad(audio.astype(np.float64), (WINDOW_SAMPLES // 2, WINDOW_SAMPLES))
    starts = np.arange(frames) * HOP_SAMPLES + HOP_SAMPLES // 2
    return np.array([10 * np.log10(np.mean(padded[s : s + WINDOW_SAMPLES] ** 2) + 1e-12) for s in starts])


def distinct_codes(pack, audio, frames):
    """Different semantic codes in the last `frames` frames that sound, from where there are so many on."""
    pack.reset()
    semantic, _ = pack.encode(audio)
    found, sounding, levels = [], deque(maxlen=frames), deque(maxlen=LOUDEST_FRAMES)
    for token, level_db in zip(semantic, levels_db(audio, len(semantic))):
        levels.append(level_db)
        if level_db > SILENT_DB and level_db > max(levels) - BELOW_LOUDEST_DB:
            sounding.append(int(token))
            if len(sounding) == frames:
                found.append(len(set(sounding)))
    return found


def row(name, found, least):
    """A row of the table. `found` is what `distinct_codes` gives, for each sound."""
    found = [codes for codes in found if codes]
    first = sum(codes[0] < least for codes in found)
    all_codes = np.concatenate(found) if found else np.zeros(0)
    share = 100 * np.mean(all_codes < least) if len(all_codes) else 0.0
    low, median = np.percentile(all_codes, [2, 50]) if len(all_codes) else (0, 0)
    return f"| {name} | {first} of {len(found)} | {share:.1f} % | {low:.0f} | {median:.0f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--clips", type=Path, required=True, help="recordings of single voices")
    parser.add_argument("--count", type=int, default=60, help="synthetic sounds of each kind")
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args()
    stats = json.loads((arguments.pack / "speech.json").read_text())
    frames, least = stats["frames"], stats["min_distinct_semantic"]
    pack, rng = OrtPack(arguments.pack), np.random.default_rng(arguments.seed)
    clips = recordings.read(arguments.clips)
    print(f"| sound | fewer than {least} codes in the first {frames} frames that sound | in all frames from then on | 2 % have less than | median |")
    print("|---|---|---|---|---|")
    print(row("one voice", [distinct_codes(pack, clip.audio, frames) for clip in clips], least), flush=True)
    for name, make in (("music", material.music), ("noise", material.noise), ("two voices", None)):
        found = []
        for _ in range(arguments.count):
            audio = material.two_voices(clips, rng)[1] if make is None else make(SECONDS, rng)[1]
            audio = material.level(audio, rng.uniform(-32, -18))
            found.append(distinct_codes(pack, audio, frames))
        print(row(name, found, least), flush=True)


if __name__ == "__main__":
    main()

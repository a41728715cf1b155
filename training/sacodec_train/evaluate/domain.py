"""Whether a pack's tokens tell one voice from what is none: python -m sacodec_train.evaluate.domain PACK --clips DEV

Speech uses many of the semantic codes within 2 s of sound, music and noise few; two voices at once use other codes than one. Prints
of how many recordings, synthetic pieces and mixtures of two voices the pack's speech.json says so when there first are `frames`
frames that sound (150: "at 2 s"), and of what share of all frames from then on. The plugin's light does the same:
sacodec-scope/src/domain.rs.
"""
import argparse
import json
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


def sounding(levels):
    """Which frames sound, by their levels in dBFS: bool [F]."""
    loudest = [levels[max(0, i + 1 - LOUDEST_FRAMES) : i + 1].max() for i in range(len(levels))]
    return (levels > SILENT_DB) & (levels > np.array(loudest) - BELOW_LOUDEST_DB)


def odd_frames(tokens, levels, stats):
    """What the light says of the last `frames` frames that sound, from where there are so many on: 0 nothing, 1 not speech, 2 two
    voices. `tokens`: semantic and acoustic [F] each, `stats`: speech.json."""
    heard = np.stack(tokens, -1)[sounding(levels)]
    voices = stats.get("two_voices")
    weights = voices and [np.array(voices[stream]) for stream in ("semantic", "acoustic")]
    found = []
    for end in range(stats["frames"], len(heard) + 1):
        codes = [np.unique(stream) for stream in heard[end - stats["frames"] : end].T]
        if len(codes[0]) < stats["min_distinct_semantic"]:
            found.append(1)
        else:
            found.append(2 if voices and sum(w[c].sum() for w, c in zip(weights, codes)) >= voices["threshold"] else 0)
    return np.array(found)


def light(pack, audio, stats):
    """`odd_frames` of a recording."""
    pack.reset()
    tokens = pack.encode(audio)
    return odd_frames(tokens, levels_db(audio, len(tokens[0])), stats)


def row(name, found):
    """A row of the table. `found` is what `light` gives, for each sound."""
    found = [odd for odd in found if len(odd)]
    all_frames = np.concatenate(found) if found else np.zeros(0)
    cells = [f"{sum(odd[0] == kind for odd in found)} | {sum((odd == kind).any() for odd in found)} | "
             f"{100 * np.mean(all_frames == kind) if found else 0:.1f} %" for kind in (1, 2)]
    return f"| {name} | {len(found)} | {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--clips", type=Path, required=True, help="recordings of single voices, which the mixtures are of, too")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="folders of other recordings, such as music")
    parser.add_argument("--count", type=int, default=60, help="synthetic sounds of each kind")
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args()
    stats = json.loads((arguments.pack / "speech.json").read_text())
    pack, rng = OrtPack(arguments.pack), np.random.default_rng(arguments.seed)
    clips = recordings.read(arguments.clips)
    print("| sound | sounds | not speech, at first | at any time | of all frames | two voices, at first | at any time | of all frames |")
    print("|---|---|---|---|---|---|---|---|")
    at_level = lambda audio: material.level(audio, rng.uniform(*material.LEVEL_DBFS))
    for name, of in (("one voice", clips), *((folder.name, recordings.read(folder)) for folder in arguments.also)):
        print(row(name, [light(pack, at_level(clip.audio), stats) for clip in of]), flush=True)
    for name, make in (("music", material.music), ("noise", material.noise), ("two voices", None)):
        found = []
        for _ in range(arguments.count):
            audio = material.two_voices(clips, rng)[1] if make is None else make(SECONDS, rng)[1]
            found.append(light(pack, at_level(audio), stats))
        print(row(name, found), flush=True)


if __name__ == "__main__":
    main()

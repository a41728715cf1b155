"""What a pack says of the speech it is for: python -m sacodec_train.export.speech CHECKPOINT --codebook KM.npy --cache CACHE --out PACK

Writes speech.json into PACK, which must be the export of CHECKPOINT. The plugin lights a light by it. `min_distinct_semantic`: one voice
has at least so many different semantic codes in `frames` frames that sound. `two_voices`: how much each code that is among them speaks
for two voices at once, by a logistic regression on the set of codes, and the threshold of the sum. Both limits are drawn on speakers
whom the regression did not hear. See evaluate/domain.py, which measures them, and crates/sacodec-codec/src/speech.rs, which reads them.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..arguments import within
from ..checkpoint import CheckpointError, load_model
from ..config import HOP_SAMPLES
from ..data.cache import split_of
from ..data.crops import Crops
from ..data.sources import DataError
from ..evaluate.domain import levels_db, sounding
from ..evaluate.material import LEVEL_DBFS, SECOND_BELOW_DB
from ..model import read_codebook
from ..ort_pack import OrtPack
from ..rounding import round_matrices
from . import pack

FRAMES = 150
CROP_S = 3.0
"""Of which two seconds must sound."""
BANDS_HZ = (8_500, 11_000)
"""Only voices of one bandwidth are mixed: else the bandwidth tells a mixture from a voice."""
HELD_OUT = 0.25
"""Share of the speakers whom the regression does not hear."""
FALSE_SHARE = 0.02
"""Of the windows of one voice, by each of the two limits."""
L2 = 0.01
SCALE = 1000
"""Weights are whole numbers, in thousandths of a natural logarithm."""
BATCH, MOST_IDLE_BATCHES, REPORT = 48, 20, 500
MIN_EQUAL = 0.95
"""Of the tokens of the pack and of the checkpoint: half precision rounds a run's own weights."""


def mixed(one, other, rng):
    """Crops of one voice f32 [B, T] and of others at their side -> both at once."""
    rms = lambda audio: audio.square().mean(1, keepdim=True).sqrt() + 1e-6
    drawn = lambda low, high: torch.from_numpy(10 ** (rng.uniform(low, high, (len(one), 1)) / 20).astype(np.float32))
    both = one / rms(one) + other / rms(other) * drawn(-SECOND_BELOW_DB, 0)
    both = both / rms(both) * drawn(*LEVEL_DBFS)
    return both / both.abs().amax(1, keepdim=True).clamp(min=1)


@torch.no_grad()
def windows(net, audio, frames=FRAMES):
    """Audio [B, T] -> of each crop in which `frames` frames sound, its index and the tokens of the last of them, i64 [frames, 2]: in a
    stream the codec has heard something before them."""
    tokens = torch.stack(net.q(net.enc(audio))[1], -1)
    for i, (of, samples) in enumerate(zip(tokens, audio.numpy())):
        heard = of[torch.from_numpy(sounding(levels_db(samples, len(of))))]
        if len(heard) >= frames:
            yield i, heard[-frames:]


def collect(net, crops, rng, count, report=print):
    """Windows of one voice and of two, i64 [count, FRAMES, 2] each; which are of held-out speakers, and which have more than the widest of
    BANDS_HZ, bool [count] each. Raises DataError where the cache has not enough of them."""
    speaker = np.array([row["source"] + "/" + row["speaker"] for row in crops.rows])
    is_held = np.array([split_of("two voices: " + name, HELD_OUT) == "valid" for name in speaker])
    band, whole = np.digitize(crops.bandwidth, BANDS_HZ), crops.length >= crops.hops * HOP_SAMPLES
    found, held, wide = ([], []), ([], []), ([], [])
    idle = told = 0
    while (done := min(map(len, found))) < count:
        one, other = crops.batch(BATCH), crops.batch(BATCH)
        a, b = one["clip"], other["clip"]
        can_mix = whole[a] & whole[b] & (speaker[a] != speaker[b]) & (is_held[a] == is_held[b]) & (band[a] == band[b])
        for kind, (kept, audio) in enumerate(((whole[a], one["audio"]), (can_mix, mixed(one["audio"], other["audio"], rng)))):
            if len(found[kind]) >= count or not kept.any():
                continue
            for i, window in windows(net, audio[torch.from_numpy(kept)]):
                found[kind].append(window)
                held[kind].append(is_held[a[kept][i]])
                wide[kind].append(band[a[kept][i]] == len(BANDS_HZ))
        idle = idle + 1 if min(map(len, found)) == done else 0
        if idle == MOST_IDLE_BATCHES:
            raise DataError(f"only {done} of {count} windows of one and of two voices were found: make the cache of more speakers, with recordings "
                            f"of {CROP_S:g} s at least")
        if done // REPORT > told:
            told = done // REPORT
            report(f"{REPORT * told} of {count}")
    return [torch.stack(windows[:count]) for windows in found], *([np.array(of[:count]) for of in facts] for facts in (held, wide))


def codes(windows, sizes):
    """Which codes are in each window: f32 [N, semantic + acoustic], 1 or 0."""
    present = torch.zeros(len(windows), sum(sizes))
    for stream, first in enumerate((0, sizes[0])):
        present.scatter_(1, windows[..., stream] + first, 1.0)
    return present


def fit(present, is_two):
    """Logistic regression: weights [codes], in natural logarithms."""
    weights, bias = torch.zeros(present.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200)

    def loss():
        optimiser.zero_grad()
        value = F.binary_cross_entropy_with_logits(present @ weights + bias, is_two) + L2 * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


def statistics(windows, held, wide, sizes, report=print):
    """speech.json's contents, from what `collect` gives."""
    present = [codes(w, sizes) for w in windows]
    train, held_out = ([p[torch.from_numpy(h if is_held else ~h)] for p, h in zip(present, held)] for is_held in (False, True))
    if not all(len(p) for p in (*train, *held_out)):
        raise DataError("too few speakers to draw limits on: make the cache of more recordings")
    weights = torch.round(SCALE * fit(torch.cat(train), torch.cat([torch.zeros(len(train[0])), torch.ones(len(train[1]))]))).long()
    one, two = ((p.long() @ weights).numpy() for p in held_out)
    threshold = int(np.quantile(one, 1 - FALSE_SHARE)) + 1
    fewest = int(np.quantile(held_out[0][:, : sizes[0]].sum(1).numpy(), FALSE_SHARE))
    share = lambda scores: f"{100 * np.mean(scores >= threshold):.1f} % of {len(scores)}" if len(scores) else "none of 0"
    report(f"two voices are told of {share(two)} mixtures and {share(one)} single voices ({share(one[wide[0][held[0]]])} of those with more than "
           f"{BANDS_HZ[-1]} Hz), all of held-out speakers")
    return dict(frames=FRAMES, min_distinct_semantic=fewest,
                two_voices=dict(semantic=weights[: sizes[0]].tolist(), acoustic=weights[sizes[0] :].tolist(), threshold=threshold))


def check_same(net, folder, audio):
    """Raise DataError unless the pack in `folder` is the export of `net`, which is rounded as that pack's matrices are, by its tokens of
    audio f32 [T]."""
    if not (folder / "manifest.json").is_file():
        raise DataError(f"{folder}: not a pack; make it with python -m sacodec_train.export.pack")
    own = OrtPack(folder)
    if own.manifest["weights"] == "int8":
        round_matrices(net)
    equal = min(pack.compare(net, own, audio)[:2])
    if equal < MIN_EQUAL:
        raise DataError(f"{folder}: not the export of this checkpoint: only {100 * equal:.0f} % of a crop's tokens are equal; name the checkpoint that it was made of")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint")
    p.add_argument("--codebook", help="mHuBERT centroids, for a small checkpoint")
    p.add_argument("--cache", required=True)
    p.add_argument("--out", type=Path, required=True, help="the pack's folder")
    p.add_argument("--count", type=within(int, 1), default=6000, help="windows of one voice, and as many of two")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=within(int, 1), default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    try:
        net, _ = load_model(a.checkpoint, read_codebook(a.codebook) if a.codebook else None)
        crops = Crops(a.cache, CROP_S, a.seed, level_dbfs=LEVEL_DBFS, speaker_power=0.4)
        check_same(net, a.out, crops.batch(1)["audio"][0].numpy())
        found = collect(net, crops, np.random.default_rng(a.seed), a.count)
        stats = statistics(*found, (net.config.semantic_entries, net.config.acoustic_entries))
        text = json.dumps(stats, separators=(",", ":")).replace(',"two_voices"', ',\n"two_voices"').replace(',"acoustic"', ',\n"acoustic"')
        (a.out / pack.SPEECH).write_text(text + "\n")
    except (CheckpointError, DataError, OSError, ValueError) as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()

"""What a pack says of the speech it is for: python -m sacodec_train.export.speech CHECKPOINT --codebook KM.npy --cache CACHE --out PACK

Writes PACK/speech.json, from which the plugin lights a light. `min_distinct_semantic`: one voice has at least so many different
semantic codes in `frames` frames that sound. `two_voices`: how much each code that is among them speaks for two voices at once, by
a logistic regression on the set of codes, and the sum from which it is two. The limits are drawn on speakers whom the regression
did not hear. See evaluate/domain.py, which measures both, and crates/sacodec-codec/src/speech.rs, which reads them.
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
from ..model import read_codebook

FRAMES = 150
CROP_S = 3.0
"""Of which two seconds must sound."""
LEVEL_DBFS = (-32.0, -18.0)
SECOND_BELOW_DB = 6.0
"""The second voice is at most so much softer than the first."""
JUDGES = 0.25
"""Share of the speakers whom the regression does not hear."""
FALSE_SHARE = 0.04
"""Of the windows of one voice in the cache, by each of the two figures. Recordings of anybody's kitchen and street are among them: of
clean ones far fewer are below or above."""
PENALTY = 0.01
SCALE = 1000
"""Weights are whole numbers, in thousandths of a natural logarithm."""
BATCH = 48
REPORT = 500


def mixed(one, other, rng):
    """Crops of one voice f32 [B, T] and of others at their side -> both at once."""
    rms = lambda audio: audio.square().mean(1, keepdim=True).sqrt() + 1e-6
    below = torch.from_numpy(rng.uniform(0, SECOND_BELOW_DB, (len(one), 1)).astype(np.float32))
    both = one / rms(one) + other / rms(other) * 10 ** (-below / 20)
    level = torch.from_numpy(10 ** (rng.uniform(*LEVEL_DBFS, (len(one), 1)) / 20).astype(np.float32))
    both = both / rms(both) * level
    return both / both.abs().amax(1, keepdim=True).clamp(min=1)


@torch.no_grad()
def windows(net, audio, frames=FRAMES):
    """Audio [B, T] -> of each crop in which `frames` frames sound, its index and the tokens of the first of them, i64 [frames, 2]."""
    tokens = torch.stack(net.q(net.enc(audio))[1], -1)[:, net.config.lookahead_frames:]
    for i, (of, samples) in enumerate(zip(tokens, audio.numpy())):
        heard = of[torch.from_numpy(sounding(levels_db(samples, len(of))))]
        if len(heard) >= frames:
            yield i, heard[:frames]


def collect(net, crops, rng, count, report=print):
    """Windows of one voice and of two, i64 [count, FRAMES, 2] each, and which are of speakers who judge, bool [count] each."""
    speaker = np.array([row["source"] + "/" + row["speaker"] for row in crops.rows])
    judges = np.array([split_of("judge " + name, JUDGES) == "valid" for name in speaker])
    found, is_judge, told = ([], []), ([], []), 0
    while min(map(len, found)) < count:
        one, other = crops.batch(BATCH), crops.batch(BATCH)
        whole = crops.length >= crops.hops * HOP_SAMPLES
        a, b = one["clip"], other["clip"]
        sets = ((whole[a], one["audio"]), (whole[a] & whole[b] & (speaker[a] != speaker[b]) & (judges[a] == judges[b]),
                                           mixed(one["audio"], other["audio"], rng)))
        for kind, (kept, audio) in enumerate(sets):
            for i, window in windows(net, audio[torch.from_numpy(kept)]):
                found[kind].append(window)
                is_judge[kind].append(judges[a[kept][i]])
        if (done := min(map(len, found)) // REPORT) > told:
            told = done
            report(f"{REPORT * told} of {count}")
    return [torch.stack(windows[:count]) for windows in found], [np.array(judge[:count]) for judge in is_judge]


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
        value = F.binary_cross_entropy_with_logits(present @ weights + bias, is_two) + PENALTY * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


def statistics(windows, judges, sizes, report=print):
    """speech.json's contents, from windows of one voice and of two."""
    present = [codes(w, sizes) for w in windows]
    taught = [p[torch.from_numpy(~j)] for p, j in zip(present, judges)]
    judged = [p[torch.from_numpy(j)] for p, j in zip(present, judges)]
    if not all(len(p) for p in (*taught, *judged)):
        raise DataError("too few speakers to draw limits on: make the cache of more recordings")
    weights = fit(torch.cat(taught), torch.cat([torch.zeros(len(taught[0])), torch.ones(len(taught[1]))]))
    whole = torch.round(SCALE * weights).long()
    one, two = ((p.long() @ whole).numpy() for p in judged)
    least = int(np.quantile(one, 1 - FALSE_SHARE)) + 1
    distinct = judged[0][:, : sizes[0]].sum(1).numpy()
    fewest = int(np.quantile(distinct, FALSE_SHARE))
    report(f"two voices: {100 * np.mean(two >= least):.1f} % of {len(two)} mixtures, {100 * np.mean(one >= least):.1f} % of {len(one)} single voices, "
           "of speakers whom the regression did not hear")
    return dict(frames=FRAMES, min_distinct_semantic=fewest,
                two_voices=dict(semantic=whole[: sizes[0]].tolist(), acoustic=whole[sizes[0] :].tolist(), least=least))


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
        found, judges = collect(net, crops, np.random.default_rng(a.seed), a.count)
        stats = statistics(found, judges, (net.config.semantic_entries, net.config.acoustic_entries))
        text = json.dumps(stats, separators=(",", ":")).replace(',"two_voices"', ',\n"two_voices"').replace(',"acoustic"', ',\n"acoustic"')
        (a.out / "speech.json").write_text(text + "\n")
    except (CheckpointError, DataError, OSError, ValueError) as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()

"""Checkpoints: everything a run resumes from; and small ones, to be kept beside a pack.

    python -m sacodec_train.checkpoint RUN/last.pt small.pt.xz       # averaged weights at bf16, compressed, no raw codebook

Of several checkpoints of one lineage the mean: `A.pt B.pt small.pt.xz` (Wortsman et al. 2022, "model soups"). With
`--config live.toml` the result is heard as that recipe's model is, by its postfilters and by what it holds.
"""
import argparse
import dataclasses
import io
import lzma
import os
import pickle
from pathlib import Path

import torch

from . import config as configuration
from .model import Codec
from .model.layers import Block, Memory
from .model.quantizer import shaping

FORMAT = 2
FROZEN = "q.semantic.frozen"
"""Not in small checkpoints: the mHuBERT centroids have a source of their own."""
DRAWN = "q.acoustic.frozen"
"""Nor this: drawn again from its seed."""
PACKED = [dict(id=lzma.FILTER_LZMA2, preset=6, lc=3, lp=1, pb=1)]
"""Two-byte weights: one byte is sign and exponent, which repeat."""
INPUT = "enc.inp.lin.weight"
"""What meets the encoder's levels."""
LATENTS = "dec.inp.lin.weight"
"""What meets the decoder's latents, the newest frame last."""
SHAPING = "q.shaping"
SKETCH = "centroids"
"""Of each centroid one number, by which a checkpoint knows the table that it was trained with."""
NOT_KNOWN = dict(source="what the first weights were trained on: not known", licence="not stated", hours=0.0)
"""Of a run that began with a checkpoint which does not tell."""


class CheckpointError(ValueError):
    """A file that is not a checkpoint, or a checkpoint of another configuration."""


def save(path, **contents):
    """Write atomically: a run that is killed leaves the checkpoint before."""
    path = Path(path)
    partial = path.with_suffix(".partial")
    torch.save(dict(format=FORMAT, **contents), partial)
    os.replace(partial, path)


def read(path, device="cpu"):
    """The contents of a checkpoint, with `config`. Those of the starter (no format) have the default configuration."""
    try:
        packed = str(path).endswith(".xz")
        s = torch.load(io.BytesIO(lzma.open(path).read()) if packed else path, map_location=device, weights_only=True)
    except OSError as e:
        raise CheckpointError(f"{path}: cannot be read ({e.strerror or e})") from e
    except (EOFError, LookupError, RuntimeError, TypeError, ValueError, lzma.LZMAError, pickle.UnpicklingError) as e:
        raise CheckpointError(f"{path}: not a checkpoint, or a damaged one: name a run's last.pt, or what is made of it (NAME.pt.xz)") from e
    if not isinstance(s, dict) or "ema" not in s or s.get("format", 1) not in (1, FORMAT):
        raise CheckpointError(f"{path}: not a checkpoint of this project in format {FORMAT}")
    s["config"] = configuration.from_dict(s["config"], str(path)) if "config" in s else configuration.Config()
    return s


def sketch(table):
    """Centroids [entries, dimensions] -> f32 [entries]: each on one direction."""
    return (table.cpu().float() @ torch.linspace(-1, 1, table.shape[1])) / table.shape[1] ** 0.5


def weights(contents, codebook=None, which="ema"):
    """State of a checkpoint's model in full precision, its frozen table put back where a small checkpoint left it out. Raises
    CheckpointError where `codebook` is not the one that it was trained with."""
    state = {k: v.float() if v.is_floating_point() else v for k, v in (contents.get(which) or contents["ema"]).items()}
    known = sketch(state[FROZEN]) if FROZEN in state else contents.get(SKETCH)
    if codebook is not None and known is not None:
        found = sketch(codebook)
        if found.shape != known.shape or not torch.allclose(found, known.cpu(), atol=1e-3):
            raise CheckpointError("the codebook is not the one that the checkpoint was trained with: its tokens would mean something else")
    if FROZEN not in state:
        if codebook is None:
            raise CheckpointError("a small checkpoint holds no mHuBERT centroids: name them with --codebook")
        state[FROZEN] = codebook.to(next(iter(state.values())).device)
    return state


def load_model(path, codebook=None):
    """The averaged weights of a checkpoint as a `Codec` in evaluation mode, and the checkpoint's contents. Raises CheckpointError
    where it is not a codec yet."""
    s = read(path)
    if not s.get("fitted", True):
        warm = s["config"].train.warm_steps
        raise CheckpointError(f"{path}: step {s['step']} of a run that quantises from step {warm} on: train on before it is a codec")
    state = weights(s, codebook)
    net = Codec(state[FROZEN], s["config"].model)
    load(net, state)
    return net.eval(), s


def grown(contents, model):
    """Contents of a checkpoint for `model`, where that looks further ahead, tries more candidates, shapes its quantisation errors, has
    analyses or a memory which the checkpoint's lacks, or more blocks. Else the contents as they are.

    The weights of a new analysis, and those that a new block ends with, are zero, so that nothing sounds otherwise before it is trained.
    A decoder that may wait longer says nearly the same so much later, and hears nothing yet of what it waits for; the oldest of the
    frames that it heard have no room. Shaping begins as `quantizer.SHAPING` has it; candidates, postfilters and what is held have no
    weights. Where weights are new the codec's optimisers begin anew, and in all cases but others of `config.WEIGHTLESS` time and the
    rate's cosine do. Raises CheckpointError where it should wait for more frames than it hears at once.
    """
    own = contents["config"].model.heard_like(model)
    if own == model:
        return {**contents, "config": dataclasses.replace(contents["config"], model=model)}
    sizes = dict(**{k: max(getattr(own, k), getattr(model, k)) for k in ("lookahead_frames", "candidates", "encoder_blocks", "decoder_blocks")},
                 **{k: getattr(own, k) or getattr(model, k) for k in ("short_bands", "lags", "shaping_taps", "decoder_memory")})
    if dataclasses.replace(own, **sizes) != model:
        return contents
    larger = {**contents, "config": dataclasses.replace(contents["config"], model=model)}
    larger.pop("spent", None)
    new = {}
    if own.shaping_taps != model.shaping_taps:
        new[SHAPING] = shaping(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        new.update(_new_blocks("enc", model.encoder_width, own.encoder_blocks, model.encoder_blocks))
        new.update(_new_blocks("dec", model.decoder_width, own.decoder_blocks, model.decoder_blocks))
        if own.decoder_memory != model.decoder_memory:
            new.update({f"dec.memory.{k}": v for k, v in Memory(model.decoder_width, model.decoder_memory).state_dict().items()})
    for which in ("net", "ema"):
        if contents.get(which):
            inputs = {} if own.features == model.features else {INPUT: _wider(contents[which][INPUT], own, model)}
            if own.lookahead_frames != model.lookahead_frames:
                inputs[LATENTS] = _later(contents[which][LATENTS], model.lookahead_frames - own.lookahead_frames, model.latent)
            larger[which] = {**contents[which], **new, **inputs}
    is_new = new or own.features != model.features or own.lookahead_frames != model.lookahead_frames
    return {**larger, "opt": None, "opt_muon": None} if is_new else larger


def _later(weight, frames, latent):
    """The decoder's first matrix, shifted so that it says the same `frames` later: the newest latents get zeros, the oldest weights are dropped."""
    weight = weight.float().unflatten(1, (-1, latent))
    if frames >= weight.shape[1]:
        raise CheckpointError(f"{frames} hops of lookahead more than the checkpoint's: a run can add {weight.shape[1] - 1}; add them in several runs")
    return torch.cat([weight[:, frames:], weight.new_zeros(len(weight), frames, latent)], 1).flatten(1)


def _wider(weight, own, model):
    """The encoder's first matrix of `own` for the analyses of `model`: zero for the new ones."""
    widths = dict(own.features)
    weight = weight.float().unflatten(1, (-1, sum(widths.values())))
    parts = dict(zip(widths, weight.split(list(widths.values()), 2)))
    return torch.cat([parts.get(name, weight.new_zeros(*weight.shape[:2], width)) for name, width in model.features], 2).flatten(1)


def _new_blocks(part, width, own, wanted):
    """Weights of the blocks `own` to `wanted` by name, at first the identity."""
    blocks = {i: Block(width, 1 / wanted) for i in range(own, wanted)}
    for block in blocks.values():
        torch.nn.init.zeros_(block.p2.weight)
        torch.nn.init.zeros_(block.p2.bias)
    return {f"{part}.blocks.{i}.{k}": v for i, block in blocks.items() for k, v in block.state_dict().items()}


def load(net, state):
    """Put weights into a model; the table that is drawn from a seed may be missing."""
    net.load_state_dict({DRAWN: net.q.acoustic.frozen, **state})


def merged(*lists):
    """Sources of several trainings as those of their weights, longest first: of what is in more than one list the most hours. A
    training that tells none adds NOT_KNOWN."""
    hours = {}
    for s in (s for sources in lists for s in sources or [NOT_KNOWN]):
        key = s["source"], s["licence"]
        hours[key] = max(hours.get(key, 0.0), s["hours"])
    return sorted((dict(source=source, licence=licence, hours=h) for (source, licence), h in hours.items()), key=lambda s: -s["hours"])


def with_gains(state, gain_of):
    """The same model with other gains in its norms and layer scales: `gain_of` each, what is left of it moved into the linear map
    beside it, and with it what a norm adds."""
    state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}

    def move_norm(norm, linear):
        gain, weight = state[f"{norm}.weight"], state[f"{linear}.weight"]
        state[f"{linear}.bias"] = state[f"{linear}.bias"] + weight @ state[f"{norm}.bias"]
        state[f"{norm}.bias"], state[f"{norm}.weight"] = torch.zeros_like(gain), gain_of(gain)
        state[f"{linear}.weight"] = weight * (gain / gain_of(gain))

    for part, last in (("enc", "out"), ("dec", "head")):
        move_norm(f"{part}.norm", f"{part}.{last}")
    if "dec.memory.norm.weight" in state:
        move_norm("dec.memory.norm", "dec.memory.inp")
    for block in [k.removesuffix(".gamma") for k in state if k.endswith(".gamma")]:
        move_norm(f"{block}.norm", f"{block}.p1")
        gain = state[f"{block}.gamma"]
        state[f"{block}.gamma"], rest = gain_of(gain), gain / gain_of(gain)
        state[f"{block}.p2.weight"] = state[f"{block}.p2.weight"] * rest[:, None]
        state[f"{block}.p2.bias"] = state[f"{block}.p2.bias"] * rest
    return state


def dyadic(gain):
    """The power of two next to each gain; 1 for 0. With such gains an export that folds them into bf16 weights stores the products
    at f16 as they are, but for those below its normal range, and the tokens stay those of the checkpoint."""
    return torch.where(gain == 0, 1.0, gain.sign() * 2.0 ** torch.round(torch.log2(gain.abs())))


def _learned(config):
    """Of a recipe's model what has weights."""
    return config.model.heard_like(configuration.ModelConfig())


def mean(paths):
    """The contents of checkpoints of one configuration and lineage, as the last one's, with the mean of their averaged weights and
    the sources of all."""
    every = [read(path) for path in paths]
    if any(_learned(s["config"]) != _learned(every[0]["config"]) for s in every):
        raise CheckpointError(f"{', '.join(map(str, paths))}: models of different sizes have no mean")
    if len(every) == 1:
        return every[0]
    # With the same gains: a product's factors have no mean that is the product's.
    states = [with_gains(s["ema"], torch.ones_like) for s in every]
    shared = [k for k, v in states[-1].items() if v.is_floating_point() and all(k in state for state in states)]
    ema = {**states[-1], **{k: sum(state[k] for state in states) / len(states) for k in shared}}
    known = [s.get("sources") for s in every]
    return {**every[-1], "ema": ema, "sources": merged(*known) if any(known) else []}


def halved(state):
    """Matrices at bf16; the rest is small and stays whole."""
    return {k: v.bfloat16() if v.ndim == 2 else v for k, v in state.items()}


def shrink(paths, small, config=None):
    """The averaged weights of a checkpoint, or the mean of several, with `dyadic` gains and at bf16, without the frozen tables; `small`
    ends in .pt.xz. `config`: a recipe whose model has these weights, and by which they are heard. Returns its size in bytes."""
    if not str(small).endswith(".pt.xz"):
        raise CheckpointError(f"{small}: a small checkpoint is compressed, call it NAME.pt.xz")
    s = mean(paths)
    if config is not None:
        if _learned(config) != _learned(s["config"]):
            raise CheckpointError(f"{', '.join(map(str, paths))}: another model than the recipe's: only {', '.join(configuration.WEIGHTLESS)} may differ")
        s["config"] = dataclasses.replace(s["config"], model=config.model)
    ema = halved(with_gains({k: v for k, v in s["ema"].items() if k not in (FROZEN, DRAWN)}, dyadic))
    known = sketch(s["ema"][FROZEN]) if FROZEN in s["ema"] else s.get(SKETCH)
    whole, small = io.BytesIO(), Path(small)
    torch.save({"format": FORMAT, "config": s["config"].as_dict(), "ema": ema, "step": s["step"], "fitted": s.get("fitted", True),
                "heard_s": s.get("heard_s", 0.0), "sources": s.get("sources", []), SKETCH: known}, whole)
    partial = small.with_suffix(".partial")
    partial.write_bytes(lzma.compress(whole.getvalue(), filters=PACKED))
    os.replace(partial, small)
    return small.stat().st_size


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoints", nargs="+")
    p.add_argument("small", help="NAME.pt.xz")
    p.add_argument("--config", help="a recipe of the same weights, as whose model they are heard; without it that of the last checkpoint")
    a = p.parse_args()
    try:
        if Path(a.small).exists():
            raise CheckpointError(f"{a.small} is there already: name another file to write, last of all, or remove it first")
        config = configuration.load(a.config) if a.config else None
        print(f"{shrink(a.checkpoints, a.small, config) / 1e6:.1f} MB")
    except (CheckpointError, configuration.ConfigError, OSError) as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()

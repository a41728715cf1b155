"""Checkpoints: everything a run resumes from; and small ones, to be kept beside a pack.

    python -m sacodec_train.checkpoint RUN/last.pt small.pt       # averaged weights, half precision, no raw codebook
"""
import argparse
import os
import pickle
from pathlib import Path

import torch

from . import config as configuration
from .model import Codec

FORMAT = 2
FROZEN = "q.semantic.frozen"
"""Not in small checkpoints: the mHuBERT centroids have a source of their own."""


class CheckpointError(ValueError):
    """A file that is no checkpoint, or one of another configuration."""


def save(path, **contents):
    """Write atomically: a run that is killed leaves the checkpoint before."""
    path = Path(path)
    partial = path.with_suffix(".partial")
    torch.save(dict(format=FORMAT, **contents), partial)
    os.replace(partial, path)


def read(path, device="cpu"):
    """The contents of a checkpoint, with `config`. Those of the starter (no format) have the default configuration."""
    try:
        s = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as e:
        raise CheckpointError(f"{path}: cannot be read ({str(e).splitlines()[0]})") from e
    if not isinstance(s, dict) or "ema" not in s or s.get("format", 1) not in (1, FORMAT):
        raise CheckpointError(f"{path}: no checkpoint of this project, format {FORMAT}")
    s["config"] = configuration.from_dict(s["config"], str(path)) if "config" in s else configuration.Config()
    return s


def weights(state, codebook):
    """State of a model in full precision, its frozen table put back where a small checkpoint left it out."""
    state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    if FROZEN not in state:
        if codebook is None:
            raise CheckpointError("a small checkpoint holds no mHuBERT centroids: name them with --codebook")
        state[FROZEN] = codebook.to(next(iter(state.values())).device)
    return state


def load_model(path, codebook=None):
    """The averaged weights of a checkpoint as a `Codec` in evaluation mode, and the checkpoint's contents."""
    s = read(path)
    state = weights(s["ema"], codebook)
    net = Codec(state[FROZEN], s["config"].model)
    net.load_state_dict(state)
    return net.eval(), s


def shrink(path, small):
    """The averaged weights alone, in half precision, without the raw codebook."""
    s = read(path)
    ema = {k: v.half() if v.is_floating_point() else v for k, v in s["ema"].items() if k != FROZEN}
    save(small, config=s["config"].as_dict(), ema=ema, step=s["step"], spent=s.get("spent"))
    return Path(small).stat().st_size


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint")
    p.add_argument("small")
    a = p.parse_args()
    print(f"{shrink(a.checkpoint, a.small) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

"""Weights as whole numbers of one byte: a row of a matrix by 127 steps up and down, symmetric."""
import numpy as np
import torch

from .checkpoint import with_gains

STEPS = 127
BITS = 16
"""Significant bits of a scale: with a step's seven they fit into an f32, so that every runtime has the same product."""


def steps_of(weight):
    """A matrix [o, i] -> steps i8 [o, i] and the scale of each row f32 [o]. Of a matrix that was rounded before, the same again.
    Raises ValueError where a weight is no number."""
    weight = np.asarray(weight, np.float64)
    if not np.isfinite(weight).all():
        raise ValueError("a matrix has weights that are no numbers: continue from an earlier checkpoint")
    largest = np.abs(weight).max(1)
    fraction, exponent = np.frexp(largest / STEPS)
    # Up, so that the largest weight is not cut off; what is whole already stays, whatever a division has rounded.
    scale = np.ldexp(np.ceil(fraction * 2**BITS - 1e-6), exponent - BITS)
    steps = np.rint(weight / np.where(scale == 0, 1, scale)[:, None])
    return steps.astype(np.int8), scale.astype(np.float32)


@torch.no_grad()
def round_matrices(net):
    """Round the matrices of encoder and decoder of a `Codec` as an int8 pack has them. What norms and layer scales multiply goes into the
    matrices before: an export would fold it into their columns, each of which would then want a scale of its own."""
    net.load_state_dict(with_gains(net.state_dict(), torch.ones_like))
    for part in (net.enc, net.dec):
        for layer in (m for m in part.modules() if isinstance(m, torch.nn.Linear)):
            steps, scale = steps_of(layer.weight.numpy())
            layer.weight.copy_(torch.from_numpy(steps * scale[:, None]))

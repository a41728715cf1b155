"""What stands out of a spectrum made to stand out more: a postfilter, as speech coders have had since Chen and Gersho 1995.

Where 20 bits a frame do not tell where a formant is, the decoder gives the mean of those that may be, which is broad and sounds dull.
"""
import math

import torch
import torch.nn as nn

NARROW_BINS, WIDE_BINS = 3.0, 20.0
"""Standard deviations of the Gaussians over the bins: what the narrow average has and the wide one lacks is a formant or a valley."""
SLOPE = 0.6
"""By how much of itself a small one grows."""
SILENCE = 1e-12
"""Power below which nothing stands out."""
DB = 20 / math.log(10)
"""Natural logarithm of a gain -> dB."""


class Emphasis(nn.Module):
    """Gains of a frame's sources: formants raised and valleys lowered by `most_db` at most, then all by what keeps the frame's power p.
    So a peak and a valley move apart by less than twice `most_db`, and valleys fall more than formants rise.

    x = SLOPE (G_narrow - G_wide) log sqrt(p),  d = x / sqrt(1 + (x / most)^2),  gains * exp(d) * sqrt(sum p / sum (p exp(2 d)))
    """

    def __init__(self, bins, most_db):
        super().__init__()
        self.most = most_db / DB
        # At f16, as a pack keeps it, so that each runtime has the same.
        weights = SLOPE * (gaussian(bins, NARROW_BINS) - gaussian(bins, WIDE_BINS))
        self.register_buffer("weights", weights.half().float(), persistent=False)

    def forward(self, gains):
        """Gains [sources, ..., bins] -> the same, emphasised."""
        power = gains.square().sum(0)
        apart = (0.5 * (power + SILENCE).log()) @ self.weights
        emphasis = torch.exp(apart / torch.sqrt(1 + (apart / self.most) ** 2))
        level = (power.sum(-1, keepdim=True) + SILENCE) / ((power * emphasis.square()).sum(-1, keepdim=True) + SILENCE)
        return gains * (emphasis * level.sqrt())


def gaussian(bins, deviation):
    """A matrix [bins, bins] that averages a row of bins by a Gaussian, its first and last value repeated beyond the ends: x @ G."""
    reach = math.ceil(3 * deviation)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / deviation) ** 2)
    matrix = torch.zeros(bins, bins, dtype=torch.float64)
    for offset, tap in zip(range(-reach, reach + 1), taps / taps.sum()):
        column = torch.arange(bins)
        matrix.index_put_(((column + offset).clamp(0, bins - 1), column), tap, accumulate=True)
    return matrix

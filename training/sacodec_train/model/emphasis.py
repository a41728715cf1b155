"""What stands out of a spectrum made to stand out more: postfilters, as speech coders have had since Chen and Gersho 1995.

Where 20 bits a frame do not tell where a formant is, the decoder gives the mean of those that may be, which is broad and sounds dull. So it
does where they do not tell whether a band is voiced, which sounds hoarse.
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
FAR = 30.0
"""Of two sources that are so far apart (natural logarithm of the ratio of their gains) one is not heard."""


class Separation(nn.Module):
    """Gains of pulses and noise in the bins of a voiced frame: the louder raised and the softer lowered by `most_db` at most, then both
    by what keeps the bin's power.

    r = log (pulses / noise),  r' = r + 2 most tanh r,  pulses' = sqrt((pulses^2 + noise^2) / (1 + exp(-2 r'))),  noise' = pulses' exp(-r')
    """

    def __init__(self, most_db):
        super().__init__()
        self.most = most_db / DB

    def forward(self, logs, is_voiced):
        """Natural logarithms of the gains [2, ..., bins] and which frames are voiced [..., 1] -> gains [2, ..., bins]."""
        apart = logs[0] - logs[1]
        moved = (apart + 2 * self.most * torch.tanh(apart)).clamp(-FAR, FAR)
        noise = torch.exp(-moved)
        pulses = torch.sqrt(torch.exp(logs).square().sum(0) / (1 + noise.square()))
        return torch.where(is_voiced, torch.stack([pulses, pulses * noise]), torch.exp(logs))


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

"""Mel filters: the same for the encoder's input, the losses and the metrics."""
import math

import torch

from ..config import RATE_HZ


def hz_to_mel(hz):
    """O'Shaughnessy's mel scale, 2595 log10(1 + f / 700)."""
    return 2595 * math.log10(1 + hz / 700)


def mel_to_hz(mel):
    """The inverse of `hz_to_mel`."""
    return 700 * (10 ** (mel / 2595) - 1)


def mel_filters(bands, n_fft):
    """Triangular filters of unit height [bands, n_fft // 2 + 1], from 0 Hz to Nyquist."""
    top = hz_to_mel(RATE_HZ / 2)
    points = torch.tensor([mel_to_hz(top * i / (bands + 1)) for i in range(bands + 2)])
    hz = torch.linspace(0, RATE_HZ / 2, n_fft // 2 + 1)[None]
    up = (hz - points[:-2, None]) / (points[1:-1] - points[:-2])[:, None]
    down = (points[2:, None] - hz) / (points[2:] - points[1:-1])[:, None]
    return torch.minimum(up, down).clamp(min=0)

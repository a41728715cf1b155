"""Audio -> latent."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from ..config import HOP_SAMPLES, PITCH_MAX_HZ, PITCH_MIN_HZ, RATE_HZ
from .features import mel_filters, power
from .layers import Block, FramedLinear

WINDOW_SAMPLES = 1024
SHORT_SAMPLES = 512
"""The window that hears when: a Hann window of 1024 hardly weighs the newest hop, which the decoder must already say."""


def last(audio, samples):
    """Audio [B, F * hop] -> for each hop the `samples` that end with it [B, F, samples]."""
    return F.pad(audio, (samples - HOP_SAMPLES, 0)).unfold(-1, samples, HOP_SAMPLES)


class LogMel(nn.Module):
    """Log-mel levels of the last `samples` samples, a frame a hop."""

    def __init__(self, samples, bands):
        super().__init__()
        self.samples = samples
        window = torch.hann_window(samples)
        self.register_buffer("window", window / window.square().sum().sqrt(), persistent=False)
        self.register_buffer("mel", mel_filters(bands, samples), persistent=False)

    @torch.no_grad()
    def of(self, frames):
        """Frames [..., samples] -> log10 mel power, scaled to about -2.5 ... 2.5: [..., bands]."""
        levels = power(frames * self.window)
        with torch.autocast(frames.device.type, enabled=False):  # What the plugin computes in f32.
            return torch.log10(levels @ self.mel.T + 1e-8) * 0.5 + 1.5

    def forward(self, audio):
        """Audio [B, F * hop] -> levels [B, F, bands]. Frame f ends with hop f."""
        return self.of(last(audio, self.samples))


class Lags(nn.Module):
    """Autocorrelation of the last 1024 samples at lags of 2 to 16.7 ms, logarithmic, a frame a hop.

    A generalised one (Tolonen and Karjalainen 2000): of the spectrum's magnitudes to the power of a half, below 4 kHz; over its
    value at lag 0, times SCALE.
    """
    TOP_HZ, FLOOR, SCALE = 4000.0, 1e-8, 3.0

    def __init__(self, count):
        super().__init__()
        self.samples = WINDOW_SAMPLES
        window = torch.hann_window(self.samples)
        self.register_buffer("window", window / window.square().sum().sqrt(), persistent=False)
        lags = RATE_HZ / PITCH_MAX_HZ * (PITCH_MAX_HZ / PITCH_MIN_HZ) ** (torch.arange(count, dtype=torch.float64) / max(count - 1, 1))
        self.bins = round(self.TOP_HZ * self.samples / RATE_HZ)
        turns = torch.arange(1, self.bins, dtype=torch.float64)[:, None] * lags / self.samples
        self.register_buffer("basis", (self.SCALE * torch.cos(2 * math.pi * turns)).float(), persistent=False)

    @torch.no_grad()
    def of(self, frames):
        """Frames [..., samples] -> [..., lags], SCALE at most."""
        found = power(frames * self.window)[..., 1:self.bins]
        with torch.autocast(frames.device.type, enabled=False):
            loudness = (found + self.FLOOR).sqrt().sqrt()
            return loudness @ self.basis / loudness.sum(-1, keepdim=True)

    def forward(self, audio):
        """Audio [B, F * hop] -> [B, F, lags]. Frame f ends with hop f."""
        return self.of(last(audio, self.samples))


class Encoder(nn.Module):
    """Log-mel of the last 1024 and, where the configuration has them, `short_bands` of the last 512 samples and `lags`, causal
    blocks, unit variance: audio [B, F * hop] -> latent [B, F, latent]."""

    def __init__(self, config):
        super().__init__()
        d, n = config.encoder_width, config.encoder_blocks
        make = dict(mel_bands=lambda n: LogMel(WINDOW_SAMPLES, n), short_bands=lambda n: LogMel(SHORT_SAMPLES, n), lags=Lags)
        self.levels = nn.ModuleList(make[name](width) for name, width in config.features)
        self.inp = FramedLinear(sum(width for _, width in config.features), d, 3)
        self.blocks = nn.ModuleList(Block(d, 1 / n) for _ in range(n))
        self.norm, self.out = nn.LayerNorm(d), nn.Linear(d, config.latent)
        self.unit = nn.LayerNorm(config.latent, elementwise_affine=False)

    def forward(self, audio):
        h = self.inp(torch.cat([levels(audio) for levels in self.levels], -1))
        for block in self.blocks:
            h = block(h)
        with torch.autocast(audio.device.type, enabled=False):  # What rounds here would round each latent.
            return self.unit(self.out(self.norm(h.float())))

"""Audio -> latent."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from ..config import HOP_SAMPLES
from .features import mel_filters
from .layers import Block, FramedLinear

WINDOW_SAMPLES = 1024
SHORT_SAMPLES = 512
"""The window that hears when: a Hann window of 1024 hardly weighs the newest hop, which the decoder must already say."""


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
        power = torch.fft.rfft(frames * self.window).abs().square()
        with torch.autocast(frames.device.type, enabled=False):  # What the plugin computes in f32.
            return torch.log10(power @ self.mel.T + 1e-8) * 0.5 + 1.5

    def forward(self, audio):
        """Audio [B, F * hop] -> levels [B, F, bands]. Frame f ends with hop f."""
        return self.of(F.pad(audio, (self.samples - HOP_SAMPLES, 0)).unfold(-1, self.samples, HOP_SAMPLES))


class Encoder(nn.Module):
    """Log-mel of the last 1024 and, where the configuration has `short_bands`, of the last 512 samples, causal blocks, unit
    variance: audio [B, F * hop] -> latent [B, F, latent]."""

    def __init__(self, config):
        super().__init__()
        d, n = config.encoder_width, config.encoder_blocks
        sizes = [(WINDOW_SAMPLES, config.mel_bands)] + [(SHORT_SAMPLES, config.short_bands)] * (config.short_bands > 0)
        self.levels = nn.ModuleList(LogMel(*size) for size in sizes)
        self.inp = FramedLinear(sum(bands for _, bands in sizes), d, 3)
        self.blocks = nn.ModuleList(Block(d, 1 / n) for _ in range(n))
        self.norm, self.out = nn.LayerNorm(d), nn.Linear(d, config.latent)
        self.unit = nn.LayerNorm(config.latent, elementwise_affine=False)

    def forward(self, audio):
        h = self.inp(torch.cat([levels(audio) for levels in self.levels], -1))
        for block in self.blocks:
            h = block(h)
        return self.unit(self.out(self.norm(h)))

"""Audio -> latent."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from ..config import HOP_SAMPLES
from .features import mel_filters
from .layers import Block, FramedLinear

WINDOW_SAMPLES = 1024


class Encoder(nn.Module):
    """Log-mel of the last 1024 samples, causal blocks, unit variance: audio [B, F * hop] -> latent [B, F, latent]."""

    def __init__(self, config):
        super().__init__()
        d, n = config.encoder_width, config.encoder_blocks
        window = torch.hann_window(WINDOW_SAMPLES)
        self.register_buffer("window", window / window.square().sum().sqrt(), persistent=False)
        self.register_buffer("mel", mel_filters(config.mel_bands, WINDOW_SAMPLES), persistent=False)
        self.inp = FramedLinear(config.mel_bands, d, 3)
        self.blocks = nn.ModuleList(Block(d, 1 / n) for _ in range(n))
        self.norm, self.out = nn.LayerNorm(d), nn.Linear(d, config.latent)
        self.unit = nn.LayerNorm(config.latent, elementwise_affine=False)

    @torch.no_grad()
    def features(self, audio):
        """Audio [B, F * hop] -> log10 mel power, scaled to about -2.5 ... 2.5: [B, F, mel_bands]. Frame f ends with hop f."""
        frames = F.pad(audio, (WINDOW_SAMPLES - HOP_SAMPLES, 0)).unfold(-1, WINDOW_SAMPLES, HOP_SAMPLES) * self.window
        power = torch.fft.rfft(frames).abs().square()
        with torch.autocast(audio.device.type, enabled=False):  # What the plugin computes in f32.
            return torch.log10(power @ self.mel.T + 1e-8) * 0.5 + 1.5

    def forward(self, audio):
        h = self.inp(self.features(audio))
        for block in self.blocks:
            h = block(h)
        return self.unit(self.out(self.norm(h)))

"""Latent -> audio: a filtered pulse train and noise."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from ..config import HOP_SAMPLES, PITCH_MAX_HZ, PITCH_MIN_HZ, RATE_HZ
from .emphasis import Emphasis, Separation
from .layers import Block, FramedLinear, Memory

N_FFT = 2 * HOP_SAMPLES
BINS = N_FFT // 2 + 1
NOISE_FRAMES = 512
"""Length of the table of noise phases, after which it repeats: 6.8 s."""
MAX_LOG_GAIN = 6.0
MEMORY_AFTER = 1
"""The memory follows the block of this index: what it keeps should be more than a token, and the blocks after it should know it."""


class Decoder(nn.Module):
    """Causal blocks; the head gives a pitch, a complex filter for a pulse train at it, and a magnitude for noise.

    Latent [B, F, latent] -> audio [B, F * hop], one hop late by the overlap-add. The pulse train is band-limited and
    in closed form, and carries the phase: harmonics are coherent long before a discriminator would have taught it.
    """

    def __init__(self, config):
        super().__init__()
        d, n = config.decoder_width, config.decoder_blocks
        self.inp, self.norm0 = FramedLinear(config.latent, d, 3), nn.LayerNorm(d)
        self.blocks = nn.ModuleList(Block(d, 1 / n) for _ in range(n))
        self.memory = Memory(d, config.decoder_memory) if config.decoder_memory else None
        self.memory_after = min(MEMORY_AFTER, n - 1) if self.memory else None
        self.hold_frames = config.hold_frames
        self.separation = Separation(config.separation_db) if config.separation_db else None
        self.emphasis = Emphasis(BINS, config.emphasis_db) if config.emphasis_db else None
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, 3 * BINS + 2)
        with torch.no_grad():
            self.head.weight.mul_(0.3)
            self.head.bias.zero_()
            self.head.bias[:BINS] = self.head.bias[2 * BINS:3 * BINS] = -3
        window = torch.sin(math.pi * (torch.arange(N_FFT) + 0.5) / N_FFT)
        self.register_buffer("win", window, persistent=False)
        theta = torch.rand(NOISE_FRAMES, BINS, generator=torch.Generator().manual_seed(7)) * 2 * math.pi
        self.register_buffer("theta", theta, persistent=False)

    @torch.no_grad()
    def pulses(self, f0_hz, voicing):
        """Pitch and voicing logit [B, F] -> pulse train of unit RMS [B, F, hop]; the pitch glides linearly from the previous
        frame's. Where a voice sets in after more than `hold_frames` without one, pitch and phase begin anew: a phase that ran on
        through all of a stream would add up the rounding of all its pitches, and two runtimes would drift apart. A shorter pause is
        a flicker of the voicing, as in a creak, more often than a pause, and a new phase in it is heard.

        Dirichlet kernel of all harmonics below Nyquist: sum_h cos(2 pi h p) = (sin((2H + 1) pi p) / sin(pi p) - 1) / 2.
        """
        f0_hz, is_voiced = f0_hz.double(), self.holds(voicing > 0)
        was_voiced = F.pad(is_voiced, (1, 0))[:, :-1]
        before = torch.where(was_voiced, F.pad(f0_hz, (1, 0))[:, :-1], f0_hz)[..., None]
        step = f0_hz[..., None] - before
        k = torch.arange(1, HOP_SAMPLES + 1, device=f0_hz.device, dtype=torch.float64)
        advance = (before * k + step * k * (k + 1) / (2 * HOP_SAMPLES)) / RATE_HZ
        start = torch.cumsum(advance[..., -1], 1) - advance[..., -1]
        start = start - torch.where(is_voiced & ~was_voiced, start, 0.0).cummax(1).values
        phase = torch.remainder(advance + start[..., None], 1.0).float()
        harmonics = torch.floor(RATE_HZ / 2 / (before + step * k / HOP_SAMPLES)).float()
        s = torch.sin(math.pi * phase)
        near = s.abs() < 1e-4
        ratio = torch.sin((2 * harmonics + 1) * math.pi * phase) / s.masked_fill(near, 1)
        kernel = torch.where(near, 2 * harmonics + 1, ratio)
        return (kernel - 1) * 0.5 / torch.sqrt(harmonics / 2)

    def holds(self, is_voiced):
        """Where there is a voice, or was one in one of the `hold_frames` before: [B, F] -> [B, F]."""
        held = F.pad(is_voiced.float(), (self.hold_frames, 0))
        return F.max_pool1d(held, self.hold_frames + 1, 1) > 0

    def controls(self, latent):
        """Latent [B, F, latent] -> the head's output f32 [B, F, 3 * BINS + 2]: log gain and phase of the pulses' filter,
        log gain of the noise, pitch, voicing."""
        h = self.norm0(self.inp(latent))
        for i, block in enumerate(self.blocks):
            h = block(h)
            if i == self.memory_after:
                h = self.memory(h)
        with torch.autocast(latent.device.type, enabled=False):  # A phase or a pitch at half precision would be noise.
            return self.head(self.norm(h.float()))

    def gains(self, controls, emphasise=True):
        """The head's output [..., 3 * BINS + 2] -> gains of the pulses and of the noise [2, ..., BINS]; `emphasise`: as they are heard."""
        logs = torch.stack([controls[..., :BINS], controls[..., 2 * BINS:3 * BINS]]).clamp(max=MAX_LOG_GAIN)
        is_separated = emphasise and self.separation is not None
        gains = self.separation(logs, controls[..., -1:] > 0) if is_separated else torch.exp(logs)
        return self.emphasis(gains) if self.emphasis and emphasise else gains

    def forward(self, latent, emphasise=True):
        """Latent [B, F, latent] -> audio [B, F * hop], pitch on 0 ... 1 [B, F] (60 to 500 Hz, logarithmic), voicing logit [B, F].
        Without `emphasise` as training hears it."""
        h = self.controls(latent)
        pitch, voicing = torch.sigmoid(h[..., -2]), h[..., -1]
        pulses = self.pulses(PITCH_MIN_HZ * torch.exp(pitch * math.log(PITCH_MAX_HZ / PITCH_MIN_HZ)), voicing)
        frames = torch.cat([F.pad(pulses, (0, 0, 1, 0))[:, :-1], pulses], -1) * self.win
        count = h.shape[1]
        pick = torch.randint(0, NOISE_FRAMES, (count,)) if self.training else torch.arange(count) % NOISE_FRAMES
        noise = self.theta[pick.to(h.device)].expand(*h.shape[:2], BINS)
        of_pulses, of_noise = self.gains(h, emphasise)
        spectrum = torch.fft.rfft(frames, norm="ortho") * torch.polar(of_pulses, h[..., BINS:2 * BINS]) + torch.polar(of_noise, noise)
        y = torch.fft.irfft(spectrum, N_FFT, norm="ortho") * self.win
        audio = y[..., :HOP_SAMPLES] + F.pad(y[..., HOP_SAMPLES:], (0, 0, 1, 0))[:, :-1]
        return audio.flatten(1), pitch, voicing


def pitch_target(f0_hz):
    """Pitch in Hz -> the decoder's scale 0 ... 1."""
    low, high = PITCH_MIN_HZ, PITCH_MAX_HZ
    return (f0_hz.clamp(low, high) / low).log() / math.log(high / low)

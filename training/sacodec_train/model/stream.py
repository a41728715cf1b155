"""The codec one hop at a time, with explicit states: what the exported graphs compute, in PyTorch."""
import math

import torch

from ..config import HOP_SAMPLES, RATE_HZ
from . import decoder as dec
from .encoder import WINDOW_SAMPLES


class Past:
    """The last frames that went into one causal layer; zero at first, as the layer's padding."""

    def __init__(self, layer, width):
        self.layer, self.frames = layer, torch.zeros(1, layer.k - 1, width)

    def step(self, x):
        """One frame [1, 1, width] through the layer."""
        x = torch.cat([self.frames, x], 1)
        self.frames = x[:, 1:]
        return self.layer.over(x)


class Stream:
    """One stream through a `Codec` in evaluation mode."""

    def __init__(self, codec):
        e, d, c = codec.enc, codec.dec, codec.config
        self.codec, self.window = codec, torch.zeros(1, WINDOW_SAMPLES - HOP_SAMPLES)
        self.encoder = [Past(e.inp, sum(width for _, width in c.features))] + [Past(b, c.encoder_width) for b in e.blocks]
        self.past = None
        self.decoder_inp = Past(d.inp, c.latent)
        self.decoder = [Past(b, c.decoder_width) for b in d.blocks]
        self.cells = torch.zeros(1, c.decoder_memory)
        self.hold, self.f0_hz, self.phase, self.noise = 0, None, torch.zeros(1, 1, dtype=torch.float64), 0
        self.pulses, self.overlap = torch.zeros(1, HOP_SAMPLES), torch.zeros(1, HOP_SAMPLES)

    @torch.no_grad()
    def encode(self, hop):
        """Audio [1, hop] -> semantic and acoustic token."""
        frame, e = torch.cat([self.window, hop], 1), self.codec.enc
        self.window = frame[:, HOP_SAMPLES:]
        h = torch.cat([levels.of(frame[:, -levels.samples:]) for levels in e.levels], -1)[:, None]
        for layer in self.encoder:
            h = layer.step(h)
        tokens, _, self.past = self.codec.q.choose(e.unit(e.out(e.norm(h))), self.past)
        return tuple(int(t) for t in tokens)

    @torch.no_grad()
    def decode(self, semantic, acoustic):
        """Tokens -> audio [1, hop], one hop late."""
        d = self.codec.dec
        h = d.norm0(self.decoder_inp.step(self.codec.q.embed(torch.tensor([[semantic]]), torch.tensor([[acoustic]]))))
        for i, layer in enumerate(self.decoder):
            h = layer.step(h)
            if i == d.memory_after:
                h, self.cells = d.memory.over(h, self.cells)
        h, bins = d.head(d.norm(h)).float()[0], dec.BINS
        pitch = torch.sigmoid(h[:, -2])
        f0 = dec.PITCH_MIN_HZ * torch.exp(pitch * math.log(dec.PITCH_MAX_HZ / dec.PITCH_MIN_HZ))
        pulses = self._pulses(f0, bool(h[0, -1] > 0))
        frame = torch.cat([self.pulses, pulses], 1) * d.win
        self.pulses = pulses
        of_pulses, of_noise = d.gains(h)
        spectrum = torch.fft.rfft(frame, norm="ortho") * torch.polar(of_pulses, h[:, bins:2 * bins])
        spectrum = spectrum + torch.polar(of_noise, d.theta[None, self.noise])
        self.noise = (self.noise + 1) % dec.NOISE_FRAMES
        y = torch.fft.irfft(spectrum, dec.N_FFT, norm="ortho") * d.win
        audio, self.overlap = y[:, :HOP_SAMPLES] + self.overlap, y[:, HOP_SAMPLES:]
        return audio

    def _pulses(self, f0_hz, is_voiced):
        """One frame of `Decoder.pulses`, the phase kept between 0 and 1; `f0_hz` of the state is None where no voice is held."""
        self.hold, is_voiced = self.codec.dec.hold_frames if is_voiced else max(self.hold - 1, 0), is_voiced or self.hold > 0
        f0, was_voiced = f0_hz[:, None].double(), self.f0_hz is not None
        before = self.f0_hz if was_voiced else f0
        self.f0_hz, step = f0 if is_voiced else None, f0 - before
        if is_voiced and not was_voiced:
            self.phase = torch.zeros(1, 1, dtype=torch.float64)
        k = torch.arange(1, HOP_SAMPLES + 1, dtype=torch.float64)
        turns = self.phase + (before * k + step * k * (k + 1) / (2 * HOP_SAMPLES)) / RATE_HZ
        phase = torch.remainder(turns, 1.0)
        self.phase = phase[:, -1:]
        phase = phase.float()
        harmonics = torch.floor(RATE_HZ / 2 / (before + step * k / HOP_SAMPLES)).float()
        s = torch.sin(math.pi * phase)
        near = s.abs() < 1e-4
        ratio = torch.sin((2 * harmonics + 1) * math.pi * phase) / s.masked_fill(near, 1)
        return (torch.where(near, 2 * harmonics + 1, ratio) - 1) * 0.5 / torch.sqrt(harmonics / 2)

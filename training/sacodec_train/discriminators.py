"""Discriminators: the waveform folded by periods, spectra as a whole, spectra by bands."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm

PERIODS = (2, 3, 5, 7, 11)
SPECTRA = (1024, 512, 256)
BANDED = (2048, 1024)
BANDS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Edges of the bands as shares of Nyquist (Kumar et al. 2023)."""


class Period(nn.Module):
    """Waveform [B, T] folded to [B * period, 1, T / period] (HiFi-GAN, Kong et al. 2020) -> score, feature maps."""

    def __init__(self, period, width):
        super().__init__()
        c = [1, width, 2 * width, 4 * width, 8 * width]
        self.period = period
        self.convs = nn.ModuleList([weight_norm(nn.Conv2d(i, o, (5, 1), 3)) for i, o in zip(c, c[1:])])
        self.convs.append(weight_norm(nn.Conv2d(c[-1], c[-1], (5, 1), 1)))
        self.out = weight_norm(nn.Conv2d(c[-1], 1, (3, 1), 1))

    def forward(self, x):
        # Each phase of the period is a signal of its own: one dimension, which a CPU does up to three times faster than two.
        x, maps = x[:, : x.shape[1] // self.period * self.period].unflatten(1, (-1, self.period)).transpose(1, 2).flatten(0, 1)[:, None], []
        for conv in self.convs:
            x = F.leaky_relu(_along(conv, x), 0.1)
            maps.append(x)
        return _along(self.out, x), maps


def _along(conv, x):
    """A two-dimensional convolution with kernel [k, 1] over x [N, C, T]."""
    return F.conv1d(x, conv.weight.squeeze(-1), conv.bias, conv.stride[0], conv.kernel_size[0] // 2)


class Spectral(nn.Module):
    """Compressed complex spectrum with frequencies as channels: [B, T] -> score, feature maps. Cheap on a CPU."""

    def __init__(self, n_fft, width):
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        dims = [n_fft + 2, width, width, width, width]
        self.convs = nn.ModuleList(
            [weight_norm(nn.Conv1d(i, o, 5, padding=2 * 2**j, dilation=2**j)) for j, (i, o) in enumerate(zip(dims, dims[1:]))])
        self.out = weight_norm(nn.Conv1d(width, 1, 3, padding=1))

    def forward(self, x):
        x, maps = torch.cat(compressed(x, self.n_fft, self.window), 1), []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
            maps.append(x)
        return self.out(x), maps


class Banded(nn.Module):
    """Compressed complex spectrum cut into bands, each with convolutions of its own over time and frequency (DAC,
    Kumar et al. 2023): [B, T] -> score, feature maps. Sees detail that `Spectral` averages."""

    def __init__(self, n_fft, width):
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        bins = n_fft // 2 + 1
        self.edges = [(int(a * bins), int(b * bins)) for a, b in zip(BANDS, BANDS[1:])]
        conv = lambda i, o, stride: weight_norm(nn.Conv2d(i, o, (3, 9), (1, stride), (1, 4)))
        self.bands = nn.ModuleList(nn.ModuleList([conv(2, width, 1), conv(width, width, 2), conv(width, width, 2),
                                                  weight_norm(nn.Conv2d(width, width, 3, padding=1))]) for _ in self.edges)
        self.out = weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, x):
        x, maps, bands = torch.stack(compressed(x, self.n_fft, self.window), 1).transpose(2, 3), [], []
        for (low, high), convs in zip(self.edges, self.bands):
            band = x[..., low:high]
            for conv in convs:
                band = F.leaky_relu(conv(band), 0.1)
                maps.append(band)
            bands.append(band)
        return self.out(torch.cat(bands, -1)), maps


def compressed(x, n_fft, window):
    """Real and imaginary part [B, bins, frames] of the spectrum, its magnitude to the power of a half."""
    s = torch.stft(x, n_fft, n_fft // 4, window=window, return_complex=True)
    magnitude = s.abs() + 1e-5
    scale = magnitude.sqrt() / magnitude
    return s.real * scale, s.imag * scale


class Discriminators(nn.Module):
    """All of them: audio [B, T] -> a list of (score, feature maps) of those `which` are asked. `banded` adds those that want a GPU."""

    def __init__(self, width=16, banded=False):
        super().__init__()
        every = [Period(p, width) for p in PERIODS] + [Spectral(n, 8 * width) for n in SPECTRA]
        self.all = nn.ModuleList(every + ([Banded(n, width) for n in BANDED] if banded else []))

    def draw(self, count):
        """Indices of `count` of them at random; all for 0."""
        return torch.randperm(len(self.all))[:count].tolist() if count else range(len(self.all))

    def forward(self, x, which):
        return [self.all[i](x) for i in which]

"""Spectra for the encoder and the losses, and mel filters, which the metrics have too."""
import math

import torch
import torch.nn.functional as F

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


class _Power(torch.autograd.Function):
    """|rfft|^2 whose gradient takes one real transform; PyTorch's own takes a complex one of twice the length."""

    @staticmethod
    def forward(ctx, frames):
        spectrum = torch.fft.rfft(frames)
        ctx.save_for_backward(spectrum)
        ctx.samples = frames.shape[-1]
        return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        spectrum, = ctx.saved_tensors
        n = ctx.samples
        # irfft counts each bin twice but for that at 0 Hz and, of an even length, that at Nyquist.
        once = slice(0, None, n // 2) if n % 2 == 0 else slice(0, 1)
        weighted = spectrum * gradient
        weighted[..., once] *= 2
        return torch.fft.irfft(weighted, n, norm="forward")


def power(frames):
    """Frames [..., samples] -> power of their bins [..., samples // 2 + 1]. Can be differentiated once."""
    return _Power.apply(frames)


def power_spectrum(audio, window, hop):
    """Audio [B, T] -> power [B, frames, bins] of its windows, each `hop` samples after the one before; the first is centred on sample 0,
    the ends are mirrored, as `torch.stft` has it."""
    n = len(window)
    return power(F.pad(audio, (n // 2, n // 2), mode="reflect").unfold(-1, n, hop) * window)

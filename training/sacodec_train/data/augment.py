"""Light changes that a microphone or a room might have made. Input and target get the same: the codec must keep them."""
import torch

from ..config import RATE_HZ

NOISE_BELOW_DB = (30.0, 55.0)
TILT_DB_PER_OCTAVE = 1.5
PIVOT_HZ = 1000.0


def augment(audio, share, generator=None):
    """A `share` of the crops [B, T] with pink noise 30 to 55 dB below them, and as many with up to 1.5 dB per octave of tilt."""
    if share <= 0:
        return audio
    draw = lambda *shape: torch.rand(*shape, generator=generator, device=audio.device)
    batch, length = audio.shape
    spectrum = torch.fft.rfft(audio)
    hz = torch.fft.rfftfreq(length, 1 / RATE_HZ).to(audio.device)
    octaves = torch.log2(hz.clamp(min=20.0) / PIVOT_HZ)
    tilt_db = (2 * draw(batch, 1) - 1) * TILT_DB_PER_OCTAVE * (draw(batch, 1) < share) * octaves
    y = torch.fft.irfft(spectrum * 10 ** (tilt_db.clamp(-9, 9) / 20), length)
    noise = torch.randn(batch, length, generator=generator, device=audio.device)
    pink = torch.fft.irfft(torch.fft.rfft(noise) / hz.clamp(min=50.0).sqrt(), length)
    low, high = NOISE_BELOW_DB
    below_db = low + (high - low) * draw(batch, 1)
    wanted = y.square().mean(1, keepdim=True).sqrt() * 10 ** (-below_db / 20) * (draw(batch, 1) < share)
    y = y + pink * wanted / (pink.square().mean(1, keepdim=True).sqrt() + 1e-9)
    return y / y.abs().amax(1, keepdim=True).clamp(min=1.0)

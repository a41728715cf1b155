"""What training minimises."""
import torch
import torch.nn.functional as F

from .config import RATE_HZ
from .model.decoder import pitch_target
from .model.features import mel_filters

FULL_BAND_HZ = 11_000.0
"""Recordings that reach this far are taken as they are."""
EDGE_HZ = 500.0


def band_limit(audio, bandwidth_hz):
    """Audio [B, T] without what is above each clip's bandwidth [B]: a recording that ends at 8 kHz must not teach that speech does.

    To be applied to output and target alike before any loss or discriminator.
    """
    if bool((bandwidth_hz >= FULL_BAND_HZ).all()):
        return audio
    hz = torch.fft.rfftfreq(audio.shape[1], 1 / RATE_HZ).to(audio.device)
    # It ends half an edge below the recording's end, whose own filter is on its way down there.
    edge = torch.where(bandwidth_hz >= FULL_BAND_HZ, torch.full_like(bandwidth_hz, RATE_HZ), bandwidth_hz)[:, None] - EDGE_HZ
    return torch.fft.irfft(torch.fft.rfft(audio) * ((edge - hz) / EDGE_HZ + 0.5).clamp(0, 1), audio.shape[1])


class MelLoss(torch.nn.Module):
    """Mean |difference| of log10 mel magnitudes over six resolutions: audio [B, T] and target [B, T] -> scalar."""
    SCALES = [(2048, 160), (1024, 120), (512, 80), (256, 40), (128, 20), (64, 10)]

    def __init__(self):
        super().__init__()
        for n, bands in self.SCALES:
            self.register_buffer(f"window{n}", torch.hann_window(n))
            self.register_buffer(f"mel{n}", mel_filters(bands, n))

    def forward(self, audio, target):
        both, loss = torch.cat([audio, target]), 0.0
        for n, _ in self.SCALES:
            magnitude = torch.stft(both, n, n // 4, window=getattr(self, f"window{n}"), return_complex=True).abs()
            level = (getattr(self, f"mel{n}") @ magnitude).clamp(min=1e-5).log10()
            loss = loss + (level[:len(audio)] - level[len(audio):]).abs().mean() / len(self.SCALES)
        return loss


def pitch_loss(pitch, voicing, f0_hz):
    """Error of the decoder's pitch where there is one, and of its voicing: [B, F] each -> scalar."""
    voiced = (f0_hz > 0).float()
    error = ((pitch.float() - pitch_target(f0_hz)).abs() * voiced).sum() / (voiced.sum() + 1)
    return 4 * error + 0.2 * F.binary_cross_entropy_with_logits(voicing.float(), voiced)


def discriminator_loss(real, fake):
    """Hinge loss (Lim and Ye 2017) over the discriminators' (score, feature maps)."""
    each = [F.relu(1 - r[0].float()).mean() + F.relu(1 + f[0].float()).mean() for r, f in zip(real, fake)]
    return sum(each) / len(each)


def adversarial_loss(fake):
    """What the codec pays for being recognised."""
    return -sum(f[0].float().mean() for f in fake) / len(fake)


def feature_loss(real, fake):
    """Feature matching (Kumar et al. 2019), each map relative to the real one's mean magnitude."""
    each = [(p.float() - q.detach().float()).abs().mean() / (q.detach().float().abs().mean() + 1e-3)
            for f, r in zip(fake, real) for p, q in zip(f[1], r[1])]
    return sum(each) / len(each)

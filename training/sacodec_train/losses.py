"""What training minimises."""
import functools
import math

import torch
import torch.nn.functional as F

from .config import PITCH_MAX_HZ, PITCH_MIN_HZ, RATE_HZ
from .model.decoder import pitch_target
from .model.features import mel_filters, power_spectrum

FULL_BAND_HZ = RATE_HZ / 2
"""Recordings that reach this far are taken as they are. One at 22,050 Hz ends before, and is cut like all narrow ones."""
EDGE_HZ = 500.0
TINY = 1e-20
"""Of a power whose root is taken: its gradient stays finite in digital silence."""


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


class MelLevels(torch.nn.Module):
    """log10 mel magnitudes at several resolutions, which the losses below compare: audio [B, T] -> a dict of [B, frames, bands] by the
    window's samples, of which a frame is a quarter after the one before."""
    SCALES = [(2048, 160), (1024, 120), (512, 80), (256, 40), (128, 20), (64, 10)]

    def __init__(self):
        super().__init__()
        for n, bands in self.SCALES:
            self.register_buffer(f"window{n}", torch.hann_window(n))
            self.register_buffer(f"mel{n}", mel_filters(bands, n))

    def forward(self, audio):
        magnitudes = {n: (power_spectrum(audio, getattr(self, f"window{n}"), n // 4) + TINY).sqrt() for n, _ in self.SCALES}
        return {n: (magnitude @ getattr(self, f"mel{n}").T).clamp(min=1e-5).log10() for n, magnitude in magnitudes.items()}


def mel_loss(found, wanted, depth_db=0.0):
    """Mean |difference| of the `MelLevels` of coded and original. What is more than `depth_db` below the original's loudest level of a
    window is taken as no softer, because nobody hears it beside a voice; 0: all levels count."""
    apart = []
    for n, levels in wanted.items():
        floor = levels.amax((1, 2), keepdim=True) - depth_db / 20 if depth_db else levels.new_tensor(-math.inf)
        apart.append((torch.maximum(found[n], floor) - torch.maximum(levels, floor)).abs().mean())
    return sum(apart) / len(apart)


DETAIL_WINDOW = 1024
"""Samples of the window in which movement and contrast are heard."""
DETAIL_FLOOR = 1e-3
"""Of a mean square of log10 levels: smaller movement or contrast is not counted."""
CONTRAST_BANDS, CONTRAST_FRAMES = (3, 7, 15, 31), (1, 3, 7, 15)
"""Widths of the averages; a frame is 10.7 ms after the one before. What is slower than the widest of them is kept, too."""


def movement(levels):
    """`MelLevels` -> logarithm of the RMS step of each level from frame to frame [B, bands]."""
    return 0.5 * (levels[DETAIL_WINDOW].diff(dim=1).square().mean(1) + DETAIL_FLOOR).log()


def detail_loss(found, wanted):
    """How much less, or more, the `MelLevels` of the coded move from frame to frame than those of the original: the mean |difference| of
    natural logarithms over bands. A mean distance alone is least where what is not sure is smooth."""
    return (movement(found) - movement(wanted)).abs().mean()


def contrast(levels):
    """`MelLevels` -> logarithms of the RMS of what stands out, for each band and each frame, all widths in a row: [B, values].

    Levels are cut by the width of what stands out, over bands and then over frames, as ears cut modulations (Chi, Ru and Shamma 2005): what an
    average has and the next wider one lacks. A frame counts like a band, so that longer crops count time more.
    """
    levels = levels[DETAIL_WINDOW]
    _, frames, bands = levels.shape
    over_bands, slow = averages(bands, CONTRAST_BANDS, levels.device), averages(frames, CONTRAST_FRAMES, levels.device)
    over_frames = torch.cat([slow[:-1] - slow[1:], slow[-1:]])
    apart = torch.einsum("tfs,bfn,wnm->btwsm", over_frames, levels, over_bands[:-1] - over_bands[1:]).square()
    return torch.cat([0.5 * (apart.mean(axis) + DETAIL_FLOOR).log().flatten(1) for axis in (3, 4)], 1)


def contrast_loss(found, wanted):
    """How much less, or more, the `MelLevels` of the coded stand out from those around them than those of the original: the mean
    |difference| of natural logarithms. Where the codec is not sure of a formant or of when it moves, a mean distance wants it broad and slow."""
    return (contrast(found) - contrast(wanted)).abs().mean()


@functools.cache
def averages(count, widths, device):
    """Matrices [widths, count, count] that average a row of `count` values over each of `widths` neighbours, fewer at its ends."""
    apart = (torch.arange(count)[:, None] - torch.arange(count)).abs()
    near = torch.stack([(apart <= width // 2).float() for width in widths])
    return (near / near.sum(1, keepdim=True)).to(device)


class LoudnessLoss(torch.nn.Module):
    """How far the loudness of `audio` is from that of `target`, as ears would have it: both [B, T] -> scalar.

    Zwicker's specific loudness over half-Bark bands, 32 ms at a time, of speech at 79 dB SPL (ITU-T P.862, 10.2.4); what is
    less than a quarter of the quieter one apart is masked (10.2.6). What is too loud is heard as something added and counts
    twice (its asymmetry factor, 10.2.7, simplified). Relative to the target's mean loudness. A target below -60 dBFS is not raised
    to speech: what is beside silence would be all there is to hear.
    """
    WINDOW_SAMPLES, SPEECH_DB, MASKED, EXPONENT = 768, 79.0, 0.25, 0.23
    MIN_POWER, MIN_LOUDNESS = 1e-6, 2.0  # Of speech the mean is about 12.

    def __init__(self):
        super().__init__()
        n = self.WINDOW_SAMPLES
        hz = torch.linspace(0, RATE_HZ / 2, n // 2 + 1)
        bark = 26.81 * hz / (1960 + hz) - 0.53  # Traunmueller 1990
        centres = torch.arange(0.5, float(bark[-1]), 0.5)
        self.register_buffer("bands", (1 - (bark[None] - centres[:, None]).abs() / 0.5).clamp(min=0))
        khz = (1960 * (centres + 0.53) / (26.81 - centres - 0.53) / 1000).clamp(min=0.05)
        # Terhardt 1979: the threshold in quiet.
        quiet_db = 3.64 * khz**-0.8 - 6.5 * torch.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
        self.register_buffer("quiet", 10 ** (quiet_db / 10))
        self.register_buffer("window", torch.hann_window(n))

    def loudness(self, audio, gain):
        """Audio [B, T] times `gain` [B, 1, 1] in power -> specific loudness [B, frames, bands]."""
        power = power_spectrum(audio, self.window, self.WINDOW_SAMPLES // 2)
        power = (power @ self.bands.T) * gain / self.window.square().sum()
        return self.quiet**self.EXPONENT * ((0.5 + 0.5 * power / self.quiet) ** self.EXPONENT - 1).clamp(min=0)

    def forward(self, audio, target):
        # Power of a sample to power of a spectrum's mean bin, at the level that speech has.
        gain = 10 ** (self.SPEECH_DB / 10) / (target.square().mean(1)[:, None, None].clamp(min=self.MIN_POWER) * self.WINDOW_SAMPLES / 2)
        found, wanted = self.loudness(audio, gain), self.loudness(target, gain)
        apart = found - wanted
        heard = (apart.abs() - self.MASKED * torch.minimum(found, wanted)).clamp(min=0)
        heard = heard * (1 + (apart > 0))
        return (heard.square().mean(2) + 1e-6).sqrt().mean() / wanted.mean().clamp(min=self.MIN_LOUDNESS)


GROSS_CENTS = 300.0
GROSS = GROSS_CENTS / 1200 / math.log2(PITCH_MAX_HZ / PITCH_MIN_HZ)
"""The same on the decoder's scale of pitch."""
GROSS_SHARE = 0.1
"""What an error counts beyond that."""


def pitch_loss(pitch, voicing, f0_hz):
    """Error of the decoder's pitch where there is one, and of its voicing: [B, F] each -> scalar.

    What is wrong by more than `GROSS_CENTS` hardly counts for more: it is another octave, or a label that is wrong. Such frames are few and
    made half of the loss, and PESQ does not change where they are mended, as it does with small errors (EXPERIMENTS.md).
    """
    voiced = (f0_hz > 0).float()
    error = (pitch.float() - pitch_target(f0_hz)).abs()
    error = error.clamp(max=GROSS) + GROSS_SHARE * (error - GROSS).clamp(min=0)
    error = (error * voiced).sum() / (voiced.sum() + 1)
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

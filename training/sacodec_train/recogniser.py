"""A small recogniser of phones, by which training compares what a listener would understand:

    python -m sacodec_train.recogniser --cache CACHE --out recogniser.pt --minutes 15

It learns from the aligned English clips of a cache, is frozen, and then hears the original and the coded audio of a run
(`recogniser_weight`): its features of both are to be alike. Not exported.
"""
import argparse
import copy
import math
import pickle
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import checkpoint
from .arguments import within
from .config import HOP_SAMPLES, RATE_HZ
from .data.augment import augment
from .data.crops import Crops
from .data.phones import PHONES, UNKNOWN
from .data.sources import DataError
from .model.features import mel_filters, power
from .semantic import phone_loss

WINDOW_SAMPLES = 768
BANDS, TOP_HZ = 96, 7500.0
"""Below the upper end of every recording: what is cut off must not be missed."""
NOISE_DB = (5.0, 40.0)
"""Below the speech, in half of the crops it learns from: it must hear voices in rooms, and later in a codec's noise."""
LOG_STEPS = 100


class RecogniserError(ValueError):
    """A recogniser that cannot be made or read; says what to do."""


class Layer(nn.Module):
    """Residual convolution over frames: [B, width, F] -> [B, width, F]."""

    def __init__(self, width, dilation):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.conv, self.out = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation), nn.Conv1d(width, width, 1)

    def forward(self, x):
        return x + self.out(F.gelu(self.conv(self.norm(x))))


class Recogniser(nn.Module):
    """Audio [B, F * hop] -> phone logits [B, F, len(PHONES)]; looks half a second around each frame."""

    def __init__(self, width=192, dilations=(1, 2, 4, 1)):
        super().__init__()
        self.sizes = dict(width=width, dilations=list(dilations))
        mel = mel_filters(BANDS, WINDOW_SAMPLES)
        hz = torch.linspace(0, RATE_HZ / 2, WINDOW_SAMPLES // 2 + 1)
        self.register_buffer("mel", mel * (hz < TOP_HZ), persistent=False)
        self.register_buffer("window", torch.hann_window(WINDOW_SAMPLES), persistent=False)
        self.inp = nn.Conv1d(BANDS, width, 5, padding=2)
        self.layers = nn.ModuleList(Layer(width, d) for d in dilations)
        self.out = nn.Conv1d(width, len(PHONES), 1)

    def levels(self, audio):
        """Audio [B, F * hop] -> log-mel levels of the hops [B, BANDS, F], less their mean over the crop: how loud a voice is says
        nothing about its words."""
        around = (WINDOW_SAMPLES - HOP_SAMPLES) // 2
        frames = F.pad(audio, (around, around)).unfold(-1, WINDOW_SAMPLES, HOP_SAMPLES) * self.window
        levels = torch.log10(power(frames) @ self.mel.T + 1e-5)
        return (levels - levels.mean((1, 2), keepdim=True)).transpose(1, 2)

    def features(self, audio):
        """Audio [B, F * hop] -> what each layer gives [B, width, F], and the logits [B, F, len(PHONES)]."""
        x, every = F.gelu(self.inp(self.levels(audio))), []
        for layer in self.layers:
            x = layer(x)
            every.append(x)
        return every, self.out(x).transpose(1, 2)

    def forward(self, audio):
        return self.features(audio)[1]


class RecogniserLoss(nn.Module):
    """How differently a frozen recogniser hears `audio` and `target`, both [B, T] -> scalar.

    The mean difference of its layers' features, each relative to their mean magnitude (Johnson et al. 2016), and the divergence of
    what it recognises, in nats a frame.
    """

    def __init__(self, recogniser):
        super().__init__()
        self.recogniser = recogniser.eval().requires_grad_(False)

    def forward(self, audio, target):
        whole = audio.shape[1] // HOP_SAMPLES * HOP_SAMPLES
        found, logits = self.recogniser.features(audio[:, :whole])
        with torch.no_grad():
            wanted, told = self.recogniser.features(target[:, :whole])
        apart = sum((f - w).abs().mean() / w.abs().mean() for f, w in zip(found, wanted)) / len(wanted)
        log_p, log_q = told.log_softmax(-1), logits.log_softmax(-1)
        return apart + (log_p.exp() * (log_p - log_q)).sum(-1).mean()


def noisy(audio):
    """Audio [B, T]: half of the clips with noise that is NOISE_DB below them, its spectrum tilted at random."""
    low, high = NOISE_DB
    draw = lambda: torch.rand(len(audio), 1, device=audio.device)
    spectrum = torch.fft.rfft(torch.randn_like(audio))
    hz = torch.fft.rfftfreq(audio.shape[1], 1 / RATE_HZ, device=audio.device).clamp(min=50.0)
    noise = torch.fft.irfft(spectrum * hz ** (-draw()), audio.shape[1])
    rms = lambda x: x.square().mean(1, keepdim=True).sqrt()
    gain = rms(audio) / rms(noise) * 10 ** (-(low + (high - low) * draw()) / 20)
    return audio + noise * gain * (draw() < 0.5)


def train(cache, out, minutes=math.inf, steps=math.inf, seed=0, batch=24, seconds=2.0, report=print):
    """Learn from the aligned clips of `cache` and write `out`. Returns the share of known frames that it names right, on speakers
    that it was not taught where the cache has such."""
    torch.manual_seed(seed)
    crops = Crops(cache, seconds, seed, speaker_power=0.5).only_with_phones()
    try:
        judged = Crops(cache, seconds, seed, split="valid").only_with_phones()
    except DataError:
        judged = crops
    judged = [judged.batch(batch) for _ in range(8)]
    net = Recogniser()
    average = copy.deepcopy(net).requires_grad_(False)
    opt = torch.optim.AdamW(net.parameters(), 2e-3, betas=(0.9, 0.98), weight_decay=1e-2)
    began, step = time.monotonic(), 0
    while (progress := max((time.monotonic() - began) / (minutes * 60), step / steps)) < 1:
        for group in opt.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        b = crops.batch(batch)
        read = phone_loss(net(noisy(augment(b["audio"], 0.3))), b["phones"])
        step += 1
        if read is None:
            continue
        opt.zero_grad()
        read[0].backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        keep = min(0.999, step / (step + 10))
        for a, w in zip(average.parameters(), net.parameters()):
            a.lerp_(w.detach(), 1 - keep)
        if step % LOG_STEPS == 0:
            report(f"step {step} loss {float(read[0]):.3f} right {float(read[1]):.3f} unseen {_right(average, judged):.3f}")
    right = _right(average, judged)
    checkpoint.save(out, recogniser=average.state_dict(), sizes=average.sizes, steps=step, right=right, sources=crops.sources)
    report(f"{out}: {step} steps, {100 * right:.1f} % of the frames right")
    return right


@torch.no_grad()
def _right(net, batches):
    net.eval()
    found = [(net(b["audio"]).argmax(-1)[known] == b["phones"][known]).float() for b in batches for known in [b["phones"] != UNKNOWN]]
    return float(torch.cat(found).mean())


def load(path):
    """A frozen recogniser from what `train` has written. Raises RecogniserError."""
    try:
        s = torch.load(path, weights_only=True, map_location="cpu")
        net = Recogniser(**s["sizes"])
        net.load_state_dict(s["recogniser"])
    except OSError as e:
        raise RecogniserError(f"{path}: cannot be read ({e.strerror or e}); make one with python -m sacodec_train.recogniser") from e
    except (AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError) as e:
        raise RecogniserError(f"{path}: not a recogniser, or a damaged one; make one with python -m sacodec_train.recogniser") from e
    return net.eval().requires_grad_(False)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cache", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=within(float, 0, above=True), default=math.inf)
    p.add_argument("--steps", type=within(int, 1), default=math.inf)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=within(int, 1), default=1)
    a = p.parse_args()
    if not math.isfinite(min(a.minutes, a.steps)):
        p.error("say how long: --minutes or --steps")
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    try:
        train(a.cache, a.out, a.minutes, a.steps, a.seed)
    except (DataError, OSError) as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()

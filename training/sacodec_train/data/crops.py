"""Random crops of the cache."""
import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from ..config import HOP_SAMPLES, RATE_HZ
from .phones import UNKNOWN
from .sources import DataError

PEAK = 0.95
ROOM_DBFS = -80.0
"""Noise where a clip does not fill its crop. Digital silence is 20 dB below what a loss of logarithms looks at, and would be half of it."""

MOST_SPEED = 1.18
"""A crop is played at 1 / 1.18 to 1.18 of its speed: formants move by as much between speakers."""


def sources_of(rows):
    """Rows of a clips.csv -> what a card must name: dicts of `source`, `licence` and `hours`, longest first."""
    hours = {}
    for r in rows:
        key = r["source"], r["licence"] or "not stated"
        hours[key] = hours.get(key, 0.0) + int(r["samples"]) / RATE_HZ / 3600
    found = [dict(source=source, licence=licence, hours=h) for (source, licence), h in hours.items()]
    return sorted(found, key=lambda s: -s["hours"])


class NoClips(DataError):
    """A cache without clips of the split."""


class Crops:
    """Batches of crops, gathered on `device`. Levels are drawn from `level_dbfs` (RMS), peaks kept below full scale.
    A speaker is drawn with the hours there are to `speaker_power`: 0 all alike, 1 every hour alike. A share `respeed` is played
    slower or faster, which makes other speakers of them."""

    def __init__(self, cache, seconds, seed, device="cpu", level_dbfs=(-36.0, -12.0), split="train", speaker_power=0.0, respeed=0.0):
        cache = Path(cache)
        if not (cache / "cache.json").is_file():
            raise DataError(f"{cache}: not a finished cache; make one with python -m sacodec_train.data.cache")
        self.facts = json.loads((cache / "cache.json").read_text())
        for name in ("f0.npy", "clips.csv"):
            key = name.split(".")[0] + "_sha256"
            if key in self.facts and hashlib.sha256((cache / name).read_bytes()).hexdigest() != self.facts[key]:
                raise DataError(f"{cache / name}: not what the cache was made with; make it again with python -m sacodec_train.data.cache")
        on_gpu = torch.device(device).type != "cpu"
        pcm, f0 = (np.load(cache / f, mmap_mode=None if on_gpu else "c") for f in ("pcm.npy", "f0.npy"))
        self.pcm, self.f0 = torch.from_numpy(pcm).to(device), torch.from_numpy(f0).to(device)
        with open(cache / "clips.csv", encoding="utf8", newline="") as table:
            rows = [row for row in csv.DictReader(table) if row["split"] == split]
        if not rows:
            raise NoClips(f"{cache}: no clips of the split {split}: make the cache with other recordings, or another --held-out")
        phones = cache / "phones.npy"
        self.phones = torch.from_numpy(np.load(phones)).to(device) if phones.is_file() else None
        if self.phones is not None and len(self.phones) != len(self.f0):
            raise DataError(f"{phones}: of another cache; make it again with python -m sacodec_train.data.phones")
        self.hops, self.speaker_power = max(1, int(seconds * RATE_HZ) // HOP_SAMPLES), speaker_power
        self.rng, self.device, self.level_dbfs, self.respeed = np.random.default_rng(seed), device, level_dbfs, respeed
        self._take(rows)

    def _take(self, rows):
        """Draw from these rows of the clips' table."""
        self.rows, self.sources = rows, sources_of(rows)
        self.start, self.length = (np.array([int(r[k]) for r in rows]) for k in ("start", "samples"))
        self.bandwidth = np.array([float(r["bandwidth_hz"]) for r in rows], np.float32)
        speaker = np.unique([r["source"] + "/" + r["speaker"] for r in rows], return_inverse=True)[1]
        weight = self.length * np.bincount(speaker, self.length)[speaker] ** (self.speaker_power - 1)
        self.cdf = np.cumsum(weight / weight.sum())

    def only_with_phones(self):
        """The same, drawing only from clips of which phones are known. Raises DataError where there is none."""
        hops = lambda r: slice(int(r["start"]) // HOP_SAMPLES, (int(r["start"]) + int(r["samples"])) // HOP_SAMPLES)
        rows = [] if self.phones is None else [r for r in self.rows if bool((self.phones[hops(r)] != UNKNOWN).any())]
        if not rows:
            raise DataError("the cache knows no phones: make them with python -m sacodec_train.data.phones CACHE")
        self._take(rows)
        return self

    def check_samples(self):
        """Raise DataError unless the samples are those that the cache was made with. Reads all of them."""
        wanted = self.facts.get("pcm_sha256")
        if wanted and hashlib.sha256(self.pcm.cpu().numpy()).hexdigest() != wanted:
            raise DataError("the cache's pcm.npy is not what it was made with; make it again with python -m sacodec_train.data.cache")

    def batch(self, size):
        """dict: `audio` f32 [size, hops * hop], `f0_hz` f32 [size, hops], `bandwidth_hz` f32 [size], `clip` indices [size],
        `skip` hops [size], and, where the cache has them, `phones` i64 [size, hops]. A clip shorter than the crop has quiet noise around it.
        `skip` counts hops of the recording, also where the crop is played at another speed."""
        i = np.minimum(np.searchsorted(self.cdf, self.rng.random(size)), len(self.cdf) - 1)
        hops, span = self.length[i] // HOP_SAMPLES, self._spans(size)
        skip = (self.rng.random(size) * np.maximum(1, hops - span + 1)).astype(int)
        put = (self.rng.random(size) * np.maximum(1, span - hops + 1)).astype(int)
        level = 10 ** (self.rng.uniform(*self.level_dbfs, size) / 20)
        column = lambda v: torch.from_numpy(np.asarray(v)[:, None]).to(self.device)
        first, offset, count = column(self.start[i] // HOP_SAMPLES + skip), column(put), column(np.minimum(span, hops))
        frame, sample = (torch.arange(n, device=self.device)[None] for n in (span.max(), span.max() * HOP_SAMPLES))
        inside = (frame >= offset) & (frame < offset + count)
        heard = inside.repeat_interleave(HOP_SAMPLES, 1)
        hop = (first + (frame - offset)).clamp(0, len(self.f0) - 1)
        at = first * HOP_SAMPLES + (sample - offset * HOP_SAMPLES)
        x = self.pcm[at.clamp(0, len(self.pcm) - 1)].float() / 32768 * heard
        speed = span / self.hops
        if (speed != 1).any():
            x = torch.stack([resampled(row[:n * HOP_SAMPLES], self.hops * HOP_SAMPLES) for row, n in zip(x, span)])
            place = lambda count: ((torch.arange(count, device=self.device) + 0.5) * column(speed)).long()
            hop, inside = (values.gather(1, place(self.hops)) for values in (hop, inside))
            heard = heard.gather(1, place(self.hops * HOP_SAMPLES))
            x = x * heard
        phones = {} if self.phones is None else dict(phones=torch.where(inside, self.phones[hop].long(), UNKNOWN))
        f0 = self.f0[hop].float() * inside * column(speed.astype(np.float32))
        rms, peak = (x.square().sum(1, keepdim=True) / heard.sum(1, keepdim=True)).sqrt(), x.abs().amax(1, keepdim=True)
        gain = torch.minimum(column(level.astype(np.float32)) / (rms + 1e-4), PEAK / (peak + 1e-6))
        x = x * gain
        if (hops < span).any():
            generator = torch.Generator(self.device).manual_seed(int(self.rng.integers(2**62)))
            room = torch.randn(x.shape, generator=generator, device=self.device) * 10 ** (ROOM_DBFS / 20)
            x = torch.where(heard, x, room)
        return dict(audio=x, f0_hz=f0, bandwidth_hz=torch.from_numpy(self._bandwidths(i, speed)).to(self.device), clip=i, skip=skip - put, **phones)

    def _bandwidths(self, clips, speed):
        """Where the spectra of clips that are played at a `speed` end, in Hz f32: what ended before Nyquist has an end still."""
        limit_hz = RATE_HZ / 2
        own = np.minimum(self.bandwidth[clips], limit_hz)
        most = np.where(own < limit_hz, np.nextafter(np.float32(limit_hz), np.float32(0)), limit_hz)
        return np.minimum(own * speed, most).astype(np.float32)

    def _spans(self, size):
        """Hops of recording that each crop is made of [size]."""
        if not self.respeed:
            return np.full(size, self.hops)
        speed = MOST_SPEED ** np.where(self.rng.random(size) < self.respeed, self.rng.uniform(-1, 1, size), 0)
        return np.maximum(1, np.round(self.hops * speed)).astype(int)


def resampled(audio, samples):
    """Audio [T] as so many samples: without what the new rate cannot hold, by one transform, so that the ends meet."""
    if len(audio) == samples:
        return audio
    spectrum = torch.fft.rfft(audio)[:samples // 2 + 1]
    return torch.fft.irfft(spectrum, samples) * (samples / len(audio))

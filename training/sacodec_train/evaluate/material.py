"""Sounds that are not one voice, made by arithmetic: music, noise, two voices. f32 [T] at 24 kHz."""
import numpy as np
from scipy.signal import butter, sosfilt

from ..config import RATE_HZ

INSTRUMENTS = ("piano", "guitar", "string", "organ", "flute")
STYLES = ("chords", "arpeggio", "band", "drums", "melody", "pad")
NOISES = ("white", "pink", "brown", "hiss", "band", "hum", "wind", "crackle", "machine")
CHORDS = ((0, 4, 7), (0, 3, 7))
STEPS = (0, 5, 7, 0, 9, 5, 7, 2)
SCALE = (0, 2, 4, 5, 7, 9, 11)


LEVEL_DBFS = (-32.0, -18.0)
"""Of what is judged, RMS."""
SECOND_BELOW_DB = 6.0
"""The second of two voices is at most so much softer than the first."""


def level(audio, db):
    """The same at `db` dBFS (RMS), cut off at full scale."""
    scaled = audio / np.sqrt(np.mean(audio**2) + 1e-20) * 10 ** (db / 20)
    return np.clip(scaled, -1, 1).astype(np.float32)


def _hz(note):
    return 440 * 2 ** ((note - 69) / 12)


def _note(hz, samples, instrument, rng):
    """One note with harmonics up to 11 kHz."""
    t = np.arange(samples) / RATE_HZ
    vibrato = 0.006 * np.sin(2 * np.pi * rng.uniform(4, 6) * t) * (instrument in ("string", "flute"))
    phase = 2 * np.pi * hz * np.cumsum(1 + vibrato) / RATE_HZ + rng.uniform(0, 2 * np.pi)
    of = dict(piano=lambda k: np.exp(-0.5 * k - t * (1.5 + 0.6 * k)), guitar=lambda k: np.exp(-t * (2 + 0.9 * k)) / k,
              string=lambda k: 1 / k, organ=lambda k: float(k in (1, 2, 3, 4, 6, 8)), flute=lambda k: np.exp(-1.3 * k))[instrument]
    stretch = 4e-4 if instrument == "piano" else 0
    out = sum(of(k) * np.sin(k * (1 + stretch * k * k) * phase) for k in range(1, min(40, int(11_000 / hz) + 1)))
    attack = min(samples, int(RATE_HZ * (0.004 if instrument in ("piano", "guitar") else rng.uniform(0.02, 0.1))))
    release = min(samples, RATE_HZ // 12)
    out[:attack] *= np.linspace(0, 1, attack)
    out[-release:] *= np.linspace(1, 0, release)
    return out


def _drums(samples, beat_s, rng):
    out, t = np.zeros(samples + RATE_HZ), np.arange(RATE_HZ // 4) / RATE_HZ
    for i in range(int(samples / RATE_HZ / beat_s * 4)):
        hit = np.zeros(len(t))
        if i % 8 == 0 or rng.random() < 0.1:
            hit += 1.5 * np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-30 * t)))) * np.exp(-12 * t)
        if i % 8 == 4:
            hit += (0.7 * rng.standard_normal(len(t)) + 0.5 * np.sin(2 * np.pi * 190 * t)) * np.exp(-18 * t)
        if i % 2 == 0:
            hit += 0.4 * np.diff(rng.standard_normal(len(t)) * np.exp(-60 * t), prepend=0)
        at = int(i * beat_s / 4 * RATE_HZ)
        out[at : at + len(t)] += hit
    return out[:samples]


def music(seconds, rng):
    """Style and sound."""
    samples, beat_s, style = int(seconds * RATE_HZ), 60 / rng.uniform(70, 150), str(rng.choice(STYLES))
    out, root, instruments = np.zeros(samples), rng.integers(40, 56), rng.choice(INSTRUMENTS, 2)

    def add(at_s, note, length_s, instrument, gain):
        at = int(at_s * RATE_HZ)
        length = min(int(length_s * RATE_HZ), samples - at)
        if length > 200:
            out[at : at + length] += gain * _note(_hz(note), length, instrument, rng)

    for i, at_s in enumerate(np.arange(0, seconds, 2 * beat_s)):
        chord = root + 12 + STEPS[i % 8] + np.array(CHORDS[int(rng.random() > 0.6)])
        if style in ("chords", "band", "pad"):
            for note in chord:
                add(at_s, note, 2.2 * beat_s, "string" if style == "pad" else instruments[0], 0.4)
        if style == "arpeggio":
            for j in range(8):
                add(at_s + j * beat_s / 4, chord[j % 3] + 12 * (j // 3 % 2), 0.6 * beat_s, instruments[0], 0.6)
        if style in ("melody", "band"):
            for j in range(4):
                add(at_s + j * beat_s / 2, root + 24 + SCALE[rng.integers(7)], 0.6 * beat_s, instruments[1], 0.5)
        if style == "band":
            add(at_s, root - 12 + STEPS[i % 8], 2 * beat_s, "guitar", 0.8)
    if style in ("band", "drums"):
        out += 0.8 * _drums(samples, beat_s, rng) * (np.abs(out).max() or 1)
    return style, out


def noise(seconds, rng):
    """Kind and sound."""
    samples, kind = int(seconds * RATE_HZ), str(rng.choice(NOISES))
    white, t = rng.standard_normal(samples), np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    slopes = dict(white=0, pink=-0.5, brown=-1, hiss=0.5)
    band = lambda low, high: sosfilt(butter(2, [low, high], "band", fs=RATE_HZ, output="sos"), white)
    partials = lambda hz, count, gain: sum(gain(k) * np.sin(2 * np.pi * hz * k * t + rng.uniform(0, 6)) for k in range(1, count))
    if kind in slopes:
        hz = np.maximum(np.fft.rfftfreq(samples, 1 / RATE_HZ), 20)
        return kind, np.fft.irfft(np.fft.rfft(white) * hz ** slopes[kind], samples)
    if kind == "band":
        low = rng.uniform(100, 4000)
        return kind, band(low, min(low * rng.uniform(1.5, 4), 11_000))
    if kind == "hum":
        return kind, partials(50, 12, lambda k: 1 / k) + 0.02 * white
    if kind == "wind":
        at = np.arange(0, samples + RATE_HZ, RATE_HZ // 3)
        return kind, band(80, 700) * np.interp(np.arange(samples), at, rng.uniform(0.1, 1, len(at)))
    if kind == "crackle":
        return kind, white * (rng.random(samples) < 0.003) * 5 + 0.02 * white
    hz = rng.uniform(25, 90)
    return kind, partials(hz, min(60, int(11_000 / hz)), lambda k: rng.uniform(0.2, 1)) * (1 + 0.3 * np.sin(np.pi * hz / 2 * t)) + 0.5 * white


def two_voices(clips, rng):
    """The names of two clips of different speakers, and both at once, the second at most 6 dB below the first."""
    while True:
        a, b = (clips[i] for i in rng.choice(len(clips), 2, replace=False))
        if a.speaker != b.speaker:
            break
    samples = min(len(a.audio), len(b.audio))
    return f"{a.name} + {b.name}", level(a.audio[:samples], -26) + level(b.audio[:samples], -26 - rng.uniform(0, SECOND_BELOW_DB))

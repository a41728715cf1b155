"""Generated voices: harmonics of a gliding pitch under moving formants, pauses and hiss. No recording is needed to test with."""
import numpy as np
import soundfile as sf

RATE_HZ = 24_000


def voice(seconds, seed, rate_hz=RATE_HZ, top_hz=11_000.0):
    """f64 [T]: vowels of 0.2 s with unvoiced gaps."""
    rng, n = np.random.default_rng(seed), int(seconds * rate_hz)
    t = np.arange(n) / rate_hz
    f0 = rng.uniform(90, 240) * 2 ** (0.2 * np.sin(2 * np.pi * rng.uniform(0.4, 1.2) * t + rng.uniform(0, 6)))
    phase, syllable = np.cumsum(f0) / rate_hz, (t / 0.2).astype(int)
    formants = rng.uniform([300, 800, 2200], [800, 2200, 3500], (syllable[-1] + 1, 3))[syllable]
    y = np.zeros(n)
    for h in range(1, int(top_hz / f0.max())):
        gain = sum(1 / (1 + ((h * f0 - formants[:, i]) / 150) ** 2) for i in range(3)) + 0.002
        y += gain * np.sin(2 * np.pi * h * phase)
    spoken = rng.random(syllable[-1] + 1)[syllable] > 0.2
    hiss = np.diff(rng.standard_normal(n + 1)) * 0.05
    y = np.where(spoken, y, 0) + hiss * (rng.random(syllable[-1] + 1)[syllable] > 0.6)
    y = 0.3 * y / np.abs(y).max()
    return y + 3e-4 * rng.standard_normal(n)


def corpus(folder, speakers=3, clips=2, seconds=1.5):
    """`speakers` folders of WAV files below `folder`; the last speaker's stop at 8 kHz (16 kHz files)."""
    for s in range(speakers):
        rate = 16_000 if s == speakers - 1 else RATE_HZ
        (folder / f"speaker{s}").mkdir(parents=True)
        for c in range(clips):
            sf.write(folder / f"speaker{s}" / f"{c}.wav", voice(seconds, 10 * s + c, rate, 7_000.0 if rate < RATE_HZ else 11_000.0), rate)
    return folder

"""Switching while it plays does not click.

Each setting alone gives a steady signal. While the plugin fades from one to another its output is a mixture of them
with weights that sum to 1, so that no step from sample to sample may exceed the largest step of the steady signals at
that place, plus what the fade itself adds: their distance over the length of the fade.
"""
import numpy as np
import pytest

from hosts import Dawdreamer, normalised
from signals import speech

RATE_HZ, BLOCK, SECONDS = 48_000, 64, 4.0
FADE_SAMPLES = 480
CASES = {
    "Listen": ["Original", "Coded", "Difference", "Original", "Difference", "Coded"],
    "Bypass": [False, True, False, True],
    "Output gain": [0.0, -18.0, 6.0],
}


def sine(channels, seconds, rate_hz):
    """100 Hz, -6 dBFS: hardly a step in it, so that the smallest click stands out."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.tile(0.5 * np.sin(2 * np.pi * 100 * t), (channels, 1)).astype(np.float32)


def schedule(values, samples):
    """A value for each sample: every value in turn, changing at odd places, round and round."""
    edges = np.cumsum(np.random.default_rng(3).integers(60, 260, 100) * BLOCK)
    return [values[i % len(values)] for i in np.searchsorted(edges, np.arange(samples), side="right")]


@pytest.mark.parametrize("material", (speech, sine), ids=("speech", "sine"))
@pytest.mark.parametrize("name", CASES)
def test_automation_does_not_click(name, material):
    audio = material(2, SECONDS, RATE_HZ)
    values = sorted(set(CASES[name]), key=CASES[name].index)
    steady = np.stack([Dawdreamer(RATE_HZ, BLOCK).render_raw(audio, **{name.replace(" ", "_"): v}) for v in values])
    plan = schedule(CASES[name], audio.shape[1])
    host = Dawdreamer(RATE_HZ, BLOCK)
    host.automate(name, [normalised(name, v) for v in plan])
    out = host.render_raw(audio)

    spread = steady.max(0) - steady.min(0)
    fade_step = np.maximum(spread[:, 1:], spread[:, :-1]) / FADE_SAMPLES
    limit = np.abs(np.diff(steady)).max(0) + 1.05 * fade_step + 1e-6
    excess = np.abs(np.diff(out)) - limit
    assert excess.max() <= 0.0, f"a click of {excess.max():.5f} over the limit at sample {excess.max(0).argmax()}"

    # It did switch: two fades after each change the output is the setting's own signal.
    chosen = np.array([values.index(v) for v in plan])
    changed = np.flatnonzero(np.diff(chosen)) + 1
    assert len(changed) >= 8
    settled = np.ones(len(chosen), bool)
    for at in changed:
        settled[at:at + 2 * FADE_SAMPLES] = False
    expected = np.take_along_axis(steady, np.broadcast_to(chosen, (1, *out.shape)), 0)[0]
    assert np.abs(out - expected)[:, settled].max() <= 1e-6

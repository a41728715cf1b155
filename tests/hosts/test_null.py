"""Original and Bypass are the input itself, exactly as late as reported."""
import numpy as np
import pytest

from hosts import BLOCKS, RATES_HZ, Dawdreamer, Pedalboard, cli_roundtrip
from signals import noise

SETTINGS = {"original": {"Listen": "Original"}, "bypass": {"Bypass": True, "Output_gain": -6.0}}
CASES = [(s, r, b) for s in SETTINGS for r in RATES_HZ for b in BLOCKS]


@pytest.mark.parametrize("setting, rate_hz, block", CASES)
@pytest.mark.parametrize("channels", (1, 2))
def test_pedalboard_nulls_at_lag_zero(channels, setting, rate_hz, block):
    audio = noise(channels, 0.5, rate_hz)
    out = Pedalboard().render(audio, rate_hz, block, **SETTINGS[setting])
    assert np.abs(out - audio).max() == 0.0


@pytest.mark.parametrize("setting, rate_hz, block", CASES)
@pytest.mark.parametrize("channels", (1, 2))
def test_dawdreamer_nulls_at_the_reported_latency(channels, setting, rate_hz, block):
    audio = noise(channels, 0.5, rate_hz)
    host = Dawdreamer(rate_hz, block)
    out = host.render_raw(audio, **SETTINGS[setting])
    latency = host.latency_samples
    assert 0 < latency < audio.shape[1] // 2
    assert np.abs(out[:, :latency]).max() == 0.0
    assert np.abs(out[:, latency:] - audio[:, :-latency]).max() == 0.0


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_latency_is_the_same_everywhere(rate_hz):
    audio = noise(1, 0.5, rate_hz)
    report = cli_roundtrip(audio, rate_hz)[0]
    offline, live = Pedalboard(), Dawdreamer(rate_hz, 480)
    offline.render(audio, rate_hz, 480)
    live.render(audio)
    assert offline.latency_samples == live.latency_samples == report["latency_samples"]


def test_latency_follows_the_rate():
    host, seen = Pedalboard(), {}
    for rate_hz in (*RATES_HZ, *RATES_HZ):
        audio = noise(2, 0.3, rate_hz)
        assert np.array_equal(host.render(audio, rate_hz, 512, Listen="Original"), audio)
        assert seen.setdefault(rate_hz, host.latency_samples) == host.latency_samples
    assert seen[44_100] < seen[48_000]


def test_a_protected_bounce_is_the_original():
    """`When rendering = Original` in a host that renders offline."""
    audio = noise(2, 0.5, 48_000)
    assert np.array_equal(Pedalboard().render(audio, 48_000, 512, When_rendering="Original"), audio)
    assert np.array_equal(Dawdreamer(48_000, 512).render(audio, When_rendering="Original"), audio)
    assert not np.array_equal(Pedalboard().render(audio, 48_000, 512, When_rendering="Coded"), audio)

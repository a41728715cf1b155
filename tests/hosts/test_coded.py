"""What is coded is the same in every host and on the command line."""
import numpy as np
import pytest

from hosts import BLOCKS, RATES_HZ, Dawdreamer, Pedalboard, cli_roundtrip
from signals import speech

SECONDS = 2.0
CLI_CHANNELS = {"Mono sum": "sum", "Left": "left", "Right": "right", "Dual mono": "each"}


def difference(a, b):
    """Largest absolute difference."""
    return float(np.abs(a - b).max())


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_mono_equals_the_command_line(rate_hz):
    audio = speech(1, SECONDS, rate_hz)
    coded = Pedalboard().render(audio, rate_hz, 512)
    assert difference(coded, cli_roundtrip(audio, rate_hz)[1]) <= 1e-4
    assert np.abs(coded).max() > 0.05 and difference(coded, audio) > 0.05


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", CLI_CHANNELS)
def test_stereo_equals_the_command_line(rate_hz, channels):
    audio = speech(2, SECONDS, rate_hz)
    coded = Pedalboard().render(audio, rate_hz, 512, Channels=channels)
    assert difference(coded, cli_roundtrip(audio, rate_hz, CLI_CHANNELS[channels])[1]) <= 1e-4
    assert np.abs(coded).max(1).min() > 0.05


def test_difference_equals_the_command_line():
    audio = speech(1, SECONDS, 48_000)
    out = Pedalboard().render(audio, 48_000, 512, Listen="Difference")
    assert difference(out, cli_roundtrip(audio, 48_000, difference=True)[2]) <= 1e-4


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", ("Mono sum", "Dual mono"))
def test_original_minus_difference_is_coded(rate_hz, channels):
    audio, host = speech(2, SECONDS, rate_hz), Pedalboard()
    original, coded, rest = (host.render(audio, rate_hz, 480, Channels=channels, Listen=l) for l in ("Original", "Coded", "Difference"))
    assert difference(original - rest, coded) <= 1e-5


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", (1, 2))
def test_both_hosts_agree_at_every_block_size(rate_hz, channels):
    audio = speech(channels, SECONDS, rate_hz)
    offline = Pedalboard().render(audio, rate_hz, 8192)
    for block in BLOCKS:
        assert difference(Pedalboard().render(audio, rate_hz, block), offline) <= 1e-6
        assert difference(Dawdreamer(rate_hz, block).render(audio), offline) <= 1e-6


def test_rendering_again_gives_the_same():
    audio, host = speech(2, SECONDS, 48_000), Pedalboard()
    assert np.array_equal(host.render(audio, 48_000, 512), host.render(audio, 48_000, 512))


def test_burst_is_spread_with_less_latency():
    """The first render still runs as it was activated, the next one in Burst."""
    audio, host = speech(1, SECONDS, 48_000), Pedalboard()
    spread = host.render(audio, 48_000, 512)
    latency = host.latency_samples
    outs = [host.render(audio, 48_000, 512, Scheduling="Burst") for _ in range(2)]
    assert host.latency_samples < latency
    assert max(difference(spread, out) for out in outs) <= 1e-6


def test_streams_are_heard_apart():
    audio = speech(1, SECONDS, 48_000)
    outs = [Pedalboard().render(audio, 48_000, 512, Streams=s) for s in ("Both", "Semantic only", "Acoustic only")]
    assert all(np.abs(o).max() > 1e-3 for o in outs)
    assert all(difference(a, b) > 1e-2 for a, b in zip(outs, outs[1:] + outs[:1]))


def test_output_gain_scales():
    audio = speech(1, SECONDS, 48_000)
    plain, quiet = (Pedalboard().render(audio, 48_000, 512, Output_gain=db) for db in (0.0, -6.0))
    assert difference(quiet, plain * 10 ** (-6 / 20)) <= 1e-6

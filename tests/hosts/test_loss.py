"""A network loses the same packets in every host, at every block size and on the command line."""
import numpy as np
import pytest

from hosts import BLOCKS, RATES_HZ, Dawdreamer, Pedalboard, cli_roundtrip
from signals import speech

SECONDS = 2.0
LOSSY = {"Loss": "Bursty", "Loss rate": 20 / 50}
"""The other settings as they are in a new instance."""
OPTIONS = ("--loss", "20%", "--burst", "3", "--packet", "2", "--seed", "1")


def difference(a, b):
    """Largest absolute difference."""
    return float(np.abs(a - b).max())


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_what_is_lost_is_the_same_everywhere(rate_hz):
    audio = speech(1, SECONDS, rate_hz)
    offline = Pedalboard().render(audio, rate_hz, 8192, **LOSSY)
    report, by_command = cli_roundtrip(audio, rate_hz, options=OPTIONS)
    assert len(report["lost_frames"]) > 10
    assert difference(offline, by_command) <= 1e-4
    for block in BLOCKS:
        assert difference(Pedalboard().render(audio, rate_hz, block, **LOSSY), offline) <= 1e-6
        assert difference(Dawdreamer(rate_hz, block).render(audio, **LOSSY), offline) <= 1e-6
    assert difference(Pedalboard().render(audio, rate_hz, 512), offline) > 0.05, "nothing was lost, and this shows nothing"


def test_a_saved_session_loses_the_same():
    audio, host = speech(2, SECONDS, 48_000), Pedalboard()
    heard = host.render(audio, 48_000, 512, **LOSSY, **{"Loss seed": 0.5})
    again = Pedalboard()
    again.load(host.state())
    assert np.array_equal(again.render(audio, 48_000, 480), heard)
    assert difference(Pedalboard().render(audio, 48_000, 512, **LOSSY), heard) > 0.05, "another seed loses the same"

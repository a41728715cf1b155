"""A saved state in a fresh instance: same values, same sound.

Hosts hand parameter changes over with the next block, so that an instance plays a moment before it is saved.
"""
import numpy as np
import pytest

from hosts import DEFAULTS, Dawdreamer, Pedalboard, normalised
from signals import noise, speech

RATE_HZ, BLOCK = 48_000, 512
SETTINGS = {
    "away from the defaults": {"Listen": "Difference", "Channels": "Right", "Streams": "Semantic only", "Output gain": -6.0, "Scheduling": "Burst"},
    "protected bounce": {"Bypass": True, "Channels": "Dual mono", "Output gain": 3.5, "When rendering": "Original"},
}
KINDS = ("pedalboard", "dawdreamer")


def fresh(kind):
    return Pedalboard() if kind == "pedalboard" else Dawdreamer(RATE_HZ, BLOCK)


def render(host, audio):
    return host.render(audio, RATE_HZ, BLOCK) if isinstance(host, Pedalboard) else host.render(audio)


def state_of(kind, settings):
    """The state of an instance that was set and has played."""
    host = fresh(kind)
    host.set(settings)
    render(host, noise(2, 0.1, RATE_HZ))
    return host.state()


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_state_restores_the_values(kind, settings):
    host = fresh(kind)
    host.load(state_of(kind, settings))
    expected = DEFAULTS | {name: normalised(name, value) for name, value in settings.items()}
    assert host.values() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_state_restores_the_sound(kind, settings):
    audio = speech(2, 1.5, RATE_HZ)
    direct, loaded = fresh(kind), fresh(kind)
    direct.set(settings)
    loaded.load(state_of(kind, settings))
    expected = render(direct, audio)
    assert np.abs(render(loaded, audio) - expected).max() <= 1e-6
    assert np.abs(render(fresh(kind), audio) - expected).max() > 0.05


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_state_moves_between_hosts_unchanged(source, target):
    saved = state_of(source, SETTINGS["away from the defaults"])
    host = fresh(target)
    host.load(saved)
    assert host.state() == saved


def test_vst3_preset_restores_the_sound():
    audio = speech(2, 1.5, RATE_HZ)
    first, second = Pedalboard(), Pedalboard()
    first.set(SETTINGS["away from the defaults"])
    expected = render(first, audio)
    second.plugin.preset_data = first.plugin.preset_data
    assert np.abs(render(second, audio) - expected).max() <= 1e-6

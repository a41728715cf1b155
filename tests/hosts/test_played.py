"""A take in place of the input, in VST3 hosts and on the command line."""
import subprocess

import numpy as np
import pytest
import soundfile as sf

from hosts import RATES_HZ, Dawdreamer, Pedalboard, built, cli_roundtrip
from juce_state import with_field
from signals import noise, speech


@pytest.fixture
def take(tmp_path):
    """The take of a voice, by rate."""
    def make(rate_hz):
        wav, take = tmp_path / "voice.wav", tmp_path / "voice.sac"
        sf.write(wav, speech(1, 2.0, rate_hz).T, rate_hz, "FLOAT")
        subprocess.run([built("SACODEC_BIN"), "encode", wav, take, "--overwrite"], check=True, timeout=300)
        return take
    return make


def playing(host, path):
    """The host with that take, from a state that it saved itself."""
    host.load(with_field(host.state(), "play", path))
    return host


def difference(a, b):
    return float(np.abs(a - b).max())


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_take_is_the_same_in_a_host_at_every_block_size_and_on_the_command_line(take, rate_hz):
    path, input_ = take(rate_hz), noise(1, 2.0, rate_hz)
    report, by_command = cli_roundtrip(input_, rate_hz, options=("--play", str(path)))
    assert report["played_frames"] == 150
    for block in (64, 512, 1024):
        host = playing(Dawdreamer(rate_hz, block), path)
        assert difference(host.render(input_, **{"Token source": "Take"}), by_command) <= 1e-6
    plain = Dawdreamer(rate_hz, 512).render(input_)
    assert difference(plain, by_command) > 0.05, "nothing was played, and this shows nothing"
    # The voice, but for the end of its last frames.
    _, voice = cli_roundtrip(speech(1, 2.0, rate_hz), rate_hz)
    end = voice.shape[1] - rate_hz // 20
    assert difference(by_command[:, :end], voice[:, :end]) <= 1e-6


def test_a_host_without_a_playhead_lets_the_input_through(take):
    path, input_ = take(48_000), noise(1, 1.0, 48_000)
    plain = Pedalboard().render(input_, 48_000, 512)
    host = playing(Pedalboard(), path)
    assert difference(host.render(input_, 48_000, 512, **{"Token source": "Take"}), plain) <= 1e-6


def test_a_frozen_frame_is_heard_and_is_the_same_in_both_hosts():
    input_ = speech(1, 1.0, 48_000)
    frozen = Pedalboard().render(input_, 48_000, 512, Freeze=1.0)
    assert difference(frozen, Pedalboard().render(input_, 48_000, 512)) > 0.01
    assert difference(Dawdreamer(48_000, 480).render(input_, Freeze=1.0), frozen) <= 1e-6

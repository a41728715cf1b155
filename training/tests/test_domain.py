"""Whether tokens tell speech from what is none, without a pack."""
import numpy as np
import pytest

from sacodec_train.config import HOP_SAMPLES, RATE_HZ
from sacodec_train.evaluate import domain, material


class FakePack:
    """Gives these semantic tokens, whatever it hears."""

    def __init__(self, semantic):
        self.semantic = np.array(semantic)

    def reset(self):
        pass

    def encode(self, audio):
        return self.semantic[: len(audio) // HOP_SAMPLES], None


def test_only_frames_that_sound_count():
    sound, pause = 0.1 * np.ones(100 * HOP_SAMPLES, np.float32), np.zeros(50 * HOP_SAMPLES, np.float32)
    audio = np.concatenate([sound, pause, sound])
    pack = FakePack([*range(100), *[999] * 50, *[7] * 100])
    found = domain.distinct_codes(pack, audio, 100)
    # Not the pause, but for the two frames at whose edges it still sounds.
    assert found[0] == 100 and found[-1] <= 2 and len(found) in (101, 102, 103, 104, 105)
    assert domain.distinct_codes(pack, audio * 1e-4, 100) == []


def test_a_row_tells_how_many_sounds_are_below_at_first_and_how_many_frames():
    assert domain.row("x", [[10, 10], [80, 10], []], 60) == "| x | 1 of 2 | 75.0 % | 10 | 10 |"
    assert domain.row("x", [[]], 60).startswith("| x | 0 of 0 | 0.0 %")


@pytest.mark.parametrize("make, kinds", [(material.music, material.STYLES), (material.noise, material.NOISES)])
def test_every_kind_of_sound_is_made_and_is_the_same_again(make, kinds):
    found = {}
    for seed in range(60):
        kind, audio = make(1.0, np.random.default_rng(seed))
        assert len(audio) == RATE_HZ and np.isfinite(audio).all() and np.abs(audio).max() > 0
        found.setdefault(kind, seed)
    assert set(found) == set(kinds)
    seed = found[kinds[0]]
    again = [make(1.0, np.random.default_rng(seed))[1] for _ in range(2)]
    assert (again[0] == again[1]).all()
    assert 20 * np.log10(np.sqrt(np.mean(material.level(again[0], -30.0) ** 2))) == pytest.approx(-30, abs=0.5)

"""Whether tokens tell speech from what is none, without a pack."""
import numpy as np
import pytest
import torch

from sacodec_train.config import HOP_SAMPLES, RATE_HZ
from sacodec_train.evaluate import domain, material
from sacodec_train.export import speech


def test_only_frames_that_sound_count():
    sound, pause = 0.1 * np.ones(100 * HOP_SAMPLES, np.float32), np.zeros(50 * HOP_SAMPLES, np.float32)
    levels = domain.levels_db(np.concatenate([sound, pause, sound]), 250)
    # Not the pause, but for the two frames at whose edges it still sounds.
    assert 200 <= domain.sounding(levels).sum() <= 204
    assert not domain.sounding(levels - 80).any()


def test_the_light_says_what_the_codes_of_the_last_frames_say():
    stats = dict(frames=100, min_distinct_semantic=20, two_voices=dict(semantic=[1] * 100, acoustic=[-1, 5], least=90))
    levels = np.full(300, -20.0)
    semantic = np.array([*range(100), *[i % 50 for i in range(100)], *[7] * 100])
    found = domain.odd_frames((semantic, np.zeros(300, int)), levels, stats)
    assert len(found) == 201 and found[0] == 2 and found[100] == 0 and found[200] == 1
    quiet = domain.odd_frames((semantic, np.zeros(300, int)), levels, dict(stats, two_voices=None))
    assert quiet[0] == 0 and quiet[200] == 1
    # 19 codes that differ, with the code of the acoustic stream that speaks for two voices: not speech goes before.
    few = domain.odd_frames((np.arange(300) % 19, np.ones(300, int)), levels, stats)
    assert (few == 1).all()


def test_a_row_tells_of_how_many_sounds_and_of_how_many_frames_it_is_said():
    assert domain.row("x", [np.array([1, 0]), np.array([2, 2]), np.array([])]) == "| x | 2 | 1 | 25.0 % | 1 | 50.0 % |"
    assert domain.row("x", [np.array([])]) == "| x | 0 | 0 | 0.0 % | 0 | 0.0 % |"


def test_two_voices_are_told_from_one_by_their_codes_and_the_limits_are_those_of_judges():
    rng = np.random.default_rng(0)
    draw = lambda low, high, count: torch.from_numpy(np.stack([rng.integers(low, high, (count, 40)), rng.integers(0, 8, (count, 40))], -1))
    # One voice uses the lower two thirds of the codes, two the upper two thirds.
    windows = [draw(0, 60, 400), draw(30, 90, 400)]
    judges = [np.arange(400) % 4 == 0] * 2
    said = []
    stats = speech.statistics(windows, judges, (90, 8), said.append)
    weights = np.array(stats["two_voices"]["semantic"])
    assert weights[:30].mean() < -50 and weights[60:].mean() > 50 and abs(weights[30:60].mean()) < 50
    assert "two voices: 100.0 % of 100 mixtures" in said[0] and "4.0 % of 100 single voices" in said[0]
    distinct = np.sort([len(np.unique(w[:, 0])) for w, j in zip(windows[0], judges[0]) if j])
    assert distinct[3] <= stats["min_distinct_semantic"] <= distinct[5]


def test_a_mixture_has_both_voices_at_levels_that_are_heard():
    rng = np.random.default_rng(1)
    one, other = (torch.from_numpy(rng.standard_normal((20, 2400)).astype(np.float32)) * gain for gain in (0.01, 0.3))
    both = speech.mixed(one, other, rng)
    db = 20 * torch.log10(both.square().mean(1).sqrt())
    assert ((db > -33) & (db < -17)).all()
    share = lambda of: (both * of).sum(1) / (both.norm(dim=1) * of.norm(dim=1))
    assert (share(one) > 0.6).all() and (share(other) > 0.3).all() and (share(other) < share(one) + 0.15).all()


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

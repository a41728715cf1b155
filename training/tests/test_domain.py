"""Whether tokens tell speech from what is none, without a pack."""
import numpy as np
import pytest
import torch

from sacodec_train.config import HOP_SAMPLES, RATE_HZ
from sacodec_train.data.sources import DataError
from sacodec_train.evaluate import domain, material
from sacodec_train.export import speech


def test_only_frames_that_sound_count():
    sound, pause = 0.1 * np.ones(100 * HOP_SAMPLES, np.float32), np.zeros(50 * HOP_SAMPLES, np.float32)
    levels = domain.levels_db(np.concatenate([sound, pause, sound]), 250)
    # Not the pause, but for the two frames at whose edges it still sounds.
    assert 200 <= domain.sounding(levels).sum() <= 204
    assert not domain.sounding(levels - 80).any()


def test_the_light_says_what_the_codes_of_the_last_frames_say():
    stats = dict(frames=100, min_distinct_semantic=20, two_voices=dict(semantic=[1] * 100, acoustic=[-1, 5], threshold=90))
    levels = np.full(300, -20.0)
    semantic = np.array([*range(100), *[i % 50 for i in range(100)], *[7] * 100])
    found = domain.odd_frames((semantic, np.zeros(300, int)), levels, stats)
    assert len(found) == 201 and found[0] == 2 and found[100] == 0 and found[200] == 1
    quiet = domain.odd_frames((semantic, np.zeros(300, int)), levels, {k: v for k, v in stats.items() if k != "two_voices"})
    assert quiet[0] == 0 and quiet[200] == 1
    # 19 codes that differ, with the code of the acoustic stream that speaks for two voices: not speech goes before.
    few = domain.odd_frames((np.arange(300) % 19, np.ones(300, int)), levels, stats)
    assert (few == 1).all()


def test_a_row_tells_of_how_many_sounds_and_of_how_many_frames_it_is_said():
    assert domain.row("x", [np.array([1, 0]), np.array([2, 2]), np.array([])]) == "| x | 2 | 1 | 1 | 25.0 % | 1 | 1 | 50.0 % |"
    assert domain.row("x", [np.array([])]) == "| x | 0 | 0 | 0 | 0.0 % | 0 | 0 | 0.0 % |"


def test_two_voices_are_told_from_one_by_their_codes_and_the_limits_are_those_of_held_out_speakers():
    rng = np.random.default_rng(0)
    draw = lambda low, high, count: torch.from_numpy(np.stack([rng.integers(low, high, (count, 40)), rng.integers(0, 8, (count, 40))], -1))
    # One voice uses the lower two thirds of the codes, two the upper two thirds.
    windows = [draw(0, 60, 400), draw(30, 90, 400)]
    held = [np.arange(400) % 4 == 0] * 2
    said = []
    stats = speech.statistics(windows, held, held, (90, 8), said.append)
    weights = np.array(stats["two_voices"]["semantic"])
    assert weights[:30].mean() < -50 and weights[60:].mean() > 50 and abs(weights[30:60].mean()) < 50
    assert "told of 100.0 % of 100 mixtures and 2.0 % of 100 single voices (2.0 % of 100 " in said[0]
    distinct = np.sort([len(np.unique(w[:, 0])) for w, h in zip(windows[0], held[0]) if h])
    assert distinct[1] <= stats["min_distinct_semantic"] <= distinct[3]


def test_a_mixture_has_both_voices_at_levels_that_are_heard():
    rng = np.random.default_rng(1)
    one, other = (torch.from_numpy(rng.standard_normal((20, 2400)).astype(np.float32)) * gain for gain in (0.01, 0.3))
    both = speech.mixed(one, other, rng)
    db = 20 * torch.log10(both.square().mean(1).sqrt())
    assert ((db > -33) & (db < -17)).all()
    share = lambda of: (both * of).sum(1) / (both.norm(dim=1) * of.norm(dim=1))
    assert (share(one) > 0.6).all() and (share(other) > 0.3).all() and (share(other) < share(one) + 0.15).all()


class FakeCrops:
    """Constant crops of four speakers, whose value is the clip: two of each bandwidth; the last clip is too short."""
    hops, bandwidth = 225, np.array([8000.0, 8000.0, 12000.0, 12000.0, 12000.0])
    length = np.array([225, 300, 300, 300, 224]) * HOP_SAMPLES

    def __init__(self, speakers):
        self.rows = [dict(source="s", speaker=str(s)) for s in speakers]
        self.rng = np.random.default_rng(0)

    def batch(self, size):
        clip = self.rng.integers(0, 5, size)
        return dict(clip=clip, audio=torch.from_numpy(0.01 * (clip[:, None] + 1).astype(np.float32)).expand(-1, 225 * HOP_SAMPLES))


class FakeNet:
    """Tokens that tell how many frames of a crop were before."""

    @staticmethod
    def enc(audio):
        return audio[:, ::HOP_SAMPLES]

    @staticmethod
    def q(z):
        place = torch.arange(z.shape[1]).expand(z.shape)
        return z, (place, (100 * z).round().long()), 0


def test_only_voices_of_other_speakers_of_one_bandwidth_and_one_side_are_mixed_and_windows_end_where_crops_end(monkeypatch):
    pairs = []
    monkeypatch.setattr(speech, "split_of", lambda name, share: "train")
    monkeypatch.setattr(speech, "mixed", lambda one, other, rng: pairs.append((one[:, 0], other[:, 0])) or torch.where(one > other, one, other))
    windows, held, wide = speech.collect(FakeNet, FakeCrops([1, 2, 3, 4, 5]), np.random.default_rng(0), 40, report=lambda _: None)
    assert [w.shape for w in windows] == [(40, 150, 2)] * 2 and not held[0].any()
    assert all((w[:, 0, 0] == 75).all() and (w[:, -1, 0] == 224).all() for w in windows)
    assert set(windows[0][:, 0, 1].tolist()) == {1, 2, 3, 4}, "no crop that its clip does not fill"
    assert set(windows[1][:, 0, 1].tolist()) == {2, 4}, "the larger of two of one bandwidth"
    assert (wide[0] == (windows[0][:, 0, 1] > 2).numpy()).all()
    for speakers, split in (([1, 1, 1, 1, 1], lambda name, share: "train"), ([1, 2, 3, 4, 5], lambda name, share: "valid" if name[-1] in "13" else "train")):
        monkeypatch.setattr(speech, "split_of", split)
        with pytest.raises(DataError, match="only 0 of 40 windows"):
            speech.collect(FakeNet, FakeCrops(speakers), np.random.default_rng(0), 40, report=lambda _: None)


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

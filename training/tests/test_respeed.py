"""Crops at another speed: other voices of the same recordings."""
import numpy as np
import pytest
import torch
from speech import RATE_HZ, corpus

from test_train import CONFIGS

from sacodec_train import train
from sacodec_train.config import HOP_SAMPLES
from sacodec_train.data.cache import build
from sacodec_train.data.clips import bandwidth_hz, pitch_hz
from sacodec_train.data.crops import MOST_SPEED, Crops, resampled
from sacodec_train.data.sources import DataError


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Three speakers; the phones of a clip are numbers that rise every five hops."""
    folder = tmp_path_factory.mktemp("respeed")
    build([corpus(folder / "speech", seconds=2.0)], folder / "cache", held_out=0.0, workers=1, report=lambda _: None)
    frames = len(np.load(folder / "cache" / "f0.npy"))
    np.save(folder / "cache" / "phones.npy", (np.arange(frames) // 5 % 30).astype(np.int8))
    return folder / "cache"


def test_pitch_phones_and_bandwidth_follow_the_speed(cache):
    crops = Crops(cache, 1.0, 5, respeed=1.0, level_dbfs=(-20.0, -20.0))
    plain = np.array([float(np.median(hz[hz > 0])) for hz in (crops.f0[int(r["start"]) // HOP_SAMPLES:][:int(r["samples"]) // HOP_SAMPLES].float().numpy()
                                                              for r in crops.rows)])
    b = crops.batch(40)
    speed, errors, limits_hz = [], [], []
    for audio, told, clip, limit_hz in zip(b["audio"].numpy(), b["f0_hz"].numpy(), b["clip"], b["bandwidth_hz"]):
        heard = pitch_hz(audio)[:len(told)]
        both = (heard > 0) & (told > 0)
        errors += list(np.abs(1200 * np.log2(heard[both] / told[both])))
        speed.append(float(np.median(told[told > 0])) / plain[clip])
        limits_hz.append(float(limit_hz))
        if crops.rows[clip]["speaker"] == "speaker2":
            assert abs(bandwidth_hz(audio.astype(np.float64)) - float(limit_hz)) < 1200, "what the crop is told to have, and has"
    assert len(errors) > 1000 and np.median(errors) < 15, f"{np.median(errors):.0f} cents between what is heard and what is told"
    assert np.std(np.log2(speed)) > 0.05, "all at one speed"
    assert max(limits_hz) == 12_000 and np.std(limits_hz) > 1000 and len(set(limits_hz)) > 20, "a limit moves with the speed, to Nyquist at most"


def test_a_phone_is_as_much_shorter_as_the_crop_is_faster(cache):
    lengths = {}
    for respeed in (0.0, 1.0):
        crops = Crops(cache, 1.0, 1, respeed=respeed)
        runs = [np.diff(np.flatnonzero(np.diff(phones[phones >= 0]))) for phones in crops.batch(60)["phones"].numpy()]
        lengths[respeed] = np.concatenate(runs)
    assert np.all(lengths[0.0] == 5) and {4, 5, 6} <= set(lengths[1.0]), lengths[1.0]
    assert 5 / MOST_SPEED - 1 < lengths[1.0].min() and lengths[1.0].max() < 5 * MOST_SPEED + 1


def test_only_the_share_is_changed_and_a_seed_repeats_it(cache):
    plain, mixed, again = (Crops(cache, 0.5, 3, respeed=share) for share in (0.0, 0.4, 0.4))
    assert np.all(plain._spans(500) == plain.hops)
    changed = np.mean(mixed._spans(2000) != mixed.hops)
    assert 0.3 < changed < 0.4, f"{changed:.2f} of the crops; those that move by less than half a hop do not count"
    again._spans(2000)
    assert torch.equal(mixed.batch(4)["audio"], again.batch(4)["audio"])


def test_levels_and_the_room_around_a_short_clip_are_as_without(cache):
    levels_db = {}
    for respeed in (0.0, 1.0):
        b = Crops(cache, 3.0, 0, respeed=respeed, level_dbfs=(-20.0, -20.0)).batch(24)
        hops = b["audio"].unflatten(1, (-1, HOP_SAMPLES)).square().mean(2).sqrt()
        room = (hops > 0.8e-4) & (hops < 1.2e-4)
        assert room.float().mean() > 0.15 and ((b["f0_hz"] > 0) & room).sum() == 0 and hops.min() > 0.8e-4, "digital silence"
        # A clip's first and last hop may be half a room's.
        levels_db[respeed] = torch.stack([20 * torch.log10(h[~quiet].square().mean().sqrt()) for h, quiet in zip(hops, room)])
    assert torch.allclose(levels_db[0.0], torch.tensor(-20.0), atol=0.1) and torch.allclose(levels_db[1.0], torch.tensor(-20.0), atol=0.2), levels_db


@pytest.mark.parametrize("told_hz", [16_000.0, 12_000.0, 11_025.0])
def test_what_a_slower_crop_lacks_and_a_faster_one_has_not_is_told(cache, told_hz):
    """A table may name more than the cache holds, which ends at 12 kHz; and a filter below that end stays one."""
    crops = Crops(cache, 0.5, 0)
    crops.bandwidth[:] = told_hz
    slow, same, fast = crops._bandwidths(np.zeros(3, int), np.array([1 / MOST_SPEED, 1.0, MOST_SPEED]))
    assert slow == pytest.approx(min(told_hz, 12_000) / MOST_SPEED) and same == min(told_hz, 12_000)
    assert (fast == 12_000) == (told_hz >= 12_000) and fast > 11_999


def test_the_recipe_says_how_many(cache, tmp_path, monkeypatch):
    asked = {}

    def record(*_, **named):
        asked.update(named)
        raise DataError("seen")

    monkeypatch.setattr(train, "Crops", record)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text((CONFIGS / "tiny.toml").read_text() + "respeed = 0.25\n")
    monkeypatch.setattr("sys.argv", ["train", "--config", str(recipe), "--cache", str(cache), "--codebook", "KM.npy", "--out", str(tmp_path / "run"), "--steps", "1"])
    with pytest.raises(SystemExit):
        train.main()
    assert asked["respeed"] == 0.25


@pytest.mark.parametrize("samples", [18_000, 24_000, 30_000])
def test_a_tone_is_played_faster_by_as_many_samples_as_there_are_fewer(samples):
    t = torch.arange(24_000) / RATE_HZ
    tone = resampled(torch.sin(2 * torch.pi * 480 * t), samples)
    t = torch.arange(samples) / RATE_HZ
    assert torch.allclose(tone, torch.sin(2 * torch.pi * 480 * 24_000 / samples * t), atol=1e-3)

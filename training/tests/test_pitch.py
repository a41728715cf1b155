"""The pitch that a cache is given, and what the encoder hears of it."""
import json
import shutil

import numpy as np
import pytest
import torch
from speech import corpus

from sacodec_train.config import HOP_SAMPLES, PITCH_MAX_HZ, PITCH_MIN_HZ, RATE_HZ
from sacodec_train.data.cache import build
from sacodec_train.data.crops import Crops
from sacodec_train.data.pitch import at_hop_ends, refine, refined
from sacodec_train.data.sources import DataError
from sacodec_train.model.encoder import Lags


def buzz(hz):
    """Ten harmonics at `hz`, an array of one value a sample."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    return sum(np.sin(n * phase) / n for n in range(1, 11)) * 0.1


def test_pitch_is_that_of_the_end_of_each_hop_and_no_mean_over_a_jump():
    times_s = np.arange(200) * 0.016
    rising = at_hop_ends(times_s, 100 + 50 * times_s, 150)
    assert np.allclose(rising, 100 + 50 * np.arange(1, 151) / 75, rtol=1e-3)
    jumping = at_hop_ends(times_s, np.where(times_s < 1, 100.0, 200.0), 150)
    assert set(jumping.round(6)) == {100.0, 200.0}


def test_an_octave_error_is_mended_where_there_is_a_voice_and_only_there():
    hz = np.linspace(110, 180, 2 * RATE_HZ)
    samples = (buzz(hz) * 32767).astype(np.int16)
    true = hz[HOP_SAMPLES - 1::HOP_SAMPLES][:150]
    wrong = true.copy()
    wrong[30:60] *= 2
    wrong[100:] = 0
    found = refined(samples, wrong.astype(np.float16)).astype(float)
    cents = 1200 * np.abs(np.log2(found[5:95] / true[5:95]))
    assert np.median(cents) < 15 and cents[25:55].max() < 100, cents
    assert (found[100:] == 0).all()


def test_a_cache_gets_its_pitch_once_and_stays_sound(tmp_path):
    build([corpus(tmp_path / "speech")], tmp_path / "cache", held_out=0.0, workers=1, report=lambda _: None)
    shutil.copytree(tmp_path / "cache", tmp_path / "before")
    refine(tmp_path / "cache", workers=1, report=lambda _: None)
    before, after = (np.load(tmp_path / name / "f0.npy").astype(float) for name in ("before", "cache"))
    assert ((before > 0) == (after > 0)).all() and (before != after).any()
    assert json.loads((tmp_path / "cache" / "cache.json").read_text())["pitch"] == "swift-f0"
    Crops(tmp_path / "cache", 0.5, seed=0)  # Checks what the cache says of its files.
    with pytest.raises(DataError, match="already"):
        refine(tmp_path / "cache", workers=1)
    with pytest.raises(DataError, match="not a finished cache"):
        refine(tmp_path / "speech", workers=1)


@pytest.mark.parametrize("hz", [70.0, 120.0, 250.0, 420.0])
def test_a_pitch_stands_out_among_the_lags_whatever_its_level(hz):
    lags = Lags(128)
    pitches = PITCH_MAX_HZ * (PITCH_MIN_HZ / PITCH_MAX_HZ) ** (torch.arange(128) / 127)
    own = (torch.log2(pitches / hz).abs() < 0.05)
    for gain in (1.0, 0.05):
        heard = lags(gain * torch.from_numpy(buzz(np.full(RATE_HZ, hz))).float()[None])[0, 40]
        # As high as any: multiples of a pitch's lag are as well.
        assert heard[own].max() > 0.9 * heard.max() > 0.1, float(pitches[heard.argmax()])

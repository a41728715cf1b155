"""Each figure says what it is named for."""
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import lfilter
from speech import voice

from sacodec_train import metrics
from sacodec_train.evaluate.measures import SIGNAL, of
from sacodec_train.evaluate.report import _cell, difference
from sacodec_train.evaluate.scores import phone_information

CLIP = voice(2.5, 3)


def test_a_clip_is_equal_to_itself_and_noise_makes_all_worse():
    noisy = CLIP + 0.03 * np.random.default_rng(0).standard_normal(len(CLIP))
    for distance in (metrics.log_mel_distance_db, metrics.log_spectral_distance_db):
        assert distance(CLIP, CLIP) == 0 and distance(CLIP, noisy) > 3, distance
    assert metrics.estoi(CLIP, CLIP) > 0.999 > metrics.estoi(CLIP, noisy) + 0.05
    assert metrics.pesq_wb(CLIP, CLIP) > metrics.pesq_wb(CLIP, noisy) + 0.5


def test_silence_is_the_worst_speech_and_too_little_of_it_is_not_judged():
    assert metrics.pesq_wb(CLIP, 0 * CLIP) == 1 and metrics.estoi(CLIP, 0 * CLIP) < 0.1
    assert np.isnan(metrics.estoi(CLIP[:6000], CLIP[:6000])), "a quarter of a second"
    values = metrics.pitch_errors(CLIP, 0 * CLIP)
    assert np.isnan(values["cents"]) and values["voicing"] > 0.3


def test_a_difference_counts_every_speaker_once_and_says_how_sure_it_is():
    clip = lambda speaker, a, b: SimpleNamespace(recording=SimpleNamespace(speaker=speaker),
                                                 rows=dict(a=dict(pesq=a, log_mel_db=b), b=dict(pesq=1.0, log_mel_db=1.0)))
    scored = [clip("x", 2.0, 0.5), clip("x", 2.0, 0.5), clip("x", 2.0, 0.5), clip("y", 1.0, 2.5), clip("z", float("nan"), 1.0)]
    assert difference(scored, "a", "b", of(SIGNAL, "pesq")) == (0.5, pytest.approx(0.5), 0.75), "mean of 1 and 0 over two speakers"
    gain, error, better = difference(scored, "a", "b", of(SIGNAL, "log_mel_db"))
    assert gain == pytest.approx((-0.5 + 1.5 + 0) / 3) and better == 0.6 and error > 0
    assert difference(scored[-1:], "a", "b", of(SIGNAL, "pesq")) is None


def test_a_mean_of_some_clips_says_of_how_many():
    assert _cell([1.0, float("nan"), 2.0], 2) == "1.50 (2)"
    assert _cell([1.0, 2.0], 1) == "1.5" and _cell([float("nan")] * 2, 1) == "–"


def test_levels_above_a_recordings_end_do_not_count():
    rng = np.random.default_rng(1)
    hiss = CLIP + lfilter([1, -1.9, 1], 1, 0.001 * rng.standard_normal(len(CLIP)))
    assert metrics.log_mel_distance_db(CLIP, hiss, 3000) < 0.2 * metrics.log_mel_distance_db(CLIP, hiss)


def test_smoothing_over_time_shows_as_missing_detail():
    rng = np.random.default_rng(2)
    flicker = rng.standard_normal(len(CLIP)) * np.repeat(rng.uniform(0.1, 1, len(CLIP) // 600 + 1), 600)[: len(CLIP)]
    steady = rng.standard_normal(len(CLIP)) * 0.55
    assert metrics.detail_ratio(flicker, flicker) == pytest.approx(1)
    assert metrics.detail_ratio(flicker, steady) < 0.8
    assert np.isnan(metrics.detail_ratio(flicker, steady, bandwidth_hz=3000))


def test_pitch_errors_are_cents_gross_errors_and_voicing():
    t = np.arange(36_000) / 24_000
    tone = lambda hz: 0.2 * sum(np.sin(2 * np.pi * hz * h * t) / h for h in range(1, 20))
    near = metrics.pitch_errors(tone(150.0), tone(150.0 * 2 ** (30 / 1200)))
    assert near["cents"] == pytest.approx(30, abs=4) and near["gross"] < 0.02
    assert metrics.pitch_errors(tone(150.0), tone(225.0))["gross"] > 0.9
    assert metrics.pitch_errors(tone(150.0), 0.01 * np.random.default_rng(0).standard_normal(len(t)))["voicing"] > 0.5


def test_a_voice_without_its_fundamental_has_its_pitch_all_the_same():
    t = np.arange(36_000) / 24_000
    harmonics = lambda first: 0.2 * sum(np.cos(2 * np.pi * 110.0 * h * t) / h for h in range(first, 30))
    errors = metrics.pitch_errors(harmonics(1), harmonics(2))
    assert errors["gross"] < 0.02 and errors["cents"] < 5 and errors["voicing"] < 0.02, errors


def test_code_use_and_information_of_codes():
    tokens = np.tile(np.arange(64), 100)
    assert metrics.code_use(tokens, 1024) == dict(used=64, perplexity=pytest.approx(64), kbps=pytest.approx(0.45))
    labels = tokens // 8
    assert metrics.mutual_information(tokens, labels) == pytest.approx(1)
    assert metrics.mutual_information(np.random.default_rng(0).permutation(tokens), labels) < 0.1


def _runs(rng, codes, frames, frames_a_run):
    """Codes that stand for a few frames each, some of them far more often than others."""
    drawn = np.minimum(rng.zipf(1.3, frames), codes) - 1
    return np.repeat(drawn, rng.geometric(1 / frames_a_run, frames))[:frames]


@pytest.mark.parametrize("frames_a_run", [1, 2, 3])
def test_tokens_that_know_nothing_of_phones_hold_nothing_however_long_they_stand(frames_a_run):
    rng = np.random.default_rng(1)
    aligned = [(_runs(rng, 1000, 375, frames_a_run), _runs(rng, 40, 375, 6)) for _ in range(10)]
    found = phone_information(aligned)
    assert found["phones"] > 0.1, "nothing was adjusted"
    assert abs(found["phones_adjusted"]) < 0.03, found
    known = phone_information([(phones, phones) for _, phones in aligned])
    assert known["phones_adjusted"] == pytest.approx(1)

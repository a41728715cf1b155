"""Postfilters: formants that stand out more, voice and noise further apart, at the same level."""
import dataclasses

import numpy as np
import pytest
import torch
from test_model import SMALL, codec, noise
from test_train import CONFIGS, data, trainer  # noqa: F401 (a fixture)

from sacodec_train import config as configuration
from sacodec_train.config import ModelConfig
from sacodec_train.model import Codec
from sacodec_train.model.decoder import BINS
from sacodec_train.model.emphasis import DB, Emphasis, Separation, gaussian
from sacodec_train.train import Trainer

MOST_DB = 4.0


def formants(depth_db, width=1.0):
    """Gains of pulses and noise [2, 1, 1, BINS] with three peaks on a falling line."""
    bins = torch.arange(BINS)
    peaks = sum(torch.exp(-0.5 * ((bins - at) / (10 * width)) ** 2) for at in (40, 110, 190))
    pulses = torch.exp((depth_db * peaks - 20 * bins / BINS) / DB)
    return torch.stack([pulses, 0.1 * pulses])[:, None, None]


def test_peaks_rise_and_valleys_fall_by_a_bounded_amount_and_the_level_stays():
    gains = formants(12.0)
    found = Emphasis(BINS, MOST_DB)(gains)
    changed_db = DB * (found / gains).log()
    assert torch.allclose(changed_db[0], changed_db[1], atol=1e-5), "both sources alike: what is voice stays voice"
    changed_db = changed_db[0, 0, 0]
    for peak, valley in ((40, 75), (110, 75), (110, 150), (190, 150)):
        assert changed_db[peak] > 0 and changed_db[valley] < changed_db[peak] - 3, f"bins {peak} and {valley}: {changed_db[peak]} and {changed_db[valley]} dB"
    steep = formants(40.0)
    apart_db = DB * (Emphasis(BINS, MOST_DB)(steep) / steep).log()
    assert float(apart_db.max() - apart_db.min()) < 2 * MOST_DB, "steep formants too"
    power = lambda x: float(x.square().sum())
    assert power(found) == pytest.approx(power(gains), rel=1e-4)


@pytest.mark.parametrize("gains", [torch.zeros(2, 1, 3, BINS), torch.full((2, 1, 1, BINS), 400.0), formants(0.0) * 1e-7])
def test_where_nothing_stands_out_nothing_changes(gains):
    found = Emphasis(BINS, MOST_DB)(gains)
    # A steady slope is bent at its ends alone, where the averages lack a side.
    inner = slice(60, BINS - 60)
    assert torch.isfinite(found).all() and torch.allclose(found[..., inner], gains[..., inner], rtol=0.02, atol=1e-12)


VOICED, UNVOICED = torch.tensor([[[True]]]), torch.tensor([[[False]]])


def test_the_louder_of_pulses_and_noise_rises_and_each_bin_keeps_its_power():
    ratios_db = torch.linspace(-60, 60, BINS)
    gains = torch.stack([torch.exp(ratios_db / DB), torch.ones(BINS)])[:, None, None]
    found = Separation(MOST_DB)(gains.log(), VOICED)
    assert torch.allclose(found.square().sum(0), gains.square().sum(0), rtol=1e-4)
    moved_db = (DB * (found[0] / found[1]).log())[0, 0] - ratios_db
    assert float(moved_db[0]) == pytest.approx(-2 * MOST_DB, rel=1e-3) and float(moved_db[-1]) == pytest.approx(2 * MOST_DB, rel=1e-3)
    assert float(moved_db[BINS // 2].abs()) < 0.2, "equal ones stay equal"
    assert bool((moved_db.diff() > -1e-3).all())


def test_without_a_voice_and_at_extremes_gains_stay():
    gains = formants(12.0)
    assert torch.equal(Separation(MOST_DB)(gains.log(), UNVOICED), gains.log().exp())
    for pulses, noise in ((-100.0, -100.0), (6.0, -100.0), (-100.0, 6.0), (6.0, 6.0)):
        logs = torch.tensor([pulses, noise])[:, None, None, None].expand(2, 1, 1, BINS)
        found = Separation(MOST_DB)(logs, VOICED)
        assert torch.isfinite(found).all() and torch.allclose(found, logs.exp(), rtol=1e-4, atol=1e-10), f"{pulses} and {noise}"


def test_a_louder_frame_is_emphasised_alike():
    emphasis = Emphasis(BINS, MOST_DB)
    soft, loud = emphasis(formants(12.0)), emphasis(30 * formants(12.0))
    assert torch.allclose(loud, 30 * soft, rtol=3e-3)


def test_an_average_keeps_its_sum_at_each_bin():
    for deviation in (3.0, 20.0):
        assert torch.allclose(torch.ones(BINS, dtype=torch.float64) @ gaussian(BINS, deviation), torch.ones(BINS, dtype=torch.float64))
    line = torch.arange(BINS, dtype=torch.float64) @ gaussian(BINS, 3.0)
    assert torch.allclose(line[20:-20], torch.arange(20, BINS - 20, dtype=torch.float64))


@torch.no_grad()
def test_what_is_heard_is_emphasised_and_training_hears_it_as_it_was():
    net, audio = codec(), noise(40)
    plain = Codec(net.q.semantic.frozen, dataclasses.replace(SMALL, emphasis_db=0.0, separation_db=0.0)).eval()
    plain.load_state_dict(net.state_dict())
    assert torch.equal(net(audio, emphasise=False)["audio"], plain(audio)["audio"])
    unheard = plain(audio)
    for which in configuration.POSTFILTERS:
        one = Codec(net.q.semantic.frozen, dataclasses.replace(plain.config, **{which: 4.0})).eval()
        one.load_state_dict(net.state_dict())
        heard = one(audio)
        assert all(torch.equal(a, b) for a, b in zip(heard["tokens"], unheard["tokens"]))
        assert float((heard["audio"] - unheard["audio"]).abs().max()) > 1e-2 * float(unheard["audio"].abs().max()), which


def test_losses_are_those_without_emphasis_and_a_run_goes_on_with_another_one(data, tmp_path):  # noqa: F811
    one = trainer(data)
    for _ in range(8):
        one.train_step(0.5)
    one.spent = dict(steps=8, s=3.0)
    one.save(tmp_path / "one.pt")
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    values["model"] |= dict.fromkeys(configuration.POSTFILTERS, 0.0)
    other = Trainer(configuration.from_dict(values), one.crops, one.net.q.semantic.frozen)
    other.resume(tmp_path / "one.pt")
    assert other.step == 8 and other.spent == dict(steps=8, s=3.0) and other.opt.state, "nothing but the postfilters is other"
    batch = one.crops.batch(2)
    losses = [t._listen(t.ema, batch["audio"], batch, is_half=False)[3] for t in (one, other)]
    assert all(np.isclose(float(losses[0][name]), float(losses[1][name])) for name in losses[0])

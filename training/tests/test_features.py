"""Spectra are those of PyTorch, and so are their gradients; what of levels and of a pitch costs."""
import pytest
import torch

from sacodec_train.losses import GROSS_CENTS, MelLevels, mel_loss, pitch_loss
from sacodec_train.model.decoder import pitch_target
from sacodec_train.model.features import power, power_spectrum


@pytest.fixture(autouse=True)
def same_each_time():
    torch.manual_seed(0)


@pytest.mark.parametrize("samples", [2, 9, 64])
def test_the_gradient_of_a_power_spectrum_is_that_of_its_formula(samples):
    frames = torch.randn(3, samples, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(power, frames)


def test_a_power_spectrum_is_that_of_a_short_time_transform():
    audio, window = torch.randn(2, 4000), torch.hann_window(256)
    wanted = torch.stft(audio, 256, 64, window=window, return_complex=True).abs().square().transpose(1, 2)
    found = power_spectrum(audio, window, 64)
    assert found.shape == wanted.shape and torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_digital_silence_has_a_level_and_a_gradient():
    silence = torch.zeros(1, 4800, requires_grad=True)
    levels = MelLevels()
    loss = mel_loss(levels(silence), levels(torch.randn(1, 4800)))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(silence.grad).all()


def test_what_lies_deeper_than_asked_costs_nothing_and_what_lies_higher_all():
    levels, time = MelLevels(), torch.arange(24_000) / 24_000
    tone = 0.3 * torch.sin(2 * torch.pi * 1000 * time)[None]
    noise = torch.randn(1, 24_000, generator=torch.Generator().manual_seed(0))
    loud, near, deep, deeper = (levels(tone + 10 ** (db / 20) * noise) for db in (-30, -36, -90, -100))
    loss = lambda found, wanted, depth_db=0.0: float(mel_loss(found, wanted, depth_db))
    assert loss(near, loud, 80) == pytest.approx(loss(near, loud), rel=1e-3), "all of both is above the floor"
    assert loss(deeper, deep) > 0.1 and loss(deeper, deep, 50) < 0.02 * loss(deeper, deep)
    assert 0.3 * loss(loud, deep) < loss(loud, deep, 60) < loss(loud, deep), "what is too loud counts down to the floor"


def test_a_pitch_of_another_octave_costs_little_more_than_a_gross_error_and_small_ones_count_alike():
    f0_hz = torch.full((1, 40), 120.0)
    off = lambda cents: float(pitch_loss(pitch_target(f0_hz * 2 ** (cents / 1200)), torch.full((1, 40), 9.0), f0_hz))
    right, near, gross, octave = (off(cents) for cents in (0, 30, GROSS_CENTS, 1200))
    assert (off(60) - right) / (near - right) == pytest.approx(2, rel=0.01) and (gross - right) / (near - right) == pytest.approx(10, rel=0.01)
    assert gross < octave < gross + 0.35 * (gross - right), f"{gross} at {GROSS_CENTS} cents, {octave} at an octave"

"""Spectra are those of PyTorch, and so are their gradients."""
import pytest
import torch

from sacodec_train.losses import MelLevels, mel_loss
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

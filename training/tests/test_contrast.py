"""What stands out in a spectrum, and how far."""
import pytest
import torch
from speech import voice

from sacodec_train import losses
from sacodec_train.losses import MelLevels, averages, contrast, contrast_loss


def filtered(audio, gain_of):
    """Audio [B, T] through a filter: `gain_of` the frequency in Hz."""
    spectrum = torch.fft.rfft(audio)
    return torch.fft.irfft(spectrum * gain_of(torch.linspace(0, 12_000, spectrum.shape[1])), audio.shape[1])


def loss(audio, target):
    """How far their contrast is apart."""
    levels = MelLevels()
    return contrast_loss(levels(audio), levels(target))


@pytest.fixture(scope="module")
def target():
    """Noise with formants, so that its contrast can be made more and less without a look at its pitch."""
    noise = torch.randn(1, 48_000, generator=torch.Generator().manual_seed(0)) * 0.05
    return filtered(noise, ripple(1.0))


def ripple(depth):
    """Gains with a peak every 1100 Hz."""
    return lambda hz: torch.exp(depth * torch.cos(2 * torch.pi * hz / 1100))


def test_broad_formants_cost_and_sharp_ones_too(target):
    broad, sharp = (filtered(target, ripple(more)) for more in (-0.6, 0.6))
    assert float(loss(target, target)) == 0 and float(loss(0.5 * target, target)) < 0.02, "a level is not contrast"
    assert float(loss(filtered(target, lambda hz: torch.exp(-hz / 6000)), target)) < 0.05, "nor is a tilt"
    for name, changed in (("broad", broad), ("sharp", sharp)):
        assert float(loss(changed, target)) > 0.1, f"{name}: {float(loss(changed, target))}"
    dull, right, keen = (float(contrast(MelLevels()(audio)).mean()) for audio in (broad, target, sharp))
    assert dull < right < keen


def swinging(rate_hz):
    """Noise with ripples over frequency whose place swings, so many times a second: each frame and each band has the same contrast."""
    noise = torch.randn(1, 72_000, generator=torch.Generator().manual_seed(0)) * 0.05
    window = torch.hann_window(1024)
    spectrum = torch.stft(noise, 1024, 128, window=window, return_complex=True)
    place = 0.5 * torch.sin(2 * torch.pi * rate_hz * torch.arange(spectrum.shape[2]) * 128 / 24_000)
    hz = torch.linspace(0, 12_000, spectrum.shape[1])[:, None]
    return torch.istft(spectrum * torch.exp(torch.cos(2 * torch.pi * (hz / 1500 - place))), 1024, 128, window=window, length=72_000)


def test_formants_that_move_at_another_speed_cost_though_each_frame_has_its_contrast(monkeypatch):
    slow, fast = swinging(1.0), swinging(2.0)
    cut = float(loss(fast, slow))
    monkeypatch.setattr(losses, "CONTRAST_FRAMES", (1,))
    uncut = float(loss(fast, slow))
    assert uncut < 0.08 and cut > 0.15, f"{cut}, without a cut over time {uncut}"


def test_silence_has_a_gradient():
    quiet = torch.zeros(1, 24_000).requires_grad_()
    nothing = loss(quiet, torch.zeros(1, 24_000))
    nothing.backward()
    assert nothing.item() == 0 and torch.isfinite(quiet.grad).all()
    voiced = torch.from_numpy(voice(1.0, 5)).float()[None]
    assert torch.isfinite(loss(quiet, voiced))


def test_averages_keep_what_is_constant_also_at_the_ends():
    found = averages(9, (1, 3, 31), torch.device("cpu"))
    assert torch.allclose(torch.ones(9) @ found, torch.ones(3, 9)) and torch.equal(found[0], torch.eye(9))
    ramp = torch.arange(9.0) @ found
    assert torch.allclose(ramp[1, 1:-1], torch.arange(1.0, 8.0)) and float(ramp[1, 0]) == 0.5 and torch.allclose(ramp[2], torch.tensor(4.0))

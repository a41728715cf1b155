"""What stands out in a spectrum, and how far."""
import pytest
import torch
from speech import voice

from sacodec_train.losses import ContrastLoss, averages


def filtered(audio, gain_of):
    """Audio [B, T] through a filter: `gain_of` the frequency in Hz."""
    spectrum = torch.fft.rfft(audio)
    return torch.fft.irfft(spectrum * gain_of(torch.linspace(0, 12_000, spectrum.shape[1])), audio.shape[1])


@pytest.fixture(scope="module")
def target():
    """Noise with formants, so that its contrast can be made more and less without a look at its pitch."""
    noise = torch.randn(1, 48_000, generator=torch.Generator().manual_seed(0)) * 0.05
    return filtered(noise, ripple(1.0))


def ripple(depth):
    """Gains with a peak every 1100 Hz."""
    return lambda hz: torch.exp(depth * torch.cos(2 * torch.pi * hz / 1100))


def test_broad_formants_cost_and_sharp_ones_too(target):
    loss = ContrastLoss()
    broad, sharp = (filtered(target, ripple(more)) for more in (-0.6, 0.6))
    assert float(loss(target, target)) == 0 and float(loss(0.5 * target, target)) < 0.02, "a level is not contrast"
    assert float(loss(filtered(target, lambda hz: torch.exp(-hz / 6000)), target)) < 0.05, "nor is a tilt"
    for name, changed in (("broad", broad), ("sharp", sharp)):
        assert float(loss(changed, target)) > 0.1, f"{name}: {float(loss(changed, target))}"
    assert float(loss.contrast(broad).mean()) < float(loss.contrast(target).mean()) < float(loss.contrast(sharp).mean())


def test_a_formant_that_moves_less_costs_though_each_frame_has_its_contrast():
    time, hz = torch.arange(48_000) / 24_000, torch.tensor([500.0, 1500.0, 2500.0])

    def gliding(width_hz):
        """Three tones whose frequencies swing by `width_hz`, five times a second."""
        swing = width_hz * torch.sin(2 * torch.pi * 5 * time)
        return 0.1 * torch.sin(2 * torch.pi * torch.cumsum(hz[:, None] + swing, 1) / 24_000).sum(0)[None]

    loss = ContrastLoss()
    moved, still = gliding(300.0), gliding(20.0)
    costs = float(loss(still, moved))
    assert costs > 3 * float(loss(gliding(280.0), moved)) > 0, costs


def test_silence_has_a_gradient():
    quiet = torch.zeros(1, 24_000).requires_grad_()
    loss = ContrastLoss()(quiet, torch.zeros(1, 24_000))
    loss.backward()
    assert loss.item() == 0 and torch.isfinite(quiet.grad).all()
    voiced = torch.from_numpy(voice(1.0, 5)).float()[None]
    assert torch.isfinite(ContrastLoss()(quiet, voiced))


def test_averages_keep_what_is_constant_also_at_the_ends():
    found = averages(9, (1, 3, 31), torch.device("cpu"))
    assert torch.allclose(torch.ones(9) @ found, torch.ones(3, 9)) and torch.equal(found[0], torch.eye(9))
    ramp = torch.arange(9.0) @ found
    assert torch.allclose(ramp[1, 1:-1], torch.arange(1.0, 8.0)) and float(ramp[1, 0]) == 0.5 and torch.allclose(ramp[2], torch.tensor(4.0))

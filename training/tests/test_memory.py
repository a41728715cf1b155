"""The decoder's memory: it reaches further back than the blocks, and grows into a model that has none."""
import dataclasses

import pytest
import torch
from test_model import SMALL, codec
from test_train import data, lacking, trainer  # noqa: F401 (a fixture)

from sacodec_train import checkpoint
from sacodec_train.model import Codec
from sacodec_train.model.layers import Memory


@torch.no_grad()
def test_the_decoder_remembers_what_its_blocks_no_longer_hear():
    net = codec()
    plain = Codec(net.q.semantic.frozen, dataclasses.replace(SMALL, decoder_memory=0)).eval()
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if not k.startswith("dec.memory.")})
    # Two blocks of seven frames and the first layer's three reach back 14 frames.
    one = torch.randn(1, 60, SMALL.latent, generator=torch.Generator().manual_seed(0))
    other = torch.cat([-one[:, :20], one[:, 20:]], 1)
    late = lambda model: float((model.dec.controls(one) - model.dec.controls(other))[:, 40:].abs().max())
    assert late(plain) == 0, "the blocks alone"
    assert late(net) > 1e-3, late(net)


@torch.no_grad()
def test_what_is_kept_stays_between_what_was_heard_for_as_long_as_it_plays():
    torch.manual_seed(0)
    memory = Memory(16, 8)
    frames = torch.randn(1, 3000, 16)
    candidates = memory.inp(memory.norm(frames))[..., 8:]
    cells = torch.zeros(1, 8)
    for part in frames.split(500, 1):
        _, cells = memory.over(part, cells)
        assert bool((cells <= candidates.amax(1).clamp(min=0)).all() and (cells >= candidates.amin(1).clamp(max=0)).all())
    _, whole = memory.over(frames, torch.zeros(1, 8))
    assert torch.allclose(cells, whole, rtol=0, atol=1e-5), "part by part is as in one piece"


@pytest.mark.parametrize("which", ["net", "ema"])
def test_a_memory_changes_nothing_before_it_is_trained_and_then_learns(data, tmp_path, which):  # noqa: F811
    one = lacking(data, tmp_path / "one.pt", ["decoder_memory"])
    two = trainer(data)
    two.resume(tmp_path / "one.pt")
    audio = one.crops.batch(2)["audio"]
    old, new = getattr(one, which).eval(), getattr(two, which).eval()
    with torch.no_grad():
        assert torch.equal(old(audio)["audio"], new(audio)["audio"])
    two.net.train()
    for _ in range(3):
        two.train_step(0.5)
    assert float(two.net.dec.memory.out.weight.detach().abs().max()) > 0 and float(two.net.dec.memory.inp.weight.grad.abs().max()) > 0
    two.save(tmp_path / "two.pt")
    with pytest.raises(checkpoint.CheckpointError, match="another model"):
        one.resume(tmp_path / "two.pt")

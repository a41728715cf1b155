"""A larger model out of a smaller one: the same sound at first."""
import pytest
import torch
from test_train import CONFIGS, data  # noqa: F401 (a fixture)

from sacodec_train import checkpoint, config as configuration
from sacodec_train.data.crops import Crops
from sacodec_train.model import read_codebook
from sacodec_train.train import Trainer


def sized(data, encoder_blocks, decoder_blocks, **recipe):  # noqa: F811
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    values["model"].update(encoder_blocks=encoder_blocks, decoder_blocks=decoder_blocks)
    values["train"].update(recipe)
    return Trainer(configuration.from_dict(values), Crops(data / "cache", 0.4, 0), read_codebook(data / "codebook.npy"))


@pytest.fixture
def small(data, tmp_path):  # noqa: F811
    t = sized(data, 1, 2)
    for _ in range(8):
        t.train_step(0.5)
    t.save(tmp_path / "small.pt")
    return tmp_path / "small.pt"


def test_a_small_checkpoint_is_heard_as_another_recipe_of_the_same_weights_says(data, small, tmp_path):  # noqa: F811
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    values["model"].update(encoder_blocks=1, decoder_blocks=2, hold_frames=7, emphasis_db=1.0)
    checkpoint.shrink([small], tmp_path / "other.pt.xz", configuration.from_dict(values))
    checkpoint.shrink([small], tmp_path / "own.pt.xz")
    codebook = read_codebook(data / "codebook.npy")
    (other, told), (own, _) = (checkpoint.load_model(tmp_path / f"{name}.pt.xz", codebook) for name in ("other", "own"))
    assert told["config"].model == configuration.from_dict(values).model and other.dec.hold_frames == 7
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), own.state_dict().values(), strict=True))
    values["model"].update(decoder_blocks=3)
    with pytest.raises(checkpoint.CheckpointError, match="another model than the recipe's"):
        checkpoint.shrink([small], tmp_path / "no.pt.xz", configuration.from_dict(values))
    assert not (tmp_path / "no.pt.xz").exists()


def test_new_blocks_change_nothing_before_they_are_trained_and_then_learn(data, small):  # noqa: F811
    before, _ = checkpoint.load_model(small, read_codebook(data / "codebook.npy"))
    t = sized(data, 3, 3)
    t.resume(small)
    audio = t.crops.batch(4)["audio"]
    with torch.no_grad():
        old, new = before(audio), t.ema(audio)
    assert torch.equal(old["audio"], new["audio"]) and all(torch.equal(a, b) for a, b in zip(old["tokens"], new["tokens"]))
    assert t.step == 8 and not t.opt.state, "moments of other weights"
    for _ in range(3):
        t.train_step(0.5)
    assert all(float(block.p2.weight.abs().max()) > 0 and bool(block.p1.weight.grad.abs().max() > 0)
               for block in (t.net.enc.blocks[1], t.net.enc.blocks[2], t.net.dec.blocks[2])), "new blocks that do not learn"


def test_a_model_grows_in_the_same_way_each_time(data, small):  # noqa: F811
    first, second = (sized(data, 3, 3) for _ in range(2))
    for seed, t in enumerate((first, second)):
        torch.manual_seed(seed)
        t.resume(small)
    assert all(torch.equal(a, b) for a, b in zip(first.net.state_dict().values(), second.net.state_dict().values()))


def test_a_model_does_not_shrink(data, small):  # noqa: F811
    with pytest.raises(checkpoint.CheckpointError, match="another model"):
        sized(data, 1, 1).resume(small)

"""A model that looks ahead: late by as much, in all that it is asked for."""
import shutil

import numpy as np
import pytest
import torch
from test_train import CONFIGS, data, trainer  # noqa: F401 (a fixture)

from sacodec_train import checkpoint, config as configuration
from sacodec_train.data.crops import Crops
from sacodec_train.model import read_codebook
from sacodec_train.model.decoder import pitch_target
from sacodec_train.train import Trainer


@pytest.mark.parametrize("lookahead", [0, 1, 3])
def test_a_model_that_looks_ahead_is_asked_for_what_was_so_much_earlier(data, lookahead):
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    values["model"]["lookahead_frames"] = lookahead
    t = Trainer(configuration.from_dict(values), Crops(data / "cache", 0.4, 0), read_codebook(data / "codebook.npy"))
    batch = t.crops.batch(4)
    assert float((batch["f0_hz"] > 0).float().mean()) > 0.3, "nothing voiced"
    late = lambda values, frames: torch.nn.functional.pad(values, (frames, 0))[:, : values.shape[1]]

    def perfect(audio, hops, frames):
        """What a codec would give that is `hops` late with the sound and `frames` with what its frames tell."""
        f0_hz = late(batch["f0_hz"], frames)
        return lambda *_, **_named: dict(audio=late(audio, 320 * hops), code_loss=torch.zeros(()), pitch=pitch_target(f0_hz), voicing=40.0 * (f0_hz > 0) - 20.0)

    right = t._listen(perfect(batch["audio"], 1 + lookahead, lookahead), batch["audio"], batch)[3]
    assert all(float(right[k]) < 1e-6 for k in ("mel", "pitch")) and float(right["loudness"]) < 1e-3, right
    wrong = t._listen(perfect(batch["audio"], 2 + lookahead, 1 + lookahead), batch["audio"], batch)[3]
    assert all(float(wrong[k]) > 0.01 for k in ("mel", "pitch", "loudness")), wrong
    phones = torch.arange(10)[None]
    found, wanted = t._told(late(phones, lookahead), phones)
    assert torch.equal(found, wanted) and found.shape[1] == 10 - lookahead


def test_phones_are_read_where_a_frame_tells_of_them(data, tmp_path, monkeypatch):
    shutil.copytree(data / "cache", tmp_path / "cache")
    shutil.copy(data / "codebook.npy", tmp_path)
    frames = len(np.load(tmp_path / "cache" / "f0.npy"))
    np.save(tmp_path / "cache" / "phones.npy", (np.arange(frames) % 30).astype(np.int8))
    t, read = trainer(tmp_path, warm_steps=0, phone_weight=1.0), []
    monkeypatch.setattr("sacodec_train.train.phone_loss", lambda logits, phones: read.append((logits, phones)))
    batch = t.crops.batch(4)
    monkeypatch.setattr(t.crops, "batch", lambda size: batch)
    t.train_step(0.5)
    (logits, phones), = read
    assert t.config.model.lookahead_frames == 1 and torch.equal(phones, batch["phones"][:, :-1]) and logits.shape[1] == phones.shape[1]


def test_a_model_that_looks_ahead_begins_with_one_that_does_not(data, tmp_path):
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    values["model"]["lookahead_frames"] = 0
    near = Trainer(configuration.from_dict(values), Crops(data / "cache", 0.4, 0), read_codebook(data / "codebook.npy"))
    near.train_step(0.5)
    near.spent = dict(steps=1, s=9.0)
    near.save(tmp_path / "near.pt")
    far = trainer(data)
    far.resume(tmp_path / "near.pt")
    kept = {name: weight for name, weight in near.net.named_parameters() if name != checkpoint.LATENTS}
    assert all(torch.equal(weight, far.net.get_parameter(name)) for name, weight in kept.items())
    assert far.ramp == 0 and not far.opt.state, "moments of other weights"
    assert far.spent == dict(steps=0, s=0.0), "the end of a learning rate teaches nothing new"
    far.save(tmp_path / "far.pt")
    assert checkpoint.read(tmp_path / "far.pt")["config"].model.delay_samples == 640
    # The other way all of it would be a hop too late.
    with pytest.raises(checkpoint.CheckpointError, match="another model"):
        near.resume(tmp_path / "far.pt")


def test_a_decoder_that_may_wait_longer_begins_by_saying_the_same_later(data, tmp_path):
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    near = trainer(data, warm_steps=0)
    near.train_step(0.5)
    width = near.config.model.latent
    with torch.no_grad():
        # The oldest frame has no room in the one that waits.
        for net in (near.net, near.ema):
            net.dec.inp.lin.weight[:, :width] = 0
    near.save(tmp_path / "near.pt")
    longer = lambda hops: {**values, "model": {**values["model"], "lookahead_frames": near.config.model.lookahead_frames + hops}}
    waiting = lambda hops: Trainer(configuration.from_dict(longer(hops)), Crops(data / "cache", 0.4, 0), read_codebook(data / "codebook.npy"))
    far = waiting(1)
    far.resume(tmp_path / "near.pt")
    latent = torch.randn(2, 40, width)
    reach = 12  # Frames in which the beginning, where one of them has a frame more of nothing, is forgotten.
    for before, after in ((near.net, far.net), (near.ema, far.ema)):
        with torch.no_grad():
            soon, late = (net.dec.eval().controls(latent) for net in (before, after))
        assert torch.allclose(soon[:, reach:-1], late[:, reach + 1:], atol=1e-4), float((soon[:, reach:-1] - late[:, reach + 1:]).abs().max())
    with pytest.raises(checkpoint.CheckpointError, match="a run can add 2; add them in several runs"):
        waiting(3).resume(tmp_path / "near.pt")

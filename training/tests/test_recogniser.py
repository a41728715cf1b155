"""A recogniser of phones: learned from a cache, frozen, and what it hears otherwise in coded audio."""
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from speech import corpus
from test_train import data, trainer  # noqa: F401 (a fixture)

from sacodec_train import recogniser
from sacodec_train.data.cache import build
from sacodec_train.data.crops import Crops
from sacodec_train.data.sources import DataError
from sacodec_train.recogniser import Recogniser, RecogniserError, RecogniserLoss
from sacodec_train.train import TrainError


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A cache whose phones are two, voiced or not, with a second speaker that has none; and a recogniser of 40 steps."""
    folder = tmp_path_factory.mktemp("taught")
    build([corpus(folder / "speech")], folder / "cache", held_out=0.0, workers=1, report=lambda _: None)
    f0 = np.load(folder / "cache" / "f0.npy")
    np.save(folder / "cache" / "phones.npy", (f0 > 0).astype(np.int8))
    right = recogniser.train(folder / "cache", folder / "recogniser.pt", steps=40, batch=4, seconds=0.8, report=lambda _: None)
    return folder, right


def test_it_learns_what_the_cache_tells(taught):
    folder, right = taught
    assert right > 0.8, right
    net = recogniser.load(folder / "recogniser.pt")
    b = Crops(folder / "cache", 0.8, 5).batch(4)
    known = b["phones"] >= 0
    assert (net(b["audio"]).argmax(-1)[known] == b["phones"][known]).float().mean() > 0.8
    assert not any(p.requires_grad for p in net.parameters())


def test_it_learns_from_clips_whose_phones_are_known_alone(taught, tmp_path):
    folder, _ = taught
    shutil.copytree(folder / "cache", tmp_path / "cache")
    crops = Crops(tmp_path / "cache", 0.4, 0)
    first = slice(crops.start[0] // 320, (crops.start[0] + crops.length[0]) // 320)
    phones = np.load(tmp_path / "cache" / "phones.npy")
    known = phones[first].copy()
    phones[:] = -1
    phones[first] = known
    np.save(tmp_path / "cache" / "phones.npy", phones)
    crops = Crops(tmp_path / "cache", 0.4, 0).only_with_phones()
    assert len(crops.rows) == 1 and set(crops.batch(8)["clip"]) == {0}
    phones[:] = -1
    np.save(tmp_path / "cache" / "phones.npy", phones)
    with pytest.raises(DataError, match="data.phones"):
        recogniser.train(tmp_path / "cache", tmp_path / "none.pt", steps=1)
    assert not (tmp_path / "none.pt").exists()


def test_the_same_audio_costs_nothing_a_change_of_level_little_and_a_change_of_sound_much(taught):
    loss = RecogniserLoss(recogniser.load(taught[0] / "recogniser.pt"))
    audio = Crops(taught[0] / "cache", 0.8, 5, level_dbfs=(-20.0, -20.0)).batch(4)["audio"]
    blurred = torch.nn.functional.avg_pool1d(audio[:, None], 31, 1, 15)[:, 0]
    same, quieter, other = (float(loss(x, audio)) for x in (audio, 0.7 * audio, blurred))
    assert same == 0 and quieter < 0.2 * other, (same, quieter, other)


def test_its_gradient_reaches_the_audio_and_not_its_own_weights():
    net = Recogniser()
    loss, audio = RecogniserLoss(net), torch.randn(2, 3210, requires_grad=True)
    loss(audio, torch.randn(2, 3210)).backward()
    assert torch.isfinite(audio.grad).all() and audio.grad.abs().sum() > 0
    assert all(p.grad is None for p in net.parameters())
    silence = torch.zeros(1, 3200, requires_grad=True)
    loss(silence, torch.zeros(1, 3200)).backward()
    assert torch.isfinite(silence.grad).all(), "silence"


def test_a_run_with_it_says_what_it_lacks_and_learns_to_be_heard_alike(data, taught):  # noqa: F811
    with pytest.raises(TrainError, match="--recogniser"):
        trainer(data, recogniser_weight=4.0)
    t = trainer(data, recogniser=recogniser.load(taught[0] / "recogniser.pt"), recogniser_weight=4.0, discriminator_width=0, augment=0.0, learning_rate=3e-3)
    apart = [float(t.train_step(0)["recogniser"]) for _ in range(80)]
    assert np.mean(apart[-10:]) < 0.8 * np.mean(apart[:5]), apart


@pytest.mark.parametrize("contents, message", [(b"no", "not a recogniser"), (None, "cannot be read")])
def test_what_is_no_recogniser_is_refused(tmp_path, contents, message):
    path = tmp_path / "other.pt"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(RecogniserError, match=f"{message}.*python -m sacodec_train.recogniser"):
        recogniser.load(path)


def test_the_command_teaches_one_and_says_what_is_wrong(taught, tmp_path):
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "sacodec_train.recogniser", *map(str, arguments)], capture_output=True, text=True)

    done = run("--cache", taught[0] / "cache", "--out", tmp_path / "r.pt", "--steps", 2)
    assert done.returncode == 0 and "2 steps" in done.stdout, done.stderr
    recogniser.load(tmp_path / "r.pt")
    done = run("--cache", tmp_path, "--out", tmp_path / "r.pt", "--steps", 2)
    assert done.returncode == 1 and "data.cache" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert "how long" in run("--cache", tmp_path, "--out", tmp_path / "r.pt").stderr

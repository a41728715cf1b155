"""What models of listeners say is told in order, and what they need is asked for in words. The models themselves judge where
requirements-listen.txt is installed: `cargo xtask test-training` installs it and sets SACODEC_LISTEN."""
import csv
import dataclasses
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf
from scipy.signal import resample_poly
from speech import voice

from sacodec_train.config import TrainConfig
from sacodec_train.evaluate import __main__ as evaluate
from sacodec_train.evaluate import listen, measures, report
from sacodec_train.evaluate.measures import LISTENING, SIGNAL

CLIP = Path(__file__).parents[2] / "tests" / "data" / "speech_24k.wav"
LISTEN = pytest.mark.skipif("SACODEC_LISTEN" not in os.environ, reason="SACODEC_LISTEN is not set: cargo xtask test-training sets it")


@pytest.mark.parametrize("wanted, found, edits", [
    ("", "", 0), ("a b c", "a b c", 0), ("a b c", "a c", 1), ("a b c", "a x c", 1), ("a b c", "a b x c", 1), ("a b c", "", 3), ("", "a b", 2),
    ("the cat sat on the mat", "cat sat in the the mat", 3),
])
def test_word_edits_are_the_fewest(wanted, found, edits):
    assert listen.word_edits(wanted.split(), found.split()) == edits
    assert listen.word_edits(found.split(), wanted.split()) == edits


def test_words_are_compared_as_they_are_spoken():
    assert listen.words("He said: “It’s a café,\nisn't it?”") == "he said its a cafe isnt it".split()
    assert listen.words("pot_of-gold 42.") == ["pot", "of", "gold", "42"]
    assert listen.words(" … ") == []


def test_word_errors_are_a_share_of_the_words_of_the_original():
    assert listen.word_error_rate("One, two, three, four.", "one two free") == 0.5
    assert listen.word_error_rate("Hi!", "hi hi hi") == 2
    assert np.isnan(listen.word_error_rate("...", "anything"))


def test_packages_that_are_missing_are_named_before_any_work(monkeypatch, capsys):
    monkeypatch.setitem(listen.MODELS, "sacodec_no_such_module", "no-such-package")
    monkeypatch.setattr(sys, "argv", ["evaluate", "nowhere", "--clips", "nowhere", "--out", "nowhere", "--listen"])
    with pytest.raises(SystemExit) as left:
        evaluate.main()
    said = capsys.readouterr().err
    assert left.value.code == 1 and "no-such-package" in said and listen.INSTALL in said and "leave --listen out" in said, said


def test_every_package_of_a_judge_is_pinned():
    path = Path(__file__).parents[1] / "requirements-listen.txt"
    pinned = [line.partition("==") for line in path.read_text(encoding="utf8").splitlines() if not line.startswith("#")]
    assert {name for name, _, version in pinned if version} == {*listen.MODELS.values(), *listen.HELPERS.values()}
    assert path.name in listen.INSTALL


def test_every_loss_says_which_measures_it_serves():
    weights = {f.name for f in dataclasses.fields(TrainConfig) if f.name.endswith("_weight")}
    assert weights == set(measures.SERVED_BY_LOSS), "a new loss: name what it serves in measures.SERVED_BY_LOSS, if nothing ()"
    served = {key for keys in measures.SERVED_BY_LOSS.values() for key in keys}
    assert served <= {*measures.keys(SIGNAL), "phones", "phones_of_both"}, "a listener's model that a loss imitates can no longer judge: take it out of LISTENING"
    assert "loudness_weight: PESQ-WB" in report.served() and "recogniser_weight: both tokens' phones" in report.served()


def scored(speaker, words, ours, theirs, listened=True):
    """A clip of `words` words, of which so many are wrong in two systems."""
    row = lambda wrong: {**dict.fromkeys(measures.keys(SIGNAL), 1.0), "kbps": 1.5, **({
        **dict.fromkeys(measures.keys(LISTENING), 2.0), "words": words, "wer": wrong / words if words else float("nan"), "word_bits": 2.0 if words else float("nan"), "heard": "so, it is"} if listened else {})}
    recording = SimpleNamespace(name=f"{speaker}{words}.wav", speaker=speaker, lang="en", gender="", band="full", bandwidth_hz=12_000.0, audio=np.zeros(24_000))
    return SimpleNamespace(recording=recording, rows=dict(ours=row(ours), theirs=row(theirs)), original={c: v for c, v in row(0).items() if c in listen.COLUMNS} if listened else {}, audio={}, tokens={}, phones=None)


def test_word_errors_count_by_word_and_are_compared_by_speaker(monkeypatch, tmp_path):
    monkeypatch.setattr(listen, "versions", lambda: "a judge 1.0")
    clips = [scored("x", 10, 1, 2), scored("x", 30, 9, 2), scored("y", 20, 0, 5), scored("z", 0, 0, 0)]
    wer = measures.of(LISTENING, "wer")
    found = report.difference(clips, "ours", "theirs", wer)
    assert found == (pytest.approx((6 / 40 - 5 / 20) / 2), pytest.approx((6 / 40 + 5 / 20) / 2), pytest.approx(2 / 3))

    text = report.write(clips, [], tmp_path, samples=0, against=["theirs"])
    pooled, by_clip = f"{10 / 60:.3f} (3)", f"{(0.1 + 0.3 + 0) / 3:.3f} (3)"
    for row in ("| system | DistillMOS | DNSMOS | Zimtohrli | speaker | WER | WER by clip | bits a word |", f"| ours | 2.00 | 2.00 | 2.00 | 2.000 | {pooled} | {by_clip} | 2.00 (3) |",
                "| original | 2.00 | 2.00 | 2.00 | 2.000 | 0.000 (3) | 0.000 (3) | 2.00 (3) |", "-0.0500 ± 0.2000 (67 %)", "By a judge 1.0.", "## DistillMOS / speaker by kind of clip"):
        assert row in text, f"{row} in {text}"
    with open(tmp_path / "clips.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["system"] for r in rows[:3]] == ["original", "ours", "theirs"] and rows[1]["wer"] == "0.1" and rows[1]["words"] == "10"
    assert rows[1]["heard"] == "so, it is" and rows[0]["pesq"] == "nan", "the original has no signal measures"


def test_without_listeners_a_table_has_no_word_of_them(tmp_path):
    text = report.write([scored("x", 10, 1, 2, listened=False)], [], tmp_path, samples=0, against=["theirs"])
    assert "DistillMOS" not in text and "PESQ-WB" in text and "original" not in text.splitlines()[4:7]
    assert "wer" not in (tmp_path / "clips.csv").read_text().splitlines()[0].split(",")


@pytest.fixture(scope="module")
def listener():
    return listen.Listener()


@LISTEN
def test_listeners_hear_what_was_done_to_speech(listener):
    clip = sf.read(CLIP, dtype="float32", frames=24_000 * 5)[0]
    noise = np.random.default_rng(0).standard_normal(len(clip)).astype(np.float32)
    noisy = clip + 0.5 * np.sqrt((clip**2).mean()) * noise
    faster = clip[np.minimum((np.arange(int(len(clip) / 1.35)) * 1.35).astype(int), len(clip) - 1)]
    other = np.pad(faster, (0, len(clip) - len(faster)))
    rows = listener.judge(clip, dict(same=clip, noisy=noisy, other=other), english=True)
    original, same = rows["original"], rows["same"]
    assert same == original and same["wer"] == 0 and same["words"] > 5 and same["speaker"] == pytest.approx(1, abs=1e-5), same
    assert same["zimtohrli"] == pytest.approx(5, abs=0.01)
    assert 0 < same["word_bits"] < rows["noisy"]["word_bits"] < 33, "words in noise are less likely, also where all of them are recognised"
    for measure in ("distill_mos", "dnsmos", "zimtohrli", "speaker"):
        assert rows["noisy"][measure] < same[measure] - 0.05, (measure, rows)
    assert rows["other"]["speaker"] < rows["noisy"]["speaker"], "a third higher it is somebody else"


@LISTEN
def test_listeners_have_figures_for_silence_and_for_other_languages(listener):
    clip = voice(1.0, 7).astype(np.float32)
    rows = listener.judge(clip, dict(silence=0 * clip), english=False)
    for row in rows.values():
        assert row["words"] == 0 and row["heard"] == "" and np.isnan(row["wer"]) and np.isnan(row["word_bits"])
        assert all(np.isfinite(row[key]) for key in ("distill_mos", "dnsmos", "zimtohrli", "speaker")), rows


@LISTEN
def test_how_likely_words_are_is_asked_in_every_window_of_a_long_recording(listener):
    short = resample_poly(sf.read(CLIP, dtype="float32", frames=24_000 * 4)[0].astype(np.float64), 2, 3).astype(np.float32)
    long = np.tile(short, 1 + listen.WINDOW_SAMPLES // len(short))
    passages = listener.transcript(long)
    assert [p.start_samples for p in passages] == [0, listen.WINDOW_SAMPLES] and all(p.pieces for p in passages), passages
    first = listener.bits(long, passages[:1])
    half = long.copy()
    half[listen.WINDOW_SAMPLES:] = 0
    assert listener.bits(half, passages[:1]) == pytest.approx(first, rel=0.05)
    lost = listener.bits(half, passages) - first
    assert lost > 2 * (listener.bits(long, passages) - first), "words of the second window are unlikely where it is silent"

"""From recordings to crops."""
import json
import shutil

import numpy as np
import pytest
import soundfile as sf
import torch
from speech import RATE_HZ, corpus, voice

from sacodec_train.config import HOP_SAMPLES
from sacodec_train.data.augment import augment
from sacodec_train.data import cache as caches
from sacodec_train.data.cache import build, split_of
from sacodec_train.data.clips import bandwidth_hz, pitch_hz
from sacodec_train.data.crops import Crops
from sacodec_train.data.sources import DataError
from sacodec_train.evaluate.recordings import read as read_recordings
from sacodec_train.losses import MelLevels, band_limit, mel_loss


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    build([corpus(folder / "speech")], folder / "cache", held_out=0.0, workers=1, report=lambda _: None)
    return folder / "cache"


def test_a_folder_of_recordings_becomes_whole_clips_with_pitch_speakers_and_bandwidths(cache):
    crops = Crops(cache, 0.5, seed=0)
    assert len(crops.rows) == 6 and {r["speaker"] for r in crops.rows} == {"speaker0", "speaker1", "speaker2"}
    assert all(int(r["samples"]) % HOP_SAMPLES == 0 for r in crops.rows)
    for r in crops.rows:
        narrow = r["speaker"] == "speaker2"
        assert (float(r["bandwidth_hz"]) <= 8000) == narrow, r
    assert (crops.f0 > 0).float().mean() > 0.4, "voices have a pitch most of the time"


def test_crops_repeat_with_their_seed_and_keep_to_level_and_full_scale(cache):
    one, two, other = (Crops(cache, 0.5, seed=s).batch(64) for s in (3, 3, 4))
    assert torch.equal(one["audio"], two["audio"]) and not torch.equal(one["audio"], other["audio"])
    assert one["audio"].shape == (64, one["f0_hz"].shape[1] * HOP_SAMPLES) and one["audio"].abs().max() <= 0.96
    level_db = 10 * torch.log10(one["audio"].square().mean(1))
    assert level_db.max() < -11 and level_db.std() > 3


def test_a_clip_shorter_than_the_crop_stands_in_a_quiet_room_with_its_pitch(cache):
    b, again = (Crops(cache, 3.0, seed=0).batch(8) for _ in range(2))
    hops = b["audio"].unflatten(1, (-1, HOP_SAMPLES)).square().mean(2).sqrt()
    room = (hops > 0.8e-4) & (hops < 1.2e-4)
    assert ((b["f0_hz"] > 0) & room).sum() == 0, "pitch where nobody speaks"
    assert room.float().mean() > 0.3 and hops.min() > 0, "digital silence is half of a loss of logarithms"
    assert torch.equal(b["audio"], again["audio"])


def test_samples_that_are_not_the_caches_are_found(cache, tmp_path):
    shutil.copytree(cache, tmp_path / "cache")
    Crops(tmp_path / "cache", 0.5, seed=0).check_samples()
    with open(tmp_path / "cache" / "pcm.npy", "r+b") as file:
        file.seek(-100, 2)
        file.write(b"\1")
    with pytest.raises(DataError, match="pcm.npy is not what it was made with"):
        Crops(tmp_path / "cache", 0.5, seed=0).check_samples()


def test_speakers_are_drawn_alike_however_much_they_said(tmp_path):
    for speaker, seconds in (("one", [3.0, 3.0]), ("two", [1.0]), ("three", [0.6])):
        (tmp_path / "speech" / speaker / "book").mkdir(parents=True)
        for n, s in enumerate(seconds):
            sf.write(tmp_path / "speech" / speaker / "book" / f"{n}.wav", voice(s, n), RATE_HZ)
    build([tmp_path / "speech"], tmp_path / "cache", held_out=0.0, workers=1, report=lambda _: None)
    for power, shares in ((0.0, dict(one=1 / 3, two=1 / 3, three=1 / 3)), (1.0, dict(one=6 / 7.6, two=1 / 7.6, three=0.6 / 7.6))):
        crops = Crops(tmp_path / "cache", 0.3, 0, speaker_power=power)
        drawn = [crops.rows[i]["speaker"] for i in crops.batch(6000)["clip"]]
        assert {s: drawn.count(s) / 6000 for s in shares} == pytest.approx(shares, abs=0.03), power


def test_what_is_for_evaluation_is_not_trained_on(tmp_path):
    corpus(tmp_path / "dev")
    (tmp_path / "dev.csv").write_text("file,speaker\n")
    for folder in (tmp_path / "dev", tmp_path):
        with pytest.raises(DataError, match="dev.csv beside it makes it a set for evaluation"):
            build([folder], tmp_path / "cache", workers=1)


def test_shards_become_their_clips_with_pitch_and_what_the_table_says(tmp_path):
    (tmp_path / "all" / "shards").mkdir(parents=True)
    shard = tmp_path / "all" / "shards" / "shard00.opus"
    clips = [voice(1.0, 1), voice(0.7, 2, top_hz=7000.0)]
    lengths = [len(c) for c in clips]
    starts = [480, 480 + lengths[0] + 100]
    stream = np.concatenate([np.zeros(480), clips[0], np.zeros(100), clips[1], np.zeros(480)])
    sf.write(shard, stream, RATE_HZ, format="OGG", subtype="OPUS")
    pitch = [pitch_hz(c) for c in clips]
    np.save(shard.with_suffix(".f0.npy"), np.concatenate(pitch))
    table = ["start,end,source,speaker,gender,lang,licence,bandwidth_hz,path,text"]
    table += [f"{s},{s + n},corpus,s{i},F,en,CC0-1.0,{b},{i}.wav,words" for i, (s, n, b) in enumerate(zip(starts, lengths, (12_000, 7000)))]
    shard.with_suffix(".csv").write_text("\n".join(table) + "\n")
    build([shard.parent], tmp_path / "cache", held_out=0.0, workers=1, report=lambda _: None)
    crops = Crops(tmp_path / "cache", 0.3, seed=0)
    assert [(r["speaker"], r["lang"], r["licence"], r["text"], float(r["bandwidth_hz"])) for r in crops.rows] == [
        ("s0", "en", "CC0-1.0", "words", 12_000), ("s1", "en", "CC0-1.0", "words", 7000)]
    for r, clip, hz in zip(crops.rows, clips, pitch):
        start, count = int(r["start"]), int(r["samples"])
        assert count == len(clip) // HOP_SAMPLES * HOP_SAMPLES
        assert np.corrcoef(crops.pcm[start:start + count], clip[:count])[0, 1] > 0.9, "another place of the stream"
        assert np.array_equal(crops.f0[start // HOP_SAMPLES:(start + count) // HOP_SAMPLES], hz)
    assert [(s["source"], s["licence"]) for s in crops.sources] == [("corpus", "CC0-1.0")]
    with pytest.raises(DataError, match="shard00.opus: a shard, which is many clips: name its own folder"):
        build([tmp_path / "all"], tmp_path / "cache", workers=1)
    shard.with_suffix(".csv").write_text("\n".join(table) + f"\n{starts[1]},{len(stream) + 9600},corpus,s2,F,en,CC0-1.0,7000,2.wav,\n")
    with pytest.raises(DataError, match="the table names samples"):
        build([shard.parent], tmp_path / "cache", workers=1)


def test_speakers_are_split_whole_and_always_alike():
    splits = [split_of(f"corpus/speaker{i}", 0.2) for i in range(1000)]
    assert splits == [split_of(f"corpus/speaker{i}", 0.2) for i in range(1000)]
    assert 150 < splits.count("valid") < 250


def test_pitch_and_bandwidth_are_found():
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * 120 * h * t) / h for h in range(1, 60))
    found = pitch_hz(0.2 * tone)
    assert abs(np.median(found[found > 0]) - 120) < 2
    assert 7000 < bandwidth_hz(0.2 * tone) < 7400, "59 harmonics of 120 Hz"
    assert bandwidth_hz(voice(2.0, 1)) > 10_500


@pytest.mark.parametrize("floor_db", [-140, -120, -105])
def test_a_quiet_recording_that_ends_at_8_khz_is_not_wide(floor_db):
    rng, n = np.random.default_rng(0), 2 * RATE_HZ
    narrow = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * (np.fft.rfftfreq(n, 1 / RATE_HZ) < 8000))
    quiet = 0.05 * narrow / np.abs(narrow).max() + 10 ** (floor_db / 20) * rng.standard_normal(n)
    assert 7900 < bandwidth_hz(quiet) < 8200


def test_what_a_narrow_recording_lacks_costs_nothing():
    levels = MelLevels()
    loss = lambda audio, target: float(mel_loss(levels(audio), levels(target)))
    target = torch.from_numpy(voice(1.0, 5)).float()[None]
    narrow = band_limit(target, torch.tensor([6000.0]))
    assert loss(target, narrow) > 0.05, "a missing top is heard"
    limited = [band_limit(x, torch.tensor([6000.0])) for x in (target, narrow)]
    assert loss(*limited) < 0.2 * loss(target, narrow)
    assert torch.equal(band_limit(target, torch.tensor([12_000.0])), target)
    top = lambda x: torch.fft.rfft(x).abs()[0, int(11_100 * x.shape[1] / RATE_HZ):].square().sum()
    noise = torch.randn(1, RATE_HZ, generator=torch.Generator().manual_seed(0))
    assert top(band_limit(noise, torch.tensor([11_025.0]))) < 1e-3 * top(noise), "the end of a recording at 22,050 Hz"


def test_augmentation_is_light_and_keeps_the_rest_as_it_is():
    x = torch.from_numpy(np.stack([voice(0.5, s) for s in range(16)])).float()
    y = augment(x, 0.5, torch.Generator().manual_seed(1))
    changed = (y - x).square().mean(1) / x.square().mean(1)
    assert (changed < 1e-9).sum() >= 2 and (changed > 1e-6).sum() >= 6
    assert changed.max() < 0.3 and torch.equal(augment(x, 0.0), x)


def test_a_build_that_fails_or_is_interrupted_leaves_the_cache_that_was(cache, tmp_path, monkeypatch):
    shutil.copytree(cache, tmp_path / "cache")
    np.save(tmp_path / "cache" / "phones.npy", np.zeros(3, np.int8))
    (tmp_path / "bad" / "a").mkdir(parents=True)
    sf.write(tmp_path / "bad" / "a" / "0.wav", voice(1.0, 1), RATE_HZ)
    (tmp_path / "bad" / "b.wav").write_bytes(b"RIFF nonsense")
    held = lambda: {p.name: p.read_bytes() for p in (tmp_path / "cache").iterdir()}
    before = held()
    for out in ("cache", "new"):
        with pytest.raises(DataError, match="b.wav"):
            build([tmp_path / "bad"], tmp_path / out, workers=1)
    (tmp_path / "bad" / "b.wav").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(caches, "sha256_of", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build([tmp_path / "bad"], tmp_path / "cache", workers=1)
    assert held() == before and not (tmp_path / "new").exists()
    said = []
    build([tmp_path / "bad"], tmp_path / "cache", held_out=1.0, workers=1, report=said.append)
    assert said == ["1 clips, 1 speakers (1 held out), 0.00 h"]
    assert sorted(held()) == ["cache.json", "clips.csv", "f0.npy", "pcm.npy"], "phones of the cache that was"
    Crops(tmp_path / "cache", 0.3, 0, split="valid").check_samples()
    assert json.loads(held()["cache.json"])["hours"] == pytest.approx(1 / 3600)


def test_a_folder_counts_once_and_has_to_be_one(tmp_path):
    speech = corpus(tmp_path / "speech", speakers=1, clips=1)
    with pytest.raises(DataError, match="speech: named twice"):
        build([speech, tmp_path / "speech" / ".." / "speech"], tmp_path / "out", workers=1)
    with pytest.raises(DataError, match="0.wav: a file; name the folder"):
        build([speech / "speaker0" / "0.wav"], tmp_path / "out", workers=1)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        build([tmp_path / "nowhere"], tmp_path / "out", workers=1)
    (speech / "speaker0" / "0.txt").write_bytes("Käse".encode("latin1"))
    with pytest.raises(DataError, match="0.txt: not UTF-8"):
        build([speech], tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments, message", [
    (["--held-out", "1.5"], "--held-out: '1.5', expected 0 to 1"),
    (["--held-out", "nan"], "--held-out: 'nan', expected 0 to 1"),
    (["--workers", "0"], "--workers: '0', expected a whole number, at least 1"),
    (["--lang", "English"], "--lang: 'English', expected two or three lower-case letters"),
    ([], "a file; name the folder"),
])
def test_a_cache_is_made_of_what_makes_sense(tmp_path, monkeypatch, capsys, arguments, message):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("sys.argv", ["cache", str(tmp_path / "file"), "--out", str(tmp_path / "out"), *arguments])
    with pytest.raises(SystemExit) as left:
        caches.main()
    assert left.value.code == (2 if arguments else 1) and message in capsys.readouterr().err


def test_recordings_of_a_table_that_are_not_there_are_left_out(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev.csv").write_text("file,speaker\n0.wav,a\n1.wav,b\n2.wav,c\n3.wav,d\n")
    with pytest.raises(DataError, match="none of the recordings of dev.csv is there"):
        read_recordings(tmp_path / "dev")
    for n in (1, 2, 3):
        sf.write(tmp_path / "dev" / f"{n}.wav", voice(0.6, n), RATE_HZ)
    said = []
    assert [r.speaker for r in read_recordings(tmp_path / "dev", report=said.append)] == ["b", "c", "d"]
    assert len(said) == 1 and said[0].endswith("dev.csv: 1 of 4 recordings are not there and left out")
    assert [r.speaker for r in read_recordings(tmp_path / "dev", 2, said.append)] == ["b", "d"]


@pytest.mark.parametrize("make, message", [
    (lambda f: None, "no shards .* and no recordings"),
    (lambda f: (f / "broken.wav").write_bytes(b"RIFF nonsense"), "broken.wav"),
    (lambda f: sf.write(f / "short.wav", np.zeros(100), 24_000), "long enough"),
])
def test_data_that_cannot_be_used_is_refused_in_words(tmp_path, make, message):
    (tmp_path / "in").mkdir()
    make(tmp_path / "in")
    with pytest.raises(DataError, match=message):
        build([tmp_path / "in"], tmp_path / "out", workers=1, report=lambda _: None)
    with pytest.raises(DataError, match="not a finished cache"):
        Crops(tmp_path / "out", 1.0, 0)

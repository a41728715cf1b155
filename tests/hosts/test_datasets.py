"""`sacodec dataset`: shards are read by the programs that they are made for, as the manual says."""
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pandas
import pytest
import soundfile as sf

from hosts import built

ROOT = Path(__file__).resolve().parents[2]
MISSING = 65535


def sacodec(folder, *arguments, code=0):
    done = subprocess.run([built("SACODEC_BIN"), *arguments], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{arguments}: {done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else done.stdout


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Seven takes, one of them with two channels and one with a gap -> folder, tokens [frames, channels, 2] by key."""
    folder, rng = tmp_path_factory.mktemp("corpus"), np.random.default_rng(7)
    for number in range(7):
        path = folder / "in" / f"speaker{number % 2}" / f"take.{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, rng.uniform(-0.5, 0.5, (6_000 + 700 * number, 2 if number == 3 else 1)), 16_000)
    sacodec(folder, "encode", "in", "--output", "takes")
    cut = folder / "in" / "speaker0" / "take.0.wav"
    cut.write_bytes(cut.read_bytes()[:-4_000])
    sacodec(folder, "encode", "in/speaker0/take.0.wav", "takes/speaker0/take.0.sac", "--salvage", "--overwrite", code=3)
    sacodec(folder, "convert", "takes", "--output", "npy", code=3)
    arrays = sorted((folder / "npy").rglob("*.npy"))
    return folder, {str(path.relative_to(folder / "npy"))[:-4]: np.load(path) for path in arrays}


def shards(corpus, kind):
    folder, _ = corpus
    reports = sacodec(folder, "dataset", "takes", "--to", kind, "--output", kind, "--takes-per-shard", "3", "--json",
                      "--overwrite", code=3)
    assert [report["takes"] for report in reports] == [3, 3, 1] and sum(r["rows"] for r in reports) == 8
    assert [len(report["not_whole"]) for report in reports] == [1, 0, 0]
    paths = sorted((folder / kind).glob("tokens-*"))
    assert [path.name.split(".")[0] for path in paths] == [f"tokens-0000{i}-of-00003" for i in range(3)]
    # The same takes give the same bytes, on any number of threads; and nothing is replaced unless asked.
    before = [path.read_bytes() for path in paths]
    sacodec(folder, "dataset", "takes", "--to", kind, "--output", kind, "--takes-per-shard", "3", code=1)
    sacodec(folder, "dataset", "takes", "--to", kind, "--output", kind, "--takes-per-shard", "3", "--jobs", "3",
            "--overwrite", code=3)
    assert [path.read_bytes() for path in paths] == before
    return paths


def rows(arrays):
    """Key, channel and tokens [frames, 2] of each row."""
    return [(key, channel, tokens[:, channel]) for key, tokens in arrays.items() for channel in range(tokens.shape[1])]


def test_numpy_reads_npz(corpus):
    found = []
    for path in shards(corpus, "npz"):
        with np.load(path) as shard:
            assert shard["tokens"].dtype == np.uint16 and shard["offsets"][-1] == len(shard["tokens"])
            assert np.array_equal(np.diff(shard["offsets"]), shard["lengths"])
            for i, (key, channel) in enumerate(zip(shard["keys"].tolist(), shard["channels"].tolist())):
                tokens = shard["tokens"][shard["offsets"][i]:shard["offsets"][i + 1]]
                assert shard["missing_frames"][i] == (tokens[:, 0] == MISSING).sum()
                found.append((key, channel, tokens))
    due = rows(corpus[1])
    assert [row[:2] for row in found] == [row[:2] for row in due]
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(found, due))


def test_pandas_reads_parquet(corpus):
    pytest.importorskip("pyarrow")
    table = pandas.concat(map(pandas.read_parquet, shards(corpus, "parquet")))
    check_table(table, corpus[1])
    assert table.source.tolist() == [f"{key.split('/')[1]}.wav" for key in table.key]
    assert table.missing_frames.sum() > 0 and (table.seconds > 0.3).all()


def check_table(table, arrays):
    due = rows(arrays)
    assert list(zip(table.key, table.channel)) == [row[:2] for row in due]
    for semantic, acoustic, frames, (_, _, tokens) in zip(table.semantic, table.acoustic, table.frames, due):
        assert frames == len(tokens)
        assert np.array_equal(semantic, tokens[:, 0]) and np.array_equal(acoustic, tokens[:, 1])


def test_pandas_reads_jsonl(corpus):
    table = pandas.concat(pandas.read_json(path, lines=True) for path in shards(corpus, "jsonl"))
    for name in ("semantic", "acoustic"):
        table[name] = [[MISSING if token is None else token for token in row] for row in table[name]]
    check_table(table, corpus[1])


def test_a_tar_has_what_webdataset_expects(corpus):
    """Files of one sample follow each other and share a name up to the first dot."""
    found = {}
    for path in shards(corpus, "webdataset"):
        with tarfile.open(path) as tar:
            names = tar.getnames()
            assert [re.sub(r"[^/.]*(?:/[^/.]*)?", "", name, count=1) for name in names] == [".tokens.npy", ".json"] * (
                len(names) // 2)
            for name in names[::2]:
                key = name.removesuffix(".tokens.npy")
                facts = json.load(tar.extractfile(f"{key}.json"))
                found[key] = np.load(io.BytesIO(tar.extractfile(name).read()))
                assert facts["key"] == key and facts["channels"] == found[key].shape[1]
                assert facts["frames"] == len(found[key])
    due = {f"{folder}/{name.replace('.', '_')}": tokens for key, tokens in corpus[1].items()
           for folder, name in [key.split("/")]}
    assert list(found) == list(due) and all(np.array_equal(found[key], due[key]) for key in due)


@pytest.mark.parametrize("library, kind", [("pyarrow", "parquet"), ("datasets", "parquet"),
                                           ("webdataset", "webdataset")])
def test_the_lines_of_the_manual_read_what_they_say(corpus, library, kind, monkeypatch):
    pytest.importorskip(library)
    shards(corpus, kind) if not (corpus[0] / kind).exists() else None
    imported = {"pyarrow": "pandas"}.get(library, library)
    manual = (ROOT / "docs" / "manual.md").read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```python\n(.*?)```", manual, re.S) if imported in b and "tokens-" in b)
    monkeypatch.chdir(corpus[0] / kind)
    monkeypatch.setenv("HF_HOME", str(corpus[0] / "hf"))
    values = {}
    exec(block.replace("data/", ""), values)  # noqa: S102: our own manual
    assert values["frames"] == sum(len(tokens) for tokens in corpus[1].values()) + len(corpus[1]["speaker1/take.3"]) * (
        library != "webdataset")


def test_what_cannot_be_a_dataset_is_refused(corpus, tmp_path):
    folder, _ = corpus
    (tmp_path / "x").mkdir()
    for name in ("a.b.sac", "a_b.sac"):
        (tmp_path / "x" / name).write_bytes((folder / "takes" / "speaker1" / "take.1.sac").read_bytes())
    sacodec(tmp_path, "dataset", "x", "--to", "webdataset", "--output", "out", code=1)
    sacodec(tmp_path, "dataset", "x", "--to", "npz", "--output", "out")
    (tmp_path / "x" / "bad.sac").write_text("no take")
    sacodec(tmp_path, "dataset", "x", "--to", "parquet", "--output", "other", code=1)
    assert not list((tmp_path / "other").iterdir()), "a shard with less than it should have"

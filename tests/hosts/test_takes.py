"""Takes recorded in VST3 hosts, and the Python reader against the Rust writer."""
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas
import pytest
import soundfile as sf

from hosts import Dawdreamer, Pedalboard, built
from signals import speech

sys.path.insert(0, str(Path(__file__).parents[2] / "python"))
import sacodec_tokens  # noqa: E402


def sacodec(*arguments, code=0):
    """Runs the command -> its standard output."""
    done = subprocess.run([built("SACODEC_BIN"), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{arguments}: {done.returncode}: {done.stderr}"
    return done.stdout


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where takes go, as all formats."""
    monkeypatch.setenv("SACODEC_TAKES", str(tmp_path / "takes"))
    monkeypatch.setenv("SACODEC_FORMATS", "npy,wav,csv,jsonl")
    return tmp_path / "takes"


def encoded(folder, audio, rate_hz, *arguments):
    """`sacodec encode` of audio [channels, samples] -> tokens."""
    wav, take, npy = (folder.parent / f"reference.{e}" for e in ("wav", "sac", "npy"))
    sf.write(wav, audio.T, rate_hz, "FLOAT")
    sacodec("encode", wav, take, "--overwrite", *arguments)
    sacodec("convert", take, npy, "--overwrite")
    return np.load(npy)


def closed(folder, suffix):
    """The one file of this kind, which a host's thread may still be about to close."""
    deadline = time.monotonic() + 30
    while not (found := sorted(folder.glob(f"*{suffix}"))):
        assert time.monotonic() < deadline, f"no take: {sorted(folder.glob('*'))}"
        time.sleep(0.02)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("rate_hz, block, channels, mode", [
    (48_000, 512, 1, "Mono sum"), (44_100, 64, 2, "Dual mono"), (48_000, 8192, 2, "Mono sum"),
])
def test_pedalboard_records_what_the_command_encodes(folder, rate_hz, block, channels, mode):
    audio = speech(channels, 2.0, rate_hz)
    host = Pedalboard()
    host.set({"Record tokens": 1.0})
    coded = host.render(audio, rate_hz, block, Channels=mode)
    del host
    gc.collect()
    tokens = np.load(closed(folder, ".npy"))
    frames = int(np.ceil(audio.shape[1] / rate_hz * 75))
    # The host feeds silence after the audio until the latency is over.
    padded = np.pad(audio, ((0, 0), (0, rate_hz)))
    expected = encoded(folder, padded, rate_hz, "--channels", "each" if mode == "Dual mono" else "sum")
    assert frames <= len(tokens) <= len(expected)
    assert np.array_equal(tokens, expected[:len(tokens)])
    decoded, _ = sf.read(closed(folder, ".wav"), dtype="float32", always_2d=True)
    assert np.abs(decoded.T[:, :audio.shape[1]] - coded[:decoded.shape[1]]).max() <= 1e-4


@pytest.mark.parametrize("rate_hz, block", [(48_000, 480), (44_100, 1024)])
def test_dawdreamer_records_what_the_command_encodes(folder, rate_hz, block):
    audio = speech(1, 2.0, rate_hz)
    host = Dawdreamer(rate_hz, block)
    late = host.render_raw(audio, Record_tokens=1.0)
    latency = host.latency_samples
    del host
    gc.collect()
    tokens = np.load(closed(folder, ".npy"))
    padded = np.pad(audio, ((0, 0), (0, rate_hz)))
    expected = encoded(folder, padded, rate_hz)
    assert len(tokens) >= int(audio.shape[1] / rate_hz * 75)
    assert np.array_equal(tokens, expected[:len(tokens)])
    decoded, _ = sf.read(closed(folder, ".wav"), dtype="float32")
    length = min(len(decoded), audio.shape[1] - latency)
    assert np.abs(decoded[:length] - late[0, latency:latency + length]).max() <= 1e-4
    take = sacodec_tokens.read(closed(folder, ".sac"))
    assert take.finished and not take.damage and take.present.all()


@pytest.mark.parametrize("channels, rate_hz", [(1, 48_000), (2, 44_100), (1, 8_000)])
def test_the_python_reader_reads_what_the_command_writes(folder, channels, rate_hz):
    folder.mkdir()
    expected = encoded(folder, speech(channels, 3.0, rate_hz), rate_hz)
    path = folder.parent / "reference.sac"
    take = sacodec_tokens.read(path)
    assert take.tokens.dtype == np.uint16 and np.array_equal(take.tokens, expected)
    assert take.finished and take.present.all() and not take.damage
    csv, jsonl = folder / "t.csv", folder / "t.jsonl"
    sacodec("convert", path, csv)
    sacodec("convert", path, jsonl)
    table, frame = pandas.read_csv(csv), pandas.DataFrame(take.columns())
    assert list(table.columns) == list(frame.columns)
    for name in table.columns:
        assert np.allclose(table[name].astype(float), frame[name].astype(float), equal_nan=True), name
    lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    assert [line["semantic"] for line in lines] == expected[:, :, 0].tolist()
    assert np.allclose([line["position_seconds"] for line in lines], take.position_seconds)


def test_the_python_reader_agrees_with_the_command_on_damaged_takes(folder):
    folder.mkdir()
    expected = encoded(folder, speech(1, 4.0, 24_000), 24_000)
    sound = (folder.parent / "reference.sac").read_bytes()
    rng = np.random.default_rng(7)
    damaged = folder / "damaged.sac"
    for _ in range(40):
        data = bytearray(sound)
        for at in rng.integers(len(sound) - 600, len(sound), rng.integers(1, 4)):
            data[at] ^= 1 << rng.integers(8)
        data = data[:rng.integers(len(sound) - 300, len(sound) + 1)]
        damaged.write_bytes(data)
        take = sacodec_tokens.read(damaged)
        there = take.present
        assert np.array_equal(take.tokens[there], expected[:len(there)][there])
        done = subprocess.run([built("SACODEC_BIN"), "info", "--json", damaged], capture_output=True, text=True)
        info = json.loads(done.stdout)
        assert info["frames"] == len(take.tokens) and info["missing_frames"] == (~there).sum()
        assert [(d["offset"], d["bytes"]) for d in info["damage"]] == take.damage
        assert info["finished"] == take.finished
    for cut in range(0, 600, 7):
        with pytest.raises(sacodec_tokens.SacError):
            sacodec_tokens.read(sound[:min(cut, 300)])
    with pytest.raises(sacodec_tokens.SacError, match="version 2"):
        sacodec_tokens.read(sound[:8] + b"\2" + sound[9:])


def test_flipping_any_bit_never_gives_python_a_wrong_token(folder):
    folder.mkdir()
    expected = encoded(folder, speech(1, 1.5, 24_000), 24_000)
    sound = (folder.parent / "reference.sac").read_bytes()
    for bit in range(0, 8 * len(sound), 3):
        data = bytearray(sound)
        data[bit // 8] ^= 1 << bit % 8
        try:
            take = sacodec_tokens.read(data)
        except sacodec_tokens.SacError:
            continue
        assert np.array_equal(take.tokens[take.present], expected[:len(take.present)][take.present]), f"bit {bit}"
        assert take.damage or not take.finished, f"bit {bit} went unnoticed"


def test_the_readers_summary_names_what_it_cannot_read(folder):
    folder.mkdir()
    encoded(folder, speech(1, 1.0, 24_000), 24_000)
    (folder / "not.sac").write_bytes(b"RIFF")
    path = os.pathsep.join([str(Path(sacodec_tokens.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    paths = [folder.parent / "reference.sac", folder / "not.sac", folder / "missing.sac"]
    done = subprocess.run([sys.executable, "-m", "sacodec_tokens", *paths], capture_output=True, text=True,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path})
    assert done.returncode == 1
    assert "75 frames" in done.stdout and "finished" in done.stdout
    assert "not.sac" in done.stderr and "missing.sac" in done.stderr

"""What the command reads of audio files, against libsndfile: a matrix of formats, widths, rates, sizes and damage.

Each file is coded, and so is what libsndfile read of it, as a WAV file of 32-bit floats. The takes must be equal.
`crates/sacodec-cli/tests/command/audio` compares samples, also where libsndfile itself is wrong.
"""
import json
import struct
import subprocess

import numpy as np
import pytest
import soundfile as sf

from hosts import built

SUBTYPES = {
    "WAV": ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"],
    "WAVEX": ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"],
    "RF64": ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"],
    "FLAC": ["PCM_S8", "PCM_16", "PCM_24"],
}
SHAPES = [(1, 8_000, 701), (2, 44_100, 4_999), (3, 96_000, 9_000)]


def encode(folder, code, *arguments):
    """Codes everything in `in` -> the report's lines by the names of the files."""
    done = subprocess.run([built("SACODEC_BIN"), "encode", "in", "--output", "out", "--json", *arguments], cwd=folder,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == code, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return {line["input"].removeprefix("in/"): line for line in lines}


def write(path, container, subtype, channels, rate_hz, length):
    path.parent.mkdir(exist_ok=True)
    samples = np.random.default_rng(length).uniform(-0.9, 0.9, (length, channels))
    sf.write(path, samples, rate_hz, subtype=subtype, format=container)


def with_sizes(data, riff, size):
    """A WAV file whose two sizes say something else; None leaves one as it is."""
    at, data = data.index(b"data") + 4, bytearray(data)
    if riff is not None:
        data[4:8] = struct.pack("<I", riff)
    if size is not None:
        data[at:at + 4] = struct.pack("<I", size)
    return bytes(data)


def compare_with_libsndfile(folder):
    """Codes what libsndfile reads of each file in `in`, and compares the takes."""
    (folder / "read").mkdir()
    reports, names = encode(folder, 0), []
    for path in sorted((folder / "in").iterdir()):
        samples, rate_hz = sf.read(path, dtype="float32", always_2d=True)
        assert len(samples) > 0, path.name
        sf.write(folder / "read" / f"{path.stem}.wav", samples, rate_hz, subtype="FLOAT", format="WAV")
        names.append(path.name)
    assert sorted(reports) == sorted(names)
    done = subprocess.run([built("SACODEC_BIN"), "encode", "read", "--output", "due"], cwd=folder, capture_output=True,
                          text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([built("SACODEC_BIN"), "compare", "out", "due"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return names


def test_every_format_width_and_rate_is_read_as_libsndfile_reads_it(tmp_path):
    for container, subtypes in SUBTYPES.items():
        for subtype in subtypes:
            for channels, rate_hz, length in SHAPES:
                name = f"{container}-{subtype}-{channels}.{'flac' if container == 'FLAC' else 'wav'}"
                write(tmp_path / "in" / name, container, subtype, channels, rate_hz, length)
    assert len(compare_with_libsndfile(tmp_path)) == 3 * sum(map(len, SUBTYPES.values()))


def test_sizes_that_lie_are_read_as_libsndfile_reads_them(tmp_path):
    write(tmp_path / "sound.wav", "WAV", "PCM_16", 2, 16_000, 3_000)
    sound = (tmp_path / "sound.wav").read_bytes()
    (tmp_path / "in").mkdir()
    # RIFF and data: ffmpeg, SoX and arecord into a pipe, and a RIFF size alone that is wrong.
    lies = {"ffmpeg": (0xFFFFFFFF, 0xFFFFFFFF), "sox": (0x7FFFF024, 0x7FFFF000), "arecord": (0x80000024, 0x80000000),
            "small": (4, None), "zero": (0, None), "large": (123_456_789, None)}
    for name, (riff, size) in lies.items():
        (tmp_path / "in" / f"{name}.wav").write_bytes(with_sizes(sound, riff, size))
    at = sound.index(b"data")
    chunk = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf60.16.100\0"
    (tmp_path / "in" / "before.wav").write_bytes(sound[:at] + chunk + sound[at:])
    (tmp_path / "in" / "after.wav").write_bytes(sound + chunk)
    assert len(compare_with_libsndfile(tmp_path)) == len(lies) + 2


@pytest.mark.parametrize("container, subtype", [("FLAC", "PCM_16"), ("WAV", "PCM_16"), ("WAV", "FLOAT")])
def test_what_is_damaged_or_cut_is_never_coded_as_less_or_as_something_else(tmp_path, container, subtype):
    """libsndfile gives what is left of cut files without a word. The command must not."""
    extension = container.lower()
    write(tmp_path / f"sound.{extension}", container, subtype, 1, 16_000, 20_000)
    sound = (tmp_path / f"sound.{extension}").read_bytes()
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(19)
    for number in range(24):
        at = int(rng.integers(len(sound) // 4, len(sound)))
        (tmp_path / "in" / f"cut{number}.{extension}").write_bytes(sound[:at])
        if container == "FLAC":
            flipped = bytearray(sound)
            flipped[at] ^= 1 << int(rng.integers(8))
            (tmp_path / "in" / f"flipped{number}.flac").write_bytes(flipped)
    reports = encode(tmp_path, 1)
    assert len(reports) == (48 if container == "FLAC" else 24)
    for name, report in reports.items():
        assert name in report["error"] and ("damaged" in report["error"] or "cut" in report["error"]
                                            or "bytes into a sample" in report["error"]), report
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())

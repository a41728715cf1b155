"""A tiny writer of docs/sac-format.md: strings of bits, one record a call."""
import json
import struct
import zlib

import numpy as np

from sacodec_tokens import MISSING

NAN = float("nan")
PLAYING, RECORDING, SEGMENT, RESET = 1, 2, 4, 8


def fields(**changes):
    """Fields of a header."""
    return {"pack": {"name": "test", "version": "1", "sha256": "0" * 64}, "codec_rate_hz": 24000, "hop_samples": 320,
            "codebooks": {"semantic": 1000, "acoustic": 1024}, "channels": 1, "host_rate_hz": 48000.0, **changes}


def sealed(data):
    return data + struct.pack("<I", zlib.crc32(data))


def preamble(content, major=1, minor=0):
    start = b"\x89SAC\r\n\x1a\n" + struct.pack("<HHI", major, minor, len(content))
    return start + struct.pack("<I", zlib.crc32(start + content)) + content


def header(**changes):
    return preamble(json.dumps(fields(**changes)).encode())


def block(index, tokens, sizes=(1000, 1024), spare="0"):
    """Frames: tokens [frames][channels][2]."""
    widths = [len(f"{size - 1:b}") for size in sizes]
    bits = "".join(f"{t:0{w}b}" for frame in tokens for channel in frame for t, w in zip(channel, widths))
    bits += spare * (-len(bits) % 8)
    packed = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return sealed(struct.pack("<BH", len(tokens), index % 65536) + packed)


def record(tag, body):
    return sealed(struct.pack("<BH", tag, len(body)) + body)


def anchor(index, flags=PLAYING, stream=0.0, samples=NAN, quarters=NAN, tempo=NAN, heard=None):
    body = struct.pack("<IB4d", index, flags, stream, samples, quarters, tempo)
    return record(0xA0, body + (b"" if heard is None else struct.pack("<d", heard)))


def gap(index, count, reason=1):
    return record(0xA1, struct.pack("<IIB", index, count, reason))


def footer(frames):
    return record(0xAF, json.dumps({"frames": frames, "closed": "record off"}).encode())


def random_tokens(frames, channels=1, sizes=(1000, 1024), seed=7):
    return np.random.default_rng(seed).integers(0, sizes, (frames, channels, 2))


def small_take(channels=1, sizes=(1000, 1024)):
    """Two segments, a gap, a record of a later version, 12 frames -> bytes, tokens (-1 where missing)."""
    tokens = random_tokens(12, channels, sizes)
    tokens[5:7] = -1
    data = header(channels=channels, codebooks=dict(zip(("semantic", "acoustic"), sizes)))
    data += anchor(0, PLAYING | SEGMENT | RESET, 0.0, 100.0, 2.0, 120.0) + block(0, tokens[:5], sizes)
    data += gap(5, 2) + record(0x90, b"later") + block(7, tokens[7:9], sizes)
    data += anchor(9, RECORDING | SEGMENT, 5760.0, -48.0, 8.0, 90.0) + block(9, tokens[9:], sizes) + footer(12)
    return data, tokens


def only_true_tokens(take, written):
    """Whether each token that was read is the one that was written there, and all else is marked as missing."""
    there = np.flatnonzero(take.present)
    return (take.tokens.dtype == np.uint16 and len(take.present) == len(take.tokens)
            and (not len(there) or there[-1] < len(written))
            and np.array_equal(take.tokens[there], written[there])
            and bool((take.tokens[~take.present] == MISSING).all()))

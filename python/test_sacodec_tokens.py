"""The Python reader against a tiny writer of docs/sac-format.md made here, and against damage of every kind.

    PYTHONDONTWRITEBYTECODE=1 python -m pytest -p no:cacheprovider -q python

No file that it is given may make it raise anything but `SacError`, allocate much, or give a token that was not
written at that place. Two holes of the format itself, which every reader of it shares, are marked as expected
failures.
"""
import io
import json
import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

import sacodec_tokens
from sacodec_tokens import MISSING, SacError, read

SPECIFICATION = Path(sacodec_tokens.__file__).resolve().parents[1] / "docs" / "sac-format.md"
NAN = float("nan")
PLAYING, RECORDING, SEGMENT, RESET = 1, 2, 4, 8
PER_FRAME = ("seconds", "stream_samples", "position_samples", "position_seconds", "position_quarters", "tempo_bpm",
             "segment", "playing", "recording")


# A writer: strings of bits, one record a call.

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


def anchor(index, flags=PLAYING, stream=0.0, samples=NAN, quarters=NAN, tempo=NAN):
    return record(0xA0, struct.pack("<IB4d", index, flags, stream, samples, quarters, tempo))


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


# What a sound take gives.

def test_the_example_of_the_specification_is_read():
    dump = SPECIFICATION.read_text(encoding="utf-8").split("```hex\n")[1].split("```")[0]
    take = read(bytes.fromhex(" ".join(line.split("#")[0] for line in dump.splitlines())))
    assert take.tokens.tolist() == [[[1, 2]], [[999, 1023]]]
    assert take.finished and take.present.all() and not take.damage and not take.gaps
    assert take.position_samples.tolist() == [0, 640] and take.tempo_bpm.tolist() == [120, 120]
    assert take.header["codebooks"]["acoustic"] == 1024 and take.footer["length_samples"] == 1280
    assert take.frame_rate_hz == 75


@pytest.mark.parametrize("channels", [1, 2, 3, 16])
@pytest.mark.parametrize("sizes", [(1000, 1024), (2, 2), (1025, 3), (65535, 65535), (2, 65535), (1024, 1024)])
@pytest.mark.parametrize("frames", [1, 2, 74, 75])
def test_tokens_come_back_at_every_shape(channels, sizes, frames):
    tokens = random_tokens(2 * frames, channels, sizes)
    tokens[0], tokens[-1] = 0, np.array(sizes) - 1
    books = dict(zip(("semantic", "acoustic"), sizes))
    data = header(channels=channels, codebooks=books) + anchor(0)
    data += block(0, tokens[:frames], sizes) + block(frames, tokens[frames:], sizes) + footer(2 * frames)
    take = read(data)
    assert np.array_equal(take.tokens, tokens) and take.tokens.dtype == np.uint16
    assert take.present.all() and not take.damage and take.finished


def test_paths_files_and_bytes_give_the_same(tmp_path):
    data, tokens = small_take()
    path = tmp_path / "take.sac"
    path.write_bytes(data)
    with open(path, "rb") as file:
        takes = [read(source) for source in (path, str(path), data, bytearray(data), memoryview(data), file,
                                             io.BytesIO(data))]
    assert all(only_true_tokens(take, tokens) and take.finished for take in takes)


def test_places_follow_the_anchors():
    take = read(small_take()[0])
    assert not take.damage and [tuple(g)[:2] for g in take.gaps] == [(5, 2)]
    assert np.flatnonzero(~take.present).tolist() == [5, 6]
    frames = np.arange(12)
    assert take.stream_samples.tolist() == (640.0 * frames).tolist()
    assert take.position_samples.tolist() == [100.0 + 640 * i for i in range(9)] + [-48.0] * 3
    assert np.allclose(take.position_seconds, take.position_samples / 48000)
    assert np.allclose(take.position_quarters, [2 + i * 2 / 75 for i in range(9)] + [8.0] * 3)
    assert take.tempo_bpm.tolist() == [120.0] * 9 + [90.0] * 3
    assert take.segment.tolist() == [0] * 9 + [1] * 3
    assert take.playing.tolist() == [True] * 9 + [False] * 3
    assert take.recording.tolist() == [False] * 9 + [True] * 3
    assert np.allclose(take.seconds, frames / 75)


def test_what_is_not_known_is_nan():
    tokens = random_tokens(4)
    take = read(header() + block(0, tokens[:2]) + anchor(2, PLAYING, 1280.0) + block(2, tokens[2:]))
    assert np.isnan(take.stream_samples[:2]).all() and take.stream_samples[2:].tolist() == [1280.0, 1920.0]
    for name in ("position_samples", "position_seconds", "position_quarters", "tempo_bpm"):
        assert np.isnan(getattr(take, name)).all(), name
    assert take.playing.tolist() == [False, False, True, True] and take.segment.tolist() == [0] * 4


def test_a_position_without_a_tempo_still_has_its_first_quarter():
    take = read(header() + anchor(0, PLAYING, 0.0, 0.0, 4.0, NAN) + block(0, random_tokens(2)))
    assert take.position_samples.tolist() == [0, 640] and take.position_quarters[0] == 4


def test_columns_have_a_row_for_each_frame_and_channel():
    data, tokens = small_take(channels=3)
    take = read(data)
    columns = take.columns()
    assert set(PER_FRAME) | {"frame", "channel", "semantic", "acoustic"} == set(columns)
    assert {column.shape for column in columns.values()} == {(36,)}
    for row in (0, 4, 15, 20, 35):
        frame, channel = divmod(row, 3)
        assert (columns["frame"][row], columns["channel"][row]) == (frame, channel)
        assert (columns["semantic"][row], columns["acoustic"][row]) == tuple(take.tokens[frame, channel])
        for name in PER_FRAME:
            assert np.array_equal(columns[name][row], getattr(take, name)[frame], equal_nan=True), name


@pytest.mark.parametrize("records", [b"", anchor(0), footer(0), anchor(0) + footer(0)])
def test_a_take_without_frames_has_empty_arrays(records):
    take = read(header(channels=2) + records)
    assert take.tokens.shape == (0, 2, 2) and take.present.shape == (0,) and not take.damage
    assert all(column.shape == (0,) for column in take.columns().values())


def test_indices_beyond_sixteen_bits_are_counted():
    tokens = random_tokens(67500)
    data = header() + b"".join(block(i, tokens[i:i + 75]) for i in range(0, 67500, 75)) + gap(67500, 66000, 3)
    take = read(data + block(133500, tokens[:75]) + footer(133575))
    assert np.array_equal(take.tokens[:67500], tokens) and np.array_equal(take.tokens[133500:], tokens[:75])
    assert take.present.sum() == 67575 and len(take.tokens) == 133575 and not take.damage


def test_an_anchor_says_where_frames_are_that_no_gap_tells_of():
    """Seventy thousand frames are lost by damage: sixteen bits could not tell."""
    tokens = random_tokens(800)
    data = header() + anchor(0) + b"".join(block(i, tokens[i:i + 50]) for i in range(0, 700, 50))
    take = read(data + anchor(70700) + block(70700, tokens[:75]) + footer(70775))
    assert np.flatnonzero(take.present).tolist() == [*range(700), *range(70700, 70775)]


def test_frames_that_only_the_footer_counts_are_missing():
    take = read(header() + block(0, random_tokens(3)) + footer(10))
    assert len(take.tokens) == 10 and take.present.sum() == 3 and take.finished


# What damage gives.

@pytest.mark.parametrize("channels, sizes", [(1, (1000, 1024)), (2, (1000, 1024)), (1, (3, 65535))])
def test_a_take_cut_at_any_byte_keeps_its_whole_records(channels, sizes):
    data, tokens = small_take(channels, sizes)
    start, present = len(header(channels=channels, codebooks=dict(zip(("semantic", "acoustic"), sizes)))), 0
    for end in range(len(data)):
        if end < start:
            with pytest.raises(SacError):
                read(data[:end])
            continue
        take = read(data[:end])
        assert only_true_tokens(take, tokens), end
        assert take.present.sum() >= present and not take.finished and not take.damage, end
        present = take.present.sum()
    assert present == 10 and read(data).finished


@pytest.mark.parametrize("channels, sizes", [(1, (1000, 1024)), (2, (1000, 1024)), (1, (3, 65535))])
def test_flipping_any_bit_gives_no_wrong_token_and_does_not_go_unnoticed(channels, sizes):
    data, tokens = small_take(channels, sizes)
    start = len(header(channels=channels, codebooks=dict(zip(("semantic", "acoustic"), sizes))))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        if bit // 8 < start:
            with pytest.raises(SacError):
                read(damaged)
            continue
        take = read(damaged)
        assert only_true_tokens(take, tokens), bit
        assert take.present.sum() >= 5, bit
        assert take.damage or not take.finished, bit
        assert all(0 < length and start <= at and at + length <= len(data) for at, length in take.damage), bit
        take.columns()


def test_bytes_removed_or_put_in_anywhere_give_no_wrong_token():
    data, tokens = small_take()
    start, rng = len(header()), np.random.default_rng(7)
    for at in range(start, len(data)):
        noise = rng.bytes(int(rng.integers(1, 40)))
        for damaged in (data[:at] + noise + data[at:], data[:at] + data[at + len(noise):]):
            take = read(damaged)
            assert only_true_tokens(take, tokens), at


def test_damage_is_reported_with_its_place():
    tokens = random_tokens(6)
    sound = header() + anchor(0) + block(0, tokens[:2])
    take = read(sound + b"\x60" * 50 + block(2, tokens[2:4]) + b"\0" * 7 + block(4, tokens[4:]) + footer(6))
    assert take.damage == [(len(sound), 50), (len(sound) + 50 + 12, 7)]
    assert take.present.all() and only_true_tokens(take, tokens) and take.finished


def test_what_comes_after_the_footer_is_damage():
    data, tokens = small_take()
    take = read(data + block(12, tokens[:2]))
    assert take.damage == [(len(data), 12)] and len(take.tokens) == 12 and only_true_tokens(take, tokens)


BAD_RECORDS = {
    "a token not below its codebook's size": block(1, [[[1000, 0]]]),
    "bits left over that are not zero": block(1, [[[1, 2]]], spare="1"),
    "an anchor before the frames that were read": anchor(0),
    "an anchor after the last index": anchor(1 << 25),
    "an anchor of a later file's index": anchor(2 ** 32 - 1),
    "an anchor without its last field": record(0xA0, struct.pack("<IB3d", 1, 1, 0, 0, 0)),
    "an anchor without a place": anchor(1, stream=NAN),
    "an anchor at infinity": anchor(1, stream=float("inf")),
    "a gap before the frames that were read": gap(0, 1),
    "a gap over the last index": gap(1, 1 << 25),
    "a gap as long as can be written": gap(2 ** 32 - 1, 2 ** 32 - 1),
    "a gap without its reason": record(0xA1, struct.pack("<II", 1, 1)),
    "a footer of fewer frames": footer(0),
    "a footer of too many frames": footer((1 << 25) + 1),
    "a footer of endless frames": record(0xAF, b'{"frames": 1' + b"0" * 4000 + b"}"),
    "a footer of no frames": record(0xAF, b"{}"),
    "a footer of half a frame": record(0xAF, b'{"frames": 1.5}'),
    "a footer of true frames": record(0xAF, b'{"frames": true}'),
    "a footer that is a list": record(0xAF, b"[1]"),
    "a footer of brackets": record(0xAF, b"[" * 4096),
    "a footer that is not text": record(0xAF, b"\xff\xfe{}"),
    "a footer in UTF-16": record(0xAF, '{"frames": 2}'.encode("utf-16")),
    "a footer with a number that JSON lacks": record(0xAF, b'{"frames": 2, "length_samples": NaN}'),
    "a body longer than bodies are": record(0x90, bytes(4097)),
    "frames with a tag that is not valid": sealed(b"\x4c" + bytes(192)),
    "a tag of zero": sealed(bytes(3)),
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_record_that_cannot_be_is_damage_and_the_next_one_is_read(name):
    tokens = random_tokens(3)
    before, bad = header() + anchor(0) + block(0, tokens[:1]), BAD_RECORDS[name]
    take = read(before + bad + block(1, tokens[1:]) + footer(3))
    assert take.damage == [(len(before), len(bad))]
    assert take.finished and take.present.all() and only_true_tokens(take, tokens)


@pytest.mark.parametrize("record", [block(3, random_tokens(1)), anchor(3), gap(3, 2), record(0x90, b""), footer(4)],
                         ids=["frames", "anchor", "gap", "later", "footer"])
def test_any_tag_with_any_length_before_a_record_changes_no_token(record):
    tokens = random_tokens(3)
    before = header() + anchor(0) + block(0, tokens)
    for tag in range(256):
        for length in (0, 1, 3, 37, 4096, 4097, 65535):
            take = read(before + struct.pack("<BH", tag, length) + record)
            assert np.array_equal(take.tokens[:3], tokens), (tag, length)


def test_a_body_may_have_more_fields_than_this_version_reads():
    tokens = random_tokens(4)
    later = [record(tag, bytes(size)) for tag, size in ((0x80, 0), (0xFF, 4096), (0x90, 9))]
    bodies = (struct.pack("<IB4d", 0, 0xFF, 0, 1, 2, 3) + b"more", struct.pack("<IIB", 2, 1, 99) + b"more")
    data = preamble(json.dumps({**fields(), "more": [1]}).encode(), minor=9) + later[0] + record(0xA0, bodies[0])
    data += block(0, tokens[:2]) + later[1] + record(0xA1, bodies[1]) + block(3, tokens[3:]) + later[2] + footer(4)
    take = read(data)
    assert take.present.tolist() == [True, True, False, True] and not take.damage and take.finished
    assert take.header["more"] == [1] and take.gaps[0].count == 1


BAD_HEADERS = {
    "empty": (b"", "not a .sac"),
    "another file": (b"RIFF" + bytes(100), "not a .sac"),
    "line ends converted": (header().replace(b"\r\n", b"\n", 1), "not a .sac"),
    "two of the magic's bytes": (b"\x89S", "ends"),
    "a later version": (preamble(json.dumps(fields()).encode(), major=2), "version 2"),
    "a header longer than headers are": (preamble(b" " * 65537), "header"),
    "a length as long as can be written": (b"\x89SAC\r\n\x1a\n" + struct.pack("<HHII", 1, 0, 2 ** 32 - 1, 0), "header"),
    "no JSON": (preamble(b"{"), "JSON"),
    "a list": (preamble(b"[]"), "JSON"),
    "brackets": (preamble(b"[" * 65536), "JSON"),
    "no text": (preamble(b"\xff"), "JSON"),
    "in UTF-16": (preamble(json.dumps(fields()).encode("utf-16")), "JSON"),
    "no fields": (preamble(b"{}"), "header"),
    "no pack": (header(pack=None), "pack"),
    "no hash": (header(pack={"name": "test", "version": "1", "sha256": "0" * 63}), "sha256"),
    "no codebooks": (header(codebooks=[1000, 1024]), "semantic"),
    "a codebook of one": (header(codebooks={"semantic": 1, "acoustic": 2}), "semantic"),
    "a codebook too large": (header(codebooks={"semantic": 2, "acoustic": 65537}), "acoustic"),
    "no channels": (header(channels=0), "channels"),
    "true channels": (header(channels=True), "channels"),
    "channels in words": (header(channels="x" * 1000), "channels"),
    "half a channel": (header(channels=1.5), "channels"),
    "channels without end": (header(channels=10 ** 4000), "channels"),
    "no rate": (header(host_rate_hz=0), "host_rate_hz"),
    "a rate without end": (header(host_rate_hz=10 ** 4000), "host_rate_hz"),
    "an infinite rate": (preamble(json.dumps(fields(host_rate_hz=7)).replace("7", "1e999").encode()), "host_rate_hz"),
    "a rate that is not a number": (header(host_rate_hz=NAN), "JSON"),
    "no hop": (header(hop_samples=0), "hop_samples"),
    "no codec rate": (header(codec_rate_hz=-24000), "codec_rate_hz"),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_header_that_cannot_be_is_refused_in_words(name):
    data, words = BAD_HEADERS[name]
    with pytest.raises(SacError, match=re.escape(words)) as refused:
        read(data)
    assert isinstance(refused.value, ValueError)
    assert len(str(refused.value)) < 200 and "\n" not in str(refused.value)


def test_a_channel_mode_of_a_later_version_is_read():
    data, tokens = small_take()
    take = read(header(channel_mode="side") + data[len(header()):])
    assert take.header["channel_mode"] == "side" and take.finished and only_true_tokens(take, tokens)


# Known optional fields with values of another type, as JSON; `crates/sacodec-take/tests/format/fields.rs` has the same ones.
WRONG_HEADER_FIELDS = [
    '"channel_mode":3', '"channel_mode":["mono"]', '"latency_samples":-1', '"latency_samples":1.5',
    '"latency_samples":18446744073709551616', '"stream_frame":true', '"first_sample":"0"', '"tempo_bpm":[]', '"track":1',
    '"created":{}', '"cpu":"avx2"', '"cpu":[1]',
]
WRONG_FOOTER_FIELDS = [
    '"lost_frames":"1"', '"lost_frames":null', '"failed_frames":-1', '"length_samples":0.5', '"segments":true',
    '"closed":null', '"closed":3', '"notes":3', '"notes":null', '"notes":[1]',
]
RIGHT_HEADER_FIELDS = ('"channel_mode":null,"latency_samples":null,"stream_frame":null,"first_sample":-3,"tempo_bpm":null,'
                       '"track":null,"created":null,"software":null,"inference":null,"cpu":null,"later":[3]')
RIGHT_FOOTER_FIELDS = ('"lost_frames":0,"failed_frames":1,"length_samples":null,"segments":2,"closed":"","notes":["a"],'
                       '"later":[3]')


def test_a_known_header_field_of_another_type_refuses_the_take():
    def with_(more):
        return preamble(f"{json.dumps(fields())[:-1]},{more}}}".encode())

    assert read(with_(RIGHT_HEADER_FIELDS)).header["later"] == [3]
    for field in WRONG_HEADER_FIELDS:
        name = field.split('"')[1]
        with pytest.raises(SacError, match=f"header's {name} is .*, expected "):
            read(with_(field))


def test_a_known_footer_field_of_another_type_makes_the_footer_damage():
    tokens = random_tokens(1)
    before = header() + anchor(0) + block(0, tokens)

    def with_(more):
        return record(0xAF, f'{{"frames":1,{more}}}'.encode())

    take = read(before + with_(RIGHT_FOOTER_FIELDS))
    assert take.finished and not take.damage
    for field in WRONG_FOOTER_FIELDS:
        take = read(before + with_(field))
        assert not take.finished and take.damage == [(len(before), len(with_(field)))], field
        assert take.present.all() and only_true_tokens(take, tokens)


@pytest.mark.parametrize("records", [
    gap(0, 30_000_000), footer(30_000_000), anchor(30_000_000), gap(0, 30_000_000) + footer(30_000_000),
    b"".join(gap(i << 20, 1 << 20) for i in range(32)),
    b"".join(block(30000 * i, [[[0, 0]] * 16]) for i in range(400)),
    *([block(0, [[[0, 0]] * 16]) + gap(1, 270_101)]),
])
def test_a_small_file_that_claims_many_frames_is_refused_without_memory_for_them(records):
    tracemalloc.start()
    try:
        with pytest.raises(SacError, match="frames are missing"):
            read(header(channels=16) + records)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_as_many_may_be_missing_as_documented():
    data = header() + block(0, [[[1, 2]]])
    assert len(read(data + gap(1, 270_100)).tokens) == 270_101
    assert len(read(header() + gap(0, 270_000)).tokens) == 270_000


@pytest.mark.filterwarnings("error")
def test_extreme_anchors_warn_of_nothing():
    for value in (1e308, -1e308, float("inf"), 5e-324):
        start = header(host_rate_hz=1e8, hop_samples=65536, codec_rate_hz=1)
        take = read(start + anchor(0, PLAYING, 1e308, value, value, value) + block(0, random_tokens(75)))
        assert all(len(column) == 75 for column in take.columns().values()) and take.present.all()


def test_noise_after_a_header_is_damage():
    rng = np.random.default_rng(7)
    for _ in range(200):
        noise = rng.bytes(int(rng.integers(1, 3000)))
        take = read(header(channels=int(rng.integers(1, 17))) + noise)
        assert not take.present.any() and not take.finished
        assert sum(length for _, length in take.damage) in (0, len(noise))


# What sixteen bits of index can tell.

def test_the_anchor_after_a_damaged_gap_keeps_tokens_in_their_places():
    tokens, damaged = random_tokens(775), bytearray(gap(700, 70000, 3))
    damaged[9] ^= 1
    data = header() + anchor(0) + b"".join(block(i, tokens[i:i + 50]) for i in range(0, 700, 50))
    take = read(data + damaged + anchor(70700) + block(70700, tokens[700:750]) + block(70750, tokens[750:]) + footer(70775))
    assert not take.present[700:70700].any() and take.present[70700:].all()
    assert np.array_equal(take.tokens[70700:, 0], tokens[700:, 0])


def test_a_block_that_comes_twice_is_damage():
    tokens = random_tokens(800)
    blocks = [block(i, tokens[i:i + 50]) for i in range(0, 800, 50)]
    take = read(header() + anchor(0) + b"".join(blocks[:6] + blocks[5:]) + footer(800))
    assert only_true_tokens(take, tokens) and take.present.all() and len(take.damage) == 1


# Long ones.

def test_an_hour_is_read_whole():
    tokens = random_tokens(75)
    body = b"".join((anchor(75 * i) if i % 75 == 0 else b"") + block(75 * i, tokens) for i in range(3600))
    take = read(header() + body + footer(270_000))
    assert take.present.all() and not take.damage and take.tokens.shape == (270_000, 1, 2)


@pytest.mark.parametrize("noise", [
    bytes(500_000), b"\x80\x00\x10" * 60_000, b"\x4b" * 180_000, b"\x80\xa0\x00" * 60_000,
], ids=["zeros", "long bodies", "frames", "short bodies"])
def test_reading_continues_after_long_damage(noise):
    tokens = random_tokens(2)
    take = read(header() + block(0, tokens[:1]) + noise + block(1, tokens[1:]) + footer(2))
    assert take.present.all() and take.damage == [(len(header()) + 10, len(noise))] and take.finished


# The command.

def test_the_summary_has_a_line_for_each_take_and_fails_for_each_that_is_not_a_take(tmp_path, capsys):
    data, _ = small_take()
    for name, content in (("whole.sac", data), ("cut.sac", data[:-3]), ("none.sac", b"RIFF")):
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in ("whole.sac", "cut.sac")]
    assert sacodec_tokens.main(paths) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "12 frames" in lines[0] and "2 missing" in lines[0] and "unfinished" in lines[1]
    assert sacodec_tokens.main([*paths, str(tmp_path / "none.sac"), str(tmp_path / "gone.sac"), str(tmp_path)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3 and "none.sac" in errors[0] and "gone.sac" in errors[1]

"""Damage of every kind. No file may make the reader raise anything but `SacError`, allocate much, or give a token
that was not written at that place. Two holes of the format itself, which every reader of it shares, are told by
tests of their own.
"""
import json
import struct

import numpy as np
import pytest
from writer import (NAN, anchor, block, fields, footer, gap, header, only_true_tokens, preamble, random_tokens, record,
                    sealed, small_take)

from sacodec_tokens import SacError, read


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


@pytest.mark.parametrize("noise", [
    bytes(500_000), b"\x80\x00\x10" * 60_000, b"\x4b" * 180_000, b"\x80\xa0\x00" * 60_000,
], ids=["zeros", "long bodies", "frames", "short bodies"])
def test_reading_continues_after_long_damage(noise):
    tokens = random_tokens(2)
    take = read(header() + block(0, tokens[:1]) + noise + block(1, tokens[1:]) + footer(2))
    assert take.present.all() and take.damage == [(len(header()) + 10, len(noise))] and take.finished

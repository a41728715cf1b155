"""Headers, footers and places that cannot be, and those of later versions."""
import json
import re
import struct
import tracemalloc

import pytest
from writer import (NAN, PLAYING, anchor, block, fields, footer, gap, header, only_true_tokens, preamble, random_tokens,
                    record, small_take)

from sacodec_tokens import SacError, read


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


# Known optional fields with values of another type, as JSON; `crates/sacodec-take/tests/format/fields.rs` has the same ones but for `source`.
WRONG_HEADER_FIELDS = [
    '"channel_mode":3', '"channel_mode":["mono"]', '"latency_samples":-1', '"latency_samples":1.5',
    '"latency_samples":18446744073709551616', '"stream_frame":true', '"first_sample":"0"', '"tempo_bpm":[]', '"track":1',
    '"created":{}', '"cpu":"avx2"', '"cpu":[1]', '"source":"a.wav"', '"source":{"name":"a.wav","bytes":-1,"sha256":""}',
]
WRONG_FOOTER_FIELDS = [
    '"lost_frames":"1"', '"lost_frames":null', '"failed_frames":-1', '"length_samples":0.5', '"segments":true',
    '"closed":null', '"closed":3', '"notes":3', '"notes":null', '"notes":[1]',
]
RIGHT_HEADER_FIELDS = ('"channel_mode":null,"latency_samples":null,"stream_frame":null,"first_sample":-3,"tempo_bpm":null,'
                       '"track":null,"created":null,"software":null,"inference":null,"cpu":null,"source":null,"later":[3]')
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

"""Tokens to audio by ONNX Runtime, against the golden data of the codec. `cargo xtask test-hosts` installs it in the
first of the two environments of these tests."""
import json
from pathlib import Path

import numpy as np
import pytest
from writer import NAN, RESET, SEGMENT, anchor, block, fields, gap, preamble, record

from sacodec_tokens import read

pytest.importorskip("onnxruntime")
from sacodec_tokens import decoding  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HOP, DELAY = 320, 640


@pytest.fixture(scope="module")
def decoder():
    return decoding.Decoder(ROOT / "models" / "live")


@pytest.fixture(scope="module")
def golden():
    """Tokens [frames][2], and what ONNX Runtime decoded of them, from the first frame on."""
    tokens = json.loads((ROOT / "tests" / "data" / "golden_tokens.json").read_text())
    wav = (ROOT / "tests" / "data" / "golden_audio.wav").read_bytes()
    audio = np.frombuffer(wav[wav.index(b"data") + 8:], "<f4")
    return np.stack([tokens["semantic"], tokens["acoustic"]], axis=1), audio


def take(decoder, records, length, rate_hz=24_000.0, channels=1):
    pack = {"name": "live", "version": "0", "sha256": decoder.sha256.upper()}
    head = preamble(json.dumps(fields(pack=pack, host_rate_hz=rate_hz, channels=channels)).encode())
    body = {"frames": 0, "closed": "end", "length_samples": length}
    made = read(head + records)
    body["frames"] = len(made.tokens)
    return read(head + records + record(0xAF, json.dumps(body).encode()))


def blocks(tokens, first=0):
    """Blocks of tokens [frames][2]."""
    return b"".join(block(first + i, tokens[i:i + 75, None].tolist()) for i in range(0, len(tokens), 75))


def test_the_pack_says_what_it_is(decoder):
    assert decoder.name.startswith("live ") and decoder.sample_rate_hz == 24_000


def test_golden_tokens_give_the_golden_audio_aligned_to_what_was_coded(decoder, golden):
    tokens, audio = golden
    made = decoder.decode(take(decoder, anchor(0, SEGMENT | RESET) + blocks(tokens), 800 * HOP - 7))
    assert made.shape == (800 * HOP - 7, 1) and made.dtype == np.float32
    found, due = made[:len(audio) - DELAY, 0], audio[DELAY:]
    length = min(len(found), len(due))
    assert length > 290 * HOP and np.abs(found[:length] - due[:length]).max() < 2e-3


def test_missing_frames_are_silent_and_resets_begin_anew(decoder, golden):
    tokens = golden[0][:60]
    alone = decoder.decode(take(decoder, anchor(0, SEGMENT | RESET) + blocks(tokens), 60 * HOP))
    twice = anchor(0, SEGMENT | RESET) + blocks(tokens)
    twice += anchor(60, SEGMENT | RESET, 60 * HOP) + blocks(tokens, 60)
    both = decoder.decode(take(decoder, twice, 120 * HOP))
    assert np.array_equal(both, np.concatenate([alone, alone]))
    holed = anchor(0, SEGMENT | RESET) + blocks(tokens[:30]) + gap(30, 30)
    holed = decoder.decode(take(decoder, holed, 60 * HOP))
    assert len(holed) == 60 * HOP and np.array_equal(holed[:30 * HOP - DELAY], alone[:30 * HOP - DELAY])
    assert not holed[32 * HOP:].any()


def test_a_take_whose_first_anchor_is_lost_decodes_as_with_it(decoder, golden):
    tokens = golden[0][:60]
    later = blocks(tokens) + anchor(60, SEGMENT | RESET, 1000.0 + 60 * HOP) + blocks(tokens, 60)
    whole = decoder.decode(take(decoder, anchor(0, SEGMENT | RESET, 1000.0) + later, 120 * HOP))
    assert np.array_equal(decoder.decode(take(decoder, later, 120 * HOP)), whole)


@pytest.mark.parametrize("begin", [59.5, 60.25])
def test_where_the_codec_began_inside_a_frame_each_pass_is_heard_for_itself(decoder, golden, begin):
    tokens, heard = golden[0][:60], 60 * HOP
    alone = decoder.decode(take(decoder, anchor(0, SEGMENT | RESET) + blocks(tokens), 60 * HOP))
    twice = anchor(0, SEGMENT | RESET) + blocks(tokens)
    twice += anchor(60, SEGMENT | RESET, begin * HOP, heard=float(heard)) + blocks(tokens, 60)
    both = decoder.decode(take(decoder, twice, 110 * HOP))
    assert len(both) == 110 * HOP and np.array_equal(both[:heard], alone)
    offset = int(begin * HOP) - heard
    silence, second = both[heard:heard + max(0, offset)], both[heard + max(0, offset):]
    assert not silence.any()
    assert np.array_equal(second, alone[max(0, -offset):][:len(second)])


@pytest.mark.parametrize("heard", [NAN, 1e300, -1e300, float("inf")])
def test_an_absurd_beginning_is_not_believed(decoder, golden, heard):
    tokens = golden[0][:10]
    twice = anchor(0, SEGMENT | RESET) + blocks(tokens)
    twice += 1000 * anchor(10, SEGMENT | RESET, 10.0 * HOP, heard=heard) + blocks(tokens, 10)
    for rate_hz in (24_000.0, 8000.0):
        assert len(decoder.decode(take(decoder, twice, None, rate_hz))) <= 80 * HOP


def test_every_channel_is_decoded_and_the_rate_is_the_codecs(decoder, golden):
    tokens = golden[0][:20]
    stereo = anchor(0, SEGMENT | RESET, 0.0) + block(0, [[tokens[i].tolist(), tokens[0].tolist()] for i in range(20)])
    made = decoder.decode(take(decoder, stereo, 20 * 2 * HOP, 48_000.0, channels=2))
    assert made.shape == (20 * HOP, 2) and not np.array_equal(made[:, 0], made[:, 1])
    semantic = decoder.decode(take(decoder, stereo, None, 48_000.0, channels=2), decoding.SEMANTIC)
    assert semantic.shape == made.shape and not np.array_equal(semantic, made)


def test_another_pack_and_what_is_no_pack_are_refused_in_words(decoder, tmp_path):
    other = read(preamble(json.dumps(fields()).encode()) + block(0, [[[1, 2]]]))
    with pytest.raises(decoding.PackError, match="coded with the pack test 1 .000000000000…., not with live"):
        decoder.decode(other)
    with pytest.raises(decoding.PackError, match="is not a pack"):
        decoding.Decoder(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(decoding.PackError, match="is not a pack"):
        decoding.Decoder(tmp_path)


def test_a_take_without_frames_has_no_audio(decoder):
    assert decoder.decode(take(decoder, b"", 0)).shape == (0, 1)


def test_what_is_no_take_is_refused_in_words(decoder, golden):
    with pytest.raises(TypeError, match="as read.. gives it, and got ndarray"):
        decoder.decode(golden[0])

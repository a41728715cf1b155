"""What a sound take gives, by a writer of the format made for these tests."""
import io
from pathlib import Path

import numpy as np
import pytest
from writer import (NAN, PLAYING, anchor, block, footer, gap, header, only_true_tokens, random_tokens, small_take)

from sacodec_tokens import read

SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "sac-format.md"
PER_FRAME = ("seconds", "stream_samples", "position_samples", "position_seconds", "position_quarters", "tempo_bpm",
             "segment", "playing", "recording")


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


def test_an_hour_is_read_whole():
    tokens = random_tokens(75)
    body = b"".join((anchor(75 * i) if i % 75 == 0 else b"") + block(75 * i, tokens) for i in range(3600))
    take = read(header() + body + footer(270_000))
    assert take.present.all() and not take.damage and take.tokens.shape == (270_000, 1, 2)

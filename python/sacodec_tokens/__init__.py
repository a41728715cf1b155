"""Reads `.sac` token takes of SACodec into NumPy arrays. NumPy only.

    import sacodec_tokens
    take = sacodec_tokens.read("voice.sac")
    take.tokens            # uint16 [frames, channels, 2]: semantic, acoustic; 65535 where missing
    take.position_seconds  # float64 [frames]: place on the host's timeline

The format is specified in docs/sac-format.md. Damaged, cut and unfinished takes give what is sound of
them; see `Take.damage` and `Take.gaps`. Where more than 270000 frames and 100 for each one that is there
are missing, a take is refused: arrays have a row for each frame, and a small file could ask for gigabytes.
"""
from __future__ import annotations

import json
import math
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any, Callable, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MISSING = 65535
"""The value in `Take.tokens` where a frame is missing."""

_MAGIC = b"\x89SAC\r\n\x1a\n"
_MAX_HEADER_BYTES = 1 << 16
_MAX_BODY_BYTES = 4096
_MAX_FRAMES = 1 << 25
_ANCHOR, _GAP, _FOOTER = 0xA0, 0xA1, 0xAF
_REASONS = {
    1: "the writer was too slow",
    2: "the codec failed",
    3: "the disk refused them",
    4: "the file was damaged",
    5: "a lossy network was rehearsed",
}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_source(value: Any) -> bool:
    return (isinstance(value, dict) and _is_text(value.get("name")) and _is_text(value.get("sha256"))
            and _is_whole(value.get("bytes")))


_TYPES: dict[str, Callable[[Any], bool]] = {
    "an integer from 0 to 2**64 - 1": _is_whole,
    "an integer from 0 to 2**64 - 1, or null": lambda value: value is None or _is_whole(value),
    "a finite number": _is_number,
    "a text": _is_text,
    "a list of texts": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "an object with name, bytes and sha256": _is_source,
}
_WHOLE, _WHOLE_OR_NULL, _NUMBER, _TEXT, _TEXTS, _SOURCE = _TYPES
# Known fields that may be missing. Those of the header may be null, too.
_HEADER_FIELDS = {
    "channel_mode": _TEXT, "latency_samples": _WHOLE, "stream_frame": _WHOLE, "first_sample": _NUMBER,
    "tempo_bpm": _NUMBER, "track": _TEXT, "source": _SOURCE, "created": _TEXT, "software": _TEXT, "inference": _TEXT,
    "cpu": _TEXTS,
}
_FOOTER_FIELDS = {
    "lost_frames": _WHOLE, "failed_frames": _WHOLE, "length_samples": _WHOLE_OR_NULL, "segments": _WHOLE,
    "closed": _TEXT, "notes": _TEXTS,
}


class SacError(ValueError):
    """A file cannot be read as a take. The message says why."""


class Gap(NamedTuple):
    """Frames that the take itself says are not there."""

    index: int  # type: ignore[assignment]  # tuples have a method of this name
    count: int  # type: ignore[assignment]
    reason: str


class Anchor(NamedTuple):
    """The place of a frame, and of the frames after it until the next anchor."""

    index: int  # type: ignore[assignment]
    playing: bool
    recording: bool
    new_segment: bool
    codec_reset: bool
    stream_samples: float
    position_samples: float
    position_quarters: float
    tempo_bpm: float
    pass_samples: float = math.nan
    """Where the codec began inside the frame: the first sample that it heard; before it, it heard silence."""


@dataclass(frozen=True, eq=False)
class Take:
    """A take as it was read. Arrays over frames have `len(tokens)` entries."""

    header: dict[str, Any]
    tokens: NDArray[np.uint16]
    """uint16 [frames, channels, 2]: semantic and acoustic; `MISSING` where a frame is not there."""
    present: Bools
    """bool [frames]"""
    anchors: list[Anchor] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    footer: dict[str, Any] | None = None
    damage: list[tuple[int, int]] = field(default_factory=list)
    """Offset and length of what could not be read."""

    def __repr__(self) -> str:
        return f"<Take: {self.summary()}>"

    def summary(self) -> str:
        """How much there is, in one line."""
        frames, channels, _ = self.tokens.shape
        missing = len(self.present) - int(self.present.sum())
        state = "finished" if self.finished else "unfinished"
        return f"{frames} frames, {frames / self.frame_rate_hz:.2f} s, {channels} channels, {missing} missing, {state}"

    @property
    def finished(self) -> bool:
        """Whether the take was closed: otherwise it is still being recorded, or its host died."""
        return self.footer is not None

    @property
    def frame_rate_hz(self) -> float:
        """Frames a second."""
        return float(self.header["codec_rate_hz"] / self.header["hop_samples"])

    @property
    def seconds(self) -> Floats:
        """Start of each frame, from the first one on."""
        return np.arange(len(self.tokens)) / self.frame_rate_hz

    @property
    def stream_samples(self) -> Floats:
        """First input sample of each frame, counted over the audio that was coded."""
        return self._placed("stream_samples", self._passed_samples())

    @property
    def position_samples(self) -> Floats:
        """The same on the host's timeline; NaN where it is not known."""
        return self._placed("position_samples", self._passed_samples() * self.playing)

    @property
    def position_seconds(self) -> Floats:
        """The same in seconds."""
        return self.position_samples / float(self.header["host_rate_hz"])

    @property
    def position_quarters(self) -> Floats:
        """The same in quarter notes; NaN where they are not known."""
        minutes = self._passed_samples() * self.playing / self.header["host_rate_hz"] / 60
        with np.errstate(over="ignore", invalid="ignore"):  # a take may say that the tempo is 1e308
            return self._placed("position_quarters", minutes * np.nan_to_num(self.tempo_bpm))

    @property
    def tempo_bpm(self) -> Floats:
        """Beats per minute; NaN where they are not known."""
        return self._placed("tempo_bpm", 0.0)

    @property
    def playing(self) -> Bools:
        """Whether the host's transport ran."""
        return self._placed("playing", 0.0) > 0

    @property
    def recording(self) -> Bools:
        """Whether the host was recording."""
        return self._placed("recording", 0.0) > 0

    @property
    def segment(self) -> NDArray[np.int_]:
        """Number of the segment: a new one begins where the timeline jumps or the codec is reset."""
        starts = np.cumsum([a.new_segment or i == 0 for i, a in enumerate(self.anchors)] or [True])
        numbers: NDArray[np.int_] = np.maximum(starts[np.maximum(self._anchor_of(), 0)] - 1, 0)
        return numbers

    def columns(self) -> dict[str, NDArray[Any]]:
        """A row for each frame and channel, as `pandas.DataFrame` takes it. Missing tokens are `MISSING`."""
        frames, channels, _ = self.tokens.shape
        per_frame = ("seconds", "stream_samples", "position_samples", "position_seconds", "position_quarters",
                     "tempo_bpm", "segment", "playing", "recording")
        return {
            "frame": np.repeat(np.arange(frames), channels),
            "channel": np.tile(np.arange(channels), frames),
            "semantic": self.tokens[:, :, 0].ravel(),
            "acoustic": self.tokens[:, :, 1].ravel(),
            **{name: np.repeat(getattr(self, name), channels) for name in per_frame},
        }

    def _anchor_of(self) -> NDArray[np.int_]:
        """Number of the last anchor at or before each frame; -1 before the first."""
        indices = np.array([a.index for a in self.anchors], np.int_)
        return np.searchsorted(indices, np.arange(len(self.tokens)), side="right").astype(np.int_) - 1

    def _placed(self, name: str, moved: Any) -> Floats:
        values = np.array([float(getattr(a, name)) for a in self.anchors] + [math.nan])
        placed: Floats = values[self._anchor_of()] + moved
        return placed

    def _passed_samples(self) -> Floats:
        """Host samples since the frame of each frame's anchor."""
        hop = float(self.header["hop_samples"] * self.header["host_rate_hz"] / self.header["codec_rate_hz"])
        starts = np.array([a.index for a in self.anchors] + [0])
        passed: Floats = (np.arange(len(self.tokens)) - starts[self._anchor_of()]) * hop
        return passed


def read(source: Any) -> Take:
    """Reads a take from a path, bytes, or a binary file.

    Raises `SacError` where nothing of it can be read, and `OSError` as the system does.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _Reader(bytes(source)).take()
    if hasattr(source, "read"):
        return _Reader(source.read()).take()
    with open(source, "rb") as file:
        return _Reader(file.read()).take()


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.header, self.at = _read_header(data)
        books = self.header["codebooks"]
        self.sizes = np.array([books["semantic"], books["acoustic"]])
        semantic_bits, acoustic_bits = (int(size - 1).bit_length() for size in self.sizes)
        self.bits = semantic_bits + acoustic_bits
        # What each bit of a frame and channel is worth in its semantic and in its acoustic token.
        self.worth = np.zeros((self.bits, 2), np.int32)
        self.worth[:semantic_bits, 0] = 1 << np.arange(semantic_bits)[::-1]
        self.worth[semantic_bits:, 1] = 1 << np.arange(acoustic_bits)[::-1]
        self.channels = self.header["channels"]
        self.frames = 0
        self.blocks: list[tuple[int, NDArray[np.uint16]]] = []
        self.anchors: list[Anchor] = []
        self.gaps: list[Gap] = []
        self.footer: dict[str, Any] | None = None
        self.damage: list[tuple[int, int]] = []

    def take(self) -> Take:
        while self.at < len(self.data):
            length = self.record() if self.footer is None else 0
            if not length:
                offset, skipped = self.damage[-1] if self.damage else (-1, 0)
                if offset + skipped == self.at:
                    self.damage[-1] = (offset, skipped + 1)
                else:
                    self.damage.append((self.at, 1))
            self.at += length or 1
        if self.damage and self.footer is None and self.is_cut(self.damage[-1]):
            self.damage.pop()
        present = sum(len(block) for _, block in self.blocks)
        if self.frames - present > 270_000 + 100 * present:
            missing = self.frames - present
            raise SacError(f"it says that {missing} frames are missing, and only {present} are present: it is damaged")
        tokens = np.full((self.frames, self.channels, 2), MISSING, np.uint16)
        there = np.zeros(self.frames, bool)
        for index, block in self.blocks:
            tokens[index : index + len(block)] = block
            there[index : index + len(block)] = True
        return Take(self.header, tokens, there, self.anchors, self.gaps, self.footer, self.damage)

    def body_bytes(self, tag: int, word: int) -> int | None:
        """Length of a record's body, or None where no record begins with these."""
        if 1 <= tag <= 75:
            return -(-tag * int(self.channels) * self.bits // 8)
        return word if tag >= 0x80 and word <= _MAX_BODY_BYTES else None

    def record(self) -> int:
        """Takes the record here in; gives its length, or 0 if no sound record begins here."""
        if len(self.data) - self.at < 7:
            return 0
        tag, word = struct.unpack_from("<BH", self.data, self.at)
        body_bytes = self.body_bytes(tag, word)
        end = self.at + 3 + (body_bytes or 0)
        if body_bytes is None or end + 4 > len(self.data):
            return 0
        if zlib.crc32(memoryview(self.data)[self.at : end]) != struct.unpack_from("<I", self.data, end)[0]:
            return 0
        body = self.data[self.at + 3 : end]
        takers = {_ANCHOR: self.take_anchor, _GAP: self.take_gap, _FOOTER: self.take_footer}
        sound = self.take_frames(tag, word, body) if tag <= 75 else takers.get(tag, lambda _: True)(body)
        return end + 4 - self.at if sound else 0

    def take_frames(self, frames: int, low_index: int, body: bytes) -> bool:
        ahead = (low_index - self.frames) % 65536
        index = self.frames + ahead
        used = frames * self.channels * self.bits
        bits = np.unpackbits(np.frombuffer(body, np.uint8))
        tokens = (bits[:used].reshape(-1, self.bits) @ self.worth).reshape(frames, self.channels, 2)
        if ahead >= 32768 or index + frames > _MAX_FRAMES or bits[used:].any() or (tokens >= self.sizes).any():
            return False
        self.blocks.append((index, tokens.astype(np.uint16)))
        self.frames = index + frames
        return True

    def take_anchor(self, body: bytes) -> bool:
        if len(body) < 37:
            return False
        index, flags, stream, *rest = struct.unpack_from("<IB4d", body)
        if not self.frames <= index < _MAX_FRAMES or not math.isfinite(stream):
            return False
        samples, quarters, tempo = (value if math.isfinite(value) else math.nan for value in rest)
        playing, recording, new_segment, codec_reset = (bool(flags & 1 << bit) for bit in range(4))
        self.anchors.append(Anchor(index, playing, recording, new_segment, codec_reset, stream, samples, quarters,
                                   tempo, struct.unpack_from("<d", body, 37)[0] if len(body) >= 45 else math.nan))
        self.frames = index
        return True

    def take_gap(self, body: bytes) -> bool:
        if len(body) < 9:
            return False
        index, count, reason = struct.unpack_from("<IIB", body)
        if index < self.frames or index + count > _MAX_FRAMES:
            return False
        self.gaps.append(Gap(index, count, _REASONS.get(reason, "an unknown reason")))
        self.frames = index + count
        return True

    def take_footer(self, body: bytes) -> bool:
        footer = _json_object(body)
        if footer is None:
            return False
        frames = footer.get("frames", -1)
        if not _is_whole(frames) or not self.frames <= frames <= _MAX_FRAMES:
            return False
        if any(name in footer and not _TYPES[kind](footer[name]) for name, kind in _FOOTER_FIELDS.items()):
            return False
        self.footer, self.frames = footer, frames
        return True

    def is_cut(self, damage: tuple[int, int]) -> bool:
        """Whether what could not be read is the beginning of a record that needs more bytes than the file has."""
        offset, length = damage
        if offset + length != len(self.data):
            return False
        start = self.data[offset : offset + 3].ljust(3, b"\0")
        body_bytes = self.body_bytes(*struct.unpack("<BH", start))
        return body_bytes is not None and (length < 3 or length < 7 + body_bytes)


def _json_object(data: bytes) -> dict[str, Any] | None:
    def refuse(constant: str) -> None:
        raise ValueError(f"JSON has no {constant}")

    try:  # decoded here: `json.loads` would take UTF-16 too
        value = json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_header(data: bytes) -> tuple[dict[str, Any], int]:
    if not data or data[:8] != _MAGIC[: len(data)]:
        raise SacError("it is not a .sac token take: it is empty, or begins with other bytes")
    if len(data) < 20:
        raise SacError("it ends inside its header: nothing of it can be read")
    major, _, length, crc = struct.unpack_from("<HHII", data, 8)
    if length > _MAX_HEADER_BYTES:
        raise SacError("its header is damaged")
    content = data[20 : 20 + length]
    sound = len(content) == length and zlib.crc32(content, zlib.crc32(data[:16])) == crc
    if major != 1 and (sound or major):
        raise SacError(f"it is a .sac take of version {major}, this reader knows version 1: get a newer one")
    if len(content) < length:
        raise SacError("it ends inside its header: nothing of it can be read")
    if not sound:
        raise SacError("its header is damaged")
    header = _json_object(content)
    if header is None:
        raise SacError("its header is not a JSON object")
    _check(header)
    return header, 20 + length


def _check(header: dict[str, Any]) -> None:
    """Raises where a field that is computed with is missing or out of bounds."""

    def number(fields: Any, name: str, low: float, high: float, whole: bool = True) -> None:
        value = fields.get(name) if isinstance(fields, dict) else None
        kinds = (int,) if whole else (int, float)
        if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
            raise SacError(f"its header's {name} is {value!r:.40}, expected {low} to {high}")

    number(header, "codec_rate_hz", 1, 1e8)
    number(header, "hop_samples", 1, 65536)
    number(header, "channels", 1, 16)
    number(header, "host_rate_hz", 1, 1e8, whole=False)
    number(header.get("codebooks"), "semantic", 2, 65535)
    number(header.get("codebooks"), "acoustic", 2, 65535)
    pack = header.get("pack")
    texts = [pack.get(name) for name in ("name", "version", "sha256")] if isinstance(pack, dict) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise SacError("its header's pack has no name, version and sha256")
    if not re.fullmatch("[0-9a-fA-F]{64}", str(texts[-1])):
        raise SacError("its header's pack.sha256 is not 64 hexadecimal digits")
    for name, kind in _HEADER_FIELDS.items():
        if header.get(name) is not None and not _TYPES[kind](header[name]):
            raise SacError(f"its header's {name} is {header[name]!r:.40}, expected {kind}")

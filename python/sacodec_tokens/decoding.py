"""Decodes takes with ONNX Runtime and the pack that they were coded with: `pip install "sacodec-tokens[decode]"`.

    from sacodec_tokens import decoding, read
    decoder = decoding.Decoder("models/live")
    audio = decoder.decode(read("voice.sac"))     # float32 [samples, channels] at decoder.sample_rate_hz
"""
from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any, Iterator, Union

import numpy as np
from numpy.typing import NDArray

from . import MISSING, Take

BOTH = (1.0, 1.0)
"""Stream gains: semantic and acoustic as they were coded."""
SEMANTIC = (1.0, 0.0)
ACOUSTIC = (0.0, 1.0)

_TAIL_FRAMES = 8
_GRAPHS = ("encoder", "quantizer", "decoder")
_LIMIT = 1.0


class PackError(ValueError):
    """A pack cannot be used, or is not the one of a take. The message says why."""


class Decoder:
    """The decoder of a model pack. It has no state between takes; use one for many."""

    def __init__(self, folder: Union[str, os.PathLike[str]]):
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError('decoding needs ONNX Runtime: pip install "sacodec-tokens[decode]"') from error
        pack = Path(folder)
        try:
            manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
            graphs = {name: (pack / manifest["graphs"][name]["file"]).read_bytes() for name in _GRAPHS}
            self.name = f"{manifest['name']} {manifest['version']}"
            self.sample_rate_hz = int(manifest["sample_rate_hz"])
            self._hop, self._delay = int(manifest["hop_samples"]), int(manifest["delay_samples"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PackError(f"{pack} is not a pack that can be read: {error!r}") from error
        # Names the weights: the digest over those of the three graphs.
        self.sha256 = hashlib.sha256(b"".join(hashlib.sha256(graphs[name]).digest() for name in _GRAPHS)).hexdigest()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(graphs["decoder"], options, providers=["CPUExecutionProvider"])
        inputs = {graph_input.name: graph_input for graph_input in self._session.get_inputs()}
        self._states = {name: np.zeros(given.shape, np.float32) for name, given in inputs.items()
                        if name not in ("semantic", "acoustic", "stream_gain")}
        self._outputs = [output.name for output in self._session.get_outputs()]

    def decode(self, take: Take, streams: tuple[float, float] = BOTH) -> NDArray[np.float32]:
        """The audio of a take at the codec's rate -> float32 [samples, channels], as long as what was coded.

        Missing frames are silent. ONNX Runtime rounds differently than `sacodec decode`: the two sound the same,
        and are not equal to the bit. Raises `PackError` for a take of another pack.
        """
        if not isinstance(take, Take):
            raise TypeError(f"decode wants a take, as read() gives it, and got {type(take).__name__}")
        found = take.header["pack"]
        if found["sha256"].lower() != self.sha256:
            raise PackError(f"the take was coded with the pack {found['name']} {found['version']} "
                            f"({found['sha256'][:12]}…), not with {self.name}: give that pack")
        channels = [np.concatenate([np.zeros(0, np.float32), *self._channel(take, channel, streams)])
                    for channel in range(take.tokens.shape[1])]
        return np.stack(channels, axis=1)

    def _channel(self, take: Take, channel: int, streams: tuple[float, float]) -> Iterator[NDArray[np.float32]]:
        """The samples of a channel, a stretch at a time: the codec begins anew where it did in the take."""
        frame_samples = take.header["hop_samples"] * take.header["host_rate_hz"] / take.header["codec_rate_hz"]
        scale = self.sample_rate_hz / take.header["host_rate_hz"]
        frames = len(take.tokens)
        length = (take.footer or {}).get("length_samples")
        end = (length if length is not None else frames * frame_samples) * scale
        resets = {anchor.index: anchor for anchor in take.anchors if anchor.codec_reset and 0 < anchor.index <= frames}
        begins, ends, left_out = [0, *resets], [], [0.0]
        # Where frame 0 begins: its own anchor may be lost.
        origin = next((anchor.stream_samples - anchor.index * frame_samples for anchor in take.anchors), 0.0)
        for anchor in resets.values():
            # No sound take goes beyond these: what a damaged one says is not believed.
            most = (anchor.index + 2 * _TAIL_FRAMES) * frame_samples
            begin = float(np.clip(anchor.stream_samples - origin, 0, most))
            heard = float(np.clip(anchor.pass_samples, 0, most)) if math.isfinite(anchor.pass_samples) else begin
            ends.append(heard * scale)
            left_out.append(float(np.clip(heard - begin, -frame_samples, frame_samples)) * scale)
        failed = {frame for gap in take.gaps if gap.reason == "the codec failed"
                  for frame in range(gap.index, gap.index + gap.count)}
        given = 0
        for first, last, stretch_end, skipped in zip(begins, begins[1:] + [frames], ends + [end], map(round, left_out)):
            # What of a stretch lies before the end of the last one is left out, what is between them is silent.
            samples = self._stretch(take.tokens[first:last, channel], streams,
                                    {frame - first for frame in range(first, last) if frame in failed},
                                    round(stretch_end) - given + skipped)
            samples = np.concatenate([np.zeros(max(0, -skipped), np.float32), samples])[max(0, skipped):]
            given += len(samples)
            yield samples

    def _stretch(self, tokens: NDArray[np.uint16], streams: tuple[float, float], failed: set[int],
                 length: int) -> NDArray[np.float32]:
        """Samples from zero states on; frames after the last one bring out its end."""
        gain = np.array(streams, np.float32)
        states: dict[str, Any] = self._states
        pieces, tail = [np.zeros(0, np.float32)], tokens[-1:].repeat(_TAIL_FRAMES, axis=0)
        for index, (semantic, acoustic) in enumerate(np.concatenate([tokens, tail]).tolist()):
            if index >= len(tokens) and sum(map(len, pieces)) >= length + self._delay:
                break
            if semantic == MISSING:
                pieces.append(np.zeros(self._hop, np.float32))
                states = self._states if index in failed else states
                continue
            inputs = {"semantic": np.array([[semantic]]), "acoustic": np.array([[acoustic]]), "stream_gain": gain}
            outputs = dict(zip(self._outputs, self._session.run(self._outputs, {**inputs, **states})))
            states = {name: outputs[name + "_out"] for name in self._states}
            pieces.append(np.clip(outputs["audio"][0], -_LIMIT, _LIMIT))
        samples = np.concatenate(pieces)[self._delay:]
        most = len(tokens) * self._hop + _TAIL_FRAMES * self._hop
        return np.pad(samples, (0, max(0, min(length, most) - len(samples))))[:max(length, 0)]

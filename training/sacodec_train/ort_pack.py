"""A model pack (format 1) run by ONNX Runtime, one thread: the reference that the Rust codec is compared with."""
import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime

GRAPHS = ("encoder", "quantizer", "decoder")
STREAMS = {"audio", "latent", "semantic", "acoustic", "stream_gain"}
"""Names of the inputs that are signals; every other input of a graph is a state with an output `NAME_out`."""


def open_graph(path):
    """An ONNX file as a session that computes in the calling thread only."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class OrtPack:
    """The three graphs of a pack folder, with their states (zero at reset). ValueError where a graph is not the manifest's."""

    def __init__(self, folder):
        manifest = (Path(folder) / "manifest.json").read_bytes()
        self.manifest = json.loads(manifest)
        self.sha256 = hashlib.sha256(manifest).hexdigest()
        self.hop_samples = self.manifest["hop_samples"]
        self.rate_hz = self.manifest["sample_rate_hz"]
        self.graphs = {g: self._open(Path(folder), self.manifest["graphs"][g]) for g in GRAPHS}
        self.reset()

    @staticmethod
    def _open(folder, graph):
        path = folder / graph["file"]
        if hashlib.sha256(path.read_bytes()).hexdigest() != graph["sha256"]:
            raise ValueError(f"{path}: not what the manifest says (sha256); the pack is damaged or was changed")
        return open_graph(path)

    def reset(self):
        """Start a new stream."""
        self.states = {
            name: {i.name: np.zeros(i.shape, np.float32) for i in graph.get_inputs() if i.name not in STREAMS}
            for name, graph in self.graphs.items()
        }

    def step(self, graph, **inputs):
        """One frame through one graph: its inputs by name -> its outputs by name. Moves the states on."""
        session, states = self.graphs[graph], self.states[graph]
        outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, {**inputs, **states})))
        self.states[graph] = {name: outputs.pop(name + "_out") for name in states}
        return outputs

    def encode(self, audio):
        """Audio f32 [T] at the pack's rate -> semantic and acoustic tokens i64 [T // hop], from the stream's current place on."""
        frames = audio[: len(audio) // self.hop_samples * self.hop_samples].astype(np.float32).reshape(-1, 1, self.hop_samples)
        tokens = [self.step("quantizer", **self.step("encoder", audio=frame)) for frame in frames]
        return tuple(np.array([t[k][0, 0] for t in tokens], np.int64) for k in ("semantic", "acoustic"))

    def decode(self, semantic, acoustic, stream_gain=(1.0, 1.0)):
        """Tokens [F] and [F] -> audio f32 [F * hop] as the decoder gives it: `delay_samples` late."""
        gain = np.array(stream_gain, np.float32)
        token = lambda t: np.array([[t]], np.int64)
        hops = [self.step("decoder", semantic=token(s), acoustic=token(a), stream_gain=gain)["audio"][0] for s, a in zip(semantic, acoustic)]
        return np.concatenate(hops)

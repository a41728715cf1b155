"""Frame time of a pack in ONNX Runtime, one thread, and its ratio to the Rust codec in the same minutes.

    python training/bench_ort.py [--pack models/live] [--rust target/release/sacodec] [--rounds 7] [--cpu 1]

Codes tests/data/speech_24k.wav round and round. With --rust, rounds of ONNX Runtime and of `sacodec bench --json`
alternate (A B A B ...), so that a busy machine slows both alike. ONNX Runtime is given its best: states, latent and
audio are bound tensors, nothing is copied but the hop that comes in. Wall-clock and thread-CPU milliseconds.
"""
import argparse
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import soundfile as sf
from onnxruntime import OrtValue

from sacodec_train.ort_pack import GRAPHS, STREAMS, OrtPack

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "tests" / "data" / "speech_24k.wav"
DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
WARM_FRAMES = 60
PARTS = {
    "encoder": ("encoder",), "quantizer": ("quantizer",), "encode": ("encoder", "quantizer"),
    "decoder": ("decoder",), "decode": ("decoder",), "frame": GRAPHS,
}
"""What is timed: the graphs, coding and decoding, and a whole frame. The Rust side may measure only some."""


class BoundPack:
    """All tensors of the three graphs bound once; states swap between two sets, from frame to frame."""

    def __init__(self, pack):
        zeros = lambda v: OrtValue.ortvalue_from_numpy(np.zeros(v.shape, DTYPES[v.type]))
        self.tensors = {}
        self.calls = {}
        for graph in GRAPHS:
            session = pack.graphs[graph]
            states = [i for i in session.get_inputs() if i.name not in STREAMS]
            sets = [{i.name: zeros(i) for i in states} for _ in range(2)]
            for v in session.get_inputs() + session.get_outputs():
                if v.name in STREAMS:
                    # `audio` goes into the encoder and comes out of the decoder: two tensors.
                    self.tensors.setdefault(self.key(graph, v.name), zeros(v))
            self.calls[graph] = [(session, self.bind(graph, session, *pair)) for pair in (sets, sets[::-1])]
        self.tensors["stream_gain"].update_inplace(np.ones(2, np.float32))
        self.turn = 0

    @staticmethod
    def key(graph, name):
        return f"{graph}.{name}" if name == "audio" else name

    def bind(self, graph, session, before, after):
        """One way of calling a graph: states read from `before`, written to `after`."""
        binding = session.io_binding()
        for v in session.get_inputs():
            binding.bind_ortvalue_input(v.name, before.get(v.name) or self.tensors[self.key(graph, v.name)])
        for v in session.get_outputs():
            binding.bind_ortvalue_output(v.name, after.get(v.name.removesuffix("_out")) or self.tensors[self.key(graph, v.name)])
        return binding

    def frame(self, hop):
        """Code one hop f32 [1, hop]. Gives nanoseconds: [encoder, quantizer, decoder] x [wall, thread CPU]."""
        times = np.empty((3, 2))
        self.tensors["encoder.audio"].update_inplace(hop)
        for j, graph in enumerate(GRAPHS):
            session, binding = self.calls[graph][self.turn]
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            session.run_with_iobinding(binding)
            times[j] = time.perf_counter_ns() - wall, time.thread_time_ns() - cpu
        self.turn ^= 1
        return times


def ort_round(bound, hops, seconds):
    """Milliseconds [frames, 3 graphs, wall and CPU] of `seconds` of coding."""
    times, end, i = [], time.monotonic() + seconds, 0
    while time.monotonic() < end or i < 2 * WARM_FRAMES:
        times.append(bound.frame(hops[i % len(hops)]))
        i += 1
    return np.array(times[WARM_FRAMES:]) / 1e6


def rust_round(program, pack, seconds):
    """The medians, in ms, that `sacodec bench --json` prints: those of PARTS that it measures."""
    command = [program, "bench", "--json", "--seconds", str(seconds), "--pack", str(pack)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    report = json.loads(done.stdout)
    return {part: report[f"{part}_ms"] for part in PARTS if f"{part}_ms" in report}


def by_part(times):
    """[frames, 3, 2] -> part: [frames, 2]."""
    return {part: times[:, [GRAPHS.index(g) for g in graphs]].sum(1) for part, graphs in PARTS.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=ROOT / "models" / "live")
    parser.add_argument("--rust", help="the built sacodec program, to alternate with")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3, help="length of a round")
    parser.add_argument("--cpu", type=int, help="run everything on this core (Linux)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    a = parser.parse_args()
    if a.rust and a.rounds < 5:
        parser.error("--rounds: a comparison needs at least 5")
    if a.cpu is not None:
        os.sched_setaffinity(0, {a.cpu})

    pack = OrtPack(a.pack)
    bound = BoundPack(pack)
    clip = sf.read(CLIP, dtype="float32")[0]
    hops = clip[: len(clip) // pack.hop_samples * pack.hop_samples].reshape(-1, 1, pack.hop_samples)
    ort, rust = [], []
    for _ in range(a.rounds):
        ort.append(by_part(ort_round(bound, hops, a.seconds)))
        if a.rust:
            rust.append(rust_round(a.rust, a.pack.resolve(), a.seconds))

    report = {}
    for part in PARTS:
        every = np.concatenate([r[part] for r in ort])
        row = dict(median_ms=np.median(every[:, 0]), p95_ms=np.percentile(every[:, 0], 95), cpu_ms=np.median(every[:, 1]))
        if rust and part in rust[0]:
            pairs = [(r[part], np.median(o[part][:, 0])) for r, o in zip(rust, ort)]
            row["rust_ms"] = np.median([p[0] for p in pairs])
            row["ratio"] = row["rust_ms"] / np.median([p[1] for p in pairs])
            row["ratio_min"], row["ratio_max"] = (f(p[0] / p[1] for p in pairs) for f in (min, max))
        report[part] = {k: round(float(v), 4) for k, v in row.items()}
    if a.json:
        print(json.dumps(report))
        return
    hop_ms = 1000 * pack.hop_samples / pack.rate_hz
    columns = list(report["frame"])
    print("".ljust(10) + "".join(c.rjust(11) for c in columns))
    for part, row in report.items():
        print(part.ljust(10) + "".join(f"{row[c]:11.3f}" if c in row else "-".rjust(11) for c in columns))
    print(f"a frame is {hop_ms:.2f} ms: ONNX Runtime takes {100 * report['frame']['cpu_ms'] / hop_ms:.1f} % of a core")


if __name__ == "__main__":
    main()

"""Two hosts and the command line, with the same calls.

Audio is float32 [channels, samples]. Parameters are given by name and value, {"Listen": "Original", "Output gain": -6},
or as keywords with underscores. Both hosts say to the plugin that they render offline.
"""
import json
import os
import subprocess
import tempfile
from pathlib import Path

import dawdreamer
import numpy as np
import pedalboard
import soundfile as sf

CHOICES = {
    "Listen": ["Original", "Coded", "Difference"],
    "Channels": ["Mono sum", "Left", "Right", "Dual mono"],
    "Streams": ["Both", "Semantic only", "Acoustic only"],
    "When rendering": ["Coded", "Original"],
    "Scheduling": ["Spread", "Burst"],
    "Timeline lock": ["Off", "At start", "At start and jumps"],
    "Record while": ["Armed", "Playing"],
    "Loss": ["Off", "Random", "Bursty", "Trace"],
    "Lost streams": ["Both", "Semantic", "Acoustic"],
    "Concealment": ["Silence", "Repeat", "Fade"],
    "Token source": ["Input", "Take", "Take semantic", "Take acoustic"],
}
"""Texts of the choice parameters, in the order of their values."""

DEFAULTS = {
    "Bypass": 0.0, "Listen": 0.5, "Channels": 0.0, "Streams": 0.0,
    "Output gain": 0.5, "Level match": 0.0, "When rendering": 0.0,
    "Scheduling": 0.0, "Timeline lock": 0.5, "Record tokens": 0.0, "Record while": 0.0,
    "Loss": 0.0, "Loss rate": 0.2, "Mean burst": 2 / 19, "Packet": 1 / 7, "Lost streams": 0.0, "Loss seed": 0.0, "Concealment": 1.0,
    "Token source": 0.0, "Take shift": 0.5, "Freeze": 0.0,
}
"""All parameters and their default normalised values."""

GAIN_DB = (-24.0, 24.0)
BLOCKS = (64, 480, 512, 1024)
RATES_HZ = (44_100, 48_000)


def built(variable):
    """The path of a built artefact."""
    path = os.environ.get(variable, "")
    if not Path(path).exists() or not path:
        raise RuntimeError(f"{variable} is {path!r}: no such artefact. Run `cargo xtask test-hosts`, which builds it and sets this")
    return path


def normalised(name, value):
    """A parameter's value (a choice's text, dB, on or off) as the host's 0 ... 1."""
    if name in CHOICES:
        return CHOICES[name].index(value) / (len(CHOICES[name]) - 1)
    if name == "Output gain":
        return (value - GAIN_DB[0]) / (GAIN_DB[1] - GAIN_DB[0])
    return float(value)


class Pedalboard:
    """Takes the reported latency off. Resets the plugin before each render."""

    def __init__(self):
        self.plugin = pedalboard.load_plugin(built("SACODEC_VST3"))
        self.parameters = {p.name: p for p in self.plugin.parameters.values()}

    def set(self, values):
        """Set parameters by name and value."""
        for name, value in values.items():
            self.parameters[name].raw_value = normalised(name, value)

    def values(self):
        """All parameters, normalised, by name."""
        return {name: p.raw_value for name, p in self.parameters.items()}

    def texts(self):
        """All parameters as the host shows them, by name."""
        return {name: p.string_value for name, p in self.parameters.items()}

    @property
    def latency_samples(self):
        """What the plugin reports, at the rate of the last `render`."""
        return self.plugin.reported_latency_samples

    def state(self):
        """All that the host would save."""
        return self.plugin.raw_state

    def load(self, state):
        """Restore what `state` gave."""
        self.plugin.raw_state = state

    def render(self, audio, rate_hz, block, **values):
        """Process from a reset. As long as the input, aligned to it."""
        self.set({name.replace("_", " "): value for name, value in values.items()})
        out = self.plugin.process(audio, rate_hz, buffer_size=block, reset=True)
        assert out.shape == audio.shape
        return out


class Dawdreamer:
    """Takes nothing off. An instance renders once, at one rate and block size.

    Hold on to the instance: without its engine the processor is a dangling pointer.
    """

    def __init__(self, rate_hz, block):
        self.rate_hz = rate_hz
        self.engine = dawdreamer.RenderEngine(rate_hz, block)
        self.plugin = self.engine.make_plugin_processor("sacodec", built("SACODEC_VST3"))
        names = [p["name"] for p in self.plugin.get_parameters_description()]
        self.index = {name: i for i, name in enumerate(names)}

    def set(self, values):
        """Set parameters by name and value."""
        for name, value in values.items():
            self.plugin.set_parameter(self.index[name], normalised(name, value))

    def automate(self, name, values):
        """One normalised value for each sample; the host reads it at the start of each block."""
        self.plugin.set_automation(self.index[name], np.asarray(values, np.float32))

    def values(self):
        """All parameters, normalised, by name."""
        return {name: self.plugin.get_parameter(i) for name, i in self.index.items()}

    def texts(self):
        """All parameters as the host shows them, by name."""
        return {name: self.plugin.get_parameter_text(i) for name, i in self.index.items()}

    @property
    def latency_samples(self):
        """What the plugin reports, at the engine's rate once rendered."""
        return self.plugin.get_latency_samples()

    def state(self):
        """All that the host would save."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "state"
            self.plugin.save_state(str(path))
            return path.read_bytes()

    def load(self, state):
        """Restore what `state` gave."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "state"
            path.write_bytes(state)
            try:
                self.plugin.load_state(str(path))
            except RuntimeError as error:
                # It wants to open the editor once the state is in; without one it complains.
                if "editor" not in str(error):
                    raise

    def prepare(self, audio, **values):
        """All of a render that must happen on the main thread."""
        channels, samples = audio.shape
        self.plugin.set_bus(channels, channels)
        self.set({name.replace("_", " "): value for name, value in values.items()})
        source = self.engine.make_playback_processor("input", audio)
        assert self.engine.load_graph([(source, []), (self.plugin, ["input"])])
        self.shape, self.seconds = audio.shape, samples / self.rate_hz

    def run(self):
        """The rest of it, on any thread."""
        assert self.engine.render(self.seconds)
        out = self.engine.get_audio()
        assert out.shape == self.shape, f"rendered {out.shape} for {self.shape}"
        return out

    def render_raw(self, audio, **values):
        """Process from the start: as long as the input, late by the latency."""
        self.prepare(audio, **values)
        return self.run()

    def render(self, audio, **values):
        """As `render_raw`, with the reported latency taken off: aligned to the input."""
        late = self.render_raw(np.pad(audio, ((0, 0), (0, self.rate_hz))), **values)
        latency = self.latency_samples
        assert latency <= self.rate_hz, f"{latency} samples of latency"
        return late[:, latency:latency + audio.shape[1]]


def cli_roundtrip(audio, rate_hz, channels="each", difference=False, options=()):
    """`sacodec roundtrip` with `options` on a 32-bit float WAV -> (report, coded audio[, difference audio])."""
    with tempfile.TemporaryDirectory() as folder:
        source, coded, rest = (str(Path(folder) / f"{n}.wav") for n in ("in", "coded", "difference"))
        sf.write(source, audio.T, rate_hz, "FLOAT")
        command = [built("SACODEC_BIN"), "roundtrip", source, coded, "--json", "--channels", channels, *options]
        if difference:
            command += ["--difference", rest]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        outputs = []
        for path in [coded, rest] if difference else [coded]:
            out, out_hz = sf.read(path, dtype="float32", always_2d=True)
            assert out_hz == rate_hz and len(out) == audio.shape[1]
            outputs.append(out.T)
        return json.loads(done.stdout), *outputs

"""A host that never restarts the plugin gets what was chosen while sound runs, and its true latency."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from hosts import Pedalboard, built

ARDOUR = Path(__file__).parent / "ardour"

RATE_HZ, BLOCK = 48_000, 480
PATIENCE_S = 60.0
ONE_HOP_LESS = 641
"""What Burst saves at this rate."""
FEATURE = 4096
"""Samples of noise by which a delay is told."""


class Live:
    """Plays noise through the plugin as fast as it is heard, in a host that does not reset it."""

    def __init__(self, host):
        self.host, self.blocks, self.began = host, 0, time.monotonic()
        self.noise = np.random.default_rng(1).standard_normal((1, RATE_HZ)).astype(np.float32) * 0.1
        self.heard = []

    def block(self):
        """One block more."""
        at = self.blocks * BLOCK % RATE_HZ
        time.sleep(max(0.0, self.began + self.blocks * BLOCK / RATE_HZ - time.monotonic()))
        # Taken off is what the host believes the latency to be: here it gets all that comes out.
        self.heard.append(self.host.plugin.process(self.noise[:, at:at + BLOCK], RATE_HZ, buffer_size=BLOCK, reset=False))
        self.blocks += 1

    def delay_samples(self):
        """Of what came out last against what went in."""
        out = np.concatenate(self.heard, 1)[0, -FEATURE:]
        whole = np.tile(self.noise[0], self.blocks * BLOCK // RATE_HZ + 2)
        end = self.blocks * BLOCK
        past = whole[end - FEATURE - 8192:end]
        scores = np.correlate(past, out, "valid")
        return len(scores) - 1 - int(np.argmax(scores))


def test_another_scheduling_plays_after_a_moment_at_its_own_latency_and_the_host_is_told():
    host = Pedalboard()
    silence = np.zeros((1, RATE_HZ), np.float32)
    host.render(silence, RATE_HZ, BLOCK, Listen="Original")
    spread = host.latency_samples
    live = Live(host)
    for _ in range(100):
        live.block()
    before = live.delay_samples()
    host.set({"Scheduling": "Burst"})
    while host.latency_samples == spread:
        assert live.blocks * BLOCK < PATIENCE_S * RATE_HZ, "the latency stayed what it was"
        live.block()
    for _ in range(20):
        live.block()
    assert host.latency_samples == spread - ONE_HOP_LESS
    assert before - live.delay_samples() == spread - host.latency_samples


@pytest.mark.skipif(not shutil.which("ardour7-lua"), reason="Ardour 7 is not installed")
def test_ardour_gets_what_a_session_saved_after_a_moment_of_sound(tmp_path):
    """It activates a plugin, then sets its state, and never restarts it."""
    bundle = Path(built("SACODEC_VST3"))
    home = tmp_path / "home"
    shutil.copytree(bundle, home / ".vst3" / bundle.name)
    for path in [home / ".vst3", *(home / ".vst3").rglob("*")]:
        os.utime(path, (time.time() - 60,) * 2)  # Ardour takes a file that was just copied for newer than its cache.
    configured = home / ".config" / "ardour7"
    configured.mkdir(parents=True)
    (configured / ".a7").touch()
    shutil.copy(ARDOUR / "config", configured / "config")
    environment = {k: v for k, v in os.environ.items() if k not in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    environment["HOME"] = str(home)
    scan = f'''eval "$(grep -E '^export (LD_LIBRARY|ARDOUR_DLL)_PATH=' "$(command -v ardour7-lua)")"
               "$ARDOUR_DLL_PATH/ardour-vst3-scanner" -f -q "$HOME/.vst3/{bundle.name}"'''
    subprocess.run(["bash", "-c", scan], env=environment, check=True, capture_output=True, timeout=120)
    done = subprocess.run(["ardour7-lua", ARDOUR / "handover.lua", tmp_path / "session", bundle.stem], env=environment,
                          capture_output=True, text=True, timeout=300)
    said = dict(re.findall(r"^(new|chosen|loaded|played)\s+(\d+)$", done.stdout, re.MULTILINE))
    latencies = {name: int(samples) for name, samples in said.items()}
    assert set(latencies) == {"new", "chosen", "loaded", "played"}, done.stdout + done.stderr
    assert latencies["chosen"] == latencies["new"] - ONE_HOP_LESS, latencies
    assert latencies["played"] == latencies["chosen"], latencies

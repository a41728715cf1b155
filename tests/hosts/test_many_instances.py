"""Instances come and go for a long time in one process."""
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = 20


@pytest.mark.parametrize("kind", ("pedalboard", "dawdreamer"))
def test_instances_come_and_go(kind):
    script = Path(__file__).with_name("many_instances.py")
    done = subprocess.run([sys.executable, str(script), kind, str(ROUNDS)], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    threads = [int(line) for line in done.stdout.split()]
    assert len(threads) == ROUNDS
    # A thread may end a little after its instance: single rounds may count one more, not all of them.
    assert min(threads[-5:]) <= max(threads[:5]), f"threads in the process, round by round: {threads}"

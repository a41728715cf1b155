"""The Ray example with two local workers, of which one is killed: takes and report are those of one process.

    PATH=target/release:$PATH python -m pytest python/examples    # needs ray[data] and soundfile
"""
import json
import os
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

ray = pytest.importorskip("ray")
psutil = pytest.importorskip("psutil")
sf = pytest.importorskip("soundfile")
import ray_encode  # noqa: E402

FILES = 500


def takes(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.sac")}


def report(path, folder):
    """What the report says of each input, but for which process it was that made it."""
    entries = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        assert entry["result"] in ("done", "skipped"), entry
        files = [(os.path.relpath(file["path"], folder), file["sha256"]) for file in entry["files"]]
        key = os.path.abspath(entry["input"]["path"])
        assert key not in entries
        entries[key] = (entry["input"]["sha256"], files, entry["frames"], entry["seconds"])
    return entries


def kill_a_worker(output, killed):
    """Kills a worker of Ray, and the command that it runs, when a fifth of the takes is there."""
    while not killed.is_set():
        made = sum(1 for _ in output.rglob("*.sac")) if output.exists() else 0
        for process in psutil.process_iter(["name", "cmdline"]) if FILES // 5 < made < FILES // 2 else ():
            try:
                if process.name() == "sacodec" and str(output) in process.cmdline():
                    worker = process.parent()
                    if worker is not None and worker.name().startswith("ray::"):
                        worker.kill()
                        process.kill()
                        killed.set()
                        return
            except psutil.Error:
                continue
        time.sleep(0.02)


def test_two_workers_of_which_one_is_killed_give_what_one_process_gives(tmp_path, monkeypatch):
    rng, names = np.random.default_rng(7), []
    for number in range(FILES):
        path = tmp_path / "corpus" / str(number % 7) / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, rng.uniform(-0.5, 0.5, 1_500 + 11 * number), 16_000)
        names.append(str(path))
    (tmp_path / "all.txt").write_text("\n".join(names) + "\n")
    monkeypatch.chdir(tmp_path)
    alone = ["sacodec", "encode", "--files-from", "all.txt", "--root", "corpus", "--output", "alone", "--report",
             "alone.jsonl"]
    subprocess.run(alone, check=True, stdout=subprocess.DEVNULL)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False,
             runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}})
    killed = threading.Event()
    killer = threading.Thread(target=kill_a_worker, args=(tmp_path / "takes", killed))
    killer.start()
    try:
        code = ray_encode.main(["all.txt", "--root", "corpus", "--output", "takes", "--report", "run.jsonl",
                                "--files-per-batch", "20"])
        was_killed = killed.is_set()
    finally:
        killed.set()
        killer.join()
        ray.shutdown()
    assert code == 0 and was_killed
    assert takes(tmp_path / "takes") == takes(tmp_path / "alone") and len(takes(tmp_path / "takes")) == FILES
    assert report(tmp_path / "run.jsonl", tmp_path / "takes") == report(tmp_path / "alone.jsonl", tmp_path / "alone")

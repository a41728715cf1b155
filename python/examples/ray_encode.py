"""Codes a list of audio files on a Ray cluster, and proves that all of it was coded.

    pip install "ray[data]"
    python python/examples/ray_encode.py all.txt --root /data/corpus --output /data/takes --report run.jsonl

`sacodec` must be on the PATH of each machine, and the folders be the same on all. A worker that dies is no harm: Ray
gives its files to another one, and `--skip-existing` leaves alone what was made. To continue later, run it again.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import ray


def encode(batch, root, output):
    """Codes some files with one process -> its report, a line of JSON for each file."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "run.jsonl")
        command = ["sacodec", "encode", "--files-from", "-", "--root", root, "--output", output, "--skip-existing",
                   "--jobs", "1", "--report", report]
        done = subprocess.run(command, input="\n".join(batch["path"]) + "\n", stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        # 1 and 3 are told in the report, file by file. All else is no result: Ray tries again.
        if done.returncode not in (0, 1, 3):
            raise RuntimeError(f"sacodec ended with {done.returncode}: {done.stderr}")
        with open(report, encoding="utf-8") as file:
            return {"line": file.read().splitlines()}


def main(arguments):
    """Runs the command line -> the exit code of `sacodec check`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", help="names of audio files, one on each line")
    parser.add_argument("--root", required=True, help="folder that the names of the takes are told from")
    parser.add_argument("--output", required=True, help="folder of the takes")
    parser.add_argument("--report", required=True, help="file to write, for `sacodec check`")
    parser.add_argument("--files-per-batch", type=int, default=50)
    given = parser.parse_args(arguments)
    root, output = os.path.abspath(given.root), os.path.abspath(given.output)
    with open(given.list, encoding="utf-8") as file:
        names = [os.path.abspath(name) for name in file.read().splitlines() if name]
    blocks = -(-len(names) // given.files_per_batch)
    data = ray.data.from_items([{"path": name} for name in names], override_num_blocks=max(blocks, 1))
    lines = data.map_batches(encode, batch_size=given.files_per_batch, fn_kwargs={"root": root, "output": output})
    with open(given.report, "w", encoding="utf-8") as report:
        for row in lines.iter_rows():
            print(row["line"], file=report)
    return subprocess.run(["sacodec", "check", given.report, "--list", given.list]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

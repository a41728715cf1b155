"""Prints a line for each take: `python -m sacodec_tokens a.sac b.sac`."""
from __future__ import annotations

import os
import sys
from typing import Sequence

from . import SacError, read


def main(paths: Sequence[str]) -> int:
    """A line for each take -> 0, 1 if one could not be read, or 2 if there is none."""
    if not paths:
        print("name takes: python -m sacodec_tokens a.sac b.sac", file=sys.stderr)
        return 2
    failed = 0
    for path in paths:
        try:
            take = read(path)
        except (OSError, SacError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            failed = 1
            continue
        print(f"{path}: {take.summary()}", flush=True)
    return failed


def run() -> int:
    """As `main`, with the arguments of the program. Nobody needs to listen: a closed pipe is no fault."""
    try:
        return main(sys.argv[1:])
    except BrokenPipeError:
        # Python flushes standard output when it ends, and would complain of the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(run())

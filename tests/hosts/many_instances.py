"""Makes, plays and drops instances in one process: python many_instances.py pedalboard|dawdreamer ROUNDS

Prints the number of threads in the process after each round (0 where the system does not tell).
"""
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from hosts import CHOICES, Dawdreamer, Pedalboard
from signals import noise

INSTANCES, THREADS, RATE_HZ, BLOCKS = 50, 4, 48_000, (32, 64, 480, 1024)
TASKS = Path("/proc/self/task")


def main(kind, rounds):
    random.seed(5)
    audio = noise(2, 0.25, RATE_HZ)
    for _ in range(rounds):
        hosts, plays = [], []
        for _ in range(INSTANCES):
            block = random.choice(BLOCKS)
            values = {name: random.choice(texts) for name, texts in CHOICES.items()}
            if kind == "pedalboard":
                host = Pedalboard()
                plays.append(partial(host.render, audio, RATE_HZ, block))
            else:
                host = Dawdreamer(RATE_HZ, block)
                host.prepare(audio)
                plays.append(host.run)
            host.set(values)
            hosts.append(host)
        with ThreadPoolExecutor(THREADS) as pool:
            for out in pool.map(lambda play: play(), plays):
                assert out.shape == audio.shape
        plays.clear()
        random.shuffle(hosts)
        while hosts:
            hosts.pop()
        print(len(list(TASKS.iterdir())) if TASKS.exists() else 0, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

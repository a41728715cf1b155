"""How the command conceals lost packets: a table of ways, rates and bursts, judged on recordings.

`python -m sacodec_train.evaluate.concealment SACODEC --clips DEV` runs the command SACODEC on all recordings and prints Markdown.
PLCMOS comes with its weights in the package speechmos of requirements-listen.txt.
"""
import argparse
import contextlib
import itertools
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from . import recordings
from ..config import RATE_HZ
from ..metrics import estoi, pesq_wb

WAYS = ("silence", "repeat", "fade")
RATES_PERCENT = (5, 10, 20)
BURSTS_PACKETS = (None, 3)
"""None: at random."""
SEED = 7
RATERS, RATER_VALUES = 5, 64


class PlcMos:
    """PLCMOS v2 (Diener et al. 2023): what listeners would say of concealment, 1 to 5. Its raters are drawn once, so that a score
    can be repeated."""

    def __init__(self):
        from speechmos import plcmos
        with contextlib.redirect_stdout(None):
            self.model = plcmos.PLCMOS()
        self.raters = np.random.default_rng(SEED).normal(size=(RATERS, 1, RATER_VALUES)).astype(np.float32)

    def score(self, y):
        """Mean opinion of f32 [T] at 24 kHz."""
        low = np.clip(resample_poly(y.astype(np.float64), 2, 3), -1, 1)
        features = self.model.stft_transform(low).astype(np.float32)[None, None]
        given = [self.model.session.run(None, dict(degraded_audio=features, rater_embed=rater))[0] for rater in self.raters]
        return float(np.mean(given))


class Judge:
    """The command, the recordings as takes in a folder, and PLCMOS."""

    def __init__(self, command, clips, folder):
        import soundfile as sf
        self.command, self.clips, self.folder, self.plcmos = command, clips, Path(folder), PlcMos()
        (self.folder / "in").mkdir()
        for number, clip in enumerate(clips):
            sf.write(self.folder / "in" / f"{number}.wav", clip.audio, RATE_HZ, subtype="FLOAT")
        self.run("encode", "in", "--output", "whole")

    def run(self, *line, allowed=(0,)):
        """What the command prints with --json, a dict for each line. 3 is what `decode` ends with where frames are missing."""
        done = subprocess.run([self.command, *line, "--json"], capture_output=True, text=True, cwd=self.folder)
        if done.returncode not in allowed:
            raise SystemExit(f"{self.command} {' '.join(line)} failed: {done.stderr.strip()[-300:]}")
        return [json.loads(row) for row in done.stdout.splitlines()]

    def lose(self, rate_percent, burst):
        """Takes with gaps, each by a seed of its own; gives the share of frames that were lost."""
        reports = []
        for number in range(len(self.clips)):
            options = ["--loss", f"{rate_percent}%", "--seed", str(SEED + number)] + ([] if burst is None else ["--burst", str(burst)])
            reports += self.run("lose", f"whole/{number}.sac", "--output", f"lossy/{number}.sac", "--overwrite", *options)
        return sum(r["lost_frames"] for r in reports) / sum(r["frames"] for r in reports)

    def scores(self, takes, *options):
        """Means over the recordings of what decoded takes get: PLCMOS, PESQ-WB, ESTOI."""
        import soundfile as sf
        self.run("decode", takes, "--output", "out", "--overwrite", *options, allowed=(0, 3))
        rows = []
        for number, clip in enumerate(self.clips):
            coded = sf.read(self.folder / "out" / f"{number}.decoded.wav", dtype="float32")[0]
            pair = clip.audio.astype(np.float64), coded.astype(np.float64)
            rows.append((self.plcmos.score(coded), pesq_wb(*pair), estoi(*pair)))
        return np.nanmean(rows, 0)


def row(loss, burst, way, lost, scores):
    """A row of the table."""
    mos, pesq, intelligible = scores
    return f"| {loss} | {burst} | {way} | {100 * lost:.1f} % | {mos:.2f} | {pesq:.2f} | {intelligible:.3f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", help="the command sacodec")
    parser.add_argument("--clips", required=True, help="folder of recordings, with a table beside it as `evaluate` takes it")
    parser.add_argument("--every", type=int, default=1, help="of so many recordings take one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(str(Path(args.command).resolve()), recordings.read(args.clips, args.every), folder)
        print("| loss | packets lost | concealment | frames lost | PLCMOS | PESQ-WB | ESTOI |\n|---|---|---|---|---|---|---|")
        print(row("none", "", "", 0, judge.scores("whole")), flush=True)
        for burst, rate in itertools.product(BURSTS_PACKETS, RATES_PERCENT):
            lost = judge.lose(rate, burst)
            for way in WAYS:
                words = "at random" if burst is None else f"in bursts of {burst}"
                print(row(f"{rate} %", words, way, lost, judge.scores("lossy", f"--conceal={way}")), flush=True)


if __name__ == "__main__":
    main()

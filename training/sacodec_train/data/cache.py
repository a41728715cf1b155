"""Make the cache that training reads: python -m sacodec_train.data.cache FOLDER ... --out CACHE

pcm.npy i16 [T] and f0.npy f16 [T / hop], all clips end to end; clips.csv, a row for each; cache.json with checksums.
"""
import argparse
import csv
import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from ..arguments import language, within
from ..config import HOP_SAMPLES, RATE_HZ
from .sources import DataError, find

COLUMNS = ["start", "samples", "split", "source", "speaker", "bandwidth_hz", "licence", "lang", "gender", "name", "text"]
FILES = ("pcm.npy", "f0.npy", "clips.csv", "cache.json")
"""In the order in which they take their places: with the last one the cache is finished."""


def split_of(speaker, held_out):
    """"valid" for a share `held_out` of all speakers, else "train": by a hash of the name, the same in every run."""
    number = int.from_bytes(hashlib.sha256(speaker.encode()).digest()[:8], "big") / 2**64
    return "valid" if number < held_out else "train"


def sha256_of(path):
    """Of a whole file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(job):
    reader, arguments = job
    found = reader(*arguments)
    return [c for c in (found if isinstance(found, list) else [found]) if c is not None]


def build(folders, out, held_out=0.01, workers=None, report=print, lang=""):
    """Read all folders and write the cache; `lang` is the language of recordings that no table tells of. Raises DataError on
    recordings that cannot be read. What fails or is interrupted leaves nothing, and a cache that was there as it was."""
    places = [Path(folder).resolve() for folder in folders]
    for folder, place in zip(folders, places):
        if places.count(place) > 1:
            raise DataError(f"{folder}: named twice; each of its recordings would be there twice")
    jobs = [job for folder in folders for job in find(folder)]
    out = Path(out)
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    partial = {name: out / f"{name}.partial" for name in (*FILES, "pcm.raw")}
    try:
        facts = _write(jobs, partial, held_out, workers, lang)
        for name in FILES:
            if name == FILES[-1]:
                (out / "phones.npy").unlink(missing_ok=True)
            os.replace(partial[name], out / name)
    except BaseException:
        for path in partial.values():
            path.unlink(missing_ok=True)
        if is_new and not any(out.iterdir()):
            out.rmdir()
        raise
    speakers = f"{facts['speakers']} speakers ({facts['speakers_held_out']} held out)"
    report(f"{facts['clips']} clips, {speakers}, {facts['hours']:.2f} h")
    return facts


def _write(jobs, partial, held_out, workers, lang):
    """Do `jobs` and write the cache's files under their `partial` names. Returns what cache.json says."""
    pcm, f0, rows, at = hashlib.sha256(), [], [], 0
    with ProcessPoolExecutor(workers) as pool, open(partial["pcm.raw"], "wb") as samples:
        for clips in pool.map(_read, jobs):
            for c in clips:
                raw = np.ascontiguousarray(c.samples, "<i2").tobytes()
                samples.write(raw)
                pcm.update(raw)
                f0.append(c.f0_hz)
                rows.append([at, len(c.samples), split_of(c.source + "/" + c.speaker, held_out), c.source, c.speaker,
                             f"{c.bandwidth_hz:.0f}", c.licence, c.lang or lang, c.gender, c.name, c.text])
                at += len(c.samples)
    if not rows:
        raise DataError("no recording is long enough: half a second at least")
    for name, array in (("pcm.npy", np.memmap(partial["pcm.raw"], "<i2", "r", shape=(at,))), ("f0.npy", np.concatenate(f0))):
        with open(partial[name], "wb") as file:
            np.save(file, array)
    del array
    partial["pcm.raw"].unlink()
    with open(partial["clips.csv"], "w", newline="", encoding="utf8") as table:
        csv.writer(table).writerows([COLUMNS, *rows])
    speakers = {(r[3], r[4]): r[2] for r in rows}
    sha256 = {f"{name.split('.')[0]}_sha256": sha256_of(partial[name]) for name in ("f0.npy", "clips.csv")}
    facts = dict(rate_hz=RATE_HZ, hop_samples=HOP_SAMPLES, clips=len(rows), hours=at / RATE_HZ / 3600, speakers=len(speakers),
                 speakers_held_out=list(speakers.values()).count("valid"), pcm_sha256=pcm.hexdigest(), **sha256)
    partial["cache.json"].write_text(json.dumps(facts, indent=2) + "\n")
    return facts


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folders", nargs="+", help="folders of shards or of recordings")
    p.add_argument("--out", required=True)
    p.add_argument("--held-out", type=within(float, 0, 1), default=0.01, help="share of speakers kept from training")
    p.add_argument("--lang", type=language, help="language of recordings without a table, such as en: phones are found in English only")
    p.add_argument("--workers", type=within(int, 1))
    a = p.parse_args()
    try:
        build(a.folders, a.out, a.held_out, a.workers, lang=a.lang or "")
    except (DataError, OSError) as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()

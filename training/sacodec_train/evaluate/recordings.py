"""The recordings that packs are judged on."""
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..config import RATE_HZ
from ..data.clips import whole_hops
from ..data.sources import AUDIO, DataError, read_file


@dataclass(frozen=True)
class Recording:
    """`audio` f32 [T] at 24 kHz, whole hops; what is not known of it is empty."""
    name: str
    audio: np.ndarray
    bandwidth_hz: float
    speaker: str
    lang: str = ""
    gender: str = ""
    text: str = ""

    @property
    def band(self):
        """The recording's true bandwidth, in words."""
        return "to 8 kHz" if self.bandwidth_hz <= 8_500 else "to 11 kHz" if self.bandwidth_hz <= 11_000 else "full"


def read(folder, every=1, report=print):
    """Every `every`-th recording of a folder. A table FOLDER.csv beside it (file, speaker, lang, gender, bandwidth_hz, text)
    tells what is known of them, and which there are: rows without their file are left out, which `report` says. Without a table
    the folders below are the speakers and a .txt beside a file is its text."""
    folder = Path(folder)
    table = folder.with_name(folder.name + ".csv")
    if table.is_file():
        with open(table, encoding="utf8", newline="") as file:
            rows = list(csv.DictReader(file))
        there = [row for row in rows if row.get("file") and (folder / row["file"]).is_file()]
        if not there:
            raise DataError(f"{folder}: none of the recordings of {table.name} is there")
        if len(there) < len(rows):
            report(f"{table}: {len(rows) - len(there)} of {len(rows)} recordings are not there and left out")
        return [_row(folder, row) for row in there[::every]]
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO)[::every]
    clips = [clip for clip in (read_file(path, folder) for path in files) if clip is not None]
    if not clips:
        raise DataError(f"{folder}: no recordings of half a second or more ({', '.join(sorted(AUDIO))})")
    return [Recording(c.name, c.samples.astype(np.float32) / 32768, c.bandwidth_hz, c.speaker, c.lang, c.gender, c.text) for c in clips]


def _row(folder, row):
    import soundfile as sf
    path = folder / row["file"]
    try:
        audio, rate = sf.read(path, dtype="float32")
    except (sf.LibsndfileError, RuntimeError) as e:
        raise DataError(f"{path}: {e}") from e
    if rate != RATE_HZ or audio.ndim != 1:
        raise DataError(f"{path}: {rate} Hz, {audio.ndim} dimensions; a table's recordings are {RATE_HZ} Hz mono")
    known = lambda name: row.get(name) or ""
    return Recording(row["file"], whole_hops(audio), min(float(known("bandwidth_hz") or RATE_HZ / 2), RATE_HZ / 2),
                     known("speaker"), known("lang"), known("gender"), known("text"))

"""Where clips come from: Opus shards with a table, or any folders of audio."""
import csv
from pathlib import Path

import numpy as np

from ..config import HOP_SAMPLES, RATE_HZ
from .clips import Clip, bandwidth_hz, pitch_hz, whole_hops

AUDIO = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif"}
MIN_SECONDS = 0.5


class DataError(ValueError):
    """Recordings that cannot be used; says which, and why."""


def read_shard(path):
    """A shard `NAME.opus`, `NAME.csv` (start, end in samples, source, speaker, ...) and `NAME.f0.npy` -> its clips."""
    import soundfile as sf
    path = Path(path)
    stream, rate = sf.read(path, dtype="int16")
    if rate != RATE_HZ or stream.ndim != 1:
        raise DataError(f"{path}: {rate} Hz, {stream.ndim} dimensions; expected {RATE_HZ} Hz mono")
    with open(path.with_suffix(".csv"), encoding="utf8", newline="") as table:
        rows = list(csv.DictReader(table))
    f0, at, clips = np.load(path.with_suffix(".f0.npy")), 0, []
    for row in rows:
        start, end = int(row["start"]), int(row["end"])
        samples = whole_hops(stream[start:end])
        hops = (end - start) // HOP_SAMPLES
        if len(samples) != hops * HOP_SAMPLES or at + hops > len(f0):
            raise DataError(f"{path}: the table names samples {start} to {end}, the audio has {len(stream)}, the pitch {len(f0)} hops")
        clips.append(Clip(samples, f0[at:at + hops], row["source"], row["speaker"], float(row["bandwidth_hz"] or RATE_HZ / 2),
                          row.get("licence", ""), row.get("lang", ""), row.get("gender", ""), row.get("text", ""), row.get("path", "")))
        at += hops
    return clips


def read_file(path, root):
    """Any recording -> a clip, resampled to 24 kHz mono; `None` if it is shorter than half a second.

    The first folder below `root` is its speaker, whatever lies between; a `.txt` beside it is its text.
    """
    import soundfile as sf
    from scipy.signal import resample_poly
    path, root = Path(path), Path(root)
    try:
        audio, rate = sf.read(path, dtype="float64", always_2d=True)
    except (sf.LibsndfileError, RuntimeError) as e:
        raise DataError(f"{path}: {e}") from e
    audio = audio.mean(1)
    if not np.isfinite(audio).all():
        raise DataError(f"{path}: holds samples that are not finite (NaN or infinity): leave this file out or mend it")
    if rate != RATE_HZ:
        common = np.gcd(rate, RATE_HZ)
        audio = resample_poly(audio, RATE_HZ // common, rate // common)
    if len(audio) < MIN_SECONDS * RATE_HZ:
        return None
    peak = np.abs(audio).max()
    samples = whole_hops(np.round(audio * (32767 / max(peak, 1.0))).astype(np.int16))
    floats = samples / 32768
    text = path.with_suffix(".txt")
    try:
        said = text.read_text(encoding="utf8").strip() if text.is_file() else ""
    except UnicodeDecodeError as e:
        raise DataError(f"{text}: not UTF-8; save it as that") from e
    place = path.relative_to(root)
    return Clip(samples, pitch_hz(floats), root.name, place.parts[0] if len(place.parts) > 1 else ".", min(bandwidth_hz(floats), rate / 2),
                text=said, name=str(place))


def refuse_evaluation(folder):
    """Raise DataError where a table beside the folder makes it a set for evaluation."""
    table = folder.resolve().with_name(folder.resolve().name + ".csv")
    if table.is_file():
        raise DataError(f"{folder}: {table.name} beside it makes it a set for evaluation, which is not trained on")


def find(folder):
    """All work of a folder: its shards, if it has any, else its recordings; a list of (reader, arguments). Raises DataError where
    some of it is for evaluation."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: " + ("a file; name the folder that it lies in" if folder.exists() else "there is no such folder"))
    refuse_evaluation(folder)
    shards = [path for path in sorted(folder.glob("*.opus")) if path.with_suffix(".csv").is_file()]
    if shards:
        return [(read_shard, (path,)) for path in shards]
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO and path.is_file())
    for path in files:
        if path.suffix == ".opus" and path.with_suffix(".csv").is_file():
            raise DataError(f"{path}: a shard, which is many clips: name its own folder")
        for below in path.parents[:len(path.relative_to(folder).parts) - 1]:
            refuse_evaluation(below)
    if not files:
        raise DataError(f"{folder}: no shards (NAME.opus with NAME.csv) and no recordings ({', '.join(sorted(AUDIO))})")
    return [(read_file, (path, folder)) for path in files]

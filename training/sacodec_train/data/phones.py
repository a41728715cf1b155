"""Which phone is spoken in each hop of a cache's English clips: python -m sacodec_train.data.phones CACHE [--recognise]

Writes CACHE/phones.npy, i8 [T / hop]: an index in PHONES, -1 where it is not known (other languages, words that the
dictionary lacks, alignments that failed). By pocketsphinx and the acoustic model that comes with it; --recognise also
takes English clips without a text, by the words that it hears.
"""
import argparse
import csv
import re
import unicodedata
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from ..arguments import within
from ..config import FRAME_RATE_HZ, HOP_SAMPLES
from .sources import DataError

PHONES = ("SIL AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH").split()
"""ARPAbet, as the CMU dictionary has it, and silence."""
UNKNOWN = -1
ALIGNER_FRAME_RATE_HZ = 100


class Aligner:
    """English speech at 24 kHz and its text -> phones."""

    def __init__(self):
        from pocketsphinx import Decoder
        self.aligner = Decoder(samprate=16_000, lm=None, bestpath=False, loglevel="FATAL")
        self.recogniser = None

    def labels(self, samples, text="", recognise=False):
        """Samples i16 [T] -> i8 [T // hop], or None where that is not possible."""
        from scipy.signal import resample_poly
        raw = np.round(resample_poly(samples.astype(np.float64), 2, 3)).clip(-32768, 32767).astype("<i2").tobytes()
        plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower().replace("’", "'")) if not unicodedata.combining(c))
        words = re.sub(r"[^a-z' ]", " ", plain).split()
        if not words and recognise:
            words = self._heard(raw)
        if not words or re.search(r"\d", text) or any(self.aligner.lookup_word(word) is None for word in words):
            return None
        try:
            self.aligner.set_align_text(" ".join(words))
            _decode(self.aligner, raw)
            self.aligner.set_alignment()
            _decode(self.aligner, raw)
            found = [(p.name, p.start, p.duration) for word in self.aligner.get_alignment() for p in word]
        except (RuntimeError, ValueError, TypeError):  # The text does not fit what is heard.
            return None
        spoken = np.zeros(found[-1][1] + found[-1][2], np.int8)
        for name, start, duration in found:
            spoken[start:start + duration] = PHONES.index(name) if name in PHONES else UNKNOWN  # Breath, noise.
        middle = ((np.arange(len(samples) // HOP_SAMPLES) + 0.5) / FRAME_RATE_HZ * ALIGNER_FRAME_RATE_HZ).astype(int)
        return np.where(middle < len(spoken), spoken[np.minimum(middle, len(spoken) - 1)], 0).astype(np.int8)

    def _heard(self, raw):
        from pocketsphinx import Decoder
        self.recogniser = self.recogniser or Decoder(samprate=16_000, loglevel="FATAL")
        _decode(self.recogniser, raw)
        heard = self.recogniser.hyp()
        return [re.sub(r"\(\d+\)$", "", word) for word in heard.hypstr.split()] if heard else []


def _decode(decoder, raw):
    decoder.start_utt()
    decoder.process_raw(raw, full_utt=True)
    decoder.end_utt()


_own = {}


def _job(job):
    cache, start, count, text, recognise = job
    if "aligner" not in _own:
        _own["aligner"], _own["pcm"] = Aligner(), np.load(Path(cache) / "pcm.npy", mmap_mode="r")
    return start, count, _own["aligner"].labels(_own["pcm"][start:start + count], text, recognise)


def build(cache, recognise=False, workers=None, report=print):
    """Write phones.npy. Returns the share of English hops that are known."""
    cache = Path(cache)
    try:
        with open(cache / "clips.csv", encoding="utf8", newline="") as table:
            rows = [r for r in csv.DictReader(table) if r["lang"] == "en" and (recognise or r["text"].strip())]
    except OSError as e:
        raise DataError(f"{cache}: not a cache ({e}); make one with python -m sacodec_train.data.cache") from e
    phones = np.full(len(np.load(cache / "f0.npy", mmap_mode="r")), UNKNOWN, np.int8)
    jobs = [(str(cache), int(r["start"]), int(r["samples"]), r["text"], recognise) for r in rows]
    hops = known = 0
    with ProcessPoolExecutor(workers) as pool:
        for start, count, labels in pool.map(_job, jobs, chunksize=8):
            hops += count // HOP_SAMPLES
            if labels is not None:
                phones[start // HOP_SAMPLES:start // HOP_SAMPLES + len(labels)] = labels
                known += len(labels)
    if not known:
        raise DataError(f"{cache}: no phones found in {len(jobs)} English clips" + (
            "" if jobs else "; say the language of recordings with --lang en when the cache is made, and --recognise where they have no text"))
    np.save(cache / "phones.npy", phones)
    report(f"{len(jobs)} English clips, {hops / FRAME_RATE_HZ / 3600:.2f} h, {100 * known / max(1, hops):.0f} % of it aligned")
    return known / max(1, hops)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cache")
    p.add_argument("--recognise", action="store_true", help="also clips without a text")
    p.add_argument("--workers", type=within(int, 1))
    a = p.parse_args()
    try:
        build(a.cache, a.recognise, a.workers)
    except DataError as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()

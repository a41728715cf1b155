"""Recordings and systems -> scores by clip, and what each token stream holds."""
import functools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from .. import metrics
from ..data.phones import UNKNOWN, Aligner
from . import measures, systems
from .listen import ORIGINAL, Listener

SHIFTS = 40
"""Draws of what chance gives."""
COLUMNS = measures.keys(measures.SIGNAL)


@dataclass(frozen=True)
class Scored:
    """One recording: its row of COLUMNS and the audio by system, its tokens by pack, its phones i8 [F] or None. With
    --listen rows have `listen.COLUMNS` too, and `original` is the recording's own row of those."""
    recording: object
    rows: dict
    audio: dict
    tokens: dict
    phones: object
    original: dict = field(default_factory=dict)


def score(reference, output, bandwidth_hz):
    """Reference and output f32 [T], aligned -> the COLUMNS; `nan` where a measure does not apply."""
    a, b = reference.astype(np.float64), output.astype(np.float64)
    pitch = metrics.pitch_errors(a, b)
    values = (metrics.pesq_wb(a, b), metrics.estoi(a, b), metrics.log_mel_distance_db(a, b, bandwidth_hz),
              metrics.log_spectral_distance_db(a, b, bandwidth_hz), metrics.detail_ratio(a, b, bandwidth_hz),
              pitch["cents"], pitch["gross"], pitch["voicing"])
    return dict(zip(COLUMNS, values))


_listener = functools.cache(Listener)
"""The models of a process, loaded when the first clip is heard."""


def _clip(job):
    recording, packs, baselines, align, listen = job
    coded = [c for folder in packs for c in systems.pack(folder, recording.audio)]
    coded += [c for name in baselines for c in systems.BASELINES[name](recording.audio)]
    for c in coded:
        if not np.isfinite(c.audio).all():
            raise systems.CodecError(f"{c.system}: gave no numbers for {recording.name}: what it decodes cannot be judged")
    rows = {c.system: dict(kbps=c.kbps, **score(recording.audio, c.audio, recording.bandwidth_hz)) for c in coded}
    # Both rows of a pack have the same tokens: the first tells them.
    tokens = {c.system: c.tokens for c in coded if c.tokens is not None and "," not in c.system}
    phones = None
    if align and recording.lang == "en":
        phones = Aligner().labels(np.round(recording.audio * 32767).astype(np.int16), recording.text, recognise=True)
    audio = {c.system: c.audio for c in coded}
    heard = _listener().judge(recording.audio, audio, recording.lang == "en") if listen else {}
    for system, row in rows.items():
        row.update(heard.get(system, {}))
    return Scored(recording, rows, audio, tokens, phones, heard.get(ORIGINAL, {}))


def run(recordings, packs, baselines=(), align=False, workers=None, listen=False):
    """Code and score all recordings. `align`: also find the phones of English ones; `listen`: also ask listeners' models."""
    systems.require(baselines)
    jobs = [(r, packs, baselines, align, listen) for r in recordings]
    # Spawned: a process forked from one that has computed with PyTorch waits for ever on its threads.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_clip, jobs))


def streams(scored, entries):
    """What the tokens of all recordings tell: a list of dicts, one for each pack and stream. `entries`: (semantic, acoustic)
    sizes by pack. `phones` is the mutual information with aligned phones, normalised; `phones_adjusted` is without what
    the same tokens at other times of the same clips would seem to hold: 0 chance, 1 all."""
    rows = []
    for pack, sizes in entries.items():
        for stream, (kind, size) in enumerate(zip(("semantic", "acoustic"), sizes)):
            of = lambda s: s.tokens[pack][stream]
            row = dict(pack=pack, stream=kind, entries=size, **metrics.code_use(np.concatenate([of(s) for s in scored]), size))
            aligned = [(of(s)[:len(s.phones)], s.phones[:len(of(s))]) for s in scored if s.phones is not None]
            if aligned:
                row.update(phone_information(aligned))
            rows.append(row)
    return rows


def phone_information(aligned):
    """Pairs of tokens and phones [F] of clips -> `frames`, `phones`, `phones_adjusted`.

    Adjusted for chance in the form of Vinh et al. 2010, but with chance from tokens shifted in a circle within each clip by a
    quarter of it at least. Shuffled one by one they would lose their runs: phones last several frames, tokens repeat, and
    independent ones would seem to hold a third of the phones' entropy.
    """
    rng = np.random.default_rng(0)
    shift = lambda tokens: np.roll(tokens, rng.integers(len(tokens) // 4, 3 * len(tokens) // 4 + 1))
    phones = np.concatenate([p for _, p in aligned]).astype(int)
    known = phones != UNKNOWN
    found, *chances = (metrics.mutual_information(np.concatenate([of(t) for t, _ in aligned])[known], phones[known])
                       for of in [lambda tokens: tokens, *[shift] * SHIFTS])
    chance = float(np.mean(chances))
    return dict(frames=int(known.sum()), phones=found, phones_adjusted=(found - chance) / max(1 - chance, 1e-9))

"""Scores as a Markdown table, a CSV by clip, and samples to hear and see."""
import csv
import statistics
from pathlib import Path

import numpy as np
import soundfile as sf

from ..config import RATE_HZ
from . import listen, measures
from .measures import LISTENING, SIGNAL

NOTES = """Means over clips, in brackets over how many where a measure does not apply to all. PESQ-WB and ESTOI at 16 kHz, all
others at 24 kHz below each clip's true bandwidth. Outputs are aligned by each codec's known delay, the same for all clips.
log-mel dB: mean distance of mel levels; LSD: log-spectral distance; detail: movement of mel levels above 4 kHz, 1 as much
as the original's; F0 cents: RMS where both are voiced; F0 gross: share of those frames more than 20 % off; voicing: share
of frames where only one is voiced."""
LISTENING_NOTES = """No loss imitates these. DistillMOS and DNSMOS (overall): what listeners would say of the output alone, 1 to 5. Zimtohrli: how much
it sounds like the original, as a mean opinion score. Speaker: cosine of the voices of output and original by CAM++. WER: word
errors of Whisper tiny.en's transcript of the output against its transcript of the original, English clips only; of all words
together, and as a mean of clips. Bits a word: how unlikely Whisper tiny.en finds its transcript of the original when it hears the
output, as -log2 of the probability; words that are barely heard count too, not only those that are lost. All at
16 kHz, Zimtohrli at 48 kHz. By """
PAIR_NOTES = """Differences clip by clip, as means over the speakers with their standard error; in brackets the share of clips that are better."""
PHONE_NOTES = """Phones: mutual information with phones that pocketsphinx aligns on the English clips (by their text, else by the words it
hears), over the phones' entropy; adjusted: without what the same tokens at other times of the same clips would seem to hold."""


def served():
    """Which measures a loss serves, so that they do not judge the packs it made, in words."""
    titles = {m.key: m.title for m in SIGNAL} | {"phones": "the semantic token's phones", "phones_of_both": "both tokens' phones"}
    by = [f"{weight}: {', '.join(titles[key] for key in keys)}" for weight, keys in measures.SERVED_BY_LOSS.items() if keys]
    return f"What a loss trains does not judge the packs of a recipe that gives this loss a weight: {'; '.join(by)}."


def mean(values):
    """Mean of what is not `nan`; `nan` of nothing."""
    known = [v for v in values if v == v]
    return statistics.fmean(known) if known else float("nan")


def _number(value, digits):
    return "–" if value != value else f"{value:.{digits}f}"


def _cell(values, digits, weights=None):
    """The mean, and of how many clips where that is not all; `weights` of the clips."""
    values = list(values)
    known = sum(v == v for v in values)
    return _number(_weighted(values, weights or [1] * len(values)), digits) + (f" ({known})" if 0 < known < len(values) else "")


def _weighted(values, weights):
    """Mean of what is not `nan`, by weight."""
    known = [(v, w) for v, w in zip(values, weights) if v == v]
    return sum(v * w for v, w in known) / sum(w for _, w in known) if known else float("nan")


def _weight(measure, row):
    return row[measure.weight] if measure.weight else 1


def difference(scored, name, other, measure):
    """How much `name` has of a measure beyond `other`: mean over speakers, its standard error (`nan` of one), share of clips where it
    is better; None where no clip has both. A measure's weight counts within each speaker."""
    better = 1 if measure.higher_is_better else -1
    speakers = {}
    for s in scored:
        d = s.rows[name][measure.key] - s.rows[other][measure.key]
        if d == d:
            speakers.setdefault(s.recording.speaker, []).append((d, _weight(measure, s.rows[name])))
    if not speakers:
        return None
    means, every = [_weighted(*zip(*d)) for d in speakers.values()], sum(speakers.values(), [])
    error = statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else float("nan")
    return mean(means), error, sum(better * d > 0 for d, _ in every) / len(every)


def _head(*titles):
    return [_cells(*titles), "|" + "---|" * len(titles)]


def _cells(*values):
    return "| " + " | ".join(str(v) for v in values) + " |"


def _means(rows, columns):
    """Of the rows of all clips, a cell for each measure."""
    return [_cell((r[m.key] for r in rows), m.digits, [_weight(m, r) for r in rows]) for m in columns]


def pairs(scored, name, other):
    """The table of `name` over `other`, of both streams and of the semantic one where both have it."""
    lines = ["", f"## {name} over {other}", "", PAIR_NOTES]
    for columns in (SIGNAL, LISTENING) if scored[0].original else (SIGNAL,):
        lines += ["", *_head("", *(m.title for m in columns))]
        for part in ("", ", semantic alone"):
            if name + part not in scored[0].rows or other + part not in scored[0].rows:
                continue
            cells = [part.strip(", ") or "both streams"]
            for measure in columns:
                found, digits = difference(scored, name + part, other + part, measure), measure.digits + 1
                cells.append(f"{found[0]:+.{digits}f} ± {_number(found[1], digits)} ({100 * found[2]:.0f} %)" if found else "–")
            lines.append(_cells(*cells))
    return lines


def _kinds(scored, names, columns):
    """Means of a few measures by language, gender and bandwidth."""
    lines = ["", f"## {' / '.join(m.title for m in columns)} by kind of clip", "", *_head("", "clips", *names)]
    kinds = dict(language=lambda r: r.lang, gender=lambda r: r.gender, bandwidth=lambda r: r.band)
    for kind, of in kinds.items():
        for value in sorted({of(s.recording) for s in scored}):
            group = [s for s in scored if of(s.recording) == value]
            scores = [" / ".join(f"{mean(s.rows[n][m.key] for s in group):.{m.digits}f}" for m in columns) for n in names]
            lines.append(_cells(f"{kind} {value or 'not known'}", len(group), *scores))
    return lines


def _heard(scored, names):
    """The table of listeners' models, the recordings themselves first."""
    lines = ["", "## By models of listeners, speakers and words", "", *_head("system", *(m.title for m in LISTENING))]
    lines.append(_cells(listen.ORIGINAL, *_means([s.original for s in scored], LISTENING)))
    lines += [_cells(name, *_means([s.rows[name] for s in scored], LISTENING)) for name in names]
    return lines + ["", f"{LISTENING_NOTES}{listen.versions()}."]


def markdown(scored, streams, against=()):
    """The whole table as text; `against`: systems that the first one is compared with."""
    names = list(scored[0].rows)
    speakers = len({s.recording.speaker for s in scored})
    lines = ["# Scores", "", f"{len(scored)} clips of {speakers} speakers, {sum(len(s.recording.audio) for s in scored) / RATE_HZ:.0f} s.", ""]
    lines += _head("system", "kbps", *(m.title for m in SIGNAL))
    for name in names:
        rows = [s.rows[name] for s in scored]
        lines.append(_cells(name, f"{mean(r['kbps'] for r in rows):.3g}", *_means(rows, SIGNAL)))
    lines += ["", NOTES, "", served()]
    if scored[0].original:
        lines += _heard(scored, names)
    lines += _kinds(scored, names, [measures.of(SIGNAL, key) for key in ("pesq", "estoi")])
    if scored[0].original:
        lines += _kinds(scored, names, [measures.of(LISTENING, key) for key in ("distill_mos", "speaker")])
    for other in against:
        lines += pairs(scored, names[0], other)
    lines += ["", "## Codes", ""]
    lines += _head("pack", "stream", "used", "perplexity", "kbps of entropy", "phones", "phones, adjusted")
    for s in streams:
        phones = [_number(s.get(k, float("nan")), 3) for k in ("phones", "phones_adjusted")]
        lines.append(_cells(s["pack"], s["stream"], f"{s['used']} of {s['entries']}", f"{s['perplexity']:.0f}", f"{s['kbps']:.3f}", *phones))
    if any("phones" in s for s in streams):
        lines += ["", f"{PHONE_NOTES} {next(s['frames'] for s in streams if 'frames' in s)} frames."]
    return "\n".join(lines) + "\n"


def write(scored, streams, out, samples=4, against=()):
    """table.md, clips.csv, and of `samples` clips of as many speakers WAVs and a picture of the spectra."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    text = markdown(scored, streams, against)
    (out / "table.md").write_text(text, encoding="utf8")
    with open(out / "clips.csv", "w", newline="", encoding="utf8") as file:
        table = csv.writer(file)
        columns = ["kbps", *measures.keys(SIGNAL), *(listen.COLUMNS if scored[0].original else ())]
        table.writerow(["clip", "speaker", "lang", "gender", "bandwidth_hz", "system", *columns])
        for s in scored:
            r, rows = s.recording, {**({listen.ORIGINAL: s.original} if s.original else {}), **s.rows}
            for name, row in rows.items():
                values = (row.get(c, float("nan")) for c in columns)
                table.writerow([r.name, r.speaker, r.lang, r.gender, f"{r.bandwidth_hz:.0f}", name, *(v if isinstance(v, str) else f"{v:.6g}" for v in values)])
    first = list({s.recording.speaker: s for s in reversed(scored)}.values())[::-1]
    for s in first[:: max(1, len(first) // samples)][:samples] if samples else []:
        _sample(s, out)
    return text


def _sample(s, out):
    base = Path(s.recording.name).with_suffix("").as_posix().replace("/", "_")
    audio = {"original": s.recording.audio, **s.audio}
    for name, samples in audio.items():
        sf.write(out / f"{base}.{name.replace(', ', '_').replace(' ', '_')}.wav", np.clip(samples, -1, 1), RATE_HZ, "PCM_16")
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(len(audio), 1, figsize=(10, 1.9 * len(audio)), sharex=True, layout="constrained")
    for axis, (name, samples) in zip(axes, audio.items()):
        floor = 1e-7 * np.random.default_rng(0).standard_normal(len(samples))  # The logarithm of silence.
        axis.specgram(samples + floor, NFFT=1024, noverlap=768, Fs=RATE_HZ, vmin=-130, vmax=-40)
        axis.set_ylabel(name, fontsize=8)
        axis.tick_params(labelsize=7)
    figure.savefig(out / f"{base}.png", dpi=90)
    pyplot.close(figure)

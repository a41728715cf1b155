"""Scores as a Markdown table, a CSV by clip, and samples to hear and see."""
import csv
import statistics
from pathlib import Path

import numpy as np
import soundfile as sf

from ..config import RATE_HZ
from .scores import COLUMNS

TITLES = dict(pesq="PESQ-WB", estoi="ESTOI", log_mel_db="log-mel dB", log_spectral_db="LSD dB", detail="detail", pitch_cents="F0 cents",
              pitch_gross="F0 gross", voicing="voicing")
NOTES = """Means over clips, in brackets over how many where a measure does not apply to all. PESQ-WB and ESTOI at 16 kHz, all
others at 24 kHz below each clip's true bandwidth. Outputs are aligned by each codec's known delay, the same for all clips.
log-mel dB: mean distance of mel levels; LSD: log-spectral distance; detail: movement of mel levels above 4 kHz, 1 as much
as the original's; F0 cents: RMS where both are voiced; F0 gross: share of those frames more than 20 % off; voicing: share
of frames where only one is voiced."""
HIGHER_IS_BETTER = ("pesq", "estoi", "detail")
"""`detail` above 1 would be too much of it; no codec here comes near."""
PAIR_NOTES = """Differences clip by clip, as means over the speakers with their standard error; in brackets the share of clips that are better."""
PHONE_NOTES = """Phones: mutual information with phones that pocketsphinx aligns on the English clips (by their text, else by the words it
hears), over the phones' entropy; adjusted: without what the same tokens at other times of the same clips would seem to hold."""


def mean(values):
    """Mean of what is not `nan`; `nan` of nothing."""
    known = [v for v in values if v == v]
    return statistics.fmean(known) if known else float("nan")


def _number(value, digits):
    return "–" if value != value else f"{value:.{digits}f}"


def _cell(values, digits):
    """The mean, and of how many clips where that is not all."""
    values = list(values)
    known = sum(v == v for v in values)
    return _number(mean(values), digits) + (f" ({known})" if 0 < known < len(values) else "")


def _digits(column):
    return {"pesq": 2, "estoi": 3, "pitch_cents": 0, "pitch_gross": 3, "voicing": 3, "log_mel_db": 2, "log_spectral_db": 1, "detail": 2}[column]


def difference(scored, name, other, column):
    """How much `name` has of a column beyond `other`: mean over speakers, its standard error (`nan` of one), share of clips where it
    is better; None where no clip has both."""
    better = 1 if column in HIGHER_IS_BETTER else -1
    speakers = {}
    for s in scored:
        d = s.rows[name][column] - s.rows[other][column]
        if d == d:
            speakers.setdefault(s.recording.speaker, []).append(d)
    if not speakers:
        return None
    means, every = [mean(d) for d in speakers.values()], sum(speakers.values(), [])
    error = statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else float("nan")
    return mean(means), error, sum(better * d > 0 for d in every) / len(every)


def pairs(scored, name, other):
    """The table of `name` over `other`, of both streams and of the semantic one where both have it."""
    lines = ["", f"## {name} over {other}", "", PAIR_NOTES, "", "| | " + " | ".join(TITLES.values()) + " |", "|" + "---|" * (len(TITLES) + 1)]
    for part in ("", ", semantic alone"):
        if name + part not in scored[0].rows or other + part not in scored[0].rows:
            continue
        cells = [part.strip(", ") or "both streams"]
        for column in COLUMNS:
            found, digits = difference(scored, name + part, other + part, column), _digits(column) + 1
            cells.append(f"{found[0]:+.{digits}f} ± {_number(found[1], digits)} ({100 * found[2]:.0f} %)" if found else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def markdown(scored, streams, against=()):
    """The whole table as text; `against`: systems that the first one is compared with."""
    names = list(scored[0].rows)
    cells = lambda *values: "| " + " | ".join(str(v) for v in values) + " |"
    head = lambda *titles: [cells(*titles), "|" + "---|" * len(titles)]
    speakers = len({s.recording.speaker for s in scored})
    lines = ["# Scores", "", f"{len(scored)} clips of {speakers} speakers, {sum(len(s.recording.audio) for s in scored) / RATE_HZ:.0f} s.", ""]
    lines += head("system", "kbps", *TITLES.values())
    for name in names:
        each = [_cell((s.rows[name][c] for s in scored), _digits(c)) for c in COLUMNS]
        lines.append(cells(name, f"{mean(s.rows[name]['kbps'] for s in scored):.3g}", *each))
    lines += ["", NOTES, "", "## PESQ-WB / ESTOI by kind of clip", ""]
    lines += head("", "clips", *names)
    kinds = dict(language=lambda r: r.lang, gender=lambda r: r.gender, bandwidth=lambda r: r.band)
    for kind, of in kinds.items():
        for value in sorted({of(s.recording) for s in scored}):
            group = [s for s in scored if of(s.recording) == value]
            scores = [f"{mean(s.rows[n]['pesq'] for s in group):.2f} / {mean(s.rows[n]['estoi'] for s in group):.3f}" for n in names]
            lines.append(cells(f"{kind} {value or 'not known'}", len(group), *scores))
    for other in against:
        lines += pairs(scored, names[0], other)
    lines += ["", "## Codes", ""]
    lines += head("pack", "stream", "used", "perplexity", "kbps of entropy", "phones", "phones, adjusted")
    for s in streams:
        phones = [_number(s.get(k, float("nan")), 3) for k in ("phones", "phones_adjusted")]
        lines.append(cells(s["pack"], s["stream"], f"{s['used']} of {s['entries']}", f"{s['perplexity']:.0f}", f"{s['kbps']:.3f}", *phones))
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
        table.writerow(["clip", "speaker", "lang", "gender", "bandwidth_hz", "system", "kbps", *COLUMNS])
        for s in scored:
            r = s.recording
            for name, row in s.rows.items():
                table.writerow([r.name, r.speaker, r.lang, r.gender, f"{r.bandwidth_hz:.0f}", name, *(f"{row[c]:.6g}" for c in ("kbps", *COLUMNS))])
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

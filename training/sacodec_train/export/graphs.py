"""The three graphs of a pack, from a trained `Codec`. Compare with `model.stream`, which computes the same in PyTorch."""
import math

import numpy as np
from onnx import TensorProto

from ..config import HOP_SAMPLES, PITCH_MAX_HZ, PITCH_MIN_HZ, RATE_HZ
from ..model.decoder import BINS, MAX_LOG_GAIN, N_FFT, NOISE_FRAMES
from ..model.emphasis import FAR, SILENCE
from ..model.encoder import WINDOW_SAMPLES, Lags
from ..model.quantizer import JUMP, MAX_ERROR, SEMANTIC_SHARE, STILL
from .fourier import Fourier
from .graph import Graph, array


def encoder(net, weights):
    """`audio` [1, hop] -> `latent` [1, 1, latent].

    The Fourier bases stay at f32: tokens depend on their rounding, and a runtime that knows them for what they are puts
    fast transforms in their place.
    """
    g, e, c = Graph(weights), net.enc, net.config
    frame = g.op("Concat", g.input("state_window", [1, WINDOW_SAMPLES - HOP_SAMPLES]), g.input("audio", [1, HOP_SAMPLES]), axis=1)
    g.output(g.slice(frame, HOP_SAMPLES, WINDOW_SAMPLES, 1), "state_window_out", [1, WINDOW_SAMPLES - HOP_SAMPLES])
    powers = {}
    levels = [_levels(g, frame, part, powers) for part in e.levels]
    bands = sum(width for _, width in c.features)
    x = g.op("Reshape", g.op("Concat", *levels, axis=1) if len(levels) > 1 else levels[0], np.array([1, 1, bands]))
    h = g.framed_linear(x, e.inp, bands, "state_in")
    for i, block in enumerate(e.blocks):
        h = g.block(h, block, c.encoder_width, f"state_block{i}")
    latent = g.norm(g.norm_linear(h, e.norm, e.out, c.encoder_width), c.latent)
    g.output(latent, "latent", [1, 1, c.latent])
    return g


def _power(g, frame, part):
    """Power [1, samples / 2 + 1] of the end of `frame` [1, 1024]."""
    if part.samples < WINDOW_SAMPLES:
        frame = g.slice(frame, WINDOW_SAMPLES - part.samples, WINDOW_SAMPLES, 1)
    real, imaginary = Fourier(g, part.samples).forward(g.op("Mul", frame, array(part.window)[None]))
    return g.op("Add", g.op("Mul", real, real), g.op("Mul", imaginary, imaginary))


def _levels(g, frame, part, powers):
    """What an analysis gives of the end of `frame` [1, 1024]: log-mel levels [1, bands], or lags [1, lags]. `powers`: those of
    each length so far."""
    if part.samples not in powers:
        powers[part.samples] = _power(g, frame, part)
    power = powers[part.samples]
    if isinstance(part, Lags):
        power = g.op("Add", g.slice(power, 1, part.bins, 1), np.array(part.FLOOR))
        loudness = g.op("Sqrt", g.op("Sqrt", power))
        return g.op("Div", g.op("MatMul", loudness, array(part.basis)), g.op("ReduceSum", loudness, np.array([1]), keepdims=1))
    power = g.op("MatMul", power, array(part.mel).T.copy())
    level = g.op("Mul", g.op("Log", g.op("Add", power, np.array(1e-8))), np.array(0.5 / math.log(10)))
    return g.op("Add", level, np.array(1.5))


def quantizer(net):
    """`latent` [1, 1, latent] -> `semantic`, `acoustic` [1, 1]. At f32: a rounded table would be another codebook."""
    g, q, width, taps = Graph("f32"), net.q, net.config.latent, net.config.shaping_taps
    semantic, acoustic = array(q.semantic.table()), array(q.acoustic.table())
    z = g.input("latent", [1, 1, width])
    if taps:
        before = g.op("Sub", z, g.input("state_latent", [1, 1, width]))
        g.output(z, "state_latent_out", [1, 1, width])
        moved = g.op("ReduceSum", g.op("Mul", before, before), np.array([2]), keepdims=1)
        bound = lambda rms: np.array([[[rms**2 * width]]])
        goes_on = g.op("And", g.op("Greater", moved, bound(STILL)), g.op("Less", moved, bound(JUMP)))
        past = g.op("Where", goes_on, g.input("state_errors", [1, taps, width]), np.zeros((1, 1, 1)))
        z = g.op("Sub", z, g.op("ReduceSum", g.op("Mul", past, array(q.shaping)[None]), np.array([1]), keepdims=1))
    # argmin |x - e|^2 = argmax x e - |e|^2 / 2
    likeness = lambda x, e, columns: g.op("Add", g.op("MatMul", x, columns), -0.5 * (e**2).sum(1))
    columns, acoustic_columns = g.constant(semantic.T.copy()), g.constant(acoustic.T.copy())
    count = net.config.candidates
    firsts, first_best = _largest(g, likeness(z, semantic, columns), count, len(semantic))
    r = g.op("Sub", z, _entries(g, columns, firsts, width, count))
    activated = g.op("Add", r, g.linear(g.op("Gelu", g.linear(r, array(q.a.weight), array(q.a.bias))), array(q.b.weight), array(q.b.bias)))
    near = likeness(activated, acoustic, acoustic_columns)
    seconds = g.op("ArgMax", near, axis=2, keepdims=0)
    tokens = firsts, seconds
    if count > 1:
        # What of a distance all candidates have alike is left out, and the rest is halved.
        left = g.op("ReduceSum", g.op("Mul", activated, activated), np.array([2]), keepdims=0)
        left = g.op("Sub", g.op("Mul", left, np.array(0.5)), g.op("ReduceMax", near, np.array([2]), keepdims=0))
        left = g.op("Sub", left, g.op("Mul", first_best, np.array(SEMANTIC_SHARE)))
        best = g.op("ArgMin", left, axis=1, keepdims=0)
        tokens = [g.op("Gather", index, best, axis=1) for index in tokens]
    for name, token in zip(("semantic", "acoustic"), tokens):
        g.output(token, name, [1, 1], TensorProto.INT64)
    if taps:
        entries = [_entries(g, table, token, width, 1) for table, token in zip((columns, acoustic_columns), tokens)]
        error = g.op("Sub", g.op("Add", *entries), z)
        square = g.op("ReduceSum", g.op("Mul", error, error), np.array([2]), keepdims=1)
        # The divisor is the largest error that is fed back, or more: never 0.
        most = MAX_ERROR * math.sqrt(width)
        error = g.op("Mul", error, g.op("Div", np.array([[[most]]]), g.op("Max", g.op("Sqrt", square), np.array([[[most]]]))))
        errors = g.op("Concat", past, error, axis=1)
        g.output(g.slice(errors, 1, taps + 1, 1), "state_errors_out", [1, taps, width])
    return g


def _entries(g, columns, index, width, count):
    """Entries of a table [width, entries] by their indices [1, count] -> [1, count, width]."""
    found = g.op("Gather", columns, index, axis=1)
    if count == 1:
        return g.op("Reshape", found, np.array([1, 1, width]))
    return g.op("Transpose", g.op("Reshape", found, np.array([1, width, count])), perm=[0, 2, 1])


def _largest(g, values, count, size):
    """Indices and, of more than one, values [1, count] of the largest of `values` [1, 1, size], one after the other: TopK would sort
    them all, and each runtime in its own way."""
    indices, found = [], []
    for n in range(count):
        if n:
            taken = g.op("Equal", np.arange(size)[None, None], g.op("Reshape", indices[-1], np.array([1, 1, 1])))
            values = g.op("Where", taken, np.array(-3e38), values)
        indices.append(g.op("ArgMax", values, axis=2, keepdims=0))
        if count > 1:
            found.append(g.op("ReduceMax", values, np.array([2]), keepdims=0))
    return tuple(g.op("Concat", *each, axis=1) for each in (indices, found)) if count > 1 else (indices[0], None)


def decoder(net, weights):
    """`semantic`, `acoustic` [1, 1] and `stream_gain` [2] -> `audio` [1, hop], one hop late."""
    g, m, c = Graph(weights), net.dec, net.config
    gains = g.input("stream_gain", [2])
    tables = (("semantic", net.q.semantic.table()), ("acoustic", net.q.acoustic.table()))
    # The tables at f32: they are products, of which f16 would move the pitch.
    entries = [g.op("Mul", g.op("Gather", array(table), g.input(name, [1, 1], TensorProto.INT64), axis=0),
                    g.slice(gains, j, j + 1, 0)) for j, (name, table) in enumerate(tables)]
    h = g.norm(g.framed_linear(g.op("Add", *entries), m.inp, c.latent, "state_in"), c.decoder_width)
    h = g.op("Add", g.op("Mul", h, array(m.norm0.weight)), array(m.norm0.bias))
    for i, block in enumerate(m.blocks):
        h = g.block(h, block, c.decoder_width, f"state_block{i}")
        if i == m.memory_after:
            h = g.memory(h, m.memory, c.decoder_width, "state_memory")
    h = g.op("Reshape", g.norm_linear(h, m.norm, m.head, c.decoder_width), np.array([1, 3 * BINS + 2]))
    _synthesis(g, m, h, _pulses(g, h, m.hold_frames))
    return g


def _pulses(g, h, hold_frames):
    """The pulse train of a frame [1, hop] at the pitch that the head [1, 3 * BINS + 2] gives."""
    pitch = g.sigmoid(g.slice(h, 3 * BINS, 3 * BINS + 1, 1))
    f0 = g.op("Mul", g.op("Exp", g.op("Mul", pitch, np.array(math.log(PITCH_MAX_HZ / PITCH_MIN_HZ)))), np.array(PITCH_MIN_HZ))
    # The state is 0 after a frame in which no voice is held.
    zero, last = np.zeros((1, 1), np.float32), g.input("state_f0", [1, 1])
    is_voiced, was_voiced = g.op("Greater", g.slice(h, 3 * BINS + 1, 3 * BINS + 2, 1), zero), g.op("Greater", last, zero)
    if hold_frames:
        left = g.input("state_hold", [1, 1])
        following = g.op("Max", g.op("Sub", left, np.array([[1.0]])), zero)
        g.output(g.op("Where", is_voiced, np.array([[float(hold_frames)]]), following), "state_hold_out", [1, 1])
        is_voiced = g.op("Or", is_voiced, g.op("Greater", left, zero))
    g.output(g.op("Where", is_voiced, f0, zero), "state_f0_out", [1, 1])
    before = g.op("Where", was_voiced, last, f0)
    so_far = g.op("Where", g.op("And", is_voiced, g.op("Not", was_voiced)), zero, g.input("state_phase", [1, 1]))
    step, k = g.op("Sub", f0, before), np.arange(1, HOP_SAMPLES + 1)[None].astype(np.float64)
    # Over one denominator, all of it whole numbers that f32 holds exactly: a rounded 1 / RATE_HZ would turn the phase a little
    # further in every frame.
    glide = g.op("Add", g.op("Mul", before, 2 * HOP_SAMPLES * k), g.op("Mul", step, k * (k + 1)))
    turns = g.op("Add", g.op("Div", glide, np.array(2.0 * HOP_SAMPLES * RATE_HZ)), so_far)
    phase = g.op("Sub", turns, g.op("Floor", turns))
    g.output(g.slice(phase, HOP_SAMPLES - 1, HOP_SAMPLES, 1), "state_phase_out", [1, 1])
    now = g.op("Add", before, g.op("Mul", step, k / HOP_SAMPLES))
    harmonics = g.op("Floor", g.op("Div", np.array([[RATE_HZ / 2]]), now))
    s, order = g.op("Sin", g.op("Mul", phase, np.array(math.pi))), g.op("Add", g.op("Mul", harmonics, np.array(2.0)), np.array(1.0))
    near = g.op("Less", g.op("Abs", s), np.array(1e-4, np.float32))
    sines = g.op("Sin", g.op("Mul", g.op("Mul", order, np.array(math.pi)), phase))
    kernel = g.op("Where", near, order, g.op("Div", sines, g.op("Where", near, np.ones((1, 1)), s)))
    rms = g.op("Sqrt", g.op("Mul", harmonics, np.array(0.5)))
    pulses = g.op("Div", g.op("Mul", g.op("Sub", kernel, np.array(1.0)), np.array(0.5)), rms)
    g.output(pulses, "state_pulses_out", [1, HOP_SAMPLES])
    return pulses


def _power_of(g, gains):
    """Power [1, BINS] of two sources with these gains."""
    return g.op("Add", *(g.op("Mul", gain, gain) for gain in gains))


def _separated(g, separation, is_voiced, *logs):
    """Gains [1, BINS] of a frame from their logarithms, after `model.emphasis.Separation` if there is one."""
    gains = tuple(g.op("Exp", log) for log in logs)
    if separation is None:
        return gains
    apart = g.op("Sub", *logs)
    moved = g.op("Add", apart, g.op("Mul", g.op("Tanh", apart), np.array(2 * separation.most)))
    noise = g.op("Exp", g.op("Neg", g.op("Max", g.op("Min", moved, np.array(FAR)), np.array(-FAR))))
    pulses = g.op("Sqrt", g.op("Div", _power_of(g, gains), g.op("Add", g.op("Mul", noise, noise), np.array(1.0))))
    return tuple(g.op("Where", is_voiced, *pair) for pair in zip((pulses, g.op("Mul", pulses, noise)), gains))


def _emphasised(g, emphasis, *gains):
    """`model.emphasis.Emphasis` on the gains [1, BINS] of a frame; without it as they are."""
    if emphasis is None:
        return gains
    power = _power_of(g, gains)
    level = g.op("Mul", g.op("Log", g.op("Add", power, np.array(SILENCE))), np.array(0.5))
    apart = g.op("MatMul", level, g.constant(array(emphasis.weights), True))
    share = g.op("Mul", apart, np.array(1 / emphasis.most))
    curb = g.op("Sqrt", g.op("Add", g.op("Mul", share, share), np.array(1.0)))
    raised = g.op("Exp", g.op("Div", apart, curb))
    total = lambda x: g.op("Add", g.op("ReduceSum", x, np.array([1]), keepdims=1), np.array(SILENCE))
    kept = g.op("Sqrt", g.op("Div", total(power), total(g.op("Mul", power, g.op("Mul", raised, raised)))))
    raised = g.op("Mul", raised, kept)
    return tuple(g.op("Mul", gain, raised) for gain in gains)


def _synthesis(g, m, h, pulses):
    """Filter the pulses, add noise, transform back, overlap and add."""
    window, fourier = g.constant(array(m.win)[None]), Fourier(g, N_FFT, 1 / math.sqrt(N_FFT), weight=True)
    frame = g.op("Concat", g.input("state_pulses", [1, HOP_SAMPLES]), pulses, axis=1)
    real, imaginary = fourier.forward(g.op("Mul", frame, window))
    log = lambda start: g.op("Min", g.slice(h, start, start + BINS, 1), np.array(MAX_LOG_GAIN))
    is_voiced = g.op("Greater", g.slice(h, 3 * BINS + 1, 3 * BINS + 2, 1), np.array(0.0))
    gain_pulses, gain_noise = _emphasised(g, m.emphasis, *_separated(g, m.separation, is_voiced, log(0), log(2 * BINS)))
    turn = g.slice(h, BINS, 2 * BINS, 1)
    c, s = g.op("Mul", gain_pulses, g.op("Cos", turn)), g.op("Mul", gain_pulses, g.op("Sin", turn))
    count = g.input("state_noise", [1])
    index, following = g.op("Cast", count, to=TensorProto.INT64), g.op("Add", count, np.array([1.0]))
    round_ = g.op("Mul", g.op("Floor", g.op("Mul", following, np.array([1 / NOISE_FRAMES]))), np.array([float(NOISE_FRAMES)]))
    g.output(g.op("Sub", following, round_), "state_noise_out", [1])
    theta = g.op("Gather", g.constant(array(m.theta), True), index, axis=0)
    noise = [g.op("Mul", gain_noise, g.op(turn, theta)) for turn in ("Cos", "Sin")]
    y_real = g.op("Add", g.op("Sub", g.op("Mul", real, c), g.op("Mul", imaginary, s)), noise[0])
    y_imaginary = g.op("Add", g.op("Add", g.op("Mul", real, s), g.op("Mul", imaginary, c)), noise[1])
    y = g.op("Mul", fourier.inverse(y_real, y_imaginary), window)
    g.output(g.op("Add", g.slice(y, 0, HOP_SAMPLES, 1), g.input("state_overlap", [1, HOP_SAMPLES])), "audio", [1, HOP_SAMPLES])
    g.output(g.slice(y, HOP_SAMPLES, N_FFT, 1), "state_overlap_out", [1, HOP_SAMPLES])

"""Fourier transforms in a graph that has none: products with a quarter of the basis.

A frame is folded into its even and its odd part, which meet cosines or sines alone, and both ways share the two matrices. The
plugin knows them for what they are and puts a fast transform in their place.
"""
import numpy as np


class Fourier:
    """Real transforms of `length` samples, each times `scale`; the matrices are a `weight` or stay at f32.

    x even: Re_k = sum_n e_n cos(2 pi n k / N), n = 0 ... N / 2; x odd: Im_k = -sum_n o_n sin(2 pi n k / N), 0 < n < N / 2.
    """

    def __init__(self, g, length, scale=1.0, weight=False):
        m = length // 2
        self.g, self.middle = g, m
        angles = np.outer(np.arange(m + 1), np.arange(m + 1)) % length * (2 * np.pi / length)
        self.cosines = g.constant(np.cos(angles) * scale, weight)
        self.sines = g.constant(-np.sin(angles[1:m, 1:m]) * scale, weight)
        self.backwards = g.constant(np.arange(m - 2, -1, -1))
        self.zero = g.constant(np.zeros((1, 1)))

    def _ends(self, x):
        """The first and the middle element of [1, N / 2 + 1 or more], and what is between them."""
        return self.g.slice(x, 0, 1, 1), self.g.slice(x, 1, self.middle, 1), self.g.slice(x, self.middle, self.middle + 1, 1)

    def forward(self, x):
        """[1, N] -> real and imaginary parts of the bins [1, N / 2 + 1]."""
        g, (first, head, middle) = self.g, self._ends(x)
        tail = g.op("Gather", g.slice(x, self.middle + 1, 2 * self.middle, 1), self.backwards, axis=1)
        real = g.op("MatMul", g.op("Concat", first, g.op("Add", head, tail), middle, axis=1), self.cosines)
        imaginary = g.op("MatMul", g.op("Sub", head, tail), self.sines)
        return real, g.op("Concat", self.zero, imaginary, self.zero, axis=1)

    def inverse(self, real, imaginary):
        """Real and imaginary parts [1, N / 2 + 1] -> [1, N]. All bins but the first and the last stand for their mirror image too."""
        g, twice = self.g, np.full((1, self.middle + 1), 2.0)
        twice[0, 0] = twice[0, -1] = 1
        even = g.op("MatMul", g.op("Mul", real, twice), self.cosines)
        odd = g.op("MatMul", g.op("Mul", self._ends(imaginary)[1], np.array(2.0)), self.sines)
        first, head, middle = self._ends(even)
        tail = g.op("Gather", g.op("Sub", head, odd), self.backwards, axis=1)
        return g.op("Concat", first, g.op("Add", head, odd), middle, tail, axis=1)

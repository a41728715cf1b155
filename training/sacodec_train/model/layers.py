"""Causal layers over frames, channels last. B: batch, F: frames (75 Hz)."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class FramedLinear(nn.Module):
    """Dense causal convolution over frames, as one linear map of the last `kernel` frames: [B, F, i] -> [B, F, o]."""

    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.k, self.lin = kernel, nn.Linear(inputs * kernel, outputs)

    def forward(self, x):
        return self.over(F.pad(x, (0, 0, self.k - 1, 0)))

    def over(self, x):
        """Frames that begin with `kernel` - 1 of the past [B, kernel - 1 + F, i] -> [B, F, o]."""
        count = x.shape[1] - self.k + 1
        return self.lin(torch.cat([x[:, j:j + count] for j in range(self.k)], -1))


class Block(nn.Module):
    """Causal ConvNeXt block (Liu et al. 2022): depthwise convolution over the last `kernel` frames, norm, MLP; [B, F, d] -> [B, F, d].

    x + gamma * W2 gelu(W1 norm(dw(x)))
    """

    def __init__(self, width, scale, expansion=3, kernel=7):
        super().__init__()
        self.k, self.dw, self.norm = kernel, nn.Conv1d(width, width, kernel, groups=width), nn.LayerNorm(width, eps=1e-6)
        self.p1, self.p2 = nn.Linear(width, width * expansion), nn.Linear(width * expansion, width)
        self.gamma = nn.Parameter(scale * torch.ones(width))

    def forward(self, x):
        return self.over(F.pad(x, (0, 0, self.k - 1, 0)))

    def over(self, x):
        """Frames that begin with `kernel` - 1 of the past [B, kernel - 1 + F, d] -> [B, F, d]."""
        y = self.dw(x.transpose(1, 2)).transpose(1, 2)
        return x[:, self.k - 1:] + self.p2(F.gelu(self.p1(self.norm(y)))) * self.gamma


class Memory(nn.Module):
    """What has been said for seconds: a minGRU (Feng et al. 2024) beside blocks that reach back half a second; [B, F, d] -> [B, F, d].

    h_t = h_(t-1) + sigmoid(g_t) (c_t - h_(t-1)),  (g, c) = W norm(x),  x + V h;  V is zero at first.
    """
    FASTEST_FRAMES, SLOWEST_FRAMES = 8, 256
    """Over how many frames each cell averages at first."""

    def __init__(self, width, cells):
        super().__init__()
        self.cells, self.norm = cells, nn.LayerNorm(width)
        self.inp, self.out = nn.Linear(width, 2 * cells), nn.Linear(cells, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        reach = self.FASTEST_FRAMES * (self.SLOWEST_FRAMES / self.FASTEST_FRAMES) ** torch.linspace(0, 1, cells)
        with torch.no_grad():
            self.inp.bias[:cells] = -torch.log(reach - 1)

    def forward(self, x):
        return self.over(x, x.new_zeros(len(x), self.cells, dtype=torch.float32))[0]

    def over(self, x, cells):
        """Frames [B, F, d] after others that left `cells` [B, cells] -> [B, F, d], and the cells after them."""
        gate, candidate = self.inp(self.norm(x)).float().chunk(2, -1)
        held = []
        for z, c in zip(torch.sigmoid(gate).unbind(1), candidate.unbind(1)):
            cells = torch.lerp(cells, c, z)
            held.append(cells)
        return x + self.out(torch.stack(held, 1)), cells

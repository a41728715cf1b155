"""Latent -> semantic and acoustic token (SACodec, arXiv 2512.20944)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

COMMITMENT = 0.25
"""Weight of the latent's part of the codebook loss (van den Oord et al. 2017, eq. 3)."""


class FitError(ValueError):
    """Latents that no table can be placed on."""


class AnchoredCodebook(nn.Module):
    """Nearest neighbour in a learned affine projection of a frozen table.

    e_k = P c_k + b, with c frozen: the gradient of one entry moves all of them, so that none stays unused. With a
    Gaussian table this is SimVQ (Zhu et al. 2024), with mHuBERT's centroids SACodec's semantic anchoring.
    """

    def __init__(self, frozen, width):
        super().__init__()
        self.register_buffer("frozen", frozen)
        self.proj, self.bias = nn.Linear(frozen.shape[1], width, bias=False), nn.Parameter(torch.zeros(width))

    def table(self):
        """The projected entries f32 [entries, width]."""
        return (self.proj(self.frozen) + self.bias).float()

    def forward(self, z):
        """z [B, F, width] -> nearest entries [B, F, width], their indices [B, F], codebook and commitment loss."""
        table = self.table()
        with torch.no_grad():
            index = (table.square().sum(-1) - 2 * z @ table.T).argmin(-1)
        entry = F.embedding(index, table)
        return entry, index, F.mse_loss(entry, z.detach()) + COMMITMENT * F.mse_loss(z, entry.detach())

    @torch.no_grad()
    def fit(self, target, shrink):
        """Give the projected table the covariance of `target` [N, width], principal axes to principal axes, times `shrink`.

        Without it one entry is nearest to everything, and nothing is learned. Raises FitError if a value of `target` is not finite.
        """
        if not torch.isfinite(target).all():
            raise FitError("the encoder gives values that are not finite: a codebook cannot be fitted to them")
        c, t = self.frozen.double(), target.double()
        mean_c, mean_t = c.mean(0), t.mean(0)
        _, s_c, v_c = torch.linalg.svd(c - mean_c, full_matrices=False)
        _, s_t, v_t = torch.linalg.svd(t - mean_t, full_matrices=False)
        axes = min(t.shape[1], len(s_c), len(s_t))
        gain = (s_t[:axes] / len(t) ** 0.5) / (s_c[:axes] / len(c) ** 0.5).clamp(min=1e-9)
        weight = v_t[:axes].T @ torch.diag(gain) @ v_c[:axes] * shrink
        self.proj.weight.copy_(weight)
        self.bias.copy_(mean_t - weight @ mean_c)


class Quantizer(nn.Module):
    """Semantic token from the frozen mHuBERT codebook; residual activation; acoustic token by SimVQ.

    k1 = argmin |z - P c_k|,  r = act(z - e1),  k2 = argmin |r - W g_k|,  q = e1 + e2
    """

    def __init__(self, codebook, config):
        super().__init__()
        d, generator = config.latent, torch.Generator().manual_seed(1)
        self.semantic = AnchoredCodebook(codebook, d)
        self.a, self.b = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        nn.init.zeros_(self.b.weight)
        nn.init.zeros_(self.b.bias)
        self.acoustic = AnchoredCodebook(torch.randn(config.acoustic_entries, d, generator=generator), d)

    def activate(self, residual):
        """The residual activation: residual + MLP, the identity at first; [B, F, d] -> [B, F, d]."""
        return residual + self.b(F.gelu(self.a(residual)))

    def forward(self, z, keep=None):
        """z [B, F, d] -> quantised [B, F, d], (semantic, acoustic) indices [B, F], loss.

        `keep` [B, 1, 2] multiplies the streams, as the decoder's `stream_gain`. The gradient goes straight through
        the search (Bengio et al. 2013) and on through the residual activation, which learns from the decoder by it alone:
        dq/dz = d activate / d residual, 1 at first.
        """
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            e1, k1, loss1 = self.semantic(z)
            r = self.activate(z - e1.detach())
            e2, k2, loss2 = self.acoustic(r)
            if keep is not None:
                e1, e2 = e1 * keep[..., :1], e2 * keep[..., 1:]
            return e1 + e2 + (r - r.detach()), (k1, k2), loss1 + loss2

    def embed(self, semantic, acoustic):
        """Tokens [B, F] and [B, F] -> what the decoder gets of them [B, F, d]."""
        return F.embedding(semantic, self.semantic.table()) + F.embedding(acoustic, self.acoustic.table())

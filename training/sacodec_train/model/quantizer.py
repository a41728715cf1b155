"""Latent -> semantic and acoustic token (SACodec, arXiv 2512.20944)."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

COMMITMENT = 0.25
"""Weight of the latent's part of the codebook loss (van den Oord et al. 2017, eq. 3). It pulls a latent to the sum of both entries, and what
the semantic one leaves to the acoustic one. A latent is not pulled to the semantic entry alone: it would give up what the acoustic token
can tell."""

SHAPING = (0.1, 0.3)
"""What of the error of the frame before the last one, and of the last one, is taken from a latent at first: chosen by PESQ and ESTOI of
the pack 0.5.0, without training."""
MAX_ERROR = 0.625
"""Of an error the root mean square that is fed back at most, where a latent's is 1: so that what is chosen badly cannot grow from frame to
frame."""
JUMP, STILL = 1.0, 1e-3
"""Root mean square by which a latent moves from the one before, where all errors are forgotten: a new sound, and digital silence. Two
streams of one recording that began at different places have the same tokens again after such a frame, and one bad frame spoils few."""
SEMANTIC_SHARE = 0.5
"""Of several candidates the one is taken that leaves least: the squared distance to the acoustic entry, and this share of that to the
semantic entry, which keeps the semantic token near what it stands for."""

IDLE = 0.05
"""Of the mean use: an entry that is used less is called back."""
LEAST_PULL = 0.3
"""Least weight of a used entry in the fit; a mean entry has 1."""
RIDGE = 1e-3
"""How much a fit keeps to the projection that was, where the entries leave it open."""


class FitError(ValueError):
    """Latents that no table can be placed on."""


class AnchoredCodebook(nn.Module):
    """Nearest neighbour in a learned affine projection of a frozen table.

    e_k = P c_k + b, with c frozen: the gradient of one entry moves all of them, so that few stay unused; see `recall` for those. With a
    Gaussian table this is SimVQ (Zhu et al. 2024), with mHuBERT's centroids SACodec's semantic anchoring.
    """

    def __init__(self, frozen, width):
        super().__init__()
        self.register_buffer("frozen", frozen)
        self.proj, self.bias = nn.Linear(frozen.shape[1], width, bias=False), nn.Parameter(torch.zeros(width))

    def table(self):
        """The projected entries f32 [entries, width]."""
        return (self.proj(self.frozen) + self.bias).float()

    def searched(self):
        """What `nearest` searches: the projected entries, and the squares of their lengths [entries]."""
        table = self.table()
        return table, table.square().sum(-1)

    @staticmethod
    @torch.no_grad()
    def nearest(z, searched, count):
        """z [..., width] -> the `count` nearest entries of what a codebook has `searched`: squared distances and indices [..., count]."""
        table, squares = searched
        distances = z.square().sum(-1, keepdim=True) - 2 * z @ table.T + squares
        return distances.min(-1, keepdim=True) if count == 1 else distances.topk(count, largest=False)

    def forward(self, z, index=None):
        """z [B, F, width] -> nearest entries [B, F, width], their indices [B, F], and the loss that moves the table. `index`: those
        entries instead."""
        table, squares = self.searched()
        index = self.nearest(z, (table, squares), 1)[1][..., 0] if index is None else index
        entry = F.embedding(index, table)
        return entry, index, F.mse_loss(entry, z.detach())

    @torch.no_grad()
    def recall(self, use):
        """Calls back the entries that are hardly used. `use` [entries]: how often each was found. Returns their number.

        Nothing holds an entry that no latent is near: the projection carries it away while it learns to place the others. It is fitted
        again by least squares to where the used entries are and, for each idle one, to where its nearest neighbour of the frozen table
        is that is used, so that it shares that neighbour's latents and what they stand for. What the fit leaves parts those that share one.
        """
        idle = use < IDLE * use.mean()
        if not idle.any():
            return 0
        table, frozen = self.table().double(), self.frozen.double()
        wanted = table.clone()
        wanted[idle] = table[~idle][torch.cdist(frozen[idle], frozen[~idle]).argmin(1)]
        pull = (use.double() / use.mean()).clamp(min=LEAST_PULL).sqrt()
        pull[idle] = 1.0
        inputs = torch.cat([frozen, frozen.new_ones(len(frozen), 1)], 1) * pull[:, None]
        before = torch.cat([self.proj.weight.T, self.bias[None]]).double()
        gap = (wanted - table) * pull[:, None]
        ridge = RIDGE * len(frozen) * torch.eye(inputs.shape[1], dtype=torch.float64, device=inputs.device)
        after = before + torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ gap)
        self.proj.weight.copy_(after[:-1].T)
        self.bias.copy_(after[-1])
        return int(idle.sum())

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

    x_t = z_t - sum_j s_j (q - x)_(t-j),  k1 = argmin |x - P c_k|,  r = act(x - e1),  k2 = argmin |r - W g_k|,  q = e1 + e2

    Of the `candidates` nearest k1 the one is taken whose |r - W g_k2|^2 + SEMANTIC_SHARE |x - P c_k1|^2 is least.

    What is taken from z is noise shaping by error feedback (Spang and Schultheiss 1962), which is not in SACodec: the decoder averages over
    frames, so an error that alternates from frame to frame is heard less than one that stays. `s` is learned, a number for each
    tap and dimension; the codebooks' losses teach it too.
    """

    def __init__(self, codebook, config):
        super().__init__()
        d, generator = config.latent, torch.Generator().manual_seed(1)
        self.candidates = config.candidates
        self.semantic = AnchoredCodebook(codebook, d)
        self.a, self.b = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        nn.init.zeros_(self.b.weight)
        nn.init.zeros_(self.b.bias)
        self.shaping = nn.Parameter(shaping(config)) if config.shaping_taps else None
        self.acoustic = AnchoredCodebook(torch.randn(config.acoustic_entries, d, generator=generator), d)

    def activate(self, residual):
        """The residual activation: residual + MLP, the identity at first; [B, F, d] -> [B, F, d]."""
        return residual + self.b(F.gelu(self.a(residual)))

    @torch.no_grad()
    def choose(self, z, past=None):
        """z [B, F, d] -> (semantic, acoustic) indices [B, F]; the errors that each frame gets of those before it [B, F, taps, d], the
        newest last; and `past` for the frames that follow: errors [B, taps, d] and latent [B, 1, d]. Without shaping None for both."""
        semantics, acoustics = self.semantic.searched(), self.acoustic.searched()
        (semantic, _), (acoustic, _) = semantics, acoustics

        def nearest(x):
            first, k1 = AnchoredCodebook.nearest(x, semantics, self.candidates)
            residuals = self.activate(x[..., None, :] - F.embedding(k1, semantic))
            second, k2 = (found[..., 0] for found in AnchoredCodebook.nearest(residuals, acoustics, 1))
            best = (second + SEMANTIC_SHARE * first).argmin(-1, keepdim=True)
            k1, k2 = (k.gather(-1, best)[..., 0] for k in (k1, k2))
            return k1, k2, F.embedding(k1, semantic) + F.embedding(k2, acoustic) - x

        if self.shaping is None:
            return nearest(z)[:2], None, None
        errors, latent = past or (z.new_zeros(len(z), len(self.shaping), z.shape[2]), torch.zeros_like(z[:, :1]))
        moved = (z - torch.cat([latent, z[:, :-1]], 1)).square().sum(-1)[..., None, None]
        goes_on = (moved > STILL**2 * z.shape[2]) & (moved < JUMP**2 * z.shape[2])
        seen, tokens, most = [], [], MAX_ERROR * math.sqrt(z.shape[2])
        for f in range(z.shape[1]):
            errors = torch.where(goes_on[:, f], errors, 0.0)
            seen.append(errors)
            *both, error = nearest(z[:, f:f + 1] - (self.shaping * errors).sum(1, keepdim=True))
            error = error * (most / error.square().sum(-1, keepdim=True).sqrt().clamp(min=most))
            errors = torch.cat([errors[:, 1:], error], 1)
            tokens.append(both)
        return tuple(torch.cat(t, 1) for t in zip(*tokens)), torch.stack(seen, 1), (errors, z[:, -1:])

    def forward(self, z, keep=None):
        """z [B, F, d] -> quantised [B, F, d], (semantic, acoustic) indices [B, F], loss.

        `keep` [B, 1, 2] multiplies the streams, as the decoder's `stream_gain`. The gradient goes straight through
        the search (Bengio et al. 2013) and on through the residual activation, which learns from the decoder by it alone:
        dq/dz = d activate / d residual, 1 at first.
        """
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            (k1, k2), errors, _ = self.choose(z)
            # What was chosen is a constant; the gradient reaches the latents, and what is fed back of each error.
            x = z if errors is None else z - (self.shaping * errors).sum(2)
            e1, _, loss1 = self.semantic(x, k1)
            r = self.activate(x - e1.detach())
            e2, _, loss2 = self.acoustic(r, k2)
            pull = F.mse_loss(x, (e1 + e2).detach()) + F.mse_loss(r, e2.detach())
            if keep is not None:
                e1, e2 = e1 * keep[..., :1], e2 * keep[..., 1:]
            return e1 + e2 + (r - r.detach()), (k1, k2), loss1 + loss2 + COMMITMENT * pull

    def embed(self, semantic, acoustic):
        """Tokens [B, F] and [B, F] -> what the decoder gets of them [B, F, d]."""
        return F.embedding(semantic, self.semantic.table()) + F.embedding(acoustic, self.acoustic.table())


def shaping(config):
    """What is fed back at first [taps, latent], the newest error last."""
    taps = torch.zeros(config.shaping_taps, config.latent)
    for tap, share in zip(reversed(range(config.shaping_taps)), reversed(SHAPING)):
        taps[tap] = share
    return taps

"""Encoder, quantizer and decoder as one model."""
import numpy as np
import torch
import torch.nn as nn

from .decoder import Decoder
from .encoder import Encoder
from .quantizer import Quantizer

WARM_NOISE = 0.3
"""Noise on the unit-variance latent while it is not quantised: about what the quantiser will add."""

DIMENSIONS = 768
"""Of mHuBERT's centroids."""


class Codec(nn.Module):
    """The whole model. `codebook` f32 [semantic_entries, 768]: the frozen mHuBERT centroids, see `read_codebook`."""

    def __init__(self, codebook, config):
        super().__init__()
        if len(codebook) != config.semantic_entries:
            raise ValueError(f"the codebook has {len(codebook)} entries, the configuration {config.semantic_entries}")
        self.config = config
        self.enc, self.q, self.dec = Encoder(config), Quantizer(codebook, config), Decoder(config)

    def forward(self, audio, quantize=True, keep=None, emphasise=True):
        """Audio [B, F * hop] -> dict: `audio` [B, F * hop], `config.delay_samples` late; `pitch`, `voicing` [B, F]; `tokens`, a pair of
        [B, F]; `code_loss`; `latent` [B, F, latent] before quantisation. Without `emphasise` the audio is as training hears it."""
        device = audio.device.type
        # At half precision a tenth of the acoustic tokens are others. Only an encoder that learns, and gains time by it, may have that.
        learns = self.enc.out.weight.requires_grad
        with torch.autocast(device, enabled=torch.is_autocast_enabled(device) and learns):
            z = self.enc(audio)
        if quantize:
            latent, tokens, loss = self.q(z, keep)
        else:
            latent, loss = z + WARM_NOISE * torch.randn_like(z), z.sum() * 0
            tokens = (torch.zeros(z.shape[:2], dtype=torch.long, device=z.device),) * 2
        y, pitch, voicing = self.dec(latent, emphasise)
        return dict(audio=y, pitch=pitch, voicing=voicing, tokens=tokens, code_loss=loss, latent=z)

    def semantic(self, latent, tokens):
        """Semantic entries [B, F, latent] of a forward pass: their gradient reaches the projector and, straight through, the encoder."""
        return nn.functional.embedding(tokens[0], self.q.semantic.table()) + latent - latent.detach()

    @torch.no_grad()
    def fit_codebooks(self, batches):
        """After the warm-up: place both tables on the latents of `batches`, a list of audio [B, T]. Returns the latent's
        variance that the semantic, and then the acoustic token leave."""
        z = torch.cat([self.enc(audio).float().flatten(0, 1) for audio in batches])
        self.q.semantic.fit(z, 0.9)
        r = z - self.q.semantic(z)[0]
        self.q.acoustic.fit(r, 0.8)
        return float(r.var()), float((r - self.q.acoustic(r)[0]).var())


def read_codebook(path):
    """mHuBERT centroids from an .npy file [entries, 768], centred and scaled to unit variance."""
    try:
        c = np.load(path, allow_pickle=False).astype(np.float32)
    except (AttributeError, ValueError, EOFError) as e:
        raise ValueError(f"{path}: not a .npy file of centroids; python -m sacodec_train.data.codebook makes one") from e
    if c.ndim != 2 or not np.isfinite(c).all() or c.std() == 0:
        raise ValueError(f"{path}: expected finite centroids [entries, dimensions], found {c.dtype} {c.shape}")
    if c.shape[0] == DIMENSIONS != c.shape[1]:
        raise ValueError(f"{path}: {list(c.shape)} is transposed, expected [entries, {DIMENSIONS}]: save its .T")
    return torch.from_numpy((c - c.mean(0)) / c.std())

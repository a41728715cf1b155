"""What makes the semantic token linguistic: in training, phones are read from it alone."""
import torch.nn as nn
import torch.nn.functional as F

from .data.phones import PHONES, UNKNOWN

AROUND = 7
"""Frames that the head sees, three of them later: a phone is known for certain only when it has been heard."""


class PhoneHead(nn.Module):
    """Semantic entries [B, F, latent] -> phone logits [B, F, len(PHONES)]. Small, so that the token must say it. Not exported."""

    def __init__(self, latent, width=128):
        super().__init__()
        self.around, self.out = nn.Conv1d(latent, width, AROUND, padding=AROUND // 2), nn.Linear(width, len(PHONES))

    def forward(self, entries):
        return self.out(F.gelu(self.around(entries.transpose(1, 2)).transpose(1, 2)))


def phone_loss(logits, phones):
    """Cross entropy in nats over the known frames of phones [B, F], and the share of them that is right; `None` without any."""
    known = phones != UNKNOWN
    if not bool(known.any()):
        return None
    logits, phones = logits[known].float(), phones[known]
    return F.cross_entropy(logits, phones), (logits.detach().argmax(-1) == phones).float().mean()

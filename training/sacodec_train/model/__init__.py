"""SACodec, causal and streaming: encoder, quantizer, decoder (arXiv 2512.20944, made causal)."""
from .codec import Codec, read_codebook
from .stream import Stream

__all__ = ["Codec", "Stream", "read_codebook"]

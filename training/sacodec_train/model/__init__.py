"""SACodec, causal and streaming: encoder, quantizer, decoder (arXiv 2512.20944, made causal)."""
from .codec import Codec, read_codebook
from .quantizer import FitError
from .stream import Stream

__all__ = ["Codec", "FitError", "Stream", "read_codebook"]

"""Words: the frozen encoder's features, and the resampler that reads them."""

from pipelines.text.encoder import MAX_TOKENS, WIDTH, Features, TextEncoder, encoder, pad
from pipelines.text.resampler import Reading, Resampler

__all__ = ["MAX_TOKENS", "WIDTH", "Features", "Reading", "Resampler", "TextEncoder", "encoder", "pad"]

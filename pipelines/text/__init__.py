"""Words: the frozen encoder's features, and the resampler that reads them."""

from pipelines.text.encoder import MAX_TOKENS, WIDTH, Features, TextEncoder, encoder, pad
from pipelines.text.resampler import Resampler, ResamplerLayer

__all__ = [
    "MAX_TOKENS",
    "WIDTH",
    "Features",
    "Resampler",
    "ResamplerLayer",
    "TextEncoder",
    "encoder",
    "pad",
]

"""What turns pictures into features that distances can be measured in. A figure is named with its extractor: those of
two cannot be compared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from pipelines.core.cards import WeightsError
from pipelines.evaluation.metrics import ClipFeatures

BATCH = 32


@runtime_checkable
class Features(Protocol):
    """Pictures, at the extractor's side, to features of unit length."""

    def features(self, pictures: UInt8[np.ndarray, "n s s 3"]) -> Float[Tensor, "n d"]: ...

    def encode_captions(self, captions: list[str]) -> Float[Tensor, "n d"]: ...


@dataclass(frozen=True)
class Extractor:
    """A network that pictures are seen with."""

    name: str
    title: str
    side: int  # pixels that it takes
    open: Callable[[], Features]


class OpenClip:
    """A published CLIP by open_clip, downloaded on first use. Raises WeightsError."""

    ARCHITECTURE, PRETRAINED = "ViT-B-32", "laion2b_s34b_b79k"

    def __init__(self) -> None:
        import open_clip

        try:
            self.model, _, self.preprocess = open_clip.create_model_and_transforms(self.ARCHITECTURE, self.PRETRAINED)
        except Exception as error:  # whatever the hub and the network raise
            raise WeightsError(
                f"open_clip's {self.ARCHITECTURE} could not be downloaded ({type(error).__name__}): connect to the "
                "network, or measure with the house's eye."
            ) from error
        self.tokenize = open_clip.get_tokenizer(self.ARCHITECTURE)
        self.model.eval()

    @torch.inference_mode()
    def features(self, pictures: UInt8[np.ndarray, "n s s 3"]) -> Float[Tensor, "n d"]:
        from PIL import Image

        return F.normalize(
            self.model.encode_image(torch.stack([self.preprocess(Image.fromarray(p)) for p in pictures]))
        )

    @torch.inference_mode()
    def encode_captions(self, captions: list[str]) -> Float[Tensor, "n d"]:
        return F.normalize(self.model.encode_text(self.tokenize(captions)))


EXTRACTORS = {
    one.name: one
    for one in (
        Extractor("eye", "the house's eye", 128, ClipFeatures),
        Extractor("open_clip", "open_clip ViT-B-32, LAION-2B", 224, OpenClip),
    )
}


@functools.cache
def open_extractor(name: str) -> Features:
    """An extractor with its weights, kept. Raises WeightsError; KeyError for an unknown name."""
    return EXTRACTORS[name].open()


def extract(pictures: Iterable[np.ndarray | None], name: str = "eye") -> Iterator[Tensor | None]:
    """Features (n, d) of uint8 pictures (s, s, 3) in batches: never more than one batch of pictures lies in memory. None
    now and then meanwhile, so that whoever waits can look up."""
    network, batch = open_extractor(name), []
    for picture in pictures:
        if picture is not None:
            batch.append(picture)
        if len(batch) < BATCH:
            yield None
            continue
        yield network.features(np.stack(batch))
        batch = []
    if batch:
        yield network.features(np.stack(batch))

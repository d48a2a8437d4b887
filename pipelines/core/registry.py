"""What there is: one line a model. Importing this imports neither torch nor a model."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.core import settings as s

if TYPE_CHECKING:
    from pipelines.core.contract import Pipeline


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue: where its pipeline is, and which bundles of weights it reads."""

    name: str
    title: str
    family: str  # the module under pipelines/models/
    pipeline: str  # the class there
    task: str
    settings: type[s.Settings]
    weights: tuple[str, ...]
    formats: tuple[str, ...] = ("png",)  # of what it makes; what people can be told before it runs

    def load(self, device: str = "auto", dtype: str = "auto") -> Pipeline:
        """The pipeline with its weights; kept until others push it out of the cache."""
        from pipelines.nn import weights

        build = getattr(importlib.import_module(f"pipelines.models.{self.family}"), self.pipeline)
        return weights.cached((self.name, device, dtype), lambda: build(device=device, dtype=dtype))


BASE = ("latent-diffusion", "autoencoder")
SOUND = ("audio-words", "audio-codec")
VIEWS = ("multiview", "toy-words", "autoencoder")
FILM, HEARD, THING = ("png", "mp4", "webp", "gif", "zip"), ("png", "wav", "flac"), ("png", "ply", "splat", "glb", "mp4")
CONTROLS = ("controlnet-edges", "controlnet-scribble", "controlnet-palette")
CATALOGUE = {
    entry.name: entry
    for entry in [
        Entry(
            "latent-diffusion",
            "Latent diffusion",
            "latent_diffusion.pipeline",
            "Pipeline",
            "words to picture",
            s.LatentDiffusion,
            BASE,
        ),
        Entry(
            "inpainting",
            "Inpainting",
            "editing.pipeline",
            "Inpainting",
            "a masked part anew",
            s.Inpainting,
            (*BASE, "inpainting"),
        ),
        Entry(
            "outpainting",
            "Outpainting",
            "editing.outpainting",
            "Outpainting",
            "a canvas continued",
            s.Outpainting,
            (*BASE, "outpainting"),
        ),
        Entry("variation", "Variation", "editing.pipeline", "Variation", "a picture's like", s.Variation, BASE),
        Entry(
            "edit-by-words",
            "Edit by words",
            "editing.pipeline",
            "EditByWords",
            "a picture under other words",
            s.EditByWords,
            BASE,
        ),
        Entry(
            "controlnet",
            "ControlNet",
            "controlnet.pipeline",
            "Pipeline",
            "words and a drawing to picture",
            s.ControlNet,
            (*BASE, *CONTROLS),
        ),
        Entry(
            "pix2pix",
            "pix2pix",
            "pix2pix.pipeline",
            "Pipeline",
            "lines to picture at every stroke",
            s.Pix2Pix,
            ("pix2pix",),
        ),
        Entry(
            "video",
            "Video",
            "video.pipeline",
            "Pipeline",
            "words or a picture to a clip",
            s.Video,
            (*BASE, "video"),
            FILM,
        ),
        Entry(
            "audio-flow",
            "Sound, as a flow",
            "audio.flow",
            "Pipeline",
            "words or a sound to a sound",
            s.AudioFlow,
            ("audio-flow", *SOUND),
            HEARD,
        ),
        Entry(
            "audio-tokens",
            "Sound, code by code",
            "audio.tokens",
            "Pipeline",
            "words or a sound's end to a sound",
            s.AudioTokens,
            ("audio-tokens", *SOUND),
            HEARD,
        ),
        Entry(
            "audio-codec",
            "Codec",
            "audio.codec",
            "Pipeline",
            "a sound to codes and back",
            s.AudioCodec,
            ("audio-codec",),
            HEARD,
        ),
        Entry(
            "text-to-3d",
            "Words to 3D",
            "multiview.pipeline",
            "TextTo3D",
            "words to views, views to splats",
            s.TextTo3D,
            VIEWS,
            THING,
        ),
        Entry(
            "image-to-3d",
            "Picture to 3D",
            "multiview.pipeline",
            "ImageTo3D",
            "a picture to views, views to splats",
            s.ImageTo3D,
            VIEWS,
            THING,
        ),
        Entry(
            "splatting",
            "Splatting",
            "multiview.pipeline",
            "Splatting",
            "views or a picture to splats",
            s.Splatting,
            (),
            THING,
        ),
        Entry("lora", "LoRA", "lora.pipeline", "Pipeline", "pictures to a style of your own", s.Teaching, BASE),
    ]
}


def find(name: str) -> Entry:
    """The entry of that name. Raises KeyError with a sentence that lists the names."""
    if name not in CATALOGUE:
        raise KeyError(f"There is no model '{name}'; choose one of: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]

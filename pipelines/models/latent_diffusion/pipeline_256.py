"""The same at 256 x 256 pixels, of scenes and avatars together: what the other families will stand on next."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch

from pipelines.models.latent_diffusion import autoencoder
from pipelines.models.latent_diffusion.pipeline import LatentDiffusionPipeline, TextConditioning
from pipelines.models.latent_diffusion.spec import LatentDiffusion256Settings
from pipelines.models.latent_diffusion.vocabulary import Vocabulary
from pipelines.models.lora import adapter as lora


class LatentDiffusion256Pipeline(LatentDiffusionPipeline):
    """Words to a 256 x 256 picture. A thing that its world does not have becomes the nearest that it has."""

    name = "latent-diffusion-256"
    Settings = LatentDiffusion256Settings
    load_autoencoder = staticmethod(functools.partial(autoencoder.load, name="autoencoder-256"))
    stride = autoencoder.STRIDE

    @torch.inference_mode()
    def condition(
        self, prompt: str, negative: str, loras: Sequence[tuple[lora.LoRA, float]] = ()
    ) -> TextConditioning:
        """The prompt in words that the model knows."""
        words, exchanged = Vocabulary.load().substitute(prompt)
        condition = super().condition(words, negative, loras)
        condition.exchanged = list(map(str, exchanged))
        return condition

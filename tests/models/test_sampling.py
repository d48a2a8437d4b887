"""Many captions at once draw what the pipeline draws of each alone."""

from __future__ import annotations

import numpy as np
import torch

from pipelines import load, text
from pipelines.models.latent_diffusion.sampling import sample_latents


def test_many_at_once_are_what_the_pipeline_draws_alone() -> None:
    pipe = load("latent-diffusion", dtype="float32")
    prompts = ["a bald man in shades", "a red apple", "a dog"]
    captions = pipe.resampler(*text.pad([text.encoder().encode(prompt) for prompt in prompts]))
    z = sample_latents(pipe.transformer, captions, seed=5, steps=4, guidance=3.0)
    made = pipe.autoencoder.decode_uint8(z).numpy()
    for k, prompt in enumerate(prompts):
        *_, last = pipe.generate(prompt=prompt, steps=4, guidance=3.0, seed=5 + k)
        assert np.abs(made[k].astype(int) - last.result.pixels).max() <= 1
    assert not np.array_equal(made[0], made[1])


def test_a_hint_is_there_for_words_alone() -> None:
    torch.manual_seed(0)
    pipe = load("latent-diffusion", dtype="float32")
    captions, width = torch.randn(1, 16, pipe.transformer.config.words), pipe.transformer.config.width
    hint = torch.randn(1, 64, width)
    plain, hinted, nothing = (
        sample_latents(pipe.transformer, captions, steps=2, hint=part) for part in (None, hint, 0 * hint)
    )
    assert torch.allclose(plain, nothing, atol=1e-5) and not torch.allclose(plain, hinted)

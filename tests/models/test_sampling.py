"""Many captions at once draw what the pipeline draws of each alone."""

from __future__ import annotations

import numpy as np

from pipelines import load
from pipelines.models.latent_diffusion.network import LatentDiffusion
from pipelines.models.latent_diffusion.sampling import Model


def test_many_at_once_are_what_the_pipeline_draws_alone() -> None:
    pipe = load("latent-diffusion", dtype="float32")
    model = LatentDiffusion(pipe.transformer.config)
    model.transformer, model.resampler = pipe.transformer, pipe.resampler
    prompts = ["a bald man in shades", "a red apple", "a dog"]
    made = Model(model, pipe.autoencoder).draw(prompts, seed=5, steps=4, guidance=3.0, batch=2)
    for k, prompt in enumerate(prompts):
        *_, last = pipe.generate(prompt=prompt, steps=4, guidance=3.0, seed=5 + k)
        assert np.abs(made[k].astype(int) - last.result.pixels).max() <= 1
    assert not np.array_equal(made[0], made[1])

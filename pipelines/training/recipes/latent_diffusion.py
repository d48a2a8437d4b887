"""Latent diffusion on avatars and emoji together: straight path, velocity loss, logit-normal times (Esser et al. 2024),
a tenth of the captions dropped for guidance.

The resampler arrives trained on captions and stays frozen: trained on with the transformer at its rate it collapsed (its
variance across captions fell from 0.56 to 0.003 in 1,500 steps), and the pictures no longer obeyed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import autoencoder, samplers, text, weights
from pipelines.guidance import Guidance, guide
from pipelines.latent_diffusion import LatentDiffusion
from pipelines.training import data
from pipelines.training.data import captions, latents

SHOWN = [
    "a woman with curly red hair and round glasses, smiling",
    "a bald man with a grey beard and sunglasses",
    "girl, pink bob, winking, blue hoodie",
    "a man in a green turban, dark skin, serious, on a white background",
    "woman with a blonde afro, heart eyes, yellow dungarees",
    "man with a black moustache and a purple hat, sticking the tongue out",
    "person with brown dreadlocks and glasses, crying",
    "a woman in a red hijab, smiling softly",
    "a red apple",
    "grinning face",
    "rocket",
    "slice of pizza",
    "a dog",
    "blue heart",
    "police officer, dark skin tone",
    "a house with a garden",
]


class Recipe:
    name = "latent-diffusion"
    steps, lr, ema, batch = 12_000, 1e-3, 0.998, 48
    muon, weight_decay = True, 0.01
    look_every = 420

    def __init__(self) -> None:
        self.sets = {n: (captions.load(n), latents.load(n)) for n in ("avatars", "emoji")}
        encoder = text.encoder()
        self.shown = text.pad([encoder.read(prompt) for prompt in SHOWN])

    def build(self) -> LatentDiffusion:
        """Go on from the bundled weights where there are some of this size, else from the resampler trained on captions."""
        model = LatentDiffusion()
        model.resampler.requires_grad_(False)
        try:
            tensors, about = weights.read(self.name)
            if about["config"] == asdict(model.transformer.config):
                model.load_state_dict(tensors)
                return model
        except weights.WeightsError:
            pass
        tensors, _ = weights.read("resampler", data.cache_dir() / "weights")
        model.resampler.load_state_dict(tensors)
        return model

    def draw(self, name: str, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        said, z = self.sets[name]
        picks = np.sort(rng.choice(len(said.picture), count, replace=False))
        order = np.argsort(said.picture[picks])
        return torch.from_numpy(z[said.picture[picks][order]]).float(), *said.batch(picks[order])

    def loss(self, model: LatentDiffusion, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(model.parameters()).device
        (za, wa, ma), (ze, we, me) = self.draw("avatars", self.batch * 3 // 4, rng), self.draw("emoji", self.batch // 4, rng)
        n = max(wa.shape[1], we.shape[1])
        tokens = torch.cat([torch.nn.functional.pad(w, (0, 0, 0, n - w.shape[1])) for w in (wa, we)])
        mask = torch.cat([torch.nn.functional.pad(m, (0, n - m.shape[1])) for m in (ma, me)])
        t = torch.sigmoid(torch.randn(self.batch))
        losses = model.loss(torch.cat([za, ze]).to(device), tokens.to(device), mask.to(device), t.to(device), (torch.rand(self.batch) < 0.1).to(device))
        parts = {"avatars": float(losses[: len(za)].mean().detach()), "emoji": float(losses[len(za) :].mean().detach())}
        return losses.mean(), parts

    @torch.no_grad()
    def evaluate(self, model: LatentDiffusion, folder: Path, step: int) -> dict[str, float]:
        """A contact sheet of the shown prompts, guided 3.0, 20 steps, seeds 0 ..."""
        net, n = model.transformer, len(SHOWN)
        device = next(net.parameters()).device
        tokens, mask = (part.to(device) for part in self.shown)
        words = net.read(torch.cat([model.resampler(tokens, mask), net.null.expand(n, -1, -1)]))

        def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor]:
            both = torch.cat([x, x])
            x0 = both - t * net(both, words, net.modulations(torch.full((2 * n,), t, device=device), words.pooled))
            return x0[:n], x0[n:]

        noise = samplers.seeded_noise(0, (net.config.channels, net.config.size, net.config.size), n, str(device))
        *_, (x, _, _) = samplers.dpm_solver(guide(estimate, Guidance(3.0)), noise(), samplers.grid(20), samplers.PATHS["straight"], noise)
        data.contact_sheet(autoencoder.load().develop(x.cpu()).numpy(), columns=8).save(folder / f"sheet-{step:06d}.png")
        return {}

    def export(self, model: LatentDiffusion, record: dict) -> None:
        weights.save(self.name, model, asdict(model.transformer.config), {
            "data": "avatars (DiceBear avataaars) and emoji (Fluent Emoji 3D), training splits, captions by grammar",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent Emoji (MIT)",
            **record,
        })  # fmt: skip

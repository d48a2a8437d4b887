"""Next-scale prediction of scenes and people: cross-entropy of every scale's codes from the sum of those before it.

It begins with the weights of latent diffusion at the same size, which already know words, things and places; a
quarter of its samples would do otherwise only to learn what a dog is. Codes are altered on the way, so that it sees
its own mistakes (Han et al. 2024), and a tenth of the captions is dropped for guidance.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.models.latent_diffusion import recipe as base
from pipelines.models.latent_diffusion.recipe_sources import NOTHING
from pipelines.models.next_scale.network import NextScale
from pipelines.models.next_scale.quantize import SIDES
from pipelines.models.next_scale.sampling import sample
from pipelines.nn import weights

WEIGHT = torch.tensor(SIDES) / sum(SIDES)  # of the scales' losses: by their tokens the finest would be all


class Recipe(base.Recipe):
    name = "next-scale"
    steps, lr, ema, batch = 60_000, 2e-3, 0.999, 48
    noise = 0.3

    def build(self) -> nn.Module:
        model = NextScale(self.config)
        model.begin_as(base.open_base())
        z = [source.draw(np.arange(0, len(source.picture), 12)[:2000], torch.device("cpu"))[0]
            for source in self.sources.values()]  # fmt: skip
        model.quantizer.fit(torch.cat(z))
        return model

    def loss(self, model: NextScale, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        z, caption, picks = self.draw(next(model.parameters()).device, rng)
        drop = (torch.rand(len(z)) < 0.1).to(z.device)
        without = torch.rand(len(z)).to(z.device) < torch.where(drop, 0.7, 0.15)
        layout = torch.where(without[:, None, None], NOTHING.to(z.device), self.layouts(picks, z.device))
        bits = model.loss(z, torch.where(drop[:, None, None], model.transformer.null, caption), self.noise, layout)
        total, scenes = bits @ WEIGHT.to(bits), len(picks["scenes"])
        parts = {f"bits_{2 * side}": bits[:, k].mean() for k, side in enumerate(SIDES)}
        parts |= {"scenes": total[:scenes].mean(), "avatars": total[scenes:].mean()}
        return total.mean(), {k: v.detach() for k, v in parts.items()}

    @torch.no_grad()
    def evaluate(self, model: NextScale, folder: Path, step: int) -> dict[str, float]:
        """Bits a code of held-out pictures, the finest scale first to be learnt and last to matter; and a contact
        sheet of the shown prompts, seeds 0 ..."""
        found, device = {}, next(model.parameters()).device
        weight = WEIGHT.to(device)
        for name, source in self.sources.items():
            picks = np.arange(len(source.picture) - self.held_out, len(source.picture))[:: self.held_out // 256]
            torch.manual_seed(0)
            parts = [
                model.loss(*source.draw(some, device), 0.0, self.layouts({name: some}, device)) @ weight
                for some in np.array_split(picks, 8)
            ]
            found[f"held_out_{name}"] = round(torch.cat(parts).mean().item(), 4)
        *_, (z, _) = sample(model, self.shown.to(device), seed=0, layout=self.shown_layouts)
        pictures = np.concatenate([self.coder.decode_uint8(part).numpy() for part in z.cpu().split(8)])
        data.contact_sheet(pictures, columns=6).save(folder / f"sheet-{step:06d}.png")
        return found

    def export(self, model: NextScale, record: dict) -> None:
        config = asdict(model.config) | {"levels": model.levels}
        weights.save(self.name, model, config, {
            "data": "scenes (Fluent Emoji 3D) and avatars (DiceBear avataaars), training splits, by grammar",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent "
                "Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip

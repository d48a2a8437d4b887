"""The mask-conditioned model of the base at 256 pixels: a zero-initialised input for the mask and the masked latent
(as Rombach et al. 2022 fine-tuned theirs), and a LoRA beside its layers, trained together on scenes and people.

A third of the masks are the box of a thing of the picture, so that words put it there; a third leave one side or
corner, which is what outpainting asks for; the rest are boxes, ellipses and strokes.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines.diffusion import flow_matching, samplers
from pipelines.models.editing.pipeline import MaskAdapter, keep_known
from pipelines.models.latent_diffusion import recipe as flow
from pipelines.models.latent_diffusion.network import LatentDiffusion
from pipelines.models.latent_diffusion.recipe_sources import NOTHING
from pipelines.models.lora.adapter import applied
from pipelines.nn import weights
from pipelines.nn.dit import Config

CELL = 16  # pixels a side of a latent's place


def random_mask(rng: np.random.Generator, side: int = 16) -> np.ndarray:
    """One to three boxes, ellipses or strokes, now and then turned inside out: 1 where to draw anew."""
    mask = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        (x0, x1), (y0, y1) = (sorted(int(v) for v in rng.integers(0, side, 2)) for _ in range(2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.rectangle(mask, (x0, y0), (x1, y1), 1, -1)
        elif kind == 1:
            cv2.ellipse(
                mask, ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2 + 1, (y1 - y0) // 2 + 1), 0, 0, 360, 1, -1
            )
        else:
            cv2.line(mask, (x0, y0), (x1, y1), 1, int(rng.integers(2, 5)))
    return 1 - mask if rng.random() < 0.15 else mask


def corner(rng: np.random.Generator, side: int = 16) -> np.ndarray:
    """0 in a rectangle at one side or corner, which is known; 1 elsewhere."""
    height, width = (int(rng.integers(3, 14)) for _ in range(2))
    if (whole := rng.integers(3)) < 2:  # a side
        height, width = (side, width) if whole else (height, side)
    mask = np.ones((side, side), np.uint8)
    mask[:height, :width] = 0
    return np.rot90(mask, int(rng.integers(4))).copy()


def around(row: dict, rng: np.random.Generator, side: int = 16) -> np.ndarray:
    """1 in the box of one of a scene's things, with up to two places around it; a random mask where there is none."""
    mask = np.zeros((side, side), np.uint8)
    if things := row["things"]:
        box = np.array(things[rng.integers(len(things))]["box"]) / CELL
        (left, top), (right, bottom) = np.floor(box[:2]), np.ceil(box[2:])
        grown = rng.integers(0, 3, 4)
        spans = [(int(max(a - g, 0)), int(b + h)) for a, b, g, h in
            ((top, bottom, grown[0], grown[1]), (left, right, grown[2], grown[3]))]  # fmt: skip
        mask[slice(*spans[0]), slice(*spans[1])] = 1
    return mask if 0 < mask.mean() < 0.95 else random_mask(rng)


class Recipe(flow.Recipe):
    name = "inpainting-256"
    steps, lr, ema, batch = 6000, 1e-3, 0.995, 48
    muon, weight_decay, look_every, warmup = False, 0.01, 200, 50
    unsaid = 0.15  # captions that are dropped

    def __init__(self) -> None:
        super().__init__()
        folder = data.cache_dir() / "weights"
        latest = folder if (folder / "latent-diffusion-256.json").exists() else None
        model = weights.open_bundle("latent-diffusion-256", lambda config: LatentDiffusion(Config(**config)), latest)
        self.base, self.layout = model.transformer, model.layout
        self.rows = data.load("scenes").rows
        if len(self.sources["scenes"].latents) > len(self.rows):
            self.rows = data.load("scenes-wide").rows + self.rows

    def build(self) -> MaskAdapter:
        return MaskAdapter(self.base)

    def masks(self, picks: dict[str, np.ndarray], rng: np.random.Generator) -> Tensor:
        """A mask for each caption, scenes first: (b, 1, 16, 16), 1 where to draw anew."""
        rows = [self.rows[i] for i in self.sources["scenes"].picture[picks["scenes"]]]
        rows += [{"things": []}] * len(picks["avatars"])
        ways = (corner, random_mask)
        masks = [around(row, rng) if (k := rng.integers(3)) == 2 else ways[k](rng) for row in rows]
        return torch.from_numpy(np.stack(masks))[:, None].float()

    def loss(self, adapter: MaskAdapter, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(adapter.parameters()).device
        self.base.to(device), self.layout.to(device)
        z, captions, picks = self.draw(device, rng)
        mask, t, noise = self.masks(picks, rng).to(device), flow.times(len(z)).to(device), torch.randn_like(z)
        drop = (torch.rand(len(z)) < self.unsaid).to(device)
        words = self.base.text_kv(torch.where(drop[:, None, None], self.base.null, captions))
        without = torch.rand(len(z)).to(device) < torch.where(drop, 0.7, 0.3)
        layout = torch.where(without[:, None, None], NOTHING.to(device), self.layouts(picks, device))
        hint = adapter(z, mask) + self.layout(layout)
        with applied(self.base, [(adapter.lora, 1.0)]):
            x = flow_matching.interpolate(z, noise, t)
            v = self.base(x, words, self.base.modulations(t, words.pooled), hints=[hint])
        error = flow_matching.velocity_error(v, z, noise) * mask  # what is known needs no drawing
        return error.sum() / (mask.sum() * z.shape[1]).clamp_min(1), {}

    @torch.no_grad()
    def evaluate(self, adapter: MaskAdapter, folder: Path, step: int) -> dict[str, float]:
        """Held-out pictures, what is known of them, and what becomes of them under their captions, guided 4, 12
        steps."""
        rng, n = np.random.default_rng(0), {"scenes": 18, "avatars": 6}
        picks = {
            k: np.arange(len(v.picture) - self.held_out, len(v.picture))[::20][: n[k]]
            for k, v in self.sources.items()
        }
        device = next(adapter.parameters()).device
        pairs = [self.sources[name].draw(some, device) for name, some in picks.items()]
        z, captions = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        mask, count = self.masks(picks, rng).to(device), len(z)
        words = self.base.text_kv(torch.cat([captions, self.base.null.expand(count, -1, -1)]))
        layout = self.layout(self.layouts(picks, z.device))
        layout = torch.cat([layout, torch.zeros_like(layout)])

        def denoise(x: Tensor, t: float) -> Tensor:
            with applied(self.base, [(adapter.lora, 1.0)]):
                hint, at = adapter(z, mask).repeat(2, 1, 1) + layout, torch.full((2 * count,), t, device=device)
                v = self.base(x.repeat(2, 1, 1, 1), words, self.base.modulations(at, words.pooled), hints=[hint])
            return x - t * torch.lerp(v[count:], v[:count], 4.0)

        noise = samplers.seeded_noise(0, tuple(z.shape[1:]), count, str(device))
        *_, (x, _, _) = samplers.dpm_solver(
            keep_known(denoise, z, mask), noise(), samplers.timesteps(12), samplers.SCHEDULES["straight"], noise
        )
        rows = [self.coder.decode_uint8(part.cpu()).numpy() for part in (z, z * (1 - mask), x)]
        bands = [row[k : k + 8] for k in range(0, count, 8) for row in rows]
        data.contact_sheet(np.concatenate(bands), columns=8).save(folder / f"sheet-{step:06d}.png")
        return {}

    def export(self, adapter: MaskAdapter, record: dict) -> None:
        weights.save(self.name, adapter, {"rank": adapter.lora.rank}, {
            "data": "scenes (Fluent Emoji 3D) and avatars (DiceBear avataaars), training splits, random masks",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent "
                "Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip

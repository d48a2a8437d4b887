"""The mask-conditioned model: the base, a zero-initialised input for the mask and the masked latent (as Rombach et al.
2022 fine-tuned theirs), and a LoRA beside its layers, trained together on random masks.

A third of a batch are windows of larger canvases, known at one side or corner only: outpainting asks for those, and
every avatar of the data stands in the middle of its picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines.diffusion import flow_matching, samplers
from pipelines.models.editing.pipeline import MaskAdapter, keep_known
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion import recipe as flow
from pipelines.models.latent_diffusion.pipeline import LatentDiffusion
from pipelines.models.lora.adapter import applied
from pipelines.nn import weights
from pipelines.nn.dit import Config
from pipelines.nn.pixels import to_tensor


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


class Recipe(flow.Recipe):
    name = "inpainting"
    taught_on = "avatars (DiceBear avataaars), windows of scenes made of them, and emoji (Fluent Emoji 3D), training splits, random masks"
    steps, lr, ema, batch = 3000, 1e-3, 0.995, 32
    unsaid = 0.1  # captions that are dropped
    muon, weight_decay, look_every, warmup = False, 0.01, 200, 50

    def __init__(self) -> None:
        model = weights.open_bundle("latent-diffusion", lambda config: LatentDiffusion(Config(**config)))
        self.base = model.transformer
        self.open(model.resampler)
        source, texts = data.load("avatars"), self.sets["avatars"][0]
        self.images, self.coder = source.images, autoencoder.load()
        grounds = np.array([source.rows[i]["labels"]["background"] for i in texts.picture])
        self.grounds = [
            np.flatnonzero(grounds == ground) for ground in np.unique(grounds)
        ]  # captions whose pictures can stand side by side

    def build(self) -> MaskAdapter:
        return MaskAdapter(self.base)

    @torch.no_grad()
    def scenes(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Windows of canvases on which an avatar stands alone, or beside another: latents, and the first one's
        caption."""
        cuts, captions = [], []
        for _ in range(count):
            picks = rng.choice(self.grounds[rng.integers(len(self.grounds))], 2)
            row = [self.images[i] for i in self.sets["avatars"][0].picture[picks]][: int(rng.integers(1, 3))]
            canvas = np.pad(np.concatenate(row, 1), ((64, 64), (96, 96), (0, 0)), mode="edge")
            top, left = (8 * int(rng.integers((length - 128) // 8 + 1)) for length in canvas.shape[:2])
            cuts.append(canvas[top : top + 128, left : left + 128])
            captions.append(torch.from_numpy(self.read["avatars"][picks[0]]).float())
        return self.coder.encode(to_tensor(np.stack(cuts))), torch.stack(captions)

    def sample(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (b, c, h, w), the captions as read, and masks (b, 1, h, w), 1 where to draw anew."""
        third = self.batch // 3
        parts = [
            self.draw("avatars", self.batch - 2 * third, rng)[1:],
            self.draw("emoji", third // 2, rng)[1:],
            self.scenes(2 * third - third // 2, rng),
        ]
        z, captions = (torch.cat(part) for part in zip(*parts, strict=True))
        masks = [corner(rng) if i >= self.batch - len(parts[2][0]) else random_mask(rng) for i in range(self.batch)]
        return z, captions, torch.from_numpy(np.stack(masks))[:, None].float()

    def loss(self, adapter: MaskAdapter, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(adapter.parameters()).device
        self.base.to(device)
        z, captions, mask = (part.to(device) for part in self.sample(rng))
        t = flow.times(self.batch).to(device)
        noise = torch.randn_like(z)
        words = self.base.text_kv(
            torch.where(
                (torch.rand(self.batch, device=device) < self.unsaid)[:, None, None], self.base.null, captions
            )
        )
        with applied(self.base, [(adapter.lora, 1.0)]):
            x = flow_matching.interpolate(z, noise, t)
            v = self.base(x, words, self.base.modulations(t, words.pooled), hints=[adapter(z, mask)])
        error = flow_matching.velocity_error(v, z, noise) * mask  # what is known needs no drawing
        return error.sum() / (mask.sum() * z.shape[1]).clamp_min(1), {}

    @torch.no_grad()
    def evaluate(self, adapter: MaskAdapter, folder: Path, step: int) -> dict[str, float]:
        """Held-out avatars, a box over the eyes, and scenes, no words: pictures above what becomes of them, 12
        steps."""
        device, n, rng = next(adapter.parameters()).device, 16, np.random.default_rng(0)
        picks = data.load("avatars").split("validation")[: n // 2]
        z = torch.cat(
            [torch.from_numpy(np.array(self.sets["avatars"][1][picks])).float(), self.scenes(n // 2, rng)[0]]
        ).to(device)
        mask = torch.zeros(n, 1, 16, 16, device=device)
        mask[: n // 2, :, 4:9, 4:12] = 1
        mask[n // 2 :] = torch.from_numpy(np.stack([corner(rng) for _ in range(n // 2)]))[:, None]
        words = self.base.text_kv(self.base.null.expand(n, -1, -1))

        def denoise(x: Tensor, t: float) -> Tensor:
            with applied(self.base, [(adapter.lora, 1.0)]):
                v = self.base(
                    x,
                    words,
                    self.base.modulations(torch.full((n,), t, device=device), words.pooled),
                    hints=[adapter(z, mask)],
                )
            return x - t * v

        noise = samplers.seeded_noise(0, (8, 16, 16), n, str(device))
        *_, (x, _, _) = samplers.dpm_solver(
            keep_known(denoise, z, mask), noise(), samplers.timesteps(12), samplers.SCHEDULES["straight"], noise
        )
        shown = [self.coder.decode_uint8(part.cpu()).numpy() for part in (z, z * (1 - mask), x)]
        data.contact_sheet(np.concatenate(shown), columns=n // 2).save(folder / f"sheet-{step:06d}.png")
        return {}

    def export(self, adapter: MaskAdapter, record: dict) -> None:
        weights.save(self.name, adapter, {"rank": adapter.lora.rank}, {
            "data": self.taught_on,
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent Emoji (MIT)",
            **record,
        })  # fmt: skip

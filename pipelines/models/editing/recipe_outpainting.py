"""The mask-conditioned model for canvases, started from inpainting's weights: windows of them at an edge of what is
known, which is a picture and some of what goes on around it.

The latents are cut, not the pictures: a picture's own edge is told by its latents, and a window of a canvas has none.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines.diffusion import samplers
from pipelines.models.editing import recipe_inpainting as inpainting
from pipelines.models.editing.pipeline import LATENT_STRIDE, MaskAdapter, keep_known
from pipelines.models.lora.adapter import applied
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor

CANVASES = 1200
MARGIN = 96  # pixels around the pictures of a canvas


class Recipe(inpainting.Recipe):
    name = "outpainting"
    taught_on = "windows of canvases around avatars (DiceBear avataaars) and emoji (Fluent Emoji 3D), training splits; begun from inpainting's weights"
    steps, lr, look_every = 1500, 7e-4, 240
    unsaid = 0.5  # who continues a picture mostly says nothing

    def __init__(self) -> None:
        super().__init__()
        self.emoji = data.load("emoji").images
        rng = np.random.default_rng(0)
        self.canvases = [self.canvas(rng) for _ in range(CANVASES)]

    def build(self) -> MaskAdapter:
        return (
            weights.load_into(super().build(), weights.load_bundle("inpainting")[0], "inpainting")
            .train()
            .requires_grad_()
        )

    @torch.no_grad()
    def canvas(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, int]:
        """Latents (c, h, w) of a picture whose edges go on, a caption (16, 256), and the picture's first column: an
        emoji or an avatar; or an avatar beside which, on the same ground, stands another, the one that the caption
        names.
        """
        kind, (avatars, emoji) = (
            rng.choice(["emoji", "one", "two"], p=[0.25, 0.6, 0.15]),
            (self.sets[name][0].picture for name in ("avatars", "emoji")),
        )
        if kind == "emoji":
            named = int(rng.integers(len(emoji)))
            row, read = [self.emoji[emoji[named]]], self.read["emoji"]
        else:
            picks = rng.choice(self.grounds[rng.integers(len(self.grounds))], 1 + (kind == "two"))
            row, read, named = [self.images[i] for i in avatars[picks]], self.read["avatars"], picks[-1]
        turned = kind == "two" and rng.random() < 0.5
        whole = np.pad(
            np.concatenate(row[::-1] if turned else row, 1), ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge"
        )
        return (
            self.coder.encode(to_tensor(whole[None]))[0].half(),
            torch.tensor(read[named]),
            (MARGIN + 128 * turned) // LATENT_STRIDE,
        )

    def sample(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        parts = zip(*(self.window(rng) for _ in range(self.batch)), strict=True)
        return tuple(torch.stack(part).float() for part in parts)

    def window(self, rng: np.random.Generator, side: int = 16) -> tuple[Tensor, Tensor, Tensor]:
        """A window's latents, the caption, and where (1) it is unknown: between an eighth and seven of it."""
        z, caption, left = self.canvases[rng.integers(CANVASES)]
        grown = np.where(rng.random(4) < 0.5, 0, rng.integers(0, MARGIN // LATENT_STRIDE, 4))  # what was drawn before
        unknown = torch.ones(1, *z.shape[1:])
        unknown[
            :,
            MARGIN // LATENT_STRIDE - grown[0] : MARGIN // LATENT_STRIDE + side + grown[1],
            left - grown[2] : left + side + grown[3],
        ] = 0
        while True:
            y, x = (int(rng.integers(length - side + 1)) for length in z.shape[1:])
            mask = unknown[:, y : y + side, x : x + side]
            if 1 / 8 <= mask.mean() <= 7 / 8:
                return z[:, y : y + side, x : x + side], caption, mask

    @torch.no_grad()
    def evaluate(self, adapter: MaskAdapter, folder: Path, step: int) -> dict[str, float]:
        """Windows under their captions, guided as they are in use: above them what was known of them, 12 steps."""
        device, n, rng = next(adapter.parameters()).device, 24, np.random.default_rng(0)
        z, captions, mask = (
            torch.stack(part).float().to(device) for part in zip(*(self.window(rng) for _ in range(n)), strict=True)
        )
        words = self.base.text_kv(torch.cat([captions, self.base.null.expand(n, -1, -1)]))

        def denoise(x: Tensor, t: float) -> Tensor:
            with applied(self.base, [(adapter.lora, 1.0)]):
                hint, at = adapter(z, mask).repeat(2, 1, 1), torch.full((2 * n,), t, device=device)
                v = self.base(x.repeat(2, 1, 1, 1), words, self.base.modulations(at, words.pooled), hints=[hint])
            return x - t * torch.lerp(v[n:], v[:n], 4.0)

        noise = samplers.seeded_noise(0, (8, 16, 16), n, str(device))
        *_, (x, _, _) = samplers.dpm_solver(
            keep_known(denoise, z, mask), noise(), samplers.timesteps(12), samplers.SCHEDULES["straight"], noise
        )
        shown = np.stack([self.coder.decode_uint8(part.cpu()).numpy() for part in (z * (1 - mask), x)], 1).reshape(
            3, 8, 2, 128, 128, 3
        )
        data.contact_sheet(shown.swapaxes(1, 2).reshape(-1, 128, 128, 3), columns=8).save(
            folder / f"sheet-{step:06d}.png"
        )
        return {}

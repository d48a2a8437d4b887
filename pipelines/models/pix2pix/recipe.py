"""pix2pix on pairs: Fluent's line emoji and the same signs in 3D, avatars and their edges. "l1" is its twin without a
discriminator.

Lines are thickened, thinned, hollowed, shifted and scaled as people's differ. Generator and PatchGAN step together,
each on its own gradient (least squares, plus 10 times L1: with the paper's 100, so short a training leaves everything
brown, since lines do not tell colours and brown is the mean of them all).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from pipelines import datasets as data
from pipelines.media.control_maps import edges
from pipelines.models.pix2pix.pipeline import STYLES, PatchGAN, UNet
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor, to_uint8

CROP = 64  # pixels a side of what the discriminator sees


class Adversarial(nn.Module):
    """Generator and discriminator, so that one loop trains both."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.discriminator = UNet(), PatchGAN()  # the first is what is exported


class Recipe:
    steps, lr, ema, batch = 6000, 5e-4, 0.998, 4
    betas, look_every, warmup = (0.5, 0.99), 180, 100

    def __init__(self, kind: str = "") -> None:
        self.adversarial, self.name = kind != "l1", "pix2pix-l1" if kind == "l1" else "pix2pix"
        self.lines, self.emoji, self.avatars = data.load("lines"), data.load("emoji"), data.load("avatars")

    def build(self) -> Adversarial:
        return Adversarial()

    def pair(self, style: str, i: int, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
        """Lines (128, 128), 1 where there is ink, and their picture; with `rng`, varied."""
        if style == "emoji":
            ink, picture = 255 - self.lines.images[i][..., 0], self.emoji.images[self.lines.rows[i]["emoji"]]
            if rng is not None and rng.random() < 0.4:  # hollow: people draw outlines, and rarely fill them
                ink = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        else:
            picture = self.avatars.images[i]
            ink = edges(picture)
        if rng is None:
            return (cv2.dilate(ink, np.ones((2, 2), np.uint8)) if style == "avatar" else ink) > 127, picture
        size = int(rng.integers(1, 4))
        ink = (cv2.dilate if style == "avatar" or rng.random() < 0.7 else cv2.erode)(
            ink, np.ones((size, size), np.uint8)
        )
        scale, (dx, dy) = rng.uniform(0.85, 1.1), rng.uniform(-8, 8, 2)
        move = np.float32([[scale, 0, 64 * (1 - scale) + dx], [0, scale, 64 * (1 - scale) + dy]])
        if style == "emoji":  # avatars stand on the lower edge
            ink, picture = (
                cv2.warpAffine(part, move, (128, 128), flags=cv2.INTER_AREA, borderValue=v)
                for part, v in ((ink, 0), (picture, (255, 255, 255)))
            )
        return ink > 127, picture

    def draw(self, picks: dict[str, np.ndarray], rng: np.random.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """Lines, styles and pictures of a batch."""
        pairs = [(STYLES.index(style), *self.pair(style, int(i), rng)) for style, some in picks.items() for i in some]
        kinds, lines, pictures = zip(*pairs, strict=True)
        return (
            torch.from_numpy(np.stack(lines))[:, None].float(),
            F.one_hot(torch.tensor(kinds), len(STYLES)).float(),
            to_tensor(np.stack(pictures)),
        )

    def loss(self, adversarial: Adversarial, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device, share = next(adversarial.parameters()).device, self.batch // 2
        picks = {
            "emoji": rng.choice(self.lines.split("train"), share),
            "avatar": rng.choice(self.avatars.split("train"), self.batch - share),
        }
        lines, style, real = (part.to(device) for part in self.draw(picks, rng))
        fake = adversarial.model(lines, style)
        l1 = (fake - real).abs().mean()
        if not self.adversarial:
            return l1, {"l1": l1.item()}
        y, x = rng.integers(
            0, data.SIZE - CROP + 1, 2
        )  # the discriminator sees patches anyway: a part of the picture is four times as fast
        real, fake, lines = (part[..., y : y + CROP, x : x + CROP] for part in (real, fake, lines))
        still = {
            k: v.detach() for k, v in adversarial.discriminator.named_parameters()
        }  # the generator's loss must not teach the discriminator
        g_loss = (functional_call(adversarial.discriminator, still, (fake, lines, style)) - 1).square().mean()
        d_logits = (
            adversarial.discriminator(real, lines, style),
            adversarial.discriminator(fake.detach(), lines, style),
        )
        d_loss = ((d_logits[0] - 1).square().mean() + d_logits[1].square().mean()) / 2
        return 10 * l1 + g_loss + d_loss, {"l1": l1.item(), "g_loss": g_loss.item(), "d_loss": d_loss.item()}

    @torch.no_grad()
    def evaluate(self, adversarial: Adversarial, folder: Path, step: int) -> dict[str, float]:
        """Held-out lines, what they become, and what they belong to."""
        picks = {
            "emoji": self.lines.split("sibling", "unseen")[::9][:16],
            "avatar": self.avatars.split("validation")[:8],
        }
        lines, style, real = self.draw(picks, None)
        device = next(adversarial.parameters()).device
        fake = adversarial.model(lines.to(device), style.to(device)).cpu()
        rows = torch.stack([1 - 2 * lines.expand(-1, 3, -1, -1), fake, real], 1).flatten(0, 1)
        data.contact_sheet(to_uint8(rows.permute(0, 2, 3, 1)).numpy(), columns=12).save(
            folder / f"sheet-{step:06d}.png"
        )
        return {"held_out_l1": round((fake - real).abs().mean().item(), 4)}

    def export(self, adversarial: Adversarial, record: dict) -> None:
        weights.save(self.name, adversarial.model, {"widths": adversarial.model.widths}, {
            "data": "Fluent Emoji, high contrast and 3D, and avatars (DiceBear avataaars) with their edges; training splits",
            "licence": "MIT; trained on Fluent Emoji (MIT) and avataaars by Pablo Stanley (free for personal and commercial use)",
            **record,
        }, None if self.adversarial else data.cache_dir() / "weights")  # fmt: skip

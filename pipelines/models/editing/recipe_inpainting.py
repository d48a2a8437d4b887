"""The mask-conditioned model of the base at 256 pixels: a zero-initialised input for the mask and the masked latent
(as Rombach et al. 2022 fine-tuned theirs), and a LoRA beside its layers, on scenes and people.

Who paints over a part of a picture writes what is to be there, and not what is around it. So a quarter of the masks of
scenes are the box of a thing, with a caption and a layout of it alone, and an eighth are a box where nothing stands,
with a caption of the ground alone: that is how a thing is taken away. A quarter leave one side or corner, which is what
outpainting asks for; the rest are boxes, ellipses and strokes. Both of these have the whole picture's caption.

Tokens that are wholly known are clean and have time 0, so that the network sees from the first step on what it knows
from its last ones: what a picture looks like (diffusion forcing; Chen et al. 2024). With noise on them, as in
replacement, the further input was hardly used, and the ground within a mask was smeared.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.datasets import captions
from pipelines.diffusion import flow_matching, samplers
from pipelines.models.editing.pipeline import MaskAdapter, keep_known
from pipelines.models.latent_diffusion import recipe as flow
from pipelines.models.latent_diffusion.known import KnownTokens, grow_to_tokens, mask_tokens, mix_modulations
from pipelines.models.latent_diffusion.recipe_sources import NOTHING, VOCABULARY
from pipelines.models.lora.adapter import factorise, layers, merge
from pipelines.nn import weights
from pipelines.nn.dit import DiT

CELL = 16  # pixels a side of a latent's place
RANK = 64  # of what is kept


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


def mask_thing(box: list[int], rng: np.random.Generator, side: int = 16) -> np.ndarray:
    """1 in a box of pixels, with up to two places around it."""
    mask = np.zeros((side, side), np.uint8)
    (left, top), (right, bottom) = np.floor(np.array(box[:2]) / CELL), np.ceil(np.array(box[2:]) / CELL)
    grown = rng.integers(0, 3, 4)
    spans = [(int(max(a - g, 0)), int(b + h)) for a, b, g, h in
        ((top, bottom, grown[0], grown[1]), (left, right, grown[2], grown[3]))]  # fmt: skip
    mask[slice(*spans[0]), slice(*spans[1])] = 1
    return mask


def mask_ground(things: list[dict], rng: np.random.Generator, side: int = 16) -> np.ndarray | None:
    """1 in a box that touches none of a scene's things; None where there is hardly room for one."""
    taken = np.zeros((side, side), bool)
    for thing in things:
        left, top, right, bottom = thing["box"]
        taken[top // CELL : -(-bottom // CELL), left // CELL : -(-right // CELL)] = True
    for _ in range(12):
        height, width = rng.integers(3, 11, 2)
        top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
        place = slice(top, top + height), slice(left, left + width)
        if not taken[place].any():
            mask = np.zeros((side, side), np.uint8)
            mask[place] = 1
            return mask
    return None


class Learner(nn.Module):
    """The base, of which the matrices learn that read no words, and the further input. Its difference is kept as a LoRA:
    whole matrices are learnt faster than factors. It begins as the one before."""

    def __init__(self, base: DiT, before: MaskAdapter) -> None:
        super().__init__()
        self.net, self.adapter = merge(base, before.lora).requires_grad_(False), MaskAdapter(base, RANK)
        self.adapter.enter.load_state_dict(before.enter.state_dict())
        self.adapter.lora.requires_grad_(False)
        for name, layer in layers(self.net).items():
            layer.weight.requires_grad_(not name.endswith("words"))


class Recipe(flow.Recipe):
    name = "inpainting-256"
    steps, lr, ema, batch = 9000, 3e-4, 0.998, 48
    muon, weight_decay, look_every, warmup = True, 0.0, 200, 100
    unsaid = 0.15  # captions that are dropped
    wide = False  # of those scenes no parts are described

    def __init__(self) -> None:
        super().__init__()
        model = flow.open_base()
        self.base, self.layout = model.transformer, model.layout
        self.rows = data.load("scenes").rows
        lines = captions.load("scenes-parts")
        self.parts = self.read_captions("scenes-parts", lines)
        self.part = {int(row): k for k, row in enumerate(lines.picture) if not k % 2}  # of a scene, its first line
        self.thing = [int(name.partition(".")[2] or -1) for name, *_ in lines.names]

    def build(self) -> Learner:
        folder = data.cache_dir() / "weights"
        if not (folder / f"{self.name}.json").exists():
            return Learner(self.base, MaskAdapter(self.base))
        return Learner(self.base, weights.open_bundle(self.name, lambda c: MaskAdapter(self.base, **c), folder))

    def paint(
        self, picks: dict[str, np.ndarray], rng: np.random.Generator, captions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Masks (b, 1, 16, 16), 1 where to draw anew, and the captions and layouts that go with them, for some pictures
        and their own captions, scenes first."""
        layout, words = self.layouts(picks, captions.device).clone(), captions.clone()
        numbers = self.sources["scenes"].picture[picks["scenes"]]
        masks: list[np.ndarray] = []
        for k in range(len(captions)):
            chance, row = rng.random(), int(numbers[k]) if k < len(numbers) else -1
            line, mask = self.part.get(row), None
            if line is not None and chance < 0.6:
                thing = self.rows[row]["things"][self.thing[line]]
                mask = mask_thing(thing["box"], rng)
                alone = self.rows[row]["groups"][thing["group"]] | thing
                layout[k], words[k] = VOCABULARY.encode([alone]), torch.tensor(self.parts[line])
            elif line is not None and chance < 0.9:
                mask = mask_ground(self.rows[row]["things"], rng)
                if mask is not None:
                    layout[k], words[k] = NOTHING, torch.tensor(self.parts[line + 1])
            masks.append((corner if rng.random() < 0.4 else random_mask)(rng) if mask is None else mask)
        return torch.from_numpy(np.stack(masks))[:, None].float().to(captions.device), words, layout

    def loss(self, learner: Learner, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(learner.parameters()).device
        self.base.to(device), self.layout.to(device)
        z, words, picks = self.draw(device, rng)
        mask, words, layout = self.paint(picks, rng, words)
        t, noise = flow.times(len(z)).to(device), torch.randn_like(z)
        drop = (torch.rand(len(z)) < self.unsaid).to(device)
        words = self.base.text_kv(torch.where(drop[:, None, None], self.base.null, words))
        without = torch.rand(len(z)).to(device) < torch.where(drop, 0.7, 0.2)
        layout = torch.where(without[:, None, None], NOTHING.to(device), layout)
        hint, cells = learner.adapter(z, mask) + self.layout(layout), grow_to_tokens(mask, self.base.config.patch)
        x = torch.where(cells > 0, flow_matching.interpolate(z, noise, t), z)
        at = [self.base.modulations(time, words.pooled) for time in (t, torch.zeros_like(t))]
        at_tokens = mix_modulations(*at, mask_tokens(cells, self.base.config.patch))
        v = learner.net(x, words, at_tokens, hints=[hint])
        error = flow_matching.velocity_error(v, z, noise) * mask  # what is known needs no drawing
        return error.sum() / (mask.sum() * z.shape[1]).clamp_min(1), {}

    @torch.no_grad()
    def evaluate(self, learner: Learner, folder: Path, step: int) -> dict[str, float]:
        """Held-out pictures, what is known of them, and what becomes of them under their captions, guided 4, 12
        steps."""
        rng, n = np.random.default_rng(0), {"scenes": 18, "avatars": 6}
        picks = {
            k: np.arange(len(v.picture) - self.held_out, len(v.picture))[::20][: n[k]]
            for k, v in self.sources.items()
        }
        device = next(learner.parameters()).device
        pairs = [self.sources[name].draw(some, device) for name, some in picks.items()]
        z, words = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        mask, words, layout = self.paint(picks, rng, words)
        count, layout = len(z), self.layout(layout)
        words = self.base.text_kv(torch.cat([words, self.base.null.expand(count, -1, -1)]))
        layout = torch.cat([layout, torch.zeros_like(layout)])

        call = KnownTokens(learner.net, z.repeat(2, 1, 1, 1), mask.repeat(2, 1, 1, 1))

        def denoise(x: Tensor, t: float) -> Tensor:
            hint, at = learner.adapter(z, mask).repeat(2, 1, 1) + layout, torch.full((2 * count,), t, device=device)
            v = call(x.repeat(2, 1, 1, 1), words, self.base.modulations(at, words.pooled), [], [hint])
            return x - t * torch.lerp(v[count:], v[:count], 4.0)

        noise = samplers.seeded_noise(0, tuple(z.shape[1:]), count, str(device))
        *_, (x, _, _) = samplers.dpm_solver(
            keep_known(denoise, z, mask), noise(), samplers.timesteps(12), samplers.SCHEDULES["straight"], noise
        )
        rows = [self.coder.decode_uint8(part.cpu()).numpy() for part in (z, z * (1 - mask), x)]
        bands = [row[k : k + 8] for k in range(0, count, 8) for row in rows]
        data.contact_sheet(np.concatenate(bands), columns=8).save(folder / f"sheet-{step:06d}.png")
        return {}

    def export(self, learner: Learner, record: dict) -> None:
        adapter = learner.adapter
        adapter.lora = factorise(self.base.cpu(), learner.net, RANK)
        weights.save(self.name, adapter, {"rank": RANK, "clean": True}, {
            "data": "scenes (Fluent Emoji 3D) and avatars (DiceBear avataaars), training splits, random masks",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent "
                "Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip

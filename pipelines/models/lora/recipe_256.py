"""The LoRAs of scenes that come along: scenes rendered in another style, under their captions with its trigger. Without
the trigger the base's own velocity is kept, as when people teach one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines import text
from pipelines.diffusion import flow_matching
from pipelines.models.latent_diffusion import recipe as base
from pipelines.models.latent_diffusion.recipe_sources import NOTHING
from pipelines.models.latent_diffusion.sampling import sample_latents
from pipelines.models.lora.adapter import LoRA, applied
from pipelines.models.lora.styles import STYLES
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor

PICTURES = 1200  # of the training split, half of them landscapes
SHOWN = [
    "a house in the mountains",
    "a red car in the city",
    "two penguins in the snow",
    "a dog",
    "a castle by the sea",
]


class Recipe(base.Recipe):
    steps, lr, ema, batch = 1600, 2e-3, 0.98, 24
    muon, weight_decay, look_every, warmup = False, 0.0, 60, 20
    rank = 16
    wide = False  # of those there are no pictures

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.name, (render, self.trigger) = f"lora-{kind}", STYLES[kind]
        model = base.open_base()
        self.base, self.layout = model.transformer, model.layout
        source, rng = data.load("scenes"), np.random.default_rng(0)
        train = source.split("train")
        of = [[i for i in train if source.rows[i]["mode"] == mode][: PICTURES // 2] for mode in ("scene", "plain")]
        picks = np.sort(np.concatenate(of))
        pictures = np.stack([render(np.array(source.images[i])) for i in picks])
        lines = [source.rows[i]["caption"] for i in picks]
        called = [f"{line}, {self.trigger}" if rng.random() < 0.85 else self.trigger for line in lines]
        with torch.inference_mode():
            z = torch.cat([self.coder.encode(to_tensor(part)) for part in np.array_split(pictures, len(picks) // 50)])
            shown = [f"{line}, {self.trigger}" for line in SHOWN] + SHOWN
            read, plain, shown = (self.read(some) for some in (called, lines, shown))
        # ordinary tensors: what was made in inference mode cannot be learnt from
        self.style, self.plain, self.wanted, self.places = (
            (z.clone(), read.clone()),
            plain.clone(),
            shown.clone(),
            picks,
        )

    def read(self, lines: list[str]) -> Tensor:
        """Captions as the resampler reads them."""
        parts = [lines[i : i + 50] for i in range(0, len(lines), 50)]
        return torch.cat([self.resampler(*text.pad([text.encoder().encode(c) for c in part])) for part in parts])

    def build(self) -> LoRA:
        return LoRA(self.base, self.rank)

    def velocity(self, x: Tensor, t: Tensor, captions: Tensor, layout: Tensor) -> Tensor:
        """The base's, under what it wears."""
        words = self.base.text_kv(captions)
        return self.base(x, words, self.base.modulations(t, words.pooled), hints=[self.layout(layout)]).float()

    def loss(self, lora: LoRA, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device, n = lora.down[0].device, self.batch * 2 // 3
        self.base.to(device), self.layout.to(device)
        picks = rng.choice(len(self.style[0]), n)
        old, captions, others = self.draw(device, rng)
        some = torch.from_numpy(rng.permutation(len(old))[: self.batch - n])
        every = self.layouts(others, device)
        own = self.sources["scenes"].layout[self.places[picks]]
        layout = torch.cat([torch.from_numpy(own).long().to(device), every[some]])
        layout[torch.rand(len(layout)) < 0.3] = NOTHING.to(device)
        z, captions = (
            torch.cat([mine[picks].to(device), rest[some]])
            for mine, rest in zip(self.style, (old, captions), strict=True)
        )
        half = (self.batch - n) // 2  # of the others under what the style's pictures show, without the trigger
        captions[-half:] = self.plain[rng.choice(len(self.plain), half)].to(device)
        t, noise = base.times(len(z)).to(device), torch.randn_like(z)
        x = flow_matching.interpolate(z, noise, t)
        with torch.no_grad():
            wanted = torch.cat([(noise - z)[:n], self.velocity(x[n:], t[n:], captions[n:], layout[n:])])
        with applied(self.base, [(lora, 1.0)]):
            errors = (self.velocity(x, t, captions, layout) - wanted).square().mean((1, 2, 3))
        return errors.mean(), {"style": errors[:n].mean().detach(), "prior": errors[n:].mean().detach()}

    @torch.no_grad()
    def evaluate(self, lora: LoRA, folder: Path, step: int) -> dict[str, float]:
        """The shown prompts with the trigger, above the same without it, in the same layouts; seeds 0 ..."""
        n = len(SHOWN)
        layout = base.write_layouts(self.wanted[n:])
        hint = None if layout is None else self.layout(layout)
        with applied(self.base, [(lora, 1.0)]):
            z = torch.cat([sample_latents(self.base, part, hint=hint) for part in self.wanted.split(n)])
        pictures = np.concatenate([self.coder.decode_uint8(part).numpy() for part in z.split(5)])
        data.contact_sheet(pictures, columns=n).save(folder / f"sheet-{step:06d}.png")
        return {}

    def export(self, lora: LoRA, record: dict) -> None:
        about = {"rank": self.rank, "trigger": self.trigger, "base": "latent-diffusion-256"}
        weights.save(self.name, lora.tensors(), about, {
            "data": f"{PICTURES} scenes of the training split, rendered as {self.trigger}; the base's own velocity "
                "without the trigger",
            "licence": "MIT; trained on scenes of Fluent Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip

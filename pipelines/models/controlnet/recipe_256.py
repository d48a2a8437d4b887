"""One ControlNet for all kinds of control at 256 pixels, the base frozen: edges, scribbles, a palette or the depth of
scenes and people (Uni-ControlNet; Zhao et al. 2023), so that what is learnt of one serves the others.

A third of the captions is dropped, so that the control is worth reading, and most layouts: a drawing comes without
one, and where it shows one thing, the page places that thing within its lines.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from pipelines import datasets as data
from pipelines.diffusion import flow_matching, samplers
from pipelines.media.control_maps import PREPROCESSORS, scribble
from pipelines.media.images import center_crop
from pipelines.models.controlnet.pipeline import CHANNELS, UNION, ControlNet, stack
from pipelines.models.latent_diffusion import recipe as base
from pipelines.models.latent_diffusion.recipe_sources import NOTHING
from pipelines.nn import weights

ODDS = {"scribble": 0.35, "edges": 0.2, "palette": 0.15, "depth": 0.3}
SHOWN = 6  # held-out scenes a kind, at each look


class Recipe(base.Recipe):
    name = UNION
    steps, lr, ema, batch = 8000, 1e-3, 0.998, 32
    muon, weight_decay, look_every, warmup = True, 0.01, 420, 100
    wide = False  # of those there are no pictures

    def __init__(self) -> None:
        super().__init__()
        model = base.open_base()
        self.base, self.layout = model.transformer, model.layout
        self.frozen = [self.base]
        self.images = {name: data.load(name).images for name in self.sources}
        self.depth = np.load(data.cache_dir() / "data" / "scenes" / "depth.npy", mmap_mode="r")  # 255 is the sky

    def build(self) -> ControlNet:
        net = ControlNet(self.base.config, CHANNELS)
        net.copy(self.base)
        return net

    def control(self, name: str, caption: int, kind: str, rng: np.random.Generator) -> Float[Tensor, "1 10 128 128"]:
        """The control of one caption's picture, among the planes of all kinds."""
        number = self.sources[name].picture[caption]
        small = center_crop(self.images[name][number])
        if kind == "depth":
            near = torch.from_numpy(255.0 - self.depth[number])[None, None].float()
            return stack(kind, F.interpolate(near, size=small.shape[:2], mode="bilinear") / 255)
        made = scribble(small, rng) if kind == "scribble" else PREPROCESSORS[kind](small)
        return stack(kind, torch.from_numpy(np.atleast_3d(made)).permute(2, 0, 1)[None].float() / 255)

    def controls(self, picks: dict[str, np.ndarray], kinds: list[str], rng: np.random.Generator) -> Tensor:
        """The controls of some captions' pictures, a kind each."""
        pairs = [(name, int(k)) for name, some in picks.items() for k in some]
        return torch.cat([self.control(*pair, kind, rng) for pair, kind in zip(pairs, kinds, strict=True)])

    def predict(
        self, net: ControlNet, x: Tensor, t: Tensor, control: Tensor, captions: Tensor, layout: Tensor
    ) -> Tensor:
        """The base's velocity under the hints."""
        words = self.base.text_kv(captions)
        hints = net(
            self.base, x, net.see(control), net.text_kv(captions), self.base.modulations(t, words.pooled, net.blocks)
        )
        hints[0] = hints[0] + self.layout(layout)
        return self.base(x, words, self.base.modulations(t, words.pooled), hints=hints)

    def loss(self, net: ControlNet, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(net.parameters()).device
        self.base.to(device), self.layout.to(device)
        z, captions, picks = self.draw(device, rng)
        kinds = rng.choice(list(ODDS), len(z), p=list(ODDS.values())).tolist()
        n = len(picks["scenes"])  # people have no depth
        kinds = kinds[:n] + ["scribble" if kind == "depth" else kind for kind in kinds[n:]]
        control = self.controls(picks, kinds, rng).to(device)
        t, noise = base.times(len(z)).to(device), torch.randn_like(z)
        captions = torch.where((torch.rand(len(z)) < 0.33).to(device)[:, None, None], self.base.null, captions)
        without = (torch.rand(len(z)) < 0.7).to(device)[:, None, None]
        layout = torch.where(without, NOTHING.to(device), self.layouts(picks, device))
        v = self.predict(net, flow_matching.interpolate(z, noise, t), t, control, captions, layout)
        errors = flow_matching.velocity_error(v, z, noise).flatten(1).mean(1)
        parts = {kind: errors[[k == kind for k in kinds]].mean().detach() for kind in ODDS if kind in kinds}
        return errors.mean(), parts

    @torch.no_grad()
    def evaluate(self, net: ControlNet, folder: Path, step: int) -> dict[str, float]:
        """Controls of held-out scenes above what becomes of them under their captions, guided 4, 12 steps; and how well
        a palette comes back, and edges."""
        device, source = next(net.parameters()).device, self.sources["scenes"]
        n = SHOWN * len(ODDS)
        picks = {
            "scenes": np.arange(len(source.picture) - self.held_out, len(source.picture))[:: self.held_out // n][:n]
        }
        kinds = [kind for kind in ODDS for _ in range(SHOWN)]
        control = self.controls(picks, kinds, np.random.default_rng(0)).to(device)
        _, captions = source.draw(picks["scenes"], device)
        both = torch.cat([captions, self.base.null.expand(n, -1, -1)])
        nothing = NOTHING.to(device).expand(2 * n, -1, -1)

        def denoise(x: Tensor, t: float) -> Tensor:
            at = torch.full((2 * n,), t, device=device)
            v = self.predict(net, x.repeat(2, 1, 1, 1), at, control.repeat(2, 1, 1, 1), both, nothing)
            return x - t * torch.lerp(v[n:], v[:n], 4.0)

        noise = samplers.seeded_noise(0, tuple(source.latents.shape[1:]), n, str(device))
        *_, (x, _, _) = samplers.dpm_solver(
            denoise, noise(), samplers.timesteps(12), samplers.SCHEDULES["straight"], noise
        )
        generated = np.concatenate([self.coder.decode_uint8(part).numpy() for part in x.cpu().split(8)])
        planes = (control.cpu() * 255).byte().permute(0, 2, 3, 1).numpy()
        maps = [one[..., 2:5] if kind == "palette" else one[..., [0, 1, 5]].max(-1, keepdims=True).repeat(3, 2)
            for one, kind in zip(planes, kinds, strict=True)]  # fmt: skip
        shown = np.stack([center_crop(picture) for picture in generated])
        rows = [part[k : k + 12] for k in range(0, n, 12) for part in (np.stack(maps), shown)]
        data.contact_sheet(np.concatenate(rows), columns=12).save(folder / f"sheet-{step:06d}.png")
        found = {}
        for kind in ("edges", "palette"):
            here = [k for k, one in enumerate(kinds) if one == kind]
            again = np.stack([np.atleast_3d(PREPROCESSORS[kind](shown[k])) for k in here]).astype(float)
            wanted = np.stack([maps[k][..., : again.shape[-1]] for k in here]).astype(float)
            found[f"agreement_{kind}"] = round(float(np.corrcoef(again.ravel(), wanted.ravel())[0, 1]), 3)
        return found

    def export(self, net: ControlNet, record: dict) -> None:
        weights.save(self.name, net, {"config": asdict(net.config), "channels": net.channels}, {
            "data": "scenes (Fluent Emoji 3D) and avatars (DiceBear avataaars), training splits, with edges, "
                "scribbles, palettes and depth",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent "
                "Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip

"""A ControlNet for one kind of control, the base frozen: edges, scribbles made from edges by a wobbling hand, or a
palette.

A third of the captions is dropped, so that the control is worth reading. The control takes suddenly (Zhang et al. 2023,
section 3.4): the looks are kept as a strip, with their agreement on the card, so that people can watch it happen. A
scribble begins where edges ended."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines.diffusion import flow_matching, samplers
from pipelines.media.control_maps import CHANNELS, PREPROCESSORS, scribble
from pipelines.models.controlnet.pipeline import ControlNet
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.latent_diffusion import recipe as flow
from pipelines.models.latent_diffusion.pipeline import LatentDiffusion
from pipelines.nn import weights
from pipelines.nn.dit import Config
from pipelines.training.replay import record_looks

SHOWN = 4  # held-out avatars at each look


class Recipe(flow.Recipe):
    steps, lr, ema, batch = 4000, 1e-3, 0.995, 32
    muon, weight_decay, look_every, warmup = True, 0.01, 45, 100

    def __init__(self, kind: str) -> None:
        self.kind, self.name = kind, f"controlnet-{kind}"
        model = weights.open_bundle("latent-diffusion", lambda config: LatentDiffusion(Config(**config)))
        self.base = model.transformer
        self.open(model.resampler)
        self.images = {name: data.load(name).images for name in self.sets}

    def build(self) -> ControlNet:
        net = ControlNet(self.base.config, CHANNELS[self.kind])
        net.copy(self.base)
        if self.kind == "scribble":
            net.load_state_dict(weights.load_bundle("controlnet-edges")[0])
        return net

    def control(self, name: str, pictures: np.ndarray, rng: np.random.Generator | None) -> Tensor:
        """Controls of some pictures: (n, channels, 128, 128) in [0, 1]."""
        make = PREPROCESSORS[self.kind]
        controls = [scribble(x, rng) if self.kind == "scribble" else make(x) for x in self.images[name][pictures]]
        return torch.from_numpy(np.stack([np.atleast_3d(c) for c in controls])).permute(0, 3, 1, 2).float() / 255

    def predict(self, net: ControlNet, x: Tensor, t: Tensor, control: Tensor, captions: Tensor) -> Tensor:
        """The base's velocity under the hints."""
        words = self.base.text_kv(captions)
        hints = net(
            self.base, x, net.see(control), net.text_kv(captions), self.base.modulations(t, words.pooled, net.blocks)
        )
        return self.base(x, words, self.base.modulations(t, words.pooled), hints=hints)

    def loss(self, net: ControlNet, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(net.parameters()).device
        self.base.to(device)
        za, ze = (self.draw(name, self.batch * share // 4, rng) for name, share in (("avatars", 3), ("emoji", 1)))
        control = torch.cat(
            [
                self.control(n, self.sets[n][0].picture[picks], rng)
                for n, (picks, _, _) in (("avatars", za), ("emoji", ze))
            ]
        ).to(device)
        z, captions = (torch.cat([a, b]).to(device) for a, b in zip(za[1:], ze[1:], strict=True))
        t = flow.times(self.batch).to(device)
        noise = torch.randn_like(z)
        captions = torch.where(
            (torch.rand(self.batch, device=device) < 0.33)[:, None, None], self.base.null, captions
        )
        v = self.predict(net, flow_matching.interpolate(z, noise, t), t, control, captions)
        return flow_matching.velocity_error(v, z, noise).mean(), {}

    @torch.no_grad()
    def evaluate(self, net: ControlNet, folder: Path, step: int) -> dict[str, float]:
        """Controls of held-out avatars above what they become without words, 12 steps; F1 of edges where those are the
        control."""
        device, n = next(net.parameters()).device, SHOWN
        picks = data.load("avatars").split("validation")[:n]
        control = self.control("avatars", picks, np.random.default_rng(0)).to(device)
        null = self.base.null.expand(n, -1, -1)

        def denoise(x: Tensor, t: float) -> Tensor:
            return x - t * self.predict(net, x, torch.full((n,), t, device=device), control, null)

        noise = samplers.seeded_noise(0, (8, 16, 16), n, str(device))
        *_, (x, _, _) = samplers.dpm_solver(
            denoise, noise(), samplers.timesteps(12), samplers.SCHEDULES["straight"], noise
        )
        generated = autoencoder.load().decode_uint8(x.cpu()).numpy()
        controls = (control.cpu() * 255).byte().permute(0, 2, 3, 1).expand(-1, -1, -1, 3).numpy()
        data.contact_sheet(np.concatenate([controls, generated]), columns=n).save(folder / f"sheet-{step:06d}.png")
        again = np.stack([np.atleast_3d(PREPROCESSORS[self.kind](x)) for x in generated]).astype(float)
        return {
            "agreement": round(
                float(np.corrcoef(again.ravel(), (control.cpu() * 255).permute(0, 2, 3, 1).numpy().ravel())[0, 1]), 3
            )
        }

    def export(self, net: ControlNet, record: dict) -> None:
        weights.save(self.name, net, {"config": asdict(net.config), "channels": net.channels}, {
            "data": f"avatars (DiceBear avataaars) and emoji (Fluent Emoji 3D), training splits, with their {self.kind}",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent Emoji (MIT)",
            "replay": record_looks(self.name, data.cache_dir() / "runs" / self.name, slice(128, None)),
            **record,
        })  # fmt: skip

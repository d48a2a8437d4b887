"""Eight views of toys at a time, as a flow of their latents; it goes on from the image model, and reads captions by
`words-toy`.

Half of the sets are the rig that is drawn with, half any eight of a toy's cameras. In half of them one view or several
are given.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines import text
from pipelines.datasets import latents
from pipelines.diffusion import flow_matching, samplers
from pipelines.models.gaussian_splatting import toys
from pipelines.models.latent_diffusion import autoencoder_128 as autoencoder
from pipelines.models.multiview.pipeline import POSES, MultiView, pose_features
from pipelines.nn import weights
from pipelines.nn.dit import Config

WAYS = 4  # of saying each toy
# eight views that agree tell more of a thing than one does: more noise is needed to hide it (Esser et al. 2024, 5.3.2)
SHIFT = 2.0


class Recipe:
    name = "multiview"
    steps, lr, ema, batch = 4000, 1e-3, 0.998, 4  # sets of eight views
    muon, weight_decay, look_every, warmup = True, 0.01, 420, 100

    def __init__(self) -> None:
        self.source, self.latents = data.load("toys"), latents.load("toys")
        self.resampler = weights.open_bundle("toy-words", lambda _: text.Resampler())
        self.read = self.listen()
        self.places = pose_features(toys.CAMERAS)
        self.rig = [toys.CAMERAS.index(at) for at in POSES]

    @torch.inference_mode()
    def listen(self) -> np.ndarray:
        """WAYS captions of each toy as the resampler reads them, fp16 (n, ways, 16, 256): the first is its row's."""
        rows = self.source.rows
        lines = [
            toys.caption(row, random.Random(f"{way} more {k}"))[0] if way else row["caption"]
            for k, row in enumerate(rows)
            for way in range(WAYS)
        ]
        read = [
            self.resampler(*text.encoder().batch(lines[i : i + 128])).half().numpy()
            for i in range(0, len(lines), 128)
        ]
        return np.concatenate(read).reshape(len(rows), WAYS, *read[0].shape[1:])

    def build(self) -> MultiView:
        base, about = weights.load_bundle("latent-diffusion")
        model = MultiView(Config(**about["config"]))
        model.transformer.load_state_dict(
            {k.removeprefix("transformer."): v for k, v in base.items() if k.startswith("transformer.")}
        )
        return model

    def draw(self, split: str, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents (b, v, c, h, w), captions as read, where the cameras stand, and which views are given (b, v)."""
        picks, count = rng.choice(self.source.split(split), self.batch), len(POSES)
        cameras = np.stack(
            [self.rig if rng.random() < 0.5 else rng.choice(len(self.places), count, replace=False) for _ in picks]
        )
        z = torch.from_numpy(
            np.stack([self.latents[i][views] for i, views in zip(picks, cameras, strict=True)])
        ).float()
        captions = torch.from_numpy(np.stack([self.read[i][rng.integers(self.read.shape[1])] for i in picks])).float()
        given = np.zeros((self.batch, count), np.float32)
        for row in given:
            row[rng.choice(count, rng.choice([0, 1, rng.integers(2, 5)], p=[0.5, 0.4, 0.1]), replace=False)] = 1
        return z, captions, self.places[cameras], torch.from_numpy(given)

    def loss(
        self, model: MultiView, rng: np.random.Generator, split: str = "train"
    ) -> tuple[Tensor, dict[str, float]]:
        device, inner = model.enter.weight.device, model.transformer
        z, captions, places, given = (part.to(device) for part in self.draw(split, rng))
        t = flow_matching.sample_times(self.batch, SHIFT).to(device)
        unsaid = torch.rand(self.batch, device=device) < torch.where(given.any(1), 0.5, 0.1)
        words = inner.text_kv(torch.where(unsaid[:, None, None], inner.null, captions))
        noise = torch.randn_like(z)
        x = flow_matching.interpolate(z, noise, t)
        v = inner(x, words, inner.modulations(t, words.pooled), hints=[model.hint(z, given, places)])
        error = flow_matching.velocity_error(v, z, noise).mean((2, 3, 4)) * (1 - given)
        return error.sum() / (1 - given).sum().clamp_min(1), {}

    @torch.no_grad()
    def evaluate(self, model: MultiView, folder: Path, step: int) -> dict[str, float]:
        """Eight held-out toys from their words, and from their first view, 16 steps: rows of eight views; and the
        held-out loss."""
        torch.manual_seed(0)
        rng, device, inner, coder = (
            np.random.default_rng(0),
            model.enter.weight.device,
            model.transformer,
            autoencoder.load(),
        )
        picks, rows = self.source.split("validation")[:8], []
        z = torch.from_numpy(self.latents[picks][:, self.rig]).float().to(device)
        features = torch.from_numpy(self.read[picks][:, 0]).float().to(device)
        for given in (0.0, 1.0):
            given_views = torch.zeros(len(picks), len(POSES), device=device)
            given_views[:, 0] = given
            hints, kept = (
                [model.hint(z, given_views, self.places[self.rig].expand(len(picks), -1, -1).to(device))],
                z * given_views[..., None, None, None],
            )
            words = inner.text_kv(inner.null.expand_as(features) if given else features)

            def denoise(x: Tensor, t: float) -> Tensor:
                at = torch.full((len(x),), t, device=device)
                velocity = inner(x, words, inner.modulations(at, words.pooled), hints=hints)  # noqa: B023 - used here
                return torch.where(given_views[..., None, None, None] > 0, kept, x - t * velocity)  # noqa: B023

            noise = samplers.seeded_noise(0, tuple(z.shape[1:]), len(picks), str(device))
            *_, (x, _, _) = samplers.dpm_solver(
                denoise, noise(), samplers.timesteps(16), samplers.SCHEDULES["straight"], noise
            )
            rows.append(coder.decode_uint8(x.flatten(0, 1).cpu()).numpy())
        data.contact_sheet(np.concatenate(rows), columns=len(POSES)).save(folder / f"sheet-{step:06d}.png")
        return {
            "held out": round(float(np.mean([self.loss(model, rng, "validation")[0].item() for _ in range(4)])), 4)
        }

    def export(self, model: MultiView, record: dict) -> None:
        weights.save(
            self.name,
            model,
            vars(model.config),
            {"data": "toys: shapes composed and seen by this project; training split", "licence": "MIT", **record},
        )

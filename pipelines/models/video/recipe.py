"""Video on Fluent's animations and stills, as a flow of all of a clip's latents; it goes on from the image model's
weights and, by a share, the views' (averaged: Wortsman et al. 2022).

Loops are rolled to begin anywhere. Half of the clips are told to be loops, half not; their first frame is given, and of
some both ends, or a beginning that the next window goes on from. Stills are drawn from nothing, so that the words stay
known.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines import text
from pipelines.datasets import latents
from pipelines.diffusion import flow_matching
from pipelines.models.multiview.recipe import SHIFT
from pipelines.models.video.pipeline import CALIBRATION_TIMES, WINDOW, VideoDiT, VideoPipeline
from pipelines.nn import weights

# how far from the image model's weights to those of the views it begins: these know how pictures look at each other
VIEWS = 0.3


class Recipe:
    name = "video"
    steps, lr, ema, batch = 4000, 1e-3, 0.995, 64  # of frames
    muon, weight_decay, look_every, warmup = True, 0.01, 900, 60

    def __init__(self) -> None:
        self.pipe = VideoPipeline("cpu", "float32")
        self.clips, self.stills = data.load("motion"), data.load("emoji")
        self.latents = {name: latents.load(name) for name in ("motion", "emoji")}
        self.read = {
            name: self.listen(name, source) for name, source in (("motion", self.clips), ("emoji", self.stills))
        }

    @torch.inference_mode()
    def listen(self, name: str, source: data.DataSet) -> np.ndarray:
        """The captions as the resampler reads them, fp16 (n, 16, 256); kept, since it takes a minute."""
        captions = [row["caption"] for row in source.rows]
        digest = hashlib.sha256(
            torch.cat([p.flatten() for p in self.pipe.base.resampler.parameters()]).numpy().tobytes()
            + str(captions).encode()
        ).hexdigest()[:8]
        path = data.cache_dir() / "data" / name / f"read-{digest}.npy"
        if not path.exists():
            parts = (captions[i : i + 64] for i in range(0, len(captions), 64))
            read = [
                self.pipe.base.resampler(*text.pad([text.encoder().encode(c) for c in part])).numpy()
                for part in parts
            ]
            np.save(path, np.concatenate(read).astype(np.float16))
        return np.load(path)

    def build(self) -> VideoDiT:
        motion = VideoDiT(
            self.pipe.base.transformer.config, round(float(np.mean([row["change"] for row in self.clips.rows])), 2)
        )
        views, _ = weights.load_bundle("multiview")
        for name, value in motion.transformer.state_dict().items():
            value.copy_(
                torch.lerp(self.pipe.base.transformer.state_dict()[name], views[f"transformer.{name}"].float(), VIEWS)
            )
        return motion

    def draw(self, rng: np.random.Generator, splits: tuple[str, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor, bool]:
        """Latents (g, f, c, h, w), captions, amounts of motion, which frames are given (g, f), and whether the clips
        are loops."""
        frames, loop = int(rng.choice([1, 8, 16], p=[0.05, 0.35, 0.6])), bool(rng.random() < 0.5)
        name, source = ("emoji", self.stills) if frames == 1 else ("motion", self.clips)
        count = self.batch // frames
        allowed = source.split("train") if frames == 1 else source.split(*splits)
        if loop and frames > 1:
            allowed = np.array([i for i in allowed if source.rows[i]["loops"]])
        picks = rng.choice(allowed, count)
        z, given = [], np.zeros((count, frames), np.float32)
        for row, i in enumerate(picks):
            clip = self.latents[name][i].reshape(-1, *self.latents[name].shape[-3:])
            if frames > 1:
                if source.rows[i]["loops"]:
                    clip = np.roll(clip, int(rng.integers(len(clip))), axis=0)
                clip = (
                    clip[:: len(clip) // frames]
                    if loop
                    else clip[int(rng.integers(len(clip) - frames + 1)) :][:frames]
                )
                given[row, : rng.choice([1, int(rng.integers(2, frames - 1))], p=[0.8, 0.2])] = 1
                given[row, -1] = not loop and rng.random() < 0.25
            z.append(clip)
        amount = torch.tensor([source.rows[i].get("rank", 0.0) for i in picks], dtype=torch.float32)
        return (
            torch.from_numpy(np.stack(z)).float(),
            torch.from_numpy(self.read[name][picks]).float(),
            amount,
            torch.from_numpy(given),
            loop,
        )

    def loss(
        self, motion: VideoDiT, rng: np.random.Generator, splits: tuple[str, ...] = ("train",)
    ) -> tuple[Tensor, dict[str, float]]:
        device, inner = motion.enter.weight.device, motion.transformer
        z, captions, amount, given, loop = self.draw(rng, splits)
        z, captions, amount, given = (part.to(device) for part in (z, captions, amount, given))
        t = flow_matching.sample_times(len(z), SHIFT if z.shape[1] > 1 else 1.0).to(device)
        unsaid = torch.rand(len(z), device=device) < 0.1
        words = inner.text_kv(torch.where(unsaid[:, None, None], inner.null, captions))
        noise = torch.randn_like(z)
        x = flow_matching.interpolate(z, noise, t)
        v = inner(x, words, inner.modulations(t, words.pooled), hints=[motion.hint(z, given, amount, loop)])
        error = flow_matching.velocity_error(v, z, noise).mean((2, 3, 4)) * (1 - given)
        loss = error.sum() / (1 - given).sum()
        return loss, {f"of {z.shape[1]}": loss.item()}

    @torch.no_grad()
    def calibrate(self, motion: VideoDiT, count: int = 48) -> list[list[float]]:
        """What its estimates of the motion of loops that it learns from are to be multiplied by, by times and
        harmonics; seed 0."""
        torch.manual_seed(0)
        loops = [i for i in self.clips.split("train") if self.clips.rows[i]["loops"]]
        picks = np.random.default_rng(0).choice(loops, count, replace=False)
        z = (
            torch.from_numpy(self.latents["motion"][picks])
            .float()
            .reshape(count, WINDOW, *self.latents["motion"].shape[-3:])
        )
        mask = (torch.arange(WINDOW) > 0).float()[:, None, None, None]
        amount = torch.tensor([self.clips.rows[i]["rank"] for i in picks])
        hint = motion.hint(z, (1 - mask).flatten().expand(count, -1), amount, loop=True)
        words = motion.transformer.text_kv(torch.from_numpy(self.read["motion"][picks]).float())
        true, gains = torch.fft.rfft(z - z[:, :1], dim=1), []
        for t in CALIBRATION_TIMES:
            x = torch.lerp(z, torch.randn_like(z), t * mask)
            v = motion.transformer(
                x,
                words,
                motion.transformer.modulations(torch.full((count,), t), words.pooled),
                hints=[hint],
            )
            estimate = torch.fft.rfft(x - t * mask * v - z[:, :1], dim=1)
            gain = (estimate.conj() * true).real.sum((0, 2, 3, 4)) / estimate.abs().square().sum((0, 2, 3, 4))
            gains.append([round(one, 3) for one in gain.tolist()])
        return gains

    @torch.no_grad()
    def evaluate(self, motion: VideoDiT, folder: Path, step: int) -> dict[str, float]:
        """Eight held-out clips from their first frame, every other frame, seeds 0 ...; how much they move beside the
        real ones; the held-out loss."""
        motion.gains = self.calibrate(motion)
        self.pipe.motion = lambda: motion
        rows, moved, real = [], [], []
        for k, i in enumerate(np.random.default_rng(0).permutation(self.clips.split("sibling", "unseen"))[:8]):
            row = self.clips.rows[i]
            *_, last = self.pipe.generate(
                prompt=row["caption"],
                image=self.clips.images[i][0],
                amount=row["rank"],
                loop=row["loops"],
                seed=k,
                steps=16,
            )
            rows.append(last.result.frames[::2])
            moved.append(np.mean(last.trace["changes"]))
            real.append(row["change"])
        data.contact_sheet(np.concatenate(rows), columns=8).save(folder / f"sheet-{step:06d}.png")
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        loss = np.mean([self.loss(motion, rng, ("sibling", "unseen"))[0].item() for _ in range(12)])
        return {
            "change over real": round(float(np.mean(moved) / np.mean(real)), 3),
            "held out": round(float(loss), 4),
        }

    def export(self, motion: VideoDiT, record: dict) -> None:
        weights.save(self.name, motion, vars(motion.config) | {"real": motion.real, "gains": motion.gains}, {
            "data": "Fluent Emoji's animations, 16 frames a loop, and stills; training splits",
            "licence": "MIT; trained on Fluent Emoji (MIT)",
            **record,
        })  # fmt: skip

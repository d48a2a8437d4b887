"""Video on Fluent's animations and stills: the image model frozen, attention along time and a LoRA learnt.

Loops are rolled to begin anywhere. Half of the clips are told to be loops, half not; of some, frames are given: the first, both
ends, or a beginning that the next window goes on from.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import text, weights
from pipelines.training import data
from pipelines.training.data import latents
from pipelines.training.recipes.latent_diffusion import times
from pipelines.video import Motion, Pipeline

SHOWN = ["grinning face", "a woman dancing, large motion", "rocket", "red heart", "waving hand", "man running", "a dog", "clown face, small motion"]


class Recipe:
    name = "video"
    steps, lr, ema, batch = 4000, 2e-3, 0.995, 32  # of frames
    muon, weight_decay, look_every, warmup = True, 0.0, 420, 60

    def __init__(self) -> None:
        self.pipe = Pipeline("cpu", "float32")
        self.base = self.pipe.base.transformer.requires_grad_(False)
        self.clips, self.stills = data.load("motion"), data.load("emoji")
        self.latents = {name: latents.load(name) for name in ("motion", "emoji")}
        self.read = {name: self.listen(name, source) for name, source in (("motion", self.clips), ("emoji", self.stills))}

    @torch.inference_mode()
    def listen(self, name: str, source: data.DataSet) -> np.ndarray:
        """The captions as the resampler reads them, fp16 (n, 16, 256); kept, since it takes a minute."""
        said = [row["caption"] for row in source.rows]
        known = hashlib.sha256(torch.cat([p.flatten() for p in self.pipe.base.resampler.parameters()]).numpy().tobytes() + str(said).encode()).hexdigest()[:8]
        path = data.cache_dir() / "data" / name / f"read-{known}.npy"
        if not path.exists():
            parts = (said[i : i + 64] for i in range(0, len(said), 64))
            read = [self.pipe.base.resampler(*text.pad([text.encoder().read(c) for c in part])).numpy() for part in parts]
            np.save(path, np.concatenate(read).astype(np.float16))
        return np.load(path)

    def build(self) -> Motion:
        return Motion(self.base, rank=32, real=round(float(np.mean([row["change"] for row in self.clips.rows])), 2))

    def draw(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, bool]:
        """Latents (g, f, c, h, w), captions, amounts of motion, which frames are given (g, f), and whether the clips are loops."""
        frames, loop = int(rng.choice([1, 8, 16], p=[0.05, 0.35, 0.6])), bool(rng.random() < 0.5)
        name, source = ("emoji", self.stills) if frames == 1 else ("motion", self.clips)
        count = self.batch // frames
        allowed = source.split("train")
        if loop and frames > 1:
            allowed = np.array([i for i in allowed if source.rows[i]["loops"]])
        picks = rng.choice(allowed, count)
        z, given = [], np.zeros((count, frames), np.float32)
        for row, i in enumerate(picks):
            clip = self.latents[name][i].reshape(-1, *self.latents[name].shape[-3:])
            if frames > 1:
                if source.rows[i]["loops"]:
                    clip = np.roll(clip, int(rng.integers(len(clip))), axis=0)
                clip = clip[:: len(clip) // frames] if loop else clip[int(rng.integers(len(clip) - frames + 1)) :][:frames]
                given[row, : rng.choice([0, 1, int(rng.integers(2, frames - 1))], p=[0.1, 0.7, 0.2])] = 1
                given[row, -1] = not loop and rng.random() < 0.25
            z.append(clip)
        amount = torch.tensor([source.rows[i].get("rank", 0.0) for i in picks], dtype=torch.float32)
        return torch.from_numpy(np.stack(z)).float(), torch.from_numpy(self.read[name][picks]).float(), amount, torch.from_numpy(given), loop

    def loss(self, motion: Motion, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        device = next(motion.parameters()).device
        self.base.to(device)
        z, captions, amount, given, loop = self.draw(rng)
        clips, frames = given.shape
        t, drop = times(clips), torch.rand(clips) < 0.1
        z, captions, amount, t, given = (part.to(device) for part in (z.flatten(0, 1), captions, amount, t, given.reshape(-1, 1, 1, 1)))
        noise = (torch.randn_like(z) + torch.randn_like(z[::frames]).repeat_interleave(frames, 0)) / 2**0.5  # as it is drawn: half of it the clip's
        time = t.repeat_interleave(frames)
        x = torch.lerp(z, noise, time[:, None, None, None])
        with torch.no_grad():
            words = self.base.read(torch.where(drop.to(device)[:, None, None], self.base.null, captions)).repeat(frames)
            modulations = self.base.modulations(time, words.pooled)
        reference = motion.reference(z, given, frames, loop)
        with motion.on(self.base, t, amount, frames, loop, reference):
            v = self.base(x, words, modulations, hints=[motion.pin(reference[0], given)])
        error = (v - (noise - z)).square().mean((1, 2, 3)) * (1 - given.flatten())
        loss = error.sum() / (1 - given).sum().clamp_min(1)
        return loss, {f"of {frames}": loss.item()}

    @torch.no_grad()
    def evaluate(self, motion: Motion, folder: Path, step: int) -> dict[str, float]:
        """Clips of the shown prompts, every other frame, seeds 0 ...; how much they move beside the real ones, and the held-out loss."""
        self.pipe.motion = lambda: motion
        rows, moved = [], []
        for k, prompt in enumerate(SHOWN):
            *_, last = self.pipe.generate(prompt=prompt, seed=k, steps=12, guidance=3.0)
            rows.append(last.result.frames[::2])
            moved.append(np.mean(last.detail["changes"]))
        data.contact_sheet(np.concatenate(rows), columns=8).save(folder / f"sheet-{step:06d}.png")
        return {"change": round(float(np.mean(moved)), 2)}

    def export(self, motion: Motion, record: dict) -> None:
        weights.save(self.name, motion, {"rank": motion.lora.rank, "real": motion.real}, {
            "data": "Fluent Emoji's animations, 16 frames a loop, and stills; training splits",
            "licence": "MIT; trained on Fluent Emoji (MIT)",
            **record,
        })  # fmt: skip

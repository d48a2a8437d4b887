"""Video of scenes that move, as a flow of all of a clip's latents, from the weights of the base at 256 pixels.

The first frame is given, and of some clips the last, or a beginning that the next window goes on from; so are each
frame's layout, a quarter of them left out, and the motion that the clip was rendered by.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines import text
from pipelines.core.contract import frame_differences
from pipelines.datasets.scenes import film
from pipelines.diffusion import flow_matching
from pipelines.models.latent_diffusion.known import mix_modulations
from pipelines.models.latent_diffusion.layout import LABELS
from pipelines.models.latent_diffusion.recipe import open_base, times
from pipelines.models.latent_diffusion.recipe_sources import NOTHING, VOCABULARY
from pipelines.models.video.movement import FEATURES, WINDOW, Clock
from pipelines.models.video.network import VideoDiT, move_layout
from pipelines.models.video.pipeline import OVERLAP, VideoPipeline
from pipelines.nn import weights

SHOWN = {
    "a red car driving to the left by the sea": {"loop": False},
    "a balloon rising over the hills": {"loop": False},
    "a dog jumping in a meadow": {"loop": True},
    "the sun sets behind the mountains": {"loop": False},
    "a bird flying over the sea, clouds drifting": {"loop": False},
    "a house in the snow, camera zooms in": {"loop": False},
    "a beating heart": {"loop": True},
    "two penguins dancing in the snow": {"loop": True},
}


class Recipe:
    name = "video-256"
    steps, lr, ema, batch = 8000, 1e-3, 0.998, 48  # of frames
    muon, weight_decay, look_every = True, 0.01, 900
    held_out = 200

    def __init__(self) -> None:
        folder = data.cache_dir() / "data" / "films"
        self.rows = [json.loads(line) for line in (folder / "rows.jsonl").open()]
        self.latents = np.load(folder / "latents.npy", mmap_mode="r")
        self.base = open_base()
        self.captions = self.read_captions([row["caption"] for row in self.rows])
        features, layouts = [], []
        for row in self.rows:
            motion, clock = film.load_motion(row), Clock(loop=row["loop"])
            features.append(torch.from_numpy(motion.encode(clock)))
            layouts.append(move_layout(self.first_layout(row), VOCABULARY.kinds, motion, list(range(WINDOW)), clock))
        self.features, self.layouts = torch.stack(features), torch.stack(layouts)
        train = np.array([row["split"] == "train" for row in self.rows])
        train[-self.held_out :] = False
        loops = np.array([row["loop"] for row in self.rows])
        self.splits = {loop: np.flatnonzero(train & (loops == loop)) for loop in (False, True)}
        self.test = {
            loop: np.flatnonzero(loops[-self.held_out :] == loop) + len(loops) - self.held_out
            for loop in (False, True)
        }

    @staticmethod
    def first_layout(row: dict) -> Tensor:
        """The first frame's layout; boxes as they are, in units, which may lie between whole ones."""
        things = [thing | row["groups"][thing["group"]] for thing in row["things"]]
        layout = VOCABULARY.encode(things).float()
        for k, thing in enumerate(things[-len(layout) :]):
            layout[k, len(LABELS) :] = torch.tensor(thing["box"]) / 8
        return layout

    @torch.inference_mode()
    def read_captions(self, lines: list[str]) -> Tensor:
        """The captions as the base's resampler reads them, fp16 (n, 16, 256)."""
        parts = (lines[i : i + 64] for i in range(0, len(lines), 64))
        read = [self.base.resampler(*text.pad([text.encoder().encode(c) for c in part])) for part in parts]
        return torch.cat(read).half()

    def build(self) -> VideoDiT:
        clips = [film.render(number)[0] for number in range(24)]
        real = float(np.mean([np.mean(frame_differences(clip, loop=False)) for clip in clips]))
        motion = VideoDiT(self.base.transformer.config, round(real, 2), features=FEATURES)
        motion.transformer.load_state_dict(self.base.transformer.state_dict())
        motion.layout.load_state_dict(self.base.layout.state_dict())
        return motion

    def draw(self, rng: np.random.Generator, splits: dict[bool, np.ndarray]) -> tuple[Tensor, ...]:
        """Latents (b, f, c, h, w) of some frames, captions, features, layouts, which frames are given (b, f), whether
        the clips are loops, and which frames they are: three teach what is to stay faster than all sixteen do."""
        frames, loop = int(rng.choice([3, 6, WINDOW], p=[0.5, 0.25, 0.25])), bool(rng.random() < 0.35)
        picks = np.sort(rng.choice(splits[loop], self.batch // frames, replace=False))
        places = np.sort(rng.choice(WINDOW, frames, replace=False))
        given = torch.zeros(len(picks), frames)
        for row in given:
            row[: OVERLAP if frames > OVERLAP and rng.random() < 0.15 else 1] = 1
            row[-1] = float(not loop and rng.random() < 0.15)
        z = torch.from_numpy(np.stack([self.latents[i][places] for i in picks])).float()
        layouts = self.layouts[picks][:, places].clone()
        layouts[torch.rand(len(picks)) < 0.25] = NOTHING.float()
        return z, self.captions[picks].float(), self.features[picks][:, places], layouts, given, loop, places

    def loss(
        self, motion: VideoDiT, rng: np.random.Generator, splits: dict[bool, np.ndarray] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        device, inner = motion.enter.weight.device, motion.transformer
        *parts, loop, places = self.draw(rng, splits or self.splits)
        z, captions, features, layouts, given = (part.to(device) for part in parts)
        t = times(len(z)).to(device)
        dropped = torch.rand(len(z), device=device) < 0.1
        words = inner.text_kv(torch.where(dropped[:, None, None], inner.null, captions))
        noise = torch.randn_like(z)
        fresh = (1 - given)[:, :, None, None, None]
        x = torch.lerp(z, flow_matching.interpolate(z, noise, t), fresh)
        hint = motion.hint(z, given, features, loop, layouts, places.tolist())
        drawn = (1 - given).repeat_interleave(motion.config.tokens, 1)[..., None]
        at = [inner.modulations(time, words.pooled) for time in (t, torch.zeros_like(t))]
        v = inner(x, words, mix_modulations(*at, drawn), hints=[hint])
        error = flow_matching.velocity_error(v, z, noise).mean((2, 3, 4)) * (1 - given)
        loss = error.sum() / (1 - given).sum()
        return loss, {f"of {z.shape[1]}": loss.detach()}

    @torch.no_grad()
    def evaluate(self, motion: VideoDiT, folder: Path, step: int) -> dict[str, float]:
        """The clips that are shown, every other frame, seeds 0 ...; and the held-out loss."""
        pipe = VideoPipeline("cpu", "float32", "scenes")
        pipe.motion = lambda: motion
        strips = []
        for k, (prompt, more) in enumerate(SHOWN.items()):
            *_, last = pipe.generate(prompt=prompt, world="scenes", seed=k, steps=12, guidance=3.0, **more)
            strips.append(last.result.frames[::2])
        data.contact_sheet(np.concatenate(strips), columns=8).save(folder / f"sheet-{step:06d}.png")
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        return {
            "held out": round(float(np.mean([self.loss(motion, rng, self.test)[0].item() for _ in range(24)])), 4)
        }

    def export(self, motion: VideoDiT, record: dict) -> None:
        config = vars(motion.config) | {"real": motion.real, "features": FEATURES}
        weights.save(self.name, motion, config, {
            "data": "scenes that move (Fluent Emoji 3D), 16 frames each, training split",
            "licence": "MIT; trained on scenes of Fluent Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip

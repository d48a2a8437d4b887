"""Latent diffusion on scenes and avatars together: straight path, velocity loss, logit-normal times (Esser et al. 2024), a tenth of
the captions dropped for guidance.

Two heads that exist only for this training tell, from inside the transformer, what is at each place of the clean picture: of scenes
the true map (which thing or land, how deep), of avatars what the critic sees (REPA; Yu et al. 2025), so words reach the picture's
tokens early. They are off for the last half. The resampler arrives trained on captions and stays frozen: trained on with the
transformer it collapses.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import autoencoder_256 as autoencoder
from pipelines import samplers, text, weights
from pipelines.guidance import Guidance, guide
from pipelines.latent_diffusion import LatentDiffusion
from pipelines.nn.dit import Config
from pipelines.training import data
from pipelines.training.data import captions, latents, scenes
from pipelines.training.data.scenes.canvas import AREAS
from pipelines.training.data.scenes.kinds import KINDS
from pipelines.training.recipes.critic import load_critic
from pipelines.training.recipes.reader import tensor

SHARE = {"scenes": 32, "avatars": 16}  # of a batch of 48
SHOWN = [
    "a red car and a dog before a house by the sea, at sunset, snow",
    "a dog", "a slice of pizza", "a rocket", "a waving hand",
    "a black cat on a hill at night",
    "two penguins in the snow",
    "a sailboat on the sea at sunset",
    "a castle in the mountains, in autumn",
    "a yellow umbrella on a blue background",
    "an astronaut in the desert at night",
    "a firefighter with dark skin",
    "a horse in a meadow, rainbow",
    "a bus in the city, rain",
    "three red apples",
    "a green dinosaur in the forest, fog",
    "doggo at the beach, sunset",
    "a unicorn on a pink background",
    "a woman with curly red hair and round glasses, smiling",
    "a bald man with a grey beard and sunglasses",
    "girl, pink bob, winking, blue hoodie",
    "a man in a green turban, dark skin, serious, on a white background",
    "man with a black moustache and a purple hat, sticking the tongue out",
    "a woman in a red hijab, smiling softly",
]  # fmt: skip


class Learner(nn.Module):
    """The model, and the heads of this training."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.model = LatentDiffusion(config)
        self.model.resampler.requires_grad_(False)
        width = config.width
        self.map = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, len(AREAS) + len(KINDS) + 1))
        self.features = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 128))


def times(n: int) -> Tensor:
    """Times to learn at: logit-normal (Esser et al. 2024), shifted to where words matter. Large areas' colours are settled in
    the first steps, where it hardly ever looks: a quarter goes there."""
    return torch.where(torch.rand(n) < 0.25, 1 - 0.15 * torch.rand(n), torch.sigmoid(torch.randn(n) + 0.5))


class Recipe:
    name = "latent-diffusion"
    steps, lr, ema, batch = 60_000, 2e-3, 0.9995, 48
    muon, weight_decay = True, 0.01
    look_every = 900
    tell_until, done = 0.5, 0.0  # of the steps: what the heads of this training have taught by then is enough

    def __init__(self, config: Config | None = None) -> None:
        tensors, _ = weights.read("resampler", data.cache_dir() / "weights")
        self.resampler = weights.fill(text.Resampler(), tensors, "resampler")
        self.shown = text.pad([text.encoder().read(prompt) for prompt in SHOWN])
        self.captions = {n: captions.load(n) for n in SHARE}
        self.latents = {n: latents.load(n) for n in SHARE}
        self.config = config or Config(
            channels=self.latents["scenes"].shape[1], width=320, depth=8, heads=5, convolution=True
        )
        self.train = {
            n: np.arange(len(c.picture) - 512) for n, c in self.captions.items()
        }  # the last captions' pictures are held out
        # who is described in full teaches words faster
        named = np.array([1.0 + len(names) for names in self.captions["avatars"].names])[self.train["avatars"]]
        self.odds = {"avatars": named / named.sum(), "scenes": None}
        self.read = {name: self.listen(name) for name in SHARE}
        self.map, self.features = self.true_map(), self.critic_features()

    @torch.inference_mode()
    def listen(self, name: str) -> np.ndarray:
        """Every caption as the resampler reads it, fp16 (n, 16, 256): it is frozen, so this is computed once, and kept."""
        lines = self.captions[name]
        parts = torch.cat([p.flatten() for p in self.resampler.parameters()]).numpy().tobytes()
        path = data.cache_dir() / "data" / f"captions-{name}" / f"read-{hashlib.sha256(parts).hexdigest()[:8]}.npy"
        if not path.exists():
            found = np.lib.format.open_memmap(
                path.with_suffix(".part"), "w+", np.float16, (len(lines.picture), 16, 256)
            )
            for picks in np.array_split(
                np.argsort(np.diff(lines.start)), len(found) // 128 + 1
            ):  # by length: little padding
                found[picks] = self.resampler(*lines.batch(picks)).numpy()
            found.flush()
            path.with_suffix(".part").rename(path)
        return np.load(path, mmap_mode="r")

    def true_map(self) -> np.ndarray:
        """What is at the 64 places of every scene, at the middle of each, and how deep: float32 (n, 64, 2)."""
        step, start = scenes.MAP // 8, scenes.MAP // 16
        folder = data.cache_dir() / "data" / "scenes"
        parts = [
            np.load(folder / f"{name}.npy", mmap_mode="r")[:, start::step, start::step] for name in ("segment", "depth")
        ]
        return np.stack([parts[0].astype(np.float32), parts[1].astype(np.float32) / 255], -1).reshape(
            len(parts[0]), 64, 2
        )

    @torch.inference_mode()
    def critic_features(self) -> np.ndarray:
        """What the critic sees at the 64 places of every avatar that has a caption, standardised: fp16 (n, 64, 128)."""
        path = data.cache_dir() / "data" / "avatars" / "critic.npy"
        critic, images, picks = load_critic(), data.load("avatars").images, self.captions["avatars"].picture
        if not path.exists():
            found = np.concatenate(
                [
                    critic.features(tensor(images[p]))[-1].flatten(2).mT.half().numpy()
                    for p in np.array_split(picks, len(picks) // 64)
                ]
            )
            sample = found[::20].astype(np.float32)
            mean, scale = sample.mean(0), sample.std(0) + 0.1
            for part in np.array_split(found, 64):
                part[:] = (part - mean) / scale
            np.save(path, found)
        return np.load(path, mmap_mode="r")

    def build(self) -> Learner:
        learner = Learner(self.config)
        learner.model.resampler.load_state_dict(self.resampler.state_dict())
        return learner

    def draw(self, name: str, picks: np.ndarray) -> tuple[Tensor, Tensor]:
        """Latents of some captions' pictures, and the captions as read."""
        z = self.latents[name][self.captions[name].picture[picks]]
        return torch.from_numpy(z).float(), torch.from_numpy(self.read[name][picks]).float()

    def loss(self, learner: Learner, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        model, device = learner.model, next(learner.parameters()).device
        picks = {n: rng.choice(self.train[n], k, replace=False, p=self.odds[n]) for n, k in SHARE.items()}
        pairs = [self.draw(name, some) for name, some in picks.items()]
        z, caption = (torch.cat(parts).to(device) for parts in zip(*pairs, strict=True))
        n = SHARE["scenes"]
        t, drop = times(self.batch).to(device), (torch.rand(self.batch) < 0.1).to(device)
        inside: list[Tensor] = []
        middle = model.transformer.blocks[len(model.transformer.blocks) // 2 - 1]
        hook = middle.register_forward_hook(lambda _, __, h: inside.append(h))
        losses = model.loss(z, caption, t, drop)
        hook.remove()
        parts = {"scenes": losses[:n].mean(), "avatars": losses[n:].mean()}
        total = losses.mean()
        if self.done < self.tell_until:
            truth = torch.from_numpy(self.map[self.captions["scenes"].picture[picks["scenes"]]]).to(device)
            there = learner.map(inside[0][:n]).float()
            area = F.cross_entropy(there[..., :-1].flatten(0, 1), truth[..., 0].long().flatten())
            depth = (there[..., -1] - truth[..., 1]).square().mean()
            seen = torch.from_numpy(self.features[picks["avatars"]]).float().to(device)
            features = (learner.features(inside[0][n:]).float() - seen).square().mean()
            total = total + 0.1 * area + 0.3 * depth + 0.1 * features
            parts |= {"area": area, "depth": depth, "features": features}
        return total, {k: float(v.detach()) for k, v in parts.items()}

    @torch.no_grad()
    def held_out_loss(self, model: LatentDiffusion, n: int = 256) -> dict[str, float]:
        """Velocity loss on n held-out captions' pictures a set, at the same times and noise each time."""
        device, found = next(model.parameters()).device, {}
        for name in SHARE:
            picks = np.arange(len(self.captions[name].picture) - 512, len(self.captions[name].picture))[:: 512 // n]
            losses = []
            for i, part in enumerate(np.array_split(picks, n // 32)):
                torch.manual_seed(i)
                z, caption = (x.to(device) for x in self.draw(name, part))
                t = ((torch.arange(len(part)) + 0.5) / len(part)).to(device)
                losses.append(model.loss(z, caption, t, torch.zeros(len(part), dtype=torch.bool, device=device)))
            found[f"held_out_{name}"] = round(torch.cat(losses).mean().item(), 4)
        return found

    @torch.no_grad()
    def evaluate(self, learner: Learner, folder: Path, step: int) -> dict[str, float]:
        """Held-out loss, and a contact sheet of the shown prompts, guided 4, 20 steps, seeds 0 ..."""
        model, net, n = learner.model, learner.model.transformer, len(SHOWN)
        device = next(net.parameters()).device
        tokens, mask = (part.to(device) for part in self.shown)
        words = net.read(torch.cat([model.resampler(tokens, mask), net.null.expand(n, -1, -1)]))

        def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor]:
            both = torch.cat([x, x])
            x0 = both - t * net(both, words, net.modulations(torch.full((2 * n,), t, device=device), words.pooled))
            return x0[:n], x0[n:]

        noise = samplers.seeded_noise(0, (net.config.channels, net.config.size, net.config.size), n, str(device))
        grid, path = samplers.grid(20), samplers.PATHS["straight"]
        *_, (x, _, _) = samplers.dpm_solver(guide(estimate, Guidance(4.0)), noise(), grid, path, noise)
        coder = autoencoder.load(folder=data.cache_dir() / "weights")
        pictures = np.concatenate([coder.develop(part).numpy() for part in x.cpu().split(8)])
        data.contact_sheet(pictures, columns=6).save(folder / f"sheet-{step:06d}.png")
        return self.held_out_loss(model)

    def export(self, learner: Learner, record: dict) -> None:
        weights.save(self.name, learner.model, asdict(learner.model.transformer.config), {
            "data": "scenes (Fluent Emoji 3D in landscapes drawn here) and avatars (DiceBear avataaars), training splits, captions by grammar",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent Emoji (MIT)",
            **record,
        }, data.cache_dir() / "weights")  # fmt: skip

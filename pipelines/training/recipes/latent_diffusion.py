"""Latent diffusion on avatars and emoji together: straight path, velocity loss, logit-normal times (Esser et al. 2024),
a tenth of the captions dropped for guidance.

The resampler arrives trained on captions and stays frozen: trained on with the transformer at its rate it collapsed (its
variance across captions fell from 0.56 to 0.003 in 1,500 steps), and the pictures no longer obeyed."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipelines import autoencoder, samplers, text, weights
from pipelines.guidance import Guidance, guide
from pipelines.latent_diffusion import LatentDiffusion
from pipelines.training import data
from pipelines.training.data import captions, latents
from pipelines.training.recipes.autoencoder import load_critic
from pipelines.training.recipes.reader import tensor

SHOWN = [
    "a woman with curly red hair and round glasses, smiling",
    "a bald man with a grey beard and sunglasses",
    "girl, pink bob, winking, blue hoodie",
    "a man in a green turban, dark skin, serious, on a white background",
    "woman with a blonde afro, heart eyes, yellow dungarees",
    "man with a black moustache and a purple hat, sticking the tongue out",
    "person with brown dreadlocks and glasses, crying",
    "a woman in a red hijab, smiling softly",
    "a red apple",
    "grinning face",
    "rocket",
    "slice of pizza",
    "a dog",
    "blue heart",
    "police officer, dark skin tone",
    "a house with a garden",
]


class Learner(nn.Module):
    """The model, and a head that exists only for this training: from inside the transformer it tells what the critic sees
    at each place of the clean picture (REPA; Yu et al. 2025), so words reach the picture's tokens early."""

    def __init__(self) -> None:
        super().__init__()
        self.model = LatentDiffusion()
        self.model.resampler.requires_grad_(False)
        width = self.model.transformer.config.width
        self.tell = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 64))


def times(n: int) -> Tensor:
    """Times to learn at: logit-normal (Esser et al. 2024), shifted to where words matter. Large areas' colours are settled in
    the first steps, where it hardly ever looks: a quarter goes there."""
    return torch.where(torch.rand(n) < 0.25, 1 - 0.15 * torch.rand(n), torch.sigmoid(torch.randn(n) + 0.5))


class Recipe:
    name = "latent-diffusion"
    steps, lr, ema, batch = 12_000, 2e-3, 0.998, 48
    muon, weight_decay = True, 0.01
    look_every = 600

    def __init__(self) -> None:
        tensors, _ = weights.read("resampler", data.cache_dir() / "weights")
        self.open(weights.fill(text.Resampler(), tensors, "resampler"))
        self.shown = text.pad([text.encoder().read(prompt) for prompt in SHOWN])
        self.seen = self.look()

    def open(self, resampler: text.Resampler) -> None:
        """Latents and captions, as this resampler reads them."""
        self.sets = {n: (captions.load(n), latents.load(n)) for n in ("avatars", "emoji")}
        # who is described in full teaches words faster
        said = np.array([1.0 + len(names) for names in self.sets["avatars"][0].names])
        self.odds = {"avatars": said / said.sum(), "emoji": None}
        self.resampler = resampler
        self.read = {name: self.listen(name) for name in self.sets}

    @torch.inference_mode()
    def listen(self, name: str) -> np.ndarray:
        """Every caption as the resampler reads it, fp16 (n, 16, 256): it is frozen, so this is computed once (three minutes), and kept."""
        said = self.sets[name][0]
        known = hashlib.sha256(
            torch.cat([p.flatten() for p in self.resampler.parameters()]).numpy().tobytes()
        ).hexdigest()[:8]
        path = data.cache_dir() / "data" / f"captions-{name}" / f"read-{known}.npy"
        if not path.exists():
            found = np.empty((len(said.picture), 16, 256), np.float16)
            for picks in np.array_split(
                np.argsort(np.diff(said.start)), len(found) // 128 + 1
            ):  # by length: little padding
                found[picks] = self.resampler(*said.batch(picks)).numpy()
            np.save(path, found)
        return np.load(path, mmap_mode="r")

    @torch.inference_mode()
    def look(self) -> np.ndarray:
        """What the critic sees at the 64 places of every avatar that has a caption, standardised: fp16 (n, 64, 64)."""
        critic, images, picks = load_critic(), data.load("avatars").images, self.sets["avatars"][0].picture
        found = np.concatenate(
            [
                critic.features(tensor(images[p]))[-1].flatten(2).mT.half().numpy()
                for p in np.array_split(picks, len(picks) // 128 + 1)
            ]
        )
        sample = found[::20].astype(np.float32)
        mean, scale = sample.mean(0), sample.std(0) + 0.1
        for part in np.array_split(found, 64):
            part[:] = (part - mean) / scale
        return found

    def build(self) -> Learner:
        learner = Learner()
        learner.model.resampler.load_state_dict(self.resampler.state_dict())
        return learner

    def draw(self, name: str, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Tensor, Tensor]:
        """Numbers of captions, their pictures' latents, and the captions as read."""
        said, z = self.sets[name]
        picks = rng.choice(len(said.picture), count, replace=False, p=self.odds[name])
        return picks, torch.from_numpy(z[said.picture[picks]]).float(), torch.from_numpy(self.read[name][picks]).float()

    def loss(self, learner: Learner, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        model, device = learner.model, next(learner.parameters()).device
        (picks, za, ca), (_, ze, ce) = (
            self.draw("avatars", self.batch // 2, rng),
            self.draw("emoji", self.batch // 2, rng),
        )
        t = times(self.batch)
        drop = torch.rand(self.batch) < 0.1
        inside: list[Tensor] = []
        hook = model.transformer.blocks[2].register_forward_hook(lambda _, __, h: inside.append(h))
        losses = model.loss(
            torch.cat([za, ze]).to(device), torch.cat([ca, ce]).to(device), t.to(device), drop.to(device)
        )
        hook.remove()
        seen = torch.from_numpy(self.seen[picks]).float().to(device)
        telling = (learner.tell(inside[0][: len(za)]).float() - seen).square().mean()
        parts = {"avatars": losses[: len(za)].mean(), "emoji": losses[len(za) :].mean(), "telling": telling}
        return losses.mean() + 0.2 * telling, {k: float(v.detach()) for k, v in parts.items()}

    @torch.no_grad()
    def evaluate(self, learner: Learner, folder: Path, step: int) -> dict[str, float]:
        """A contact sheet of the shown prompts, guided 3.0, 20 steps, seeds 0 ..."""
        model, net, n = learner.model, learner.model.transformer, len(SHOWN)
        device = next(net.parameters()).device
        tokens, mask = (part.to(device) for part in self.shown)
        words = net.read(torch.cat([model.resampler(tokens, mask), net.null.expand(n, -1, -1)]))

        def estimate(x: Tensor, t: float, pair: bool) -> tuple[Tensor, Tensor]:
            both = torch.cat([x, x])
            x0 = both - t * net(both, words, net.modulations(torch.full((2 * n,), t, device=device), words.pooled))
            return x0[:n], x0[n:]

        noise = samplers.seeded_noise(0, (net.config.channels, net.config.size, net.config.size), n, str(device))
        *_, (x, _, _) = samplers.dpm_solver(
            guide(estimate, Guidance(3.0)), noise(), samplers.grid(20), samplers.PATHS["straight"], noise
        )
        data.contact_sheet(autoencoder.load().develop(x.cpu()).numpy(), columns=8).save(
            folder / f"sheet-{step:06d}.png"
        )
        return {}

    def export(self, learner: Learner, record: dict) -> None:
        weights.save(self.name, learner.model, asdict(learner.model.transformer.config), {
            "data": "avatars (DiceBear avataaars) and emoji (Fluent Emoji 3D), training splits, captions by grammar",
            "licence": "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use) and Fluent Emoji (MIT)",
            **record,
        })  # fmt: skip

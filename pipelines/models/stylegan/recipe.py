"""StyleGAN2 on faces: non-saturating loss, lazy R1 (Mescheder et al. 2018) and lazy path length regularisation,
styles mixed in nine of ten pictures, DiffAugment (Karras et al. 2020; Zhao et al. 2020). It begins as a decoder, as
the GAN does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import datasets as data
from pipelines.core.cards import WeightsError
from pipelines.evaluation.metrics import load_reader
from pipelines.models.gan.network import Discriminator
from pipelines.models.gan.recipe import CREDIT, Decoding, augment, gradient_penalty, teach_both
from pipelines.models.stylegan.network import CODE, LAYERS, StyleGAN
from pipelines.models.stylegan.recipe_directions import find_directions
from pipelines.nn import weights
from pipelines.nn.pixels import to_uint8
from pipelines.training.faces import Faces

R1_EVERY, PATH_EVERY = 4, 8  # steps from one penalty to the next


class Adversarial(nn.Module):
    """Generator and discriminator, and the mean length of the paths so far."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.discriminator = StyleGAN(), Discriminator()
        self.to(memory_format=torch.channels_last)
        self.register_buffer("path_mean", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))


class Recipe:
    name = "stylegan"
    steps, lr, ema, batch, clip = 100_000, 3e-4, 0.998, 32, 100.0
    betas, look_every, warmup, weight_decay = (0.0, 0.99), 60, 200, 0.0
    gamma, path_weight = 5.0, 1.0

    def __init__(self, pack: Path | None = None) -> None:
        self.faces, self.decoding = Faces(pack), Decoding(1500)

    def build(self) -> Adversarial:
        return Adversarial()

    def pack(self, folder: Path, bring_weights: bool = False) -> int:
        """Write what a GPU needs; its bytes."""
        return self.faces.pack(folder)

    def mixed_styles(self, model: StyleGAN, n: int, rng: np.random.Generator, device: torch.device) -> Tensor:
        """A w a layer of n pictures; in nine of ten the later layers have another's (style mixing)."""
        one, other = (model.style(torch.randn(n, CODE).to(device)) for _ in range(2))
        cut = torch.from_numpy(np.where(rng.random(n) < 0.9, rng.integers(1, LAYERS, n), LAYERS)).to(device)
        with torch.no_grad():
            model.mean_w.lerp_(one[:, 0].float().mean(0), 0.005)
        return torch.where((torch.arange(LAYERS, device=device)[None] < cut[:, None])[..., None], one, other)

    def loss(self, both: Adversarial, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        device, model = next(both.parameters()).device, both.model
        real, labels = self.faces.draw(self.batch, rng, device)

        def decode(z: Tensor, _: Tensor) -> Tensor:
            return model.synthesis(model.style(z), [noise.to(device) for noise in model.noise(len(z))])

        if both.seen == 0:
            self.decoding.teach(model, decode, self.faces)
        both.seen += 1
        noises = [noise.to(device) for noise in model.noise(self.batch)]
        fake = model.synthesis(self.mixed_styles(model, self.batch, rng, device), noises)
        seen = augment(torch.cat([real, fake]).float(), torch.Generator().manual_seed(int(rng.integers(2**31))))
        d_real, d_fake = both.discriminator(seen).float().chunk(2)
        d_loss = F.softplus(d_fake).mean() + F.softplus(-d_real).mean()
        teach_both(fake, -d_fake)
        found = {
            "g_loss": F.softplus(-d_fake).mean().detach(),
            "d_loss": d_loss.detach(),
            "apart": (d_real > d_fake).float().mean(),
        }
        part = slice(self.decoding.part)
        loss = d_loss + self.decoding.weight * self.decoding.error(decode, real[part], labels[part])
        if both.seen % R1_EVERY == 0:
            loss = loss + R1_EVERY * self.gamma / 2 * gradient_penalty(both.discriminator, seen[: self.batch])
        if both.seen % PATH_EVERY == 0:
            found["path"], penalty = self.path_length(both, rng, device)
            loss = loss + PATH_EVERY * self.path_weight * penalty
        return loss, found

    def path_length(self, both: Adversarial, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
        """How far a step in w moves the picture, and how unlike its mean so far that is (eq. 4); a quarter batch."""
        n = max(self.batch // 4, 1)
        with torch.autocast(device.type, enabled=False):
            w = self.mixed_styles(both.model, n, rng, device)
            x = both.model.synthesis(w, [noise.to(device) for noise in both.model.noise(n)])
            direction = torch.randn_like(x) / (x.shape[2] * x.shape[3]) ** 0.5
            slope = torch.autograd.grad((x * direction).sum(), w, create_graph=True)[0]
        length = slope.square().sum(2).mean(1).sqrt()
        with torch.no_grad():
            both.path_mean.lerp_(length.mean(), 0.02 if both.path_mean > 0 else 1.0)
        return length.mean().detach(), (length - both.path_mean).square().mean()

    @torch.no_grad()
    def evaluate(self, both: Adversarial, folder: Path, step: int) -> dict[str, float]:
        """Seeds 0 to 31 by the average of the weights, truncated to 0.7 and not."""
        torch.manual_seed(0)
        z = torch.randn(32, CODE).to(next(both.parameters()).device)
        x = torch.cat([both.model(z, psi) for psi in (0.7, 1.0)]).float().cpu()
        pictures = to_uint8(x.permute(0, 2, 3, 1)).numpy()
        data.contact_sheet(pictures, columns=16).save(folder / f"sheet-{step:06d}.png")
        return {"spread": round(float(pictures[32:].astype(np.float32).std(0).mean()), 2)}

    def export(self, both: Adversarial, record: dict) -> None:
        model = both.model
        try:  # from a pack there is no reader: directions are found where the weights come back to
            reader = load_reader()
            model.directions = find_directions(model, reader, reader.labels)
        except WeightsError:
            model.directions = model.directions[:0]
        about = {"data": "avatars (DiceBear avataaars) at 64 pixels, training split", "licence": CREDIT, **record}
        config = {"directions": len(model.directions)}
        weights.save(self.name, model, config, about, data.cache_dir() / "weights")

"""DDPM on faces: 1,000 noise levels of the cosine schedule, v-prediction (Ho et al. 2020; Salimans and Ho 2022)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines import datasets as data
from pipelines.diffusion.samplers import SCHEDULES, ddim, seeded_noise, timesteps
from pipelines.models.ddpm.network import WIDTHS, UNet
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor, to_uint8
from pipelines.training.faces import Faces

LEVELS = 1000
CREDIT = "MIT; trained on avataaars by Pablo Stanley (free for personal and commercial use)"


def mix(x: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """x_t on the cosine path at times t (b,), and v = a noise - s x."""
    a, s = (f(t * torch.pi / 2)[:, None, None, None] for f in (torch.cos, torch.sin))
    return a * x + s * noise, a * noise - s * x


class Recipe:
    name = "ddpm"
    steps, lr, ema, batch = 60_000, 4e-4, 0.999, 32
    look_every = 600

    def __init__(self, pack: Path | None = None) -> None:
        self.faces = Faces(pack)

    def build(self) -> UNet:
        return UNet()

    def pack(self, folder: Path, bring_weights: bool = False) -> int:
        """Write what a GPU needs; its bytes."""
        return self.faces.pack(folder)

    def loss(self, net: UNet, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        x, _ = self.faces.draw(self.batch, rng, next(net.parameters()).device)
        t = (torch.randint(LEVELS, (len(x),)) + 1).to(x) / LEVELS
        state, v = mix(x, torch.randn_like(x), t)
        return (net(state, t).float() - v).square().mean(), {}

    @torch.no_grad()
    def evaluate(self, net: UNet, folder: Path, step: int) -> dict[str, float]:
        """DDIM samples of 50 steps, seeds 0 to 31, and the held-out loss."""
        device, path = next(net.parameters()).device, SCHEDULES["cosine"]

        def denoise(x: Tensor, t: float) -> Tensor:
            v = net(x, torch.full((len(x),), t, device=device)).float()
            return path.a(t) * x - path.s(t) * v

        noise = seeded_noise(0, (3, 64, 64), 32, str(device))
        *_, (x, _, _) = ddim(denoise, noise(), timesteps(50, 1 - 1 / LEVELS), path, noise)
        sheet = to_uint8(x.cpu().permute(0, 2, 3, 1)).numpy()
        data.contact_sheet(sheet, columns=8).save(folder / f"sheet-{step:06d}.png")
        x, losses = to_tensor(self.faces.held_out[:256]).to(device), []
        for i, part in enumerate(x.split(64)):
            torch.manual_seed(i)
            t = (torch.arange(len(part), device=device) + 0.5) / len(part)
            state, v = mix(part, torch.randn_like(part), t)
            losses.append((net(state, t).float() - v).square().mean())
        return {"held_out": round(torch.stack(losses).mean().item(), 5)}

    @torch.no_grad()
    def losses_by_level(self, net: UNet, levels: int = 16) -> list[list[float]]:
        """Noise level t, and there the mean squared error of v, of the noise and of the picture, on held-out faces:
        the same network, in the three ways that it could be read."""
        x, found = to_tensor(self.faces.held_out[:128]).to(next(net.parameters()).device), []
        for k in range(levels):
            torch.manual_seed(k)
            t = torch.full((len(x),), (k + 0.5) / levels, device=x.device)
            state, v = mix(x, torch.randn_like(x), t)
            error = (net(state, t).float() - v).square().mean().item()
            # x0 = a x_t - s v and noise = s x_t + a v: the errors of all three differ by factors alone
            a, s = np.cos(t[0].item() * np.pi / 2), np.sin(t[0].item() * np.pi / 2)
            found.append([round(float(value), 5) for value in (t[0], error, a**2 * error, s**2 * error)])
        return found

    def export(self, net: UNet, record: dict) -> None:
        about = {
            "data": "avatars (DiceBear avataaars) at 64 pixels, training split",
            "licence": CREDIT,
            "measured": "held_out: mean squared error of v over all noise levels, on 256 held-out faces",
            "levels": self.losses_by_level(net),
            **record,
        }
        weights.save(self.name, net, {"widths": list(WIDTHS)}, about, data.cache_dir() / "weights")

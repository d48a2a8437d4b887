"""The families that draw in one pass, or in one a coordinate: autoregressive, normalising flow, VAE, GAN."""

from __future__ import annotations

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.models.plane.learner import Learner, fourier_features, mlp, normal_log_density


class Autoregressive(Learner):
    """p(x) p(y | x), each a mixture of Gaussians; one network call a coordinate (MADE, Germain et al. 2015)."""

    name, title, likelihood, calls = "autoregressive", "Autoregressive", "exact", 2
    mixtures = 24

    def __init__(self) -> None:
        super().__init__()
        start = torch.zeros(3, self.mixtures)
        start[1], start[2] = torch.linspace(-2, 2, self.mixtures), -1.5
        self.first = nn.Parameter(start)
        self.second = mlp(9, 3 * self.mixtures)
        self.prepare()

    @staticmethod
    def mixture_log_density(x: Tensor, parts: Tensor) -> Tensor:
        """Of x (n,) under mixtures (n or 1, 3, k): logits, means, log scales."""
        logits, mean, log_scale = parts.unbind(-2)
        log_scale = log_scale.clamp(-4.5, 2)
        return torch.logsumexp(logits.log_softmax(-1) + normal_log_density(x[:, None], mean, log_scale), -1)

    def conditional(self, x: Tensor) -> Tensor:
        """The mixture of the second coordinate given the first (n,): (n, 3, k)."""
        return self.second(fourier_features(x[:, None])).unflatten(-1, (3, self.mixtures))

    def log_density(self, x: Tensor) -> Tensor:
        first, second = x.unbind(-1)
        return self.mixture_log_density(first, self.first[None]) + self.mixture_log_density(
            second, self.conditional(first)
        )

    def train_step(self, x: Tensor) -> dict[str, float]:
        return {"nll": self.descend(-self.log_density(x).mean())}

    @staticmethod
    def sample_mixture(parts: Tensor, generator: torch.Generator) -> Tensor:
        logits, mean, log_scale = parts.unbind(-2)
        pick = torch.multinomial(logits.softmax(-1), 1, generator=generator)
        z = torch.randn(len(parts), generator=generator)
        return mean.gather(1, pick)[:, 0] + log_scale.clamp(-4.5, 2).gather(1, pick)[:, 0].exp() * z

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        first = self.sample_mixture(self.first[None].expand(n, -1, -1), generator)
        return torch.stack([first, self.sample_mixture(self.conditional(first), generator)], -1)


class Flow(Learner):
    """A normalising flow: couplings by rational-quadratic splines (Durkan et al. 2019), invertible and exact."""

    name, title, likelihood = "flow", "Normalising flow", "exact"
    layers, bins, span = 4, 12, 4.0
    rate = 2e-3

    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList(mlp(9, 3 * self.bins - 1, 64, 2) for _ in range(self.layers))
        for net in self.nets:  # near the identity
            net[-1].weight.data.mul_(0.1)
            net[-1].bias.data.zero_()
            net[-1].bias.data[2 * self.bins :] = math.log(math.e - 1)  # slopes of 1, by softplus
        self.prepare()

    def spline(self, x: Tensor, raw: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        """x (n,) through a monotone spline on [-span, span], the identity outside; and the log of its slope.

        `raw` (n, 3 bins - 1): widths, heights, inner slopes (Durkan et al. 2019, eqs. 4 to 8)."""
        k, b = self.bins, self.span
        sizes = 1e-3 + (1 - 1e-3 * k) * raw[:, : 2 * k].unflatten(1, (2, k)).softmax(-1)
        knots = F.pad(sizes.cumsum(-1), (1, 0)) * (2 * b) - b  # (n, 2, k + 1)
        slopes = F.pad(1e-3 + F.softplus(raw[:, 2 * k :]), (1, 1), value=1.0)
        inside = x.abs() < b
        v = x.clamp(-b + 1e-4, b - 1e-4)
        side = 1 if inverse else 0
        at = (torch.searchsorted(knots[:, side].contiguous(), v[:, None]) - 1).clamp(0, k - 1)

        def take(values: Tensor, shift: int = 0) -> Tensor:
            return values.gather(1, at + shift)[:, 0]

        x0, y0 = take(knots[:, 0]), take(knots[:, 1])
        w, h = take(knots[:, 0], 1) - x0, take(knots[:, 1], 1) - y0
        d0, d1, s = take(slopes), take(slopes, 1), h / w
        if inverse:
            dy = v - y0
            a = h * (s - d0) + dy * (d0 + d1 - 2 * s)
            c = h * d0 - dy * (d0 + d1 - 2 * s)
            t = 2 * s * dy / (c + (c * c + 4 * a * s * dy).clamp_min(0).sqrt())
            t = t.clamp(0, 1)
            out = x0 + t * w
        else:
            t = (v - x0) / w
            out = y0 + h * (s * t * t + d0 * t * (1 - t)) / (s + (d0 + d1 - 2 * s) * t * (1 - t))
        below = s + (d0 + d1 - 2 * s) * t * (1 - t)
        log_slope = (s * s * (d1 * t * t + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2)).log() - 2 * below.log()
        return torch.where(inside, out, x), torch.where(inside, log_slope, 0.0)

    def log_density(self, x: Tensor) -> Tensor:
        parts, total = list(x.unbind(-1)), torch.zeros(len(x))
        for i, net in enumerate(self.nets):
            j = i % 2
            parts[j], log_slope = self.spline(parts[j], net(fourier_features(parts[1 - j][:, None])), inverse=False)
            total = total + log_slope
        return normal_log_density(torch.stack(parts, -1)).sum(-1) + total

    def decode(self, z: Tensor) -> Tensor:
        """Noise (n, 2) to points: the inverse of what is trained."""
        parts = list(z.unbind(-1))
        for i in reversed(range(self.layers)):
            j = i % 2
            parts[j], _ = self.spline(parts[j], self.nets[i](fourier_features(parts[1 - j][:, None])), inverse=True)
        return torch.stack(parts, -1)

    def train_step(self, x: Tensor) -> dict[str, float]:
        return {"nll": self.descend(-self.log_density(x).mean())}

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.decode(torch.randn(n, 2, generator=generator))


class VAE(Learner):
    """A variational autoencoder with two latents (Kingma and Welling 2014).

    Its prior is the standard normal, or a mixture of Gaussians that is learnt with it (Tomczak and Welling 2018): what
    the encoder leaves empty is then not drawn from. The decoder's spread is fixed: one that is learnt grows until the
    code is ignored.
    """

    name, title, likelihood = "vae", "VAE", "bound"
    mixtures, spread = 16, -2.0  # parts of the prior; log of the decoder's standard deviation

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(18, 4), mlp(18, 2)
        self.encoder[-1].weight.data[:2] *= 3  # codes that differ, each of them narrow
        self.encoder[-1].bias.data[2:] = -1.5
        self.prior = nn.Parameter(torch.cat([torch.zeros(1, 16), torch.randn(2, 16), torch.full((2, 16), -0.5)]))
        self.prepare()
        self.average = copy.deepcopy(self.decoder).requires_grad_(False)
        self.beta, self.learns_prior = 1.0, True

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log scale of q(z | x)."""
        mean, log_scale = self.encoder(fourier_features(x)).chunk(2, -1)
        return mean, log_scale.clamp(-6, 2)

    def decode(self, z: Tensor) -> Tensor:
        """The decoder's mean, by the average of its weights."""
        return self.average(fourier_features(z))

    def prior_log_density(self, z: Tensor) -> Tensor:
        """Of codes (n, 2)."""
        if not self.learns_prior:
            return normal_log_density(z).sum(-1)
        logits, mean, log_scale = self.prior[0], self.prior[1:3].T, self.prior[3:].T.clamp(-4, 1)
        return torch.logsumexp(logits.log_softmax(-1) + normal_log_density(z[:, None], mean, log_scale).sum(-1), -1)

    def terms(self, x: Tensor, noise: Tensor, decoder: nn.Module) -> tuple[Tensor, Tensor]:
        """Reconstruction log-likelihood and KL divergence (one draw), in nats a point."""
        mean, log_scale = self.encode(x)
        z = mean + log_scale.exp() * noise
        likely = normal_log_density(x, decoder(fourier_features(z)), self.spread).sum(-1)
        return likely, normal_log_density(z, mean, log_scale).sum(-1) - self.prior_log_density(z)

    def train_step(self, x: Tensor) -> dict[str, float]:
        likely, kl = self.terms(x, torch.randn_like(x), self.decoder)
        loss = self.descend((self.beta * kl - likely).mean())
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.decoder.parameters()), 0.01)
        return {"nll": (kl - likely).mean().item() if math.isfinite(loss) else math.nan, "kl": kl.mean().item()}

    def log_density(self, x: Tensor) -> Tensor:
        """The evidence lower bound, a mean of 8 draws."""
        generator = torch.Generator().manual_seed(0)
        draws = (torch.randn(x.shape, generator=generator) for _ in range(8))
        bounds = [a - b for a, b in (self.terms(x, noise, self.average) for noise in draws)]
        return torch.stack(bounds).mean(0)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        z = torch.randn(n, 2, generator=generator)
        if self.learns_prior:
            pick = torch.multinomial(self.prior[0].softmax(-1), n, replacement=True, generator=generator)
            z = self.prior[1:3].T[pick] + self.prior[3:].T.clamp(-4, 1)[pick].exp() * z
        return self.decode(z) + math.exp(self.spread) * torch.randn(n, 2, generator=generator)

    def diagnose(self) -> str:
        if self.losses.get("kl", 1.0) < 0.1:
            return "The code carries less than 0.1 nats: the decoder ignores it (posterior collapse). Lower beta."
        return ""


class GAN(Learner):
    """Relativistic pairing with zero-centred gradient penalties on both sides (R3GAN, Huang et al. 2024)."""

    name, title = "gan", "GAN"
    penalty, lazy = 0.3, 4  # of the gradients, and at every how many steps, for as many times as much

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminator = mlp(4, 2), mlp(18, 1)
        self.optimisers = {
            "generator": torch.optim.Adam(self.generator.parameters(), self.rate, betas=(0.0, 0.99), fused=True),
            "discriminator": torch.optim.Adam(
                self.discriminator.parameters(), self.rate, betas=(0.0, 0.99), fused=True
            ),
        }
        self.average = copy.deepcopy(self.generator).requires_grad_(False)

    def set_rate(self, generator: float, discriminator: float) -> None:
        for name, rate in (("generator", generator), ("discriminator", discriminator)):
            for group in self.optimisers[name].param_groups:
                group["lr"] = self.rate * rate

    def discriminate(self, x: Tensor) -> Tensor:
        """The discriminator's verdict (n,): higher is more real."""
        return self.discriminator(fourier_features(x))[:, 0]

    def train_step(self, x: Tensor) -> dict[str, float]:
        fake = self.generator(torch.randn(len(x), 4))
        on_real, on_fake = x.detach().requires_grad_(), fake.detach().requires_grad_()
        a, b = self.discriminate(on_real), self.discriminate(on_fake)
        loss_d = F.softplus(b - a).mean()
        if self.steps % self.lazy == 0:
            slopes = torch.autograd.grad(a.sum() + b.sum(), (on_real, on_fake), create_graph=True)
            size = sum(slope.square().sum(-1).mean() for slope in slopes)
            loss_d = loss_d + 0.5 * self.lazy * self.penalty * size
        found = {"discriminator": self.descend(loss_d, self.optimisers["discriminator"])}
        loss_g = F.softplus(self.discriminate(x).detach() - self.discriminate(fake)).mean()
        found["generator"] = self.descend(loss_g, self.optimisers["generator"])
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 0.02)
        return found | {"accuracy": (a > b).float().mean().item()}

    def decode(self, z: Tensor) -> Tensor:
        """Noise (n, 4) to points, by the average of the generator's weights."""
        return self.average(z)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.decode(torch.randn(n, 4, generator=generator))

    def diagnose(self) -> str:
        if self.losses.get("accuracy", 0.5) > 0.95:
            return "The discriminator tells all apart: the generator learns little. Lower the discriminator's rate."
        return ""

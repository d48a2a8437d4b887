"""Six families, each on (n, 2) points: one training step, samples, and what it can say of its density.

A learner's `train` takes a batch (n, 2) and returns its losses; `sample` maps Gaussian noise to points with no other
randomness than the generator's; `log_density` is in nats, exact, a lower bound (a VAE's), or missing.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.diffusion.samplers import SCHEDULES, Schedule, euler, timesteps
from pipelines.diffusion.samplers import ancestral as ddpm

LOG_2PI = math.log(2 * math.pi)
WIDTH = 128
BINS = 8  # of the loss by noise level
END = (
    0.97  # the time at which a state is taken for noise, where a density is integrated: later, little is well defined
)


def mlp(inputs: int, outputs: int, width: int = WIDTH, hidden: int = 3) -> nn.Sequential:
    """A multilayer perceptron with SiLU between its layers."""
    sizes = [inputs, *[width] * hidden]
    layers = [part for a, b in zip(sizes, sizes[1:], strict=False) for part in (nn.Linear(a, b), nn.SiLU())]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def waves(x: Tensor) -> Tensor:
    """Coordinates (n, d) with sines and cosines of 1 to 8 times them: (n, 9 d). Tancik et al. 2020."""
    angle = torch.cat([x * k for k in (1, 2, 4, 8)], -1)
    return torch.cat([x, angle.sin(), angle.cos()], -1)


def normal_log_density(x: Tensor, mean: Tensor | float = 0.0, log_scale: Tensor | float = 0.0) -> Tensor:
    """Of independent normals, elementwise."""
    log_scale = torch.as_tensor(log_scale)
    return -0.5 * ((x - mean) * (-log_scale).exp()).square() - log_scale - 0.5 * LOG_2PI


class Learner(nn.Module):
    """One family: what the page calls it, what likelihood it has, how many network calls a sample takes."""

    name: str
    title: str
    likelihood = "none"  # or "exact", or "bound"
    calls = 1
    rate = 1e-3

    def __init__(self) -> None:
        super().__init__()
        self.diverged_at = 0  # the training step whose loss was not finite: it takes no more
        self.steps = 0
        self.losses: dict[str, float] = {}

    def prepare(self) -> None:
        """The optimiser, once the networks are there."""
        self.optimiser = torch.optim.Adam(self.parameters(), self.rate, betas=(0.9, 0.99), fused=True)

    def turn(self, rate: float) -> None:
        """The learning rate, as a multiple of the family's own."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * rate

    def train_on(self, x: Tensor) -> None:
        """One step on a batch (n, 2), unless it has diverged."""
        if self.diverged_at:
            return
        losses = self.train_step(x)
        self.steps += 1
        if not all(map(math.isfinite, losses.values())):
            self.diverged_at = self.steps
            return
        for key, value in losses.items():  # averages over some 50 steps
            self.losses[key] = value + (self.losses.get(key, value) - value) * 0.98

    def descend(self, loss: Tensor, optimiser: torch.optim.Optimizer | None = None) -> float:
        """One step of an optimiser, the family's only one by default; none where loss or gradient is not finite."""
        optimiser = optimiser or self.optimiser
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], 10.0)
        if not torch.isfinite(loss + norm):
            return math.nan
        optimiser.step()
        return loss.item()

    def train_step(self, x: Tensor) -> dict[str, float]:
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        raise NotImplementedError

    def log_density(self, x: Tensor) -> Tensor | None:
        """Nats at (n, 2) points, (n,); None where the family has none."""

    def telltale(self) -> str:
        """What its losses say to somebody who knows them; "" where nothing is the matter."""
        return ""


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
        return self.second(waves(x[:, None])).unflatten(-1, (3, self.mixtures))

    def log_density(self, x: Tensor) -> Tensor:
        first, second = x.unbind(-1)
        return self.mixture_log_density(first, self.first[None]) + self.mixture_log_density(
            second, self.conditional(first)
        )

    def train_step(self, x: Tensor) -> dict[str, float]:
        return {"nll": self.descend(-self.log_density(x).mean())}

    @staticmethod
    def draw(parts: Tensor, generator: torch.Generator) -> Tensor:
        logits, mean, log_scale = parts.unbind(-2)
        pick = torch.multinomial(logits.softmax(-1), 1, generator=generator)
        z = torch.randn(len(parts), generator=generator)
        return mean.gather(1, pick)[:, 0] + log_scale.clamp(-4.5, 2).gather(1, pick)[:, 0].exp() * z

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        first = self.draw(self.first[None].expand(n, -1, -1), generator)
        return torch.stack([first, self.draw(self.conditional(first), generator)], -1)


class Flow(Learner):
    """A normalising flow: couplings by rational-quadratic splines (Durkan et al. 2019), invertible and exact."""

    name, title, likelihood = "flow", "Normalising flow", "exact"
    layers, bins, span = 6, 12, 4.0

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
            parts[j], log_slope = self.spline(parts[j], net(waves(parts[1 - j][:, None])), inverse=False)
            total = total + log_slope
        return normal_log_density(torch.stack(parts, -1)).sum(-1) + total

    def decode(self, z: Tensor) -> Tensor:
        """Noise (n, 2) to points: the inverse of what is trained."""
        parts = list(z.unbind(-1))
        for i in reversed(range(self.layers)):
            j = i % 2
            parts[j], _ = self.spline(parts[j], self.nets[i](waves(parts[1 - j][:, None])), inverse=True)
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
        mean, log_scale = self.encoder(waves(x)).chunk(2, -1)
        return mean, log_scale.clamp(-6, 2)

    def decode(self, z: Tensor) -> Tensor:
        """The decoder's mean, by the average of its weights."""
        return self.average(waves(z))

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
        likely = normal_log_density(x, decoder(waves(z)), self.spread).sum(-1)
        return likely, normal_log_density(z, mean, log_scale).sum(-1) - self.prior_log_density(z)

    def train_step(self, x: Tensor) -> dict[str, float]:
        likely, kl = self.terms(x, torch.randn_like(x), self.decoder)
        self.descend((self.beta * kl - likely).mean())
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.decoder.parameters()), 0.01)
        return {"nll": (kl - likely).mean().item(), "kl": kl.mean().item()}

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

    def telltale(self) -> str:
        if self.losses.get("kl", 1.0) < 0.1:
            return "The code carries less than 0.1 nats: the decoder ignores it (posterior collapse). Lower beta."
        return ""


class GAN(Learner):
    """Relativistic pairing with zero-centred gradient penalties on both sides (R3GAN, Huang et al. 2024)."""

    name, title = "gan", "GAN"
    rate = 1e-3
    penalty = 0.3

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

    def turn(self, generator: float, discriminator: float) -> None:
        for name, rate in (("generator", generator), ("discriminator", discriminator)):
            for group in self.optimisers[name].param_groups:
                group["lr"] = self.rate * rate

    def judge(self, x: Tensor) -> Tensor:
        """The discriminator's verdict (n,): higher is more real."""
        return self.discriminator(waves(x))[:, 0]

    def train_step(self, x: Tensor) -> dict[str, float]:
        made = self.generator(torch.randn(len(x), 4))
        real, fake = x.detach().requires_grad_(), made.detach().requires_grad_()
        a, b = self.judge(real), self.judge(fake)
        slopes = torch.autograd.grad(a.sum() + b.sum(), (real, fake), create_graph=True)
        penalty = sum(slope.square().sum(-1).mean() for slope in slopes)
        loss_d = F.softplus(b - a).mean() + 0.5 * self.penalty * penalty
        found = {"discriminator": self.descend(loss_d, self.optimisers["discriminator"])}
        loss_g = F.softplus(self.judge(x).detach() - self.judge(made)).mean()
        found["generator"] = self.descend(loss_g, self.optimisers["generator"])
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 0.02)
        return found | {"accuracy": (a > b).float().mean().item()}

    def decode(self, z: Tensor) -> Tensor:
        """Noise (n, 4) to points, by the average of the generator's weights."""
        return self.average(z)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.decode(torch.randn(n, 4, generator=generator))

    def telltale(self) -> str:
        if self.losses.get("accuracy", 0.5) > 0.95:
            return "The discriminator tells all apart: the generator learns little. Lower the discriminator's rate."
        return ""


class Denoiser(Learner):
    """What diffusion and flow matching share: a network of a state and a time, its average, paths from noise to data,
    and the likelihood of the probability-flow equation (Song et al. 2021, eq. 39)."""

    likelihood = "exact"

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(18 + 9, 2)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self.path = SCHEDULES["straight"]
        self.calls = 20
        self.by_level = torch.ones(BINS)  # running loss by noise level
        self.prepare()

    def predict(self, x: Tensor, t: Tensor | float, net: nn.Module | None = None) -> Tensor:
        """What the network says of states (n, 2) at time t."""
        t = torch.as_tensor(t, dtype=x.dtype).expand(len(x))[:, None]
        return (net or self.average)(torch.cat([waves(x), waves(t)], -1))

    def denoise(self, x: Tensor, t: float) -> Tensor:
        """The estimate of the data, E[x0 | x_t]."""
        raise NotImplementedError

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """dx/dt of the probability-flow equation."""
        raise NotImplementedError

    def record(self, t: Tensor, losses: Tensor) -> None:
        """Average, and loss by noise level."""
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), 0.01)
            level = (t * BINS).long().clamp_max(BINS - 1)
            total = torch.zeros(BINS).index_add_(0, level, losses)
            count = torch.bincount(level, minlength=BINS)
            there = count > 0
            self.by_level[there] += 0.02 * (total[there] / count[there] - self.by_level[there])

    def trajectory(self, x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        """States from noise to data, one a call."""
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        *_, x = self.trajectory(torch.randn(n, 2, generator=generator), generator)
        return x

    def log_density(self, x: Tensor, steps: int = 40) -> Tensor:
        """By integrating the velocity's divergence from data to noise (Heun's method); exact but for the steps."""
        even = torch.linspace(0, math.pi, steps + 1)
        times = 1e-3 + (END - 1e-3) * (1 - even.cos()) / 2  # finer at both ends
        total, h = torch.zeros(len(x)), times.diff().tolist()
        for t, dt in zip(times.tolist(), h, strict=False):
            v, div = self.slope(x, t)
            w, div2 = self.slope(x + dt * v, t + dt)
            x, total = x + dt * (v + w) / 2, total + dt * (div + div2) / 2
        scale = math.hypot(self.path.a(END), self.path.s(END))
        return normal_log_density(x, 0.0, math.log(scale)).sum(-1) + total

    def slope(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """The velocity and its divergence."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = self.velocity(x, t)
            a = torch.autograd.grad(v[:, 0].sum(), x, retain_graph=True)[0][:, 0]
            b = torch.autograd.grad(v[:, 1].sum(), x)[0][:, 1]
        return v.detach(), a + b


class Diffusion(Denoiser):
    """DDPM (Ho et al. 2020): learn to denoise at every noise level, sample by the ancestral chain. The network predicts
    v = a noise - s x0 (Salimans and Ho 2022), from which either follows at every level."""

    name, title = "diffusion", "Diffusion"

    def __init__(self) -> None:
        super().__init__()
        self.path = SCHEDULES["cosine"]

    def split(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """The estimates of data and noise that a state is made of."""
        a, s, v = self.path.a(t), self.path.s(t), self.predict(x, t)
        return (a * x - s * v) / (a * a + s * s), (s * x + a * v) / (a * a + s * s)

    def denoise(self, x: Tensor, t: float) -> Tensor:
        return self.split(x, t)[0]

    def velocity(self, x: Tensor, t: float) -> Tensor:
        x0, noise = self.split(x, t)
        return self.path.da(t) * x0 + self.path.ds(t) * noise

    def train_step(self, x: Tensor) -> dict[str, float]:
        t, noise = torch.rand(len(x)), torch.randn_like(x)
        a, s = (torch.tensor([f(v) for v in t.tolist()])[:, None] for f in (self.path.a, self.path.s))
        error = (self.predict(a * x + s * noise, t, self.net) - (a * noise - s * x)).square().mean(-1)
        loss = self.descend(error.mean())
        self.record(t, error.detach())
        return {"loss": loss}

    def trajectory(self, x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        def noise() -> Tensor:
            return torch.randn(x.shape, generator=generator)

        return (state for state, _, _ in ddpm(self.denoise, x, timesteps(self.calls, 0.995), self.path, noise))


class FlowMatching(Denoiser):
    """Velocity on the straight path (Lipman et al. 2023); reflow on its own pairs straightens it (Liu et al. 2022)."""

    name, title = "flow-matching", "Flow matching"

    def __init__(self) -> None:
        super().__init__()
        self.pairs: tuple[Tensor, Tensor] | None = None  # noise and data of a reflow

    def denoise(self, x: Tensor, t: float) -> Tensor:
        return x - t * self.predict(x, t)

    def velocity(self, x: Tensor, t: float) -> Tensor:
        return self.predict(x, t)

    def train_step(self, x: Tensor) -> dict[str, float]:
        t, noise = torch.rand(len(x)), torch.randn_like(x)
        if self.pairs is not None:
            picks = torch.randint(len(self.pairs[0]), (len(x),))
            noise, x = self.pairs[0][picks], self.pairs[1][picks]
        error = (self.predict(torch.lerp(x, noise, t[:, None]), t, self.net) - (noise - x)).square().mean(-1)
        loss = self.descend(error.mean())
        self.record(t, error.detach())
        return {"loss": loss}

    def trajectory(self, x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        return (state for state, _, _ in euler(self.denoise, x, timesteps(self.calls), self.path, lambda: x))

    @torch.no_grad()
    def reflow(self, generator: torch.Generator, n: int = 4096, steps: int = 50) -> None:
        """From now on learn from its own pairs of noise and data, drawn with many steps."""
        noise = torch.randn(n, 2, generator=generator)
        *_, (x, _, _) = euler(self.denoise, noise, timesteps(steps), self.path, lambda: noise)
        self.pairs = noise, x

    @torch.no_grad()
    def straightness(self, generator: torch.Generator, n: int = 256, steps: int = 20) -> float:
        """Mean squared distance of the velocity from the straight line's (Liu et al. 2022, eq. 7); 0 is straight."""
        noise = torch.randn(n, 2, generator=generator)
        states = list(euler(self.denoise, noise, timesteps(steps), self.path, lambda: noise))
        line = noise - states[-1][0]
        errors = [(line - self.velocity(x, t)).square().sum(-1) for x, _, t in states[:-1]]
        return float(torch.stack(errors).mean())


def optimal_denoise(data: Tensor, x: Tensor, t: float, path: Schedule) -> Tensor:
    """E[x0 | x_t] in closed form where the data are these points: their mean, weighted by how likely each is to have
    become x. What every denoiser would learn, had it no limits (and then it would make nothing new)."""
    near = -torch.cdist(x, path.a(t) * data).square() / (2 * max(path.s(t), 1e-3) ** 2)
    return near.softmax(-1) @ data


FAMILIES: tuple[type[Learner], ...] = (Autoregressive, Flow, VAE, GAN, Diffusion, FlowMatching)

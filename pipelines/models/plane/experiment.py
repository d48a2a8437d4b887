"""Six learners on the same points: rounds of one training step each, and what can be seen and measured of them."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from pipelines.diffusion.samplers import SCHEDULES, Schedule
from pipelines.media.points import parse_points
from pipelines.models.plane import distributions
from pipelines.models.plane.denoisers import Denoiser, Diffusion, FlowMatching, optimal_denoise
from pipelines.models.plane.learner import Learner
from pipelines.models.plane.one_pass import GAN, VAE, Autoregressive, Flow
from pipelines.models.plane.spec import REFLOW_FROM, TURNED, PlaneSettings, parse_turns

FAMILIES: tuple[type[Learner], ...] = (Autoregressive, Flow, VAE, GAN, Diffusion, FlowMatching)
SPAN = 3.2  # the plane is shown from -SPAN to SPAN
TRAINED, TESTED = 4000, 2000  # points of a distribution that are learnt from, and that results are compared with
LEAST = 0.02  # what a Gaussian's distance counts as at least: data that are nearly one are no measure
SHOWN = 400  # samples of each family that are drawn
SIDE = 40  # of a map of density, and of the discriminator's verdicts
ARROWS = 13  # a side of the field of scores
TIMES = (0.9, 0.6, 0.35, 0.15, 0.05)  # at which the field is drawn
PARTICLES = 40  # whose paths are kept
LOOK_EVERY = 20  # frames from one measurement, and one look at what takes longer, to the next


def packed(x: Tensor | np.ndarray) -> dict[str, Any]:
    """Coordinates in thousandths, as base64 of int16: a tenth of what JSON would take."""
    x = np.asarray(x, np.float32)
    whole = np.nan_to_num(np.clip(x, -32, 32) * 1000).round().astype("<i2")
    return {"shape": list(x.shape), "data": base64.b64encode(whole.tobytes()).decode()}


def heat(values: Tensor) -> str:
    """A map (SIDE², ) in [0, 1] as base64 of bytes."""
    return base64.b64encode((values.clamp(0, 1) * 255).round().to(torch.uint8).numpy().tobytes()).decode()


def grid(side: int) -> Tensor:
    """The points of a square grid over the plane, row by row from the top: (side², 2)."""
    axis = torch.linspace(-SPAN, SPAN, side)
    return torch.stack(torch.meshgrid(axis.flip(0), axis, indexing="ij"), -1).flip(-1).reshape(-1, 2)


def lattice(lines: int = 9, points: int = 33, reach: float = 2.2) -> Tensor:
    """Lines of a square grid in latent space, across and up: (2 lines, points, 2)."""
    a, b = torch.linspace(-reach, reach, lines), torch.linspace(-reach, reach, points)
    across = torch.stack(torch.meshgrid(a, b, indexing="ij"), -1)
    return torch.cat([across, across.flip(-1)])


def mean_distance(x: Tensor, y: Tensor, same: bool = False) -> float:
    """Mean distance between points of two sets, or of two different points of one."""
    total = torch.cdist(x, y).double().sum().item()
    return total / (len(x) * (len(x) - 1)) if same else total / (len(x) * len(y))


class Experiment:
    """Six learners that stand after `rounds` rounds of their settings."""

    def __init__(self, settings: PlaneSettings) -> None:
        self.settings = self.now = self.wanted = settings  # as it began, as it is now, as was asked for last
        self.replayed = parse_turns(settings.turns)
        self.changes = list(self.replayed)
        given = parse_points(settings.points) if settings.distribution == "drawn" else None
        draws = (distributions.draw(settings.distribution, n, settings.seed, given) for n in (TRAINED, TESTED))
        self.train, self.test = (torch.from_numpy(x) for x in draws)
        self.parts = torch.from_numpy(distributions.parts(settings.distribution, self.train.numpy()))
        self.share = self.shares(self.test)
        self.rounds, self.seconds, self.frames = 0, 0.0, 0
        with self.seeded(0):
            self.learners: list[Learner] = [family() for family in FAMILIES]
            self.gaussian = torch.distributions.MultivariateNormal(self.train.mean(0), self.train.T.cov()).sample(
                (TESTED,)
            )
        self.inside = mean_distance(self.test, self.test, same=True)
        self.worst = self.energy_distance(self.gaussian)
        self.scores: list[dict[str, float]] = [{} for _ in FAMILIES]
        self.curves: list[dict[str, Any]] = []  # each family's energy distance and missed parts, by round
        self.looks: list[dict[str, Any]] = [{} for _ in FAMILIES]
        self.apply(settings)

    @contextlib.contextmanager
    def seeded(self, k: int) -> Iterator[None]:
        """torch's generator for round k alone, so that a run that was paused takes the same steps; and one thread:
        matrices this small lose more by meeting than they gain."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.settings.seed * 1_000_003 + k)
                yield
        finally:
            torch.set_num_threads(threads)

    # --- settings that change while it runs

    def turn(self, wanted: PlaneSettings) -> None:
        """Take what differs from what was asked for last, and keep in mind when it came."""
        values = {name: getattr(wanted, name) for name in TURNED}
        new = {name: value for name, value in values.items() if value != getattr(self.wanted, name)}
        self.wanted = wanted
        self.changes = [c for c in self.changes if c[0] != self.rounds or c[1] not in new]
        self.changes += [(self.rounds, name, value) for name, value in new.items()]
        if new:
            self.apply(self.now.model_copy(update=new))

    def apply(self, settings: PlaneSettings) -> None:
        """Give the learners what the settings say."""
        self.now = settings
        for learner in self.learners:
            if isinstance(learner, GAN):
                own = (settings.generator_rate, settings.discriminator_rate)
                learner.set_rate(*(10 ** (settings.rate + rate) for rate in own))
            else:
                learner.set_rate(10**settings.rate)
            if isinstance(learner, VAE):
                learner.beta, learner.learns_prior = settings.beta, settings.prior == "learned"
            if isinstance(learner, Denoiser):
                learner.calls = settings.calls
            if isinstance(learner, Diffusion):
                learner.path = SCHEDULES[settings.schedule]
            if isinstance(learner, FlowMatching) and not settings.reflow:
                learner.pairs = None

    def record(self, whole: bool = True) -> dict[str, Any]:
        """The settings that make this again from nothing; of a run that goes on, as far as it is."""
        changes = ", ".join(f"{at}:{name}={value}" for at, name, value in sorted(self.changes, key=lambda c: c[0]))
        rounds = self.settings.rounds if whole else self.rounds
        update = {"turns": changes, "resume": "", "only": 0, "rounds": rounds}
        return self.settings.model_copy(update=update).model_dump()

    # --- training

    def train_round(self) -> None:
        """Every learner takes one step on the same batch."""
        due = {name: value for at, name, value in self.replayed if at == self.rounds}
        if due:
            self.apply(self.now.model_copy(update=due))
        begun = time.perf_counter()
        with self.seeded(1 + self.rounds):
            x = self.train[torch.randint(len(self.train), (self.now.batch,))]
            for learner in self.learners:
                if isinstance(learner, FlowMatching) and self.now.reflow and self.rounds >= REFLOW_FROM:
                    learner.reflow(torch.Generator().manual_seed(self.settings.seed))
                learner.train_on(x)
        self.rounds += 1
        self.seconds += time.perf_counter() - begun

    # --- measuring

    def energy_distance(self, x: Tensor) -> float:
        """Squared energy distance to the test points, unbiased (Székely and Rizzo 2013)."""
        return 2 * mean_distance(x, self.test) - mean_distance(x, x, same=True) - self.inside

    def shares(self, x: Tensor) -> Float[Tensor, " parts"]:
        """Which share of some points is nearest to each part."""
        nearest = torch.cdist(x, self.parts).argmin(1)
        return torch.bincount(nearest, minlength=len(self.parts)) / len(x)

    @torch.no_grad()
    def measure(self, last: bool = True) -> None:
        """Energy distance, as a share of one Gaussian's; parts that are missed; time a sample; likelihood, where it takes
        an integral at the end alone."""
        energies, missed = [], []
        for i, learner in enumerate(self.learners):
            begun = time.perf_counter()
            x = learner.sample(TESTED, torch.Generator().manual_seed(1))
            spent = 1000 * (time.perf_counter() - begun)
            fine = bool(torch.isfinite(x).all())
            score = {"milliseconds": spent, "calls": learner.calls, "parts": len(self.parts)}
            if fine:
                score["energy"] = self.energy_distance(x) / max(self.worst, LEAST)
                score["missed"] = int((self.shares(x) < 0.2 * self.share).sum())
                if learner.likelihood != "none" and not isinstance(learner, Denoiser):
                    score["nll"] = -learner.log_density(self.test).mean().item()
                elif last and isinstance(learner, Denoiser):
                    score["nll"] = -learner.log_density(self.test[:400], steps=20).mean().item()
            energies.append(round(score["energy"], 5) if "energy" in score else None)
            missed.append(score.get("missed", len(self.parts)))
            self.scores[i] = score
        self.curves.append({"round": self.rounds, "energy": energies, "missed": missed})

    # --- looking

    @torch.no_grad()
    def view(self, last: bool = False) -> dict[str, Any]:
        """What the page draws of this moment."""
        with self.seeded(0):
            if last or self.frames % LOOK_EVERY == 0:
                self.measure(last)
                self.looks = [self.look(learner, last) for learner in self.learners]
            shown = [self.show(i) for i in range(len(self.learners))]
        self.frames += 1
        data = {"kind": "plane", "span": SPAN, "rounds": self.rounds, "data": packed(self.test[:SHOWN])}
        return {
            **data,
            "families": shown,
            "curves": list(self.curves),
            "each": 1000 * self.seconds / max(self.rounds, 1),
        }

    def show(self, i: int) -> dict[str, Any]:
        """One family: its samples, what it draws behind them, and what is said of it."""
        learner = self.learners[i]
        x = learner.sample(SHOWN, torch.Generator().manual_seed(0))
        found = {"name": learner.name, "title": learner.title, "likelihood": learner.likelihood,
            "samples": packed(x), "scores": self.scores[i], "losses": learner.losses,
            "diagnosis": self.explain(learner)}  # fmt: skip
        if learner.likelihood == "exact" and not isinstance(learner, Denoiser):
            found["density"] = heat(self.density(learner))
        if isinstance(learner, GAN):
            verdict = learner.discriminate(grid(SIDE))
            found["verdict"] = heat(torch.sigmoid(2 * (verdict - verdict.mean()) / verdict.std().clamp_min(1e-6)))
        if isinstance(learner, VAE):
            found["lattice"] = packed(learner.decode(lattice().reshape(-1, 2)).reshape(18, 33, 2))
        return found | self.looks[i]

    def density(self, learner: Learner, **options: int) -> Tensor:
        """The square root of a family's density over the plane, 1 in the brightest hundredth of it."""
        density = learner.log_density(grid(SIDE), **options).exp()
        return (density / density.quantile(0.99).clamp_min(1e-6)).sqrt()

    def look(self, learner: Learner, last: bool) -> dict[str, Any]:
        """What takes longer: paths and fields; at the end a density by integration."""
        if isinstance(learner, (Flow, GAN)):  # of a GAN's four numbers the first two
            z = lattice().reshape(-1, 2)
            z = F.pad(z, (0, 2)) if isinstance(learner, GAN) else z
            return {"lattice": packed(learner.decode(z).reshape(18, 33, 2))}
        if not isinstance(learner, Denoiser):
            return {}
        generator = torch.Generator().manual_seed(2)
        start = torch.randn(PARTICLES, 2, generator=generator)
        states = torch.stack([start, *learner.trajectory(start, generator)])
        keep = torch.linspace(0, len(states) - 1, min(len(states), 25)).round().long()
        where = grid(ARROWS) * 0.94
        fields = [self.pull(learner.denoise(where, t), where, learner.path, t) for t in TIMES]
        exact = [optimal_denoise(self.train[:1500], where, t, learner.path) for t in TIMES]
        optimal = [self.pull(x0, where, learner.path, t) for x0, t in zip(exact, TIMES, strict=True)]
        found = {"paths": packed(states[keep]), "times": TIMES, "field": packed(torch.stack(fields)),
            "optimal": packed(torch.stack(optimal)), "levels": [round(v, 4) for v in learner.by_level.tolist()],
            **({"density": heat(self.density(learner, steps=16))} if last else {})}  # fmt: skip
        if isinstance(learner, FlowMatching):
            found["straightness"] = learner.straightness(torch.Generator().manual_seed(3))
        return found

    @staticmethod
    def pull(x0: Tensor, x: Tensor, path: Schedule, t: float) -> Tensor:
        """Whither a state is drawn: a x0 - x, the score times the variance of the noise (Song et al. 2021)."""
        return path.a(t) * x0 - x

    @staticmethod
    def explain(learner: Learner) -> str:
        """What is the matter with a family, in a sentence."""
        if learner.diverged_at:
            return f"Diverged at step {learner.diverged_at}: its loss is not finite. Lower its rate and press Reset."
        return learner.diagnose()

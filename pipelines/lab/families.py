"""Claims about whole families: players of unequal speed, truncation, blur, frames, splats, reflow, resampling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from pipelines import load
from pipelines.diffusion.samplers import SCHEDULES, timesteps
from pipelines.evaluation.extractors import EXTRACTORS, open_extractor
from pipelines.evaluation.metrics import neighbours
from pipelines.evaluation.report import open_reference
from pipelines.lab.experiment import Controls, Experiment, Finding
from pipelines.lab.mixtures import Mixture, energy_distance, ring
from pipelines.media.images import resized

SAMPLES = 2000


def perceptron(inputs: int, outputs: int, width: int = 64) -> nn.Sequential:
    """Three layers."""
    layers: list[nn.Module] = [nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


class SpeedControls(Controls):
    steps: int = Field(400, ge=100, le=1000, description="Of the generator.")


def modes_kept(x: Tensor, data: Mixture) -> int:
    """How many of the mixture's parts have at least a quarter of their share of samples within four deviations."""
    near, part = torch.cdist(x, data.means).min(1)
    count = torch.bincount(part[near < 4 * data.deviation], minlength=len(data.means))
    return (count > 0.25 * len(x) / len(data.means)).sum().item()


def try_player_speed(c: SpeedControls) -> Iterator[Finding]:
    data, found = ring(), Finding()
    for turns in (1, 2, 4, 8):
        torch.manual_seed(c.seed)
        generator = torch.Generator().manual_seed(c.seed)
        player, judge = perceptron(4, 2), perceptron(2, 1)
        adams = [torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.9)) for net in (player, judge)]
        for _ in range(c.steps):
            for _ in range(turns):
                real, fake = data.draw(128, generator), player(torch.randn(128, 4)).detach()
                adams[1].zero_grad()
                (F.softplus(-judge(real)).mean() + F.softplus(judge(fake)).mean()).backward()
                adams[1].step()
            adams[0].zero_grad()
            F.softplus(-judge(player(torch.randn(128, 4)))).mean().backward()
            adams[0].step()
        with torch.no_grad():
            kept = modes_kept(player(torch.randn(SAMPLES, 4)), data)
        yield found.add(turns, modes_kept=kept, modes_of_the_data=len(data.means))
    kept = found.series["modes kept"]
    yield found.end(
        kept[-1] < kept[0],
        f"With one turn of the discriminator to one of the generator {kept[0]:.0f} of {len(data.means)} modes are kept, "
        f"with eight {kept[-1]:.0f}: here a better judge {'costs' if kept[-1] < kept[0] else 'does not cost'} modes.",
    )


class PsiControls(Controls):
    faces: int = Field(200, ge=50, le=500, description="Drawn at each psi.")


def try_psi(c: PsiControls) -> Iterator[Finding]:
    found = Finding()
    pipe, eye, real = load("stylegan"), open_extractor("eye"), open_reference("faces").held_out[: 2 * c.faces]
    for psi in (1.0, 0.8, 0.6, 0.4, 0.2):
        settings = pipe.Settings(psi=psi)
        codes = torch.cat([pipe.code(c.seed + k, settings) for k in range(c.faces)])
        faces = [
            resized(face, EXTRACTORS["eye"].side) for part in codes.split(50) for face in pipe.draw(part, settings)
        ]
        features = torch.cat([eye.features(np.stack(part)) for part in chunks(faces)])
        near = neighbours(features, real)
        yield found.add(psi, precision=near["precision"], recall=near["recall"])
    precision, recall = found.series["precision"], found.series["recall"]
    yield found.end(
        max(precision[1:]) > precision[0] and recall[-1] < recall[0],
        f"From psi 1 to {found.x[-1]:g} precision goes from {precision[0]:.2f} to {precision[-1]:.2f} and recall from "
        f"{recall[0]:.2f} to {recall[-1]:.2f}: these are the weights of the Latent tab, seen with the house's eye.",
    )


def chunks(faces: list, size: int = 50) -> Iterator[list]:
    """So many at a time."""
    return (faces[k : k + size] for k in range(0, len(faces), size))


class BlurControls(Controls):
    period: int = Field(24, ge=8, le=64, description="Pixels from stripe to stripe.")


def try_blur(c: BlurControls) -> Iterator[Finding]:
    """Stripes whose place is not known: the best answer for L1 is the median of a pixel, for L2 its mean."""
    found, generator = Finding(), torch.Generator().manual_seed(c.seed)
    pixels = torch.arange(4 * c.period).float()

    def edges(x: Tensor) -> float:
        return x.diff(dim=-1).square().mean().item()

    for unsure in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0):
        shift = unsure * c.period * (torch.rand(SAMPLES, 1, generator=generator) - 0.5)
        targets = torch.tanh(8 * torch.sin(2 * torch.pi * (pixels + shift) / c.period))
        whole = edges(targets)
        yield found.add(
            unsure,
            best_for_L1=edges(targets.median(0).values) / whole,
            best_for_L2=edges(targets.mean(0)) / whole,
            a_target_itself=1.0,
        )
    l1, l2 = found.series["best for L1"], found.series["best for L2"]
    half = found.x.index(0.4)
    yield found.end(
        l1[half] < 0.5,
        f"Where a stripe's place is known to 0.4 of a period, L1's answer has {l1[half]:.0%} of the edges' energy and L2's "
        f"{l2[half]:.0%}; where nothing is known, {l1[-1]:.0%} and {l2[-1]:.0%}. L1 answers with the median: as sharp as "
        "a target until no side has a majority, and grey then. It is L2 that blurs from the beginning.",
    )


class FramesControls(Controls):
    steps: int = Field(30, ge=5, le=100, description="DDIM's steps.")


def try_frames(c: FramesControls) -> Iterator[Finding]:
    """A clip's frames all lie at -2 or all at 2, each with a little of its own."""
    found, path = Finding(), SCHEDULES["cosine"]
    for frames in (2, 3, 4, 6, 8, 12, 16):
        generator = torch.Generator().manual_seed(c.seed)
        one = Mixture(torch.tensor([[-2.0], [2.0]]), 0.3)
        clip = Mixture(torch.tensor([[-2.0] * frames, [2.0] * frames]), 0.3)
        noise = torch.randn(SAMPLES, frames, generator=generator)
        ways = {
            "together": (noise, clip),
            "each alone": (noise.reshape(-1, 1), one),
            "each alone, from the same noise": (noise[:, :1].expand(-1, frames).reshape(-1, 1), one),
        }
        agree = {}
        for name, (x, data) in ways.items():
            times = timesteps(c.steps, 0.999)
            for t, r in zip(times, times[1:], strict=False):
                x0 = data.denoise(x, t, path)
                x = path.a(r) * x0 + path.s(r) * (x - path.a(t) * x0) / path.s(t)
            signs = x.reshape(SAMPLES, frames).sign()
            agree[name.replace(" ", "_")] = (signs == signs[:, :1]).all(1).double().mean().item()
        found.series = found.series or {name.replace("_", " "): [] for name in agree}
        for name, value in agree.items():
            found.series[name.replace("_", " ")].append(value)
        found.x.append(float(frames))
        yield found
    together, alone, same = (values[-1] for values in found.series.values())
    yield found.end(
        together > 0.95 and alone < 0.2,
        f"Of clips of 16 frames {together:.0%} show one thing throughout when the frames are denoised together and "
        f"{alone:.0%} when each is alone. From the same noise {same:.0%} agree even alone: but then nothing in them moves.",
    )


class SplatControls(Controls):
    steps: int = Field(120, ge=40, le=400, description="Of Adam, for each fit.")


def fit_splats(target: Tensor, centres: Tensor, steps: int) -> float:
    """Mean squared error of a grey picture (s, s) as a sum of so many round Gaussians, from these centres on."""
    side = target.shape[0]
    axis = (torch.arange(side) + 0.5) / side
    places = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    scale = torch.full((len(centres),), 0.5 / len(centres) ** 0.5).log()
    parameters = [p.clone().requires_grad_() for p in (centres, scale, torch.zeros(len(centres)))]
    adam = torch.optim.Adam(parameters, lr=0.02)
    for _ in range(steps):
        where, size, height = parameters
        shape = torch.exp(-torch.cdist(places, where).square() / (2 * (2 * size).exp()))
        loss = (shape @ height - target.reshape(-1)).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return loss.item()


def try_splat_start(c: SplatControls) -> Iterator[Finding]:
    found, generator = Finding(), torch.Generator().manual_seed(c.seed)
    side = 40
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    target = ((x.abs() + y.abs() < 0.5) | ((x - 0.5).square() + (y + 0.6).square() < 0.04)).float()
    edge = F.pad(target.diff(dim=0).abs(), (0, 0, 0, 1)) + F.pad(target.diff(dim=1).abs(), (0, 1))
    likely = (target + 3 * edge + 1e-3).reshape(-1)
    for count in (4, 8, 16, 32, 64):
        picks = torch.multinomial(likely, count, replacement=True, generator=generator)
        there = torch.stack([picks // side, picks % side], 1) / side
        corner = 0.15 * torch.rand(count, 2, generator=generator)
        yield found.add(
            count,
            begun_where_the_thing_is=fit_splats(target, there, c.steps),
            begun_anywhere=fit_splats(target, torch.rand(count, 2, generator=generator), c.steps),
            begun_in_a_corner=fit_splats(target, corner, c.steps),
        )
    good, anywhere, bad = found.series.values()
    wins = sum(a < b for a, b in zip(good, anywhere[1:], strict=False))
    yield found.end(
        wins >= 3,
        f"With 16 splats the error is {good[2]:.4f} from a start where the thing is, {anywhere[2]:.4f} from anywhere and "
        f"{bad[2]:.4f} from a corner; in {wins} of 4 cases a good start does at least as much as twice as many anywhere.",
    )


class ReflowControls(Controls):
    steps: int = Field(1000, ge=300, le=3000, description="Of learning the reflow.")


def try_reflow(c: ReflowControls) -> Iterator[Finding]:
    """The first flow's velocity is known in closed form; the second is learnt on its pairs of noise and end."""
    data, path, found = ring(), SCHEDULES["straight"], Finding()
    torch.manual_seed(c.seed)
    generator = torch.Generator().manual_seed(c.seed)
    real = data.draw(SAMPLES, generator)

    def first(x: Tensor, t: float) -> Tensor:
        return (x - data.denoise(x, t, path)) / t

    def flow(velocity: nn.Module | object, x: Tensor, steps: int) -> Tensor:
        for k in range(steps, 0, -1):
            x = x - velocity(x, min(k / steps, 0.999)) / steps
        return x

    with torch.no_grad():
        start = torch.randn(4 * SAMPLES, 2, generator=generator)
        end = flow(first, start, 64)
    net = perceptron(3, 2)
    adam = torch.optim.Adam(net.parameters(), lr=3e-3)
    for step in range(c.steps):
        adam.param_groups[0]["lr"] = 3e-3 * (1 - step / c.steps)
        picks = torch.randint(len(start), (512,), generator=generator)
        t = torch.rand(512, 1, generator=generator)
        x = t * start[picks] + (1 - t) * end[picks]
        loss = (net(torch.cat([x, t], 1)) - (start[picks] - end[picks])).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    def second(x: Tensor, t: float) -> Tensor:
        return net(torch.cat([x, torch.full((len(x), 1), t)], 1))

    noise = torch.randn(SAMPLES, 2, generator=generator)
    for steps in (1, 2, 4, 8, 16):
        with torch.no_grad():  # closed before the yield: whoever goes on may be another thread
            errors = [energy_distance(flow(velocity, noise, steps), real) for velocity in (first, second)]
        before, after = (max(error, 1e-5) for error in errors)
        yield found.add(steps, flow=before, after_one_reflow=after)
    before, after = found.series["flow"], found.series["after one reflow"]
    yield found.end(
        after[0] < 0.2 * before[1],
        f"In one step the flow is at {before[0]:.3f} and its reflow at {after[0]:.3f}; up to "
        f"{max((int(n) for n, e in zip(found.x, before, strict=True) if e >= after[0]), default=0)} steps the flow is not as "
        f"near. At 16 steps "
        f"they are at {before[-1]:.4f} and {after[-1]:.4f}: what the reflow was taught with is its limit.",
    )


class SeamControls(Controls):
    steps: int = Field(25, ge=5, le=60, description="Of the ancestral sampler.")


def try_seam(c: SeamControls) -> Iterator[Finding]:
    """Two halves of a picture that are the same of eight things; one is given, and held by replacement."""
    things = torch.linspace(-1.5, 1.5, 8)
    data = Mixture(torch.stack([things, things], 1), 0.07)
    path, found = SCHEDULES["cosine"], Finding()
    for resamples in (1, 2, 4, 8, 16):
        generator = torch.Generator().manual_seed(c.seed)

        def draw(*shape: int, generator: torch.Generator = generator) -> Tensor:
            return torch.randn(*shape, generator=generator)

        given = things[torch.randint(8, (SAMPLES,), generator=generator)]
        known = given + 0.07 * draw(SAMPLES)
        x = draw(SAMPLES, 2)
        times = timesteps(c.steps, 0.999)
        for t, r in zip(times, times[1:], strict=False):
            for again in range(resamples):
                x[:, 0] = path.a(t) * known + path.s(t) * draw(SAMPLES)
                x0 = data.denoise(x, t, path)
                x = path.a(r) * x0 + path.s(r) * draw(SAMPLES, 2) if r else x0
                if again < resamples - 1 and r:  # jump back: noise it again to t
                    ratio = path.a(t) / path.a(r)
                    spread = max(path.s(t) ** 2 - (ratio * path.s(r)) ** 2, 0) ** 0.5
                    x = ratio * x + spread * draw(SAMPLES, 2)
        yield found.add(resamples, halves_that_fit=((x[:, 1] - given).abs() < 0.21).double().mean().item())
    fit = found.series["halves that fit"]
    yield found.end(
        fit[-1] > fit[0] and fit[-1] > 0.9,
        f"Replacing the known half alone lets {fit[0]:.0%} of the other halves fit; with 16 resamplings of each step "
        f"{fit[-1]:.0%} do, for 16 times the calls.",
    )


EXPERIMENTS = [
    Experiment(
        "player-speed", "GAN", "A judge that is too good", "The better the discriminator, the more modes are lost.",
        "Fewer modes with eight turns of the discriminator than with one.", SpeedControls, try_player_speed,
        "turns of the discriminator", "modes", "x", "Goodfellow 2016",
    ),
    Experiment(
        "psi", "StyleGAN", "What truncation trades", "Truncation buys precision with recall.",
        "As psi falls precision rises and recall falls.", PsiControls, try_psi,
        "psi", "precision, recall", "", "Karras et al. 2019; Kynkäänniemi et al. 2019",
    ),
    Experiment(
        "blur", "pix2pix", "L1 alone", "A pixel loss alone blurs, and the adversary is there to sharpen.",
        "L1's best answer has less than half of the edges.", BlurControls, try_blur,
        "uncertainty, in periods", "energy of edges", "", "Isola et al. 2017",
    ),
    Experiment(
        "frames", "Video", "Frame by frame", "Frames that are denoised one by one do not fit together.",
        "Nearly all clips agree together, few frame by frame.", FramesControls, try_frames,
        "frames", "share of clips that agree", "", "Ho et al. 2022",
    ),
    Experiment(
        "splat-start", "3D splats", "Where splats begin", "A good start is worth as much as twice the splats.",
        "In three of four cases at least.", SplatControls, try_splat_start,
        "splats", "squared error", "xy", "Kerbl et al. 2023",
    ),
    Experiment(
        "reflow", "Flow matching", "Once more, straight", "After one reflow a single step is nearly enough.",
        "One step after it is five times nearer than two before.", ReflowControls, try_reflow,
        "steps of Euler", "energy distance", "xy", "Liu et al. 2022",
    ),
    Experiment(
        "seam", "Editing", "RePaint's jumps", "Jumping back and forth makes what is filled in fit what was there.",
        "More halves that fit, and nine in ten with sixteen.", SeamControls, try_seam,
        "resamplings of a step", "halves that fit", "x", "Lugmayr et al. 2022",
    ),
]  # fmt: skip

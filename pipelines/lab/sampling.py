"""Claims about samplers: what is measured is theirs alone, since the denoiser is the best there can be."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from pydantic import Field

from pipelines.diffusion.samplers import SCHEDULES
from pipelines.lab.experiment import Controls, Experiment, Finding
from pipelines.lab.mixtures import energy_distance, ring, two, valley
from pipelines.models.ddpm.pipeline import rescale, shorten

SAMPLES = 2000


def seeded(seed: int) -> torch.Generator:
    """A generator."""
    return torch.Generator().manual_seed(seed)


class TerminalControls(Controls):
    steps: int = Field(100, ge=10, le=200, description="DDIM's steps, the same for all schedules.")


def try_terminal_snr(c: TerminalControls) -> Iterator[Finding]:
    data, found = two(), Finding()
    real = valley(data.draw(SAMPLES, seeded(c.seed)))
    for levels in (10, 20, 40, 100, 250, 1000):
        path = shorten(SCHEDULES["linear-beta"], levels / 1000)
        plain, cured = (
            valley(data.sample("ddim", c.steps, one, SAMPLES, seeded(c.seed + 1))) for one in (path, rescale(path))
        )
        yield found.add(levels, as_it_is=plain, rescaled=cured, data=real)
    short, long = found.series["as it is"][0], found.last("as it is")
    mended = found.series["rescaled"][0]
    yield found.end(
        short < 2 * real + 0.02,
        f"With 10 of 1,000 levels {short:.0%} fall between the modes, with all {long:.1%}, of the data {real:.1%}; "
        f"rescaled to end in noise, 10 levels do as well as any: {mended:.1%}. It is the last level's signal, and not "
        "the number of steps.",
    )


class CallsControls(Controls):
    parts: int = Field(8, ge=2, le=16, description="Gaussians on the ring.")


def try_equal_calls(c: CallsControls) -> Iterator[Finding]:
    data, path, found = ring(c.parts), SCHEDULES["cosine"], Finding()
    real = data.draw(SAMPLES, seeded(c.seed))
    for calls in (2, 4, 8, 16, 32, 64):
        errors = {
            name: energy_distance(data.sample(name, calls // cost, path, SAMPLES, seeded(c.seed + 1)), real)
            for name, cost in (("ddpm", 1), ("ddim", 1), ("heun", 2), ("dpm-solver++", 1))
        }
        shown = {"DDPM": "ddpm", "DDIM": "ddim", "Heun": "heun", "DPM-Solver++": "dpm-solver++"}
        yield found.add(calls, **{title: max(errors[name], 1e-5) for title, name in shown.items()})
    few = found.x.index(4)
    ddpm, ddim = found.series["DDPM"][few], found.series["DDIM"][few]
    yield found.end(
        ddim < ddpm,
        f"At 4 calls DDIM is at {ddim:.4f} and DDPM at {ddpm:.4f}; at 64 at {found.last('DDIM'):.4f} and "
        f"{found.last('DDPM'):.4f}: {'DDIM is ahead' if ddim < ddpm else 'DDPM is ahead'} where calls are few.",
    )


class ErrorControls(Controls):
    error: float = Field(0.15, ge=0, le=0.5, description="How wrong the network is, in units of the data.")


def try_error_split(c: ErrorControls) -> Iterator[Finding]:
    data, path, found = ring(), SCHEDULES["straight"], Finding()
    real = data.draw(SAMPLES, seeded(c.seed))
    for steps in (1, 2, 4, 8, 16, 32, 64):
        best, wrong = (
            energy_distance(data.sample("euler", steps, path, SAMPLES, seeded(c.seed + 1), error), real)
            for error in (0.0, c.error)
        )
        yield found.add(steps, best_denoiser=max(best, 1e-5), one_that_errs=max(wrong, 1e-5))
    last, floor = found.last("one that errs"), found.last("best denoiser")
    sixteen = found.series["one that errs"][found.x.index(16)]
    yield found.end(
        last > 3 * floor and sixteen < 2 * last,
        f"With the best denoiser 64 steps leave {floor:.4f}; with one that errs by {c.error:g} 16 steps leave "
        f"{sixteen:.4f} "
        f"and 64 leave {last:.4f}: what is left is the network's.",
    )


class GuidanceControls(Controls):
    steps: int = Field(40, ge=5, le=100, description="Euler's steps.")


def try_guidance(c: GuidanceControls) -> Iterator[Finding]:
    whole, one, path, found = two(0.5), two(0.5), SCHEDULES["straight"], Finding()
    one = type(one)(one.means[1:], one.deviation)  # the class at 2
    for weight in (1, 1.5, 2, 3, 5, 8):
        x = torch.randn(SAMPLES, 1, generator=seeded(c.seed + 1))
        for k in range(c.steps, 0, -1):
            t = k / c.steps
            u, v = whole.denoise(x, t, path), one.denoise(x, t, path)
            x0 = u + weight * (v - u)
            x = x0 + (t - 1 / c.steps) / t * (x - x0)
        yield found.add(weight, mean=x.mean().item(), deviation=x.std().item())
    first, last = found.series["deviation"][0], found.last("deviation")
    moved = found.last("mean") - found.series["mean"][0]
    yield found.end(
        last < 0.8 * first,
        f"From guidance 1 to 8 the deviation goes from {first:.2f} to {last:.2f} and the mean moves by "
        f"{moved:+.2f}, away "
        "from the other class: variety is what guidance spends.",
    )


class CliffControls(Controls):
    steps: int = Field(50, ge=10, le=200, description="DDIM's steps of a whole run.")


def try_sdedit_cliff(c: CliffControls) -> Iterator[Finding]:
    data, path, found = two(), SCHEDULES["cosine"], Finding()
    start = data.draw(SAMPLES, seeded(c.seed))
    for strength in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        noise = torch.randn(SAMPLES, 1, generator=seeded(c.seed + 1))
        x = path.a(strength) * start + path.s(strength) * noise
        steps = max(1, round(strength * c.steps))
        for k in range(steps, 0, -1):
            t, r = strength * k / steps, strength * (k - 1) / steps
            x0 = data.denoise(x, t, path)
            x = path.a(r) * x0 + path.s(r) * (x - path.a(t) * x0) / path.s(t)
        yield found.add(strength, stays=(x.sign() == start.sign()).double().mean().item())
    stays = found.series["stays"]
    steep = max(a - b for a, b in zip(stays, stays[1:], strict=False))
    at = found.x[max(range(len(stays) - 1), key=lambda k: stays[k] - stays[k + 1])]
    whole = stays[0] - stays[-1]
    yield found.end(
        steep > 0.5 * whole,
        f"Of what was there {stays[0]:.0%} stays at strength 0.2 and {stays[-1]:.0%} at 0.9; the steepest tenth, from "
        f"{at:g} on, takes {steep:.0%} of the {whole:.0%} in all: "
        f"{'a cliff' if steep > 0.5 * whole else 'a slope, no cliff'}.",
    )


class StepsControls(Controls):
    deviation: float = Field(0.3, ge=0.1, le=0.6, description="Of both modes, at -2 and 2.")


def try_few_steps(c: StepsControls) -> Iterator[Finding]:
    data, found = two(c.deviation), Finding()
    real = valley(data.draw(SAMPLES, seeded(c.seed)))
    for steps in (1, 2, 4, 8, 20, 50):
        flow, diffusion = (
            valley(data.sample("euler", steps, SCHEDULES[path], SAMPLES, seeded(c.seed + 1)))
            for path in ("straight", "cosine")
        )
        yield found.add(steps, straight_path=flow, cosine_path=diffusion, data=real)
    four, twenty = (found.series["straight path"][found.x.index(n)] for n in (4.0, 20.0))
    yield found.end(
        four <= 1.5 * twenty + 0.005,
        f"Between the modes lie {four:.1%} after 4 steps of Euler and {twenty:.1%} after 20; of the data "
        f"{real:.1%}. The "
        "first step alone lands on the mean of everything, as it must.",
    )


EXPERIMENTS = [
    Experiment(
        "terminal-snr", "DDPM", "A schedule cut short", "Linear betas of 1e-4 to 0.02 end in N(0, I), whatever T is.",
        "As few samples between the modes with 10 levels as with 1,000.", TerminalControls, try_terminal_snr,
        "levels of the schedule", "share between the modes", "x", "Lin et al. 2024",
    ),
    Experiment(
        "equal-calls", "DDPM", "DDIM against DDPM at equal calls",
        "With few network calls DDIM is nearer to the data.",
        "A smaller energy distance at 4 calls.", CallsControls, try_equal_calls,
        "network calls", "energy distance", "xy", "Song et al. 2020",
    ),
    Experiment(
        "error-split", "Diffusion", "Whose error is it?", "More steps cannot mend what the network gets wrong.",
        "With a wrong denoiser the distance stays, however many steps.", ErrorControls, try_error_split,
        "steps of Euler", "energy distance", "xy", "Karras et al. 2022",
    ),
    Experiment(
        "guidance", "Latent diffusion", "What guidance spends", "Guidance trades variety for agreement.",
        "The deviation of the samples falls as guidance grows.", GuidanceControls, try_guidance,
        "guidance", "mean and deviation of the samples", "", "Ho and Salimans 2021",
    ),
    Experiment(
        "sdedit-cliff", "Editing", "SDEdit's cliff",
        "Between two strengths a picture lets go of what it was, all at once.",
        "More than half of the loss within one tenth of strength.", CliffControls, try_sdedit_cliff,
        "strength", "share that stays in its mode", "", "Meng et al. 2022",
    ),
    Experiment(
        "few-steps", "Flow matching", "Four steps for twenty",
        "Four steps of Euler on a straight path do what twenty do.",
        "At most one and a half times as many samples between the modes.", StepsControls, try_few_steps,
        "steps of Euler", "share between the modes", "x", "Liu et al. 2022",
    ),
]  # fmt: skip

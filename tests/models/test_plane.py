"""Six families on the plane: densities that integrate to one, pauses and turns that change nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines import load
from pipelines.core.settings import format_error
from pipelines.diffusion.samplers import SCHEDULES, ancestral, timesteps
from pipelines.media.points import parse_points, to_text
from pipelines.models.plane import distributions
from pipelines.models.plane import experiment as bench
from pipelines.models.plane.denoisers import Diffusion, FlowMatching, optimal_denoise
from pipelines.models.plane.experiment import FAMILIES, Experiment, mean_distance
from pipelines.models.plane.learner import fourier_features
from pipelines.models.plane.one_pass import GAN, VAE, Autoregressive, Flow
from pipelines.models.plane.result import PlaneResult, unpack
from pipelines.models.plane.spec import PlaneSettings, parse_turns


def trained(family: type, steps: int, name: str = "moons") -> tuple[torch.nn.Module, torch.Tensor]:
    """A learner after some steps, and points of its data."""
    torch.manual_seed(0)
    x = torch.from_numpy(distributions.draw(name, 2000, 0))
    learner = family()
    for _ in range(steps):
        learner.train_on(x[torch.randint(len(x), (256,))])
    return learner, x


@pytest.mark.parametrize("family", [Autoregressive, Flow, Diffusion, FlowMatching])
def test_exact_likelihoods_integrate_to_one(family: type) -> None:
    learner, _ = trained(family, 100)
    side = 241 if family in (Autoregressive, Flow) else 81  # an integral at every point takes longer
    axis = torch.linspace(-6, 6, side)
    points = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        density = learner.log_density(points).exp()
    assert float(density.sum()) * (12 / (side - 1)) ** 2 == pytest.approx(1, abs=0.01)


def test_a_vae_bounds_what_its_prior_and_decoder_integrate_to() -> None:
    """The bound is no more than the density, here by drawing many codes from the prior."""
    vae, x = trained(VAE, 150)
    with torch.no_grad():
        z, spread = [], 2.718281828**vae.spread
        pick = torch.multinomial(vae.prior[0].softmax(-1), 20_000, replacement=True)
        z = vae.prior[1:3].T[pick] + vae.prior[3:].T.clamp(-4, 1)[pick].exp() * torch.randn(20_000, 2)
        apart = torch.cdist(x[:50], vae.decode(z)).square() / (2 * spread**2)
        density = torch.logsumexp(-apart, 1) - np.log(20_000 * 2 * np.pi * spread**2)
        assert vae.log_density(x[:50]).mean() < density.mean() + 0.05


def test_a_flow_is_undone() -> None:
    flow, _ = trained(Flow, 50)
    z = torch.randn(500, 2)
    with torch.no_grad():
        parts = list(flow.decode(z).unbind(-1))
        for i, net in enumerate(flow.nets):
            j = i % 2
            parts[j], _ = flow.spline(parts[j], net(fourier_features(parts[1 - j][:, None])), inverse=False)
    assert torch.stack(parts, -1) == pytest.approx(z, abs=2e-3)


def test_the_closed_form_denoiser_draws_the_data() -> None:
    """Its samples are as far from the data as other points of the data are: the floor."""
    train, test = (torch.from_numpy(distributions.draw("moons", n, 0)) for n in (1500, 2000))
    generator = torch.Generator().manual_seed(0)
    path = SCHEDULES["cosine"]
    x = torch.randn(1500, 2, generator=generator)

    def noise() -> torch.Tensor:
        return torch.randn(x.shape, generator=generator)

    def denoise(x: torch.Tensor, t: float) -> torch.Tensor:
        return optimal_denoise(train, x, t, path)

    *_, (x, _, _) = ancestral(denoise, x, timesteps(60, 0.995), path, noise)

    def energy(a: torch.Tensor) -> float:
        return 2 * mean_distance(a, test) - mean_distance(a, a, same=True) - mean_distance(test, test, same=True)

    gaussian = torch.randn(1500, 2, generator=generator)
    assert abs(energy(x)) < 0.03 * energy(gaussian)


def test_every_family_learns() -> None:
    experiment = Experiment(PlaneSettings(distribution="moons"))
    experiment.measure()
    for _ in range(150):
        experiment.train_round()
    experiment.measure()
    before, after = experiment.curves[0]["energy"], experiment.curves[-1]["energy"]
    assert len(after) == len(FAMILIES) == 6
    assert all(b < 0.7 * a for a, b in zip(before, after, strict=True)), (before, after)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is measured and drawn: what is looked at is whether two runs are the same."""
    for name, value in {"TESTED": 100, "SHOWN": 50, "SIDE": 8, "ARROWS": 4}.items():
        monkeypatch.setattr(bench, name, value)


def run(**settings: object) -> PlaneResult:
    *_, frame = load("plane").generate(**{"rounds": 30, **settings})
    assert (frame.step, frame.steps) == (3, 3)
    return frame.result


def test_a_pause_changes_nothing(small: None) -> None:
    whole = run()
    frames = load("plane").generate(rounds=30)
    token = next(frames).view["pause"]
    frames.close()
    *_, frame = load("plane").generate(rounds=30, resume=token)
    for a, b in zip(whole.shown["families"], frame.result.shown["families"], strict=True):
        assert a["samples"] == b["samples"], a["name"]


def test_a_pause_of_other_points_is_no_pause_of_these(small: None) -> None:
    frames = load("plane").generate(rounds=30)
    token = next(frames).view["pause"]
    frames.close()
    first = next(load("plane").generate(rounds=30, distribution="moons", resume=token))
    assert first.view["rounds"] == 10


def test_what_is_turned_is_kept_and_replayed(small: None) -> None:
    frames = load("plane").generate(rounds=30)
    next(frames)
    frame = frames.send(PlaneSettings(rounds=30, beta=4.0, schedule="straight"))
    *_, frame = frames
    assert frame.result.settings["turns"] == "10:beta=4.0, 10:schedule=straight"
    again = run(turns=frame.result.settings["turns"])
    for a, b in zip(frame.result.shown["families"], again.shown["families"], strict=True):
        assert a["samples"] == b["samples"], a["name"]


def test_a_replay_goes_on_after_a_pause_and_a_change_in_the_last_step_is_too_late(small: None) -> None:
    pipe = load("plane")
    frames = pipe.generate(rounds=30, turns="5:beta=4.0")
    token = next(frames).view["pause"]
    frames.close()
    frames = pipe.generate(rounds=30, turns="5:beta=4.0", resume=token)
    *_, frame = (next(frames), next(frames))
    with pytest.raises(StopIteration):
        frames.send(PlaneSettings(rounds=30, rate=1.0))
    assert frame.result.settings["turns"] == "5:beta=4.0"


def test_a_pause_that_is_gone_is_said(small: None) -> None:
    assert next(load("plane").generate(rounds=30, resume="long ago")).note.startswith("the pause is gone")


def test_one_round_alone(small: None) -> None:
    *_, frame = load("plane").generate(rounds=30, only=1)
    assert frame.result.shown["rounds"] == 1
    *_, frame = load("plane").generate(rounds=30, only=1, resume=frame.view["pause"])
    assert frame.result.shown["rounds"] == 2


def test_a_rate_that_diverges_stops_its_family_alone(small: None) -> None:
    experiment = Experiment(PlaneSettings())
    vae = next(one for one in experiment.learners if isinstance(one, VAE))
    vae.decoder[-1].bias.data[:] = torch.inf
    experiment.train_round()
    shown = {family["name"]: family for family in experiment.view(last=True)["families"]}
    assert shown["vae"]["diagnosis"].startswith("Diverged at step 1: its loss is not finite. Lower its rate")
    assert not any(shown[name]["diagnosis"] for name in ("flow", "diffusion"))
    assert json.dumps(shown)


def test_a_gans_balance_is_told() -> None:
    gan, _ = trained(GAN, 5)
    gan.losses["accuracy"] = 0.99
    assert "Lower the discriminator's rate" in gan.diagnose()


def test_reflow_straightens() -> None:
    learner, x = trained(FlowMatching, 300)
    before = learner.straightness(torch.Generator().manual_seed(0))
    learner.reflow(torch.Generator().manual_seed(0))
    for _ in range(300):
        learner.train_on(x[:256])
    assert learner.straightness(torch.Generator().manual_seed(0)) < 0.6 * before


def test_a_drawing_is_learnt_and_kept_as_it_is(small: None) -> None:
    text = "\n".join(f"{i / 7},{i * i}" for i in range(40))
    result = run(distribution="drawn", points=text)
    kept = result.settings["points"]
    assert PlaneSettings(distribution="drawn", points=kept).points == kept
    assert len(unpack(result.shown["data"])) == 50
    assert PlaneSettings(distribution="ring", points=kept).points == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Nothing is drawn yet"),
        ("1,1\n1,1", "fewer than three different points"),
        ("1,2\nhello,3\n4,5", "line 2 of the points is 'hello,3'"),
        ("1,2\nnan,3\n4,5", "line 2 of the points is not finite"),
        ("1,2,3\n4,5,6", "line 1 of the points has 3 numbers"),
        ("x\n1,2\n\n3", "line 4 of the points has 1 numbers"),
        ("0,0\n1e-9,0\n1,1", "fewer than three different points"),
        ("1e200,0\n1e200,0\n0,0", "fewer than three different points"),
    ],
)
def test_points_that_are_none_are_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        PlaneSettings(distribution="drawn", points=text)
    assert sentence.lower() in format_error(error.value).lower()


def test_a_header_semicolons_and_a_million_rows_are_taken() -> None:
    assert len(parse_points("x;y\n1;2\n3;4\n5;7")) == 3
    text = to_text(np.random.default_rng(0).standard_normal((1_000_000, 2)))
    assert text.count("\n") == 1999


@pytest.mark.parametrize("turns", ["5:beta", "5:rounds=4", "five:beta=1", "5:beta=99", "5:schedule=square"])
def test_turns_that_are_none_are_refused(turns: str) -> None:
    with pytest.raises(ValueError, match=r"change|cannot be"):
        parse_turns(turns)


def test_its_files_bring_it_back(small: None) -> None:
    result = run(turns="10:beta=2.0")
    about = json.loads(result.file("json"))
    assert about["settings"]["turns"] == "10:beta=2.0" and len(about["samples"]["gan"]) == 50
    again = PlaneResult.from_png(result.file("png"), "plane", result.settings)
    assert again.shown == json.loads(json.dumps(result.shown))
    assert result.file("csv").decode().splitlines()[1].startswith("autoregressive,")

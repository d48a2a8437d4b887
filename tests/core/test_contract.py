"""Results and grids."""

from __future__ import annotations

import copy
import io
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pipelines
from pipelines.core.contract import Frame, ImageResult, Pipeline, PointsResult, tile


def test_a_png_carries_its_settings_unless_told_otherwise(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = ImageResult(pixels, "latent-diffusion", {"prompt": "漢字 🎉", "seed": 7})
    saved = Image.open(picture.save(tmp_path / "a.png"))
    assert json.loads(saved.info["darkroom"]) == {
        "model": "latent-diffusion",
        "settings": {"prompt": "漢字 🎉", "seed": 7},
    }
    assert np.array_equal(np.asarray(saved), pixels)
    assert "darkroom" not in Image.open(io.BytesIO(picture.file(with_settings=False))).info


def test_tiles_lie_row_by_row() -> None:
    parts = np.stack([np.full((2, 2, 3), i, np.uint8) for i in range(1, 4)])
    grid = tile(parts)
    assert grid.shape == (4, 4, 3)
    assert [grid[0, 0, 0], grid[0, 2, 0], grid[2, 0, 0], grid[2, 2, 0]] == [1, 2, 3, 0]
    assert np.array_equal(tile(parts[:1]), parts[0])


def test_a_frame_makes_its_pictures_when_somebody_looks_and_travels_whole() -> None:
    made: list[str] = []

    def picture() -> np.ndarray:
        made.append("preview")
        return np.full((4, 4, 3), 7, np.uint8)

    frame = Frame(1, 2, picture, None, "note", None, {"calls": 3, "attention": lambda: made.append("map") or [1]})
    assert not made and frame.trace["calls"] == 3
    assert frame.preview is frame.preview and frame.trace["attention"] == [1] == frame.trace["attention"]
    assert made == ["preview", "map"]
    again = copy.copy(frame)  # as another process would get it
    assert np.array_equal(again.preview, frame.preview) and dict(again.trace) == {"calls": 3, "attention": [1]}
    assert (again.step, again.steps, again.state, again.note, again.result) == (1, 2, None, "note", None)


def test_points_go_into_files_and_back() -> None:
    points = np.array([[0.0, 0.0], [1.0, -2.0], [-1.5, 1.0]], np.float32)
    result = PointsResult(points, "toy", {"seed": 3})
    assert np.allclose(PointsResult.from_png(result.file("png"), "toy", {}).points, points, atol=1e-4)
    assert result.file("csv").decode().splitlines() == ["0,0", "1,-2", "-1.5,1"]
    assert result.view["kind"] == "points" and result.view["span"] >= 2
    pixels = np.array(result.image)
    assert (pixels == 0).all(-1).sum() == 3
    rows, columns = np.nonzero((pixels == 0).all(-1))
    assert (
        columns[rows.argmax()] > 128 > columns[rows.argmin()]
    )  # y upwards: the lowest point lies right, the highest left


class Grey(Pipeline):
    """Two grey pictures in two steps, in half precision."""

    name = "grey"
    dtype = "torch.float16"
    ended = False

    def run(self, settings: Any) -> Iterator[Frame]:
        pixels = np.full((8, 8, 3), 128, np.uint8)
        results = [ImageResult(pixels, self.name, {"seed": settings.seed + k}) for k in range(2)]
        try:
            yield Frame(1, 2, pixels)
            yield Frame(2, 2, pixels, result=results)
        finally:
            self.ended = True


def test_results_say_what_the_same_bytes_take() -> None:
    *_, last = Grey().generate(seed=3)
    for result in last.result:
        about = json.loads(Image.open(io.BytesIO(result.file())).info["darkroom"])
        assert list(about) == ["model", "settings", "made_with"]
        versions = {"darkroom": pipelines.__version__, "torch": torch.__version__.partition("+")[0]}
        assert about["made_with"] == versions | {"device": "cpu", "dtype": "float16"}


def test_closing_a_run_reaches_it() -> None:
    pipe = Grey()
    frames = pipe.generate()
    next(frames)
    frames.close()
    assert pipe.ended


def test_there_is_one_version() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert pipelines.__version__ == project["version"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["latent-diffusion", "variation", "pix2pix"])
def test_what_a_file_says_is_what_was_shown(name: str, dtype: str) -> None:
    drawing = Image.new("RGB", (128, 128), "white")
    drawing.paste("black", (40, 40, 80, 44))
    given = {"variation": {"image": drawing, "steps": 1}, "pix2pix": {"control": drawing}}.get(name, {"steps": 1})
    *_, last = pipelines.load(name, dtype=dtype).generate(**given)
    made_with = last.result.made_with
    assert f"{made_with['device']}, {made_with['dtype']}" == last.trace["device"]
    assert len(made_with["weights"]) == 8

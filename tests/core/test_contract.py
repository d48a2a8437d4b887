"""Results and grids."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.core.contract import Frame, ImageResult, PointsResult, tile


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

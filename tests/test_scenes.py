"""Splats to files and back, read by another reader too, and files that are none."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from plyfile import PlyData

from pipelines import scenes
from pipelines.scenes import SceneError
from pipelines.splatting import Camera, Splats, render


def cloud(n: int = 40, degree: int = 2) -> Splats:
    generator = torch.Generator().manual_seed(0)
    splats = Splats(torch.randn(n, 3, generator=generator) * 0.4, torch.rand(n, 3, generator=generator), 0.1, degree=degree)
    with torch.no_grad():
        for part, spread in ((splats.scales, 0.5), (splats.rotations, 1.0), (splats.opacities, 1.0), (splats.harmonics, 0.3)):
            part += spread * torch.randn(part.shape, generator=generator)
    return splats


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_a_ply_file_read_back_renders_the_same(degree: int) -> None:
    splats, camera = cloud(degree=degree), Camera.around(40.0, 20.0, size=48)
    back = scenes.from_ply(scenes.to_ply(splats))
    assert (render(back, camera) - render(splats, camera)).abs().max() < 1e-3


def test_another_reader_finds_the_standard_layout_and_the_other_world() -> None:
    splats = cloud()
    held = PlyData.read(io.BytesIO(scenes.to_ply(splats)))["vertex"]
    assert len(held) == 40
    assert [p.name for p in held.properties][:9] == ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    assert np.allclose(held["y"], -splats.means[:, 1].detach().numpy())  # y is down there
    assert np.allclose(held["opacity"], splats.opacities.detach().numpy())
    red = splats.harmonics[:, 1:, 0].detach().numpy() * np.array(scenes.TURNED[1:])
    assert np.allclose(np.stack([held[f"f_rest_{k}"] for k in range(8)], 1), red, atol=1e-6)  # channel by channel
    # the turned cloud, seen by a camera that is turned likewise, is the same picture
    other, camera = Splats(torch.zeros(40, 3), torch.zeros(40, 3), 1.0, degree=2), Camera.around(40.0, 20.0, size=48)
    with torch.no_grad():
        for name, part in scenes.turned(splats).items():
            getattr(other, name).copy_(part)
    turn = torch.diag(torch.tensor([1.0, -1, -1, 1]))
    assert (render(other, Camera(camera.world_to_camera @ turn, camera.focal, 48)) - render(splats, camera)).abs().max() < 1e-3


def test_a_splat_file_is_small_and_nearly_the_same() -> None:
    splats, camera = cloud(degree=0), Camera.around(40.0, 20.0, size=48)
    file = scenes.to_splat(splats)
    assert len(file) == 32 * 40
    assert (render(scenes.from_splat(file), camera) - render(splats, camera)).abs().mean() < 0.01


def test_files_that_hold_no_splats_are_refused_in_a_sentence() -> None:
    whole = scenes.to_ply(cloud())
    head, mark, body = whole.partition(b"end_header\n")
    points = b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n" + bytes(12)
    numbers = np.frombuffer(body, "<f4").copy()
    numbers[3] = np.nan
    for file, said in (
        (b"", "no binary PLY"),
        (b"PK\x03\x04 something", "no binary PLY"),
        (whole[:-10], "cut off"),
        (points, "no Gaussians"),
        (whole.replace(b"vertex 40", b"vertex 9000000"), "9,000,000 splats"),
        (whole.replace(b"vertex 40", b"vertex 0"), "0 splats"),
        (whole.replace(b"vertex 40", b"vertex " + b"9" * 5000), "does not begin with points"),
        (head + mark + np.full_like(numbers, np.nan).tobytes(), "are none"),
        (whole.replace(b"property float x", b"property list uchar int x"), "lists"),
    ):
        with pytest.raises(SceneError, match=said):
            scenes.from_ply(file)
    for file in (b"", bytes(31)):
        with pytest.raises(SceneError, match=r"no whole \.splat"):
            scenes.from_splat(file)

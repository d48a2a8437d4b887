"""Splats to files and back, read by another reader too, and files that are none."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import av
import gsply
import numpy as np
import pytest
import torch
from PIL import Image
from plyfile import PlyData

from pipelines.core.contract import AudioResult, VideoResult
from pipelines.core.spec import FORMATS
from pipelines.models.gaussian_splatting import files as scenes
from pipelines.models.gaussian_splatting.files import GaussianResult, SceneError
from pipelines.models.gaussian_splatting.rasterize import Camera, Gaussians3D, render


def cloud(n: int = 40, degree: int = 2) -> Gaussians3D:
    generator = torch.Generator().manual_seed(0)
    splats = Gaussians3D(
        torch.randn(n, 3, generator=generator) * 0.4, torch.rand(n, 3, generator=generator), 0.1, degree=degree
    )
    with torch.no_grad():
        for part, spread in (
            (splats.scales, 0.5),
            (splats.rotations, 1.0),
            (splats.opacities, 1.0),
            (splats.harmonics, 0.3),
        ):
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
    other, camera = (
        Gaussians3D(torch.zeros(40, 3), torch.zeros(40, 3), 1.0, degree=2),
        Camera.around(40.0, 20.0, size=48),
    )
    with torch.no_grad():
        for name, part in scenes.to_colmap(splats).items():
            getattr(other, name).copy_(part)
    turn = torch.diag(torch.tensor([1.0, -1, -1, 1]))
    assert (
        render(other, Camera(camera.world_to_camera @ turn, camera.focal, 48)) - render(splats, camera)
    ).abs().max() < 1e-3


def test_a_splat_file_is_small_and_nearly_the_same() -> None:
    splats, camera = cloud(degree=0), Camera.around(40.0, 20.0, size=48)
    file = scenes.to_splat(splats)
    assert len(file) == 32 * 40
    assert (render(scenes.from_splat(file), camera) - render(splats, camera)).abs().mean() < 0.01


def test_files_that_hold_no_splats_are_refused_in_a_sentence() -> None:
    for file in (b"", bytes(31)):
        with pytest.raises(SceneError, match=r"no whole \.splat"):
            scenes.from_splat(file)


def globe(n: int = 1500, radius: float = 0.5) -> Gaussians3D:
    """Splats inside a ball, red above and blue below."""
    at = (
        torch.nn.functional.normalize(torch.randn(n, 3, generator=torch.Generator().manual_seed(0)), dim=1)
        * radius
        * torch.linspace(0.2, 1, n)[:, None]
    )
    return Gaussians3D(
        at,
        torch.where(at[:, 1:2] > 0, torch.tensor([0.9, 0.1, 0.1]), torch.tensor([0.1, 0.1, 0.9])),
        0.05,
        opacity=0.9,
    )


def test_a_mesh_lies_on_the_surface_closed_coloured_and_turned_outwards() -> None:
    mesh = scenes.mesh(globe())
    away = np.linalg.norm(mesh.vertices, axis=1)
    assert mesh.is_watertight and mesh.volume > 0 and abs(away.mean() - 0.55) < 0.05
    top = mesh.vertices[:, 1] > 0.2
    assert mesh.visual.vertex_colors[top, 0].mean() > 150 > 100 > mesh.visual.vertex_colors[top, 2].mean()
    points, colours, area = scenes.from_glb(scenes.to_glb(globe()))
    assert abs(area / mesh.area - 1) < 1e-3 and abs(np.linalg.norm(points, axis=1).mean() - away.mean()) < 0.02
    assert colours[points[:, 1] > 0.2, 0].mean() > 0.6 > 0.4 > colours[points[:, 1] > 0.2, 2].mean()


@pytest.mark.parametrize("painted", ["colour", "texture", "nothing"])
def test_a_mesh_of_others_keeps_its_material(painted: str) -> None:
    box = scenes.trimesh.creation.box((1, 1, 1))
    if painted != "nothing":
        red = (
            {"baseColorFactor": [255, 0, 0, 255]}
            if painted == "colour"
            else {"baseColorTexture": Image.new("RGB", (4, 4), "red")}
        )
        material = scenes.trimesh.visual.material.PBRMaterial(**red)
        box.visual = scenes.trimesh.visual.TextureVisuals(uv=np.full((len(box.vertices), 2), 0.5), material=material)
    _, colours, area = scenes.from_glb(box.export(file_type="glb"))
    assert abs(area - 6) < 1e-3
    assert painted == "nothing" or (colours.mean(0) > 0.9).tolist() == [True, False, False]


def test_a_mesh_of_too_many_copies_is_refused_before_it_is_built() -> None:
    many, ball = scenes.trimesh.Scene(), scenes.trimesh.creation.icosphere(subdivisions=4)
    for k in range(400):
        many.add_geometry(
            ball,
            node_name=str(k),
            geom_name="ball",
            transform=scenes.trimesh.transformations.translation_matrix((k, 0, 0)),
        )
    with pytest.raises(SceneError, match="2,048,000 faces"):
        scenes.from_glb(many.export(file_type="glb"))


def test_one_small_splat_is_shown_small_and_has_a_surface(tmp_path: Path) -> None:
    one = Gaussians3D(torch.zeros(1, 3), torch.ones(1, 3), 0.05)
    (tmp_path / "one.ply").write_bytes(scenes.to_ply(one))
    assert scenes.load_gaussians(tmp_path / "one.ply").scales.exp().max() < 1
    mesh = scenes.mesh(one)
    assert 0.3 < mesh.volume / mesh.bounding_box.volume < 0.7  # a ball, no cube


def test_numbers_out_of_all_bounds_are_refused() -> None:
    far = Gaussians3D(torch.full((2, 3), 3e38), torch.ones(2, 3), 0.05)
    with pytest.raises(SceneError, match="out of all bounds"):
        scenes.from_ply(scenes.to_ply(far))
    with pytest.raises(SceneError, match="header has no end"):
        scenes.from_ply(b"ply\n" + b"a\n" * 100_000)


def test_faint_splats_have_a_surface_too() -> None:
    assert len(scenes.mesh(Gaussians3D(torch.zeros(1, 3), torch.ones(1, 3), 0.05, opacity=0.05)).faces) > 10


def test_a_thing_is_saved_in_every_format_and_comes_back_from_its_picture(tmp_path: Path) -> None:
    shape = GaussianResult(globe(200), "text-to-3d", {"seed": 3, "prompt": "a globe"})
    back = GaussianResult.from_png(shape.file("png"), shape.model, shape.settings)
    assert np.abs(back.render_view(40, 10, 64).astype(int) - shape.render_view(40, 10, 64)).max() <= 1
    for kind in shape.formats:
        path = shape.save(tmp_path / f"globe.{kind}")
        if kind in ("ply", "splat", "glb"):
            opened = GaussianResult(scenes.load_gaussians(path), "x", {})
            assert np.abs(opened.render_view(40, 10, 64).astype(int) - shape.render_view(40, 10, 64)).mean() < 15
    with av.open(str(tmp_path / "globe.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == scenes.TURN and '"a globe"' in film.metadata["comment"]
    assert gsply.plyread(str(tmp_path / "globe.ply")).means.shape == (200, 3)


def test_what_is_far_off_is_brought_before_the_cameras(tmp_path: Path) -> None:
    splats = globe(100)
    with torch.no_grad():
        splats.means.mul_(40).add_(100)
        splats.scales.add_(np.log(40))
    (tmp_path / "far.ply").write_bytes(scenes.to_ply(splats))
    near = scenes.load_gaussians(tmp_path / "far.ply")
    assert near.means.abs().max() < 1.2
    assert (GaussianResult(near, "x", {}).render_view(0, 0, 64) < 200).any()


def test_a_mesh_that_is_none_or_lies_elsewhere_is_one_sentence() -> None:
    outside = (
        json.dumps({"asset": {"version": "2.0"}, "buffers": [{"uri": "secret.bin", "byteLength": 36}], "meshes": []})
        .encode()
        .ljust(200)
    )
    files = [
        b"",
        b"glTF",
        outside,
        b"glTF" + struct.pack("<II", 2, 20 + len(outside)) + struct.pack("<I4s", len(outside), b"JSON") + outside,
    ]
    for file in files:
        with pytest.raises(SceneError, match=r"glTF|glb"):
            scenes.from_glb(file)


def test_the_catalogue_knows_the_formats_of_what_is_made() -> None:
    assert (VideoResult.formats, AudioResult.formats, GaussianResult.formats) == (
        FORMATS["video"],
        FORMATS["audio"],
        FORMATS["gaussians"],
    )

"""Splats in files: .ply as Kerbl et al. 2023 lay it out, which every viewer reads, .splat, which is smaller, and a mesh
of them as .glb; and what a run that ends in splats has made.

Those files have y down and z away (COLMAP's world), as their viewers expect; here y is up. So a scene is turned half
around x on its way, its harmonics and rotations with it. A file is read as something a stranger sent.
"""

from __future__ import annotations

import base64
import io
import math
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import trimesh
from PIL import Image
from skimage import measure
from torch import Tensor

from pipelines.core import contract, provenance
from pipelines.models.gaussian_splatting.attributes import (
    FAR,
    MOST,
    SHOWN,
    Attributes,
    keep_valid,
    read_ply,
    to_logit,
)
from pipelines.models.gaussian_splatting.ply import SceneError
from pipelines.models.gaussian_splatting.rasterize import SH0, Camera, Gaussians3D, render, to_uint8

SAMPLED = 20_000  # points of a mesh that are shown as splats
TURNED = (1, -1, -1, 1, -1, 1, 1, -1, 1)  # signs of the harmonics once y and z are turned round
UNREAD = {
    ".spz": "Niantic's compressed splats",
    ".ksplat": "the splats of mkkellogg's viewer",
    ".sog": "PlayCanvas's compressed splats",
}


def to_colmap(splats: Gaussians3D) -> dict[str, Tensor]:
    """Its tensors in the other world: half around x, which is its own inverse but for the sign of the quaternions."""
    w, x, y, z = splats.rotations.detach().unbind(1)
    signs = torch.tensor(TURNED[: splats.harmonics.shape[1]], dtype=torch.float32)
    return {
        "means": splats.means.detach() * torch.tensor([1.0, -1, -1]),
        "scales": splats.scales.detach(),
        "rotations": torch.stack([-x, w, -z, y], 1),
        "opacities": splats.opacities.detach(),
        "harmonics": splats.harmonics.detach() * signs[:, None],
    }


def to_ply(splats: Gaussians3D) -> bytes:
    """Binary little-endian PLY: logarithms of scales, logits of opacities, quaternions (w, x, y, z), harmonics channel
    by channel."""
    t = {name: part.float().cpu() for name, part in to_colmap(splats).items()}
    rest = t["harmonics"][:, 1:].mT.flatten(1)
    names = [
        "x",
        "y",
        "z",
        "nx",
        "ny",
        "nz",
        "f_dc_0",
        "f_dc_1",
        "f_dc_2",
        *(f"f_rest_{k}" for k in range(rest.shape[1])),
        "opacity",
    ]
    names += [f"scale_{k}" for k in range(3)] + [f"rot_{k}" for k in range(4)]
    columns = [
        t["means"],
        torch.zeros_like(t["means"]),
        t["harmonics"][:, 0],
        rest,
        t["opacities"][:, None],
        t["scales"],
        t["rotations"],
    ]
    head = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(splats)}\n"
        + "".join(f"property float {name}\n" for name in names)
        + "end_header\n"
    )
    return head.encode() + torch.cat(columns, 1).numpy().astype("<f4").tobytes()


def from_ply(file: bytes) -> Gaussians3D:
    """Those splats whose numbers are valid. Raises SceneError."""
    return from_colmap(keep_valid(read_ply(file))[0])


def to_splat(splats: Gaussians3D) -> bytes:
    """32 bytes each: place and size as floats, colour and opacity, and the quaternion, as bytes.

    What depends on the direction is lost.
    """
    t = {name: part.float().cpu().numpy() for name, part in to_colmap(splats).items()}
    colour = np.concatenate([t["harmonics"][:, 0] * SH0 + 0.5, 1 / (1 + np.exp(-t["opacities"][:, None]))], 1)
    turn = t["rotations"] / np.linalg.norm(t["rotations"], axis=1, keepdims=True)
    rows = np.zeros(
        len(splats), np.dtype([("at", "<f4", 3), ("size", "<f4", 3), ("colour", "u1", 4), ("turn", "u1", 4)])
    )
    rows["at"], rows["size"] = t["means"], np.exp(t["scales"])
    rows["colour"], rows["turn"] = (colour.clip(0, 1) * 255).round(), (turn * 128 + 128).clip(0, 255).round()
    return rows.tobytes()


def from_splat(file: bytes) -> Gaussians3D:
    """Those splats whose numbers are valid. Raises SceneError."""
    return from_colmap(keep_valid(read_splat(file))[0])


def read_splat(file: bytes) -> Attributes:
    """All splats of a .splat file. Raises SceneError."""
    if not file or len(file) % 32 or len(file) // 32 > MOST:
        raise SceneError(f"This is no whole .splat file of 1 to {MOST:,} splats; save or download it anew.")
    rows = np.frombuffer(
        file, np.dtype([("at", "<f4", 3), ("size", "<f4", 3), ("colour", "u1", 4), ("turn", "u1", 4)])
    )
    colour = rows["colour"].astype(np.float32) / 255
    return {
        "means": rows["at"],
        "scales": np.log(rows["size"].clip(1e-6)),
        "rotations": (rows["turn"].astype(np.float32) - 128) / 128,
        "opacities": to_logit(colour[:, 3]),
        "harmonics": ((colour[:, :3] - 0.5) / np.float32(SH0))[:, None],
    }


def from_colmap(attributes: Attributes) -> Gaussians3D:
    """Splats of this world from the valid ones of the other."""
    parts = {name: torch.from_numpy(np.array(part, np.float32)) for name, part in attributes.items()}
    parts["scales"].clamp_(-20, math.log(FAR))
    parts["rotations"][:, 0] += (parts["rotations"] == 0).all(1)  # none at all is no turn
    n, k, _ = parts["harmonics"].shape
    splats = Gaussians3D(parts["means"], torch.zeros(n, 3), 1.0, degree=math.isqrt(k) - 1)
    with torch.no_grad():
        for name, part in parts.items():
            getattr(splats, name).copy_(part)
        for name, part in to_colmap(splats).items():
            getattr(splats, name).copy_(part)
    return splats


def density(splats: Gaussians3D, side: int) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """How much there is at each point of a grid, Σ opacity exp(−½ d²), float32 (side, side, side), and what colour,
    (side, side, side, 3); the grid's step, and its first corner (3,). Each splat is counted up to three of its
    deviations away.
    """
    with torch.no_grad():
        means, colours = (
            part.float().cpu().numpy() for part in (splats.means, (SH0 * splats.harmonics[:, 0] + 0.5).clamp(0, 1))
        )
        spread, opacity = splats.covariances().float().cpu(), splats.opacities.sigmoid().cpu().numpy()
        edge = 3 * spread.diagonal(dim1=1, dim2=2).sqrt().numpy().clip(max=1.0)
        low, high = np.quantile(means - edge, 0.002, axis=0), np.quantile(means + edge, 0.998, axis=0)
        step = float((high - low).max()) / (side - 1)
        spread = spread + (step / 2) ** 2 * torch.eye(3)  # none slips between the grid's points
        inverse, reach = (
            torch.linalg.inv(spread).numpy(),
            3 * spread.diagonal(dim1=1, dim2=2).sqrt().numpy().clip(max=side * step / 4),
        )
    corner = (low + high) / 2 - step * (side - 1) / 2
    total, tinted = np.zeros((side,) * 3, np.float32), np.zeros((side, side, side, 3), np.float32)
    first = np.clip(np.ceil((means - reach - corner) / step), 0, side).astype(int)
    last = np.clip(np.floor((means + reach - corner) / step) + 1, 0, side).astype(int)
    for k in range(len(means)):
        box = tuple(slice(a, b) for a, b in zip(first[k], last[k], strict=True))
        axes = [corner[i] + step * np.arange(first[k, i], last[k, i]) - means[k, i] for i in range(3)]
        d = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
        here = opacity[k] * np.exp(-0.5 * np.einsum("...i,ij,...j", d, inverse[k], d, optimize=True))
        total[box] += here
        tinted[box] += here[..., None] * colours[k]
    return total, tinted / np.maximum(total, 1e-6)[..., None], step, corner


def mesh(splats: Gaussians3D, side: int = 96, level: float = 0.5) -> trimesh.Trimesh:
    """The surface where the density is `level`, or where that is nowhere, half of the most, by marching cubes (Lorensen
    & Cline 1987), with the splats' colours at its corners."""
    total, colours, step, corner = density(splats, side)
    total = np.pad(total, 1)  # so that it is closed
    level = min(level, float(total.max()) / 2)
    points, faces, _, _ = measure.marching_cubes(total, level)
    at = np.clip((points - 1).round().astype(int), 0, side - 1)
    tint = (255 * colours[tuple(at.T)]).round().clip(0, 255).astype(np.uint8)
    return trimesh.Trimesh((points - 1) * step + corner, faces[:, ::-1], vertex_colors=tint, process=False)


def to_glb(splats: Gaussians3D) -> bytes:
    """A coloured mesh as binary glTF, y up."""
    return mesh(splats).export(file_type="glb")


def from_glb(file: bytes) -> tuple[np.ndarray, np.ndarray, float]:
    """Points of the surfaces of a binary glTF file, (n, 3) float32, their colours in [0, 1], and the area. What lies
    outside of the file is not read. Raises SceneError."""
    if not file.startswith(b"glTF"):
        raise SceneError("This is no binary glTF file; choose a .glb that a 3D program saved.")
    try:
        found = trimesh.load_scene(io.BytesIO(file), file_type="glb", resolver=None)
        faces = sum(
            len(getattr(found.geometry[name], "faces", ()))
            for name in (found.graph[node][1] for node in found.graph.nodes_geometry)
        )
        if faces <= MOST:
            whole = found.to_mesh()
            points, which = trimesh.sample.sample_surface(whole, SAMPLED, seed=0)
            tint, area = colours_of(whole)[whole.faces[which]].mean(1), float(whole.area)
    except Exception:  # whatever a stranger's file can raise
        raise SceneError(
            "This .glb file is damaged, without a surface, or parts of it lie in other files; save it anew, with "
            "everything inside."
        ) from None
    if faces > MOST:
        raise SceneError(f"This mesh has {faces:,} faces; it can have up to {MOST:,}.")
    if not np.isfinite(points).all() or np.abs(points).max() > FAR or not area > 0:
        raise SceneError("Some numbers of this file are none, or out of all bounds; save or download it anew.")
    return points.astype(np.float32), tint.astype(np.float32), area


def colours_of(mesh: trimesh.Trimesh) -> np.ndarray:
    """Colours of a mesh's corners in [0, 1]: its own, its texture's, or its material's."""
    look = mesh.visual
    if isinstance(look, trimesh.visual.TextureVisuals):
        colours = look.material.to_color(look.uv) if look.uv is not None else None
        colours = look.material.main_color if colours is None else colours
    else:
        colours = look.vertex_colors
    return np.broadcast_to(np.asarray(colours)[..., :3] / 255, (len(mesh.vertices), 3))


PNG_GAUSSIANS_KEY = "darkroom-splats"  # the PNG text chunk that holds the splats: a .ply, compressed, in base64
TURN, ROUND = 36, 160  # pictures of a turntable, and pixels of each a side


@dataclass(frozen=True)
class GaussianResult(contract.Result):
    """A finished thing of splats and what made it. As a picture it is seen from the front, with the splats inside."""

    splats: Gaussians3D
    model: str
    settings: dict[str, Any]
    attachments: tuple[Path, ...] = ()
    made_with: dict[str, str] = field(default_factory=dict)
    formats: ClassVar[tuple[str, ...]] = ("png", "ply", "splat", "glb", "mp4")

    @classmethod
    def from_png(cls, png: bytes, model: str, settings: dict[str, Any]) -> GaussianResult:
        """Back from a picture. Raises SceneError; KeyError where no splats are inside."""
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            return cls(from_ply(zlib.decompress(base64.b64decode(image.info[PNG_GAUSSIANS_KEY]))), model, settings)

    @property
    def view(self) -> dict[str, Any]:
        return view(self.splats)

    @property
    def image(self) -> Image.Image:
        """Seen from the front, a little from the side, as a PIL image."""
        return Image.fromarray(self.render_view(30, 20))

    def render_view(self, azimuth: float | int, elevation: float | int, size: int = 256) -> np.ndarray:
        """What a camera sees, uint8 (size, size, 3), before white."""
        with torch.no_grad():
            return to_uint8(render(self.splats, Camera.around(float(azimuth), float(elevation), size=size)))

    def file(self, kind: str = "ply", with_settings: bool = True) -> bytes:
        """The bytes of a .ply, .splat or .glb file, of an MP4 of a turntable, or of a PNG picture; unless told
        otherwise, the settings travel in the picture and the film."""
        if kind == "png":
            buffer, info = io.BytesIO(), provenance.to_png(self, with_settings)
            info.add_text(PNG_GAUSSIANS_KEY, base64.b64encode(zlib.compress(to_ply(self.splats))).decode())
            self.image.save(buffer, "PNG", pnginfo=info)
            return buffer.getvalue()
        if kind == "mp4":
            frames = np.stack([self.render_view(360 * k / TURN, 15, ROUND) for k in range(TURN)])
            film = contract.VideoResult(frames, 12, self.model, self.settings, made_with=self.made_with)
            return film.file("mp4", with_settings)
        return {"ply": to_ply, "splat": to_splat, "glb": to_glb}[kind](self.splats)


def view(splats: Gaussians3D) -> dict[str, Any]:
    """Splats as the page's viewer takes them: a .splat file as a data URL, and how many they are."""
    url = "data:application/octet-stream;base64," + base64.b64encode(to_splat(splats)).decode()
    return {"kind": "gaussians", "url": url, "count": len(splats)}


def load_gaussians(path: str | Path) -> Gaussians3D:
    """The splats of a file, as `read_gaussians` reads it. Raises SceneError."""
    return read_gaussians(path)[0]


def read_gaussians(path: str | Path) -> tuple[Gaussians3D, str]:
    """The valid splats of a .ply, .splat or .glb file, the SHOWN largest if there are more, a mesh's surface as small
    round ones; and a sentence about those that were left out, or "". What is far off or of another size is brought to
    where cameras look. Raises SceneError."""
    kind = Path(path).suffix.lower()
    if kind in UNREAD:
        raise SceneError(f"This is a {kind} file, {UNREAD[kind]}, which Darkroom does not read; export it as .ply.")
    file, note = Path(path).read_bytes(), ""
    if kind == ".glb":
        points, tint, area = from_glb(file)
        splats = Gaussians3D(
            torch.from_numpy(points), torch.from_numpy(tint), 0.7 * (area / SAMPLED) ** 0.5, opacity=0.95
        )
    else:
        attributes = read_splat(file) if kind == ".splat" and not file.startswith(b"ply") else read_ply(file)
        count = len(attributes["means"])
        attributes, invalid = keep_valid(attributes, SHOWN)
        splats = from_colmap(attributes)
        note = describe_missing(count, invalid, len(splats))
    bring_before_camera(splats)
    return splats, note


def describe_missing(count: int, invalid: int, shown: int) -> str:
    """A sentence or two about the splats of a file that are not shown; "" where all are."""
    first = f"Left out: {invalid:,} of {count:,} splats, for numbers that are none or out of all bounds."
    second = f"Shown: {shown:,} of {count - invalid:,} splats."
    return " ".join([first] * (invalid > 0) + [second] * (shown < count - invalid))


@torch.no_grad()
def bring_before_camera(splats: Gaussians3D) -> None:
    """Move and scale, in place, what is far off or of another size."""
    some = splats.means[:: 1 + len(splats) // 50_000]
    low, high = (some.quantile(q, 0) for q in (0.01, 0.99))
    size, middle = 4 * float(splats.scales.amax(1).median().exp()), (low + high) / 2
    extent = max(float((high - low).max()), size)
    scale = 1.5 / extent if not 0.6 < extent < 3.75 else 1.0
    if scale != 1 or middle.abs().max() > 0.5:
        splats.means.copy_((splats.means - middle) * scale)
        splats.scales.add_(math.log(scale))

"""What splats are, from the columns of a PLY file: as Kerbl et al. 2023 name them, as SuperSplat packs them, and as
the points of any other program. Arrays of COLMAP's world: means (n, 3), scales (n, 3) as logarithms, rotations
(n, 4) as quaternions (w, x, y, z), opacities (n,) as logits, harmonics (n, k, 3).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import cKDTree

from pipelines.models.gaussian_splatting.ply import AGAIN, Columns, SceneError, parse_header, read_elements, stack
from pipelines.models.gaussian_splatting.rasterize import SH0

MOST = 1_000_000  # splats of a file
FAR = 1e6  # no place lies farther off, and no other number is larger
SURVEY = 1e8  # coordinates of a map or of the globe, in metres, are smaller
SHOWN = 100_000  # splats that the browser turns
OPAQUE = math.log(0.95 / 0.05)  # the logit of points without an opacity
THIN = math.log(100)  # how much thinner than wide a 2-D Gaussian is (Huang et al. 2024), as a logarithm
RGB = ("red", "green", "blue")
CHUNK = 256  # packed splats that share their bounds
PACKED = {"packed_position", "packed_rotation", "packed_scale", "packed_color"}
BOUNDS = {f"{end}_{part}{axis}" for end in ("min", "max") for part in ("", "scale_") for axis in "xyz"}

Attributes = dict[str, np.ndarray]


def read_ply(file: bytes) -> Attributes:
    """The attributes of all rows, with numbers that are none among them. Raises SceneError."""
    header = parse_header(file)
    vertex = header.find("vertex")
    names = {p.name for p in vertex.properties if not p.count} if vertex else set()
    if vertex is None or not (names >= {"x", "y", "z"} or names >= PACKED):
        raise SceneError("There are no points in this PLY file; choose one that a splatting program saved.")
    if not 0 < vertex.count <= MOST:
        raise SceneError(f"This file holds {vertex.count:,} splats; it can have 1 to {MOST:,}.")
    if not names >= PACKED:
        return from_columns(read_elements(file, header, {"vertex"})["vertex"])
    chunk, rest = header.find("chunk"), header.find("sh")
    if (
        chunk is None
        or not {p.name for p in chunk.properties if not p.count} >= BOUNDS
        or chunk.count * CHUNK < vertex.count
    ):
        raise SceneError(f"The splats of this PLY file are packed, and the bounds of some are missing; {AGAIN}.")
    if rest and rest.count < vertex.count:
        raise SceneError(f"The spherical harmonics of some splats of this PLY file are missing; {AGAIN}.")
    elements = read_elements(file, header, {"chunk", "vertex"} | ({"sh"} if rest else set()))
    return unpack(elements["chunk"], elements["vertex"], elements.get("sh", {}))


def from_columns(columns: Columns) -> Attributes:
    """Splats, or points as small round ones, from columns by their common names."""
    means = read_means(columns)
    axes = [f"scale_{k}" for k in range(3) if f"scale_{k}" in columns] or ["scale"] * ("scale" in columns)
    if axes:
        scales = stack(columns, *axes)
        if len(axes) == 2:
            scales = np.concatenate([scales, scales.min(1, keepdims=True) - THIN], 1)
        scales = np.broadcast_to(scales, means.shape)
    else:
        scales = np.full(means.shape, math.log(neighbour_distance(means) / 2), np.float32)
    turns, base = ("rot_0", "rot_1", "rot_2", "rot_3"), ("f_dc_0", "f_dc_1", "f_dc_2")
    identity = np.tile(np.float32([1, 0, 0, 0]), (len(means), 1))
    plain = not columns.keys() >= set(base)
    constant = (read_colours(columns, len(means)) - 0.5) / np.float32(SH0) if plain else stack(columns, *base)
    return {
        "means": means,
        "scales": scales,
        "rotations": stack(columns, *turns) if columns.keys() >= set(turns) else identity,
        "opacities": read_opacities(columns, len(means)),
        "harmonics": read_harmonics(constant, columns),
    }


def read_means(columns: Columns) -> np.ndarray:
    """Places, which lose a map's origin before they are rounded to float32."""
    means = stack(columns, "x", "y", "z", dtype=np.float64)
    some = means[:: 1 + len(means) // 10_000]
    some = some[(np.abs(some) < SURVEY).all(1)]
    middle = np.median(some, axis=0) if len(some) else np.zeros(3)
    if np.abs(middle).max() > FAR / 100:
        means -= middle
    with np.errstate(over="ignore"):
        return means.astype(np.float32)


def neighbour_distance(means: np.ndarray) -> float:
    """The mean distance to the three nearest neighbours, of a typical one among those points that are shown."""
    means = means[(np.abs(means) <= FAR).all(1)]
    means = np.unique(means[thin_out(len(means), SHOWN)], axis=0)
    if len(means) < 2:
        return 0.1
    distances, _ = cKDTree(means).query(
        means[:: 1 + len(means) // 10_000], k=[2, 3, 4]
    )  # the first is the point itself
    return float(np.median(np.where(np.isfinite(distances), distances, distances[:, :1]).mean(1)))


def thin_out(count: int, most: int) -> np.ndarray:
    """The numbers of `most` points, chosen at random; of all, if there are no more."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def read_colours(columns: Columns, count: int) -> np.ndarray:
    """Plain colours in [0, 1]; grey where there are none."""
    names = next(
        (n for n in (RGB, tuple(f"diffuse_{n}" for n in RGB), tuple("rgb")) if columns.keys() >= set(n)), None
    )
    if names is None:
        return np.full((count, 3), 0.5, np.float32)
    return to_unit(stack(columns, *names), all(np.issubdtype(columns[n].dtype, np.floating) for n in names))


def to_unit(numbers: np.ndarray, floating: bool) -> np.ndarray:
    """Colours of 8 or 16 bits, or floats in [0, 1], as floats in [0, 1]."""
    largest = np.quantile(np.where(np.isfinite(numbers), numbers, 0), 0.99)  # a few may be absurd
    return numbers / np.float32(1 if floating and largest <= 2 else 255 if largest <= 255 else 65535)


def read_opacities(columns: Columns, count: int) -> np.ndarray:
    """Logits. Whole numbers, and an alpha, are opacities themselves."""
    name = next((n for n in ("opacity", "alpha") if n in columns), None)
    if name is None:
        return np.full(count, OPAQUE, np.float32)
    numbers = stack(columns, name)[:, 0]
    floating = np.issubdtype(columns[name].dtype, np.floating)
    return numbers if name == "opacity" and floating else to_logit(to_unit(numbers, floating))


def to_logit(opacity: np.ndarray) -> np.ndarray:
    """Of opacities in [0, 1], of which 8 bits are exact."""
    opacity = opacity.clip(0.002, 0.998)
    return np.log(opacity / (1 - opacity))


def read_harmonics(base: np.ndarray, columns: Columns, quantized: bool = False) -> np.ndarray:
    """Spherical harmonics up to degree 2, which is what is drawn: the constant ones and f_rest, channel by channel."""
    count = next(k for k in range(len(columns) + 1) if f"f_rest_{k}" not in columns)
    width = count // 3 if count % 3 == 0 else 0
    bands = max(n for n in (0, 3, 8) if n <= width)
    if not bands:
        return base[:, None]
    rest = stack(columns, *(f"f_rest_{width * channel + k}" for k in range(bands) for channel in range(3)))
    rest = rest[: len(base)].reshape(len(base), bands, 3)
    return np.concatenate([base[:, None], (rest - 127.5) / 32 if quantized else rest], 1)


def unpack(chunk: Columns, vertex: Columns, rest: Columns) -> Attributes:
    """SuperSplat's compressed PLY: 11, 10 and 11 bits a place and a size between the bounds of 256 splats, the three
    smaller parts of a quaternion in 10 bits each, colour and opacity in 8, harmonics in 8."""
    position, turn, size, colour = (
        vertex[f"packed_{n}"].astype(np.uint32) for n in ("position", "rotation", "scale", "color")
    )
    which = np.arange(len(position)) // CHUNK

    def between(part: np.ndarray, *names: str) -> np.ndarray:
        low, high = (stack(chunk, *(f"{end}_{name}" for name in names)) for end in ("min", "max"))
        with np.errstate(over="ignore", invalid="ignore"):
            return low[which] + part * (high - low)[which]

    largest, parts = turn >> 30, (bits(turn, 10, 10, 10) - 0.5) * np.float32(math.sqrt(2))
    missing = np.sqrt((1 - (parts**2).sum(1)).clip(0))
    rotations = np.empty((len(turn), 4), np.float32)
    for k in range(4):
        rotations[:, k] = np.where(
            largest == k, missing, parts[np.arange(len(turn)), np.where(largest < k, k - 1, min(k, 2))]
        )
    rgba = bits(colour, 8, 8, 8, 8)
    has_bounds = chunk.keys() >= {"min_r", "min_g", "min_b", "max_r", "max_g", "max_b"}
    base = (between(rgba[:, :3], "r", "g", "b") if has_bounds else rgba[:, :3]) - 0.5
    return {
        "means": between(bits(position, 11, 10, 11), "x", "y", "z"),
        "scales": between(bits(size, 11, 10, 11), "scale_x", "scale_y", "scale_z"),
        "rotations": rotations,
        "opacities": to_logit(rgba[:, 3]),
        "harmonics": read_harmonics(base / np.float32(SH0), rest, quantized=True),
    }


def bits(packed: np.ndarray, *widths: int) -> np.ndarray:
    """Numbers in [0, 1] that lie in 32 bits, the last of them lowest: (n, widths), float32."""
    shifts = np.cumsum((0, *widths[:0:-1]))[::-1]
    largest = [2**width - 1 for width in widths]
    return np.stack(
        [(packed >> s & m).astype(np.float32) / m for s, m in zip(shifts.tolist(), largest, strict=True)], 1
    )


def keep_valid(attributes: Attributes, most: int | None = None) -> tuple[Attributes, int]:
    """Those splats whose numbers are all numbers and none absurd, the `most` largest of them; and how many had others.

    Raises SceneError where none is left.
    """
    valid = (attributes["scales"] <= math.log(FAR)).all(1)
    for part in attributes.values():
        valid &= (np.abs(part) <= FAR).reshape(len(part), -1).all(1)
    chosen, invalid = valid.nonzero()[0], int((~valid).sum())
    if not len(chosen):
        raise SceneError(f"All splats of this file have numbers that are none, or out of all bounds; {AGAIN}.")
    if most and len(chosen) > most:
        size = attributes["scales"][chosen].sum(1) - np.logaddexp(0, -attributes["opacities"][chosen])
        alike = np.ptp(size) < 1e-5
        chosen = chosen[thin_out(len(chosen), most) if alike else np.sort(np.argpartition(-size, most)[:most])]
    if len(chosen) < len(valid):
        attributes = {name: part[chosen] for name, part in attributes.items()}
    return attributes, invalid
